/* Tools and tool_choice of Responses requests, read. */
#include "responses.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TOOLS_MAX 2048 /* each new name is compared with those before it */

static const struct responses_typed typed_tools[] = {
    {
	.type = "local_shell",
	.call_type = "local_shell_call",
	.output_type = "local_shell_call_output",
	.member = "action",
	.form = CALL_LOCAL_SHELL,
	.description_text = "Runs a command on the user's machine and returns its output.",
	.schema = "{\"type\":\"object\",\"properties\":{\"command\":{\"type\":\"array\","
		  "\"items\":{\"type\":\"string\"},\"description\":\"The program and its "
		  "arguments.\"},\"working_directory\":{\"type\":\"string\"},\"timeout_ms\":"
		  "{\"type\":\"integer\"},\"env\":{\"type\":\"object\","
		  "\"additionalProperties\":{\"type\":\"string\"}},\"user\":{\"type\":"
		  "\"string\"}},\"required\":[\"command\"]}",
    },
    {
	.type = "shell",
	.call_type = "shell_call",
	.output_type = "shell_call_output",
	.member = "action",
	.form = CALL_SHELL,
	.description_text = "Runs shell commands on the user's machine and returns their output.",
	.schema = "{\"type\":\"object\",\"properties\":{\"commands\":{\"type\":\"array\","
		  "\"items\":{\"type\":\"string\"}},\"timeout_ms\":{\"type\":\"integer\"},"
		  "\"max_output_length\":{\"type\":\"integer\"}},\"required\":[\"commands\"]}",
    },
    {
	.type = "apply_patch",
	.call_type = "apply_patch_call",
	.output_type = "apply_patch_call_output",
	.member = "operation",
	.form = CALL_APPLY_PATCH,
	.description_text = "Creates, updates or deletes one file. The diff is in V4A form and "
			    "is left out when a file is deleted.",
	.schema = "{\"type\":\"object\",\"properties\":{\"type\":{\"type\":\"string\",\"enum\":"
		  "[\"create_file\",\"update_file\",\"delete_file\"]},\"path\":{\"type\":"
		  "\"string\"},\"diff\":{\"type\":\"string\"}},\"required\":[\"type\",\"path\"]}",
    },
};

const struct responses_typed *
responses_typed_by_form(enum call_form form)
{
	for (size_t i = 0; i < COUNT(typed_tools); i++) {
		if (typed_tools[i].form == form)
			return &typed_tools[i];
	}
	return NULL;
}

const struct responses_typed *
responses_typed_by_type(struct jsonspan_value tool_type)
{
	for (size_t i = 0; i < COUNT(typed_tools); i++) {
		if (jsonspan_str_is(tool_type, typed_tools[i].type))
			return &typed_tools[i];
	}
	return NULL;
}

const struct responses_typed *
responses_typed_by_call(struct jsonspan_value item_type)
{
	for (size_t i = 0; i < COUNT(typed_tools); i++) {
		if (jsonspan_str_is(item_type, typed_tools[i].call_type))
			return &typed_tools[i];
	}
	return NULL;
}

const struct responses_typed *
responses_typed_by_output(struct jsonspan_value item_type)
{
	for (size_t i = 0; i < COUNT(typed_tools); i++) {
		if (jsonspan_str_is(item_type, typed_tools[i].output_type))
			return &typed_tools[i];
	}
	return NULL;
}

/* ---- tools ---- */

struct reader {
	struct request *request;
	size_t count; /* tools so far */
	struct err *err;
};

static struct tool *
add_tool(struct reader *reader, enum tool_kind kind, struct jsonspan_value source, const char *path)
{
	if (reader->count++ == TOOLS_MAX) {
		(void)read_json_wrong(reader->err, path, NULL, "is one tool too many");
		return NULL;
	}
	struct tool *tool = request_add_tool(reader->request, kind);
	if (tool == NULL) {
		(void)responses_full(reader->err);
		return NULL;
	}
	tool->raw_json = source.raw;
	tool->path = path;
	return tool;
}

static bool
is_declared(const struct request *request, struct view name, struct view space)
{
	for (const struct tool *tool = request->tools; tool != NULL; tool = tool->next) {
		if (tool->name_plain.len > 0 && view_eq(tool->name_plain, name) &&
		    view_eq(tool->space_plain, space))
			return true;
	}
	return false;
}

/* A function or custom tool. */
static bool
read_named(struct reader *reader, struct jsonspan_value source, enum tool_kind kind,
    struct view space, const char *path)
{
	enum { NAME, DESCRIPTION, PARAMETERS, STRICT, FORMAT, MEMBERS };
	struct jsonspan_want m[MEMBERS] = {
	    [NAME] = {.key = "name"},
	    [DESCRIPTION] = {.key = "description"},
	    [PARAMETERS] = {.key = "parameters"},
	    [STRICT] = {.key = "strict"},
	    [FORMAT] = {.key = "format"},
	};
	struct err *err = reader->err;
	struct jsonspan_value schema = {0}, format = {0};
	struct view name = {NULL, 0};
	read_json_members(source, m, MEMBERS);
	if (!read_json_need(&m[NAME], path, err) ||
	    !read_json_plain(reader->request->arena, &m[NAME], path, &name, err))
		return false;
	if (is_declared(reader->request, name, space))
		return true;
	struct tool *tool = add_tool(reader, kind, source, path);
	if (tool == NULL)
		return false;
	tool->name_plain = name;
	tool->space_plain = space;
	tool->form = kind == TOOL_CUSTOM ? CALL_CUSTOM : CALL_FUNCTION;
	bool ok = read_json_text(&m[DESCRIPTION], path, &tool->description_text, err) &&
		  read_json_kind(&m[PARAMETERS], path, JSONSPAN_OBJECT, &schema, err) &&
		  read_json_tri(&m[STRICT], path, &tool->strict, err) &&
		  read_json_kind(&m[FORMAT], path, JSONSPAN_OBJECT, &format, err);
	tool->schema_json = schema.raw;
	if (jsonspan_str_is(jsonspan_get(format, "type"), "grammar"))
		tool->format_json = format.raw;
	return ok;
}

static bool
read_typed(struct reader *reader, struct jsonspan_value source, const struct responses_typed *typed,
    const char *path)
{
	if (is_declared(reader->request, view_of(typed->type), VIEW("")))
		return true;
	struct tool *tool = add_tool(reader, TOOL_TYPED, source, path);
	if (tool == NULL)
		return false;
	tool->form = typed->form;
	tool->type_plain = tool->name_plain = view_of(typed->type);
	tool->description_text = view_of(typed->description_text);
	tool->schema_json = view_of(typed->schema);
	return true;
}

/* A search that may not leave the vendor's cache has no like elsewhere: it stays a hosted tool. */
static bool
read_hosted(struct reader *reader, struct jsonspan_value source, struct jsonspan_value type,
    const char *path)
{
	bool live = true;
	bool search =
	    type.kind == JSONSPAN_STRING && view_starts(read_json_inside(type), "web_search");
	if (jsonspan_bool(jsonspan_get(source, "external_web_access"), &live) && !live)
		search = false;
	struct tool *tool = add_tool(reader, search ? TOOL_WEB_SEARCH : TOOL_HOSTED, source, path);
	if (tool == NULL)
		return false;
	tool->type_plain = read_json_unescape(reader->request->arena, type);
	if (tool->type_plain.data == NULL)
		return responses_full(reader->err);
	if (!search)
		return true;
	struct jsonspan_value domains =
	    jsonspan_get(jsonspan_get(source, "filters"), "allowed_domains");
	struct jsonspan_value place = jsonspan_get(source, "user_location");
	tool->name_plain = VIEW("web_search");
	if (domains.kind == JSONSPAN_ARRAY)
		tool->allowed_domains_json = domains.raw;
	if (place.kind == JSONSPAN_OBJECT)
		tool->user_location_json = place.raw;
	tool->context_size_text = read_json_inside(jsonspan_get(source, "search_context_size"));
	return true;
}

static bool read_list(
    struct reader *reader, struct jsonspan_value list, struct view space, const char *path);

/* {"type":"namespace","name":..,"tools":[..]}. Tools of "functions" are called without it. */
static bool
read_namespace(struct reader *reader, struct jsonspan_value source, const char *path)
{
	struct jsonspan_want name = {.key = "name"};
	struct view space = {NULL, 0};
	read_json_members(source, &name, 1);
	if (!read_json_need(&name, path, reader->err) ||
	    !read_json_plain(reader->request->arena, &name, path, &space, reader->err))
		return false;
	if (view_eq_str(space, "functions"))
		space = VIEW("");
	return read_list(reader, jsonspan_get(source, "tools"), space,
	    read_json_path(reader->request->arena, "%s.tools", path));
}

static bool
read_tool(struct reader *reader, struct jsonspan_value source, struct view space, const char *path)
{
	struct jsonspan_value type = jsonspan_get(source, "type");
	const struct responses_typed *typed = responses_typed_by_type(type);
	if (type.kind != JSONSPAN_STRING)
		return read_json_wrong(reader->err, path, "type", "is required");
	if (jsonspan_str_is(type, "function"))
		return read_named(reader, source, TOOL_FUNCTION, space, path);
	if (jsonspan_str_is(type, "custom"))
		return read_named(reader, source, TOOL_CUSTOM, space, path);
	if (typed != NULL)
		return read_typed(reader, source, typed, path);
	if (jsonspan_str_is(type, "namespace") && space.data == NULL)
		return read_namespace(reader, source, path);
	/* The vendor's own search finds tools of this list, which are all declared. */
	if (jsonspan_str_is(type, "tool_search") &&
	    !jsonspan_str_is(jsonspan_get(source, "execution"), "client"))
		return true;
	return read_hosted(reader, source, type, path);
}

static bool
read_list(struct reader *reader, struct jsonspan_value list, struct view space, const char *path)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	if (list.kind != JSONSPAN_ARRAY)
		return list.kind == JSONSPAN_NONE || list.kind == JSONSPAN_NULL ||
		       read_json_wrong(reader->err, path, NULL, "must be an array");
	jsonspan_iter_init(&iter, list);
	for (unsigned i = 0; jsonspan_next(&iter, &item); i++) {
		const char *at = read_json_path(reader->request->arena, "%s[%u]", path, i);
		if (!read_tool(reader, item.value, space, at))
			return false;
	}
	return true;
}

bool
responses_tools_decode(
    struct request *request, struct jsonspan_value list, const char *path, struct err *err)
{
	struct reader reader = {.request = request, .err = err};
	for (const struct tool *tool = request->tools; tool != NULL; tool = tool->next)
		reader.count++;
	return read_list(&reader, list, (struct view){NULL, 0}, path);
}

/* ---- tool_choice ---- */

/* {"type":"allowed_tools","mode":..,"tools":[{"type":"function","name":..},..]} */
static bool
read_allowed(struct request *request, struct jsonspan_value choice, struct err *err)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	struct text_list **end = &request->allowed;
	struct jsonspan_value list = jsonspan_get(choice, "tools");
	request->choice =
	    jsonspan_str_is(jsonspan_get(choice, "mode"), "required") ? CHOICE_ANY : CHOICE_AUTO;
	if (list.kind != JSONSPAN_ARRAY)
		return read_json_wrong(err, "tool_choice", "tools", "must be an array");
	jsonspan_iter_init(&iter, list);
	while (jsonspan_next(&iter, &item)) {
		struct jsonspan_value name = jsonspan_get(item.value, "name");
		if (name.kind != JSONSPAN_STRING)
			name = jsonspan_get(item.value, "type");
		if (name.kind != JSONSPAN_STRING)
			return read_json_wrong(err, "tool_choice", "tools", "must name tools");
		struct text_list *entry = arena_alloc(request->arena, sizeof(*entry));
		if (entry == NULL)
			return responses_full(err);
		entry->text = read_json_unescape(request->arena, name);
		*end = entry;
		end = &entry->next;
	}
	return true;
}

static bool
read_choice_object(struct request *request, struct jsonspan_value choice, struct err *err)
{
	enum { NAME, SPACE, MEMBERS };
	struct jsonspan_want m[MEMBERS] = {
	    [NAME] = {.key = "name"}, [SPACE] = {.key = "namespace"}};
	struct jsonspan_value type = jsonspan_get(choice, "type");
	const struct responses_typed *typed = responses_typed_by_type(type);
	bool custom = jsonspan_str_is(type, "custom");
	if (jsonspan_str_is(type, "allowed_tools"))
		return read_allowed(request, choice, err);
	request->choice = CHOICE_ONE;
	if (typed != NULL) {
		request->choice_form = typed->form;
		request->choice_name_plain = view_of(typed->type);
		return true;
	}
	if (custom || jsonspan_str_is(type, "function")) {
		read_json_members(choice, m, MEMBERS);
		request->choice_form = custom ? CALL_CUSTOM : CALL_FUNCTION;
		return read_json_need(&m[NAME], "tool_choice", err) &&
		       read_json_plain(request->arena, &m[NAME], "tool_choice",
			   &request->choice_name_plain, err) &&
		       read_json_plain(request->arena, &m[SPACE], "tool_choice",
			   &request->choice_space_plain, err);
	}
	if (type.kind == JSONSPAN_STRING && view_starts(read_json_inside(type), "web_search")) {
		request->choice_name_plain = VIEW("web_search");
		return true;
	}
	/* Another tool of the vendor: for its own family only. */
	request->choice = CHOICE_AUTO;
	return read_json_leftover(request, VIEW("tool_choice"), choice, false) ||
	       responses_full(err);
}

bool
responses_choice_decode(struct request *request, struct jsonspan_value choice, struct err *err)
{
	static const struct {
		const char *word;
		enum choice choice;
	} words[] = {{"auto", CHOICE_AUTO}, {"none", CHOICE_NONE}, {"required", CHOICE_ANY}};
	if (choice.kind == JSONSPAN_NONE)
		return true;
	if (choice.kind == JSONSPAN_OBJECT)
		return read_choice_object(request, choice, err);
	for (size_t i = 0; i < COUNT(words); i++) {
		if (jsonspan_str_is(choice, words[i].word)) {
			request->choice = words[i].choice;
			return true;
		}
	}
	return read_json_wrong(err, "", "tool_choice", "is no known choice");
}
