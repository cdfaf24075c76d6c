/* Logging in and out: only controlplane knows tokens, by their hashes. */
#include "api_private.h"
#include "guard.h"
#include "jget.h"
#include "must.h"
#include "names.h"
#include "reply.h"
#include "stamp.h"
#include <stdio.h>
#include <string.h>

#define TOKEN_BYTES_MAX 1024
/* A state that was on its way when somebody logged in may not know of that user yet. */
#define SETTLE_MS 500

static bool
said(const struct envelope *answer, const char *type)
{
	return answer != NULL && strcmp(answer->type, type) == 0;
}

static void
fail_too_often(struct call *call, uint64_t wait_ms)
{
	char seconds[24];
	(void)snprintf(
	    seconds, sizeof(seconds), "%llu", (unsigned long long)(wait_ms + 999) / 1000);
	struct http_header retry = {VIEW("Retry-After"), view_of(seconds)};
	if (call->req != NULL)
		reply_json(call->req, 429,
		    json_pack("{s:b, s:s, s:s}", "success", 0, "kind", "limit", "message",
			"too many tries; wait a moment"),
		    &retry);
	api_drop(call);
}

/* ---- whose token ---- */

/* Somebody's, as far as controlplane has told, or found good before. */
static bool
is_known(const struct call *call)
{
	char stamp[STAMP_BYTES];
	uint64_t at_ms;
	size_t i;
	const json_t *item, *state = adminlink_state_at(call->api->link, &at_ms);
	bool known = auth_bearer_was(&call->api->auth, call->token_sha256);
	stamp_of(call->token_sha256, stamp);
	json_array_foreach(json_object_get(state, "users"), i, item)
	{
		const char *own = json_string_value(json_object_get(item, "stamp"));
		known = known || (own != NULL && strcmp(own, stamp) == 0);
	}
	return known;
}

/* Others may have used up the tries at this address. They cannot have guessed one that was minted
 * here, so that a right one of these needs no try; only what might be guessed does, and each wrong
 * one. */
static bool
may_try(struct call *call, uint64_t *wait_ms)
{
	if (call->strong && is_known(call))
		return true;
	call->tried =
	    limiter_take(&call->api->limiter, view_of(call->peer), api_now_ms(call), wait_ms);
	return call->tried;
}

/* Asks whose token has the hash call->token_sha256. */
static void
check_token(struct call *call, bool login, adminlink_answer_fn *on_checked)
{
	char hex[CRYPTO_SHA256_BYTES * 2 + 1];
	uint64_t wait_ms;
	if (!may_try(call, &wait_ms)) {
		fail_too_often(call, wait_ms);
		return;
	}
	crypto_hex(call->token_sha256, CRYPTO_SHA256_BYTES, hex);
	json_t *body = json_pack("{s:s, s:b, s:s, s:{s:s, s:s}}", "sha256", hex, "login",
	    (int)login, "for", call->route->access == ACCESS_METRICS ? "metrics" : "", "by", "via",
	    login ? "page" : "script", "peer", call->peer);
	if (!adminlink_ask(call->api->link, MSG_CHECK_TOKEN, body, on_checked, call))
		api_fail_away(call);
}

static void
take_user(struct call *call, const json_t *told)
{
	const char *name = json_string_value(json_object_get(told, "user"));
	const char *role = json_string_value(json_object_get(told, "role"));
	const char *stamp = json_string_value(json_object_get(told, "stamp"));
	call->user = (struct auth_user){.admin = role == NULL || strcmp(role, "admin") == 0,
	    .metrics = role != NULL && strcmp(role, "metrics") == 0,
	    .since_ms = api_now_ms(call)};
	(void)snprintf(
	    call->user.name, sizeof(call->user.name), "%s", name != NULL ? name : "admin");
	(void)snprintf(
	    call->user.stamp, sizeof(call->user.stamp), "%s", stamp != NULL ? stamp : "");
}

/* True: the token is good and the client is there. Else the call has ended. */
static bool
token_is_good(struct call *call, const struct envelope *answer)
{
	/* Only a token that was found wrong costs a try. */
	if (!said(answer, MSG_ERROR) && call->tried)
		limiter_give_back(&call->api->limiter, view_of(call->peer));
	if (said(answer, MSG_OK) && call->req != NULL) {
		take_user(call, answer->body);
		return true;
	}
	/* The next time it costs one. */
	if (said(answer, MSG_ERROR) && !call->tried)
		auth_bearer_forget(&call->api->auth, call->token_sha256);
	if (said(answer, MSG_ERROR))
		api_fail(call, 401, "this is not the admin token");
	else
		api_fail_away(call);
	return false;
}

/* ---- sessions ---- */

static void
cookie_header(const struct call *call, const char *value, const char *more, char *out, size_t len)
{
	int used = snprintf(
	    out, len, "%s=%s; Path=/; HttpOnly; SameSite=Strict%s", call->api->cookie, value, more);
	MUST(used > 0 && (size_t)used < len);
}

static void
finish_with_cookie(struct call *call, const char *value, const char *more, json_t *body)
{
	char cookie[160];
	cookie_header(call, value, more, cookie, sizeof(cookie));
	struct http_header set = {VIEW("Set-Cookie"), view_of(cookie)};
	reply_json(call->req, 200, body, &set);
	api_drop(call);
}

static void
on_login(const struct envelope *answer, void *ctx)
{
	struct call *call = ctx;
	char id[AUTH_ID_BYTES], csrf[AUTH_CSRF_BYTES];
	if (!token_is_good(call, answer))
		return;
	struct auth *auth = &call->api->auth;
	auth_logout(auth, call->session);
	auth_login(auth, &call->user, api_now_ms(call), id);
	MUST(auth_use(auth, view_of(id), api_now_ms(call), csrf) != NULL);
	finish_with_cookie(call, id, "",
	    json_pack("{s:b, s:s, s:s, s:s}", "success", 1, "csrf_token", csrf, "user",
		call->user.name, "role", call->user.admin ? "admin" : "viewer"));
}

/* Takes the token's hash from the body; the token itself is wiped from it. */
static bool
read_token(struct call *call, struct err *err)
{
	struct bytes text;
	struct view token = {0};
	json_t *body = NULL;
	httpd_body_take(call->req, &text);
	bool ok =
	    jget_parse(bytes_view(&text), &body, err) && jget_str(body, "", "token", &token, err);
	if (ok && (token.len == 0 || token.len > TOKEN_BYTES_MAX))
		ok = err_set(err, ERR_PARSE, "token", "the token is missing or too long");
	if (ok) {
		call->strong = auth_is_minted(token);
		crypto_sha256(token, call->token_sha256);
		crypto_wipe((char *)(uintptr_t)token.data, token.len);
	}
	if (text.data != NULL)
		crypto_wipe(text.data, text.len);
	bytes_fini(&text);
	json_decref(body);
	return ok;
}

void
api_login(struct call *call)
{
	struct err err;
	if (read_token(call, &err))
		check_token(call, true, on_login);
	else
		api_fail(call, 400, err.msg);
}

void
api_logout(struct call *call)
{
	auth_logout(&call->api->auth, call->session);
	finish_with_cookie(call, "", "; Max-Age=0", json_pack("{s:b}", "success", 1));
}

void
api_show_session(struct call *call)
{
	char csrf[AUTH_CSRF_BYTES] = "";
	const struct auth_session *session =
	    auth_use(&call->api->auth, call->session, api_now_ms(call), csrf);
	if (session != NULL && !api_user_holds(call->api, &session->user)) {
		auth_logout(&call->api->auth, call->session);
		session = NULL;
	}
	bool there = session != NULL;
	api_finish(call, 200,
	    json_pack("{s:b, s:b, s:s?, s:s?, s:s?, s:s, s:i}", "success", 1, "logged_in", there,
		"user", there ? session->user.name : NULL, "role",
		!there                ? NULL
		: session->user.admin ? "admin"
				      : "viewer",
		"csrf_token", there ? csrf : NULL, "version", PM_VERSION, "api_port",
		(int)call->api->api_port));
}

void
api_show_sessions(struct call *call)
{
	const struct auth *auth = &call->api->auth;
	struct auth *own_auth = &call->api->auth;
	uint64_t now = api_now_ms(call);
	const struct auth_session *own = auth_look(own_auth, call->session, now);
	json_t *list = json_array();
	for (size_t i = 0; i < auth->count; i++) {
		const struct auth_session *session = &auth->sessions[i];
		if (!call->user.admin && strcmp(session->user.name, call->user.name) != 0)
			continue;
		json_t *item = json_pack("{s:s, s:s, s:I, s:I, s:b}", "user", session->user.name,
		    "role", session->user.admin ? "admin" : "viewer", "born_ms",
		    (json_int_t)(now - session->born_ms), "used_ms",
		    (json_int_t)(now - session->used_ms), "own", (int)(session == own));
		MUST(item != NULL && json_array_append_new(list, item) == 0);
	}
	api_finish(call, 200, json_pack("{s:b, s:o}", "success", 1, "sessions", list));
}

void
api_end_sessions(struct call *call)
{
	char user[API_WORD_BYTES];
	if (!api_query_get(httpd_query(call->req), "user", user, sizeof(user)))
		(void)snprintf(user, sizeof(user), "%s", call->user.name);
	if (!call->user.admin && strcmp(user, call->user.name) != 0) {
		api_fail(call, 403, "a viewer ends own sessions only");
		return;
	}
	size_t count = auth_logout_user(&call->api->auth, strcmp(user, "*") == 0 ? NULL : user);
	api_finish(call, 200, json_pack("{s:b, s:I}", "success", 1, "ended", (json_int_t)count));
}

/* ---- tokens by themselves ---- */

bool
api_user_holds(const struct api *api, const struct auth_user *user)
{
	uint64_t at_ms;
	size_t i;
	const json_t *item, *state = adminlink_state_at(api->link, &at_ms);
	const json_t *users = json_object_get(state, "users");
	/* Nobody has told, or not since then; or it is no user, and forgotten after a minute. */
	if (users == NULL || user->metrics || at_ms < user->since_ms + SETTLE_MS)
		return true;
	json_array_foreach(users, i, item)
	{
		const char *name = json_string_value(json_object_get(item, "name"));
		const char *role = json_string_value(json_object_get(item, "role"));
		const char *stamp = json_string_value(json_object_get(item, "stamp"));
		if (name != NULL && role != NULL && stamp != NULL &&
		    strcmp(name, user->name) == 0 && strcmp(stamp, user->stamp) == 0)
			return (strcmp(role, "admin") == 0) == user->admin;
	}
	return false;
}

static void
on_bearer(const struct envelope *answer, void *ctx)
{
	struct call *call = ctx;
	if (!token_is_good(call, answer))
		return;
	auth_bearer_note(&call->api->auth, call->token_sha256, &call->user, api_now_ms(call));
	api_enter(call);
}

/* A script: it sends the token itself, which no foreign page can. */
void
api_enter_by_bearer(struct call *call, struct view token)
{
	call->bearer = true;
	if (token.len == 0 || token.len > TOKEN_BYTES_MAX) {
		api_fail(call, 401, "this is not the admin token");
		return;
	}
	crypto_sha256(token, call->token_sha256);
	call->strong = auth_is_minted(token);
	const struct auth_user *user =
	    auth_bearer_known(&call->api->auth, call->token_sha256, api_now_ms(call));
	bool safe = call->strong || limiter_is_calm(&call->api->limiter, api_now_ms(call));
	bool opens =
	    safe && user != NULL && (!user->metrics || call->route->access == ACCESS_METRICS);
	if (!opens || !api_user_holds(call->api, user)) {
		check_token(call, false, on_bearer);
		return;
	}
	call->user = *user;
	api_enter(call);
}

/* ---- another token ---- */

void
api_mint(
    struct call *call, const char *word, const char *prefix, char hex[2 * CRYPTO_SHA256_BYTES + 1])
{
	uint8_t sha256[CRYPTO_SHA256_BYTES];
	call->minted_word = word;
	(void)snprintf(call->minted, sizeof(call->minted), "%s", prefix);
	crypto_random_base64url(32, call->minted + strlen(prefix));
	crypto_sha256(view_of(call->minted), sha256);
	crypto_hex(sha256, sizeof(sha256), hex);
}

void
api_change_token(struct call *call)
{
	char hex[2 * CRYPTO_SHA256_BYTES + 1];
	json_t *body = api_change(call, NULL, NULL);
	api_mint(call, "token", "pma-", hex);
	MUST(json_object_set_new(body, "token", json_string(call->minted)) == 0);
	api_ask_change(call, MSG_SET_TOKEN, body);
}

/* Its holder may ask for /metrics. */
void
api_change_metrics_token(struct call *call)
{
	char hex[2 * CRYPTO_SHA256_BYTES + 1];
	json_t *body = api_change(call, NULL, NULL);
	api_mint(call, "token", "pmm-", hex);
	MUST(json_object_set_new(body, "token", json_string(call->minted)) == 0 &&
	     json_object_set_new(body, "for", json_string("metrics")) == 0);
	api_ask_change(call, MSG_SET_TOKEN, body);
}
