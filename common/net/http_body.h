/* http_body: the pure decoder of chunked framing; consumes any split.
 *   chunk = 1*16 hex [; ext] CRLF data CRLF ... 0 [; ext] CRLF *(trailer CRLF) CRLF
 * Extensions and trailers are dropped; together at most 4 KiB. */
#ifndef PM_HTTP_BODY_H
#define PM_HTTP_BODY_H

#include "bytes.h"
#include "view.h"
#include <stddef.h>
#include <stdint.h>

enum http_chunk_result { HTTP_CHUNK_MORE, HTTP_CHUNK_DONE, HTTP_CHUNK_BAD, HTTP_CHUNK_LIMIT };

struct http_chunks {
	int state;
	uint64_t left; /* of the present chunk */
	unsigned digits;
	size_t extra_bytes; /* extensions and trailers so far */
};
void http_chunks_init(struct http_chunks *chunks);
/* Appends decoded data to `out` (its max is the body limit -> LIMIT). `*used` says how much of
 * `in` was taken; on DONE the rest belongs to the next request. */
enum http_chunk_result http_chunks_feed(
    struct http_chunks *chunks, struct view in, size_t *used, struct bytes *out);

#endif
