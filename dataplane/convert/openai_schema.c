/* Which schemas the vendor's strict mode takes. */
#include "openai.h"

#include "read_json.h"

#define DEPTH_MAX 32 /* each level is walked again */
#define STRICT_BYTES_MAX (1u << 20)
#define PROPERTIES_MAX 512

static bool
is_in(struct jsonspan_value list, struct view key)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	if (list.kind != JSONSPAN_ARRAY)
		return false;
	jsonspan_iter_init(&iter, list);
	while (jsonspan_next(&iter, &item)) {
		if (view_eq(read_json_inside(item.value), key))
			return true;
	}
	return false;
}

/* Nothing beside the properties, and none of them left out. */
static bool
object_is_closed(struct jsonspan_value schema)
{
	struct jsonspan_value properties = jsonspan_get(schema, "properties");
	struct jsonspan_value required = jsonspan_get(schema, "required");
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	bool more = true;
	size_t count = 0;
	if (properties.kind != JSONSPAN_OBJECT &&
	    !jsonspan_str_is(jsonspan_get(schema, "type"), "object"))
		return true;
	if (!jsonspan_bool(jsonspan_get(schema, "additionalProperties"), &more) || more)
		return false;
	jsonspan_iter_init(&iter, properties);
	while (properties.kind == JSONSPAN_OBJECT && jsonspan_next(&iter, &member)) {
		if (++count > PROPERTIES_MAX || !is_in(required, member.key))
			return false;
	}
	return true;
}

static bool is_strict(struct jsonspan_value schema, unsigned depth);

static bool
all_are_strict(struct jsonspan_value list, unsigned depth)
{
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	jsonspan_iter_init(&iter, list);
	while (jsonspan_next(&iter, &member)) {
		if (!is_strict(member.value, depth))
			return false;
	}
	return true;
}

static bool
is_strict(struct jsonspan_value schema, unsigned depth)
{
	static const char *const lists[] = {"properties", "$defs", "definitions", "anyOf"};
	static const char *const refused[] = {"allOf", "oneOf", "not", "if", "patternProperties"};
	if (schema.kind != JSONSPAN_OBJECT)
		return true;
	if (depth == DEPTH_MAX || !object_is_closed(schema))
		return false;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (jsonspan_get(schema, refused[i]).kind != JSONSPAN_NONE)
			return false;
	}
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct jsonspan_value list = jsonspan_get(schema, lists[i]);
		if ((list.kind == JSONSPAN_OBJECT || list.kind == JSONSPAN_ARRAY) &&
		    !all_are_strict(list, depth + 1))
			return false;
	}
	return is_strict(jsonspan_get(schema, "items"), depth + 1);
}

bool
openai_schema_is_strict(struct view schema_json)
{
	struct jsonspan_value root = jsonspan_root(schema_json);
	return schema_json.len <= STRICT_BYTES_MAX &&
	       jsonspan_get(root, "anyOf").kind == JSONSPAN_NONE && is_strict(root, 0);
}

bool
openai_tool_binds(const struct request *request, const struct tool *tool)
{
	/* Clients of the vendor's own protocols shall hear what it refuses. */
	return request->from != WIRE_ANTHROPIC || openai_schema_is_strict(tool->schema_json);
}
