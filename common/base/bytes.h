/* bytes: a growing buffer with a limit that it never passes. */
#ifndef PM_BYTES_H
#define PM_BYTES_H

#include "err.h"
#include "view.h"
#include <stddef.h>

struct bytes {
	char *data; /* NULL until the first byte; never terminated unless bytes_str was called */
	size_t len;
	size_t cap;
	size_t max; /* len never passes it */
};

void bytes_init(struct bytes *bytes, size_t max);
void bytes_fini(struct bytes *bytes);  /* frees; the buffer may be initialised again */
void bytes_clear(struct bytes *bytes); /* len 0, memory kept */
/* Makes room for `more` bytes behind len; grows by doubling. False at the limit, buffer unchanged.
 */
MUST_CHECK bool bytes_reserve(struct bytes *bytes, size_t more);
MUST_CHECK bool bytes_append(struct bytes *bytes, const void *data, size_t len);
MUST_CHECK bool bytes_append_view(struct bytes *bytes, struct view v);
MUST_CHECK bool bytes_append_str(struct bytes *bytes, const char *str);
MUST_CHECK bool bytes_append_char(struct bytes *bytes, char c);
MUST_CHECK bool bytes_printf(struct bytes *bytes, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Appends `v` as the inside of a JSON string (without the quotes): escapes ", \ and control bytes,
 * copies every other byte as it is. */
MUST_CHECK bool bytes_append_json(struct bytes *bytes, struct view v);
/* Drops the first `count` bytes (memmove). */
void bytes_consume(struct bytes *bytes, size_t count);
struct view bytes_view(const struct bytes *bytes);
/* Terminates behind len (the NUL counts neither for len nor for max) and returns data. Borrowed. */
const char *bytes_str(struct bytes *bytes);

#endif
