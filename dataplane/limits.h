/* limits: what an upstream tells of its rate limits, in the words of the client's vendor. PURE.
 *
 * Anthropic tells of requests, tokens, input-tokens and output-tokens, and when they are full again
 * as a moment (RFC 3339); OpenAI of requests and tokens, and as a duration ("6m0s"). */
#ifndef PM_LIMITS_H
#define PM_LIMITS_H

#include "answer.h"
#include "httpd.h"
#include "table.h"
#include <stddef.h>
#include <stdint.h>

#define LIMITS_HEADERS_MAX 32
#define LIMITS_TEXTS_MAX 2 /* of two kinds, when they are full again */
#define LIMITS_TEXT_BYTES 40

struct limits {
	struct http_header
	    headers[LIMITS_HEADERS_MAX]; /* values borrow from the answer and from here */
	size_t count;
	char texts[LIMITS_TEXTS_MAX][LIMITS_TEXT_BYTES];
	size_t text_count;
};

/* What a client of `client` gets of the headers of an upstream's answer: the limits under its own
 * vendor's names and in its forms, retry-after as it is. What the other vendor has no word for is
 * left out; a moment that cannot be read too. `out` must not move. */
void limits_convert(enum protocol client, enum protocol upstream, const struct answer *answer,
    int64_t wall_ms, struct limits *out);

#endif
