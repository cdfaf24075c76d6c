#include "media_url.h"

#include "base64url.h"
#include "read_json.h"

/* What the string says, without the escapes that some clients put before slashes: URLs and base64
 * need none. Left as it is when it would need some. */
static struct view
slash_text(struct arena *arena, struct jsonspan_value string)
{
	struct view inside = read_json_inside(string);
	if (view_find_char(inside, '\\') < 0)
		return inside;
	struct view plain = read_json_unescape(arena, string);
	for (size_t i = 0; i < plain.len; i++) {
		char c = plain.data[i];
		if (c < ' ' || c > '~' || c == '"' || c == '\\')
			return inside;
	}
	return plain;
}

static struct view
without_padding(struct view data)
{
	while (data.len > 0 && data.data[data.len - 1] == '=')
		data.len--;
	return data;
}

static bool
is_base64(struct view data)
{
	data = without_padding(data);
	for (size_t i = 0; i < data.len; i++) {
		char c = data.data[i];
		bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '+' || c == '/';
		if (!fits)
			return false;
	}
	return data.len > 0 && data.len % 4 != 1;
}

/* "data:<type>[;<parameter>]*;base64,<data>" */
static bool
read_data_url(struct view url, struct media *out)
{
	struct view head;
	if (!view_starts_nocase(url, "data:"))
		return false;
	struct view rest = view_from(url, 5);
	if (!view_split(&rest, ',', &head) || !is_base64(rest))
		return false;
	if (head.len < 7 || !view_eq_nocase(view_from(head, head.len - 7), ";base64"))
		return false;
	out->source = MEDIA_BASE64;
	out->data_text = rest;
	return view_split(&head, ';', &out->type_text) && out->type_text.len > 0;
}

bool
media_url_read(struct arena *arena, struct jsonspan_value string, struct media *out)
{
	struct view text = slash_text(arena, string);
	out->source = MEDIA_URL;
	out->data_text = text;
	return view_starts_nocase(text, "http://") || view_starts_nocase(text, "https://") ||
	       read_data_url(text, out);
}

static bool
decode_base64(struct view data, struct bytes *out)
{
	struct bytes url_form;
	bool ok = true;
	data = without_padding(data);
	bytes_init(&url_form, data.len);
	for (size_t i = 0; ok && i < data.len; i++) {
		char c = data.data[i];
		ok = bytes_append_char(&url_form, c == '+' ? '-' : c == '/' ? '_' : c);
	}
	ok = ok && base64url_decode(bytes_view(&url_form), out);
	bytes_fini(&url_form);
	return ok;
}

static bool
is_utf8(struct view v)
{
	while (v.len > 0) {
		size_t step = view_utf8_step(v);
		if (step == 0)
			return false;
		v = view_from(v, step);
	}
	return true;
}

/* False at the arena's limit only: base64 of no UTF-8 stays what it is. */
static bool
read_text(struct arena *arena, struct media *media)
{
	struct bytes plain, text;
	bool ok = true;
	bytes_init(&plain, media->data_text.len);
	bytes_init(&text, media->data_text.len * 6);
	if (decode_base64(media->data_text, &plain) && is_utf8(bytes_view(&plain)) &&
	    bytes_append_json(&text, bytes_view(&plain))) {
		media->source = MEDIA_PLAIN_TEXT;
		media->data_text = arena_copy(arena, bytes_view(&text));
		ok = media->data_text.data != NULL;
	}
	bytes_fini(&plain);
	bytes_fini(&text);
	return ok;
}

bool
media_url_read_file(struct arena *arena, struct jsonspan_value string, struct media *out)
{
	struct view text = slash_text(arena, string);
	if (!view_starts_nocase(text, "data:")) {
		out->source = MEDIA_BASE64;
		out->type_text = VIEW("application/pdf");
		out->data_text = text;
		return is_base64(text);
	}
	return read_data_url(text, out) &&
	       (!view_starts_nocase(out->type_text, "text/") || read_text(arena, out));
}
