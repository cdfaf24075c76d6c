#include "read_json.h"

#include "write_json.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Nearly all keys differ in their first byte. */
static bool
key_is(const struct jsonspan_member *member, const char *key)
{
	return (member->key_escaped || member->key.len == 0 || member->key.data[0] == key[0]) &&
	       jsonspan_key_is(member, key);
}

size_t
read_json_members(struct jsonspan_value object, struct jsonspan_want *wants, size_t count)
{
	size_t others = 0;
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	for (size_t i = 0; i < count; i++)
		wants[i].value = (struct jsonspan_value){JSONSPAN_NONE, {NULL, 0}};
	if (object.kind != JSONSPAN_OBJECT)
		return 0;
	jsonspan_iter_init(&iter, object);
	while (jsonspan_next(&iter, &member)) {
		size_t i = 0;
		while (i < count && !key_is(&member, wants[i].key))
			i++;
		if (i == count) {
			others += read_json_is_default(member.value) ? 0 : 1;
			continue;
		}
		if (member.value.kind == JSONSPAN_NULL)
			member.value = (struct jsonspan_value){JSONSPAN_NONE, {NULL, 0}};
		wants[i].value = member.value;
	}
	return others;
}

void
read_json_object(struct jsonspan_value source, struct read_json_object *out)
{
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	out->source = source;
	out->count = 0;
	if (source.kind != JSONSPAN_OBJECT)
		return;
	jsonspan_iter_init(&iter, source);
	while (out->count <= READ_JSON_OBJECT_MEMBERS && jsonspan_next(&iter, &member)) {
		if (out->count < READ_JSON_OBJECT_MEMBERS)
			out->members[out->count] = member;
		out->count++;
	}
}

struct jsonspan_value
read_json_get(const struct read_json_object *object, const char *key)
{
	if (object->count > READ_JSON_OBJECT_MEMBERS)
		return jsonspan_get(object->source, key);
	for (size_t i = object->count; i > 0; i--) {
		if (key_is(&object->members[i - 1], key))
			return object->members[i - 1].value;
	}
	return (struct jsonspan_value){0};
}

struct jsonspan_want
read_json_want(const struct read_json_object *object, const char *key)
{
	struct jsonspan_want want = {.key = key, .value = read_json_get(object, key)};
	if (want.value.kind == JSONSPAN_NULL)
		want.value = (struct jsonspan_value){0};
	return want;
}

bool
read_json_is_default(struct jsonspan_value value)
{
	bool yes = true;
	int64_t number = 0;
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	switch (value.kind) {
	case JSONSPAN_NONE:
	case JSONSPAN_NULL:
		return true;
	case JSONSPAN_BOOL:
		return jsonspan_bool(value, &yes) && !yes;
	case JSONSPAN_NUMBER:
		return (jsonspan_i64(value, &number) && number == 0) ||
		       view_eq_str(value.raw, "0.0");
	case JSONSPAN_STRING:
		return value.raw.len == 2;
	case JSONSPAN_ARRAY:
	case JSONSPAN_OBJECT:
		break;
	}
	jsonspan_iter_init(&iter, value);
	return !jsonspan_next(&iter, &member);
}

bool
read_json_wrong(struct err *err, const char *path, const char *key, const char *fmt, ...)
{
	char at[96];
	char what[160];
	va_list args;
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	snprintf(at, sizeof(at), "%s%s%s", path, path[0] != '\0' && key != NULL ? "." : "",
	    key != NULL ? key : "");
	return err_set(err, ERR_PARSE, at, "%s: %s", at, what);
}

bool
read_json_kind(const struct jsonspan_want *member, const char *path, enum jsonspan_kind kind,
    struct jsonspan_value *out, struct err *err)
{
	static const char *const words[] = {
	    [JSONSPAN_NONE] = "nothing",
	    [JSONSPAN_NULL] = "null",
	    [JSONSPAN_BOOL] = "true or false",
	    [JSONSPAN_NUMBER] = "a number",
	    [JSONSPAN_STRING] = "a string",
	    [JSONSPAN_ARRAY] = "an array",
	    [JSONSPAN_OBJECT] = "an object",
	};
	if (member->value.kind == JSONSPAN_NONE)
		return true;
	if (member->value.kind != kind)
		return read_json_wrong(err, path, member->key, "must be %s", words[kind]);
	*out = member->value;
	return true;
}

bool
read_json_need(const struct jsonspan_want *member, const char *path, struct err *err)
{
	return member->value.kind != JSONSPAN_NONE ||
	       read_json_wrong(err, path, member->key, "is required");
}

int64_t
read_json_count(struct jsonspan_value value)
{
	int64_t count = -1;
	if (!jsonspan_i64(value, &count) || count < 0)
		return -1;
	return count < READ_JSON_COUNT_MAX ? count : READ_JSON_COUNT_MAX;
}

struct view
read_json_inside(struct jsonspan_value string)
{
	if (string.kind != JSONSPAN_STRING)
		return (struct view){NULL, 0};
	return view_sub(string.raw, 1, string.raw.len - 2);
}

bool
read_json_text(
    const struct jsonspan_want *member, const char *path, struct view *out, struct err *err)
{
	struct jsonspan_value value = {JSONSPAN_NONE, {NULL, 0}};
	if (!read_json_kind(member, path, JSONSPAN_STRING, &value, err))
		return false;
	if (value.kind == JSONSPAN_STRING)
		*out = read_json_inside(value);
	return true;
}

struct view
read_json_unescape(struct arena *arena, struct jsonspan_value string)
{
	struct view plain;
	struct bytes bytes;
	if (jsonspan_str_plain(string, &plain))
		return plain;
	bytes_init(&bytes, string.raw.len);
	plain = (struct view){NULL, 0};
	if (jsonspan_unescape(string, &bytes))
		plain = arena_copy(arena, bytes_view(&bytes));
	bytes_fini(&bytes);
	return plain;
}

bool
read_json_plain(struct arena *arena, const struct jsonspan_want *member, const char *path,
    struct view *out, struct err *err)
{
	struct jsonspan_value value = {JSONSPAN_NONE, {NULL, 0}};
	if (!read_json_kind(member, path, JSONSPAN_STRING, &value, err))
		return false;
	if (value.kind == JSONSPAN_NONE)
		return true;
	*out = read_json_unescape(arena, value);
	return out->data != NULL || err_set(err, ERR_LIMIT, path, "the request is too big");
}

bool
read_json_int(const struct jsonspan_want *member, const char *path, int64_t min, int64_t max,
    int64_t *out, struct err *err)
{
	struct jsonspan_value value = {JSONSPAN_NONE, {NULL, 0}};
	int64_t number = 0;
	if (!read_json_kind(member, path, JSONSPAN_NUMBER, &value, err))
		return false;
	if (value.kind == JSONSPAN_NONE)
		return true;
	if (!jsonspan_i64(value, &number) || number < min || number > max)
		return read_json_wrong(err, path, member->key,
		    "must be a whole number from %lld to %lld", (long long)min, (long long)max);
	*out = number;
	return true;
}

bool
read_json_tri(const struct jsonspan_want *member, const char *path, enum tri *out, struct err *err)
{
	struct jsonspan_value value = {JSONSPAN_NONE, {NULL, 0}};
	bool yes = false;
	if (!read_json_kind(member, path, JSONSPAN_BOOL, &value, err))
		return false;
	if (jsonspan_bool(value, &yes))
		*out = yes ? TRI_YES : TRI_NO;
	return true;
}

bool
read_json_number(
    const struct jsonspan_want *member, const char *path, struct view *out, struct err *err)
{
	struct jsonspan_value value = {JSONSPAN_NONE, {NULL, 0}};
	if (!read_json_kind(member, path, JSONSPAN_NUMBER, &value, err))
		return false;
	if (value.kind == JSONSPAN_NUMBER)
		*out = value.raw;
	return true;
}

const char *
read_json_path(struct arena *arena, const char *fmt, ...)
{
	char path[96];
	va_list args;
	va_start(args, fmt);
	int len = vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	size_t fits = len < (int)sizeof(path) ? (size_t)len : sizeof(path) - 1;
	struct view copy = arena_copy(arena, view_make(path, fits));
	return copy.data != NULL ? copy.data : "";
}

static bool
is_blank(struct view v)
{
	for (size_t i = 0; i < v.len; i++) {
		if (strchr(" \t\r\n", v.data[i]) == NULL || v.data[i] == '\0')
			return false;
	}
	return true;
}

/* What a call without a usable input is given, so that what the model wrote is still seen. */
static bool
keep_broken(struct arena *arena, struct view text, struct part *part)
{
	struct bytes json;
	bytes_init(&json, text.len + 16);
	bool ok = bytes_append_str(&json, "{\"_raw\":\"") && bytes_append_view(&json, text) &&
		  bytes_append_str(&json, "\"}");
	part->input_broken = true;
	part->text = text;
	part->input_json = ok ? arena_copy(arena, bytes_view(&json)) : VIEW("{}");
	bytes_fini(&json);
	return part->input_json.data != NULL;
}

bool
read_json_arguments(struct arena *arena, struct jsonspan_value string, struct part *part)
{
	struct jsonspan_value root;
	part->input_json = VIEW("{}");
	if (string.kind != JSONSPAN_STRING)
		return true;
	struct view source = read_json_unescape(arena, string);
	if (source.data == NULL)
		return false;
	if (is_blank(source) || view_eq_str(view_trim(source), "null"))
		return true;
	/* Lone surrogates were escapes in the source: back to escapes, for the scan wants UTF-8. */
	struct bytes clean;
	bytes_init(&clean, source.len * 2);
	bool ok = write_json_source(&clean, source);
	if (ok && clean.len != source.len)
		source = arena_copy(arena, bytes_view(&clean));
	bytes_fini(&clean);
	if (!ok || source.data == NULL)
		return false;
	if (!jsonspan_scan(source, NULL, 0, &root, NULL) || root.kind != JSONSPAN_OBJECT)
		return keep_broken(arena, read_json_inside(string), part);
	part->input_json = root.raw;
	return true;
}

bool
read_json_leftover(
    struct request *request, struct view key_text, struct jsonspan_value value, bool vital)
{
	struct leftover *leftover = arena_alloc(request->arena, sizeof(*leftover));
	struct view name = arena_copy(request->arena, key_text);
	if (leftover == NULL || name.data == NULL)
		return false;
	*leftover = (struct leftover){.name = name.data, .json = value.raw, .vital = vital};
	if (request->leftovers_last != NULL)
		request->leftovers_last->next = leftover;
	else
		request->leftovers = leftover;
	request->leftovers_last = leftover;
	return true;
}

double
read_json_double(struct view number_json)
{
	char text[64];
	size_t len = number_json.len < sizeof(text) ? number_json.len : sizeof(text) - 1;
	if (len > 0)
		memcpy(text, number_json.data, len);
	text[len] = '\0';
	return strtod(text, NULL);
}
