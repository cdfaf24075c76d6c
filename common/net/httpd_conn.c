#include "httpd_private.h"

#include "mem.h"
#include "must.h"
#include <linux/sockios.h>
#include <sys/ioctl.h>

#define READS_PER_TURN 8
#define REFUSAL_BYTES_MAX 2048
#define TLS_RECORD_BYTES 16384 /* no read brings more */

/* ---- closing ---- */

void
conn_wake(struct conn *conn)
{
	loop_defer(conn->httpd->loop, &conn->task);
}

/* The socket goes at once, the memory in the task: callers up the stack still look at it. */
void
conn_close(struct conn *conn, bool reset)
{
	if (conn->state == CONN_DEAD)
		return;
	struct http_req *req = conn->req;
	conn->state = CONN_DEAD;
	if (req != NULL && req->seen && conn->httpd->handler.on_gone != NULL)
		conn->httpd->handler.on_gone(req, conn->httpd->ctx);
	if (req != NULL)
		req_free(req);
	loop_io_fini(&conn->io);
	loop_timer_fini(&conn->timer);
	transport_fini(&conn->transport, reset);
	out_clear(&conn->out);
	bytes_fini(&conn->in);
	httpd_conn_closed(conn->httpd);
	conn_wake(conn);
}

void
conn_free(struct conn *conn)
{
	MAGIC_CHECK(conn, CONN_MAGIC);
	MUST(conn->state == CONN_DEAD);
	loop_defer_cancel(&conn->task);
	if (conn->prev != NULL) {
		conn->prev->next = conn->next;
	} else {
		conn->httpd->conns = conn->next;
	}
	if (conn->next != NULL)
		conn->next->prev = conn->prev;
	MAGIC_CLEAR(conn);
	mem_free(conn);
}

void
conn_finish(struct conn *conn, enum conn_end end)
{
	bool unread = conn->req != NULL && conn->req->body_unread;
	/* A client in the midst of a large body reads our answer only when its bytes are taken. */
	conn->linger_left = unread ? conn->httpd->limits.body_bytes : HTTPD_LINGER_BYTES;
	if (conn->req != NULL)
		req_free(conn->req);
	bytes_fini(&conn->in);
	conn->in_pos = 0;
	conn->state = CONN_FLUSH;
	conn->end = end;
	conn_wake(conn);
}

void
conn_next(struct conn *conn)
{
	req_free(conn->req);
	conn->state = CONN_IDLE;
	conn->since_ms = loop_now_ms(conn->httpd->loop);
	conn_wake(conn);
}

/* The output of a closing connection has left. */
static void
finish_flushed(struct conn *conn)
{
	bool whole = conn->end == CONN_END_CLOSE || conn->end == CONN_END_LINGER;
	if (whole)
		conn->transport.ops->goodbye(&conn->transport);
	if (conn->eof || conn->end == CONN_END_CLOSE || conn->end == CONN_END_RESET) {
		conn_close(conn, conn->end == CONN_END_RESET);
		return;
	}
	(void)shutdown(conn->transport.fd, SHUT_WR);
	conn->state = CONN_LINGER;
	conn->since_ms = loop_now_ms(conn->httpd->loop);
}

void
conn_refuse(struct conn *conn, int status, const char *why)
{
	const struct httpd_handler *handler = &conn->httpd->handler;
	struct http_req *req = conn->req;
	struct bytes words;
	bytes_init(&words, REFUSAL_BYTES_MAX);
	if (req != NULL && req->seen) {
		enum conn_state state = conn->state;
		conn->state = CONN_DEAD; /* what the handler still does with it is in vain */
		if (handler->on_refuse != NULL)
			handler->on_refuse(req, status, why, &words, conn->httpd->ctx);
		if (handler->on_gone != NULL)
			handler->on_gone(req, conn->httpd->ctx);
		conn->state = state;
	}
	answer_refuse(conn, status, why, bytes_view(&words));
	bytes_fini(&words);
	conn_finish(conn, CONN_END_LINGER);
}

/* ---- receiving ---- */

/* How many bytes may be read now. */
static size_t
read_room(const struct conn *conn)
{
	const struct httpd_limits *limits = &conn->httpd->limits;
	size_t waiting = input_waiting(conn);
	if (conn->eof)
		return 0;
	switch (conn->state) {
	case CONN_HEAD:
	case CONN_BODY:
	case CONN_LINGER:
		return HTTPD_READ_BYTES;
	case CONN_IDLE:
	case CONN_BUSY:
		if (waiting == 0 && conn->state == CONN_IDLE)
			return HTTPD_READ_BYTES;
		return waiting < limits->ahead_bytes ? limits->ahead_bytes - waiting : 0;
	case CONN_HANDSHAKE:
	case CONN_FLUSH:
	case CONN_DEAD:
		break;
	}
	return 0;
}

/* Straight into the body, which grows by doubling as bytes arrive. */
static enum transport_result
read_body(struct conn *conn, size_t *len, size_t *got)
{
	struct http_req *req = conn->req;
	struct bytes *body = &req->body;
	if (body->len == body->cap) {
		size_t more = body->len > HTTPD_READ_BYTES ? body->len : HTTPD_READ_BYTES;
		MUST(bytes_reserve(body, req->body_left < more ? (size_t)req->body_left : more));
	}
	size_t room = body->cap - body->len;
	*len = req->body_left < room ? (size_t)req->body_left : room;
	enum transport_result result =
	    conn->transport.ops->read(&conn->transport, body->data + body->len, *len, got);
	if (result == TRANSPORT_OK) {
		body->len += *got;
		input_body_grew(conn, *got);
	}
	return result;
}

static enum transport_result
read_shared(struct conn *conn, size_t *len, size_t *got)
{
	char *read = conn->httpd->read;
	*len = read_room(conn);
	enum transport_result result = conn->transport.ops->read(&conn->transport, read, *len, got);
	if (result != TRANSPORT_OK)
		return result;
	if (conn->state != CONN_LINGER) {
		input_take(conn, view_make(read, *got));
	} else if (*got >= conn->linger_left) {
		return TRANSPORT_FAIL;
	} else {
		conn->linger_left -= *got;
	}
	return result;
}

void
conn_read(struct conn *conn)
{
	for (unsigned i = 0; i < READS_PER_TURN && read_room(conn) > 0; i++) {
		size_t len = 0, got = 0;
		bool direct = conn->state == CONN_BODY && !conn->req->head.chunked;
		enum transport_result result =
		    direct ? read_body(conn, &len, &got) : read_shared(conn, &len, &got);
		if (result == TRANSPORT_FAIL)
			conn_close(conn, false);
		conn->eof = result == TRANSPORT_EOF;
		/* A short read has emptied the socket, and behind the end of a body there is hardly
		 * more: to ask again would only say so. */
		size_t full =
		    conn->transport.tls != NULL && len > TLS_RECORD_BYTES ? TLS_RECORD_BYTES : len;
		bool drained = got < full || (direct && conn->state != CONN_BODY);
		if (result != TRANSPORT_OK || (drained && !conn->transport.unread))
			return;
	}
}

/* ---- sending ---- */

/* Bytes that the kernel has taken and the peer has not acknowledged. */
static int
kernel_queued(const struct conn *conn)
{
	int queued = 0;
	return ioctl(conn->transport.fd, SIOCOUTQ, &queued) == 0 ? queued : 0;
}

static void
flush(struct conn *conn)
{
	struct httpd *httpd = conn->httpd;
	size_t sent = 0;
	if (conn->blocked != 0)
		return; /* an event will tell */
	enum transport_result result = out_send(&conn->out, &conn->transport, &sent);
	if (result == TRANSPORT_FAIL || result == TRANSPORT_EOF) {
		conn_close(conn, true);
		return;
	}
	conn->progress_ms = loop_now_ms(httpd->loop);
	if (result == TRANSPORT_AGAIN) {
		conn->blocked = conn->transport.wants;
		conn->kernel_queued = kernel_queued(conn);
	}
	if (conn->req != NULL && conn->req->paused &&
	    conn->out.queued <= httpd->limits.out_low_bytes) {
		conn->req->paused = false;
		if (httpd->handler.on_writable != NULL)
			httpd->handler.on_writable(conn->req, httpd->ctx);
	}
	if (conn->state == CONN_FLUSH && conn->out.queued == 0)
		finish_flushed(conn);
}

/* ---- deadlines ---- */

uint64_t
conn_drained_ms(const struct conn *conn)
{
	const struct httpd *httpd = conn->httpd;
	uint64_t since = conn->since_ms;
	if (conn->requests == 0)
		return since + httpd->limits.head_ms;
	return (since > httpd->drain_began_ms ? since : httpd->drain_began_ms) +
	       httpd->drain_idle_ms;
}

static uint64_t
idle_due_ms(const struct conn *conn)
{
	uint64_t due = conn->since_ms + conn->httpd->limits.idle_ms;
	uint64_t drained = conn->httpd->draining ? conn_drained_ms(conn) : UINT64_MAX;
	return drained < due ? drained : due;
}

static uint64_t
due_ms(const struct conn *conn)
{
	const struct httpd_limits *limits = &conn->httpd->limits;
	uint64_t due = UINT64_MAX;
	if (conn->state == CONN_HANDSHAKE) {
		due = conn->since_ms + limits->tls_ms;
	} else if (conn->state == CONN_HEAD) {
		due = conn->since_ms + limits->head_ms;
	} else if (conn->state == CONN_BODY) {
		due = conn->since_ms + limits->body_ms;
	} else if (conn->state == CONN_LINGER) {
		due = conn->since_ms + HTTPD_LINGER_MS;
	} else if (conn->state == CONN_IDLE && conn->blocked == 0) {
		due = idle_due_ms(conn);
	}
	uint64_t stall = conn->progress_ms + limits->write_stall_ms;
	return conn->blocked != 0 && stall < due ? stall : due;
}

/* The timer is moved only when it would fire too late: one that fires early just looks again. So
 * requests that come and go cost no timer work. */
static void
arm(struct conn *conn)
{
	uint64_t due = due_ms(conn);
	if (due == UINT64_MAX || (conn->timer.armed && conn->timer_due_ms <= due))
		return;
	uint64_t now_ms = loop_now_ms(conn->httpd->loop);
	conn->timer_due_ms = due;
	loop_timer_arm(&conn->timer, due > now_ms ? due - now_ms : 0);
}

/* ---- events ---- */

/* The peer sends no more. Requests that it sent whole are still answered, unless the handler is at
 * work on one: then the client counts as gone. Returns whether this was the end. */
static bool
settle_eof(struct conn *conn)
{
	enum conn_state state = conn->state;
	if (state == CONN_BODY || state == CONN_BUSY || state == CONN_LINGER) {
		conn_close(conn, false);
	} else if (state == CONN_HEAD || (state == CONN_IDLE && input_waiting(conn) == 0)) {
		conn_finish(conn, CONN_END_CLOSE);
	}
	return conn->state != state;
}

static void
settle(struct conn *conn)
{
	if (conn->state == CONN_DEAD || conn->task.loop != NULL)
		return; /* the task comes here at the end of the turn */
	if (conn->state == CONN_IDLE && input_waiting(conn) > 0 && !input_is_clogged(conn)) {
		conn_wake(conn);
		return;
	}
	if (conn->eof && settle_eof(conn))
		return;
	size_t room = read_room(conn);
	unsigned events = (room > 0 ? LOOP_READ : 0) | conn->blocked;
	if (conn->state == CONN_HANDSHAKE)
		events = conn->transport.wants;
	loop_io_watch(&conn->io, events);
	if (room > 0 && conn->transport.unread)
		conn_wake(conn);
	if (room == 0 && conn->state == CONN_BUSY)
		httpd_watch_deaf(conn->httpd);
	arm(conn);
}

static void
shake_hands(struct conn *conn)
{
	enum transport_result result = conn->transport.ops->handshake(&conn->transport);
	if (result == TRANSPORT_AGAIN)
		return;
	if (result != TRANSPORT_OK) {
		conn_close(conn, false);
		return;
	}
	conn->state = CONN_IDLE;
	conn->since_ms = loop_now_ms(conn->httpd->loop);
	conn_read(conn);
}

/* Reads what no event tells of, begins what waits, sends. */
static void
advance(struct conn *conn)
{
	if (conn->state != CONN_DEAD && conn->transport.unread)
		conn_read(conn);
	if (conn->state == CONN_IDLE && input_waiting(conn) > 0)
		input_go_on(conn);
	if (conn->state != CONN_DEAD && conn->state != CONN_HANDSHAKE)
		flush(conn);
}

static void
on_conn_io(struct loop_io *io, unsigned events, void *ctx)
{
	struct conn *conn = ctx;
	(void)io;
	MAGIC_CHECK(conn, CONN_MAGIC);
	if (conn->state == CONN_HANDSHAKE) {
		shake_hands(conn);
	} else if (events & LOOP_READ) {
		conn_read(conn);
	}
	if ((events & conn->blocked) != 0) {
		conn->blocked = 0;
		if (conn->state == CONN_IDLE)
			conn->since_ms = loop_now_ms(conn->httpd->loop);
		conn_wake(conn);
	}
	/* An answer that was given at once leaves at once; a handler at work may write more. */
	if ((conn->state == CONN_IDLE || conn->state == CONN_FLUSH) && conn->out.queued > 0) {
		loop_defer_cancel(&conn->task);
		advance(conn);
	}
	settle(conn);
}

static void
on_conn_task(struct loop_task *task, void *ctx)
{
	struct conn *conn = ctx;
	(void)task;
	MAGIC_CHECK(conn, CONN_MAGIC);
	advance(conn);
	if (conn->state == CONN_DEAD) {
		conn_free(conn);
	} else {
		settle(conn);
	}
}

/* The kernel asks for more only when much of its queue is free: a slow reader goes on all the same
 * when the queue is shorter than it was. */
static bool
is_stalled(struct conn *conn, uint64_t now_ms)
{
	if (conn->blocked == 0 || now_ms < conn->progress_ms + conn->httpd->limits.write_stall_ms)
		return false;
	int queued = kernel_queued(conn);
	if (queued >= conn->kernel_queued)
		return true;
	conn->kernel_queued = queued;
	conn->progress_ms = now_ms;
	return false;
}

static void
on_conn_timer(struct loop_timer *timer, void *ctx)
{
	struct conn *conn = ctx;
	(void)timer;
	MAGIC_CHECK(conn, CONN_MAGIC);
	uint64_t now_ms = loop_now_ms(conn->httpd->loop);
	if (is_stalled(conn, now_ms)) {
		conn_close(conn, true); /* else the kernel keeps what nobody takes */
	} else if (now_ms < due_ms(conn)) {
		arm(conn);
	} else if (conn->state == CONN_HEAD &&
		   input_waiting(conn) > 2) { /* more than a stray line end */
		conn_refuse(conn, 408, "the request head took too long");
	} else if (conn->state == CONN_BODY) {
		conn_refuse(conn, 408, "the request body took too long");
	} else {
		conn_close(conn, false);
	}
}

void
conn_new(struct listener *listener, int fd, const union peer_addr *peer, bool over_limit)
{
	struct httpd *httpd = listener->httpd;
	const struct httpd_limits *limits = &httpd->limits;
	struct conn *conn = MEM_NEW(struct conn);
	MAGIC_SET(conn, CONN_MAGIC);
	conn->httpd = httpd;
	conn->peer = *peer;
	conn->tag = listener->tag;
	conn->since_ms = loop_now_ms(httpd->loop);
	conn->state = listener->tls != NULL ? CONN_HANDSHAKE : CONN_IDLE;
	bytes_init(&conn->in, limits->head_bytes + limits->ahead_bytes + HTTPD_READ_BYTES);
	loop_io_init(&conn->io, httpd->loop, fd, on_conn_io, conn);
	loop_timer_init(&conn->timer, httpd->loop, on_conn_timer, conn);
	conn->task = (struct loop_task){.fn = on_conn_task, .ctx = conn};
	conn->next = httpd->conns;
	if (conn->next != NULL)
		conn->next->prev = conn;
	httpd->conns = conn;
	httpd->counts.connections++;
	if (listener->tls == NULL) {
		transport_init_plain(&conn->transport, fd);
	} else if (!transport_init_tls(&conn->transport, fd, listener->tls)) {
		conn_close(conn, false);
	}
	if (over_limit) {
		conn_refuse(conn, 503, "too many connections");
	} else if (conn->state == CONN_HANDSHAKE) {
		conn->transport.wants = LOOP_READ;
	}
	settle(conn);
}
