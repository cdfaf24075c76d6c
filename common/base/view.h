/* view: a borrowed run of bytes, not terminated. The lender outlives the view. */
#ifndef PM_VIEW_H
#define PM_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct view {
	const char *data; /* may be NULL only when len is 0 */
	size_t len;
};

#define VIEW(literal) ((struct view){(literal), sizeof(literal) - 1})
/* For printf's "%.*s". */
#define VIEW_ARGS(v) (int)((v).len > 4096 ? 4096 : (v).len), ((v).data ? (v).data : "")

/* What is called for every few bytes of a text stands here, so that it costs no call. */

/* A view of a terminated string; NULL gives the empty view. */
static inline struct view
view_of(const char *str)
{
	return (struct view){str, str ? strlen(str) : 0};
}

static inline struct view
view_make(const char *data, size_t len)
{
	return (struct view){data, len};
}

static inline bool
view_eq(struct view a, struct view b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool
view_eq_str(struct view a, const char *b)
{
	return view_eq(a, view_of(b));
}

/* Offset of the first `c`, or -1. */
static inline ptrdiff_t
view_find_char(struct view v, char c)
{
	const char *hit = v.len ? (const char *)memchr(v.data, c, v.len) : NULL;
	return hit ? hit - v.data : -1;
}

/* `len` bytes from `from` / from `from` to the end; both clamp to what is there. */
static inline struct view
view_sub(struct view v, size_t from, size_t len)
{
	if (from > v.len)
		from = v.len;
	if (len > v.len - from)
		len = v.len - from;
	return (struct view){from ? v.data + from : v.data, len};
}

static inline struct view
view_from(struct view v, size_t from)
{
	return view_sub(v, from, v.len);
}

/* ASCII case is ignored. */
bool view_eq_nocase(struct view a, const char *b);
bool view_starts(struct view v, const char *prefix);
bool view_starts_nocase(struct view v, const char *prefix);
bool view_ends(struct view v, const char *suffix);
/* Offset of the first `needle`, or -1. An empty needle is at 0. */
ptrdiff_t view_find(struct view v, const char *needle);
/* Without spaces and tabs at both ends. */
struct view view_trim(struct view v);
/* Takes the part before `sep` from `*rest` and moves `*rest` behind it; false when *rest was empty
 * before. Without `sep` the whole rest is taken. */
bool view_split(struct view *rest, char sep, struct view *part);
/* Decimal digits only, the whole view, no sign, no overflow. */
bool view_to_u64(struct view v, uint64_t *out);
/* Length (1 to 4 bytes) of the UTF-8 character at the start of `v`; 0 when there is none or it is
 * not valid (overlong, surrogate, above U+10FFFF, cut). */
size_t view_utf8_step(struct view v);

#endif
