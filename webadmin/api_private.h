/* api_private: what api.c (who may, sessions, the table) and api_operate.c (handlers that ask
 * controlplane) share. */
#ifndef PM_API_PRIVATE_H
#define PM_API_PRIVATE_H

#include "api.h"
#include "crypto.h"

#define API_WORD_BYTES 257

/* One request. It lives until its answer, even when its client left before that. */
struct route;
struct export;

struct call {
	struct api *api;
	struct http_req *req; /* NULL: the client left */
	const struct route *route;
	char word[API_WORD_BYTES]; /* what the path's "*" stands for, decoded; "" = none */
	struct view session;       /* the id that came with it, whatever it is worth */
	uint8_t token_sha256[CRYPTO_SHA256_BYTES];
	char peer[64];
	/* An answer of several pieces: called when the client has taken what was written, or left
	 * (req is NULL then). */
	void (*on_writable)(struct call *call);
	struct export *export; /* api_export.c */
};

enum access {
	ACCESS_ANYONE,
	ACCESS_ADMIN,   /* a session (with its CSRF token where something changes) or the token */
	ACCESS_METRICS, /* the same, or the token for that alone */
};

struct route {
	enum http_method method; /* HTTP_GET serves HEAD too */
	const char *path;        /* "*" stands for one segment, call->word */
	enum access access;
	void (*fn)(struct call *call);
};

/* ---- api.c; each ends the call ---- */
void api_finish(struct call *call, int status, json_t *body);
void api_fail(struct call *call, int status, const char *message);
/* A 200 that is no JSON. */
void api_finish_text(struct call *call, const char *type, struct view text);

/* ---- api_operate.c ---- */
void api_show_upstreams(struct call *call);
void api_show_explanation(struct call *call);
/* Asks controlplane, or its statistics, and ends the call with the answer. Takes `body`. */
void api_ask(struct call *call, const char *type, json_t *body);
/* What api_ask() does with an answer; `ctx` is the call. */
void api_answer(const struct envelope *answer, void *ctx);
/* The question's members out of the query, each a text; one that cannot be read counts as absent.
 */
void api_take_query(struct call *call, json_t *body, const char *const *keys);
void api_clear(struct call *call);
void api_clear_all(struct call *call);
void api_probe(struct call *call);
void api_enable(struct call *call);
void api_disable(struct call *call);
void api_show_lessons(struct call *call);
void api_forget_lessons(struct call *call);

/* ---- api_stats.c ---- */
void api_show_decisions(struct call *call);
void api_show_stats(struct call *call);
/* A number of the query into the question; false, and the call has ended, when it is none; `body`
 * is freed then. */
MUST_CHECK bool api_take_number(
    struct call *call, json_t *body, const char *key, uint64_t min, uint64_t max);
/* What the query asks of the sums; NULL: it cannot be, and the call has ended. */
json_t *api_stats_question(struct call *call);
void api_show_token_stats(struct call *call);
void api_reset_stats(struct call *call);
void api_generate_stats(struct call *call);
void api_reprice(struct call *call);
void api_show_reprice(struct call *call);

/* ---- api_export.c ---- */
void api_export_requests(struct call *call);
void api_export_stats(struct call *call);

/* ---- api_metrics.c ---- */
void api_show_metrics(struct call *call);
void api_describe_metrics(struct call *call);

/* ---- api_alerts.c ---- */
void api_show_alerts(struct call *call);
void api_test_alert(struct call *call);

/* ---- api_query.c ---- */
/* The decoded value of `key` in a query into `out`; false when absent, too long, or no text. */
bool api_query_get(struct view query, const char *key, char *out, size_t out_len);
/* `text` with its %XX undone. */
bool api_query_decode(struct view text, bool plus, char *out, size_t out_len);

#endif
