#include "front.h"
#include "admin_pass.h"
#include "admit.h"
#include "headers.h"
#include "inner.h"
#include "log.h"
#include "refuse.h"
#include "relay.h"
#include "route.h"

/* No table allows more. */
#define BODY_BYTES_MAX ((size_t)1024 * 1024 * 1024)

/* ---- answers that need no exchange ---- */

static void
log_refusal(const struct http_req *req, const struct relay_refusal *refusal, const char *reason)
{
	struct log_line line;
	log_begin(&line, LOG_INFO, "refused");
	log_str(&line, "id", refusal->id);
	log_str(&line, "peer", httpd_peer_name(req));
	log_view(&line, "method", httpd_method_name(req));
	log_view(&line, "path", view_sub(httpd_path(req), 0, 96));
	log_int(&line, "status", refusal->status);
	log_str(&line, "reason", reason);
	log_end(&line);
}

static void
refuse(struct front *front, struct http_req *req, const struct relay_refusal *refusal,
    const char *reason)
{
	char id[RELAY_ID_BYTES];
	struct relay_refusal whole = *refusal;
	struct relay relay;
	relay_make_id(id);
	whole.id = id;
	front->refused++;
	log_refusal(req, &whole, reason);
	relay_init(&relay, req);
	relay_refuse(&relay, &whole);
}

/* Codex asks for a WebSocket first and falls back to POST at once on exactly this status; any other
 * costs it seven tries, a 400 or 429 is fatal. */
static void
refuse_websocket(struct front *front, struct http_req *req, enum protocol protocol)
{
	struct relay_refusal refusal = {
	    .protocol = protocol,
	    .status = 426,
	    .message = "WebSockets are not spoken here; send the request as a POST.",
	    .extra_name = "upgrade",
	    .extra_value = "HTTP/1.1",
	};
	refuse(front, req, &refusal, "websocket");
}

static void
refuse_route(struct front *front, struct http_req *req, const struct route *route)
{
	bool method = route->kind == ROUTE_BAD_METHOD;
	struct relay_refusal refusal = {
	    .protocol = route->protocol,
	    .status = method ? 405 : 404,
	    .message = method ? "This method is not allowed here."
			      : "There is nothing at this path. Clients use /v1/messages, "
				"/v1/chat/completions or /v1/responses.",
	    .extra_name = method ? "allow" : NULL,
	    .extra_value = method ? route->allow : NULL,
	};
	refuse(front, req, &refusal, method ? "method" : "path");
}

static void
refuse_early(struct front *front, struct http_req *req, enum protocol protocol)
{
	struct relay_refusal refusal = {
	    .protocol = protocol,
	    .status = 503,
	    .message = "The gateway is starting; try again in a second.",
	    .retry_after = "1",
	};
	refuse(front, req, &refusal, "no_table");
}

/* ---- by the head ---- */

static void
take_admin(struct front *front, struct http_req *req, const struct route *route)
{
	const struct table *table = link_table(front->link);
	bool open =
	    table->admin_on_api_port && (httpd_peer_is_loopback(req) || table->admin_remote);
	struct route nowhere = *route;
	/* webadmin does not ask itself. */
	open = open && httpd_tag(req) != INNER_TAG;
	nowhere.kind = ROUTE_NOT_FOUND;
	if (open) {
		httpd_ctx_set(req,
		    admin_pass_new(front->env.loop, front->env.upstreams, req, front->web_socket));
	} else {
		refuse_route(front, req, &nowhere);
	}
}

static void
take_call(struct front *front, struct http_req *req, const struct route *route)
{
	struct table *table = link_table(front->link);
	const struct http_header *headers;
	size_t count = httpd_headers(req, &headers);
	const struct client_key *key;
	struct admit_refusal why;
	bool inner = httpd_tag(req) == INNER_TAG;
	if (!(inner ? admit_check_inner : admit_check)(table, headers, count, &key, &why)) {
		struct relay_refusal refusal = {
		    .protocol = route->protocol, .status = why.status, .message = why.message};
		refuse(front, req, &refusal, why.reason);
		return;
	}
	httpd_known(req);
	if (!httpd_body_fits(req)) {
		struct relay_refusal refusal = {.protocol = route->protocol,
		    .status = 503,
		    .message = BODIES_NO_ROOM,
		    .retry_after = "1"};
		refuse(front, req, &refusal, "no_room");
		return;
	}
	httpd_body_limit(req, (size_t)table->body_bytes_max);
	httpd_ctx_set(req, exchange_new(&front->env, req, route, table, key));
}

static bool
wants_websocket(const struct http_req *req)
{
	return headers_list_has(httpd_header(req, "upgrade"), "websocket");
}

static struct route
route_of(const struct http_req *req)
{
	bool anthropic = httpd_header(req, "anthropic-version").data != NULL ||
			 httpd_header(req, "x-api-key").data != NULL;
	return route_match(httpd_method(req), httpd_path(req), anthropic);
}

static void
on_head(struct http_req *req, void *ctx)
{
	struct front *front = ctx;
	struct route route = route_of(req);
	bool no_table = front->link == NULL || link_table(front->link) == NULL;
	if (wants_websocket(req) && route.kind != ROUTE_ADMIN && route.kind != ROUTE_NOT_FOUND) {
		refuse_websocket(front, req, route.protocol);
	} else if (route.kind == ROUTE_PROBE) {
		httpd_reply(req, 200, NULL, 0, VIEW(""));
	} else if (route.kind == ROUTE_NOT_FOUND || route.kind == ROUTE_BAD_METHOD) {
		refuse_route(front, req, &route);
	} else if (no_table) {
		refuse_early(front, req, route.protocol);
	} else if (route.kind == ROUTE_ADMIN) {
		take_admin(front, req, &route);
	} else {
		take_call(front, req, &route);
	}
}

/* ---- the rest is the owner's ---- */

static void
on_request(struct http_req *req, void *ctx)
{
	struct work *work = httpd_ctx(req);
	(void)ctx;
	work->ops->on_request(work);
}

static void
on_writable(struct http_req *req, void *ctx)
{
	struct work *work = httpd_ctx(req);
	(void)ctx;
	if (work != NULL)
		work->ops->on_writable(work);
}

static void
on_gone(struct http_req *req, void *ctx)
{
	struct work *work = httpd_ctx(req);
	(void)ctx;
	if (work != NULL)
		work->ops->on_gone(work);
}

/* The body broke its framing, took too long or was too big. */
static void
on_refuse(struct http_req *req, int status, const char *why, struct bytes *out, void *ctx)
{
	struct front *front = ctx;
	char id[RELAY_ID_BYTES];
	struct route route = route_of(req);
	struct relay_refusal refusal = {.protocol = route.protocol, .status = status, .id = id};
	relay_make_id(id);
	front->refused++;
	log_refusal(req, &refusal, "body");
	if (!refuse_body(route.protocol, status, why, NULL, id, out))
		bytes_clear(out);
}

static bool
on_room(uint64_t more, uint64_t all, void *ctx)
{
	struct front *front = ctx;
	return bodies_fit(&front->env.bodies, more, all);
}

void
front_init(
    struct front *front, struct loop *loop, struct upstreams *upstreams, const char *web_socket)
{
	static const struct httpd_handler handler = {
	    on_head, on_request, on_writable, on_gone, on_refuse, on_room};
	struct httpd_limits limits;
	*front = (struct front){.web_socket = web_socket};
	exchange_env_init(&front->env, loop, upstreams);
	httpd_limits_default(&limits);
	limits.body_bytes = BODY_BYTES_MAX; /* lowered for each request to the table's bound */
	front->httpd = httpd_new(loop, &limits, &handler, front);
}

void
front_fini(struct front *front)
{
	exchange_env_fini(&front->env);
}
