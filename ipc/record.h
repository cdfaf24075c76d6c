/* record: what is known of one client request when it has ended: who asked what, which upstreams
 * were tried and why, how it ended, what it used. Never a prompt, an answer or a key. */
#ifndef PM_RECORD_H
#define PM_RECORD_H

#include "blame.h"
#include "bytes.h"
#include "err.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_ATTEMPTS_MAX 16 /* of more those that used nothing go first; see record.calls */
#define RECORD_WORD_BYTES 32
/* No call uses more; a count above is odd and cut there. */
#define RECORD_TOKENS_MAX INT64_C(1000000000)

/* What an upstream has said of its use. */
enum record_usage {
	RECORD_USAGE_MISSING,  /* nothing */
	RECORD_USAGE_PARTIAL,  /* something, but the answer ended before the last word on it */
	RECORD_USAGE_REPORTED, /* all of it */
};
extern const char *const record_usage_words[]; /* "missing", "partial", "reported"; ends in NULL */

/* -1 = not told. The first four add up to the whole prompt; output holds the reasoning. */
struct record_tokens {
	int64_t input; /* new: neither written to a cache nor read from it */
	int64_t cache_write_5m, cache_write_1h, cache_read;
	int64_t output, reasoning;
	int64_t web_searches; /* calls */
};

/* One upstream call. */
struct record_attempt {
	char *upstream;    /* upstream_entry.id */
	char *model;       /* as it was asked for */
	unsigned protocol; /* enum protocol: the upstream's */
	unsigned blame;
	char reason[RECORD_WORD_BYTES]; /* how it ended: "ok", "status_529", ... */
	uint32_t status;                /* 0 = no head came */
	bool hedge;                     /* asked while another was still silent */
	uint32_t began_ms;              /* after the request */
	uint32_t ttfb_ms, ms;           /* of this call; ttfb 0 = nothing came */
	uint64_t retry_after_ms;
	unsigned usage; /* enum record_usage */
	bool odd;       /* the counts contradict each other, or cannot be */
	struct record_tokens tokens;
	int64_t cost_nano_usd;        /* by the prices of that moment; -1 = there is none */
	int64_t cache_saved_nano_usd; /* against new input, by the same prices; may be below 0 */
	char *served;                 /* the model that its answer names, "" = none */
};

struct record {
	char id[32];              /* "req_..." as the client sees it */
	int64_t at_ms;            /* wall clock of its arrival */
	char *client_key;         /* client_key.id */
	char *path;               /* cut at 96 bytes */
	char *model;              /* as the client asked */
	unsigned protocol, group; /* the client's protocol; the group that was asked first */
	char session[20];         /* 16 hex digits of its key, "" = none */
	char session_source[RECORD_WORD_BYTES];
	char why[RECORD_WORD_BYTES]; /* why the first upstream: "order", "session", "stay", ... */
	bool generate;               /* a call for an answer; others ask for models or a count */
	bool stream;
	uint32_t status;                /* to the client, 0 = none */
	char result[RECORD_WORD_BYTES]; /* "completed", "cancelled" (by the owner), "failed",
					 * "passed", "refused", "client_gone", "interrupted": the
					 * data plane died meanwhile */
	unsigned blame;
	char reason[RECORD_WORD_BYTES];
	uint32_t ttfb_ms, ms; /* ttfb 0 = nothing useful came */
	uint64_t bytes_in, bytes_out;
	uint32_t calls; /* all attempts, also those that the list has no room for: what they have
			 * used stands with another one of it */
	struct record_attempt *attempts;
	size_t attempt_count;
	char *loss; /* what conversion lost, "" = nothing */
};

json_t *record_encode(const struct record *record); /* new reference */
/* The same as JSON text, appended; false at the limit of `out`. Some ten times as fast. */
MUST_CHECK bool record_write(const struct record *record, struct bytes *out);
/* Only the list of its attempts. */
MUST_CHECK bool record_write_attempts(const struct record *record, struct bytes *out);
/* Strict; *out owns its strings: record_fini; nothing on failure. `path` is where it stands. */
MUST_CHECK bool record_decode(
    const json_t *body, const char *path, struct record *out, struct err *err);
void record_fini(struct record *record);

#endif
