/* The playground: a message by the way that a client goes, for somebody who is logged in. It goes
 * to a data plane's own socket in the run folder, which asks for no client key: none is held here,
 * and none reaches a page. */
#include "api_private.h"
#include "mem.h"
#include "must.h"
#include "names.h"
#include "reply.h"
#include "upcall.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PLAYS_MAX 16 /* at once */
#define HEAD_BYTES_MAX ((size_t)2048)
#define STATUS_HEADER "x-pointsman-status"

struct play {
	struct call *call;
	struct upcall *upcall;
	bool begun;
};

/* ---- the answer ---- */

static void
drop(struct play *play)
{
	struct call *call = play->call;
	upcall_free(play->upcall);
	call->api->plays--;
	mem_free(play);
	api_drop(call);
}

static bool
is_told(struct view name)
{
	return view_starts_nocase(name, "x-pointsman-") || view_eq_nocase(name, "request-id") ||
	       view_eq_nocase(name, "x-request-id") || view_eq_nocase(name, "retry-after");
}

static const char *
type_of(struct view type)
{
	static const char *const types[] = {"text/event-stream", "application/json"};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (view_starts_nocase(type, types[i]))
			return types[i];
	}
	return "text/plain; charset=utf-8";
}

/* Ours is 200 whatever it was: this call went well, and the page shows what came of it. */
static void
on_head(const struct upcall_head *head, void *ctx)
{
	struct play *play = ctx;
	struct http_header headers[REPLY_EXTRA_MAX];
	struct view type = {0};
	char status[8];
	(void)snprintf(status, sizeof(status), "%d", head->status);
	headers[0] = (struct http_header){VIEW(STATUS_HEADER), view_of(status)};
	size_t count = 1;
	for (size_t i = 0; i < head->count; i++) {
		const struct http_header *header = &head->headers[i];
		if (view_eq_nocase(header->name, "content-type"))
			type = header->value;
		else if (is_told(header->name) && count < REPLY_EXTRA_MAX)
			headers[count++] = *header;
	}
	play->begun = true;
	reply_start_list(play->call->req, type_of(type), headers, count);
}

static bool
on_bytes(struct view bytes, void *ctx)
{
	struct play *play = ctx;
	return httpd_write(play->call->req, bytes);
}

static void
on_end(bool whole, void *ctx)
{
	struct play *play = ctx;
	struct call *call = play->call;
	if (!play->begun) {
		reply_error(call->req, 503, "the data plane has gone away");
	} else if (whole) {
		httpd_end(call->req);
	} else {
		httpd_abort(call->req, HTTPD_CUT);
	}
	drop(play);
}

/* The client has taken what there was, or left. */
static void
on_writable(struct call *call)
{
	struct play *play = call->own;
	if (call->req == NULL)
		drop(play);
	else
		upcall_resume(play->upcall);
}

/* ---- the request ---- */

static const char *
path_of(const char *protocol)
{
	static const char *const paths[][2] = {{"anthropic", "/v1/messages"},
	    {"responses", "/openai/responses"}, {"chat", "/v1/chat/completions"}};
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (strcmp(protocol, paths[i][0]) == 0)
			return paths[i][1];
	}
	return NULL;
}

/* It becomes a header's value. */
static bool
take_client_key(struct call *call, char out[API_WORD_BYTES])
{
	out[0] = '\0';
	if (!api_query_get(httpd_query(call->req), "client_key", out, API_WORD_BYTES))
		out[0] = '\0';
	for (const char *at = out; *at != '\0'; at++) {
		if ((unsigned char)*at <= ' ' || *at == 0x7f) {
			api_fail(call, 400, "client_key is no id of one");
			return false;
		}
	}
	return true;
}

static void
make_request(struct call *call, const char *path, const char *client_key, struct bytes *out)
{
	struct bytes body;
	httpd_body_take(call->req, &body);
	bytes_init(out, HEAD_BYTES_MAX + body.len);
	bool ok = bytes_printf(out,
	    "POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
	    "User-Agent: Pointsman playground\r\nContent-Type: application/json\r\n"
	    "anthropic-version: 2023-06-01\r\nContent-Length: %zu\r\n",
	    path, body.len);
	if (client_key[0] != '\0')
		ok = ok && bytes_printf(out, "x-pointsman-client-key-id: %s\r\n", client_key);
	ok = ok && bytes_append_str(out, "\r\n") && bytes_append_view(out, bytes_view(&body));
	MUST(ok);
	bytes_fini(&body);
}

/* The first data plane that answers; NULL = none does. */
static struct upcall *
call_dataplane(struct play *play, const json_t *state, struct bytes *request)
{
	static const struct upcall_handler handler = {on_head, on_bytes, on_end};
	const json_t *planes = json_object_get(state, "dataplanes");
	const struct api *api = play->call->api;
	struct upcall *upcall = NULL;
	for (size_t i = 0; upcall == NULL && i < json_array_size(planes); i++) {
		char name[80], path[108];
		struct err err;
		const char *instance =
		    json_string_value(json_object_get(json_array_get(planes, i), "instance"));
		if (instance == NULL || strchr(instance, '/') != NULL)
			continue;
		(void)snprintf(name, sizeof(name), NAMES_INNER, instance);
		if (names_path(api->run_dir, name, path, sizeof(path), &err))
			upcall = upcall_new(api->loop, path, request, &handler, play, &err);
	}
	return upcall;
}

static void
start(struct call *call, const json_t *state, struct bytes *request)
{
	struct play *play = MEM_NEW(struct play);
	*play = (struct play){.call = call};
	play->upcall = call_dataplane(play, state, request);
	if (play->upcall == NULL) {
		mem_free(play);
		api_fail(call, 503, "no data plane answers");
		return;
	}
	call->api->plays++;
	call->own = play;
	call->on_writable = on_writable;
}

void
api_play(struct call *call)
{
	char client_key[API_WORD_BYTES];
	const char *path = path_of(call->word);
	struct bytes request;
	if (path == NULL) {
		api_fail(call, 404, "there is no such protocol");
		return;
	}
	if (call->api->plays >= PLAYS_MAX) {
		api_fail(call, 429, "so many run already");
		return;
	}
	const json_t *state = api_state(call);
	if (state == NULL || !take_client_key(call, client_key))
		return;
	make_request(call, path, client_key, &request);
	start(call, state, &request);
	bytes_fini(&request);
}
