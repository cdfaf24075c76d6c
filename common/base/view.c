#include "view.h"
#include <string.h>
#include <strings.h>

/* Not strncasecmp: that one follows the locale and stops at NUL. */
static unsigned char
lower(char c)
{
	unsigned char u = (unsigned char)c;
	return u >= 'A' && u <= 'Z' ? (unsigned char)(u | 0x20) : u;
}

static bool
eq_nocase(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (lower(a[i]) != lower(b[i]))
			return false;
	}
	return true;
}

bool
view_eq_nocase(struct view a, const char *b)
{
	return a.len == strlen(b) && eq_nocase(a.data, b, a.len);
}

bool
view_starts(struct view v, const char *prefix)
{
	return view_eq_str(view_sub(v, 0, strlen(prefix)), prefix);
}

bool
view_starts_nocase(struct view v, const char *prefix)
{
	return view_eq_nocase(view_sub(v, 0, strlen(prefix)), prefix);
}

bool
view_ends(struct view v, const char *suffix)
{
	size_t len = strlen(suffix);
	return len <= v.len && view_eq_str(view_from(v, v.len - len), suffix);
}

ptrdiff_t
view_find(struct view v, const char *needle)
{
	size_t len = strlen(needle);
	if (len == 0)
		return 0;
	if (v.len < len)
		return -1;
	const char *hit = memmem(v.data, v.len, needle, len);
	return hit ? hit - v.data : -1;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct view
view_trim(struct view v)
{
	while (v.len > 0 && is_blank(v.data[0]))
		v = view_from(v, 1);
	while (v.len > 0 && is_blank(v.data[v.len - 1]))
		v.len--;
	return v;
}

bool
view_split(struct view *rest, char sep, struct view *part)
{
	if (rest->len == 0)
		return false;
	ptrdiff_t at = view_find_char(*rest, sep);
	size_t len = at < 0 ? rest->len : (size_t)at;
	*part = view_sub(*rest, 0, len);
	*rest = view_from(*rest, len + 1);
	return true;
}

bool
view_to_u64(struct view v, uint64_t *out)
{
	uint64_t value = 0;
	for (size_t i = 0; i < v.len; i++) {
		unsigned digit = (unsigned)(v.data[i] - '0');
		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (v.len == 0)
		return false;
	*out = value;
	return true;
}

/* The lowest second byte for leads with a rule of their own: no overlong forms, no surrogates,
 * nothing above U+10FFFF. */
size_t
view_utf8_step(struct view v)
{
	const unsigned char *p = (const unsigned char *)v.data;
	if (v.len == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	size_t len = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
	if (len == 0 || v.len < len)
		return 0;
	unsigned low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
	unsigned high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}
