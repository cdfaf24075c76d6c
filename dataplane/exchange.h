/* exchange: one client request from its head to the end of its answer, over as many attempts as it
 * takes. A state machine; its steps are in exchange_steps.c. */
#ifndef PM_EXCHANGE_H
#define PM_EXCHANGE_H

#include "allowance.h"
#include "bodies.h"
#include "budget.h"
#include "deadlines.h"
#include "httpd.h"
#include "journal.h"
#include "lessons.h"
#include "loads.h"
#include "loop.h"
#include "notes.h"
#include "route.h"
#include "state.h"
#include "stays.h"
#include "table.h"
#include "tracer.h"
#include "upstream.h"
#include "work.h"
#include <stdint.h>

struct exchange;

struct exchange_counts {
	uint64_t requests, completed, failed, errors, client_gone, attempts;
	uint64_t bytes_in, bytes_out;
	uint64_t in_flight;
};

/* What all exchanges share. */
struct exchange_env {
	struct loop *loop;
	struct upstreams *upstreams;
	struct deadlines deadlines;
	struct bodies bodies; /* what memory there is for new ones */
	struct exchange_counts counts;
	struct exchange *first; /* those in work */
	struct loads *loads;
	struct stays *stays;
	struct stays *answers; /* of the Responses protocol, by session_answer */
	struct lessons *lessons;
	struct notes *notes;         /* how calls ended, for the report */
	struct allowance *allowance; /* what client keys have used; NULL: nobody is limited */
	struct journal *journal;     /* how exchanges went, for the statistics; may be NULL */
	struct tracer *tracer;       /* ... and for a collector of traces; may be NULL */
	struct budget retries[GROUP_COUNT], hedges[GROUP_COUNT];
	/* What exchange_report has listed last. */
	struct report_running running[REPORT_RUNNING_MAX];
	struct report_load running_loads[REPORT_LOADS_MAX];
	/* Ended at the owner's word, until it has been told; the oldest makes room. */
	struct report_cancelled cancelled[REPORT_CANCELLED_MAX];
	size_t cancelled_count;
	uint64_t chance; /* state of exchange_chance */
	/* Controlplane should hear soon; may be NULL. */
	void (*on_news)(void *ctx);
	/* The journal has something new; may be NULL. */
	void (*on_record)(void *ctx);
	void *ctx;
};
void exchange_env_init(struct exchange_env *env, struct loop *loop, struct upstreams *upstreams);
/* A number that nobody needs to be unable to guess. */
uint64_t exchange_chance(struct exchange_env *env);
/* No exchange may be left. */
void exchange_env_fini(struct exchange_env *env);

/* Takes over a request whose head was admitted; on_request is to follow. A reference to `table` is
 * taken; `key` is one of its own, `route` is copied. It frees itself at its end. */
struct work *exchange_new(struct exchange_env *env, struct http_req *req, const struct route *route,
    struct table *table, const struct client_key *key);
/* Ends all of them as failures that clients try again: for a process that must go. */
void exchange_stop_all(struct exchange_env *env);
/* Ends the one with this id for good, as the owner wishes; none: nothing happens. `ctx` is the env.
 */
void exchange_cancel(struct view id, void *ctx);
/* What is under way goes into the report; the lists are borrowed until the end of the turn. */
void exchange_report(struct exchange_env *env, struct report *report);
/* So many of the cancelled ones of the last report have been heard of. */
void exchange_cancelled_taken(struct exchange_env *env, size_t count);

#endif
