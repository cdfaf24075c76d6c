/* headers: allow-lists in both directions. PURE. */
#ifndef PM_HEADERS_H
#define PM_HEADERS_H

#include "httpd.h"
#include "table.h"
#include "view.h"
#include <stdbool.h>

/* May this client header go to an upstream? Never: credentials, cookies, hop-by-hop, framing,
 * Host, forwarding headers, accept-encoding and content-encoding (set by us). Yes: anthropic-*,
 * openai-* , x-stainless-*, x-claude-*, x-codex-*, originator, session_id / session-id,
 * conversation_id, version, user-agent, accept, accept-language, content-type, x-app,
 * x-client-request-id, idempotency-key, traceparent/tracestate. Names that the client's Connection
 * header lists are hop-by-hop too (`connection` is its value). */
bool headers_to_upstream(struct view name, struct view connection);
/* May this upstream header go to the client? All end-to-end ones except set-cookie, framing,
 * hop-by-hop, content-encoding (decided by relay), alt-svc, strict-transport-security, server,
 * date. */
bool headers_to_client(struct view name, struct view connection);
/* May this client header go to an upstream of another protocol? Only what no vendor gives a meaning
 * of its own. */
bool headers_to_other_upstream(struct view name, struct view connection);
/* The header that carries a key to an upstream: anthropic gets "x-api-key" for keys that start
 * with "sk-ant-api" and Authorization: Bearer otherwise; the others always Bearer. */
const char *headers_key_name(enum protocol protocol, struct view key, bool *bearer);
/* The key a client presents: Authorization: Bearer (scheme without case), x-api-key, api-key.
 * NONE, ONE, or CONFLICT when two differ. */
enum headers_key { HEADERS_KEY_NONE, HEADERS_KEY_ONE, HEADERS_KEY_CONFLICT };
enum headers_key headers_client_key(
    const struct http_header *headers, size_t count, struct view *key);
/* Does Accept-Encoding allow `coding` with q > 0 (RFC 9110, 12.5.3)? Absent = identity only. */
bool headers_accepts(struct view accept_encoding, const char *coding);
/* Every element of a comma list, compared without case. */
bool headers_list_has(struct view list, const char *token);

#endif
