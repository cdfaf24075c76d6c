/* JSON schemas as the API takes them: the parameters of tools, and the form of structured outputs.
 */
#include "anthropic.h"
#include "read_json.h"

#include <string.h>

#define MERGED_PROPERTIES_MAX 1024
#define REWRITTEN_BYTES_MAX (1u << 20) /* rewriting walks each level again */

static const char *const union_words[] = {"anyOf", "oneOf", "allOf"};

static bool
key_in(const struct jsonspan_member *member, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (jsonspan_key_is(member, words[i]))
			return true;
	}
	return false;
}

#define KEY_IN(member, words) key_in(member, words, sizeof(words) / sizeof((words)[0]))

/* ---- parameters of a tool ---- */

/* The property lists that a root with unions has: its own, and each variant's. */
struct variants {
	struct jsonspan_value lists[64]; /* objects "properties" */
	size_t count;
};

static void
add_variant(struct variants *variants, struct jsonspan_value properties)
{
	size_t max = sizeof(variants->lists) / sizeof(variants->lists[0]);
	if (properties.kind == JSONSPAN_OBJECT && variants->count < max)
		variants->lists[variants->count++] = properties;
}

static void
collect_variants(struct jsonspan_value root, struct variants *variants)
{
	add_variant(variants, jsonspan_get(root, "properties"));
	for (size_t i = 0; i < 3; i++) {
		struct jsonspan_value list = jsonspan_get(root, union_words[i]);
		struct jsonspan_iter iter;
		struct jsonspan_member item;
		if (list.kind != JSONSPAN_ARRAY)
			continue;
		jsonspan_iter_init(&iter, list);
		while (jsonspan_next(&iter, &item))
			add_variant(variants, jsonspan_get(item.value, "properties"));
	}
}

/* A property of this name stood in an earlier list. */
static bool
seen_before(const struct variants *variants, size_t list, struct view key)
{
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	for (size_t i = 0; i < list; i++) {
		jsonspan_iter_init(&iter, variants->lists[i]);
		while (jsonspan_next(&iter, &member)) {
			if (view_eq(member.key, key))
				return true;
		}
	}
	return false;
}

static bool
write_properties(struct write_json *json, const struct variants *variants)
{
	size_t count = 0;
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	write_json_key_object(json, "properties");
	for (size_t i = 0; i < variants->count; i++) {
		jsonspan_iter_init(&iter, variants->lists[i]);
		while (jsonspan_next(&iter, &member)) {
			if (count++ == MERGED_PROPERTIES_MAX)
				return false;
			if (!seen_before(variants, i, member.key))
				write_json_raw(json, member.whole);
		}
	}
	write_json_object_end(json);
	return true;
}

static void
write_items(struct write_json *json, struct jsonspan_value list)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	if (list.kind != JSONSPAN_ARRAY)
		return;
	jsonspan_iter_init(&iter, list);
	while (jsonspan_next(&iter, &item))
		write_json_raw(json, item.value.raw);
}

/* What every variant of the union demands: the root's, and all of an allOf. */
static void
write_required(struct write_json *json, struct jsonspan_value root)
{
	struct jsonspan_value all = jsonspan_get(root, "allOf");
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	write_json_key_array(json, "required");
	write_items(json, jsonspan_get(root, "required"));
	if (all.kind == JSONSPAN_ARRAY) {
		jsonspan_iter_init(&iter, all);
		while (jsonspan_next(&iter, &item))
			write_items(json, jsonspan_get(item.value, "required"));
	}
	write_json_array_end(json);
}

static bool
write_merged(struct write_json *json, struct jsonspan_value root)
{
	static const char *const rewritten[] = {
	    "type", "properties", "required", "anyOf", "oneOf", "allOf"};
	struct variants variants = {.count = 0};
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	collect_variants(root, &variants);
	write_json_object(json);
	write_json_key_str(json, "type", "object");
	if (!write_properties(json, &variants))
		return false;
	write_required(json, root);
	jsonspan_iter_init(&iter, root);
	while (jsonspan_next(&iter, &member)) {
		if (!KEY_IN(&member, rewritten))
			write_json_raw(json, member.whole);
	}
	write_json_object_end(json);
	return write_json_ok(json);
}

/* "object", or a list that holds it. */
static bool
is_object_type(struct jsonspan_value type)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	if (type.kind != JSONSPAN_ARRAY)
		return jsonspan_str_is(type, "object");
	jsonspan_iter_init(&iter, type);
	while (jsonspan_next(&iter, &item)) {
		if (jsonspan_str_is(item.value, "object"))
			return true;
	}
	return false;
}

static bool
write_object_schema(struct write_json *json, struct jsonspan_value root, bool had_type)
{
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	bool properties = jsonspan_get(root, "properties").kind != JSONSPAN_NONE;
	write_json_object(json);
	if (!had_type)
		write_json_key_str(json, "type", "object");
	jsonspan_iter_init(&iter, root);
	while (jsonspan_next(&iter, &member)) {
		if (jsonspan_key_is(&member, "type"))
			write_json_key_str(json, "type", "object");
		else
			write_json_raw(json, member.whole);
	}
	if (!properties) {
		write_json_key_object(json, "properties");
		write_json_object_end(json);
	}
	write_json_object_end(json);
	return write_json_ok(json);
}

bool
anthropic_schema_input(struct view schema, struct bytes *out, bool *merged)
{
	struct write_json json;
	struct jsonspan_value root = {JSONSPAN_NULL, schema};
	bool open = false;
	*merged = false;
	if (schema.len > 0)
		root = jsonspan_root(schema);
	if (root.kind == JSONSPAN_NULL || (jsonspan_bool(root, &open) && open))
		return bytes_append_str(out, "{\"type\":\"object\",\"properties\":{}}");
	if (root.kind != JSONSPAN_OBJECT)
		return false;
	write_json_init(&json, out);
	for (size_t i = 0; i < 3; i++)
		*merged = *merged || jsonspan_get(root, union_words[i]).kind == JSONSPAN_ARRAY;
	if (*merged)
		return schema.len <= REWRITTEN_BYTES_MAX && write_merged(&json, root);
	struct jsonspan_value type = jsonspan_get(root, "type");
	bool had_type = type.kind != JSONSPAN_NONE;
	return (!had_type || is_object_type(type)) && write_object_schema(&json, root, had_type);
}

/* ---- structured outputs ---- */

enum fate { FATE_KEEP, FATE_SCHEMA, FATE_LIST, FATE_MAP, FATE_DROP, FATE_TELL };

static bool
is_known_format(struct jsonspan_value format)
{
	static const char *const formats[] = {"date-time", "time", "date", "duration", "email",
	    "hostname", "uri", "ipv4", "ipv6", "uuid"};
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (jsonspan_str_is(format, formats[i]))
			return true;
	}
	return false;
}

/* What becomes of a member of a schema object. */
static enum fate
fate_of(const struct jsonspan_member *member)
{
	static const char *const kept[] = {
	    "type", "title", "required", "enum", "const", "default", "$ref"};
	static const char *const maps[] = {"properties", "$defs", "definitions"};
	static const char *const dropped[] = {
	    "description", "additionalProperties", "$schema", "$id", "$comment"};
	int64_t number = -1;
	if (KEY_IN(member, kept))
		return FATE_KEEP;
	if (KEY_IN(member, maps) && member->value.kind == JSONSPAN_OBJECT)
		return FATE_MAP;
	if (KEY_IN(member, union_words) && member->value.kind == JSONSPAN_ARRAY)
		return FATE_LIST;
	if (KEY_IN(member, dropped)) /* written anew, or of no meaning to the API */
		return FATE_DROP;
	if (jsonspan_key_is(member, "items") && member->value.kind == JSONSPAN_OBJECT)
		return FATE_SCHEMA;
	if (jsonspan_key_is(member, "format") && is_known_format(member->value))
		return FATE_KEEP;
	if (jsonspan_key_is(member, "minItems") && jsonspan_i64(member->value, &number) &&
	    number >= 0 && number <= 1)
		return FATE_KEEP;
	return FATE_TELL;
}

static void write_output_schema(struct write_json *json, struct jsonspan_value schema);

/* A list of schemas; "oneOf" is no word of the API, "anyOf" is nearest. */
static void
write_list(struct write_json *json, const struct jsonspan_member *member)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	write_json_key_array(json, jsonspan_key_is(member, "allOf") ? "allOf" : "anyOf");
	jsonspan_iter_init(&iter, member->value);
	while (jsonspan_next(&iter, &item))
		write_output_schema(json, item.value);
	write_json_array_end(json);
}

static void
write_key(struct write_json *json, const struct jsonspan_member *member)
{
	write_json_text(json, member->key);
	json->comma = false;
	write_json_raw(json, VIEW(":"));
	json->comma = false;
}

static void
write_map(struct write_json *json, const struct jsonspan_member *member)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	write_key(json, member);
	write_json_object(json);
	jsonspan_iter_init(&iter, member->value);
	while (jsonspan_next(&iter, &item)) {
		write_key(json, &item);
		write_output_schema(json, item.value);
	}
	write_json_object_end(json);
}

/* The description, and behind it what the API has no word for: "{minItems: 3}". */
static void
write_told(struct write_json *json, struct jsonspan_value schema)
{
	struct jsonspan_value description = jsonspan_get(schema, "description");
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	bool told = false;
	jsonspan_iter_init(&iter, schema);
	while (jsonspan_next(&iter, &member))
		told = told || fate_of(&member) == FATE_TELL;
	if (description.kind != JSONSPAN_STRING && !told)
		return;
	write_json_key(json, "description");
	write_json_open(json);
	write_json_piece_text(json, read_json_inside(description));
	const char *before = description.raw.len > 2 ? "\n\n{" : "{";
	jsonspan_iter_init(&iter, schema);
	while (jsonspan_next(&iter, &member)) {
		if (fate_of(&member) != FATE_TELL)
			continue;
		write_json_piece_plain(json, view_of(before));
		write_json_piece_text(json, member.key);
		write_json_piece_plain(json, VIEW(": "));
		write_json_piece_plain(json, member.value.raw);
		before = ", ";
	}
	if (told)
		write_json_piece_plain(json, VIEW("}"));
	write_json_close(json);
}

/* Members in the order of the source. Depth is limited by the scan that the text has passed. */
static void
write_output_schema(struct write_json *json, struct jsonspan_value schema)
{
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	if (schema.kind != JSONSPAN_OBJECT) {
		write_json_raw(json, schema.raw);
		return;
	}
	write_json_object(json);
	jsonspan_iter_init(&iter, schema);
	while (jsonspan_next(&iter, &member)) {
		switch (fate_of(&member)) {
		case FATE_KEEP:
			write_json_raw(json, member.whole);
			break;
		case FATE_SCHEMA:
			write_key(json, &member);
			write_output_schema(json, member.value);
			break;
		case FATE_LIST:
			write_list(json, &member);
			break;
		case FATE_MAP:
			write_map(json, &member);
			break;
		case FATE_DROP:
		case FATE_TELL:
			break;
		}
	}
	write_told(json, schema);
	if (is_object_type(jsonspan_get(schema, "type")) ||
	    jsonspan_get(schema, "properties").kind == JSONSPAN_OBJECT)
		write_json_key_bool(json, "additionalProperties", false);
	write_json_object_end(json);
}

bool
anthropic_schema_output(struct view schema, struct bytes *out)
{
	struct write_json json;
	if (schema.len > REWRITTEN_BYTES_MAX)
		return false;
	write_json_init(&json, out);
	write_output_schema(&json, jsonspan_root(schema));
	return write_json_ok(&json);
}
