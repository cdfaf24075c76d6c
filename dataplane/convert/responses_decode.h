/* responses_decode: the state of an answer being read, shared by its files.
 *
 * Parts never interleave in our events, items do at some upstreams. The floor belongs to the item
 * whose part is open; what comes for another item meanwhile is held as records and played when the
 * floor is free. Items are known by their index: ids change between events at some upstreams. */
#ifndef PM_RESPONSES_DECODE_H
#define PM_RESPONSES_DECODE_H

#include "responses.h"

enum item_kind {
	ITEM_MESSAGE,
	ITEM_REASONING,
	ITEM_FUNCTION,
	ITEM_CUSTOM,
	ITEM_TYPED,
	ITEM_SEARCH,
	ITEM_HOSTED,
};

enum record_kind {
	RECORD_BEGIN,        /* a call whose name is known */
	RECORD_TEXT,         /* a delta; _text */
	RECORD_FULL,         /* a text as it is when done; _text */
	RECORD_CITE,         /* JSON source of an annotation */
	RECORD_LOGPROBS,     /* JSON source of a list, of the text that comes next */
	RECORD_ALL_LOGPROBS, /* ... of a content part when done */
	RECORD_CLOSE,        /* a content part is done */
	RECORD_DONE,         /* JSON source of the item when done */
};
struct record {
	enum record_kind kind;
	enum part_kind part; /* of TEXT and FULL: TEXT, REFUSAL, THINKING (a summary), CALL */
	bool raw_thinking;   /* reasoning_text, not a summary */
	int64_t index;       /* of the content part */
	struct view data;
};

struct item {
	struct item *next;
	int64_t index;
	enum item_kind kind;
	const struct responses_typed *typed;
	struct view id, call_id, name, space; /* plain, in the arena */
	struct view first_json; /* as it began, if there was something in it already */
	bool begun, done;
	bool is_claimed, is_told; /* of the output that the last event tells: responses_output */
	enum part_kind open_kind; /* of a message's open part */
	int64_t part;             /* index of the content part that text was given of */
	int64_t closed;           /* content parts before it are done */
	size_t units;             /* UTF-16 units given of it: escapes may differ between events */
	size_t cites;             /* annotations given of it */
	bool raw_thinking;
	struct bytes logprobs; /* items, to be given before the next text */
	int64_t logprobs_part; /* index of the content part that they are of */
	size_t logprobs_known; /* entries that have come of it */
	struct bytes held;     /* records, while another item has the floor */
};

struct decoder {
	struct arena *arena;
	event_fn *emit;
	void *ctx;
	struct item *first, *last, *open;
	size_t item_count, held_bytes;
	int64_t searches;
	bool started, ended, had_call, had_refusal, cut, seen_progress;
	struct bytes scratch;
	struct err *err;
};

/* responses_decode_output.c: what the last event tells of the output and the stream did not. */
MUST_CHECK bool responses_output_take(struct decoder *decoder, struct jsonspan_value output);
/* Remembers what an item began with: some upstreams tell no more of it. */
MUST_CHECK bool responses_output_keep(
    struct decoder *decoder, struct item *item, struct jsonspan_value source);
/* Gives what items began with and was not told since. */
MUST_CHECK bool responses_output_firsts(struct decoder *decoder);

/* responses_decode_text.c, of the insides of JSON strings: how long one is in UTF-16 units, and
 * what of it is behind so many. */
size_t responses_text_units(struct view text);
struct view responses_text_behind(struct view text, size_t skip);

/* responses_decode_item.c; all false with decoder->err filled. */
MUST_CHECK bool responses_item_add(
    struct decoder *decoder, int64_t index, struct jsonspan_value source, struct item **out);
enum item_kind responses_item_kind(struct jsonspan_value type);
void responses_item_fini(struct item *item);
/* Plays a record, or holds it. */
MUST_CHECK bool responses_item_apply(
    struct decoder *decoder, struct item *item, const struct record *record);
/* The answer ends: whatever is open or held is given and finished. */
MUST_CHECK bool responses_items_end(struct decoder *decoder);

#endif
