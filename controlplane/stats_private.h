/* stats_private: what the files of stats_store share. */
#ifndef PM_STATS_PRIVATE_H
#define PM_STATS_PRIVATE_H

#include "stats_store.h"

struct stats_store {
	struct sql *sql;
	int64_t epoch;
};

struct stats_rescued {
	int64_t requests, sums, journals; /* rows */
	bool complete;                    /* nothing was unreadable */
};
/* Copies what can be read of the damaged file at `path` into a new, empty one. */
void stats_rescue(struct sql *to, const char *path, struct stats_rescued *out);

/* The columns of hours and days that are summed, with commas between; STATS_SUM_COUNT of them. */
#define STATS_SUM_COUNT 20
extern const char *const stats_sum_names[STATS_SUM_COUNT];

#endif
