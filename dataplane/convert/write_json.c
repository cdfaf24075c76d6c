#include "write_json.h"

void
write_json_init(struct write_json *json, struct bytes *out)
{
	*json = (struct write_json){.out = out};
}

bool
write_json_ok(const struct write_json *json)
{
	return !json->full;
}

static void
put(struct write_json *json, struct view v)
{
	if (!json->full && !bytes_append_view(json->out, v))
		json->full = true;
}

/* What stands before a value or key. */
static void
separate(struct write_json *json)
{
	if (json->comma)
		put(json, VIEW(","));
	json->comma = true;
}

void
write_json_object(struct write_json *json)
{
	separate(json);
	put(json, VIEW("{"));
	json->comma = false;
}

void
write_json_object_end(struct write_json *json)
{
	put(json, VIEW("}"));
	json->comma = true;
}

void
write_json_array(struct write_json *json)
{
	separate(json);
	put(json, VIEW("["));
	json->comma = false;
}

void
write_json_array_end(struct write_json *json)
{
	put(json, VIEW("]"));
	json->comma = true;
}

void
write_json_key(struct write_json *json, const char *key)
{
	separate(json);
	put(json, VIEW("\""));
	put(json, view_of(key));
	put(json, VIEW("\":"));
	json->comma = false;
}

void
write_json_raw(struct write_json *json, struct view raw)
{
	separate(json);
	if (!json->full && !write_json_source(json->out, raw))
		json->full = true;
}

void
write_json_open(struct write_json *json)
{
	separate(json);
	put(json, VIEW("\""));
}

void
write_json_piece_text(struct write_json *json, struct view text)
{
	put(json, text);
}

void
write_json_piece_plain(struct write_json *json, struct view plain)
{
	if (!json->full && !write_json_escape(json->out, plain))
		json->full = true;
}

void
write_json_close(struct write_json *json)
{
	put(json, VIEW("\""));
}

void
write_json_text(struct write_json *json, struct view text)
{
	write_json_open(json);
	write_json_piece_text(json, text);
	write_json_close(json);
}

void
write_json_plain(struct write_json *json, struct view plain)
{
	write_json_open(json);
	write_json_piece_plain(json, plain);
	write_json_close(json);
}

void
write_json_int(struct write_json *json, int64_t value)
{
	char digits[24];
	size_t at = sizeof(digits);
	uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	do {
		digits[--at] = (char)('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (value < 0)
		digits[--at] = '-';
	separate(json);
	put(json, view_make(digits + at, sizeof(digits) - at));
}

void
write_json_bool(struct write_json *json, bool value)
{
	separate(json);
	put(json, value ? VIEW("true") : VIEW("false"));
}

void
write_json_null(struct write_json *json)
{
	separate(json);
	put(json, VIEW("null"));
}

void
write_json_key_raw(struct write_json *json, const char *key, struct view raw)
{
	write_json_key(json, key);
	write_json_raw(json, raw);
}

void
write_json_key_text(struct write_json *json, const char *key, struct view text)
{
	write_json_key(json, key);
	write_json_text(json, text);
}

void
write_json_key_plain(struct write_json *json, const char *key, struct view plain)
{
	write_json_key(json, key);
	write_json_plain(json, plain);
}

void
write_json_key_str(struct write_json *json, const char *key, const char *plain)
{
	write_json_key_plain(json, key, view_of(plain));
}

void
write_json_key_int(struct write_json *json, const char *key, int64_t value)
{
	write_json_key(json, key);
	write_json_int(json, value);
}

void
write_json_key_bool(struct write_json *json, const char *key, bool value)
{
	write_json_key(json, key);
	write_json_bool(json, value);
}

void
write_json_key_null(struct write_json *json, const char *key)
{
	write_json_key(json, key);
	write_json_null(json);
}

void
write_json_key_object(struct write_json *json, const char *key)
{
	write_json_key(json, key);
	write_json_object(json);
}

void
write_json_key_array(struct write_json *json, const char *key)
{
	write_json_key(json, key);
	write_json_array(json);
}

/* Offset of the next three-byte surrogate (ED A0..BF xx), or the length. */
static size_t
find_surrogate(struct view v)
{
	for (size_t at = 0; at < v.len;) {
		ptrdiff_t hit = view_find_char(view_from(v, at), '\xed');
		if (hit < 0)
			break;
		at += (size_t)hit;
		if (at + 2 < v.len && ((unsigned char)v.data[at + 1] & 0xe0) == 0xa0)
			return at;
		at++;
	}
	return v.len;
}

static bool
append_between(struct bytes *out, struct view v, bool escape)
{
	return escape ? bytes_append_json(out, v) : bytes_append_view(out, v);
}

static bool
append_clean(struct bytes *out, struct view v, bool escape)
{
	while (v.len > 0) {
		size_t at = find_surrogate(v);
		if (!append_between(out, view_sub(v, 0, at), escape))
			return false;
		v = view_from(v, at);
		if (v.len == 0)
			break;
		unsigned code = 0xd000u | ((unsigned char)v.data[1] & 0x3fu) << 6 |
				((unsigned char)v.data[2] & 0x3fu);
		if (!bytes_printf(out, "\\u%04x", code))
			return false;
		v = view_from(v, 3);
	}
	return true;
}

bool
write_json_escape(struct bytes *out, struct view plain)
{
	return append_clean(out, plain, true);
}

bool
write_json_source(struct bytes *out, struct view source)
{
	return append_clean(out, source, false);
}
