#include "httpd_private.h"

#include "httpd_room.h"
#include "must.h"

#define NO_ROOM "there is no room for this request now"

size_t
input_waiting(const struct conn *conn)
{
	return conn->in.len - conn->in_pos;
}

/* The request is whole. */
static void
dispatch(struct conn *conn)
{
	struct http_req *req = conn->req;
	conn->state = CONN_BUSY;
	room_release(req);
	if (!req->seen) {
		req->seen = true;
		conn->httpd->counts.in_work++;
	}
	conn->httpd->handler.on_request(req, conn->httpd->ctx);
}

/* The head is whole and the handler has let it pass: what of the body? `more` tells that bytes
 * of it are there already. */
static void
begin_body(struct conn *conn, bool more)
{
	struct http_req *req = conn->req;
	size_t max = req->body_max;
	if (req->body_left > max) {
		conn_refuse(conn, 413, "request body too large");
		return;
	}
	if (!req->head.chunked && req->body_left == 0) {
		dispatch(conn);
		return;
	}
	if (!room_promise(req, req->body_left)) {
		conn_refuse(conn, 503, NO_ROOM);
		return;
	}
	bytes_init(&req->body, req->head.chunked ? max : (size_t)req->body_left);
	if (req->head.expect_continue && !more) {
		out_append(&conn->out, VIEW("HTTP/1.1 100 Continue\r\n\r\n"));
		conn_wake(conn);
	}
}

static void
begin_request(struct conn *conn, const struct http_head *head, struct view text, bool more)
{
	struct httpd *httpd = conn->httpd;
	struct http_req *req = req_new(conn, head, text);
	conn->req = req;
	conn->requests++;
	httpd->counts.requests++;
	conn->state = CONN_BODY;
	conn->since_ms = loop_now_ms(httpd->loop);
	if (httpd->handler.on_head != NULL && req->body_left <= req->body_max) {
		req->seen = true;
		httpd->counts.in_work++;
		httpd->handler.on_head(req, httpd->ctx);
	}
	if (conn->state == CONN_BODY)
		begin_body(conn, more);
}

/* Each take_ function returns how many bytes of `data` it has used; 0 = it needs more. */
static size_t
take_head(struct conn *conn, struct view data)
{
	struct httpd *httpd = conn->httpd;
	const struct http_head_limits limits = {
	    httpd->limits.head_bytes, httpd->limits.target_bytes};
	struct http_head head = {.headers = httpd->headers, .headers_max = httpd->limits.headers};
	enum http_head_state state = http_head_parse(&head, data, &conn->head_seen, &limits);
	if (state == HTTP_HEAD_MORE)
		return 0;
	conn->head_seen = 0;
	if (state == HTTP_HEAD_BAD) {
		conn_refuse(conn, head.status, head.why);
	} else {
		begin_request(
		    conn, &head, view_sub(data, 0, head.head_len), data.len > head.head_len);
	}
	return head.head_len;
}

static size_t
take_chunks(struct conn *conn, struct view data)
{
	struct http_req *req = conn->req;
	size_t used = 0;
	if (!room_promise_more(req, data.len)) {
		conn_refuse(conn, 503, NO_ROOM);
		return data.len;
	}
	switch (http_chunks_feed(&req->chunks, data, &used, &req->body)) {
	case HTTP_CHUNK_MORE:
		break;
	case HTTP_CHUNK_DONE:
		dispatch(conn);
		break;
	case HTTP_CHUNK_BAD:
		conn_refuse(conn, 400, "bad chunked body");
		break;
	case HTTP_CHUNK_LIMIT:
		conn_refuse(conn, 413, "request body too large");
		break;
	}
	return used;
}

void
input_body_grew(struct conn *conn, size_t len)
{
	conn->req->body_left -= len;
	if (conn->req->body_left == 0)
		dispatch(conn);
}

static size_t
take_body(struct conn *conn, struct view data)
{
	struct http_req *req = conn->req;
	if (req->head.chunked)
		return take_chunks(conn, data);
	size_t len = req->body_left < data.len ? (size_t)req->body_left : data.len;
	MUST(bytes_append(&req->body, data.data, len));
	input_body_grew(conn, len);
	return len;
}

bool
input_is_clogged(const struct conn *conn)
{
	return conn->out.queued > conn->httpd->limits.out_high_bytes;
}

/* Request after request, as far as `data` and the handler go. Returns how much was used. */
static size_t
consume(struct conn *conn, struct view data)
{
	size_t used = 0;
	for (size_t len = 1; used < data.len && len > 0; used += len) {
		struct view rest = view_from(data, used);
		if (conn->state == CONN_IDLE && !input_is_clogged(conn)) {
			conn->state = CONN_HEAD;
			conn->since_ms = loop_now_ms(conn->httpd->loop);
		}
		if (conn->state == CONN_HEAD) {
			len = take_head(conn, rest);
		} else if (conn->state == CONN_BODY) {
			len = take_body(conn, rest);
		} else if (conn->state == CONN_IDLE || conn->state == CONN_BUSY) {
			len = 0;
		} else {
			return data.len; /* closing: nobody wants the rest */
		}
	}
	return used;
}

void
input_go_on(struct conn *conn)
{
	size_t used = consume(conn, view_make(conn->in.data + conn->in_pos, input_waiting(conn)));
	if (conn->in.len == 0)
		return; /* closed meanwhile */
	conn->in_pos += used;
	if (input_waiting(conn) == 0) {
		bytes_fini(&conn->in);
		conn->in_pos = 0;
	}
}

void
input_take(struct conn *conn, struct view data)
{
	if (input_waiting(conn) == 0)
		data = view_from(data, consume(conn, data));
	if (data.len == 0 || conn->state >= CONN_FLUSH)
		return;
	bool fresh = input_waiting(conn) == 0;
	bytes_consume(&conn->in, conn->in_pos);
	conn->in_pos = 0;
	MUST(bytes_append_view(&conn->in, data));
	if (!fresh)
		input_go_on(conn);
}
