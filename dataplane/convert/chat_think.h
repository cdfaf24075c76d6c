/* chat_think: finds <think>...</think> at the start of an answer's content, over any split. For
 * upstreams that are known to write their thinking so. */
#ifndef PM_CHAT_THINK_H
#define PM_CHAT_THINK_H

#include "err.h"
#include "view.h"
#include <stdbool.h>
#include <stddef.h>

struct chat_think {
	enum { CHAT_THINK_BEFORE, CHAT_THINK_INSIDE, CHAT_THINK_AFTER } state;
	char held[64]; /* source of what may become a tag, and of the blanks before it */
	size_t held_len, matched;
};
/* A piece of _text that is thinking or not. */
typedef bool chat_think_fn(void *ctx, bool thinking, struct view text, struct err *err);
/* `text` is _text: "<" may be written as an escape. Pieces go to `give` in order. */
MUST_CHECK bool chat_think_feed(
    struct chat_think *think, struct view text, chat_think_fn *give, void *ctx, struct err *err);
/* The content is over: what was held back is given out. */
MUST_CHECK bool chat_think_end(
    struct chat_think *think, chat_think_fn *give, void *ctx, struct err *err);

#endif
