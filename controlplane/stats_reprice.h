/* stats_reprice: the costs of past calls anew, by the prices of now. Single requests are what it
 * works on, so that it reaches as far back as they are kept; sums change by the differences. Each
 * piece is one transaction: one that is cut off leaves the rest as it was, and may be run again. */
#ifndef PM_STATS_REPRICE_H
#define PM_STATS_REPRICE_H

#include "stats_store.h"

#define STATS_REPRICE_ROWS 200 /* of one piece */

struct stats_reprice {
	int64_t from_ms, to_ms; /* requests with from_ms <= at_ms < to_ms */
	int64_t after;          /* the last request that was looked at; 0 at first */
	int64_t looked, changed;
	bool running;
};

/* The next piece; `running` becomes false with the last one. */
MUST_CHECK bool stats_reprice_step(struct stats_store *store, const struct stats_settings *settings,
    struct stats_reprice *reprice, struct err *err);

#endif
