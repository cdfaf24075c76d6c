#include "serve.h"
#include "compose.h"
#include "control.h"
#include "log.h"
#include "play.h"

/* A rule, the path and a header can say it before the body is there: in this order. */
static void
find_fault(struct exchange *x, struct http_req *req)
{
	struct err err;
	struct view spec = fault_in_path(httpd_path(req));
	if (rules_take(x->demo->rules, httpd_path(req), &x->fault, &x->script)) {
		x->has_fault = true;
		return;
	}
	if (spec.len == 0)
		spec = httpd_header(req, "x-demo-fault");
	if (spec.len == 0)
		return;
	x->has_fault = fault_parse(spec, &x->fault, &err);
	if (!x->has_fault)
		log_err(LOG_WARN, "fault", &err);
}

static void
on_head(struct http_req *req, void *ctx)
{
	struct demo *demo = ctx;
	if (control_is_path(httpd_path(req)))
		return;
	struct exchange *x = exchange_new(demo, req);
	x->target = protocol_target(httpd_path(req));
	find_fault(x, req);
	if (!fault_has(&x->fault, FAULT_REFUSE | FAULT_EARLY))
		return;
	compose_answer(x);
	play_start(x);
}

static void
on_request(struct http_req *req, void *ctx)
{
	struct demo *demo = ctx;
	struct exchange *x = httpd_ctx(req);
	if (x == NULL) {
		control_request(demo, req);
		return;
	}
	compose_answer(x);
	httpd_body_drop(req);
	play_start(x);
}

static void
on_writable(struct http_req *req, void *ctx)
{
	struct exchange *x = httpd_ctx(req);
	(void)ctx;
	if (x != NULL)
		play_on_writable(x);
}

static void
on_gone(struct http_req *req, void *ctx)
{
	struct exchange *x = httpd_ctx(req);
	(void)ctx;
	if (x != NULL)
		exchange_end(x, EXCHANGE_CLIENT_GONE);
}

const struct httpd_handler serve_handler = {
    .on_head = on_head,
    .on_request = on_request,
    .on_writable = on_writable,
    .on_gone = on_gone,
};
