/* attempt_send: what an attempt sends: URL, headers, body; changed as its upstream needs it. */
#ifndef PM_ATTEMPT_SEND_H
#define PM_ATTEMPT_SEND_H

#include "attempt.h"

#define ATTEMPT_HEADERS_BYTES_MAX ((size_t)160 * 1024)

/* Makes the body: the client's own with a few bytes replaced, or another one by conversion. False
 * when the request cannot be carried to that upstream. */
MUST_CHECK bool attempt_send_body(struct attempt *attempt, struct err *err);
uint64_t attempt_send_bytes(const struct attempt *attempt);
/* Copies up to `len` bytes of it from offset `at`; returns how many. */
size_t attempt_send_read(const struct attempt *attempt, uint64_t at, char *out, size_t len);
/* libcurl's form, each ended by NUL; the key is among them. After attempt_send_body. */
MUST_CHECK bool attempt_send_headers(const struct attempt *attempt, struct bytes *out);
MUST_CHECK bool attempt_send_url(const struct attempt *attempt, struct bytes *out);

#endif
