/* stats_store: the statistics in SQLite: each client request by itself, kept for a while, and sums
 * by hour and by day, kept for ever. One transaction stores a batch of a data plane together with
 * the number of its last record, so that each is counted once, whatever is sent again. */
#ifndef PM_STATS_STORE_H
#define PM_STATS_STORE_H

#include "names.h"
#include "record.h"
#include "sql.h"
#include "stats_settings.h"

#define STATS_FILE "stats.db"
/* More models, keys and the like in one day are counted as STATS_OTHER. */
#define STATS_NAMES_MAX 500
#define STATS_OTHER "(other)"

struct stats_store;

/* Opens or makes `folder`/stats.db, brings an older one up to date. A damaged one is put aside as
 * stats.db.damaged, what can be read of it is taken over, and the log says what was lost. NULL and
 * `err` when there can be none now: ERR_IO for a disk that is full or read-only.
 * The check of all of a big file takes long: without `thorough` single requests and sums by hour
 * are left to stats_store_look(). */
struct stats_store *stats_store_open(const char *folder, bool thorough, struct err *err);
/* Reads some single requests behind `*after` (0 at first) to see that they can be. ERR_PARSE: they
 * cannot; close it and open it with `thorough`. */
MUST_CHECK bool stats_store_look(
    struct stats_store *store, int64_t *after, bool *more, struct err *err);
void stats_store_close(struct stats_store *store); /* NULL is fine */
/* For questions (stats_query.h). Borrowed. */
struct sql *stats_store_sql(struct stats_store *store);

/* What came of a batch. */
struct stats_counted {
	bool fresh[STATS_BATCH_MAX]; /* this record was stored now, and never before */
	uint64_t missing;            /* records before the first that never came */
	uint64_t strange;            /* left out: it has no id of a request */
};
struct stats_batch {
	uint64_t journal; /* journal_id of the data plane */
	uint64_t first;   /* number of the first record */
	const struct record *records;
	size_t count;                  /* at most STATS_BATCH_MAX */
	struct stats_counted *counted; /* may be NULL; all zero when nothing was stored */
};
/* All or nothing. `stored`: the number of the last record of that journal that is safe on disk now,
 * also of batches before this one. ERR_PARSE: the file is damaged; close it and open it again. */
MUST_CHECK bool stats_store_batch(struct stats_store *store, const struct stats_settings *settings,
    const struct stats_batch *batch, uint64_t *stored, struct err *err);

/* Drops single requests that are too old, or the oldest ones while the file is too big: a bounded
 * piece of that work. `more`: call again soon. */
MUST_CHECK bool stats_store_trim(struct stats_store *store, const struct stats_settings *settings,
    int64_t now_ms, bool *more, struct err *err);

/* Sums begin anew from here; the ones before stay in the file under their epoch. */
MUST_CHECK bool stats_store_reset(struct stats_store *store, int64_t now_ms, struct err *err);
int64_t stats_store_epoch(const struct stats_store *store);

#endif
