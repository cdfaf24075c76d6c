/* What is done with the values that jsonspan_scan has checked. Texts are trusted to be JSON here,
 * never to be long enough: nothing is read behind a view's end. */
#include "jsonspan.h"
#include <string.h>

static bool
is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static struct view
skip_space(struct view v)
{
	while (v.len > 0 && is_one_of(v.data[0], " \t\r\n"))
		v = view_from(v, 1);
	return v;
}

static enum jsonspan_kind
kind_of(struct view v)
{
	switch (v.len > 0 ? v.data[0] : '\0') {
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

/* `v` begins with a quote; the length up to and with the closing one. */
static size_t
string_len(struct view v)
{
	size_t from = 1;
	for (;;) {
		struct view rest = view_from(v, from);
		ptrdiff_t quote = view_find_char(rest, '"');
		if (quote < 0)
			return v.len;
		from += (size_t)quote + 1;
		/* The quote ends the string unless an odd number of backslashes stands before it.
		 */
		size_t before = from - 1;
		while (before > 0 && v.data[before - 1] == '\\')
			before--;
		if ((from - 1 - before) % 2 == 0)
			return from;
	}
}

static size_t
container_len(struct view v)
{
	size_t depth = 0;
	for (size_t i = 0; i < v.len; i++) {
		char c = v.data[i];
		if (c == '"') {
			i += string_len(view_from(v, i)) - 1;
		} else if (c == '{' || c == '[') {
			depth++;
		} else if ((c == '}' || c == ']') && --depth == 0) {
			return i + 1;
		}
	}
	return v.len;
}

/* The value that `v` begins with. */
static struct jsonspan_value
value_at(struct view v)
{
	struct jsonspan_value value = {kind_of(v), v};
	if (value.kind == JSONSPAN_STRING) {
		value.raw.len = string_len(v);
	} else if (value.kind == JSONSPAN_ARRAY || value.kind == JSONSPAN_OBJECT) {
		value.raw.len = container_len(v);
	} else {
		size_t len = 0;
		while (len < v.len && !is_one_of(v.data[len], ",]} \t\r\n"))
			len++;
		value.raw.len = len;
	}
	return value;
}

void
jsonspan_iter_init(struct jsonspan_iter *iter, struct jsonspan_value value)
{
	iter->object = value.kind == JSONSPAN_OBJECT;
	iter->rest = (struct view){NULL, 0};
	if (iter->object || value.kind == JSONSPAN_ARRAY)
		iter->rest = skip_space(view_sub(value.raw, 1, value.raw.len - 2));
}

bool
jsonspan_next(struct jsonspan_iter *iter, struct jsonspan_member *out)
{
	struct view rest = iter->rest;
	if (rest.len == 0)
		return false;
	const char *start = rest.data;
	*out = (struct jsonspan_member){0};
	if (iter->object) {
		size_t len = string_len(rest);
		out->key = view_sub(rest, 1, len - 2);
		out->key_escaped = view_find_char(out->key, '\\') >= 0;
		rest =
		    skip_space(view_from(skip_space(view_from(rest, len)), 1)); /* over the colon */
	}
	out->value = value_at(rest);
	rest = view_from(rest, out->value.raw.len);
	out->whole = view_make(start, (size_t)(rest.data - start));
	iter->rest = skip_space(view_from(skip_space(rest), 1)); /* over the comma */
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

static bool
inside_is(struct view inside, const char *text)
{
	struct view expected = view_of(text);
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
	return value_at(skip_space(checked));
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
