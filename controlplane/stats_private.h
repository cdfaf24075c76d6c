/* stats_private: what the files of stats_store share. */
#ifndef PM_STATS_PRIVATE_H
#define PM_STATS_PRIVATE_H

#include "stats_store.h"

struct stats_store {
	struct sql *sql;
	int64_t epoch;
};

/* Before anything is made in a new file. */
#define STATS_PAGE_BYTES 4096
#define STATS_NEW_SQL "PRAGMA page_size=4096; PRAGMA auto_vacuum=INCREMENTAL"
/* Brings an older schema up to date. ERR_PARSE: it is damaged; ERR_IO also: a newer version made
 * it. */
MUST_CHECK bool stats_schema_migrate(struct sql *sql, struct err *err);
/* ERR_PARSE: it is not exactly what the newest version makes. */
MUST_CHECK bool stats_schema_check(struct sql *sql, struct err *err);

struct stats_rescued {
	int64_t requests, sums, journals; /* rows */
	int64_t rebuilt;                  /* days and hours whose sums were made anew */
	bool complete;                    /* nothing was unreadable */
};
/* Gives the damaged file at `path` the first page of a whole one, which says where all the tables
 * are and has nothing else: the same for every file of a version. Needs a checkpoint of `whole`
 * before. */
void stats_rescue_head(const char *whole, const char *path);
/* Copies what can be read of the damaged file at `path` into a new, empty one. */
void stats_rescue(struct sql *to, const char *path, struct stats_rescued *out);

/* Makes the sums of those days and hours anew of which more requests are there than they know; how
 * many these are. */
MUST_CHECK bool stats_rebuild(struct sql *sql, int64_t *made, struct err *err);

/* The columns of hours and days that are summed, with commas between; STATS_SUM_COUNT of them. */
#define STATS_SUM_COUNT 22
extern const char *const stats_sum_names[STATS_SUM_COUNT];

/* Beside hours and days, which tell everything apart, their sums by one thing at a time: the table
 * rolls(epoch, by_hour, roll, at, name), `name` being empty for STATS_ROLL_ALL. */
enum stats_roll {
	STATS_ROLL_ALL,
	STATS_ROLL_MODEL,
	STATS_ROLL_UPSTREAM,
	STATS_ROLL_KEY,
	STATS_ROLL_PROTOCOL,
	STATS_ROLLS
};
/* The column of hours and days that is the name. */
extern const char *const stats_roll_columns[STATS_ROLLS];
/* All of them anew, from hours and days. */
MUST_CHECK bool stats_rolls_fill(struct sql *sql, struct err *err);

#endif
