#include "csv.h"
#include "jget.h"
#include "mem.h"
#include <string.h>

static bool
is_formula(struct view text)
{
	return text.len > 0 && memchr("=+-@\t\r", text.data[0], 6) != NULL;
}

static bool
needs_quotes(struct view text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (memchr("\",\r\n", text.data[i], 4) != NULL)
			return true;
	}
	return false;
}

static bool
append_quoted(struct bytes *out, struct view text)
{
	bool ok = bytes_append_char(out, '"');
	for (size_t i = 0; i < text.len && ok; i++) {
		ok = (text.data[i] != '"' || bytes_append_char(out, '"')) &&
		     bytes_append_char(out, text.data[i]);
	}
	return ok && bytes_append_char(out, '"');
}

static bool
separate(struct bytes *out, bool first)
{
	return first || bytes_append_char(out, ',');
}

bool
csv_text(struct bytes *out, struct view text, bool first)
{
	struct bytes safe;
	bytes_init(&safe, text.len + 1);
	bool ok = separate(out, first) && (!is_formula(text) || bytes_append_char(&safe, '\'')) &&
		  bytes_append_view(&safe, text);
	text = bytes_view(&safe);
	ok = ok && (needs_quotes(text) ? append_quoted(out, text) : bytes_append_view(out, text));
	bytes_fini(&safe);
	return ok;
}

bool
csv_value(struct bytes *out, const json_t *value, bool first)
{
	size_t len;
	if (value == NULL || json_is_null(value))
		return separate(out, first);
	if (json_is_string(value)) {
		return csv_text(
		    out, view_make(json_string_value(value), json_string_length(value)), first);
	}
	char *text = jget_dump(value, &len);
	/* A number is none of the formulas, whatever its sign. */
	bool ok = json_is_number(value)
		      ? separate(out, first) && bytes_append_view(out, view_make(text, len))
		      : csv_text(out, view_make(text, len), first);
	mem_free(text);
	return ok;
}

bool
csv_end(struct bytes *out)
{
	return bytes_append_str(out, "\r\n");
}
