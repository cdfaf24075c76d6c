/* bytes: a growing buffer with a limit that it never passes. */
#ifndef PM_BYTES_H
#define PM_BYTES_H

#include "err.h"
#include "view.h"
#include <stddef.h>
#include <string.h>

struct bytes {
	char *data; /* NULL until the first byte; never terminated unless bytes_str was called */
	size_t len;
	size_t cap; /* at most max */
	size_t max; /* len never passes it; may be raised */
};

void bytes_init(struct bytes *bytes, size_t max);
void bytes_fini(struct bytes *bytes);  /* frees; the buffer may be initialised again */
void bytes_clear(struct bytes *bytes); /* len 0, memory kept */
/* Makes room for `more` bytes behind len; grows by doubling. False at the limit, buffer unchanged.
 */
MUST_CHECK bool bytes_reserve(struct bytes *bytes, size_t more);
/* Appending is what all writing consists of: it costs a call only where the buffer must grow. False
 * at the limit, buffer unchanged. */
MUST_CHECK static inline bool
bytes_append(struct bytes *bytes, const void *data, size_t len)
{
	if (len > bytes->cap - bytes->len && !bytes_reserve(bytes, len))
		return false;
	if (len > 0)
		memcpy(bytes->data + bytes->len, data, len);
	bytes->len += len;
	return true;
}

MUST_CHECK static inline bool
bytes_append_view(struct bytes *bytes, struct view v)
{
	return bytes_append(bytes, v.data, v.len);
}

MUST_CHECK static inline bool
bytes_append_str(struct bytes *bytes, const char *str)
{
	return bytes_append(bytes, str, strlen(str));
}

MUST_CHECK static inline bool
bytes_append_char(struct bytes *bytes, char c)
{
	return bytes_append(bytes, &c, 1);
}

MUST_CHECK bool bytes_printf(struct bytes *bytes, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Appends `v` as the inside of a JSON string (without the quotes): escapes ", \ and control bytes,
 * copies every other byte as it is. */
MUST_CHECK bool bytes_append_json(struct bytes *bytes, struct view v);
/* Drops the first `count` bytes (memmove). */
void bytes_consume(struct bytes *bytes, size_t count);
static inline struct view
bytes_view(const struct bytes *bytes)
{
	return view_make(bytes->data, bytes->len);
}

/* Terminates behind len (the NUL counts neither for len nor for max) and returns data. Borrowed. */
const char *bytes_str(struct bytes *bytes);

#endif
