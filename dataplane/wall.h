/* wall: the commit wall and the end of an answer. Watches the (decoded) bytes of an upstream's
 * answer and says whether something useful has come, whether it is a failure in disguise, and
 * whether it has ended as its protocol says. Never changes a byte. PURE.
 *
 * Useful (COMMIT), streaming:
 *   anthropic: content_block_start, content_block_delta (or message_delta: an empty but whole
 *     answer); message_start and ping are not useful yet.
 *   chat: a chunk with a delta that has anything filled but a role (content, reasoning, refusal,
 *     tool_calls, ...), or any finish_reason.
 *   responses: response.output_item.added or any later event; created, in_progress and queued are
 *     not.
 * FAILED: an error event before COMMIT (anthropic "error", responses "error", "response.failed" or
 *   one that completes with the status failed, chat {"error":..}); a body that is no SSE at all
 *   (HTML, JSON); end of body, message_stop or [DONE] before COMMIT.
 * Not streaming: a whole JSON body of the protocol's answer commits; {"type":"error"...} and
 *   {"error":...} with a 2xx, a response that says it failed, no choice at all, any other JSON, an
 *   empty body or HTML is FAILED.
 * Terminal: anthropic message_stop, or message_delta with a stop_reason; chat finish_reason or
 *   [DONE]; responses response.completed, incomplete or failed.
 *
 * After COMMIT an error event sets `fault` and is terminal (the client has been told), but for the
 * responses event "error", which needs a response.failed after it. What comes behind the terminal
 * event is not looked at. */
#ifndef PM_WALL_H
#define PM_WALL_H

#include "sse.h"
#include "table.h"
#include "view.h"
#include <stdbool.h>
#include <stddef.h>

/* What is judged, and held back by the caller, at most; a body that has said nothing wrong by then
 * is committed. Half of it is the longest event that is read whole. */
#define WALL_HOLD_BYTES ((size_t)256 * 1024)

enum wall_verdict { WALL_WAIT, WALL_COMMIT, WALL_FAILED };
enum wall_shape {
	WALL_STREAM, /* the client asked for a stream and content-type is text/event-stream */
	WALL_WHOLE,  /* one JSON document */
	WALL_OPAQUE, /* nothing is known (models list, other paths): any byte commits */
};
enum wall_fault {
	WALL_FINE,
	WALL_ERROR_EVENT,
	WALL_EMPTY,
	WALL_NOT_SSE,
	WALL_NOT_JSON, /* or not the protocol's answer */
	WALL_ENDED_EARLY,
};
/* "fine", "error_event", "empty", "not_sse", "not_json", "ended_early". */
const char *wall_fault_name(enum wall_fault fault);

struct wall {
	enum protocol protocol;
	enum wall_shape shape;
	enum wall_verdict verdict;
	enum wall_fault fault;
	bool terminal; /* the protocol's own end was seen */
	bool sealed; /* ... and nothing that clients wait for follows: anthropic message_stop itself
		      */
	bool closed; /* the very last event was seen: message_stop, [DONE], an end of responses */
	bool opened; /* message_start / response.created was seen: fits the error event after it */
	char error_type[64];     /* upstream's error.type or code of a FAILED, may be empty */
	char error_message[256]; /* its message, cut */
	uint64_t events;
	uint64_t sequence_next; /* responses: last sequence_number + 1, else a count */
	size_t seen_bytes;
	struct sse_reader sse;
	struct bytes whole;     /* WHOLE: up to 256 KiB of it, to judge */
	bool decided, document; /* STREAM: first byte seen; it begins like JSON or HTML */
	bool ended;             /* the body did */
	char last;              /* WHOLE: last byte that is no space */
};
/* The struct must not move until wall_fini. */
void wall_init(struct wall *wall, enum protocol protocol, enum wall_shape shape);
void wall_fini(struct wall *wall);
/* Returns the verdict after these bytes; it stays once it left WAIT. Cheap after COMMIT. */
enum wall_verdict wall_feed(struct wall *wall, struct view bytes);
/* The body ended. WAIT becomes COMMIT (a whole answer) or FAILED. */
enum wall_verdict wall_end(struct wall *wall);

#endif
