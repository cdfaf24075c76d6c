/* stats_query: questions about the statistics. Each reads one state of the database: what it tells
 * adds up. */
#ifndef PM_STATS_QUERY_H
#define PM_STATS_QUERY_H

#include "stats_store.h"
#include <jansson.h>

/* Answers are new references; NULL and `err` (ERR_CONFIG names the member of the question that is
 * wrong). Bodies are described in ipc/README.md. */

/* MSG_GET_STATS: sums by day, hour, model, upstream, client key or protocol. */
json_t *stats_query_sums(struct stats_store *store, const json_t *body, struct err *err);
/* MSG_GET_REQUESTS: single requests, the newest first. */
json_t *stats_query_requests(struct stats_store *store, const json_t *body, struct err *err);
/* MSG_GET_TOKEN_STATS: the sums of this epoch in the shape of earlier versions. */
json_t *stats_query_token_stats(struct stats_store *store, const json_t *body, struct err *err);

/* What a client key has used within the present day, week and month, over all epochs. */
struct stats_spent {
	char key[TABLE_NAME_BYTES_MAX + 1];
	int64_t tokens[PERIODS], nano[PERIODS];
};
/* One for each key that has used anything; the caller mem_free's. False and `err` on failure. */
MUST_CHECK bool stats_query_spent(struct stats_store *store, const struct stats_settings *settings,
    struct stats_spent **out, size_t *count, struct err *err);
/* MSG_GET_SPENT: the same as an answer: {periods, keys}. */
json_t *stats_query_usage(
    struct stats_store *store, const struct stats_settings *settings, struct err *err);

#endif
