/* httpd: a strict HTTP/1.1 server (RFC 9110, 9112) that refuses rather than guesses.
 *
 * Owners: httpd ▸ connection ▸ http_req. A handler borrows the http_req from on_request until it
 * has called httpd_end(), httpd_abort(), httpd_reply() or httpd_detach(), or on_gone was called:
 * after any of these the pointer is dead to it. One request of a connection is with the handler at
 * a time; pipelined ones wait. All memory that a peer can cause is bounded by httpd_limits. */
#ifndef PM_HTTPD_H
#define PM_HTTPD_H

#include "bytes.h"
#include "err.h"
#include "loop.h"
#include "view.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct httpd;
struct http_req;
struct tls_context; /* tls.h */

struct httpd_limits {
	size_t head_bytes;     /* request line + headers: 431 beyond; 64 KiB */
	size_t target_bytes;   /* 414 beyond; 16 KiB */
	unsigned headers;      /* 431 beyond; 128 */
	size_t body_bytes;     /* 413 beyond; 64 MiB */
	size_t ahead_bytes;    /* read beyond the present request before reading stops; 16 KiB */
	size_t out_high_bytes; /* httpd_write says "pause" above; 64 KiB */
	size_t out_low_bytes;  /* on_writable below; 16 KiB */
	unsigned connections;  /* above: httpd_shed.h; 0 = as many as descriptors allow */
	uint32_t head_ms;      /* first byte of a request to the end of its head, absolute; 10 s */
	uint32_t body_ms;      /* end of head to end of body, absolute; 300 s */
	uint32_t idle_ms;      /* keep-alive between requests; 75 s */
	uint32_t write_stall_ms; /* no byte taken by the client while output waits; 300 s */
	uint32_t tls_ms;         /* TLS handshake; 10 s */
};
/* The figures above. */
void httpd_limits_default(struct httpd_limits *limits);

struct http_header {
	struct view name;  /* as sent; compare without case */
	struct view value; /* trimmed */
};

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_DELETE,
	HTTP_PATCH,
	HTTP_OPTIONS,
};

struct httpd_handler {
	/* The head is complete and well formed; the body, if any, has not been read (and "100
	 * Continue" not been sent). Either answer now (httpd_reply: the body is then never stored;
	 * the connection closes after the answer unless the body was empty), or return: the body is
	 * read (up to body_bytes; httpd_body_limit() lowers it) and on_request follows. NULL = read
	 * on. */
	void (*on_head)(struct http_req *req, void *ctx);
	/* Head and whole body are there. Exactly once for each request that on_head let through. */
	void (*on_request)(struct http_req *req, void *ctx);
	/* The output queue fell to out_low_bytes after httpd_write had said "pause". */
	void (*on_writable)(struct http_req *req, void *ctx);
	/* The client left (FIN, RST, deadline) or broke the rules in its body (we answer 400, 408
	 * or 413) after on_head/on_request and before the answer was ended by the handler. `req` is
	 * dead after this returns; answering it meanwhile does nothing. A half-close counts as
	 * leaving. */
	void (*on_gone)(struct http_req *req, void *ctx);
	/* Optional. The parser refuses the body of a request that on_head let through (400, 408,
	 * 413): append a JSON answer to `out` (2 KiB at most), or nothing for the server's own
	 * words. on_gone follows. */
	void (*on_refuse)(
	    struct http_req *req, int status, const char *why, struct bytes *out, void *ctx);
	/* Optional. May the bodies that are being read take another `more` bytes, which makes
	 * `all`? Else that request is refused by 503 (httpd_room.h). */
	bool (*room)(uint64_t more, uint64_t all, void *ctx);
};

struct httpd *httpd_new(struct loop *loop, const struct httpd_limits *limits,
    const struct httpd_handler *handler, void *ctx);
/* Closes every connection at once (on_gone for those in work). The listening fds stay open. Not
 * from inside of a handler. */
void httpd_free(struct httpd *httpd);
/* Accepts on `fd` (listening, nonblocking; borrowed, never closed by us: it outlives this process).
 * `tls` (may be NULL = plain) is borrowed. `tag` comes back from httpd_req_tag. At most 16. */
MUST_CHECK bool httpd_listen(
    struct httpd *httpd, int fd, struct tls_context *tls, int tag, struct err *err);
/* Takes the connections that wait to be accepted, a bounded number, and then no more: they would be
 * reset when the sockets are closed, which is the next to do, and httpd_drain after that. `last`:
 * nobody else holds these sockets (netaddr_shut_out). */
void httpd_accept_waiting(struct httpd *httpd, bool last);
/* Stops accepting, marks answers "Connection: close", closes connections that are idle for
 * `idle_ms` from now on (those that never sent a request have head_ms for it): a client that asks
 * again meanwhile gets an answer and is told, while one that asks just as we close is cut. May be
 * called again, with less patience. `on_drained` is called (deferred) when the last connection is
 * gone. */
void httpd_drain(struct httpd *httpd, uint32_t idle_ms, void (*on_drained)(void *ctx), void *ctx);
struct httpd_counts {
	uint64_t accepted, requests, refused; /* refused: answered by the parser itself */
	unsigned connections, in_work;
	uint64_t promised_bytes; /* to bodies that are being read */
};
void httpd_counts_get(const struct httpd *httpd, struct httpd_counts *out);

/* ---- the request (all borrowed from it) ---- */
enum http_method httpd_method(const struct http_req *req);
struct view httpd_method_name(const struct http_req *req);
/* Raw path, starts with '/', not decoded; absolute-form is reduced to it. Without the query. */
struct view httpd_path(const struct http_req *req);
/* Raw, without '?'; empty when none. */
struct view httpd_query(const struct http_req *req);
/* First header of that name, or an empty view with data NULL. */
struct view httpd_header(const struct http_req *req, const char *name);
size_t httpd_headers(const struct http_req *req, const struct http_header **out);
struct view httpd_body(const struct http_req *req);
/* Takes the body's memory out of the request (caller bytes_fini's): the request keeps none. */
void httpd_body_take(struct http_req *req, struct bytes *out);
/* Frees the request's body before its end (long streams). */
void httpd_body_drop(struct http_req *req);
/* Only in on_head: is there room for this body? Else the server refuses it, in its own words. */
bool httpd_body_fits(const struct http_req *req);
/* Only in on_head: a lower limit for this body. */
void httpd_body_limit(struct http_req *req, size_t max_bytes);
bool httpd_is_http10(const struct http_req *req);
/* The peer's address is 127.0.0.0/8, ::1 or a Unix socket. */
bool httpd_peer_is_loopback(const struct http_req *req);
const char *httpd_peer_name(const struct http_req *req); /* "127.0.0.1:5012", "unix" */
int httpd_tag(const struct http_req *req);
/* The handler knows who this client is: of connections that ask for nothing those of strangers go
 * first when there is no room. */
void httpd_known(struct http_req *req);
uint64_t httpd_started_ms(const struct http_req *req); /* loop time of the head's first byte */
uint64_t httpd_serial(const struct http_req *req);     /* unique in this process */
struct loop *httpd_loop(const struct http_req *req);
void httpd_ctx_set(struct http_req *req, void *ctx);
void *httpd_ctx(const struct http_req *req);

/* ---- the answer ---- */
enum httpd_framing {
	HTTPD_CHUNKED, /* length unknown; close-delimited for HTTP/1.0 */
	HTTPD_LENGTH,  /* Content-Length given to httpd_start */
	HTTPD_EMPTY,   /* no body and no length (204, 304) */
};
/* Sends the head. `headers` are copied; Content-Length, Transfer-Encoding, Connection and Date are
 * ours (given ones are dropped). Values with CR, LF or NUL are dropped and logged. For HEAD the
 * body bytes written later are counted but not sent. */
void httpd_start(struct http_req *req, int status, const struct http_header *headers, size_t count,
    enum httpd_framing framing, uint64_t length);
/* Queues body bytes (copied). Gathered and sent once at the end of the loop turn. Returns false
 * when the queue stands above out_high_bytes: stop feeding until on_writable. The bytes are queued
 * all the same. */
bool httpd_write(struct http_req *req, struct view data);
/* Bytes queued and not yet taken by the kernel. */
size_t httpd_queued(const struct http_req *req);
/* The answer is complete: last chunk, then keep-alive or close. Fewer bytes than HTTPD_LENGTH said:
 * the connection is closed. */
void httpd_end(struct http_req *req);
enum httpd_abort_how {
	HTTPD_CUT, /* flush what is queued, then close without the last chunk: the peer can tell */
	HTTPD_RST, /* drop what is queued, reset the connection */
};
void httpd_abort(struct http_req *req, enum httpd_abort_how how);
/* Start + write + end in one; Content-Length framing. */
void httpd_reply(struct http_req *req, int status, const struct http_header *headers, size_t count,
    struct view body);
/* Takes the socket out of the server (plain connections only, output flushed or dropped); returns
 * the fd, now the caller's. TLS: -1, and the request stays. For test doubles that must speak broken
 * HTTP. */
int httpd_detach(struct http_req *req);

#endif
