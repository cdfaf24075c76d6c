/* Requests, read: the top, system, messages and tools. */
#include "anthropic.h"
#include "read_json.h"

#include <string.h>

bool
anthropic_full(struct err *err)
{
	return err_set(err, ERR_LIMIT, "", "the request is too big to convert");
}

enum cache_mark
anthropic_cache_decode(struct jsonspan_value cache_control)
{
	if (cache_control.kind != JSONSPAN_OBJECT)
		return CACHE_NONE;
	struct jsonspan_value ttl = jsonspan_get(cache_control, "ttl");
	if (jsonspan_str_is(ttl, "5m"))
		return CACHE_5M;
	return jsonspan_str_is(ttl, "1h") ? CACHE_1H : CACHE_DEFAULT;
}

static bool
decode_system(struct request *request, struct jsonspan_value system, struct err *err)
{
	if (read_json_is_default(system))
		return true;
	struct turn *turn = request_add_turn(request, ROLE_SYSTEM);
	if (turn == NULL)
		return anthropic_full(err);
	turn->path = "system";
	return anthropic_content_decode(request, turn, system, "system", err);
}

/* A message may say again how much to think. */
static bool
is_same_effort(const struct request *request, struct jsonspan_value output)
{
	struct jsonspan_want effort = {.key = "effort"};
	size_t others = read_json_members(output, &effort, 1);
	return others == 0 && effort.value.kind != JSONSPAN_NONE &&
	       anthropic_effort_decode(effort.value) == request->effort;
}

/* A member of a message without a field in the model; false at the arena's limit. */
static bool
keep_rest(struct request *request, const struct jsonspan_want *member, const char *path, bool vital)
{
	const char *at = read_json_path(request->arena, "%s.%s", path, member->key);
	return member->value.kind == JSONSPAN_NONE ||
	       read_json_leftover(request, view_of(at), member->value, vital);
}

static bool
decode_message(
    struct request *request, struct jsonspan_value message, size_t index, struct err *err)
{
	enum { M_ROLE, M_CONTENT, M_CLEAR, M_OUTPUT, M_COUNT };
	struct jsonspan_want m[M_COUNT] = {
	    [M_ROLE] = {.key = "role"},
	    [M_CONTENT] = {.key = "content"},
	    [M_CLEAR] = {.key = "clear_at"},
	    [M_OUTPUT] = {.key = "output_config"},
	};
	const char *path = read_json_path(request->arena, "messages[%zu]", index);
	if (message.kind != JSONSPAN_OBJECT)
		return read_json_wrong(err, path, NULL, "must be an object");
	read_json_members(message, m, M_COUNT);
	static const char *const names[] = {
	    [ROLE_SYSTEM] = "system", [ROLE_USER] = "user", [ROLE_ASSISTANT] = "assistant"};
	unsigned role = 0;
	while (role < 3 && !jsonspan_str_is(m[M_ROLE].value, names[role]))
		role++;
	if (role == 3)
		return read_json_wrong(err, path, "role", "must be user, assistant or system");
	struct turn *turn = request_add_turn(request, (enum role)role);
	if (turn == NULL)
		return anthropic_full(err);
	turn->path = path;
	if (!keep_rest(request, &m[M_CLEAR], path, true) ||
	    (!is_same_effort(request, m[M_OUTPUT].value) &&
		!keep_rest(request, &m[M_OUTPUT], path, false)))
		return anthropic_full(err);
	return read_json_need(&m[M_CONTENT], path, err) &&
	       anthropic_content_decode(request, turn, m[M_CONTENT].value,
		   read_json_path(request->arena, "%s.content", path), err);
}

static bool
decode_messages(struct request *request, const struct jsonspan_want *want, struct err *err)
{
	struct jsonspan_value messages = {JSONSPAN_NONE, {NULL, 0}};
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	if (!read_json_need(want, "", err) ||
	    !read_json_kind(want, "", JSONSPAN_ARRAY, &messages, err))
		return false;
	jsonspan_iter_init(&iter, messages);
	for (size_t i = 0; jsonspan_next(&iter, &item); i++) {
		if (!decode_message(request, item.value, i, err))
			return false;
	}
	return true;
}

/* ---- tools ---- */

/* Tools that the client runs and that the API knows by their type: other families are told what the
 * model would have been trained on. */
static const struct typed {
	const char *prefix, *description, *schema;
} typed_tools[] = {
    {"bash_", "Run a command in a persistent shell, or restart the shell.",
	"{\"type\":\"object\",\"properties\":{\"command\":{\"type\":\"string\",\"description\":"
	"\"The command to run\"},\"restart\":{\"type\":\"boolean\",\"description\":"
	"\"Restart the shell\"}}}"},
    {"text_editor_", "View, create and edit text files.",
	"{\"type\":\"object\",\"properties\":{\"command\":{\"type\":\"string\",\"enum\":[\"view\","
	"\"create\",\"str_replace\",\"insert\"]},\"path\":{\"type\":\"string\"},\"file_text\":"
	"{\"type\":\"string\",\"description\":\"For create\"},\"old_str\":{\"type\":\"string\","
	"\"description\":\"For str_replace\"},\"new_str\":{\"type\":\"string\",\"description\":"
	"\"For str_replace\"},\"insert_line\":{\"type\":\"integer\",\"description\":\"For insert: "
	"the line behind which to insert\"},\"insert_text\":{\"type\":\"string\",\"description\":"
	"\"For insert\"},\"view_range\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"},"
	"\"description\":\"For view: first and last line\"}},\"required\":[\"command\",\"path\"]}"},
};

enum {
	T_TYPE,
	T_NAME,
	T_DESCRIPTION,
	T_SCHEMA,
	T_STRICT,
	T_CACHE,
	T_DOMAINS,
	T_LOCATION,
	T_BLOCKED,
	T_USES,
	T_COUNT
};

static bool
decode_search(
    struct request *request, struct tool *tool, const struct jsonspan_want *t, struct err *err)
{
	tool->kind = TOOL_WEB_SEARCH;
	tool->allowed_domains_json = t[T_DOMAINS].value.raw;
	tool->user_location_json = t[T_LOCATION].value.raw;
	for (int i = T_BLOCKED; i <= T_USES; i++) {
		const char *at = read_json_path(request->arena, "%s.%s", tool->path, t[i].key);
		if (!read_json_is_default(t[i].value) &&
		    !read_json_leftover(request, view_of(at), t[i].value, false))
			return anthropic_full(err);
	}
	return true;
}

static bool
decode_typed(
    struct request *request, struct tool *tool, const struct jsonspan_want *t, struct err *err)
{
	tool->kind = TOOL_HOSTED;
	if (view_starts(tool->type_plain, "web_search_"))
		return decode_search(request, tool, t, err);
	for (size_t i = 0; i < sizeof(typed_tools) / sizeof(typed_tools[0]); i++) {
		if (!view_starts(tool->type_plain, typed_tools[i].prefix))
			continue;
		tool->kind = TOOL_TYPED;
		tool->description_text = view_of(typed_tools[i].description);
		tool->schema_json = view_of(typed_tools[i].schema);
	}
	return true;
}

static bool
decode_tool(struct request *request, struct jsonspan_value value, size_t index, struct err *err)
{
	struct jsonspan_want t[T_COUNT] = {
	    [T_TYPE] = {.key = "type"},
	    [T_NAME] = {.key = "name"},
	    [T_DESCRIPTION] = {.key = "description"},
	    [T_SCHEMA] = {.key = "input_schema"},
	    [T_STRICT] = {.key = "strict"},
	    [T_CACHE] = {.key = "cache_control"},
	    [T_DOMAINS] = {.key = "allowed_domains"},
	    [T_LOCATION] = {.key = "user_location"},
	    [T_BLOCKED] = {.key = "blocked_domains"},
	    [T_USES] = {.key = "max_uses"},
	};
	const char *path = read_json_path(request->arena, "tools[%zu]", index);
	if (value.kind != JSONSPAN_OBJECT)
		return read_json_wrong(err, path, NULL, "must be an object");
	size_t others = read_json_members(value, t, T_COUNT);
	struct tool *tool = request_add_tool(request, TOOL_FUNCTION);
	if (tool == NULL)
		return anthropic_full(err);
	tool->path = path;
	tool->cache = anthropic_cache_decode(t[T_CACHE].value);
	tool->schema_json = t[T_SCHEMA].value.raw;
	if (!read_json_plain(request->arena, &t[T_NAME], path, &tool->name_plain, err) ||
	    !read_json_plain(request->arena, &t[T_TYPE], path, &tool->type_plain, err) ||
	    !read_json_text(&t[T_DESCRIPTION], path, &tool->description_text, err) ||
	    !read_json_tri(&t[T_STRICT], path, &tool->strict, err))
		return false;
	if (tool->type_plain.len > 0 && !view_eq_str(tool->type_plain, "custom")) {
		tool->raw_json = value.raw;
		return decode_typed(request, tool, t, err);
	}
	if (others > 0)
		tool->raw_json = value.raw;
	return read_json_need(&t[T_NAME], path, err);
}

static bool
decode_tools(struct request *request, const struct jsonspan_want *want, struct err *err)
{
	struct jsonspan_value tools = {JSONSPAN_NONE, {NULL, 0}};
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	if (!read_json_kind(want, "", JSONSPAN_ARRAY, &tools, err))
		return false;
	jsonspan_iter_init(&iter, tools);
	for (size_t i = 0; jsonspan_next(&iter, &item); i++) {
		if (!decode_tool(request, item.value, i, err))
			return false;
	}
	return true;
}

bool
anthropic_request_decode(struct view body, struct request *out, struct err *err)
{
	enum { R_SYSTEM, R_MESSAGES, R_TOOLS, R_COUNT };
	struct jsonspan_want r[R_COUNT] = {
	    [R_SYSTEM] = {.key = "system"},
	    [R_MESSAGES] = {.key = "messages"},
	    [R_TOOLS] = {.key = "tools"},
	};
	const struct jsonspan_value root = {JSONSPAN_OBJECT, body};
	read_json_members(root, r, R_COUNT);
	return anthropic_params_decode(root, out, err) &&
	       decode_system(out, r[R_SYSTEM].value, err) &&
	       decode_messages(out, &r[R_MESSAGES], err) && decode_tools(out, &r[R_TOOLS], err);
}
