#include "api.h"
#include "api_private.h"
#include "clock.h"
#include "guard.h"
#include "jget.h"
#include "mem.h"
#include "must.h"
#include "names.h"
#include "reply.h"
#include <stdio.h>
#include <string.h>

#define STATE_STALE_MS 5000
#define TOKEN_BYTES_MAX 1024

static uint64_t
now_ms(const struct call *call)
{
	return loop_now_ms(httpd_loop(call->req));
}

/* ---- answers; each ends the call ---- */

static void
finish_with(struct call *call, int status, json_t *body, const struct http_header *extra)
{
	if (call->req != NULL)
		reply_json(call->req, status, body, extra);
	else
		json_decref(body);
	mem_free(call);
}

void
api_finish(struct call *call, int status, json_t *body)
{
	finish_with(call, status, body, NULL);
}

void
api_fail(struct call *call, int status, const char *message)
{
	api_finish(call, status, json_pack("{s:b, s:s}", "success", 0, "message", message));
}

void
api_finish_text(struct call *call, const char *type, struct view text)
{
	if (call->req != NULL)
		reply_bytes(call->req, 200, type, "no-store", text, NULL);
	mem_free(call);
}

static void
fail_away(struct call *call)
{
	api_fail(call, 503, "the control plane does not answer");
}

/* What controlplane said against it, with the path of each fault. */
static void
fail_told(struct call *call, int status, const json_t *error)
{
	json_t *body = json_pack("{s:b}", "success", 0);
	MUST(body != NULL && json_object_update(body, (json_t *)(uintptr_t)error) == 0);
	api_finish(call, status, body);
}

static void
fail_too_often(struct call *call, uint64_t wait_ms)
{
	char seconds[24];
	(void)snprintf(
	    seconds, sizeof(seconds), "%llu", (unsigned long long)(wait_ms + 999) / 1000);
	struct http_header retry = {VIEW("Retry-After"), view_of(seconds)};
	finish_with(call, 429,
	    json_pack("{s:b, s:s}", "success", 0, "message", "too many tries; wait a moment"),
	    &retry);
}

/* ---- the admin token: only controlplane knows it ---- */

static bool
said(const struct envelope *answer, const char *type)
{
	return answer != NULL && strcmp(answer->type, type) == 0;
}

static enum auth_role
role_of(const struct route *route)
{
	return route->access == ACCESS_METRICS ? AUTH_METRICS : AUTH_ADMIN;
}

/* Asks whether call->token_sha256 is that of a token which opens the route. */
static void
check_token(struct call *call, adminlink_answer_fn *on_checked)
{
	char hex[CRYPTO_SHA256_BYTES * 2 + 1];
	uint64_t wait_ms;
	struct view peer = view_of(call->peer);
	if (!limiter_take(&call->api->limiter, peer, now_ms(call), &wait_ms)) {
		fail_too_often(call, wait_ms);
		return;
	}
	crypto_hex(call->token_sha256, CRYPTO_SHA256_BYTES, hex);
	json_t *body = json_pack("{s:s, s:s}", "sha256", hex, "for",
	    role_of(call->route) == AUTH_METRICS ? "metrics" : "admin");
	if (!adminlink_ask(call->api->link, MSG_CHECK_TOKEN, body, on_checked, call))
		fail_away(call);
}

/* True: the token is good and the client is there. Else the call has ended. */
static bool
token_is_good(struct call *call, const struct envelope *answer)
{
	/* Only a token that was found wrong costs a try. */
	if (!said(answer, MSG_ERROR))
		limiter_give_back(&call->api->limiter, view_of(call->peer));
	if (said(answer, MSG_OK) && call->req != NULL)
		return true;
	if (said(answer, MSG_ERROR))
		api_fail(call, 401, "this is not the admin token");
	else
		fail_away(call);
	return false;
}

/* ---- /api/login, /api/logout, /api/session ---- */

static void
cookie_header(const struct call *call, const char *value, const char *more, char *out, size_t len)
{
	int used = snprintf(
	    out, len, "%s=%s; Path=/; HttpOnly; SameSite=Strict%s", call->api->cookie, value, more);
	MUST(used > 0 && (size_t)used < len);
}

static void
on_login(const struct envelope *answer, void *ctx)
{
	struct call *call = ctx;
	char id[AUTH_ID_BYTES], csrf[AUTH_CSRF_BYTES], cookie[160];
	if (!token_is_good(call, answer))
		return;
	struct auth *auth = &call->api->auth;
	auth_logout(auth, call->session);
	auth_login(auth, now_ms(call), id);
	MUST(auth_use(auth, view_of(id), now_ms(call), csrf));
	cookie_header(call, id, "", cookie, sizeof(cookie));
	struct http_header set = {VIEW("Set-Cookie"), view_of(cookie)};
	finish_with(call, 200, json_pack("{s:b, s:s}", "success", 1, "csrf_token", csrf), &set);
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
		crypto_sha256(token, call->token_sha256);
		crypto_wipe((char *)(uintptr_t)token.data, token.len);
	}
	if (text.data != NULL)
		crypto_wipe(text.data, text.len);
	bytes_fini(&text);
	json_decref(body);
	return ok;
}

static void
login(struct call *call)
{
	struct err err;
	if (read_token(call, &err))
		check_token(call, on_login);
	else
		api_fail(call, 400, err.msg);
}

static void
logout(struct call *call)
{
	char cookie[160];
	auth_logout(&call->api->auth, call->session);
	cookie_header(call, "", "; Max-Age=0", cookie, sizeof(cookie));
	struct http_header set = {VIEW("Set-Cookie"), view_of(cookie)};
	finish_with(call, 200, json_pack("{s:b}", "success", 1), &set);
}

static void
show_session(struct call *call)
{
	char csrf[AUTH_CSRF_BYTES] = "";
	bool there = auth_use(&call->api->auth, call->session, now_ms(call), csrf);
	api_finish(call, 200,
	    json_pack("{s:b, s:s?, s:s, s:i}", "logged_in", there, "csrf_token",
		there ? csrf : NULL, "version", PM_VERSION, "api_port", (int)call->api->api_port));
}

/* ---- /api/state, /api/reload ---- */

static void
show_state(struct call *call)
{
	uint64_t age_ms;
	const json_t *state = adminlink_state(call->api->link, &age_ms);
	json_t *age = state != NULL ? json_integer((json_int_t)age_ms) : json_null();
	if (state == NULL || age_ms > STATE_STALE_MS) {
		api_finish(call, 503,
		    json_pack("{s:b, s:s, s:o}", "success", 0, "message",
			"the control plane does not answer", "age_ms", age));
		return;
	}
	json_t *body = json_copy((json_t *)(uintptr_t)state);
	MUST(body != NULL && json_object_set_new(body, "age_ms", age) == 0);
	api_finish(call, 200, body);
}

static void
on_reloaded(const struct envelope *answer, void *ctx)
{
	struct call *call = ctx;
	if (said(answer, MSG_OK)) {
		json_t *body = json_pack("{s:b}", "success", 1);
		MUST(body != NULL && json_object_update(body, answer->body) == 0);
		api_finish(call, 200, body);
	} else if (said(answer, MSG_ERROR)) {
		fail_told(call, 422, answer->body);
	} else {
		fail_away(call);
	}
}

static void
reload(struct call *call)
{
	if (!adminlink_ask(call->api->link, MSG_RELOAD, NULL, on_reloaded, call))
		fail_away(call);
}

/* ---- who may ---- */

static const struct route routes[] = {
    {HTTP_GET, "/api/session", ACCESS_ANYONE, show_session},
    {HTTP_POST, "/api/login", ACCESS_ANYONE, login},
    {HTTP_POST, "/api/logout", ACCESS_ADMIN, logout},
    {HTTP_GET, "/api/state", ACCESS_ADMIN, show_state},
    {HTTP_POST, "/api/reload", ACCESS_ADMIN, reload},
    {HTTP_GET, "/api/v1/upstreams", ACCESS_ADMIN, api_show_upstreams},
    {HTTP_POST, "/api/v1/upstreams/*/clear", ACCESS_ADMIN, api_clear},
    {HTTP_POST, "/api/v1/upstreams/*/probe", ACCESS_ADMIN, api_probe},
    {HTTP_POST, "/api/v1/upstreams/*/enable", ACCESS_ADMIN, api_enable},
    {HTTP_POST, "/api/v1/upstreams/*/disable", ACCESS_ADMIN, api_disable},
    {HTTP_POST, "/api/v1/clear", ACCESS_ADMIN, api_clear_all},
    {HTTP_GET, "/api/v1/explain", ACCESS_ADMIN, api_show_explanation},
    {HTTP_GET, "/api/v1/decisions", ACCESS_ADMIN, api_show_decisions},
    {HTTP_GET, "/api/v1/requests", ACCESS_ADMIN, api_show_decisions},
    {HTTP_GET, "/api/v1/stats", ACCESS_ADMIN, api_show_stats},
    {HTTP_POST, "/api/v1/stats/reprice", ACCESS_ADMIN, api_reprice},
    {HTTP_GET, "/api/v1/stats/reprice", ACCESS_ADMIN, api_show_reprice},
    {HTTP_GET, "/api/v1/export/requests", ACCESS_ADMIN, api_export_requests},
    {HTTP_GET, "/api/v1/export/stats", ACCESS_ADMIN, api_export_stats},
    {HTTP_GET, "/api/token-stats", ACCESS_ADMIN, api_show_token_stats},
    {HTTP_POST, "/api/token-stats/reset", ACCESS_ADMIN, api_reset_stats},
    {HTTP_POST, "/api/token-stats/generate", ACCESS_ADMIN, api_generate_stats},
    {HTTP_GET, "/metrics", ACCESS_METRICS, api_show_metrics},
    {HTTP_GET, "/api/v1/metrics/describe", ACCESS_ADMIN, api_describe_metrics},
    {HTTP_GET, "/api/v1/alerts", ACCESS_ADMIN, api_show_alerts},
    {HTTP_POST, "/api/v1/alerts/test", ACCESS_ADMIN, api_test_alert},
    {HTTP_GET, "/api/v1/lessons", ACCESS_ADMIN, api_show_lessons},
    {HTTP_DELETE, "/api/v1/lessons", ACCESS_ADMIN, api_forget_lessons},
};

static void
on_bearer(const struct envelope *answer, void *ctx)
{
	struct call *call = ctx;
	if (!token_is_good(call, answer))
		return;
	auth_bearer_note(&call->api->auth, role_of(call->route), call->token_sha256, now_ms(call));
	call->route->fn(call);
}

/* A script: it sends the token itself, which no foreign page can. */
static void
enter_by_bearer(struct call *call, struct view token)
{
	if (token.len == 0 || token.len > TOKEN_BYTES_MAX) {
		api_fail(call, 401, "this is not the admin token");
		return;
	}
	crypto_sha256(token, call->token_sha256);
	if (auth_bearer_known(
		&call->api->auth, role_of(call->route), call->token_sha256, now_ms(call)))
		call->route->fn(call);
	else
		check_token(call, on_bearer);
}

/* What a page of another site could make a browser send is refused. */
static bool
is_own_page(const struct call *call)
{
	return guard_json(httpd_header(call->req, "content-type")) &&
	       guard_origin(httpd_header(call->req, "origin"), httpd_header(call->req, "host"));
}

static bool
has_csrf_token(const struct call *call, const char *csrf)
{
	struct view sent = httpd_header(call->req, "x-csrf-token");
	return sent.len == strlen(csrf) && crypto_equal(sent.data, csrf, sent.len);
}

static void
enter(struct call *call)
{
	char csrf[AUTH_CSRF_BYTES];
	struct view bearer = guard_bearer(httpd_header(call->req, "authorization"));
	bool admin = call->route->access != ACCESS_ANYONE;
	bool changes = call->route->method != HTTP_GET;
	if (admin && bearer.data != NULL) {
		enter_by_bearer(call, bearer);
	} else if (changes && !is_own_page(call)) {
		api_fail(
		    call, 403, "the request must be application/json from a page of this origin");
	} else if (admin && !auth_use(&call->api->auth, call->session, now_ms(call), csrf)) {
		api_fail(call, 401, "not logged in");
	} else if (admin && changes && !has_csrf_token(call, csrf)) {
		api_fail(call, 403, "the X-CSRF-Token is missing or wrong");
	} else {
		call->route->fn(call);
	}
}

/* Does the path fit the row's? *word is what stands for its "*". */
static bool
fits_path(const char *pattern, struct view path, struct view *word)
{
	struct view rest = view_of(pattern), part, own;
	*word = (struct view){0};
	while (rest.len > 0 && path.len > 0) {
		if (!view_split(&rest, '/', &part) || !view_split(&path, '/', &own))
			return false;
		bool any = view_eq_str(part, "*");
		if (any && own.len > 0)
			*word = own;
		else if (any || !view_eq(part, own))
			return false;
	}
	return rest.len == 0 && path.len == 0;
}

static const char *
allow_word(enum http_method method)
{
	return method == HTTP_GET ? "GET, HEAD" : method == HTTP_DELETE ? "DELETE" : "POST";
}

/* The row for the request; `allow` lists the methods that its path has. */
static const struct route *
find_route(const struct http_req *req, struct bytes *allow, struct view *word)
{
	enum http_method method = httpd_method(req);
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		const struct route *route = &routes[i];
		if (!fits_path(route->path, httpd_path(req), word))
			continue;
		if (route->method == (method == HTTP_HEAD ? HTTP_GET : method))
			return route;
		MUST(bytes_printf(
		    allow, "%s%s", allow->len > 0 ? ", " : "", allow_word(route->method)));
	}
	return NULL;
}

static void
refuse_route(struct http_req *req, struct bytes *allow)
{
	struct http_header header = {VIEW("Allow"), bytes_view(allow)};
	if (allow->len > 0)
		reply_error_with(req, 405, "this path has no such method", &header);
	else
		reply_error(req, 404, "there is no such path");
}

void
api_init(struct api *api, struct loop *loop, struct adminlink *link, struct adminlink *stats,
    const char *state_dir, unsigned api_port)
{
	uint8_t sha256[CRYPTO_SHA256_BYTES];
	char hex[9];
	*api = (struct api){.loop = loop,
	    .link = link,
	    .stats = stats,
	    .api_port = api_port,
	    .started_ms = clock_wall_ms()};
	auth_init(&api->auth);
	crypto_sha256(view_of(state_dir), sha256);
	crypto_hex(sha256, 4, hex);
	(void)snprintf(api->cookie, sizeof(api->cookie), "pointsman_%s", hex);
}

static void
start_call(struct api *api, struct http_req *req, const struct route *route, struct view word,
    struct view peer)
{
	struct call *call = MEM_NEW(struct call);
	call->api = api;
	call->req = req;
	call->route = route;
	call->session = guard_cookie(httpd_header(req, "cookie"), api->cookie);
	(void)snprintf(call->peer, sizeof(call->peer), "%.*s", VIEW_ARGS(peer));
	httpd_ctx_set(req, call);
	if (!api_query_decode(word, false, call->word, sizeof(call->word)))
		api_fail(call, 404, "there is no such path");
	else
		enter(call);
}

void
api_handle(struct api *api, struct http_req *req, struct view peer)
{
	struct bytes allow;
	bytes_init(&allow, 128);
	struct view word;
	const struct route *route = find_route(req, &allow, &word);
	if (route == NULL)
		refuse_route(req, &allow);
	else
		start_call(api, req, route, word, peer);
	bytes_fini(&allow);
}

void
api_gone(struct http_req *req)
{
	struct call *call = httpd_ctx(req);
	if (call == NULL)
		return;
	call->req = NULL;
	if (call->on_writable != NULL)
		call->on_writable(call);
}

void
api_writable(struct http_req *req)
{
	struct call *call = httpd_ctx(req);
	if (call != NULL && call->on_writable != NULL)
		call->on_writable(call);
}
