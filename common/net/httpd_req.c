#include "httpd_private.h"

#include "httpd_room.h"
#include "mem.h"
#include "must.h"
#include "netaddr.h"
#include <string.h>

/* ---- birth and death ---- */

/* `v` lies in `from` or is empty; the same place in `to`. */
static struct view
moved(struct view v, struct view from, const char *to)
{
	return v.len == 0 ? (struct view){0} : (struct view){to + (v.data - from.data), v.len};
}

struct http_req *
req_new(struct conn *conn, const struct http_head *head, struct view text)
{
	static uint64_t serial;
	size_t headers_bytes = head->header_count * sizeof(struct http_header);
	struct http_req *req = mem_alloc(sizeof(*req) + headers_bytes + text.len);
	*req = (struct http_req){.conn = conn, .head = *head};
	MAGIC_SET(req, REQ_MAGIC);
	char *copy = (char *)req->headers + headers_bytes;
	memcpy(copy, text.data, text.len);
	req->head.headers = req->headers;
	req->head.method_name = moved(head->method_name, text, copy);
	req->head.path = moved(head->path, text, copy);
	req->head.query = moved(head->query, text, copy);
	for (unsigned i = 0; i < head->header_count; i++) {
		req->headers[i].name = moved(head->headers[i].name, text, copy);
		req->headers[i].value = moved(head->headers[i].value, text, copy);
	}
	req->serial = ++serial;
	req->started_ms = conn->since_ms;
	req->body_max = conn->httpd->limits.body_bytes;
	req->body_left = head->length;
	http_chunks_init(&req->chunks);
	return req;
}

void
req_free(struct http_req *req)
{
	MAGIC_CHECK(req, REQ_MAGIC);
	req->conn->req = NULL;
	if (req->seen)
		req->conn->httpd->counts.in_work--;
	room_release(req);
	bytes_fini(&req->body);
	MAGIC_CLEAR(req);
	mem_free(req);
}

/* ---- what was asked ---- */

enum http_method
httpd_method(const struct http_req *req)
{
	MAGIC_CHECK(req, REQ_MAGIC);
	return req->head.method;
}

struct view
httpd_method_name(const struct http_req *req)
{
	MAGIC_CHECK(req, REQ_MAGIC);
	return req->head.method_name;
}

struct view
httpd_path(const struct http_req *req)
{
	MAGIC_CHECK(req, REQ_MAGIC);
	return req->head.path.len > 0 ? req->head.path : VIEW("/");
}

struct view
httpd_query(const struct http_req *req)
{
	MAGIC_CHECK(req, REQ_MAGIC);
	return req->head.query;
}

struct view
httpd_header(const struct http_req *req, const char *name)
{
	MAGIC_CHECK(req, REQ_MAGIC);
	for (unsigned i = 0; i < req->head.header_count; i++) {
		struct view value = req->headers[i].value;
		if (view_eq_nocase(req->headers[i].name, name))
			return value.data != NULL ? value : VIEW("");
	}
	return (struct view){0};
}

size_t
httpd_headers(const struct http_req *req, const struct http_header **out)
{
	MAGIC_CHECK(req, REQ_MAGIC);
	*out = req->headers;
	return req->head.header_count;
}

struct view
httpd_body(const struct http_req *req)
{
	MAGIC_CHECK(req, REQ_MAGIC);
	return bytes_view(&req->body);
}

void
httpd_body_take(struct http_req *req, struct bytes *out)
{
	MAGIC_CHECK(req, REQ_MAGIC);
	*out = req->body;
	bytes_init(&req->body, 0);
}

void
httpd_body_drop(struct http_req *req)
{
	MAGIC_CHECK(req, REQ_MAGIC);
	bytes_fini(&req->body);
}

void
httpd_body_limit(struct http_req *req, size_t max_bytes)
{
	MAGIC_CHECK(req, REQ_MAGIC);
	if (max_bytes < req->body_max)
		req->body_max = max_bytes;
}

bool
httpd_is_http10(const struct http_req *req)
{
	MAGIC_CHECK(req, REQ_MAGIC);
	return req->head.minor == 0;
}

bool
httpd_peer_is_loopback(const struct http_req *req)
{
	MAGIC_CHECK(req, REQ_MAGIC);
	return netaddr_is_loopback(&req->conn->peer.any);
}

const char *
httpd_peer_name(const struct http_req *req)
{
	MAGIC_CHECK(req, REQ_MAGIC);
	struct conn *conn = req->conn;
	if (conn->peer_name[0] == '\0')
		netaddr_format(&conn->peer.any, conn->peer_name, sizeof(conn->peer_name));
	return conn->peer_name;
}

void
httpd_known(struct http_req *req)
{
	MAGIC_CHECK(req, REQ_MAGIC);
	req->conn->known = true;
}

int
httpd_tag(const struct http_req *req)
{
	MAGIC_CHECK(req, REQ_MAGIC);
	return req->conn->tag;
}

uint64_t
httpd_started_ms(const struct http_req *req)
{
	MAGIC_CHECK(req, REQ_MAGIC);
	return req->started_ms;
}

uint64_t
httpd_serial(const struct http_req *req)
{
	MAGIC_CHECK(req, REQ_MAGIC);
	return req->serial;
}

struct loop *
httpd_loop(const struct http_req *req)
{
	MAGIC_CHECK(req, REQ_MAGIC);
	return req->conn->httpd->loop;
}

void
httpd_ctx_set(struct http_req *req, void *ctx)
{
	MAGIC_CHECK(req, REQ_MAGIC);
	req->ctx = ctx;
}

void *
httpd_ctx(const struct http_req *req)
{
	MAGIC_CHECK(req, REQ_MAGIC);
	return req->ctx;
}
