#include "httpd.h"

#include "httpd_private.h"
#include "httpd_shed.h"
#include "log.h"
#include "mem.h"
#include "must.h"
#include "netaddr.h"
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define ACCEPTS_PER_TURN 32
#define ACCEPTS_AT_END 4096 /* a full queue of the kernel's */
#define ACCEPT_PAUSE_MS 100
#define PAUSE_LOG_MS 60000
#define DEAF_SWEEP_MS 1000
/* Connections above the limit that are told so; any more are closed without a word. */
#define REFUSED_MAX 32
#define TEXT_BYTES_MAX (256u << 10)

void
httpd_limits_default(struct httpd_limits *limits)
{
	*limits = (struct httpd_limits){
	    .head_bytes = 64u << 10,
	    .target_bytes = 16u << 10,
	    .headers = 128,
	    .body_bytes = 64u << 20,
	    .ahead_bytes = 16u << 10,
	    .out_high_bytes = 64u << 10,
	    .out_low_bytes = 16u << 10,
	    .head_ms = 10000,
	    .body_ms = 300000,
	    .idle_ms = 75000,
	    .write_stall_ms = 300000,
	    .tls_ms = 10000,
	};
}

static void
on_accept_timer(struct loop_timer *timer, void *ctx)
{
	struct httpd *httpd = ctx;
	(void)timer;
	for (unsigned i = 0; i < httpd->listener_count && !httpd->draining; i++)
		loop_io_watch(&httpd->listeners[i].io, LOOP_READ);
}

/* A connection that is not read from does not tell when its peer leaves, and EV_CLOSED spins after
 * an RST: once a second poll() is asked. */
static void
on_deaf_timer(struct loop_timer *timer, void *ctx)
{
	struct httpd *httpd = ctx;
	bool deaf = false;
	for (struct conn *conn = httpd->conns, *next; conn != NULL; conn = next) {
		next = conn->next;
		if (conn->state != CONN_BUSY || (conn->io.events & LOOP_READ) != 0)
			continue;
		deaf = true;
		struct pollfd ask = {.fd = conn->transport.fd, .events = POLLRDHUP};
		if (poll(&ask, 1, 0) > 0)
			conn_close(conn, true);
	}
	if (deaf)
		loop_timer_arm(timer, DEAF_SWEEP_MS);
}

void
httpd_watch_deaf(struct httpd *httpd)
{
	if (!httpd->deaf_timer.armed)
		loop_timer_arm(&httpd->deaf_timer, DEAF_SWEEP_MS);
}

/* A request that has arrived but was not read yet is still served. A connection that never sent one
 * is about to: it has until head_ms. */
static void
drain_idle(struct conn *conn)
{
	conn_read(conn);
	if (conn->state == CONN_IDLE && conn->requests > 0 && input_waiting(conn) == 0 &&
	    loop_now_ms(conn->httpd->loop) >= conn_drained_ms(conn))
		conn_finish(conn, CONN_END_LINGER);
	conn_wake(conn); /* its deadline may be another one now */
}

static void
on_drain_task(struct loop_task *task, void *ctx)
{
	struct httpd *httpd = ctx;
	void (*on_drained)(void *) = httpd->on_drained;
	(void)task;
	for (struct conn *conn = httpd->conns; conn != NULL; conn = conn->next) {
		if (conn->state == CONN_IDLE)
			drain_idle(conn);
	}
	if (httpd->counts.connections > 0)
		return;
	httpd->on_drained = NULL;
	if (on_drained != NULL)
		on_drained(httpd->drained_ctx);
}

struct httpd *
httpd_new(struct loop *loop, const struct httpd_limits *limits, const struct httpd_handler *handler,
    void *ctx)
{
	struct httpd *httpd = MEM_NEW(struct httpd);
	MAGIC_SET(httpd, HTTPD_MAGIC);
	MUST(handler->on_request != NULL && limits->headers > 0);
	httpd->loop = loop;
	httpd->limits = *limits;
	httpd->handler = *handler;
	httpd->ctx = ctx;
	httpd->date_s = -1;
	httpd->read = mem_alloc(HTTPD_READ_BYTES);
	httpd->headers = mem_calloc(limits->headers, sizeof(*httpd->headers));
	httpd->drain_task = (struct loop_task){.fn = on_drain_task, .ctx = httpd};
	bytes_init(&httpd->text, TEXT_BYTES_MAX);
	loop_timer_init(&httpd->accept_timer, loop, on_accept_timer, httpd);
	loop_timer_init(&httpd->deaf_timer, loop, on_deaf_timer, httpd);
	if (limits->connections == 0)
		httpd->limits.connections = shed_connections_max();
	httpd->fd_high = shed_fd_high();
	return httpd;
}

void
httpd_free(struct httpd *httpd)
{
	if (httpd == NULL)
		return;
	MAGIC_CHECK(httpd, HTTPD_MAGIC);
	for (unsigned i = 0; i < httpd->listener_count; i++)
		loop_io_fini(&httpd->listeners[i].io);
	for (struct conn *conn = httpd->conns; conn != NULL; conn = conn->next)
		conn_close(conn, false);
	while (httpd->conns != NULL)
		conn_free(httpd->conns);
	loop_timer_fini(&httpd->accept_timer);
	loop_timer_fini(&httpd->deaf_timer);
	loop_defer_cancel(&httpd->drain_task);
	bytes_fini(&httpd->text);
	mem_free(httpd->headers);
	mem_free(httpd->read);
	MAGIC_CLEAR(httpd);
	mem_free(httpd);
}

/* ---- accepting ---- */

/* Most likely no descriptor is left: waiting connections stay in the kernel's queue for a while. */
static void
accept_later(struct httpd *httpd)
{
	uint64_t now_ms = loop_now_ms(httpd->loop);
	int reason = errno;
	for (unsigned i = 0; i < httpd->listener_count; i++)
		loop_io_watch(&httpd->listeners[i].io, 0);
	loop_timer_arm(&httpd->accept_timer, ACCEPT_PAUSE_MS);
	if (httpd->paused_logged_ms == 0 || now_ms - httpd->paused_logged_ms > PAUSE_LOG_MS) {
		httpd->paused_logged_ms = now_ms;
		log_msg(LOG_ERROR, "accept", "pauses with %u connections: %s",
		    httpd->counts.connections, strerror(reason));
	}
}

static void
on_accepted(struct listener *listener, int fd, const union peer_addr *peer)
{
	struct httpd *httpd = listener->httpd;
	unsigned limit = httpd->limits.connections;
	bool over = !shed_has_room(httpd, fd);
	httpd->counts.accepted++;
	if (over && (listener->tls != NULL || httpd->counts.connections >= limit + REFUSED_MAX ||
			fd - httpd->fd_high >= REFUSED_MAX)) {
		close(fd);
	} else {
		conn_new(listener, fd, peer, over);
	}
}

static void
accept_some(struct loop_io *io, struct listener *listener, unsigned most)
{
	struct httpd *httpd = listener->httpd;
	for (unsigned i = 0; i < most && !httpd->draining; i++) {
		union peer_addr peer = {0};
		socklen_t len = sizeof(peer);
		int fd = accept4(io->fd, &peer.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			on_accepted(listener, fd, &peer);
		} else if (errno == EAGAIN) {
			return;
		} else if (errno != ECONNABORTED && errno != EINTR && errno != EPROTO) {
			accept_later(httpd);
			return;
		}
	}
}

static void
on_accept(struct loop_io *io, unsigned events, void *ctx)
{
	(void)events;
	accept_some(io, ctx, ACCEPTS_PER_TURN);
}

void
httpd_accept_waiting(struct httpd *httpd, bool last)
{
	MAGIC_CHECK(httpd, HTTPD_MAGIC);
	for (unsigned i = 0; i < httpd->listener_count; i++) {
		struct listener *listener = &httpd->listeners[i];
		loop_io_watch(&listener->io, 0);
		if (last)
			netaddr_shut_out(listener->io.fd);
		accept_some(&listener->io, listener, ACCEPTS_AT_END);
	}
}

bool
httpd_listen(struct httpd *httpd, int fd, struct tls_context *tls, int tag, struct err *err)
{
	MAGIC_CHECK(httpd, HTTPD_MAGIC);
	if (httpd->listener_count == HTTPD_LISTENERS_MAX) {
		return err_set(
		    err, ERR_LIMIT, "httpd", "more than %d listeners", HTTPD_LISTENERS_MAX);
	}
	int listening = 0;
	socklen_t len = sizeof(listening);
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) < 0 || !listening)
		return err_set(err, ERR_IO, "httpd", "descriptor %d is not a listening socket", fd);
	/* Accepted sockets inherit it: one call instead of one for each. Fails on Unix sockets. */
	const int on = 1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	struct listener *listener = &httpd->listeners[httpd->listener_count++];
	*listener = (struct listener){.httpd = httpd, .tls = tls, .tag = tag};
	loop_io_init(&listener->io, httpd->loop, fd, on_accept, listener);
	if (!httpd->draining)
		loop_io_watch(&listener->io, LOOP_READ);
	return true;
}

/* ---- ending ---- */

void
httpd_conn_closed(struct httpd *httpd)
{
	httpd->counts.connections--;
	if (httpd->draining && httpd->counts.connections == 0)
		loop_defer(httpd->loop, &httpd->drain_task);
}

void
httpd_drain(struct httpd *httpd, uint32_t idle_ms, void (*on_drained)(void *ctx), void *ctx)
{
	MAGIC_CHECK(httpd, HTTPD_MAGIC);
	httpd->draining = true;
	httpd->drain_began_ms = loop_now_ms(httpd->loop);
	httpd->drain_idle_ms = idle_ms;
	httpd->on_drained = on_drained;
	httpd->drained_ctx = ctx;
	loop_timer_disarm(&httpd->accept_timer);
	for (unsigned i = 0; i < httpd->listener_count; i++)
		loop_io_watch(&httpd->listeners[i].io, 0);
	loop_defer(httpd->loop, &httpd->drain_task);
}

void
httpd_counts_get(const struct httpd *httpd, struct httpd_counts *out)
{
	*out = httpd->counts;
}
