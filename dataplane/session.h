/* session: which conversation a request belongs to, so that it stays where its prompt cache is.
 * PURE and without state: every data plane says the same.
 *
 * Asked in this order: a header by which a client names its session, prompt_cache_key,
 * metadata.user_id, else a hash of what stays the same over all turns of a conversation: system
 * text, names of the tools, and the messages up to the first one of the user (without their
 * cache_control marks, which move from turn to turn). A name is the same session wherever it
 * stands. */
#ifndef PM_SESSION_H
#define PM_SESSION_H

#include "facts.h"
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
	SESSION_RESPONSE, /* the answer that the request continues is known: session_previous */
};
/* "none", "header", "cache_key", "user", "prefix", "response". */
const char *session_source_name(enum session_source source);

struct session {
	uint64_t key; /* as choose_session gives it; 0 = none */
	enum session_source source;
};

/* `facts` are those of the body, empty where there is none. */
struct session session_find(enum protocol protocol, const struct http_header *headers, size_t count,
    const struct request_facts *facts);
/* The key of the answer that a request of the Responses protocol continues by its id, 0 = none.
 * Only the upstream which gave it can: who has passed it on remembers where it came from under
 * session_answer of the same id. */
uint64_t session_previous(enum protocol protocol, const struct request_facts *facts);
/* The same of an answer's id, as it stands in the answer. */
uint64_t session_answer(struct view id);

#endif
