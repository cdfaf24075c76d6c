/* refuse: errors in the client's own protocol. PURE.
 *   anthropic: {"type":"error","error":{"type":T,"message":M},"request_id":ID}
 *   chat, responses: {"error":{"message":M,"type":T,"param":P,"code":C}} */
#ifndef PM_REFUSE_H
#define PM_REFUSE_H

#include "bytes.h"
#include "table.h"
#include "view.h"

/* Whole body of an error answer with `status`; type and code follow from status (400
 * invalid_request_error, 401 authentication_error, 403 permission_error, 404 not_found_error, 413
 * request_too_large, 429 rate_limit_error, 5xx api_error, 529 overloaded_error and the OpenAI words
 * for them). `message` is for a person and holds no secret; `param` is the member of the request
 * that it is about, NULL for none. */
MUST_CHECK bool refuse_body(enum protocol protocol, int status, const char *message,
    const char *param, const char *request_id, struct bytes *out);
/* The event that ends a committed stream after a failure: anthropic `event: error`, responses
 * `event: response.failed` (with sequence_number and a code: "server_error", which clients retry;
 * for a `status` below 500 "invalid_prompt", which they do not),
 * chat `data: {"error":...}`. Begins with a blank line, so that a half event before it is ended. */
MUST_CHECK bool refuse_event(enum protocol protocol, int status, const char *message,
    const char *request_id, uint64_t sequence, struct bytes *out);
/* An upstream's error status as the client should see it: 401/403 of an upstream key is not the
 * client's fault -> 502; 402 -> 502; 3xx -> 502; others stay. */
int refuse_status(int upstream_status);

#endif
