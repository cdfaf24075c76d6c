/* pause: an answer that its upstream has paused, in the middle of tools that it runs itself, to be
 * asked again with what it has said so far. The events of all its pieces become those of one
 * answer, and its use of tokens their sum. */
#ifndef PM_PAUSE_H
#define PM_PAUSE_H

#include "codec.h"
#include "event.h"

#define PAUSE_ROUNDS_MAX 5 /* so often an answer is continued; then its pause is its end */

struct pause {
	const struct pause_ops *ops; /* NULL: nothing is continued, events pass as they are */
	struct said *said;
	unsigned rounds;          /* how often it has been continued */
	bool paused;              /* the piece that has ended is not the last */
	struct usage before, now; /* of the pieces before; of this one */
};
/* False at the arena's limit. */
MUST_CHECK bool pause_init(struct pause *pause, const struct pause_ops *ops, struct arena *arena);
void pause_fini(struct pause *pause);
/* The upstream's own words, before they are decoded. False at a limit. */
MUST_CHECK bool pause_hear(struct pause *pause, const struct sse_event *event, struct err *err);
MUST_CHECK bool pause_hear_whole(struct pause *pause, struct view body, struct err *err);
/* Passes `event` on to `next`, but for the end and the beginning where two pieces meet. */
MUST_CHECK bool pause_feed(
    struct pause *pause, const struct event *event, event_fn *next, void *ctx, struct err *err);
/* `body`, the request as it was sent at first, with what was said so far (appended to `out`); the
 * next piece may come. */
MUST_CHECK bool pause_continue(
    struct pause *pause, struct view body, struct bytes *out, struct err *err);

#endif
