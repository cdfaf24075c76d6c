/* stats_budgets: what client keys had used of their budgets at one time. */
#ifndef PM_STATS_BUDGETS_H
#define PM_STATS_BUDGETS_H

#include "stats_query.h"

/* A zeroed struct knows nothing. */
struct stats_spending {
	struct stats_spent *list; /* NULL: it is not known */
	size_t count;
	struct table_periods periods; /* which day, week and month */
};

/* False (the log says why): nothing was read. */
MUST_CHECK bool stats_spending_read(
    struct stats_spending *out, struct stats_store *store, const struct stats_settings *settings);
void stats_spending_fini(struct stats_spending *spending);
/* Into the key of a table, where it has a budget. */
void stats_spending_fill(const struct stats_spending *spending, struct client_key *key);
/* Of one key; nothing where none is known. */
struct stats_spent stats_spending_of(const struct stats_spending *spending, const char *key);

#endif
