/* api_query: the words of a query, "?name=value&..." with %XX and + for a space (pure). */
#ifndef PM_API_QUERY_H
#define PM_API_QUERY_H

#include "view.h"
#include <stdbool.h>
#include <stddef.h>

/* The decoded value of `key` into `out`; false when absent, too long, or no text. */
bool api_query_get(struct view query, const char *key, char *out, size_t out_len);
/* Can each of `keys` ("at path model") that is there be read? Else *bad is its name: what is left
 * out unread could mean everything. */
bool api_query_reads(struct view query, const char *keys, struct view *bad);
/* `text` with its %XX undone. */
bool api_query_decode(struct view text, bool plus, char *out, size_t out_len);

#endif
