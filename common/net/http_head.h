/* http_head: the pure parser of a request head. Fed any split, gives the same answer; no I/O.
 *
 * Strict: CRLF only, token characters in names, no space before the colon, no folding, no control
 * bytes, exactly one Host in 1.1, one Content-Length of digits, Transfer-Encoding exactly "chunked"
 * and never with Content-Length or HTTP/1.0. One leading CRLF is skipped (RFC 9112, 2.2). */
#ifndef PM_HTTP_HEAD_H
#define PM_HTTP_HEAD_H

#include "httpd.h"
#include "view.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http_head_state { HTTP_HEAD_MORE, HTTP_HEAD_DONE, HTTP_HEAD_BAD };

struct http_head {
	enum http_method method;
	struct view method_name, path, query;
	unsigned minor;              /* HTTP/1.<minor> */
	struct http_header *headers; /* caller's array of `headers_max` */
	unsigned header_count, headers_max;
	bool chunked;
	bool has_length;
	uint64_t length;
	bool keep_alive;
	bool expect_continue;
	size_t head_len; /* bytes up to and with the empty line */
	int status;      /* BAD: what to answer (400 414 417 431 501 505) */
	const char *why; /* BAD: a short fixed text */
};
struct http_head_limits {
	size_t head_bytes, target_bytes;
};

/* Looks at all bytes received so far (`data` from the head's first byte). `*seen` is the caller's
 * scan position, 0 at first, so that a drip costs no second scan. Views point into `data`. */
enum http_head_state http_head_parse(
    struct http_head *head, struct view data, size_t *seen, const struct http_head_limits *limits);

#endif
