/* stops: stop sequences for upstreams whose protocol has none: the answer's text is cut where one
 * of them begins, and the answer ends there. The upstream is heard to its end, for its usage. */
#ifndef PM_STOPS_H
#define PM_STOPS_H

#include "arena.h"
#include "bytes.h"
#include "event.h"
#include <stdbool.h>

struct stops {
	struct text_list *plain; /* the sequences, unescaped; NULL: nothing to do */
	size_t longest_bytes;
	struct bytes held; /* plain text that may be the beginning of one */
	struct bytes text; /* _text, while it is passed on */
	bool in_text;      /* a TEXT part is open */
	const struct text_list *found;
};
/* `stops` are _text. False at the arena's limit. */
MUST_CHECK bool stops_init(
    struct stops *stops, struct arena *arena, const struct text_list *list, size_t bytes_max);
void stops_fini(struct stops *stops);
/* Passes `event` on to `next`, cut, later or not at all. */
MUST_CHECK bool stops_feed(
    struct stops *stops, const struct event *event, event_fn *next, void *ctx, struct err *err);

#endif
