/* explain: which upstream would serve, and why each other would not; nothing is sent. Pure. */
#ifndef PM_EXPLAIN_H
#define PM_EXPLAIN_H

#include "config.h"
#include "health.h"
#include "table.h"
#include "view.h"
#include <jansson.h>

struct explain_asked {
	struct view path;    /* of a request, when no group is asked for */
	unsigned group;      /* GROUP_COUNT = by path */
	struct view model;   /* empty = none */
	struct view session; /* its key; empty = none */
	int64_t wall_ms;
	uint64_t now_ms; /* the same moment for `health`, or now when that is later */
};

/* `table` was assembled for that moment, from `config` (may be NULL) and `health`. The body of
 * MSG_EXPLANATION, new reference; NULL and `err` when the path is no request's. */
json_t *explain_encode(const struct table *table, const struct config *config,
    const struct health *health, const struct explain_asked *asked, struct err *err);

#endif
