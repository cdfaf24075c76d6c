/* responses_answer: the state of an answer being written, shared by its two files.
 *
 * A stream and a whole object are one: items are gathered either way, the events of a stream are
 * written beside. */
#ifndef PM_RESPONSES_ANSWER_H
#define PM_RESPONSES_ANSWER_H

#include "freeform.h"
#include "responses.h"

#define RESPONSES_ITEM_ID_BYTES 96

enum open_kind { OPEN_NONE, OPEN_MESSAGE, OPEN_REASONING, OPEN_FUNCTION, OPEN_CUSTOM, OPEN_TYPED };

/* A source, until its text's end is known. */
struct pending_citation {
	struct pending_citation *next;
	struct view url, title, json; /* in the arena */
	int64_t start, end;
};

struct encoder {
	struct arena *arena;
	struct answer_options options;
	struct view answer_id; /* by which a client may continue it there; empty = unknown */
	bool stream, started, ended, had_refusal;
	int64_t sequence;
	struct bytes output; /* done items with commas between them */
	size_t item_count;   /* the open item's index */
	struct usage usage;
	const char *incomplete_reason; /* known at the stop */
	/* the open item */
	enum open_kind open;
	char id[RESPONSES_ITEM_ID_BYTES];
	bool incomplete;
	struct bytes text; /* _text; of FUNCTION and TYPED: JSON source */
	/* MESSAGE, which has one content part */
	enum part_kind part_kind;
	struct bytes notes;    /* its annotations */
	struct bytes logprobs; /* items: of all its text */
	struct bytes news;     /* ... of the text that comes next */
	int64_t note_count;
	int64_t points, block_points; /* code points of the text; where the last block began */
	struct pending_citation *cited, **cited_end;
	/* REASONING */
	struct part thought; /* REDACTED or THINKING; the item id in the arena */
	struct bytes signature, seal;
	/* calls */
	struct view call_id, name, space; /* plain, in the arena */
	const struct responses_typed *typed;
	enum call_form source_form; /* how the upstream writes it */
	struct freeform freeform;
	bool freeform_open;
	/* while writing */
	struct write_json json;
	struct bytes *out;
	size_t event_start;
	bool full;
};

/* Opens an event of a stream in encoder->json; false when there is none to write. */
MUST_CHECK bool responses_event_begin(struct encoder *encoder, const char *type);
void responses_event_end(struct encoder *encoder);

/* responses_answer_item.c. Failures make encoder->full. */
void responses_part_begin(struct encoder *encoder, const struct part *part);
void responses_part_delta(struct encoder *encoder, const struct event *event);
void responses_part_finish(struct encoder *encoder, bool incomplete);
/* The open message, if any, is done. */
void responses_message_close(struct encoder *encoder);
void responses_refuse(struct encoder *encoder, struct view text);
void responses_keep(struct encoder *encoder, bool ok);
/* An item, and events about it: those of its body name it and its place. */
void responses_item_begin(struct encoder *encoder, enum open_kind kind, const char *prefix);
void responses_item_event(struct encoder *encoder, bool done);
void responses_item_end(struct encoder *encoder);
MUST_CHECK bool responses_body_begin(struct encoder *encoder, const char *type);
void responses_body_event(
    struct encoder *encoder, const char *type, const char *key, struct view text);

/* responses_compaction.c: takes the event of an answer that is a compaction instead of a message:
 * its parts, and its stop. False with err when there is no summary. */
MUST_CHECK bool responses_compacts(
    struct encoder *encoder, const struct event *event, struct err *err);

/* responses_answer_call.c */
void responses_call_begin(struct encoder *encoder, const struct part *part);
void responses_call_input(struct encoder *encoder, struct view piece);
void responses_call_finish(struct encoder *encoder, bool incomplete);
/* The members of the open call's item behind its status. */
void responses_call_write(struct encoder *encoder, struct write_json *json, bool done);

#endif
