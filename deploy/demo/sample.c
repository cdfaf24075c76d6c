#include "sample.h"

#define DEPTH_MAX 16

static void sample_value(
    struct jsonspan_value schema, struct view text, unsigned depth, struct writer *out);

static void
sample_object(struct jsonspan_value schema, struct view text, unsigned depth, struct writer *out)
{
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	const char *sep = "";
	writer_view(out, VIEW("{"));
	jsonspan_iter_init(&iter, jsonspan_get(schema, "properties"));
	while (jsonspan_next(&iter, &member)) {
		/* The key is copied as it stands in the source, escapes and all. */
		writer_put(out, "$r'$r':", view_of(sep), member.key);
		sample_value(member.value, text, depth + 1, out);
		sep = ",";
	}
	writer_view(out, VIEW("}"));
}

static bool
is_type(struct jsonspan_value schema, const char *type)
{
	struct jsonspan_value value = jsonspan_get(schema, "type");
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	if (value.kind == JSONSPAN_ARRAY) { /* ["string", "null"]: the first counts */
		jsonspan_iter_init(&iter, value);
		return jsonspan_next(&iter, &item) && jsonspan_str_is(item.value, type);
	}
	return jsonspan_str_is(value, type);
}

static void
sample_value(struct jsonspan_value schema, struct view text, unsigned depth, struct writer *out)
{
	struct jsonspan_value fixed = jsonspan_get(schema, "const");
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	if (fixed.kind == JSONSPAN_NONE) {
		jsonspan_iter_init(&iter, jsonspan_get(schema, "enum"));
		if (jsonspan_next(&iter, &item))
			fixed = item.value;
	}
	if (fixed.kind != JSONSPAN_NONE)
		writer_view(out, fixed.raw);
	else if (is_type(schema, "string"))
		writer_put(out, "$s", text);
	else if (is_type(schema, "number") || is_type(schema, "integer"))
		writer_put(out, "1");
	else if (is_type(schema, "boolean"))
		writer_put(out, "true");
	else if (is_type(schema, "null"))
		writer_put(out, "null");
	else if (is_type(schema, "array"))
		writer_put(out, "[]");
	else if (depth < DEPTH_MAX)
		sample_object(schema, text, depth, out);
	else
		writer_put(out, "{}");
}

void
sample_json(struct jsonspan_value schema, struct view text, struct writer *out)
{
	sample_value(schema, text, 0, out);
}
