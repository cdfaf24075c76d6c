/* rewrite_body: members and blocks that leave a request's body. PURE. Part of rewrite. */
#ifndef PM_REWRITE_BODY_H
#define PM_REWRITE_BODY_H

#include "rewrite.h"

/* What the upstream has refused lately. False at a bound of splice. */
MUST_CHECK bool rewrite_body_strip(
    struct splice *splice, const struct lesson_list *lessons, const struct rewrite_call *call);
/* At most table->cache_marks_max marks (Anthropic): those of tools and system stay, of the
 * messages' the last ones: they are what the next turn finds again. */
MUST_CHECK bool rewrite_body_limit_marks(struct splice *splice, const struct rewrite_call *call);
/* The object or one of its arrays' objects holds the member "a" or "a.b" that a lesson names. */
bool rewrite_body_has_field(struct view body, const char *name);

#endif
