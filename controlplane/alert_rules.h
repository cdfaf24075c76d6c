/* alert_rules: which alert is raised and ended when. PURE: time is an argument (wall clock ms).
 *
 * A cause is one thing that can go wrong: a kind and its subject. In each round all that is watched
 * is seen once, as good, bad or unclear.
 *
 * - What is bad is told once it has been so for after_ms; moments in which it looks good do not
 *   begin that anew unless they last as long.
 * - Then nothing is told of it but a reminder each repeat_ms, until it has been good without a
 *   break for clear_ms. That time doubles with each time that the cause was raised within
 *   ALERT_CALM_MS of its last end, up to ALERT_CLEAR_MS_MAX: what comes and goes is one alert.
 * - Unclear is neither: it ends nothing and raises nothing.
 * - What is no longer watched is over. */
#ifndef PM_ALERT_RULES_H
#define PM_ALERT_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ALERT_CAUSES_MAX 512 /* at a time; more are not watched, and counted */
#define ALERT_CALM_MS INT64_C(3600000)
#define ALERT_CLEAR_MS_MAX INT64_C(3600000)
#define ALERT_SUBJECT_BYTES 320
#define ALERT_NAME_BYTES 257
#define ALERT_DETAIL_BYTES 160
#define ALERT_UNWATCHED "no longer watched" /* the detail of one that ended so */

enum alert_kind {
	ALERT_TEST,
	ALERT_UPSTREAM_DOWN,
	ALERT_GROUP_DOWN,
	ALERT_BUDGET,       /* a share of it is spent */
	ALERT_BUDGET_SPENT, /* all of it */
	ALERT_ERROR_RATE,
	ALERT_CERTIFICATE,
	ALERT_DISK,
	ALERT_KINDS,
};
/* "test", "upstream_down", ...; NULL at the end. */
extern const char *const alert_kind_words[];

enum alert_event { ALERT_RAISED, ALERT_REMINDER, ALERT_RESOLVED };
extern const char *const alert_event_words[]; /* "raised", "reminder", "resolved" */

enum alert_sign { ALERT_GOOD, ALERT_UNCLEAR, ALERT_BAD };

struct alert_limits {
	int64_t after_ms, clear_ms;
	int64_t repeat_ms; /* 0 = no reminders */
};

/* Bad now, told and not over, or over so lately that its coming again is remembered. */
struct alert_cause {
	unsigned kind; /* enum alert_kind */
	char subject[ALERT_SUBJECT_BYTES];
	char name[ALERT_NAME_BYTES];     /* for people; "" = the subject says all */
	char detail[ALERT_DETAIL_BYTES]; /* as it was seen last when it was bad */
	bool bad;                        /* an episode is under way */
	bool raised;
	uint64_t incident; /* number of the alert, the same from its raising to its end */
	uint32_t times;    /* raised without a calm between */
	int64_t bad_ms;    /* the episode's begin */
	int64_t good_ms;   /* since when it looks good, 0 = it does not */
	int64_t told_ms;   /* last event */
	int64_t ended_ms;  /* of the alert before, 0 = none */
	bool seen;         /* in this round */
};

struct alert_seen {
	enum alert_kind kind;
	const char *subject, *name, *detail; /* cut where they are too long */
	enum alert_sign sign;
};

typedef void alert_fn(enum alert_event event, const struct alert_cause *cause, void *ctx);

struct alert_rules {
	struct alert_cause *causes;
	size_t count;
	uint64_t incidents; /* so many alerts were raised */
	uint64_t unwatched; /* so often there was no place */
	uint64_t revision;  /* grows with each change that a restart must know */
	alert_fn *on_event; /* may be NULL */
	void *ctx;
};

/* A zeroed struct knows nothing and has no limits. */
void alert_rules_fini(struct alert_rules *rules);
/* One thing as it is now. */
void alert_rules_see(struct alert_rules *rules, const struct alert_limits *limits,
    const struct alert_seen *seen, int64_t now_ms);
/* The end of a round: what was not seen in it is over. */
void alert_rules_end(struct alert_rules *rules, int64_t now_ms);
/* How long this cause must be good before it is over. */
int64_t alert_rules_clear_ms(const struct alert_limits *limits, const struct alert_cause *cause);

#endif
