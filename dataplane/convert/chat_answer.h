/* chat_answer: what the two files of the encoder of Chat Completions answers share. */
#ifndef PM_CHAT_ANSWER_H
#define PM_CHAT_ANSWER_H

#include "chat.h"
#include "freeform.h"

#define CHAT_ANSWER_BYTES_MAX (64u << 20)

struct source;

struct encoder {
	struct arena *arena;
	struct answer_options options;
	bool stream;
	struct view id;
	/* a whole answer: the words so far, as _text */
	struct bytes content, reasoning, refusal;
	/* items of JSON arrays */
	struct bytes annotations, blocks, calls;
	/* ... of a stream: of the next chunk */
	struct bytes text_logprobs, refusal_logprobs;
	/* the open part */
	struct part part;
	struct bytes thinking, signature;
	bool custom;  /* a call of a custom tool */
	bool unwraps; /* and the upstream wraps its input in JSON */
	struct freeform freeform;
	struct bytes piece;
	struct source *sources, *sources_last; /* of the open part */
	int64_t points, part_start; /* code points of all text, and where the open part began */
	int64_t call_count;
	bool has_refusal, has_reasoning;
	bool has_open_end; /* the last part is a call whose input was cut */
	struct usage usage;
	enum stop_reason stop;
	struct view stop_text;
};

/* chat_answer.c */
bool chat_answer_too_big(struct err *err);
/* A chunk up to and with the brace of its delta, and from there on; `finish` may be NULL. */
void chat_chunk_begin(struct encoder *encoder, struct write_json *json, struct bytes *out);
MUST_CHECK bool chat_chunk_end(
    struct encoder *encoder, struct write_json *json, const char *finish, struct err *err);
/* A chunk whose delta is one array of ready items. */
MUST_CHECK bool chat_chunk_items(struct encoder *encoder, const char *key,
    const struct bytes *items, struct bytes *out, struct err *err);
/* Words of one member: a chunk, or more of the whole answer's text. */
MUST_CHECK bool chat_words(struct encoder *encoder, const char *key, struct bytes *whole,
    struct view text, struct bytes *out, struct err *err);

/* chat_answer_parts.c: of the open part. */
int64_t chat_count_points(struct view text);
MUST_CHECK bool chat_keep_source(
    struct encoder *encoder, const struct citation *citation, struct err *err);
MUST_CHECK bool chat_write_sources(struct encoder *encoder, struct bytes *out, struct err *err);
MUST_CHECK bool chat_think_more(
    struct encoder *encoder, struct view text, struct bytes *out, struct err *err);
MUST_CHECK bool chat_finish_thinking(struct encoder *encoder, struct bytes *out, struct err *err);
MUST_CHECK bool chat_begin_call(
    struct encoder *encoder, const struct part *part, struct bytes *out, struct err *err);
/* A piece of the input: the inside of a JSON string, or JSON source. */
MUST_CHECK bool chat_call_piece(
    struct encoder *encoder, struct view piece, struct bytes *out, struct err *err);
MUST_CHECK bool chat_call_source(
    struct encoder *encoder, struct view source, struct bytes *out, struct err *err);
MUST_CHECK bool chat_finish_call(struct encoder *encoder, struct bytes *out, struct err *err);

#endif
