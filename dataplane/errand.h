/* errand: calls of our own accord, by the one data plane that the table names for them: probes of
 * upstreams that rest, the activation of upstreams once a day, and trials that somebody asks for.
 * Orders are numbers in the table: what is above the number that was carried out last is carried
 * out, once. */
#ifndef PM_ERRAND_H
#define PM_ERRAND_H

#include "loop.h"
#include "state.h"
#include "table.h"
#include "upstream.h"
#include <stdint.h>

#define ERRANDS_RUNNING_MAX 16

struct errands;

/* How one has ended; borrowed for the call. */
typedef void errand_fn(const struct report_outcome *outcome, uint64_t began_ms, void *ctx);

/* A trial has ended; what it points to is borrowed for the call. */
typedef void errand_trial_fn(const struct trial_result *result, void *ctx);
/* `boot_id` is what the table calls this data plane. */
struct errands *errands_new(struct loop *loop, struct upstreams *upstreams, uint64_t boot_id,
    errand_fn *on_end, errand_trial_fn *on_tried, void *ctx);
void errands_free(struct errands *errands); /* NULL is fine */
/* A newer table is in force; a reference is taken. */
void errands_table(struct errands *errands, struct table *table);

#endif
