#include "freeform.h"

#include "jsonspan.h"
#include "read_json.h"
#include "write_json.h"
#include <string.h>

enum { STATE_PREFIX, STATE_TEXT, STATE_CLOSED, STATE_OTHER };

void
freeform_init(struct freeform *freeform, size_t bytes_max)
{
	*freeform = (struct freeform){.state = STATE_PREFIX};
	bytes_init(&freeform->json, bytes_max);
}

void
freeform_fini(struct freeform *freeform)
{
	bytes_fini(&freeform->json);
}

/* Length of `{"input":"` with any space between its words; 0: more is needed; -1: something else.
 */
static ptrdiff_t
prefix_len(struct view v)
{
	static const char *const words[] = {"{", "\"input\"", ":", "\""};
	size_t at = 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		while (at < v.len && memchr(" \t\r\n", v.data[at], 4) != NULL)
			at++;
		struct view here = view_sub(v, at, strlen(words[i]));
		if (memcmp(here.len > 0 ? here.data : "", words[i], here.len) != 0)
			return -1;
		if (here.len < strlen(words[i]))
			return 0;
		at += here.len;
	}
	return (ptrdiff_t)at;
}

/* Bytes of the escape at the start of `v`; 0 when it is cut. A high surrogate waits for its other
 * half, so that a reader of single pieces gets whole characters. */
static size_t
escape_len(struct view v, bool last)
{
	size_t len = v.len > 1 && v.data[1] == 'u' ? 6 : 2;
	if (v.len < len)
		return 0;
	bool high = len == 6 && (v.data[2] | 0x20) == 'd' && strchr("89abAB", v.data[3]) != NULL;
	if (!high || last)
		return len;
	struct view next = view_from(v, 6);
	if (next.len == 0 ||
	    (next.data[0] == '\\' && next.len < 6 && (next.len == 1 || next.data[1] == 'u')))
		return 0;
	return len;
}

/* How much of the string's inside is certain; *closed: its end quote stands there. */
static size_t
certain_len(struct view v, bool last, bool *closed)
{
	size_t at = 0;
	*closed = false;
	while (at < v.len) {
		if (v.data[at] == '"') {
			*closed = true;
			return at;
		}
		size_t step = v.data[at] == '\\' ? escape_len(view_from(v, at), last) : 1;
		if (step == 0)
			return at;
		at += step;
	}
	return at;
}

static bool
is_escape(struct view v)
{
	bool word = v.len > 1 && v.data[1] != '\0' && strchr("\"\\/bfnrt", v.data[1]) != NULL;
	bool hex = v.len >= 6 && v.data[1] == 'u';
	for (size_t i = 2; hex && i < 6; i++)
		hex = v.data[i] != '\0' && strchr("0123456789abcdefABCDEF", v.data[i]) != NULL;
	return word || hex;
}

/* The inside of a string that nobody has checked: what no string may hold is escaped. */
static bool
append_text(struct bytes *out, struct view v)
{
	while (v.len > 0) {
		size_t len = 0;
		while (len < v.len && v.data[len] != '\\' && v.data[len] != '"' &&
		       (unsigned char)v.data[len] >= ' ')
			len++;
		if (!write_json_source(out, view_sub(v, 0, len)))
			return false;
		v = view_from(v, len);
		if (v.len == 0)
			break;
		len = is_escape(v) ? (v.data[1] == 'u' ? 6 : 2) : 1;
		if (!(len > 1 ? bytes_append_view(out, view_sub(v, 0, len))
			      : bytes_append_json(out, view_sub(v, 0, 1))))
			return false;
		v = view_from(v, len);
	}
	return true;
}

static bool
give_text(struct freeform *freeform, bool last, struct bytes *out)
{
	bool closed = false;
	struct view held = bytes_view(&freeform->json);
	size_t len = certain_len(held, last, &closed);
	if (!append_text(out, view_sub(held, 0, len)))
		return false;
	bytes_consume(&freeform->json, len);
	if (closed)
		freeform->state = STATE_CLOSED;
	return true;
}

bool
freeform_feed(struct freeform *freeform, struct view piece, struct bytes *out)
{
	if (freeform->state == STATE_CLOSED)
		return true;
	if (!bytes_append_view(&freeform->json, piece))
		return false;
	if (freeform->state == STATE_PREFIX) {
		ptrdiff_t len = prefix_len(bytes_view(&freeform->json));
		if (len < 0)
			freeform->state = STATE_OTHER;
		if (len > 0) {
			bytes_consume(&freeform->json, (size_t)len);
			freeform->state = STATE_TEXT;
		}
	}
	return freeform->state != STATE_TEXT || give_text(freeform, false, out);
}

bool
freeform_end(struct freeform *freeform, struct bytes *out)
{
	struct jsonspan_value root = {JSONSPAN_NONE, {NULL, 0}};
	struct view held = bytes_view(&freeform->json);
	if (freeform->state == STATE_TEXT)
		return give_text(freeform, true, out);
	if (freeform->state == STATE_CLOSED)
		return true;
	if (jsonspan_scan(held, NULL, 0, &root, NULL)) {
		struct jsonspan_value input = jsonspan_get(root, "input");
		if (input.kind == JSONSPAN_STRING)
			return bytes_append_view(out, read_json_inside(input));
	}
	return write_json_escape(out, held);
}

bool
freeform_text(struct view input_json, struct bytes *out)
{
	struct freeform freeform;
	freeform_init(&freeform, input_json.len);
	bool ok = freeform_feed(&freeform, input_json, out) && freeform_end(&freeform, out);
	freeform_fini(&freeform);
	return ok;
}

bool
freeform_json(struct view text, struct bytes *out)
{
	return bytes_append_str(out, "{\"input\":\"") && bytes_append_view(out, text) &&
	       bytes_append_str(out, "\"}");
}

bool
freeform_description(struct view description_text, struct view format_json, struct bytes *out)
{
	struct view definition = {NULL, 0};
	if (format_json.len > 0)
		definition =
		    read_json_inside(jsonspan_get(jsonspan_root(format_json), "definition"));
	if (!bytes_append_view(out, description_text))
		return false;
	if (definition.len == 0)
		return true;
	return bytes_append_str(out, description_text.len > 0 ? "\\n\\n" : "") &&
	       bytes_append_str(out, "The input follows this grammar:\\n") &&
	       bytes_append_view(out, definition);
}
