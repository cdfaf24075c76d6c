/* stats_settings: what the statistics' thread needs to know of the configuration. Made by the main
 * thread, never changed, counted. */
#ifndef PM_STATS_SETTINGS_H
#define PM_STATS_SETTINGS_H

#include "config.h"
#include "table.h"
#include <stdint.h>

/* Days whose borders are known beforehand: the calendar is the process's (see zone.h), so that the
 * thread cannot ask it. */
#define STATS_DAYS_BACK 40
#define STATS_DAYS 480

struct stats_day {
	int64_t start_ms; /* wall clock of its first moment in the configured zone */
	char name[11];    /* "2026-11-26" */
};

struct stats_settings {
	struct stats_day days[STATS_DAYS]; /* without gaps, ascending */
	struct table_periods periods;      /* of now, for budgets */
	bool budgets;                      /* a client key has one */
	uint32_t keep_days;                /* of single requests; sums are kept for ever */
	uint64_t keep_bytes;               /* of the database */
	struct table *prices; /* only prices, and the factor of each upstream by its id */
};

/* From the configuration (NULL = defaults), with the calendar around `wall_ms`. */
struct stats_settings *stats_settings_new(const struct config *config, int64_t wall_ms);
struct stats_settings *stats_settings_ref(struct stats_settings *settings);
void stats_settings_unref(struct stats_settings *settings); /* NULL is fine */
/* The day of a moment; one beyond those that are known is that of UTC. */
void stats_settings_day(const struct stats_settings *settings, int64_t at_ms, char out[11]);

#endif
