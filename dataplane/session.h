/* session: which conversation a request belongs to, so that it stays where its prompt cache is.
 * PURE and without state: every data plane says the same.
 *
 * Asked in this order: headers by which clients name their session (session_id and session-id and
 * conversation_id of Codex, x-claude-code-session-id, x-session-id, ...), prompt_cache_key,
 * metadata.user_id, else a hash of what stays the same over all turns of a conversation: system,
 * tools and the messages up to the first one of the user. */
#ifndef PM_SESSION_H
#define PM_SESSION_H

#include "httpd.h"
#include "table.h"
#include "view.h"
#include <stddef.h>
#include <stdint.h>

enum session_source {
	SESSION_NONE,
	SESSION_HEADER,
	SESSION_CACHE_KEY,
	SESSION_USER,
	SESSION_PREFIX,
};
/* "none", "header", "cache_key", "user", "prefix". */
const char *session_source_name(enum session_source source);

struct session {
	uint64_t key; /* as choose_session gives it; 0 = none */
	enum session_source source;
};

/* `body` is a checked JSON object in the client's protocol, or empty. One pass over it. */
struct session session_find(
    enum protocol protocol, const struct http_header *headers, size_t count, struct view body);

#endif
