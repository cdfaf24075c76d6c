/* api_private: what api.c (who may), api_routes.c (the table) and the handlers share. */
#ifndef PM_API_PRIVATE_H
#define PM_API_PRIVATE_H

#include "api.h"
#include "api_query.h"
#include "crypto.h"

#define API_WORD_BYTES 257
#define API_MINTED_BYTES 64

struct route;
struct api_stream;
struct api_wait;

/* One request. It lives until its answer, even when its client left before that. */
struct call {
	struct api *api;
	struct http_req *req; /* NULL: the client left */
	const struct route *route;
	char word[API_WORD_BYTES]; /* what the path's "{...}" stands for, decoded; "" = none */
	struct view session;       /* the id that came with it, whatever it is worth */
	uint8_t token_sha256[CRYPTO_SHA256_BYTES];
	char peer[64];
	/* An answer of several pieces: the client has taken what was written, or left: no req. */
	void (*on_writable)(struct call *call);
	void *own;                  /* that handler's, meanwhile */
	struct auth_user user;      /* who it is, from the door on */
	bool bearer, strong, tried; /* by a token, no session; not to be guessed; cost a try */

	/* The handlers' own. */
	const char *section;           /* of the configuration */
	const char *group;             /* of upstreams */
	const char *minted_word;       /* "key", "token" */
	char minted[API_MINTED_BYTES]; /* shown once */
	int status;                    /* of a good answer, 0 = 200 */
	int64_t index;
	json_t *kept;              /* freed with the call */
	struct api_stream *stream; /* it is an event stream */
	struct api_wait *wait;     /* it waits for the end of a test */
};

enum access {
	ACCESS_ANYONE,
	ACCESS_VIEWER,  /* a session (with its CSRF token where something changes) or a token */
	ACCESS_ADMIN,   /* the same of an admin */
	ACCESS_METRICS, /* as a viewer, or the token for that alone */
};

struct route {
	enum http_method method; /* HTTP_GET serves HEAD too */
	const char *path;        /* "{...}" stands for one segment, call->word */
	enum access access;
	void (*fn)(struct call *call);
	/* For the description. */
	const char *summary;
	const char *query;  /* its parameters: "at path model", "" = none */
	const char *body;   /* name of a schema, "" = none */
	const char *answer; /* the same */
};

/* ---- api_routes.c ---- */
const struct route *api_routes(size_t *count);

/* ---- api.c ---- */
/* Each ends the call. Take the body; an "etag" in it becomes a header too. */
void api_finish(struct call *call, int status, json_t *body);
void api_fail(struct call *call, int status, const char *message);
void api_fail_away(struct call *call);
/* A 200 that is no JSON. */
void api_finish_text(struct call *call, const char *type, struct view text);
/* What controlplane has said against it: status by its kind, with the path of each fault. */
void api_fail_told(struct call *call, const json_t *error);
/* The same against a question that changes nothing: it is asked badly. */
void api_fail_asked(struct call *call, const json_t *error);
/* A good answer: "success" before what controlplane has said. */
void api_finish_told(struct call *call, const json_t *told);
/* The call ends without an answer: it was given, or nobody waits. */
void api_drop(struct call *call);
/* The body as an object (owned); false: it is none, and the call has ended. An empty one is {}. */
MUST_CHECK bool api_take_body(struct call *call, json_t **out);
/* Who it is is known: to the handler, if the role will do. */
void api_enter(struct call *call);
uint64_t api_now_ms(const struct call *call);

/* ---- api_access.c ---- */
void api_login(struct call *call);
void api_logout(struct call *call);
void api_show_session(struct call *call);
void api_show_sessions(struct call *call);
void api_end_sessions(struct call *call);
void api_change_token(struct call *call);
void api_change_metrics_token(struct call *call);
/* Who a bearer is; goes on with the call then, or ends it. */
void api_enter_by_bearer(struct call *call, struct view token);
/* The user may still do so, as far as controlplane has told. */
bool api_user_holds(const struct api *api, const struct auth_user *user);
/* A new secret with this prefix into call->minted, its hash into `hex`. */
void api_mint(
    struct call *call, const char *word, const char *prefix, char hex[2 * CRYPTO_SHA256_BYTES + 1]);

/* ---- api_operate.c ---- */
void api_show_state(struct call *call);
void api_reload(struct call *call);
void api_show_explanation(struct call *call);
void api_clear(struct call *call);
void api_clear_all(struct call *call);
void api_probe(struct call *call);
void api_cancel_request(struct call *call);
void api_show_lessons(struct call *call);
void api_forget_lessons(struct call *call);
/* Asks controlplane, or its statistics, and ends the call with the answer. Takes `body`. */
void api_ask(struct call *call, const char *type, json_t *body);
/* What api_ask() does with an answer; `ctx` is the call. */
void api_answer(const struct envelope *answer, void *ctx);
/* The question's members out of the query, each a text; what cannot be read counts as absent. */
void api_take_query(struct call *call, json_t *body, const char *const *keys);
/* A number of the query into `body`; false (and the call has ended) when it is none. */
MUST_CHECK bool api_take_number(
    struct call *call, json_t *body, const char *key, uint64_t min, uint64_t max);
/* The copy of the state, borrowed; NULL, and the call has ended: nobody has told any. */
const json_t *api_state(struct call *call);
/* The state as it may be shown; new reference. */
json_t *api_state_shown(const json_t *state, uint64_t age_ms);

/* ---- api_edit.c: lists and sections ---- */
void api_list(struct call *call);
void api_add(struct call *call);
void api_show_entry(struct call *call);
void api_replace_entry(struct call *call);
void api_patch_entry(struct call *call);
void api_remove_entry(struct call *call);
void api_move_entry(struct call *call);
void api_duplicate_entry(struct call *call);
void api_enable(struct call *call);
void api_disable(struct call *call);
void api_rotate(struct call *call);
void api_order(struct call *call);
void api_list_upstreams(struct call *call);
void api_show_settings(struct call *call);
void api_patch_settings(struct call *call);
void api_show_section(struct call *call);
void api_replace_section(struct call *call);
void api_patch_section(struct call *call);
/* The body of a question that changes something: who asks, If-Match; new reference. */
json_t *api_change(struct call *call, const char *type_op, const char *section);
/* Asks it; the call ends with the answer. Takes `body`. */
void api_ask_change(struct call *call, const char *type, json_t *body);
/* If-Match is there, as a replacement needs it; false: the call has ended. */
MUST_CHECK bool api_needs_match(struct call *call);
/* The list of the configuration that the group's upstreams are in; NULL = no such group. */
const char *api_section_of_group(struct view group);

/* ---- api_config.c: the whole ---- */
void api_show_config(struct call *call);
void api_replace_config(struct call *call);
void api_check_config(struct call *call);
void api_export_config(struct call *call);
void api_show_revisions(struct call *call);
void api_show_revision(struct call *call);
void api_show_diff(struct call *call);
void api_restore(struct call *call);
void api_import(struct call *call);
void api_show_audit(struct call *call);

/* ---- events.c ---- */
void api_listen(struct call *call);
/* The client of a stream left; the call is gone with it. */
void api_unlisten(struct call *call);

/* ---- api_openapi.c ---- */
void api_show_description(struct call *call);

/* ---- api_stats.c ---- */
void api_show_decisions(struct call *call);
void api_show_stats(struct call *call);
/* What the query asks of the sums; NULL: it cannot be, and the call has ended. */
json_t *api_stats_question(struct call *call);
void api_show_usage(struct call *call);
void api_show_token_stats(struct call *call);
void api_reset_stats(struct call *call);
void api_generate_stats(struct call *call);
void api_reprice(struct call *call);
void api_show_reprice(struct call *call);

/* ---- api_metrics.c, api_alerts.c, api_export.c, api_play.c ---- */
void api_play(struct call *call);
void api_show_metrics(struct call *call);
void api_describe_metrics(struct call *call);
void api_show_alerts(struct call *call);
void api_test_alert(struct call *call);
void api_export_requests(struct call *call);
void api_export_stats(struct call *call);

#endif
