/* stats: the statistics' thread. It takes the records of data planes and answers questions about
 * them on a socket of its own (NAMES_STATS), so that a slow disk delays nobody else. */
#ifndef PM_STATS_H
#define PM_STATS_H

#include "err.h"
#include "loop.h"
#include "stats_query.h"
#include "stats_settings.h"
#include "tally.h"

struct stats;

struct stats_options {
	const char *state_dir, *run_dir;
	struct loop *loop; /* the caller's: `on_ready` is called there ... */
	/* ... once what is spent of budgets is known. */
	void (*on_ready)(void *ctx);
	void *ctx;
};

/* Binds the socket and starts the thread. NULL and `err` when that cannot be; a database that
 * cannot be opened is no reason: it is tried again, and data planes keep their records meanwhile.
 * Takes over the reference to the settings. */
struct stats *stats_start(
    const struct stats_options *options, struct stats_settings *settings, struct err *err);
/* Fills in what was spent of the budgets of the table's keys when the database was opened. False:
 * it is not known yet. */
bool stats_fill_spent(struct stats *stats, struct table *table);
/* What this key has used within the present day, week and month, some seconds old at most, and
 * which those are. False: it is not known, or nobody has a budget. */
bool stats_budget(
    struct stats *stats, const char *key, struct stats_spent *out, struct table_periods *of);
/* New settings; takes over the reference. */
void stats_configure(struct stats *stats, struct stats_settings *settings);
/* What keeps it from storing, "" = nothing; copied. */
void stats_trouble(struct stats *stats, char *out, size_t out_len);
/* What has been stored since it was started; copied. Waits for no disk. */
void stats_tally(struct stats *stats, struct tally *out);
/* Ends the thread after what it is doing. NULL is fine. */
void stats_stop(struct stats *stats);

#endif
