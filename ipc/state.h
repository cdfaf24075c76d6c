/* state: what a dataplane reports once a second, and at once when a call fails. No secrets. */
#ifndef PM_STATE_H
#define PM_STATE_H

#include "blame.h"
#include "err.h"
#include "lesson.h"
#include "trial.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPORT_OUTCOMES_MAX 256
#define REPORT_REASON_BYTES 32
#define REPORT_LESSONS_MAX 64
#define REPORT_RUNNING_MAX 64 /* requests under way that are told one by one, the oldest */
#define REPORT_LOADS_MAX 256
#define REPORT_CANCELLED_MAX 64
#define REPORT_ID_BYTES 32

/* How `count` upstream calls ended that were alike in all but times. */
struct report_outcome {
	char *upstream;                   /* upstream_entry.id */
	char *model;                      /* as the upstream was asked for it; "" = none */
	unsigned blame;                   /* enum blame of blame.h */
	char reason[REPORT_REASON_BYTES]; /* stable word: "status_529", ... */
	uint32_t status;                  /* 0 = no head came */
	bool success;
	bool begun; /* the first useful event has come; the end is told by an outcome of its own */
	bool generate;    /* a call for an answer; others (count_tokens, models) judge nobody */
	uint32_t ttfb_ms; /* to the first byte, of the last one; 0 = none came */
	uint64_t retry_after_ms; /* the longest that was named, 0 = none */
	bool probe;              /* no client's call: a probe */
	bool activation;         /* no client's call: the activation of the day */
	uint64_t probe_seq;      /* the order of the table that either carried out, 0 = none */
	uint64_t age_ms;         /* how long before this report the last one began */
	uint32_t count;          /* at least 1 */
};

/* A client's request that is under way. */
struct report_running {
	char id[REPORT_ID_BYTES]; /* as its record will have it */
	int64_t at_ms;            /* wall clock of its arrival */
	char *client_key, *model; /* model: as the client asked, "" = not read yet */
	char *upstream;           /* that is asked now or was last, "" = none yet */
	unsigned protocol;        /* enum protocol: the client's */
	uint32_t calls;
	bool stream, begun; /* begun: its client has got the head of an answer */
};

/* A request that was ended because the owner wanted it. */
struct report_cancelled {
	char id[REPORT_ID_BYTES];
};

/* How many calls an upstream has now. */
struct report_load {
	char *upstream;
	uint32_t in_flight; /* at least 1 */
};

/* Body of MSG_REPORT. */
struct report {
	char instance[24]; /* "dataplane.0" */
	uint64_t boot_id;  /* random for each start */
	int64_t pid;
	int64_t started_ms; /* wall clock */
	int64_t
	    sent_ms; /* wall clock: ages are meant from then; a report may arrive late. 0 = now */
	uint64_t table_epoch, table_version;
	uint64_t requests;  /* client requests taken, since boot */
	uint64_t completed; /* ended with a terminal event or whole answer */
	uint64_t failed;    /* ended with an error of ours or an upstream's */
	uint64_t errors; /* of the failed: the request is not to blame, and was not refused here */
	uint64_t client_gone;
	uint64_t attempts;            /* upstream calls */
	uint64_t bytes_in, bytes_out; /* bodies, client side */
	uint64_t in_flight, connections;
	uint64_t rss_bytes, cpu_ms, open_fds, fds_max;
	uint64_t loop_stall_ms; /* loop_stall_ms() */
	/* Its journal of records: ended and not stored yet; under way; bytes of the former; lost
	 * for want of room or by damage, and found open, both since boot. */
	uint64_t journal_waiting, journal_open, journal_used_bytes, journal_lost;
	uint64_t journal_interrupted;
	/* The last alert that it has brought away (table_alert), 0 = none. */
	uint64_t alert_seq;
	bool alert_success;
	uint32_t alert_status; /* 0 = no answer */
	char alert_reason[REPORT_REASON_BYTES];
	uint64_t spans_sent, spans_dropped; /* of tracing, since boot */
	/* What has not been reported and answered yet, oldest first. A batch that had no answer is
	 * sent again under its number, with new ages: each number is taken once. */
	uint64_t outcomes_seq; /* grows with each new batch, from 1; 0 = not numbered */
	struct report_outcome *outcomes;
	size_t outcome_count;
	struct lesson_of *lessons; /* newly learned; `until_ms` is not looked at */
	size_t lesson_count;
	struct trial_result *trials; /* that have ended, until an answer has come */
	size_t trial_count;
	struct report_running *running; /* oldest first */
	size_t running_count;
	struct report_load *loads;
	size_t load_count;
	uint64_t cancel_seq;                /* of the last MSG_CANCEL that was carried out */
	struct report_cancelled *cancelled; /* until an answer has come */
	size_t cancelled_count;
};
/* The same lists by themselves; new references. */
json_t *report_encode_running(const struct report *report);
json_t *report_encode_loads(const struct report *report);
/* Only reads the lists. */
json_t *report_encode(const struct report *report);
/* *out owns its lists: report_fini; nothing on failure. */
MUST_CHECK bool report_decode(const json_t *body, struct report *out, struct err *err);
void report_fini(struct report *report);

#endif
