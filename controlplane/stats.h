/* stats: the statistics' thread. It takes the records of data planes and answers questions about
 * them on a socket of its own (NAMES_STATS), so that a slow disk delays nobody else. */
#ifndef PM_STATS_H
#define PM_STATS_H

#include "err.h"
#include "stats_settings.h"

struct stats;

/* Binds the socket and starts the thread. NULL and `err` when that cannot be; a database that
 * cannot be opened is no reason: it is tried again, and data planes keep their records meanwhile.
 * Takes over the reference to the settings. */
struct stats *stats_start(
    const char *state_dir, const char *run_dir, struct stats_settings *settings, struct err *err);
/* New settings; takes over the reference. */
void stats_configure(struct stats *stats, struct stats_settings *settings);
/* What keeps it from storing, "" = nothing; copied. */
void stats_trouble(struct stats *stats, char *out, size_t out_len);
/* Ends the thread after what it is doing. NULL is fine. */
void stats_stop(struct stats *stats);

#endif
