/* anthropic_answer: what the two files that write answers share. */
#ifndef PM_ANTHROPIC_ANSWER_H
#define PM_ANTHROPIC_ANSWER_H

#include "anthropic.h"

struct encoder {
	struct arena *arena;
	struct answer_options options;
	bool stream;
	bool started;     /* message_start is out (a stream's) */
	bool open;        /* a part of the answer is being written */
	bool begun;       /* its content_block_start is out */
	bool visible;     /* FOLD: the content holds a block */
	bool refused;     /* a refusal stood in the content */
	struct part part; /* the open one; ids and names in the arena */
	unsigned index;   /* of the next block */
	unsigned part_count;
	struct bytes text;      /* of the open part: text, thinking or input */
	struct bytes signature; /* _text */
	struct bytes citations; /* items of a JSON array; own family only */
	struct bytes content;   /* FOLD: items of the content array */
	struct usage usage;
	enum stop_reason stop;
	struct bytes stop_text;
};

/* One event of a stream, `json` ready for its other members; then anthropic_event_close. */
MUST_CHECK bool anthropic_event_open(struct write_json *json, struct bytes *out, const char *name);
MUST_CHECK bool anthropic_event_close(struct write_json *json);
/* anthropic_answer_parts.c: the blocks that parts become. False at a limit. */
MUST_CHECK bool anthropic_part_begin(
    struct encoder *encoder, const struct part *part, struct bytes *out);
MUST_CHECK bool anthropic_part_delta(
    struct encoder *encoder, const struct event *event, struct bytes *out);
MUST_CHECK bool anthropic_part_finish(
    struct encoder *encoder, const struct event *event, struct bytes *out);

#endif
