/* chat_queue: Chat Completions lets the parts of an answer interleave; events do not. So the parts
 * stand in a queue in the order of their first words. The first one is live: what comes for it is
 * passed on at once. The others wait in their buffers until the live one is complete: a text is
 * when another part has begun, a call when its JSON closes (and only then, if others wait), all of
 * them when the answer ends. */
#ifndef PM_CHAT_QUEUE_H
#define PM_CHAT_QUEUE_H

#include "arena.h"
#include "bytes.h"
#include "event.h"
#include <stdbool.h>
#include <stdint.h>

/* How far the JSON object of a call has come. */
struct chat_progress {
	unsigned depth;
	bool in_string, escaped, complete;
	bool odd;     /* it does not begin with a brace: no object */
	bool filled;  /* there is something in it */
	uint64_t sum; /* of its bytes so far, of a call without an id */
};

struct chat_item {
	struct chat_item *next;       /* in the queue */
	struct chat_item *older_call; /* for the owner: all calls, also those that are through */
	struct part part;             /* kind, form, id, name */
	int64_t index;                /* of a call; -1: none was given */
	struct chat_progress progress;
	struct bytes wait;     /* not passed on yet */
	struct bytes logprobs; /* of words: items, to be passed on before the next ones */
	bool begun, through;
};

struct chat_queue {
	struct arena *arena; /* items live there */
	event_fn *emit;
	void *ctx;
	struct chat_item *head, *tail;
	unsigned generated; /* ids for calls that came without */
	struct bytes scratch;
};
void chat_queue_init(struct chat_queue *queue, struct arena *arena, event_fn *emit, void *ctx);
void chat_queue_fini(struct chat_queue *queue);
/* A new part behind the others; NULL at the arena's limit. */
struct chat_item *chat_queue_add(struct chat_queue *queue, enum part_kind kind);
/* More of a part: _text, or JSON source for a FUNCTION call. What comes behind a part's end is
 * dropped. */
MUST_CHECK bool chat_queue_feed(
    struct chat_queue *queue, struct chat_item *item, struct view text, struct err *err);
/* The JSON of a call without an id is all there, and it is this one. */
bool chat_queue_has(const struct chat_item *item, struct view text);
/* Passes on what can be: `all` when the answer has ended. */
MUST_CHECK bool chat_queue_advance(struct chat_queue *queue, bool all, struct err *err);
bool chat_queue_too_big(struct err *err);

#endif
