/* Responses requests, written: tools and tool_choice. */
#include "responses.h"

#include "openai.h"

/* A tool that goes as it came: one that only its own family knows. */
static bool
is_native(const struct request *request, const struct tool *tool)
{
	return request->from == WIRE_RESPONSES && tool->kind != TOOL_FUNCTION &&
	       tool->kind != TOOL_CUSTOM;
}

static bool
is_sent(const struct request *request, const struct tool *tool)
{
	return is_native(request, tool) || tool->kind != TOOL_HOSTED;
}

/* A schema must be an object's and have "properties"; root is {} when there is none. */
static void
write_schema(struct write_json *json, struct view schema)
{
	struct jsonspan_value root = jsonspan_root(schema);
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	bool typed = jsonspan_get(root, "type").kind != JSONSPAN_NONE;
	bool union_root = jsonspan_get(root, "anyOf").kind != JSONSPAN_NONE ||
			  jsonspan_get(root, "oneOf").kind != JSONSPAN_NONE ||
			  jsonspan_get(root, "allOf").kind != JSONSPAN_NONE ||
			  jsonspan_get(root, "$ref").kind != JSONSPAN_NONE;
	bool complete = jsonspan_get(root, "properties").kind != JSONSPAN_NONE;
	if (root.kind == JSONSPAN_OBJECT && typed && (complete || union_root)) {
		write_json_key_raw(json, "parameters", root.raw);
		return;
	}
	write_json_key_object(json, "parameters");
	if (!typed)
		write_json_key_str(json, "type", "object");
	if (root.kind == JSONSPAN_OBJECT) {
		jsonspan_iter_init(&iter, root);
		while (jsonspan_next(&iter, &member))
			write_json_raw(json, member.whole);
	}
	if (!complete && !union_root)
		write_json_key_raw(json, "properties", VIEW("{}"));
	write_json_object_end(json);
}

static bool
write_named(struct responses_write *write, const struct tool *tool)
{
	struct write_json *json = &write->json;
	bool custom = tool->kind == TOOL_CUSTOM;
	struct view name;
	if (!responses_wire_name(write, tool->name_plain, tool->space_plain, tool->form, &name))
		return false;
	write_json_object(json);
	write_json_key_str(json, "type", custom ? "custom" : "function");
	write_json_key_plain(json, "name", name);
	if (tool->description_text.len > 0)
		write_json_key_text(json, "description", tool->description_text);
	if (custom && tool->format_json.len > 0)
		write_json_key_raw(json, "format", tool->format_json);
	bool binds = tool->strict == TRI_YES && openai_tool_binds(write->request, tool);
	if (!custom) {
		write_schema(json, tool->schema_json);
		/* Left out, it would mean yes. */
		write_json_key_bool(json, "strict", binds);
	}
	write_json_object_end(json);
	return binds || custom || tool->strict != TRI_YES ||
	       ledger_lose(write->options->ledger, write->err, "%s.strict", tool->path);
}

static void
write_search(struct write_json *json, const struct tool *tool)
{
	write_json_object(json);
	write_json_key_str(json, "type", "web_search");
	if (tool->allowed_domains_json.len > 0) {
		write_json_key_object(json, "filters");
		write_json_key_raw(json, "allowed_domains", tool->allowed_domains_json);
		write_json_object_end(json);
	}
	if (tool->user_location_json.len > 0)
		write_json_key_raw(json, "user_location", tool->user_location_json);
	if (tool->context_size_text.len > 0)
		write_json_key_text(json, "search_context_size", tool->context_size_text);
	write_json_object_end(json);
}

/* The first declaration of a name wins. */
static bool
is_repeated(const struct request *request, const struct tool *tool)
{
	const struct tool *other = request->tools;
	if (tool->kind == TOOL_HOSTED || is_native(request, tool))
		return false;
	while (other != tool && (other->kind == TOOL_HOSTED || is_native(request, other) ||
				    !view_eq(other->name_plain, tool->name_plain) ||
				    !view_eq(other->space_plain, tool->space_plain)))
		other = other->next;
	return other != tool;
}

static bool
write_tool(struct responses_write *write, const struct tool *tool)
{
	if (is_native(write->request, tool)) {
		write_json_raw(&write->json, tool->raw_json);
		return true;
	}
	if (tool->kind == TOOL_WEB_SEARCH) {
		write_search(&write->json, tool);
		return true;
	}
	return write_named(write, tool);
}

/* ---- tool_choice ---- */

static const struct tool *
find_tool(const struct request *request, struct view name, struct view space, bool any_space)
{
	for (const struct tool *tool = request->tools; tool != NULL; tool = tool->next) {
		struct view own = tool->name_plain.len > 0 ? tool->name_plain : tool->type_plain;
		if (is_sent(request, tool) && view_eq(own, name) &&
		    (any_space || view_eq(tool->space_plain, space)))
			return tool;
	}
	return NULL;
}

static bool
write_reference(struct responses_write *write, const struct tool *tool)
{
	struct write_json *json = &write->json;
	bool native = is_native(write->request, tool) || tool->kind == TOOL_WEB_SEARCH;
	struct view name;
	write_json_object(json);
	if (native) {
		bool own = is_native(write->request, tool);
		write_json_key_plain(json, "type", own ? tool->type_plain : VIEW("web_search"));
		write_json_object_end(json);
		return true;
	}
	if (!responses_wire_name(write, tool->name_plain, tool->space_plain, tool->form, &name))
		return false;
	write_json_key_str(json, "type", tool->kind == TOOL_CUSTOM ? "custom" : "function");
	write_json_key_plain(json, "name", name);
	write_json_object_end(json);
	return true;
}

static bool
write_allowed(struct responses_write *write)
{
	const struct request *request = write->request;
	struct write_json *json = &write->json;
	write_json_object(json);
	write_json_key_str(json, "type", "allowed_tools");
	write_json_key_str(json, "mode", request->choice == CHOICE_ANY ? "required" : "auto");
	write_json_key_array(json, "tools");
	for (const struct text_list *name = request->allowed; name != NULL; name = name->next) {
		const struct tool *tool = find_tool(request, name->text, VIEW(""), true);
		if (tool != NULL && !write_reference(write, tool))
			return false;
	}
	write_json_array_end(json);
	write_json_object_end(json);
	return true;
}

/* Of the tools that may be used one is sent. */
static bool
has_allowed(const struct request *request)
{
	const struct text_list *name = request->allowed;
	while (name != NULL && find_tool(request, name->text, VIEW(""), true) == NULL)
		name = name->next;
	return name != NULL;
}

static bool
write_choice(struct responses_write *write)
{
	static const char *const words[] = {
	    [CHOICE_AUTO] = "auto", [CHOICE_NONE] = "none", [CHOICE_ANY] = "required"};
	const struct request *request = write->request;
	const struct leftover *left = request->leftovers;
	enum choice choice = request->choice;
	const struct tool *tool = NULL;
	if (choice == CHOICE_ABSENT)
		return true;
	for (; left != NULL && request->from == WIRE_RESPONSES; left = left->next) {
		if (view_eq_str(VIEW("tool_choice"), left->name)) {
			write_json_key_raw(&write->json, "tool_choice", left->json);
			return true;
		}
	}
	if (choice == CHOICE_ONE) {
		tool = find_tool(
		    request, request->choice_name_plain, request->choice_space_plain, false);
		choice = CHOICE_AUTO;
		if (tool == NULL && !ledger_lose(write->options->ledger, write->err, "tool_choice"))
			return false;
	}
	bool limits = tool == NULL && request->allowed != NULL && choice != CHOICE_NONE;
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
responses_tools_encode(struct responses_write *write)
{
	const struct request *request = write->request;
	size_t sent = 0;
	for (const struct tool *tool = request->tools; tool != NULL; tool = tool->next) {
		if (!is_sent(request, tool)) {
			if (!ledger_lose(write->options->ledger, write->err, "%s", tool->path))
				return false;
			continue;
		}
		if (is_repeated(request, tool))
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
	if (request->parallel != TRI_ABSENT)
		write_json_key_bool(
		    &write->json, "parallel_tool_calls", request->parallel == TRI_YES);
	return true;
}
