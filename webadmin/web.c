#include "web.h"
#include "guard.h"
#include "pages.h"
#include "reply.h"

#define BODY_BYTES_MAX (6u * 1024 * 1024)
#define STRANGER_BYTES_MAX (64u * 1024)
#define CONNECTIONS_MAX 512
/* Of all together: small ones find room beside as many of the largest as fit, and strangers alone
 * cannot take it, not even with bodies of unknown length. */
#define BODIES_BYTES_MAX (100u * 1024 * 1024)

static void
on_head(struct http_req *req, void *ctx)
{
	/* Nobody else may make this process keep much. */
	bool known = api_knows(ctx, req, loop_now_ms(httpd_loop(req)));
	httpd_body_limit(req, known ? BODY_BYTES_MAX : STRANGER_BYTES_MAX);
	if (!guard_host(httpd_header(req, "host")))
		reply_error(req, 421, "ask for localhost, 127.0.0.1 or [::1]");
}

static struct view
peer_of(const struct http_req *req)
{
	if (httpd_tag(req) == WEB_TAG_PASSED)
		return guard_peer(httpd_header(req, "x-forwarded-for"));
	return guard_peer(view_of(httpd_peer_name(req)));
}

static void
on_request(struct http_req *req, void *ctx)
{
	struct view path = httpd_path(req);
	if (view_eq_str(path, "/api") || view_starts(path, "/api/") ||
	    view_eq_str(path, "/metrics"))
		api_handle(ctx, req, peer_of(req));
	else
		pages_serve(req);
}

static void
on_gone(struct http_req *req, void *ctx)
{
	(void)ctx;
	api_gone(req);
}

static void
on_writable(struct http_req *req, void *ctx)
{
	(void)ctx;
	api_writable(req);
}

static bool
room(uint64_t more, uint64_t all, void *ctx)
{
	(void)more;
	(void)ctx;
	return all <= BODIES_BYTES_MAX;
}

struct httpd *
web_new(struct loop *loop, struct api *api)
{
	static const struct httpd_handler handler = {.on_head = on_head,
	    .on_request = on_request,
	    .on_writable = on_writable,
	    .on_gone = on_gone,
	    .room = room};
	struct httpd_limits limits;
	httpd_limits_default(&limits);
	limits.connections = CONNECTIONS_MAX;
	return httpd_new(loop, &limits, &handler, api);
}
