/* exchange_private: what exchange.c (driver, events, log) and exchange_steps.c (steps) share. */
#ifndef PM_EXCHANGE_PRIVATE_H
#define PM_EXCHANGE_PRIVATE_H

#include "attempt.h"
#include "exchange.h"
#include "outcome.h"
#include "relay.h"
#include "retry.h"
#include "splice.h"

#define EXCHANGE_NOTES 64
#define EXCHANGE_HOLD_BYTES_MAX ((size_t)256 * 1024)

/* Each does one thing and names the next; WAIT = for an event. */
enum exchange_step {
	STEP_WAIT,
	STEP_ADMIT,   /* the body is here: decode and read it */
	STEP_PLAN,    /* which upstreams may be asked */
	STEP_ATTEMPT, /* ask one */
	STEP_HEAD,    /* its answer has begun */
	STEP_COMMIT,  /* the client gets the head and what was held back */
	STEP_STREAM,  /* bytes pass */
	STEP_FINISH,  /* the answer is whole */
	STEP_FAIL,    /* this attempt has failed: another, or the last word */
	STEP_REAP,    /* log, let go of everything */
	STEP_COUNT,
};

/* Events noted beside the steps. */
enum exchange_event {
	EVENT_DONE = STEP_COUNT, /* detail: transport */
	EVENT_GONE,
	EVENT_PAUSE,    /* the first; detail: 0 */
	EVENT_DEADLINE, /* detail: transport */
	EVENT_STOP,
	EVENT_COUNT,
};

/* How it ended, for the log. */
enum exchange_result {
	RESULT_FAILED,
	RESULT_COMPLETED,
	RESULT_PASSED,  /* the upstream's own error, whole */
	RESULT_REFUSED, /* by us, before any upstream was asked */
	RESULT_CLIENT_GONE,
};

struct exchange_note {
	uint32_t at_ms;
	int16_t detail;
	uint8_t what;
};

struct candidate {
	uint8_t group;
	uint16_t entry;
};

struct exchange {
	struct work work; /* first */
	uint32_t magic;
	struct exchange_env *env;
	struct exchange *next, *prev;
	struct loop_task task; /* what must wait for the end of the turn */
	struct deadline deadline;
	struct table *table;
	const struct client_key *key;
	struct route route;
	char id[RELAY_ID_BYTES];
	char path[96]; /* the route's, cut: the log is written after the request's death */
	uint64_t started_ms, commit_ms, bytes_in;

	struct bytes body;
	struct request_facts facts;
	struct attempt_request request;
	struct candidate candidates[ROUTE_CANDIDATES_MAX];
	struct retry_state retry;
	bool fresh; /* the next attempt takes a new connection */

	/* What each event of a stream touches stands together. */
	struct relay relay;
	bool committed;
	bool ending;   /* the terminal event has passed */
	bool stopping; /* this process ends */
	bool gone;     /* the client */
	bool dead;     /* reaped; freed by the task */
	struct attempt attempt;

	struct bytes held;                  /* bytes of the answer before COMMIT */
	const struct upstream_entry *entry; /* asked last */
	unsigned attempts;
	unsigned pauses; /* how often the client did not keep up */

	/* The best word of those that failed. */
	int error_status;
	struct bytes error_body;
	char error_retry_after[64];

	struct outcome outcome;
	enum exchange_result result;
	struct exchange_note notes[EXCHANGE_NOTES];
	unsigned note_count;
};

/* ---- exchange.c ---- */
void exchange_note(struct exchange *exchange, unsigned what, int detail);
/* Runs steps from `step` on until one waits. */
void exchange_drive(struct exchange *exchange, enum exchange_step step);
void exchange_log(struct exchange *exchange);
void exchange_log_attempt(struct exchange *exchange);
/* When the running attempt must be asked after next, and what is up then. */
uint64_t exchange_due(const struct exchange *exchange, enum transport *why);
extern const struct attempt_events exchange_attempt_events;

/* ---- exchange_steps.c ---- */
typedef enum exchange_step exchange_step_fn(struct exchange *exchange);
extern exchange_step_fn *const exchange_steps[STEP_COUNT];
/* The attempt has ended: COMMIT, FINISH or FAIL. */
enum exchange_step exchange_settle(struct exchange *exchange);

#endif
