#include "admin_pass.h"
#include "headers.h"
#include "mem.h"
#include "relay.h"
#include <stdio.h>
#include <string.h>

#define HEADERS_BYTES_MAX ((size_t)160 * 1024)
#define URL_BYTES_MAX ((size_t)64 * 1024)

struct admin_pass {
	struct work work; /* first */
	struct loop *loop;
	struct upstreams *upstreams;
	const char *socket_path;
	struct relay relay;
	struct bytes body;
	struct transfer *transfer;
	struct loop_task task; /* resume, or the end */
	bool paused, over;
};

/* ---- the request ---- */

/* Headers of one connection, and those that only a proxy in front of webadmin may set: us. */
static bool
stays_here(struct view name, struct view connection)
{
	static const char *const names[] = {"connection", "keep-alive", "proxy-authenticate",
	    "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding",
	    "upgrade", "content-length", "expect", "forwarded", "x-real-ip"};
	char text[64];
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (view_eq_nocase(name, names[i]))
			return true;
	}
	(void)snprintf(text, sizeof(text), "%.*s", VIEW_ARGS(name));
	return view_starts_nocase(name, "x-forwarded-") || headers_list_has(connection, text);
}

static bool
add_header(struct bytes *out, struct view name, struct view value)
{
	return bytes_append_view(out, name) && bytes_append_str(out, value.len > 0 ? ": " : ";") &&
	       bytes_append_view(out, value) && bytes_append_char(out, '\0');
}

/* libcurl adds "Accept" and "Content-Type" of its own unless they are named here. */
static bool
make_headers(const struct http_req *req, struct bytes *out)
{
	const struct http_header *headers;
	size_t count = httpd_headers(req, &headers);
	struct view connection = httpd_header(req, "connection");
	bool ok = true;
	for (size_t i = 0; ok && i < count; i++) {
		if (!stays_here(headers[i].name, connection))
			ok = add_header(out, headers[i].name, headers[i].value);
	}
	if (ok && httpd_header(req, "accept").data == NULL)
		ok = bytes_append(out, "Accept:", sizeof("Accept:"));
	if (ok && httpd_header(req, "content-type").data == NULL)
		ok = bytes_append(out, "Content-Type:", sizeof("Content-Type:"));
	return ok && add_header(out, VIEW("X-Forwarded-For"), view_of(httpd_peer_name(req)));
}

static bool
make_url(const struct http_req *req, struct bytes *out)
{
	struct view query = httpd_query(req);
	return bytes_append_str(out, "http://webadmin") &&
	       bytes_append_view(out, httpd_path(req)) &&
	       (query.len == 0 || (bytes_append_char(out, '?') && bytes_append_view(out, query)));
}

static size_t
on_read(uint64_t at, char *out, size_t len, void *ctx)
{
	struct admin_pass *pass = ctx;
	struct view piece = view_sub(bytes_view(&pass->body), (size_t)at, len);
	if (piece.len > 0)
		memcpy(out, piece.data, piece.len);
	return piece.len;
}

/* ---- the answer ---- */

static void
defer(struct admin_pass *pass)
{
	loop_defer(pass->loop, &pass->task);
}

static bool
on_head(struct answer *answer, void *ctx)
{
	struct admin_pass *pass = ctx;
	struct http_header headers[ANSWER_HEADERS_MAX];
	struct relay_head head = {.status = answer->status, .headers = headers};
	struct view connection = answer_header(answer, "connection");
	for (size_t i = 0; i < answer->header_count; i++) {
		if (!stays_here(answer->headers[i].name, connection))
			headers[head.count++] = answer->headers[i];
	}
	head.has_length = answer->has_length;
	head.length = answer->length;
	relay_start(&pass->relay, &head);
	return true;
}

static enum transfer_go
on_bytes(struct view bytes, void *ctx)
{
	struct admin_pass *pass = ctx;
	if (pass->relay.full) {
		pass->paused = true;
		return TRANSFER_PAUSE;
	}
	(void)relay_write(&pass->relay, bytes);
	return TRANSFER_GO;
}

static void
refuse(struct admin_pass *pass)
{
	static const char text[] =
	    "The admin pages are not running at the moment. Calls of clients are still served.\n";
	struct http_header headers[] = {
	    {VIEW("content-type"), VIEW("text/plain; charset=utf-8")},
	    {VIEW("retry-after"), VIEW("2")},
	    {VIEW("cache-control"), VIEW("no-store")},
	};
	if (pass->relay.req != NULL)
		httpd_reply(pass->relay.req, 503, headers, 3, view_make(text, sizeof(text) - 1));
	pass->relay.req = NULL;
}

static void
on_done(enum transport transport, const char *detail, void *ctx)
{
	struct admin_pass *pass = ctx;
	(void)detail;
	if (!pass->relay.started) {
		refuse(pass);
	} else if (transport == TRANSPORT_OK) {
		relay_end(&pass->relay);
	} else {
		relay_cut(&pass->relay);
	}
	pass->over = true;
	defer(pass);
}

/* ---- events of the client ---- */

static void
on_request(struct work *work)
{
	static const struct transfer_events events = {on_head, on_bytes, on_done, on_read};
	struct admin_pass *pass = (struct admin_pass *)work;
	struct http_req *req = pass->relay.req;
	struct bytes headers, url;
	char method[16];
	(void)snprintf(method, sizeof(method), "%.*s", VIEW_ARGS(httpd_method_name(req)));
	httpd_body_take(req, &pass->body);
	bytes_init(&headers, HEADERS_BYTES_MAX);
	bytes_init(&url, URL_BYTES_MAX);
	if (make_headers(req, &headers) && make_url(req, &url)) {
		struct transfer_call call = {
		    .url = bytes_str(&url),
		    .method = method,
		    .headers = &headers,
		    .body_bytes = pass->body.len,
		    .unix_path = pass->socket_path,
		    .events = &events,
		    .ctx = pass,
		};
		pass->transfer = transfer_start(pass->upstreams, &call);
	} else {
		refuse(pass);
		pass->over = true;
		defer(pass);
	}
	bytes_fini(&headers);
	bytes_fini(&url);
}

static void
on_writable(struct work *work)
{
	struct admin_pass *pass = (struct admin_pass *)work;
	relay_writable(&pass->relay);
	if (pass->paused)
		defer(pass);
}

static void
on_gone(struct work *work)
{
	struct admin_pass *pass = (struct admin_pass *)work;
	relay_gone(&pass->relay);
	pass->over = true;
	defer(pass);
}

static void
on_task(struct loop_task *task, void *ctx)
{
	struct admin_pass *pass = ctx;
	(void)task;
	if (pass->over) {
		transfer_free(pass->transfer);
		bytes_fini(&pass->body);
		mem_free(pass);
	} else if (pass->paused && !pass->relay.full) {
		pass->paused = false;
		transfer_resume(pass->transfer);
	}
}

struct work *
admin_pass_new(
    struct loop *loop, struct upstreams *upstreams, struct http_req *req, const char *socket_path)
{
	static const struct work_ops ops = {on_request, on_writable, on_gone};
	struct admin_pass *pass = MEM_NEW(struct admin_pass);
	pass->work.ops = &ops;
	pass->loop = loop;
	pass->upstreams = upstreams;
	pass->socket_path = socket_path;
	pass->task = (struct loop_task){.fn = on_task, .ctx = pass};
	relay_init(&pass->relay, req);
	httpd_body_limit(req, ADMIN_PASS_BODY_BYTES_MAX);
	return &pass->work;
}
