/* poster: POSTs a JSON document to somebody who is no upstream: a webhook, a collector. Over the
 * same libcurl as calls to upstreams, and beside them: nobody waits for it. */
#ifndef PM_POSTER_H
#define PM_POSTER_H

#include "bytes.h"
#include "loop.h"
#include "outcome.h"
#include "upstream.h"
#include "view.h"
#include <stdbool.h>
#include <stdint.h>

#define POSTER_ANSWER_BYTES_MAX 4096

struct post;

struct post_call {
	const char *url;       /* copied */
	struct bytes *headers; /* more of them, "Name: value" NUL ...; taken, wiped when dropped */
	struct bytes *body;    /* taken */
	uint64_t limit_ms;     /* of the whole */
	bool any_address;      /* the owner allows one that is denied otherwise */
	bool fresh;            /* not over a connection that was used before */
};

struct post_result {
	enum transport transport;
	int status;         /* 0 = no answer */
	bool taken;         /* 2xx, whole */
	char reason[32];    /* "ok", "status_500", or the word of the transport */
	struct view answer; /* the first bytes of its body; borrowed */
};

/* Called once, outside libcurl and never from within post_start; frees it first: the handle is gone
 * then. */
typedef void post_fn(const struct post_result *result, void *ctx);

struct post *post_start(struct loop *loop, struct upstreams *upstreams,
    const struct post_call *call, post_fn *on_end, void *ctx);
/* Cancels it; `on_end` is not called. NULL is fine. */
void post_free(struct post *post);

#endif
