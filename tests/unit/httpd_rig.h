/* A server and raw clients on one loop, for the tests of httpd: no threads, no sleeping. The
 * clients send exact bytes; every wait is bounded. */
#ifndef PM_TEST_HTTPD_RIG_H
#define PM_TEST_HTTPD_RIG_H

#include "clock.h"
#include "httpd.h"
#include "loop.h"
#include "mem.h"
#include "netaddr.h"
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RIG_WAIT_MS 8000
#define RIG_GOT_MAX (64u << 20)

struct rig {
	struct loop *loop;
	struct httpd *httpd;
	struct httpd_limits limits;
	struct httpd_handler handler;
	struct loop_timer tick;
	uint16_t port;
	int listen_fd;
	/* what the handler saw */
	unsigned heads, requests, gone, writable, drained;
	struct http_req *held;  /* of a request to /hold, until answered or gone */
	struct bytes last_body; /* of the last request */
	char last_path[64];
	char peer[64];
	size_t to_stream; /* /stream: bytes still to be written */
	size_t queued_max;
};

static inline void
on_rig_tick(struct loop_timer *timer, void *ctx)
{
	(void)timer;
	loop_stop(((struct rig *)ctx)->loop);
}

/* One or more turns, at most a millisecond of waiting. */
static inline void
rig_step(struct rig *rig)
{
	loop_timer_arm(&rig->tick, 1);
	loop_run(rig->loop);
}

/* Steps until `cond` holds; fails the test when it takes too long. */
#define RIG_UNTIL(rig, cond)                                                                       \
	do {                                                                                       \
		uint64_t until_ms = clock_mono_ms() + RIG_WAIT_MS;                                 \
		while (!(cond)) {                                                                  \
			ck_assert_msg(clock_mono_ms() < until_ms, "never came: %s", #cond);        \
			rig_step(rig);                                                             \
		}                                                                                  \
	} while (0)

/* ---- the handler: the path says what it does ---- */

static inline void
rig_stream(struct rig *rig, struct http_req *req)
{
	static char block[8192];
	memset(block, 'x', sizeof(block));
	while (rig->to_stream > 0) {
		size_t len = rig->to_stream < sizeof(block) ? rig->to_stream : sizeof(block);
		rig->to_stream -= len;
		bool more = httpd_write(req, view_make(block, len));
		if (httpd_queued(req) > rig->queued_max)
			rig->queued_max = httpd_queued(req);
		if (!more)
			return;
	}
	rig->held = NULL;
	httpd_end(req);
}

static inline void
on_rig_head(struct http_req *req, void *ctx)
{
	struct rig *rig = ctx;
	struct view path = httpd_path(req);
	rig->heads++;
	if (view_eq_str(path, "/early"))
		httpd_reply(req, 401, NULL, 0, VIEW("who are you"));
	else if (view_eq_str(path, "/early-abort"))
		httpd_abort(req, HTTPD_RST);
	else if (view_eq_str(path, "/early-stream")) {
		rig->held = req;
		httpd_start(req, 200, NULL, 0, HTTPD_CHUNKED, 0);
	} else if (view_starts(path, "/small"))
		httpd_body_limit(req, 10);
}

static inline void
on_rig_request(struct http_req *req, void *ctx)
{
	struct rig *rig = ctx;
	struct view path = httpd_path(req);
	const struct http_header kind = {VIEW("Content-Type"), VIEW("text/plain")};
	rig->requests++;
	bytes_clear(&rig->last_body);
	ck_assert(bytes_append_view(&rig->last_body, httpd_body(req)));
	snprintf(rig->last_path, sizeof(rig->last_path), "%.*s", VIEW_ARGS(path));
	snprintf(rig->peer, sizeof(rig->peer), "%s", httpd_peer_name(req));
	if (view_eq_str(path, "/hold")) {
		rig->held = req;
	} else if (view_eq_str(path, "/stream")) {
		rig->held = req;
		httpd_start(req, 200, &kind, 1, HTTPD_CHUNKED, 0);
		rig_stream(rig, req);
	} else {
		char text[128];
		int len =
		    snprintf(text, sizeof(text), "%.*s %.*s\n", VIEW_ARGS(httpd_method_name(req)),
			(int)(path.len < 64 ? path.len : 64), path.data);
		httpd_reply(req, 200, &kind, 1, view_make(text, (size_t)len));
	}
}

static inline void
on_rig_writable(struct http_req *req, void *ctx)
{
	struct rig *rig = ctx;
	rig->writable++;
	if (rig->to_stream > 0 || view_eq_str(httpd_path(req), "/stream"))
		rig_stream(rig, req);
}

static inline void
on_rig_gone(struct http_req *req, void *ctx)
{
	struct rig *rig = ctx;
	rig->gone++;
	/* All of it must be harmless on a dying request. */
	if (rig->held == req) {
		(void)httpd_write(req, VIEW("late"));
		httpd_abort(req, HTTPD_CUT);
		rig->held = NULL;
	}
}

static inline void
on_rig_drained(void *ctx)
{
	((struct rig *)ctx)->drained++;
}

/* ---- the server ---- */

/* Limits may be changed between rig_init and rig_start. */
static inline void
rig_init(struct rig *rig)
{
	struct err err = {0};
	*rig = (struct rig){.listen_fd = -1};
	rig->loop = loop_new(&err);
	ck_assert_msg(rig->loop != NULL, "%s", err.msg);
	httpd_limits_default(&rig->limits);
	rig->handler = (struct httpd_handler){
	    on_rig_head, on_rig_request, on_rig_writable, on_rig_gone, NULL, NULL};
	bytes_init(&rig->last_body, RIG_GOT_MAX);
	loop_timer_init(&rig->tick, rig->loop, on_rig_tick, rig);
}

static inline void
rig_start(struct rig *rig, struct tls_context *tls)
{
	struct err err = {0};
	rig->httpd = httpd_new(rig->loop, &rig->limits, &rig->handler, rig);
	rig->listen_fd = netaddr_listen_tcp("127.0.0.1", &rig->port, false, &err);
	ck_assert_msg(rig->listen_fd >= 0, "%s", err.msg);
	ck_assert_msg(httpd_listen(rig->httpd, rig->listen_fd, tls, 7, &err), "%s", err.msg);
}

static inline void
rig_fini(struct rig *rig)
{
	httpd_free(rig->httpd);
	loop_timer_fini(&rig->tick);
	loop_free(rig->loop);
	bytes_fini(&rig->last_body);
	if (rig->listen_fd >= 0)
		close(rig->listen_fd);
}

static inline struct httpd_counts
rig_counts(const struct rig *rig)
{
	struct httpd_counts counts;
	httpd_counts_get(rig->httpd, &counts);
	return counts;
}

#endif
