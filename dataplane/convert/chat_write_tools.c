/* Chat Completions requests, written: tools and tool_choice. */
#include "chat.h"
#include "freeform.h"
#include "read_json.h"

#define TOOLS_MAX 4096

/* A JSON object that is never complete without "properties" at some upstreams. */
static bool
write_schema(struct chat_write *write, struct view schema)
{
	struct jsonspan_value root = jsonspan_root(schema);
	struct write_json *json = &write->json;
	if (root.kind != JSONSPAN_OBJECT || read_json_is_default(root)) {
		write_json_key_raw(
		    json, "parameters", VIEW("{\"type\":\"object\",\"properties\":{}}"));
		return true;
	}
	if (!jsonspan_str_is(jsonspan_get(root, "type"), "object") ||
	    jsonspan_get(root, "properties").kind != JSONSPAN_NONE) {
		write_json_key_raw(json, "parameters", schema);
		return true;
	}
	struct bytes full;
	bytes_init(&full, root.raw.len + 32);
	bool ok = bytes_append_view(&full, view_sub(root.raw, 0, root.raw.len - 1)) &&
		  bytes_append_str(&full, ",\"properties\":{}}");
	write_json_key_raw(json, "parameters", bytes_view(&full));
	bytes_fini(&full);
	return ok || chat_full(write->err);
}

static bool
write_function(struct chat_write *write, const struct tool *tool, struct view name,
    struct view description, struct view schema)
{
	struct write_json *json = &write->json;
	write_json_object(json);
	write_json_key_str(json, "type", "function");
	write_json_key_object(json, "function");
	write_json_key_plain(json, "name", name);
	if (description.len > 0)
		write_json_key_text(json, "description", description);
	if (!write_schema(write, schema))
		return false;
	bool binds = tool->strict == TRI_YES && openai_tool_binds(write->request, tool);
	if (binds)
		write_json_key_bool(json, "strict", true);
	write_json_object_end(json);
	write_json_object_end(json);
	return binds || tool->strict != TRI_YES ||
	       ledger_lose(write->options->ledger, write->err, "%s.strict", tool->path);
}

/* A custom tool where they are native; its format gets its nesting back. */
static void
write_custom(struct chat_write *write, const struct tool *tool, struct view name)
{
	struct write_json *json = &write->json;
	struct jsonspan_value format = jsonspan_root(tool->format_json);
	struct jsonspan_value syntax = jsonspan_get(format, "syntax");
	struct jsonspan_value definition = jsonspan_get(format, "definition");
	write_json_object(json);
	write_json_key_str(json, "type", "custom");
	write_json_key_object(json, "custom");
	write_json_key_plain(json, "name", name);
	if (tool->description_text.len > 0)
		write_json_key_text(json, "description", tool->description_text);
	if (syntax.kind == JSONSPAN_STRING && definition.kind == JSONSPAN_STRING) {
		write_json_key_object(json, "format");
		write_json_key_str(json, "type", "grammar");
		write_json_key_object(json, "grammar");
		write_json_key_raw(json, "syntax", syntax.raw);
		write_json_key_raw(json, "definition", definition.raw);
		write_json_object_end(json);
		write_json_object_end(json);
	}
	write_json_object_end(json);
	write_json_object_end(json);
}

static bool
write_custom_as_function(struct chat_write *write, const struct tool *tool, struct view name)
{
	struct bytes description;
	bytes_init(&description, tool->description_text.len + 2 * tool->format_json.len + 4096);
	bool ok = freeform_description(tool->description_text, tool->format_json, &description) ||
		  chat_full(write->err);
	ok = ok &&
	     write_function(write, tool, name, bytes_view(&description), VIEW(FREEFORM_SCHEMA));
	bytes_fini(&description);
	return ok;
}

/* Web search is a member of its own, and only some models take it. */
static bool
takes_search(const struct chat_write *write, const struct tool *tool)
{
	return tool->kind == TOOL_WEB_SEARCH &&
	       view_find(write->options->model_text, "-search") >= 0;
}

static bool
is_sent(const struct tool *tool)
{
	return tool->kind == TOOL_FUNCTION || tool->kind == TOOL_CUSTOM ||
	       (tool->kind == TOOL_TYPED && tool->schema_json.len > 0);
}

/* The first declaration of a name wins. */
static bool
is_repeated(const struct request *request, const struct tool *tool)
{
	for (const struct tool *other = request->tools; other != tool; other = other->next) {
		if (is_sent(other) && view_eq(other->name_plain, tool->name_plain) &&
		    view_eq(other->space_plain, tool->space_plain))
			return true;
	}
	return false;
}

static bool
write_tool(struct chat_write *write, const struct tool *tool)
{
	struct view name;
	if (!chat_wire_name(write, tool->name_plain, tool->space_plain, tool->form, &name))
		return false;
	if (tool->kind != TOOL_CUSTOM)
		return write_function(write, tool, name, tool->description_text, tool->schema_json);
	if (!write->options->flags->custom_tools)
		return write_custom_as_function(write, tool, name);
	write_custom(write, tool, name);
	return true;
}

static bool
write_search(struct chat_write *write, const struct tool *tool)
{
	struct write_json *json = &write->json;
	struct jsonspan_value location = jsonspan_root(tool->user_location_json);
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	write_json_key_object(json, "web_search_options");
	if (tool->context_size_text.len > 0)
		write_json_key_text(json, "search_context_size", tool->context_size_text);
	if (location.kind == JSONSPAN_OBJECT) {
		write_json_key_object(json, "user_location");
		write_json_key_str(json, "type", "approximate");
		write_json_key_object(json, "approximate");
		jsonspan_iter_init(&iter, location);
		while (jsonspan_next(&iter, &member)) {
			if (!jsonspan_key_is(&member, "type"))
				write_json_raw(json, member.whole);
		}
		write_json_object_end(json);
		write_json_object_end(json);
	}
	write_json_object_end(json);
	return tool->allowed_domains_json.len == 0 ||
	       ledger_lose(write->options->ledger, write->err, "%s.allowed_domains", tool->path);
}

/* ---- tool_choice ---- */

static void
write_named(struct chat_write *write, struct view name, bool custom)
{
	const char *type = custom ? "custom" : "function";
	write_json_object(&write->json);
	write_json_key_str(&write->json, "type", type);
	write_json_key_object(&write->json, type);
	write_json_key_plain(&write->json, "name", name);
	write_json_object_end(&write->json);
	write_json_object_end(&write->json);
}

static const struct tool *
find_sent(const struct request *request, struct view name, struct view space, bool any_space)
{
	for (const struct tool *tool = request->tools; tool != NULL; tool = tool->next) {
		if (is_sent(tool) && view_eq(tool->name_plain, name) &&
		    (any_space || view_eq(tool->space_plain, space)))
			return tool;
	}
	return NULL;
}

static bool
write_reference(struct chat_write *write, const struct tool *tool)
{
	struct view name;
	if (!chat_wire_name(write, tool->name_plain, tool->space_plain, tool->form, &name))
		return false;
	write_named(write, name, tool->kind == TOOL_CUSTOM && write->options->flags->custom_tools);
	return true;
}

static bool
write_allowed(struct chat_write *write)
{
	struct write_json *json = &write->json;
	write_json_object(json);
	write_json_key_str(json, "type", "allowed_tools");
	write_json_key_object(json, "allowed_tools");
	write_json_key_str(
	    json, "mode", write->request->choice == CHOICE_ANY ? "required" : "auto");
	write_json_key_array(json, "tools");
	for (const struct text_list *name = write->request->allowed; name; name = name->next) {
		const struct view none = {NULL, 0};
		const struct tool *tool = find_sent(write->request, name->text, none, true);
		if (tool != NULL && !write_reference(write, tool))
			return false;
	}
	write_json_array_end(json);
	write_json_object_end(json);
	write_json_object_end(json);
	return true;
}

/* Of the tools that may be used one is sent. */
static bool
has_allowed(const struct request *request)
{
	const struct view none = {NULL, 0};
	const struct text_list *name = request->allowed;
	while (name != NULL && find_sent(request, name->text, none, true) == NULL)
		name = name->next;
	return name != NULL;
}

static bool
write_choice(struct chat_write *write)
{
	static const char *const words[] = {
	    [CHOICE_AUTO] = "auto", [CHOICE_NONE] = "none", [CHOICE_ANY] = "required"};
	const struct request *request = write->request;
	enum choice choice = request->choice;
	const struct tool *tool = NULL;
	if (choice == CHOICE_ABSENT)
		return true;
	if (choice == CHOICE_ONE) {
		tool = find_sent(
		    request, request->choice_name_plain, request->choice_space_plain, false);
		if (tool == NULL) {
			choice = CHOICE_AUTO;
			if (!ledger_lose(write->options->ledger, write->err, "tool_choice"))
				return false;
		}
	}
	bool limits = request->allowed != NULL && (choice == CHOICE_AUTO || choice == CHOICE_ANY);
	if (limits && !has_allowed(request)) {
		limits = false;
		choice = CHOICE_NONE; /* never one that the client did not allow */
		if (!ledger_lose(write->options->ledger, write->err, "tool_choice"))
			return false;
	}
	write_json_key(&write->json, "tool_choice");
	if (tool != NULL)
		return write_reference(write, tool);
	if (limits)
		return write_allowed(write);
	write_json_plain(&write->json, view_of(words[choice]));
	return true;
}

/* What goes with the tools goes only with tools. */
bool
chat_tools_encode(struct chat_write *write)
{
	const struct request *request = write->request;
	unsigned sent = 0, seen = 0;
	for (const struct tool *tool = request->tools; tool != NULL; tool = tool->next) {
		if (++seen > TOOLS_MAX)
			return err_set(write->err, ERR_LIMIT, "tools", "too many tools");
		bool ok = true;
		if (takes_search(write, tool))
			ok = write_search(write, tool);
		else if (!is_sent(tool))
			ok = ledger_lose(write->options->ledger, write->err, "%s", tool->path);
		if (!ok)
			return false;
	}
	for (const struct tool *tool = request->tools; tool != NULL; tool = tool->next) {
		if (!is_sent(tool) || is_repeated(request, tool))
			continue;
		if (sent++ == 0)
			write_json_key_array(&write->json, "tools");
		if (!write_tool(write, tool))
			return false;
	}
	if (sent == 0)
		return true;
	write_json_array_end(&write->json);
	if (!write_choice(write))
		return false;
	if (request->parallel == TRI_NO)
		write_json_key_bool(&write->json, "parallel_tool_calls", false);
	return true;
}
