/* The top level of Responses requests, read. */
#include "responses.h"

#include "effort.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

bool
responses_full(struct err *err)
{
	return err_set(err, ERR_LIMIT, "", "the request is too big to convert");
}

/* A member of a group ("reasoning.mode") that the model has no field for. */
static bool
keep_unknown(struct request *request, struct jsonspan_value object, const char *group,
    const struct jsonspan_want *known, size_t count, struct err *err)
{
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	if (object.kind != JSONSPAN_OBJECT)
		return true;
	jsonspan_iter_init(&iter, object);
	while (jsonspan_next(&iter, &member)) {
		size_t i = 0;
		while (i < count && !jsonspan_key_is(&member, known[i].key))
			i++;
		if (i < count || read_json_is_default(member.value))
			continue;
		struct view name =
		    arena_printf(request->arena, "%s.%.*s", group, VIEW_ARGS(member.key));
		if (name.data == NULL || !read_json_leftover(request, name, member.value, false))
			return responses_full(err);
	}
	return true;
}

/* ---- reasoning and text ---- */

static bool
read_effort(struct request *request, struct jsonspan_value value, struct err *err)
{
	if (value.kind == JSONSPAN_NONE)
		return true;
	request->effort = effort_of_word(value);
	return request->effort != EFFORT_ABSENT ||
	       read_json_wrong(err, "reasoning", "effort", "is no known effort");
}

static bool
read_reasoning(struct request *request, const struct jsonspan_want *member, struct err *err)
{
	enum { EFFORT, SUMMARY, OLD_SUMMARY, CONTEXT, MEMBERS };
	struct jsonspan_want m[MEMBERS] = {
	    [EFFORT] = {.key = "effort"},
	    [SUMMARY] = {.key = "summary"},
	    [OLD_SUMMARY] = {.key = "generate_summary"},
	    [CONTEXT] = {.key = "context"},
	};
	struct jsonspan_value object = {0};
	if (!read_json_kind(member, "", JSONSPAN_OBJECT, &object, err))
		return false;
	if (object.kind == JSONSPAN_NONE)
		return true;
	read_json_members(object, m, MEMBERS);
	bool summary = m[SUMMARY].value.kind == JSONSPAN_STRING ||
		       m[OLD_SUMMARY].value.kind == JSONSPAN_STRING;
	request->thinking_shown = summary ? TRI_YES : TRI_NO;
	/* What is asked for with these two words is done everywhere: all turns are sent. */
	struct jsonspan_value context = m[CONTEXT].value;
	if (context.kind != JSONSPAN_NONE && !jsonspan_str_is(context, "auto") &&
	    !jsonspan_str_is(context, "all_turns") &&
	    !read_json_leftover(request, VIEW("reasoning.context"), context, false))
		return responses_full(err);
	return read_effort(request, m[EFFORT].value, err) &&
	       keep_unknown(request, object, "reasoning", m, MEMBERS, err);
}

static bool
read_format(struct request *request, struct jsonspan_value format, struct err *err)
{
	enum { NAME, DESCRIPTION, SCHEMA, STRICT, MEMBERS };
	struct jsonspan_want m[MEMBERS] = {
	    [NAME] = {.key = "name"},
	    [DESCRIPTION] = {.key = "description"},
	    [SCHEMA] = {.key = "schema"},
	    [STRICT] = {.key = "strict"},
	};
	static const char path[] = "text.format";
	struct jsonspan_value type = jsonspan_get(format, "type");
	struct jsonspan_value schema = {0};
	if (format.kind == JSONSPAN_NONE || jsonspan_str_is(type, "text"))
		return true;
	if (jsonspan_str_is(type, "json_object")) {
		request->output = OUTPUT_JSON_OBJECT;
		return true;
	}
	if (!jsonspan_str_is(type, "json_schema"))
		return read_json_wrong(err, path, "type", "is no known format");
	request->output = OUTPUT_JSON_SCHEMA;
	read_json_members(format, m, MEMBERS);
	if (!read_json_text(&m[NAME], path, &request->schema_name_text, err) ||
	    !read_json_text(&m[DESCRIPTION], path, &request->schema_description_text, err) ||
	    !read_json_need(&m[SCHEMA], path, err) ||
	    !read_json_kind(&m[SCHEMA], path, JSONSPAN_OBJECT, &schema, err) ||
	    !read_json_tri(&m[STRICT], path, &request->schema_strict, err))
		return false;
	request->schema_json = schema.raw;
	return true;
}

static bool
read_text(struct request *request, const struct jsonspan_want *member, struct err *err)
{
	enum { FORMAT, VERBOSITY, MEMBERS };
	struct jsonspan_want m[MEMBERS] = {
	    [FORMAT] = {.key = "format"}, [VERBOSITY] = {.key = "verbosity"}};
	struct jsonspan_value object = {0};
	if (!read_json_kind(member, "", JSONSPAN_OBJECT, &object, err))
		return false;
	read_json_members(object, m, MEMBERS);
	return read_format(request, m[FORMAT].value, err) &&
	       read_json_text(&m[VERBOSITY], "text", &request->verbosity_text, err) &&
	       keep_unknown(request, object, "text", m, MEMBERS, err);
}

/* ---- the top level ---- */

enum member {
	M_MODEL,
	M_INPUT,
	M_INSTRUCTIONS,
	M_TOOLS,
	M_TOOL_CHOICE,
	M_PARALLEL,
	M_MAX,
	M_TEMPERATURE,
	M_TOP_P,
	M_REASONING,
	M_TEXT,
	M_SAFETY_ID,
	M_USER,
	M_CACHE_KEY,
	M_TIER,
	M_METADATA,
	M_STREAM,
	M_STORE,
	M_INCLUDE,
	M_TOP_LOGPROBS,
	/* Known, and nothing that an answer could lack. */
	M_STREAM_OPTIONS,
	M_CLIENT_METADATA,
	M_COUNT
};
static const char *const member_keys[M_COUNT] = {"model", "input", "instructions", "tools",
    "tool_choice", "parallel_tool_calls", "max_output_tokens", "temperature", "top_p", "reasoning",
    "text", "safety_identifier", "user", "prompt_cache_key", "service_tier", "metadata", "stream",
    "store", "include", "top_logprobs", "stream_options", "client_metadata"};

static bool
read_instructions(struct request *request, struct jsonspan_value value, struct err *err)
{
	if (value.kind == JSONSPAN_NONE)
		return true;
	if (value.kind != JSONSPAN_STRING)
		return read_json_wrong(err, "", "instructions", "must be a string");
	if (value.raw.len == 2)
		return true;
	struct turn *turn = request_add_turn(request, ROLE_SYSTEM);
	struct part *part = turn != NULL ? turn_add_part(request, turn, PART_TEXT) : NULL;
	if (part == NULL)
		return responses_full(err);
	turn->path = part->path = "instructions";
	part->text = read_json_inside(value);
	return true;
}

static bool
read_params(struct request *request, const struct jsonspan_want *m, struct err *err)
{
	struct jsonspan_value metadata = {0};
	enum tri stream = TRI_ABSENT;
	bool ok = read_json_int(&m[M_MAX], "", 0, INT64_MAX, &request->max_tokens, err) &&
		  read_json_tri(&m[M_PARALLEL], "", &request->parallel, err) &&
		  read_json_number(&m[M_TEMPERATURE], "", &request->temperature_json, err) &&
		  read_json_number(&m[M_TOP_P], "", &request->top_p_json, err) &&
		  read_json_number(&m[M_TOP_LOGPROBS], "", &request->top_logprobs_json, err) &&
		  read_json_text(&m[M_USER], "", &request->user_text, err) &&
		  read_json_text(&m[M_SAFETY_ID], "", &request->user_text, err) &&
		  read_json_text(&m[M_CACHE_KEY], "", &request->cache_key_text, err) &&
		  read_json_text(&m[M_TIER], "", &request->tier_text, err) &&
		  read_json_kind(&m[M_METADATA], "", JSONSPAN_OBJECT, &metadata, err) &&
		  read_json_tri(&m[M_STREAM], "", &stream, err) &&
		  read_json_tri(&m[M_STORE], "", &request->store, err);
	if (!read_json_is_default(metadata))
		request->metadata_json = metadata.raw;
	request->stream = stream == TRI_YES;
	if (read_json_is_default(m[M_TOP_LOGPROBS].value))
		request->top_logprobs_json = VIEW("");
	return ok;
}

/* Encrypted reasoning is what every answer of ours carries; more is asked for by name, of which
 * logprobs are known elsewhere too. */
static bool
read_include(struct request *request, struct jsonspan_value include, struct err *err)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	if (include.kind != JSONSPAN_ARRAY)
		return true;
	bool more = false;
	jsonspan_iter_init(&iter, include);
	while (jsonspan_next(&iter, &item)) {
		if (jsonspan_str_is(item.value, RESPONSES_LOGPROBS))
			request->logprobs = true;
		else if (!jsonspan_str_is(item.value, "reasoning.encrypted_content"))
			more = true;
	}
	return !more || read_json_leftover(request, VIEW("include"), include, false) ||
	       responses_full(err);
}

static bool
is_plain_default(const struct jsonspan_member *member)
{
	if (jsonspan_key_is(member, "truncation"))
		return jsonspan_str_is(member->value, "disabled");
	return jsonspan_key_is(member, "max_tool_calls") && read_json_is_default(member->value);
}

/* What an answer depends on and no request holds: the vendor's own memory. */
static bool
is_vital(const struct jsonspan_member *member)
{
	static const char *const keys[] = {
	    "previous_response_id", "conversation", "prompt", "background"};
	for (size_t i = 0; i < COUNT(keys); i++) {
		if (jsonspan_key_is(member, keys[i]))
			return true;
	}
	return false;
}

static bool
read_leftovers(struct request *request, struct jsonspan_value root, struct err *err)
{
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	jsonspan_iter_init(&iter, root);
	while (jsonspan_next(&iter, &member)) {
		size_t i = 0;
		while (i < M_COUNT && !jsonspan_key_is(&member, member_keys[i]))
			i++;
		if (i < M_COUNT || read_json_is_default(member.value) || is_plain_default(&member))
			continue;
		if (!read_json_leftover(request, member.key, member.value, is_vital(&member)))
			return responses_full(err);
	}
	return true;
}

bool
responses_request_decode(struct view body, struct request *out, struct err *err)
{
	const struct jsonspan_value root = {JSONSPAN_OBJECT, body};
	struct jsonspan_want m[M_COUNT] = {0};
	for (size_t i = 0; i < M_COUNT; i++)
		m[i].key = member_keys[i];
	read_json_members(root, m, M_COUNT);
	out->body_json = root.raw;
	return read_json_need(&m[M_MODEL], "", err) &&
	       read_json_text(&m[M_MODEL], "", &out->model_text, err) &&
	       read_instructions(out, m[M_INSTRUCTIONS].value, err) &&
	       responses_tools_decode(out, m[M_TOOLS].value, "tools", err) &&
	       responses_items_decode(out, m[M_INPUT].value, err) &&
	       responses_choice_decode(out, m[M_TOOL_CHOICE].value, err) &&
	       read_params(out, m, err) && read_reasoning(out, &m[M_REASONING], err) &&
	       read_text(out, &m[M_TEXT], err) && read_include(out, m[M_INCLUDE].value, err) &&
	       read_leftovers(out, root, err);
}
