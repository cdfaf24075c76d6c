/* alert_signs: how that looks now of which alerts tell: upstreams, groups, budgets, errors, the
 * certificate, the disk. */
#ifndef PM_ALERT_SIGNS_H
#define PM_ALERT_SIGNS_H

#include "alert_words.h"
#include "dataplanes.h"
#include "health.h"
#include "stats.h"
#include "table.h"

#define ALERT_RATE_SECONDS_MAX 3600

/* Requests in each of the last seconds. A zeroed struct has seen none. */
struct alert_rate {
	struct {
		int64_t second;
		uint64_t ended, errors;
	} pieces[ALERT_RATE_SECONDS_MAX];
	uint64_t ended, errors; /* totals of who counts, as they were told last */
	int64_t since_ms;       /* the first telling; 0 = none */
};

/* The totals as they are now. */
void alert_rate_note(struct alert_rate *rate, uint64_t ended, uint64_t errors, int64_t now_ms);
/* Sums of the last `window_ms`. */
void alert_rate_sum(const struct alert_rate *rate, int64_t window_ms, int64_t now_ms,
    uint64_t *ended, uint64_t *errors);

/* What is looked at. */
struct alert_watched {
	const struct alert_words *words;
	const struct table *table;
	const struct health *health;
	const struct alert_rate *rate;
	struct stats *stats;   /* NULL = nothing is known of budgets */
	const char *state_dir; /* whose disk it is about */
	uint64_t mono_ms;      /* the clock of `health` */
	int64_t now_ms;        /* wall clock */
};

/* One round of `rules`. */
void alert_signs_round(const struct alert_watched *watched, struct alert_rules *rules);

#endif
