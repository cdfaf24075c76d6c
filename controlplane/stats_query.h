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

#endif
