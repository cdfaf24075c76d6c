#include "facts.h"
#include <stdio.h>

static const char *const keys[FACTS_MEMBERS] = {
    [FACTS_MODEL] = "model",
    [FACTS_STREAM] = "stream",
    [FACTS_SYSTEM] = "system",
    [FACTS_INSTRUCTIONS] = "instructions",
    [FACTS_TOOLS] = "tools",
    [FACTS_MESSAGES] = "messages",
    [FACTS_INPUT] = "input",
    [FACTS_METADATA] = "metadata",
    [FACTS_CACHE_KEY] = "prompt_cache_key",
    [FACTS_THINKING] = "thinking",
    [FACTS_MAX_TOKENS] = "max_tokens",
    [FACTS_STREAM_OPTIONS] = "stream_options",
    [FACTS_PREVIOUS] = "previous_response_id",
};

static bool
is_text(struct view name)
{
	size_t step;
	if (view_find_char(name, '\0') >= 0)
		return false;
	while (name.len > 0 && (step = view_utf8_step(name)) > 0)
		name = view_from(name, step);
	return name.len == 0;
}

/* The unescaped name, or "" when it does not fit, holds a NUL or half a surrogate pair: it goes on
 * in reports, which are JSON. */
static void
read_model(struct jsonspan_value value, struct request_facts *out)
{
	struct bytes name;
	bytes_init(&name, sizeof(out->model) - 1);
	if (jsonspan_unescape(value, &name) && is_text(bytes_view(&name)))
		(void)snprintf(out->model, sizeof(out->model), "%s", bytes_str(&name));
	bytes_fini(&name);
}

static bool
read_stream(const struct jsonspan_want *want, struct request_facts *out, struct err *err)
{
	bool told = jsonspan_bool(want->value, &out->stream);
	return want->count == 0 || told || want->value.kind == JSONSPAN_NULL ||
	       err_set(err, ERR_PARSE, "stream", "\"stream\" is no boolean");
}

bool
request_facts_read(struct view body, struct request_facts *out, struct err *err)
{
	struct jsonspan_want wants[FACTS_MEMBERS] = {0};
	struct jsonspan_value root;
	*out = (struct request_facts){0};
	for (size_t i = 0; i < FACTS_MEMBERS; i++)
		wants[i].key = keys[i];
	if (!jsonspan_scan(body, wants, FACTS_MEMBERS, &root, err))
		return false;
	if (root.kind != JSONSPAN_OBJECT)
		return err_set(err, ERR_PARSE, "offset 0", "the body is no JSON object");
	out->body = root.raw;
	/* Routing by one of two values and upstream reading the other would be a way around us. */
	for (size_t i = FACTS_MODEL; i <= FACTS_STREAM; i++) {
		if (wants[i].count > 1) {
			return err_set(err, ERR_PARSE, wants[i].key, "\"%s\" stands there %u times",
			    wants[i].key, wants[i].count);
		}
	}
	for (size_t i = 0; i < FACTS_MEMBERS; i++)
		out->members[i] = wants[i].value;
	const struct jsonspan_want *model = &wants[FACTS_MODEL];
	if (model->count == 1 && model->value.kind != JSONSPAN_STRING)
		return err_set(err, ERR_PARSE, "model", "\"model\" is no string");
	if (!read_stream(&wants[FACTS_STREAM], out, err))
		return false;
	if (model->count == 1) {
		out->has_model = true;
		out->model_raw = model->value.raw;
		read_model(model->value, out);
	}
	return true;
}
