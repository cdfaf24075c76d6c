#include "api.h"
#include "api_private.h"
#include "api_wait.h"
#include "clock.h"
#include "guard.h"
#include "jget.h"
#include "mem.h"
#include "must.h"
#include "names.h"
#include "reply.h"
#include <stdio.h>
#include <string.h>

uint64_t
api_now_ms(const struct call *call)
{
	return loop_now_ms(httpd_loop(call->req));
}

/* ---- answers; each ends the call ---- */

void
api_drop(struct call *call)
{
	json_decref(call->kept);
	crypto_wipe(call->minted, sizeof(call->minted));
	mem_free(call);
}

void
api_finish(struct call *call, int status, json_t *body)
{
	char quoted[80];
	const char *etag = json_string_value(json_object_get(body, "etag"));
	MUST(body != NULL);
	(void)snprintf(quoted, sizeof(quoted), "\"%s\"", etag != NULL ? etag : "");
	struct http_header header = {VIEW("ETag"), view_of(quoted)};
	if (call->req != NULL)
		reply_json(call->req, status, body, etag != NULL ? &header : NULL);
	else
		json_decref(body);
	api_drop(call);
}

static const char *
kind_of_status(int status)
{
	static const struct {
		int status;
		const char *kind;
	} kinds[] = {{400, "parse"}, {401, "auth"}, {403, "auth"}, {404, "absent"}, {409, "io"},
	    {412, "stale"}, {413, "limit"}, {422, "config"}, {428, "stale"}, {429, "limit"},
	    {503, "timeout"}};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].status == status)
			return kinds[i].kind;
	}
	return "peer";
}

void
api_fail(struct call *call, int status, const char *message)
{
	api_finish(call, status,
	    json_pack("{s:b, s:s, s:s}", "success", 0, "kind", kind_of_status(status), "message",
		message));
}

void
api_finish_text(struct call *call, const char *type, struct view text)
{
	if (call->req != NULL)
		reply_bytes(call->req, 200, type, "no-store", text, NULL);
	api_drop(call);
}

void
api_fail_away(struct call *call)
{
	api_fail(call, 503, "the control plane does not answer");
}

/* What the other side says against a question is the asker's fault, by its kind. */
static int
status_of(const json_t *error)
{
	static const struct {
		enum err_kind kind;
		int status;
	} statuses[] = {{ERR_PARSE, 400}, {ERR_PEER, 400}, {ERR_CONFIG, 422}, {ERR_LIMIT, 422},
	    {ERR_IO, 409}, {ERR_AUTH, 403}, {ERR_ABSENT, 404}, {ERR_STALE, 412},
	    {ERR_TIMEOUT, 503}};
	const char *kind = json_string_value(json_object_get(error, "kind"));
	for (size_t i = 0; kind != NULL && i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		if (strcmp(kind, err_kind_name(statuses[i].kind)) == 0)
			return statuses[i].status;
	}
	return 502;
}

/* {success, ...told} */
static json_t *
told_body(bool success, const json_t *told)
{
	json_t *body = json_pack("{s:b}", "success", (int)success);
	MUST(body != NULL && json_object_update(body, (json_t *)(uintptr_t)told) == 0);
	return body;
}

void
api_fail_told(struct call *call, const json_t *error)
{
	api_finish(call, status_of(error), told_body(false, error));
}

void
api_fail_asked(struct call *call, const json_t *error)
{
	int status = status_of(error);
	api_finish(call, status == 422 ? 400 : status, told_body(false, error));
}

void
api_finish_told(struct call *call, const json_t *told)
{
	json_t *body = told_body(true, told);
	if (call->minted_word != NULL)
		MUST(json_object_set_new(body, call->minted_word, json_string(call->minted)) == 0);
	api_finish(call, call->status != 0 ? call->status : 200, body);
}

/* ---- the body ---- */

bool
api_take_body(struct call *call, json_t **out)
{
	struct bytes text;
	struct err err;
	httpd_body_take(call->req, &text);
	bool ok = true;
	*out = NULL;
	if (text.len == 0)
		*out = json_object();
	else
		ok = jget_parse(bytes_view(&text), out, &err);
	/* It may hold a key. */
	if (text.data != NULL)
		crypto_wipe(text.data, text.len);
	bytes_fini(&text);
	if (ok && !json_is_object(*out)) {
		json_decref(*out);
		ok = err_set(&err, ERR_PARSE, "", "the body must be a JSON object");
	}
	if (!ok)
		api_fail(call, 400, err.msg);
	return ok;
}

/* ---- who may ---- */

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

void
api_enter(struct call *call)
{
	struct view bad;
	char message[API_WORD_BYTES];
	httpd_known(call->req);
	if (call->route->access == ACCESS_ADMIN && !call->user.admin) {
		api_fail(call, 403, "a viewer may not do this");
	} else if (!api_query_reads(httpd_query(call->req), call->route->query, &bad)) {
		(void)snprintf(message, sizeof(message), "%.*s is no text of at most %d bytes",
		    (int)bad.len, bad.data, API_WORD_BYTES - 1);
		api_fail(call, 400, message);
	} else {
		call->route->fn(call);
	}
}

static void
enter_by_session(struct call *call, bool changes)
{
	char csrf[AUTH_CSRF_BYTES];
	struct auth *auth = &call->api->auth;
	const struct auth_session *session = auth_use(auth, call->session, api_now_ms(call), csrf);
	if (session != NULL && !api_user_holds(call->api, &session->user)) {
		auth_logout(auth, call->session);
		session = NULL;
	}
	if (session == NULL) {
		api_fail(call, 401, "not logged in");
	} else if (changes && !has_csrf_token(call, csrf)) {
		api_fail(call, 403, "the X-CSRF-Token is missing or wrong");
	} else {
		call->user = session->user;
		api_enter(call);
	}
}

static void
enter(struct call *call)
{
	struct view bearer = guard_bearer(httpd_header(call->req, "authorization"));
	bool known = call->route->access != ACCESS_ANYONE;
	bool changes = call->route->method != HTTP_GET;
	if (known && bearer.data != NULL)
		api_enter_by_bearer(call, bearer);
	else if (changes && !is_own_page(call))
		api_fail(
		    call, 403, "the request must be application/json from a page of this origin");
	else if (known)
		enter_by_session(call, changes);
	else
		call->route->fn(call);
}

bool
api_knows(struct api *api, const struct http_req *req, uint64_t now_ms)
{
	uint8_t sha256[CRYPTO_SHA256_BYTES];
	struct view bearer = guard_bearer(httpd_header(req, "authorization"));
	if (bearer.len == 0)
		return auth_look(&api->auth, guard_cookie(httpd_header(req, "cookie"), api->cookie),
			   now_ms) != NULL;
	crypto_sha256(bearer, sha256);
	const struct auth_user *user = auth_bearer_known(&api->auth, sha256, now_ms);
	return user != NULL && !user->metrics;
}

/* ---- the path ---- */

/* Does the path fit the row's? *word is what stands for its "{...}". */
static bool
fits_path(const char *pattern, struct view path, struct view *word)
{
	struct view rest = view_of(pattern), part, own;
	*word = (struct view){0};
	while (rest.len > 0 && path.len > 0) {
		if (!view_split(&rest, '/', &part) || !view_split(&path, '/', &own))
			return false;
		bool any = view_starts(part, "{");
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
	static const char *const words[] = {[HTTP_GET] = "GET, HEAD",
	    [HTTP_POST] = "POST",
	    [HTTP_PUT] = "PUT",
	    [HTTP_PATCH] = "PATCH",
	    [HTTP_DELETE] = "DELETE"};
	return words[method];
}

/* The row for the request; `allow` lists the methods that its path has. */
static const struct route *
find_route(const struct http_req *req, struct bytes *allow, struct view *word)
{
	size_t count;
	const struct route *routes = api_routes(&count), *found = NULL;
	enum http_method method = httpd_method(req);
	struct view own;
	for (size_t i = 0; found == NULL && i < count; i++) {
		const struct route *route = &routes[i];
		if (!fits_path(route->path, httpd_path(req), &own))
			continue;
		/* One that is written out goes before one with a word. */
		if (route->method == (method == HTTP_HEAD ? HTTP_GET : method)) {
			found = route;
			*word = own;
		} else if (view_find(bytes_view(allow), allow_word(route->method)) < 0) {
			MUST(bytes_printf(
			    allow, "%s%s", allow->len > 0 ? ", " : "", allow_word(route->method)));
		}
	}
	return found;
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

/* ---- life ---- */

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
	call->index = -1;
	call->session = guard_cookie(httpd_header(req, "cookie"), api->cookie);
	(void)snprintf(call->peer, sizeof(call->peer), "%.*s", VIEW_ARGS(peer));
	/* It goes on in JSON, and a proxy may send anything. */
	for (char *c = call->peer; *c != '\0'; c++)
		*c = *c < '!' || *c > '~' ? '?' : *c;
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
	struct view word = {0};
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
	if (call != NULL && call->stream != NULL) {
		api_unlisten(call);
		return;
	}
	if (call != NULL && call->wait != NULL) {
		api_unwait(call);
		return;
	}
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
