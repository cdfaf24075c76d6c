#include "httpd_private.h"

#include "clock.h"
#include "http_status.h"
#include "log.h"
#include "must.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- the head ---- */

/* "Sun, 06 Nov 1994 08:49:37 GMT", made once a second. */
static const char *
date_text(struct httpd *httpd)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {
	    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	int64_t now_s = clock_wall_ms() / 1000;
	time_t seconds = (time_t)now_s;
	struct tm tm;
	if (now_s != httpd->date_s && gmtime_r(&seconds, &tm) != NULL) {
		httpd->date_s = now_s;
		snprintf(httpd->date, sizeof(httpd->date), "%s, %02d %s %04d %02d:%02d:%02d GMT",
		    days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour,
		    tm.tm_min, tm.tm_sec);
	}
	return httpd->date;
}

static bool
is_ours(struct view name)
{
	return view_eq_nocase(name, "content-length") ||
	       view_eq_nocase(name, "transfer-encoding") || view_eq_nocase(name, "connection") ||
	       view_eq_nocase(name, "date");
}

/* A line end in a name or value would let its author write headers or a second answer. */
static bool
is_clean(const struct http_header *header)
{
	for (size_t i = 0; i < header->value.len; i++) {
		if (strchr("\r\n", header->value.data[i]) != NULL) /* or NUL */
			return false;
	}
	for (size_t i = 0; i < header->name.len; i++) {
		if (header->name.data[i] <= ' ' || header->name.data[i] == ':')
			return false;
	}
	return header->name.len > 0;
}

static bool
append_header(struct bytes *text, const struct http_header *header)
{
	size_t len = header->name.len + header->value.len + 4;
	/* Two bytes stay free for the empty line. */
	return bytes_reserve(text, len + 2) && bytes_append_view(text, header->name) &&
	       bytes_append(text, ": ", 2) && bytes_append_view(text, header->value) &&
	       bytes_append(text, "\r\n", 2);
}

static void
append_headers(struct bytes *text, const struct http_header *headers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (is_ours(headers[i].name))
			continue;
		if (!is_clean(&headers[i]) || !append_header(text, &headers[i])) {
			struct log_line line;
			log_begin(&line, LOG_WARN, "header_dropped");
			log_view(&line, "name", headers[i].name);
			log_end(&line);
		}
	}
}

/* Starts a head in httpd->text. */
static struct bytes *
head_begin(struct httpd *httpd, int status)
{
	struct bytes *text = &httpd->text;
	const char code[] = {(char)('0' + status / 100), (char)('0' + status / 10 % 10),
	    (char)('0' + status % 10), ' ', '\0'};
	bytes_clear(text);
	MUST(bytes_append_str(text, "HTTP/1.1 ") && bytes_append_str(text, code) &&
	     bytes_append_str(text, http_status_reason(status)) &&
	     bytes_append_str(text, "\r\nDate: ") && bytes_append_str(text, date_text(httpd)) &&
	     bytes_append_str(text, "\r\n"));
	return text;
}

/* ---- the handler's answer ---- */

/* Chooses how the end of the body is told; returns the header line that tells it. */
static void
choose_framing(struct http_req *req, int status, enum httpd_framing framing, uint64_t length,
    char *line, size_t line_len)
{
	bool empty = status == 204 || status == 304;
	req->no_body = empty || req->head.method == HTTP_HEAD;
	line[0] = '\0';
	if (framing == HTTPD_CHUNKED && !empty && req->head.minor == 1) {
		req->chunked = true;
		snprintf(line, line_len, "Transfer-Encoding: chunked\r\n");
	} else if (framing == HTTPD_CHUNKED && !empty) {
		req->close = req->until_close = true;
	} else {
		req->counted = true;
		req->left = framing == HTTPD_LENGTH ? length : 0;
		if (!empty) {
			snprintf(line, line_len, "Content-Length: %llu\r\n",
			    (unsigned long long)req->left);
		}
	}
}

void
httpd_start(struct http_req *req, int status, const struct http_header *headers, size_t count,
    enum httpd_framing framing, uint64_t length)
{
	MAGIC_CHECK(req, REQ_MAGIC);
	struct conn *conn = req->conn;
	struct httpd *httpd = conn->httpd;
	if (conn->state == CONN_DEAD)
		return;
	MUST(!req->started && status >= 200 && status <= 999);
	req->started = true;
	if (conn->state == CONN_BODY) {
		req->body_unread = req->head.chunked || req->body_left > 0;
		conn->state = CONN_BUSY;
	}
	char line[64];
	choose_framing(req, status, framing, length, line, sizeof(line));
	req->close = req->close || !req->head.keep_alive || req->body_unread || httpd->draining;
	struct bytes *text = head_begin(httpd, status);
	const char *connection = req->close             ? "Connection: close\r\n"
				 : req->head.minor == 0 ? "Connection: keep-alive\r\n"
							: "";
	MUST(bytes_append_str(text, line) && bytes_append_str(text, connection));
	append_headers(text, headers, count);
	MUST(bytes_append(text, "\r\n", 2));
	out_append(&conn->out, bytes_view(text));
	conn_wake(conn);
}

bool
httpd_write(struct http_req *req, struct view data)
{
	MAGIC_CHECK(req, REQ_MAGIC);
	struct conn *conn = req->conn;
	if (conn->state == CONN_DEAD)
		return true;
	MUST(req->started);
	if (req->counted) {
		/* More than was announced would be read as the next answer. */
		if (data.len > req->left)
			data.len = (size_t)req->left;
		req->left -= data.len;
	}
	if (req->no_body || data.len == 0)
		return true;
	if (req->chunked) {
		out_append_chunk(&conn->out, data);
	} else {
		out_append(&conn->out, data);
	}
	conn_wake(conn);
	if (conn->out.queued <= conn->httpd->limits.out_high_bytes)
		return true;
	req->paused = true;
	return false;
}

size_t
httpd_queued(const struct http_req *req)
{
	MAGIC_CHECK(req, REQ_MAGIC);
	return req->conn->out.queued;
}

void
httpd_end(struct http_req *req)
{
	MAGIC_CHECK(req, REQ_MAGIC);
	struct conn *conn = req->conn;
	if (conn->state == CONN_DEAD)
		return;
	MUST(req->started);
	if (req->chunked && !req->no_body)
		out_append(&conn->out, VIEW("0\r\n\r\n"));
	if (req->counted && !req->no_body && req->left > 0) {
		conn_finish(conn, CONN_END_CUT);
	} else if (!req->close && (!conn->httpd->draining || conn->httpd->drain_idle_ms > 0)) {
		/* Also while draining: the client was not told and may just ask again. */
		conn_next(conn);
	} else if (req->head.keep_alive || req->head.chunked || req->head.length > 0) {
		/* More may come, be it only a stray line end behind the body. */
		conn_finish(conn, CONN_END_LINGER);
	} else {
		conn_finish(conn, CONN_END_CLOSE);
	}
}

void
httpd_abort(struct http_req *req, enum httpd_abort_how how)
{
	MAGIC_CHECK(req, REQ_MAGIC);
	struct conn *conn = req->conn;
	if (conn->state == CONN_DEAD)
		return;
	/* Where the end of the connection is the end of the body, only a reset tells. */
	bool reset = how == HTTPD_RST || req->until_close;
	if (how == HTTPD_RST)
		out_clear(&conn->out);
	conn_finish(conn, reset ? CONN_END_RESET : CONN_END_CUT);
}

void
httpd_reply(struct http_req *req, int status, const struct http_header *headers, size_t count,
    struct view body)
{
	httpd_start(req, status, headers, count, HTTPD_LENGTH, body.len);
	(void)httpd_write(req, body);
	httpd_end(req);
}

int
httpd_detach(struct http_req *req)
{
	MAGIC_CHECK(req, REQ_MAGIC);
	struct conn *conn = req->conn;
	size_t sent;
	if (conn->state == CONN_DEAD || conn->transport.tls != NULL)
		return -1;
	(void)out_send(&conn->out, &conn->transport, &sent);
	loop_io_fini(&conn->io);
	int fd = conn->transport.fd;
	conn->transport.fd = -1;
	req_free(req);
	conn_close(conn, false);
	return fd;
}

/* ---- our own answers ---- */

void
answer_refuse(struct conn *conn, int status, const char *why, struct view words)
{
	char body[256];
	if (words.len == 0) {
		int len =
		    snprintf(body, sizeof(body), "{\"error\":{\"type\":\"%s\",\"message\":\"%s\"}}",
			status == 503 ? "overloaded_error" : "invalid_request_error", why);
		MUST(len > 0 && (size_t)len < sizeof(body));
		words = view_make(body, (size_t)len);
	}
	struct bytes *text = head_begin(conn->httpd, status);
	MUST(bytes_printf(text,
	    "Content-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
	    words.len));
	out_append(&conn->out, bytes_view(text));
	out_append(&conn->out, words);
	conn->httpd->counts.refused++;
}
