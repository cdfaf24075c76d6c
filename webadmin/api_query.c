#include "api_private.h"

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
api_query_decode(struct view text, bool plus, char *out, size_t out_len)
{
	size_t len = 0;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		if (c == '%') {
			int high = i + 2 < text.len ? hex(text.data[i + 1]) : -1;
			int low = high >= 0 ? hex(text.data[i + 2]) : -1;
			if (low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		if (c == '\0' || len + 1 >= out_len)
			return false;
		out[len++] = c;
	}
	out[len] = '\0';
	/* What goes on as JSON must be UTF-8. */
	struct view rest = view_make(out, len);
	size_t step;
	while (rest.len > 0 && (step = view_utf8_step(rest)) > 0)
		rest = view_from(rest, step);
	return rest.len == 0;
}

static bool
find(struct view query, struct view key, struct view *value)
{
	struct view name;
	while (view_split(&query, '&', value)) {
		if (view_split(value, '=', &name) && view_eq(name, key))
			return true;
	}
	return false;
}

bool
api_query_get(struct view query, const char *key, char *out, size_t out_len)
{
	struct view value;
	return find(query, view_of(key), &value) && api_query_decode(value, true, out, out_len);
}

bool
api_query_reads(struct view query, const char *keys, struct view *bad)
{
	struct view rest = view_of(keys), value;
	char text[API_WORD_BYTES];
	while (view_split(&rest, ' ', bad)) {
		if (find(query, *bad, &value) && !api_query_decode(value, true, text, sizeof(text)))
			return false;
	}
	return true;
}
