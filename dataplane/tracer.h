/* tracer: brings the spans of requests to the owner's collector, in batches, beside everything
 * else: nobody waits for it. What does not fit into its queue, or what the collector does not take
 * after some tries, is dropped and counted. */
#ifndef PM_TRACER_H
#define PM_TRACER_H

#include "loop.h"
#include "record.h"
#include "state.h"
#include "table.h"
#include "trace.h"
#include "upstream.h"
#include <stdbool.h>

#define TRACER_QUEUE_BYTES ((size_t)1024 * 1024) /* spans that wait; as much again is under way */
#define TRACER_BATCH_SPANS 512
#define TRACER_WAIT_MS 2000 /* ... or the first of them has waited so long */
#define TRACER_LIMIT_MS 10000
#define TRACER_TRIES_MAX 4

struct tracer;

/* `instance` names this data plane; copied. */
struct tracer *tracer_new(
    struct loop *loop, struct upstreams *upstreams, const char *instance, int64_t pid);
void tracer_free(struct tracer *tracer); /* NULL is fine */
/* A newer table is in force: another collector gets what comes from now on. */
void tracer_table(struct tracer *tracer, const struct table *table);
/* Is a request of these headers traced, by this table? */
struct trace tracer_begin(
    const struct table *table, const struct http_header *headers, size_t count, struct view method);
/* One that is has ended. NULL is fine. */
void tracer_add(struct tracer *tracer, const struct trace *trace, const struct record *record,
    const struct table *table);
/* This process ends: calls `fn` once, not from within this, when all is sent or dropped, or after
 * `limit_ms`. */
void tracer_drain(struct tracer *tracer, uint64_t limit_ms, void (*fn)(void *ctx), void *ctx);
/* Its counts, into a report. */
void tracer_report(const struct tracer *tracer, struct report *report);

#endif
