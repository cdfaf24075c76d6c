/* settle: what upstreams of every protocol get wrong, put right between decoder and encoder:
 *   - a FUNCTION call without input gets {}; one whose input breaks off is marked incomplete (what
 *     is only written wrongly stays as it is: a client tells its model of that);
 *   - a call without a name is the peer's error: nobody could make it;
 *   - a stop that contradicts the content: a call was made ("tool use"), or none was, or
 *     half of one ("max tokens"). */
#ifndef PM_SETTLE_H
#define PM_SETTLE_H

#include "bytes.h"
#include "err.h"
#include "event.h"
#include <stdbool.h>
#include <stddef.h>

struct settle {
	struct bytes input; /* of the open call */
	bool in_function;   /* a FUNCTION call is open */
	bool had_call;
	bool breaks_off; /* a call whose input has no end was among them */
};
void settle_init(struct settle *settle, size_t bytes_max);
void settle_fini(struct settle *settle);
/* Passes `event` on to `next`, changed or with another event before it. */
MUST_CHECK bool settle_feed(
    struct settle *settle, const struct event *event, event_fn *next, void *ctx, struct err *err);

#endif
