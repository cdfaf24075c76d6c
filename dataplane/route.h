/* route: from method and path to what is wanted; from a table to the candidates. PURE. */
#ifndef PM_ROUTE_H
#define PM_ROUTE_H

#include "choose.h"
#include "httpd.h"
#include "table.h"
#include "view.h"
#include <stdbool.h>
#include <stddef.h>

enum route_kind {
	ROUTE_LLM,        /* needs a client key, goes to an upstream */
	ROUTE_PROBE,      /* HEAD/GET that clients send without a key: 200, empty */
	ROUTE_ADMIN,      /* pages and admin API: passed to webadmin */
	ROUTE_NOT_FOUND,  /* 404 in the protocol's shape */
	ROUTE_BAD_METHOD, /* 405, `allow` says what would do */
};

enum endpoint {
	ENDPOINT_GENERATE,     /* messages, chat/completions, responses */
	ENDPOINT_COUNT_TOKENS, /* messages/count_tokens */
	ENDPOINT_MODELS,       /* models, models/ID */
	ENDPOINT_OTHER,        /* anything else below a known prefix: passed as it is */
};

struct route {
	enum route_kind kind;
	enum protocol protocol; /* the client's; also for refusals */
	enum endpoint endpoint;
	enum group group;
	struct view path;  /* for the upstream, as "/v1/messages"; borrows from the request */
	const char *allow; /* BAD_METHOD */
};

/* `anthropic_client`: the request carries anthropic-version or x-api-key (tells whose /v1/models it
 * is). A WebSocket upgrade is not asked here: front refuses it before. */
struct route route_match(enum http_method method, struct view path, bool anthropic_client);

/* Which groups of `table` can serve the route: see choose_groups. */
size_t route_groups(const struct route *route, const struct table *table,
    struct choose_group out[GROUP_COUNT], bool *needs_conversion);

#endif
