/* What is done with the values that jsonspan_scan has checked. Texts are trusted to be JSON here,
 * never to be long enough: nothing is read behind a view's end. */
#include "jsonspan.h"
#include "jsonspan_skip.h"
#include <string.h>

static bool
is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static const char *
skip_space(const char *p, const char *end)
{
	while (p < end && is_space(*p))
		p++;
	return p;
}

static enum jsonspan_kind
kind_of(char first)
{
	switch (first) {
	case '\0':
		return JSONSPAN_NONE;
	case '{':
		return JSONSPAN_OBJECT;
	case '[':
		return JSONSPAN_ARRAY;
	case '"':
		return JSONSPAN_STRING;
	case 'n':
		return JSONSPAN_NULL;
	case 't':
	case 'f':
		return JSONSPAN_BOOL;
	default:
		return JSONSPAN_NUMBER;
	}
}

/* Behind a number or a word. */
static const char *
skip_word(const char *p, const char *end)
{
	while (p < end && *p != ',' && *p != '}' && *p != ']' && !is_space(*p))
		p++;
	return p;
}

/* The value that begins at `p`. */
static struct jsonspan_value
value_at(const char *p, const char *end)
{
	struct jsonspan_value value = {kind_of(p < end ? *p : '\0'), {p, 0}};
	const char *behind;
	if (value.kind == JSONSPAN_STRING)
		behind = jsonspan_skip_string(p + 1, end);
	else if (value.kind == JSONSPAN_ARRAY || value.kind == JSONSPAN_OBJECT)
		behind = jsonspan_skip_container(p, end);
	else
		behind = skip_word(p, end);
	value.raw.len = (size_t)(behind - p);
	return value;
}

static struct view
between(const char *p, const char *end)
{
	return view_make(p, p < end ? (size_t)(end - p) : 0);
}

void
jsonspan_iter_init(struct jsonspan_iter *iter, struct jsonspan_value value)
{
	iter->object = value.kind == JSONSPAN_OBJECT;
	iter->rest = (struct view){NULL, 0};
	if ((iter->object || value.kind == JSONSPAN_ARRAY) && value.raw.len > 2) {
		const char *end = value.raw.data + value.raw.len - 1;
		iter->rest = between(skip_space(value.raw.data + 1, end), end);
	}
}

bool
jsonspan_next(struct jsonspan_iter *iter, struct jsonspan_member *out)
{
	if (iter->rest.len == 0)
		return false;
	const char *start = iter->rest.data, *end = start + iter->rest.len, *p = start;
	*out = (struct jsonspan_member){0};
	if (iter->object) {
		p = jsonspan_skip_string(p + 1, end);
		out->key = between(start + 1, p - 1);
		out->key_escaped =
		    out->key.len > 0 && memchr(out->key.data, '\\', out->key.len) != NULL;
		p = skip_space(p, end);
		p = skip_space(p < end ? p + 1 : p, end); /* over the colon */
	}
	out->value = value_at(p, end);
	p += out->value.raw.len;
	out->whole = view_make(start, (size_t)(p - start));
	p = skip_space(p, end);
	iter->rest = between(skip_space(p < end ? p + 1 : p, end), end); /* over the comma */
	return true;
}

static unsigned
hex4(const char *p)
{
	unsigned value = 0;
	for (int i = 0; i < 4; i++) {
		char c = p[i];
		unsigned digit = (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
		value = value << 4 | (digit & 15);
	}
	return value;
}

static size_t
put_utf8(unsigned code, char out[4])
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	for (size_t i = len - 1; i > 0; i--, code >>= 6)
		out[i] = (char)(0x80 | (code & 0x3f));
	static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
	out[0] = (char)(leads[len] | code);
	return len;
}

/* Decodes the escape that *rest begins with and moves *rest behind it; a pair of surrogates is one
 * character. Returns the number of bytes in `out`. */
static size_t
take_escape(struct view *rest, char out[4])
{
	static const char from[] = "bfnrt";
	static const char to[] = "\b\f\n\r\t";
	char c = rest->len > 1 ? rest->data[1] : '\\';
	if (c != 'u' || rest->len < 6) {
		const char *hit = c != '\0' ? strchr(from, c) : NULL;
		out[0] = hit ? to[hit - from] : c;
		*rest = view_from(*rest, 2);
		return 1;
	}
	unsigned code = hex4(rest->data + 2);
	*rest = view_from(*rest, 6);
	bool pair = code >= 0xd800 && code < 0xdc00 && rest->len >= 6 && view_starts(*rest, "\\u");
	unsigned low = pair ? hex4(rest->data + 2) : 0;
	if (low >= 0xdc00 && low < 0xe000) {
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
		*rest = view_from(*rest, 6);
	}
	return put_utf8(code, out);
}

/* Takes the next piece of unescaped text: a run without escapes, borrowed from *rest, or one escape
 * decoded into `buf`. */
static struct view
take_piece(struct view *rest, char buf[4])
{
	if (rest->data[0] == '\\') {
		size_t len = take_escape(rest, buf);
		return view_make(buf, len);
	}
	ptrdiff_t at = view_find_char(*rest, '\\');
	struct view piece = view_sub(*rest, 0, at < 0 ? rest->len : (size_t)at);
	*rest = view_from(*rest, piece.len);
	return piece;
}

/* Unescaping never makes a text longer: one as long as `text` is the same only without escapes, and
 * a longer one only with some. */
static bool
inside_is(struct view inside, const char *text)
{
	struct view expected = view_of(text);
	if (inside.len < expected.len ||
	    (inside.len > 0 && inside.data[0] != '\\' && inside.data[0] != text[0]))
		return false;
	if (inside.len == expected.len)
		return view_eq(inside, expected) && view_find_char(inside, '\\') < 0;
	if (view_find_char(inside, '\\') < 0)
		return false;
	while (inside.len > 0) {
		char buf[4];
		struct view piece = take_piece(&inside, buf);
		if (!view_eq(view_sub(expected, 0, piece.len), piece))
			return false;
		expected = view_from(expected, piece.len);
	}
	return expected.len == 0;
}

static struct view
inside_of(struct jsonspan_value string)
{
	return view_sub(string.raw, 1, string.raw.len - 2);
}

bool
jsonspan_key_is(const struct jsonspan_member *member, const char *key)
{
	return member->key_escaped ? inside_is(member->key, key) : view_eq_str(member->key, key);
}

struct jsonspan_value
jsonspan_get(struct jsonspan_value object, const char *key)
{
	struct jsonspan_value found = {0};
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	if (object.kind != JSONSPAN_OBJECT)
		return found;
	jsonspan_iter_init(&iter, object);
	while (jsonspan_next(&iter, &member)) {
		if (jsonspan_key_is(&member, key))
			found = member.value;
	}
	return found;
}

struct jsonspan_value
jsonspan_root(struct view checked)
{
	const char *end = checked.len > 0 ? checked.data + checked.len : checked.data;
	return value_at(skip_space(checked.data, end), end);
}

bool
jsonspan_unescape(struct jsonspan_value string, struct bytes *out)
{
	size_t before = out->len;
	struct view inside = {NULL, 0};
	if (string.kind == JSONSPAN_STRING)
		inside = inside_of(string);
	while (inside.len > 0) {
		char buf[4];
		if (!bytes_append_view(out, take_piece(&inside, buf))) {
			out->len = before;
			return false;
		}
	}
	return true;
}

bool
jsonspan_str_is(struct jsonspan_value string, const char *text)
{
	return string.kind == JSONSPAN_STRING && inside_is(inside_of(string), text);
}

bool
jsonspan_str_plain(struct jsonspan_value string, struct view *out)
{
	if (string.kind != JSONSPAN_STRING || view_find_char(string.raw, '\\') >= 0)
		return false;
	*out = inside_of(string);
	return true;
}

bool
jsonspan_bool(struct jsonspan_value value, bool *out)
{
	if (value.kind != JSONSPAN_BOOL)
		return false;
	*out = value.raw.data[0] == 't';
	return true;
}

bool
jsonspan_i64(struct jsonspan_value value, int64_t *out)
{
	if (value.kind != JSONSPAN_NUMBER)
		return false;
	bool negative = value.raw.data[0] == '-';
	uint64_t limit = (uint64_t)INT64_MAX + negative;
	uint64_t digits;
	if (!view_to_u64(view_from(value.raw, negative), &digits) || digits > limit)
		return false;
	*out = negative ? (int64_t)(0 - digits) : (int64_t)digits;
	return true;
}
