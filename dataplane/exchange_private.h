/* exchange_private: what the files of the exchange share. */
#ifndef PM_EXCHANGE_PRIVATE_H
#define PM_EXCHANGE_PRIVATE_H

#include "attempt.h"
#include "exchange.h"
#include "exchange_words.h"
#include "loads.h"
#include "outcome.h"
#include "record.h"
#include "relay.h"
#include "retry.h"
#include "session.h"
#include "splice.h"

#define EXCHANGE_NOTES 64
#define EXCHANGE_HOLD_BYTES_MAX ((size_t)256 * 1024)
#define EXCHANGE_PLACES_MAX 64
#define EXCHANGE_LEGS 2
#define EXCHANGE_PING_MS 10000 /* of silence that conversion may cause */
#define EXCHANGE_LOSS_BYTES 256

/* How it ended, for the log and the record. */
enum exchange_result {
	RESULT_FAILED,
	RESULT_COMPLETED,
	RESULT_PASSED,  /* the upstream's own error, whole */
	RESULT_REFUSED, /* by us, before any upstream was asked */
	RESULT_CLIENT_GONE,
	RESULT_CANCELLED, /* by the owner */
};

struct exchange_note {
	uint32_t at_ms;
	int16_t detail;
	uint8_t what;
};

/* One upstream call of the exchange. Two may run at a time, until the first of them has content. */
struct leg {
	struct exchange *exchange;
	struct attempt attempt;
	struct bytes held; /* bytes of its answer before COMMIT */
	struct load *load;
	size_t place; /* in retry.places */
	bool live;    /* asked, and its end not yet dealt with */
	bool hedge;   /* asked while another was silent */
	bool lost;    /* the other one has content: cancelled by the task */
};

/* A failure whose blame the next attempt may shift. */
struct doubt {
	bool open;
	struct outcome outcome;
	const struct upstream_entry *entry;
	char model[TABLE_NAME_BYTES_MAX + 1];
	uint64_t began_ms, wait_ms; /* ... and how long it asks to be left alone, 0 = not named */
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
	struct session session;
	uint64_t previous; /* the answer that is continued, as session_previous says */
	const char *why;   /* the first place is the first: static word for the record */
	struct retry_place places[EXCHANGE_PLACES_MAX];
	struct retry_state retry;
	bool fresh;         /* the next attempt takes a new connection */
	bool hedged;        /* once for each exchange */
	uint64_t hedge_ms;  /* when a second upstream is asked, DEADLINE_NONE = not */
	uint64_t resume_ms; /* when the same one is asked again, 0 = nothing waits */
	uint64_t total_ms;  /* the client call's absolute end, DEADLINE_NONE = none */
	uint64_t alive_ms;  /* when a sign of life is due, DEADLINE_NONE = never */

	/* What each event of a stream touches stands together. */
	struct relay relay;
	struct leg *leg; /* whose event this is; after COMMIT the one that answers */
	uint64_t written_ms;
	bool committed;
	bool ending;    /* the terminal event has passed */
	bool stopping;  /* this process ends */
	bool cancelled; /* by the owner */
	bool gone;      /* the client */
	bool dead;      /* reaped; freed by the task */
	struct leg legs[EXCHANGE_LEGS];

	const struct upstream_entry *entry; /* asked last; after COMMIT the one that answers */
	unsigned attempts;
	unsigned pauses; /* how often the client did not keep up */
	struct doubt doubt;
	uint64_t named_wait_ms; /* the shortest that an upstream has named, 0 = none */
	unsigned refusals;      /* how many could not carry the request at all */
	struct err refusal;
	bool trouble;     /* an upstream, its key or its network has failed */
	unsigned lessons; /* refusals that this exchange was taught by */
	bool learns;      /* the failed one is asked again without what it has refused */

	/* The best word of those that failed. */
	int error_status;
	struct bytes error_body;
	char error_message[256];

	struct outcome outcome;
	enum exchange_result result;
	struct trace trace;
	bool allowed; /* counts among those of its client key that are in work */
	int64_t charged_tokens, charged_nano; /* to its client key so far */
	int slot;                             /* of the journal, while a stream runs */
	unsigned slot_news;                   /* attempt.tap.news when it was written */
	uint64_t slot_ms;                     /* ... and the moment */
	struct record_attempt *tries; /* RECORD_ATTEMPTS_MAX; NULL before the first has ended */
	size_t try_count;
	char loss[EXCHANGE_LOSS_BYTES];
	struct exchange_note notes[EXCHANGE_NOTES];
	unsigned note_count;
};

typedef enum exchange_step exchange_step_fn(struct exchange *exchange);

/* ---- exchange.c ---- */
void exchange_note(struct exchange *exchange, unsigned what, int detail);
/* Runs steps from `step` on until one waits. */
void exchange_drive(struct exchange *exchange, enum exchange_step step);
/* Sees to it that deadlines are looked at in time. */
void exchange_watch(struct exchange *exchange);
extern const struct attempt_events exchange_attempt_events;
/* "at step detail;" for each note from *at on, as many as fit. */
size_t exchange_notes_print(const struct exchange *exchange, unsigned *at, char *out, size_t len);

/* ---- exchange_plan.c ---- */
exchange_step_fn exchange_step_admit, exchange_step_plan;
/* Ends the exchange with an error of our own. */
enum exchange_step exchange_refuse(
    struct exchange *exchange, const struct relay_refusal *refusal, struct outcome outcome);
/* Seconds for Retry-After, from what the table says of rests; at least 1. */
unsigned exchange_retry_after_s(const struct exchange *exchange);
const struct upstream_entry *exchange_entry(const struct exchange *exchange, size_t place);
const struct group_policy *exchange_policy(const struct exchange *exchange);

/* ---- exchange_steps.c ---- */
extern exchange_step_fn *const exchange_steps[STEP_COUNT];
/* The leg's attempt has ended: COMMIT, FINISH or FAIL. */
enum exchange_step exchange_settle(struct exchange *exchange);
/* Asks a second upstream beside the silent one, where policy and budget allow. */
void exchange_hedge(struct exchange *exchange);
/* A sign of life for the client, in the form that its protocol has. */
void exchange_keep_alive(struct exchange *exchange);
/* Lets go of a leg's call; the leg is free then. Not inside libcurl. */
void exchange_leg_free(struct exchange *exchange, struct leg *leg);
struct leg *exchange_other_leg(struct exchange *exchange);

/* ---- exchange_fail.c ---- */
exchange_step_fn exchange_step_fail;
/* The refusal that the leg holds names something that can be left out, and that is new: FAIL then
 * asks the same upstream again. */
bool exchange_learns(struct exchange *exchange);
/* The refusal that the leg holds says that another upstream has given the answer which is to be
 * continued, and that one may still be found, or has failed: the outcome says so. */
bool exchange_is_elsewhere(struct exchange *exchange);
extern const struct outcome exchange_cancelled; /* by the owner; exchange_running.c */

/* ---- exchange_tell.c ---- */
exchange_step_fn exchange_step_reap;
void exchange_log_attempt(struct exchange *exchange);
/* The leg's call has ended so: for the report, the record, and the learned times. */
void exchange_tell_outcome(struct exchange *exchange, const struct leg *leg,
    const struct outcome *outcome, uint64_t named_wait_ms);
/* It has brought its first useful event. */
void exchange_tell_begun(struct exchange *exchange, const struct leg *leg);
/* What was held back about an earlier failure goes out as judged, or as the request's own. */
void exchange_settle_doubt(struct exchange *exchange, bool request_is_to_blame);

/* ---- exchange_record.c ---- */
const char *exchange_result_name(enum exchange_result result);
/* From the call's begin to its head; 0 = none came. */
uint32_t exchange_ttfb_ms(const struct attempt *attempt);
/* One call, for the record. */
void exchange_tell_try(struct exchange *exchange, const struct leg *leg,
    const struct outcome *outcome, uint64_t named_wait_ms);
/* The journal holds it as interrupted until it ends. */
void exchange_record_begin(struct exchange *exchange);
/* ... with what its upstream has said since; once a second at the most. */
void exchange_record_renew(struct exchange *exchange);
void exchange_record_end(struct exchange *exchange);

#endif
