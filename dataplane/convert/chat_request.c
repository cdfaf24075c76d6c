/* Chat Completions requests: the top level and the tools. Takes what real clients send, de-facto
 * members of other vendors included. */
#include "chat.h"
#include "effort.h"
#include "read_json.h"
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

bool
chat_full(struct err *err)
{
	return err_set(err, ERR_LIMIT, "", "the request is too big to convert");
}

/* ---- tools ---- */

/* {"type":"grammar","grammar":{"syntax":..,"definition":..}} -> the same without the nesting. */
static bool
read_format(struct request *request, struct jsonspan_value format, struct tool *tool)
{
	struct jsonspan_value grammar = jsonspan_get(format, "grammar");
	struct bytes flat;
	struct write_json json;
	if (!jsonspan_str_is(jsonspan_get(format, "type"), "grammar"))
		return true;
	bytes_init(&flat, format.raw.len + 64);
	write_json_init(&json, &flat);
	write_json_object(&json);
	write_json_key_str(&json, "type", "grammar");
	struct jsonspan_value syntax = jsonspan_get(grammar, "syntax");
	struct jsonspan_value definition = jsonspan_get(grammar, "definition");
	if (syntax.kind == JSONSPAN_STRING)
		write_json_key_raw(&json, "syntax", syntax.raw);
	if (definition.kind == JSONSPAN_STRING)
		write_json_key_raw(&json, "definition", definition.raw);
	write_json_object_end(&json);
	if (write_json_ok(&json))
		tool->format_json = arena_copy(request->arena, bytes_view(&flat));
	bytes_fini(&flat);
	return tool->format_json.data != NULL;
}

/* The inner object of a tool, or a member of the old "functions". */
static bool
read_tool(struct request *request, struct jsonspan_value value, enum tool_kind kind,
    struct jsonspan_value whole, const char *path, struct err *err)
{
	enum { NAME, DESCRIPTION, PARAMETERS, STRICT, FORMAT, MEMBERS };
	struct jsonspan_want m[MEMBERS] = {
	    [NAME] = {.key = "name"},
	    [DESCRIPTION] = {.key = "description"},
	    [PARAMETERS] = {.key = "parameters"},
	    [STRICT] = {.key = "strict"},
	    [FORMAT] = {.key = "format"},
	};
	struct jsonspan_value schema = {0};
	struct read_json_object object;
	struct tool *tool = request_add_tool(request, kind);
	if (tool == NULL)
		return chat_full(err);
	tool->form = kind == TOOL_CUSTOM ? CALL_CUSTOM : CALL_FUNCTION;
	tool->raw_json = whole.raw;
	tool->path = path;
	read_json_object(whole, &object);
	tool->cache = chat_cache_decode(&object);
	read_json_members(value, m, MEMBERS);
	if (!read_json_need(&m[NAME], path, err) ||
	    !read_json_plain(request->arena, &m[NAME], path, &tool->name_plain, err) ||
	    !read_json_text(&m[DESCRIPTION], path, &tool->description_text, err) ||
	    !read_json_tri(&m[STRICT], path, &tool->strict, err))
		return false;
	if (kind == TOOL_CUSTOM)
		return read_format(request, m[FORMAT].value, tool) || chat_full(err);
	if (!read_json_kind(&m[PARAMETERS], path, JSONSPAN_OBJECT, &schema, err))
		return false;
	tool->schema_json = schema.raw;
	return true;
}

static bool
read_one_tool(
    struct request *request, struct jsonspan_value value, const char *path, struct err *err)
{
	struct jsonspan_value type = jsonspan_get(value, "type");
	struct jsonspan_value function = jsonspan_get(value, "function");
	struct jsonspan_value custom = jsonspan_get(value, "custom");
	if (value.kind != JSONSPAN_OBJECT)
		return read_json_wrong(err, path, NULL, "must be an object");
	if (custom.kind == JSONSPAN_OBJECT && jsonspan_str_is(type, "custom"))
		return read_tool(request, custom, TOOL_CUSTOM, value, path, err);
	if (function.kind == JSONSPAN_OBJECT)
		return read_tool(request, function, TOOL_FUNCTION, value, path, err);
	if (type.kind != JSONSPAN_STRING || jsonspan_str_is(type, "function") ||
	    jsonspan_str_is(type, "custom"))
		return read_json_wrong(err, path, "function", "is required");
	struct tool *tool = request_add_tool(request, TOOL_HOSTED);
	if (tool == NULL)
		return chat_full(err);
	tool->type_plain = read_json_unescape(request->arena, type);
	tool->raw_json = value.raw;
	tool->path = path;
	return tool->type_plain.data != NULL || chat_full(err);
}

static bool
read_tools(struct request *request, const struct jsonspan_want *member, bool old, struct err *err)
{
	struct jsonspan_value array = {0};
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	if (!read_json_kind(member, "", JSONSPAN_ARRAY, &array, err))
		return false;
	jsonspan_iter_init(&iter, array);
	for (unsigned i = 0; jsonspan_next(&iter, &item); i++) {
		const char *path = read_json_path(request->arena, "%s[%u]", member->key, i);
		if (!(old ? read_tool(request, item.value, TOOL_FUNCTION, item.value, path, err)
			  : read_one_tool(request, item.value, path, err)))
			return false;
	}
	return true;
}

/* {"type":"approximate","approximate":{..}} -> {"type":"approximate",..} */
static struct view
flat_location(struct arena *arena, struct jsonspan_value location)
{
	struct jsonspan_value inner = jsonspan_get(location, "approximate");
	struct bytes flat;
	struct view out = {NULL, 0};
	struct view members =
	    view_trim(view_sub(inner.raw, 1, inner.raw.len > 2 ? inner.raw.len - 2 : 0));
	if (inner.kind != JSONSPAN_OBJECT)
		return out;
	bytes_init(&flat, inner.raw.len + 64);
	if (bytes_append_str(&flat, "{\"type\":\"approximate\"") &&
	    (members.len == 0 || bytes_append_char(&flat, ',')) &&
	    bytes_append_view(&flat, members) && bytes_append_char(&flat, '}'))
		out = arena_copy(arena, bytes_view(&flat));
	bytes_fini(&flat);
	return out;
}

static bool
read_search(struct request *request, struct jsonspan_value options, struct err *err)
{
	if (options.kind != JSONSPAN_OBJECT)
		return true;
	struct tool *tool = request_add_tool(request, TOOL_WEB_SEARCH);
	if (tool == NULL)
		return chat_full(err);
	tool->name_plain = VIEW("web_search");
	tool->type_plain = VIEW("web_search_options");
	tool->raw_json = options.raw;
	tool->path = "web_search_options";
	tool->context_size_text = read_json_inside(jsonspan_get(options, "search_context_size"));
	tool->user_location_json =
	    flat_location(request->arena, jsonspan_get(options, "user_location"));
	return true;
}

/* ---- tool_choice ---- */

static bool
choice_name(struct request *request, struct jsonspan_value object, struct err *err)
{
	struct jsonspan_want name = {.key = "name"};
	request->choice = CHOICE_ONE;
	read_json_members(object, &name, 1);
	return read_json_need(&name, "tool_choice", err) &&
	       read_json_plain(
		   request->arena, &name, "tool_choice", &request->choice_name_plain, err);
}

static bool
choice_allowed(struct request *request, struct jsonspan_value allowed, struct err *err)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	struct text_list **end = &request->allowed;
	request->choice =
	    jsonspan_str_is(jsonspan_get(allowed, "mode"), "required") ? CHOICE_ANY : CHOICE_AUTO;
	struct jsonspan_value tools = jsonspan_get(allowed, "tools");
	if (tools.kind != JSONSPAN_ARRAY)
		return read_json_wrong(
		    err, "tool_choice.allowed_tools", "tools", "must be an array");
	jsonspan_iter_init(&iter, tools);
	while (jsonspan_next(&iter, &item)) {
		struct jsonspan_value inner = jsonspan_get(item.value, "function");
		if (inner.kind == JSONSPAN_NONE)
			inner = jsonspan_get(item.value, "custom");
		struct jsonspan_value name = jsonspan_get(inner, "name");
		if (name.kind != JSONSPAN_STRING)
			return read_json_wrong(
			    err, "tool_choice.allowed_tools", "tools", "must name tools");
		struct text_list *node = arena_alloc(request->arena, sizeof(*node));
		if (node == NULL)
			return chat_full(err);
		node->text = read_json_unescape(request->arena, name);
		*end = node;
		end = &node->next;
	}
	return true;
}

static bool
read_choice(struct request *request, const struct jsonspan_want *member, struct err *err)
{
	static const struct {
		const char *word;
		enum choice choice;
	} words[] = {{"auto", CHOICE_AUTO}, {"none", CHOICE_NONE}, {"required", CHOICE_ANY},
	    {"any", CHOICE_ANY}};
	struct jsonspan_value value = member->value;
	struct jsonspan_value type = value;
	if (value.kind == JSONSPAN_NONE)
		return true;
	if (value.kind == JSONSPAN_OBJECT)
		type = jsonspan_get(value, "type");
	for (size_t i = 0; i < COUNT(words); i++) {
		if (jsonspan_str_is(type, words[i].word)) {
			request->choice = words[i].choice;
			return true;
		}
	}
	if (jsonspan_str_is(type, "allowed_tools"))
		return choice_allowed(request, jsonspan_get(value, "allowed_tools"), err);
	if (jsonspan_str_is(type, "custom")) {
		request->choice_form = CALL_CUSTOM;
		return choice_name(request, jsonspan_get(value, "custom"), err);
	}
	struct jsonspan_value function = jsonspan_get(value, "function");
	if (function.kind == JSONSPAN_NONE && type.kind == JSONSPAN_NONE)
		function = value; /* the old function_call: {"name":..} */
	if (function.kind == JSONSPAN_OBJECT)
		return choice_name(request, function, err);
	return read_json_wrong(err, "", member->key, "is no known choice");
}

/* ---- parameters ---- */

static bool
read_stops(struct request *request, struct jsonspan_value stop, struct err *err)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item = {.value = stop};
	struct text_list **end = &request->stops;
	bool more = stop.kind == JSONSPAN_STRING;
	if (stop.kind != JSONSPAN_NONE && !more && stop.kind != JSONSPAN_ARRAY)
		return read_json_wrong(err, "", "stop", "must be a string or an array");
	jsonspan_iter_init(&iter, stop);
	for (more = more || jsonspan_next(&iter, &item); more; more = jsonspan_next(&iter, &item)) {
		struct text_list *node = arena_alloc(request->arena, sizeof(*node));
		if (item.value.kind != JSONSPAN_STRING)
			return read_json_wrong(err, "", "stop", "must hold strings");
		if (node == NULL)
			return chat_full(err);
		node->text = read_json_inside(item.value);
		*end = node;
		end = &node->next;
	}
	return true;
}

static bool
read_effort(struct request *request, struct jsonspan_value value, const char *path, struct err *err)
{
	if (value.kind == JSONSPAN_NONE || value.kind == JSONSPAN_NULL)
		return true;
	request->effort = effort_of_word(value);
	request->paths.effort = path;
	return request->effort != EFFORT_ABSENT ||
	       read_json_wrong(err, path, NULL, "is no known effort");
}

/* How other vendors of this protocol ask for thinking: thinking{type,budget_tokens},
 * enable_thinking, reasoning{effort,max_tokens,enabled}. The protocol's own word goes last and
 * wins. */
static bool
read_thinking(struct request *request, const struct jsonspan_want *thinking,
    const struct jsonspan_want *enable, const struct jsonspan_want *reasoning, struct err *err)
{
	struct jsonspan_value type = jsonspan_get(thinking->value, "type");
	struct jsonspan_value budget = jsonspan_get(thinking->value, "budget_tokens");
	bool on = false;
	if (budget.kind == JSONSPAN_NONE)
		budget = jsonspan_get(reasoning->value, "max_tokens");
	if (jsonspan_bool(enable->value, &on) ||
	    jsonspan_bool(jsonspan_get(reasoning->value, "enabled"), &on))
		request->thinking = on ? THINKING_ADAPTIVE : THINKING_DISABLED;
	if (jsonspan_str_is(type, "disabled"))
		request->thinking = THINKING_DISABLED;
	else if (type.kind == JSONSPAN_STRING)
		request->thinking = THINKING_ADAPTIVE;
	if (request->thinking != THINKING_DISABLED &&
	    jsonspan_i64(budget, &request->thinking_budget))
		request->thinking = THINKING_BUDGET;
	return read_effort(
	    request, jsonspan_get(reasoning->value, "effort"), "reasoning.effort", err);
}

static bool
read_output(struct request *request, struct jsonspan_value format, struct err *err)
{
	enum { NAME, DESCRIPTION, SCHEMA, STRICT, MEMBERS };
	struct jsonspan_want m[MEMBERS] = {
	    [NAME] = {.key = "name"},
	    [DESCRIPTION] = {.key = "description"},
	    [SCHEMA] = {.key = "schema"},
	    [STRICT] = {.key = "strict"},
	};
	static const char path[] = "response_format.json_schema";
	struct jsonspan_value type = jsonspan_get(format, "type");
	struct jsonspan_value schema = {0};
	if (jsonspan_str_is(type, "json_object"))
		request->output = OUTPUT_JSON_OBJECT;
	if (!jsonspan_str_is(type, "json_schema")) {
		bool known = request->output == OUTPUT_JSON_OBJECT || jsonspan_str_is(type, "text");
		if (format.kind == JSONSPAN_NONE || known)
			return true;
		if (type.kind != JSONSPAN_STRING)
			return read_json_wrong(err, "response_format", "type", "is required");
		return read_json_leftover(request, VIEW("response_format"), format, false) ||
		       chat_full(err);
	}
	request->output = OUTPUT_JSON_SCHEMA;
	read_json_members(jsonspan_get(format, "json_schema"), m, MEMBERS);
	if (!read_json_text(&m[NAME], path, &request->schema_name_text, err) ||
	    !read_json_text(&m[DESCRIPTION], path, &request->schema_description_text, err) ||
	    !read_json_need(&m[SCHEMA], path, err) ||
	    !read_json_kind(&m[SCHEMA], path, JSONSPAN_OBJECT, &schema, err) ||
	    !read_json_tri(&m[STRICT], path, &request->schema_strict, err))
		return false;
	request->schema_json = schema.raw;
	return true;
}

/* ---- the top level ---- */

enum member {
	M_MODEL,
	M_MESSAGES,
	M_TOOLS,
	M_FUNCTIONS,
	M_TOOL_CHOICE,
	M_FUNCTION_CALL,
	M_PARALLEL,
	M_MAX_COMPLETION,
	M_MAX,
	M_TEMPERATURE,
	M_TOP_P,
	M_TOP_K,
	M_STOP,
	M_EFFORT,
	M_THINKING,
	M_ENABLE_THINKING,
	M_REASONING,
	M_FORMAT,
	M_VERBOSITY,
	M_SAFETY_ID,
	M_USER,
	M_CACHE_KEY,
	M_TIER,
	M_METADATA,
	M_STREAM,
	M_STREAM_OPTIONS,
	M_STORE,
	M_SEARCH,
	M_LOGPROBS,
	M_TOP_LOGPROBS,
	M_COUNT
};
static const char *const member_keys[M_COUNT] = {"model", "messages", "tools", "functions",
    "tool_choice", "function_call", "parallel_tool_calls", "max_completion_tokens", "max_tokens",
    "temperature", "top_p", "top_k", "stop", "reasoning_effort", "thinking", "enable_thinking",
    "reasoning", "response_format", "verbosity", "safety_identifier", "user", "prompt_cache_key",
    "service_tier", "metadata", "stream", "stream_options", "store", "web_search_options",
    "logprobs", "top_logprobs"};

static bool
read_params(struct request *request, const struct jsonspan_want *m, struct err *err)
{
	struct jsonspan_value metadata = {0};
	enum tri stream = TRI_ABSENT, logprobs = TRI_ABSENT;
	struct jsonspan_want include = {.key = "include_usage"};
	read_json_members(m[M_STREAM_OPTIONS].value, &include, 1);
	bool ok =
	    read_json_int(&m[M_MAX], "", 0, INT64_MAX, &request->max_tokens, err) &&
	    read_json_int(&m[M_MAX_COMPLETION], "", 0, INT64_MAX, &request->max_tokens, err) &&
	    read_json_number(&m[M_TEMPERATURE], "", &request->temperature_json, err) &&
	    read_json_number(&m[M_TOP_P], "", &request->top_p_json, err) &&
	    read_json_number(&m[M_TOP_K], "", &request->top_k_json, err) &&
	    read_json_text(&m[M_VERBOSITY], "", &request->verbosity_text, err) &&
	    read_json_text(&m[M_USER], "", &request->user_text, err) &&
	    read_json_text(&m[M_SAFETY_ID], "", &request->user_text, err) &&
	    read_json_text(&m[M_CACHE_KEY], "", &request->cache_key_text, err) &&
	    read_json_text(&m[M_TIER], "", &request->tier_text, err) &&
	    read_json_kind(&m[M_METADATA], "", JSONSPAN_OBJECT, &metadata, err) &&
	    read_json_tri(&m[M_STREAM], "", &stream, err) &&
	    read_json_tri(&include, "stream_options", &request->include_usage, err) &&
	    read_json_tri(&m[M_STORE], "", &request->store, err) &&
	    read_json_tri(&m[M_LOGPROBS], "", &logprobs, err) &&
	    read_json_number(&m[M_TOP_LOGPROBS], "", &request->top_logprobs_json, err) &&
	    read_stops(request, m[M_STOP].value, err);
	request->metadata_json = metadata.raw;
	request->stream = stream == TRI_YES;
	if (read_json_is_default(m[M_TOP_LOGPROBS].value))
		request->top_logprobs_json = VIEW("");
	request->logprobs = logprobs == TRI_YES;
	if (m[M_MAX_COMPLETION].value.kind == JSONSPAN_NONE)
		request->paths.max_tokens = "max_tokens";
	return ok;
}

/* One answer in words is all that the other protocols and our events have. */
static bool
is_vital(const struct jsonspan_member *member)
{
	return jsonspan_key_is(member, "n") || jsonspan_key_is(member, "audio") ||
	       jsonspan_key_is(member, "modalities");
}

static bool
is_plain_default(const struct jsonspan_member *member)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	int64_t number = 0;
	if (jsonspan_key_is(member, "n"))
		return jsonspan_i64(member->value, &number) && number == 1;
	if (!jsonspan_key_is(member, "modalities"))
		return false;
	jsonspan_iter_init(&iter, member->value);
	while (jsonspan_next(&iter, &item)) {
		if (!jsonspan_str_is(item.value, "text"))
			return false;
	}
	return true;
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
			return chat_full(err);
	}
	return true;
}

bool
chat_request_decode(struct view body, struct request *out, struct err *err)
{
	const struct jsonspan_value root = {JSONSPAN_OBJECT, body};
	struct jsonspan_value messages = {0};
	struct jsonspan_want m[M_COUNT] = {0};
	for (size_t i = 0; i < M_COUNT; i++)
		m[i].key = member_keys[i];
	read_json_members(root, m, M_COUNT);
	return read_json_need(&m[M_MODEL], "", err) &&
	       read_json_text(&m[M_MODEL], "", &out->model_text, err) &&
	       read_json_need(&m[M_MESSAGES], "", err) &&
	       read_json_kind(&m[M_MESSAGES], "", JSONSPAN_ARRAY, &messages, err) &&
	       read_tools(out, &m[M_FUNCTIONS], true, err) &&
	       read_tools(out, &m[M_TOOLS], false, err) &&
	       read_search(out, m[M_SEARCH].value, err) &&
	       read_choice(out, &m[M_FUNCTION_CALL], err) &&
	       read_choice(out, &m[M_TOOL_CHOICE], err) &&
	       read_json_tri(&m[M_PARALLEL], "", &out->parallel, err) && read_params(out, m, err) &&
	       read_thinking(out, &m[M_THINKING], &m[M_ENABLE_THINKING], &m[M_REASONING], err) &&
	       read_effort(out, m[M_EFFORT].value, "reasoning_effort", err) &&
	       read_output(out, m[M_FORMAT].value, err) && read_leftovers(out, root, err) &&
	       chat_messages_decode(messages, out, err);
}
