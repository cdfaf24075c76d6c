/* Requests, written: tools and the choice among them. */
#include "anthropic.h"
#include "freeform.h"

#include <string.h>

static bool
lose(struct anthropic_write *write, const char *path)
{
	return ledger_lose(write->options->ledger, write->err, "%s", path);
}

static bool
is_same(const struct tool *tool, struct view name, struct view space)
{
	return tool->name_plain.len > 0 && view_eq(tool->name_plain, name) &&
	       view_eq(tool->space_plain, space);
}

/* The first declaration of a name counts. */
static bool
is_repeated(const struct request *request, const struct tool *tool)
{
	const struct tool *it = request->tools;
	while (it != tool && !is_same(it, tool->name_plain, tool->space_plain))
		it = it->next;
	return it != tool;
}

static bool
is_allowed(const struct request *request, const struct tool *tool)
{
	if (request->allowed == NULL)
		return true;
	for (const struct text_list *it = request->allowed; it != NULL; it = it->next) {
		if (view_eq(it->text, tool->name_plain))
			return true;
	}
	return false;
}

/* A server tool of another family has no place here. */
static bool
is_foreign(const struct request *request, const struct tool *tool)
{
	return tool->kind == TOOL_HOSTED && request->from != WIRE_ANTHROPIC;
}

static bool
is_written(const struct request *request, const struct tool *tool)
{
	return is_allowed(request, tool) && !is_foreign(request, tool) &&
	       !is_repeated(request, tool);
}

static bool
write_schema(struct anthropic_write *write, const struct tool *tool)
{
	struct write_json *json = &write->json;
	bool merged = false;
	write_json_key(json, "input_schema");
	json->comma = true;
	if (tool->kind == TOOL_CUSTOM)
		return bytes_append_str(json->out, FREEFORM_SCHEMA) || anthropic_full(write->err);
	if (!anthropic_schema_input(tool->schema_json, json->out, &merged))
		return ledger_refuse(write->err, tool->path,
		    "the anthropic protocol takes an object schema alone as the parameters of a "
		    "tool");
	return !merged || lose(write, tool->path);
}

static bool
write_description(struct anthropic_write *write, const struct tool *tool)
{
	struct write_json *json = &write->json;
	bool custom = tool->kind == TOOL_CUSTOM && tool->format_json.len > 0;
	if (tool->description_text.len == 0 && !custom)
		return true;
	write_json_key(json, "description");
	write_json_open(json);
	if (custom) {
		if (!freeform_description(tool->description_text, tool->format_json, json->out))
			return anthropic_full(write->err);
	} else {
		write_json_piece_text(json, tool->description_text);
	}
	write_json_close(json);
	return true;
}

static bool
write_function(struct anthropic_write *write, const struct tool *tool)
{
	struct write_json *json = &write->json;
	struct view name = names_to_wire(
	    write->options->names, tool->name_plain, tool->space_plain, (int)tool->form);
	if (name.len == 0)
		return anthropic_full(write->err);
	write_json_key_plain(json, "name", name);
	if (!write_description(write, tool) || !write_schema(write, tool))
		return false;
	if (tool->strict != TRI_YES)
		return true;
	if (!write->options->caps->json_schema)
		return ledger_lose(write->options->ledger, write->err, "%s.strict", tool->path);
	write_json_key_bool(json, "strict", true);
	return true;
}

/* The oldest version of the tool is the one that every model takes. */
static bool
write_search(struct anthropic_write *write, const struct tool *tool)
{
	struct write_json *json = &write->json;
	write_json_key_str(json, "type", "web_search_20250305");
	write_json_key_str(json, "name", "web_search");
	if (tool->allowed_domains_json.len > 0)
		write_json_key_raw(json, "allowed_domains", tool->allowed_domains_json);
	if (tool->user_location_json.len > 0)
		write_json_key_raw(json, "user_location", tool->user_location_json);
	return tool->context_size_text.len == 0 || ledger_lose(write->options->ledger, write->err,
						       "%s.search_context_size", tool->path);
}

static bool
write_tool(struct anthropic_write *write, const struct tool *tool)
{
	struct write_json *json = &write->json;
	if (tool->raw_json.len > 0 && write->request->from == WIRE_ANTHROPIC) {
		write_json_raw(json, tool->raw_json);
		return true;
	}
	write_json_object(json);
	if (!(tool->kind == TOOL_WEB_SEARCH ? write_search(write, tool)
					    : write_function(write, tool)))
		return false;
	if (tool->cache != CACHE_NONE) {
		if (write->marks_head > 0) {
			anthropic_cache_write(json, tool->cache);
			write->marks_head--;
		} else if (!ledger_lose(write->options->ledger, write->err, "%s.cache_control",
			       tool->path)) {
			return false;
		}
	}
	write_json_object_end(json);
	return true;
}

/* The choice as this request can have it: one tool that is not written can't be asked for, and
 * models that think by budget take no force. */
static bool
settle_choice(struct anthropic_write *write, enum choice *choice)
{
	const struct request *request = write->request;
	bool found = request->choice != CHOICE_ONE;
	*choice = request->choice;
	for (const struct tool *tool = request->tools; tool != NULL && !found; tool = tool->next)
		found = is_same(tool, request->choice_name_plain, request->choice_space_plain) &&
			is_written(request, tool);
	bool forces = *choice == CHOICE_ONE || *choice == CHOICE_ANY;
	bool force_fits = !write->thinking || !write->by_budget;
	if (found && (!forces || force_fits))
		return true;
	*choice = CHOICE_AUTO;
	return lose(write, "tool_choice");
}

static bool
write_choice(struct anthropic_write *write)
{
	static const char *const words[] = {
	    [CHOICE_ABSENT] = "auto",
	    [CHOICE_AUTO] = "auto",
	    [CHOICE_NONE] = "none",
	    [CHOICE_ANY] = "any",
	    [CHOICE_ONE] = "tool",
	};
	const struct request *request = write->request;
	struct write_json *json = &write->json;
	enum choice choice = CHOICE_ABSENT;
	if (!settle_choice(write, &choice))
		return false;
	bool serial = request->parallel == TRI_NO && choice != CHOICE_NONE;
	if (choice == CHOICE_ABSENT && !serial)
		return true;
	write_json_key_object(json, "tool_choice");
	write_json_key_str(json, "type", words[choice]);
	if (choice == CHOICE_ONE) {
		struct view name = names_to_wire(write->options->names, request->choice_name_plain,
		    request->choice_space_plain, (int)request->choice_form);
		write_json_key_plain(json, "name", name);
	}
	if (serial)
		write_json_key_bool(json, "disable_parallel_tool_use", true);
	write_json_object_end(json);
	return true;
}

bool
anthropic_tools_write(struct anthropic_write *write)
{
	const struct request *request = write->request;
	for (const struct tool *tool = request->tools; tool != NULL; tool = tool->next) {
		if (!is_allowed(request, tool) || is_repeated(request, tool))
			continue;
		if (is_foreign(request, tool)) {
			if (!lose(write, tool->path))
				return false;
			continue;
		}
		if (!write->has_tools)
			write_json_key_array(&write->json, "tools");
		write->has_tools = true;
		if (!write_tool(write, tool))
			return false;
	}
	if (!write->has_tools)
		return true;
	write_json_array_end(&write->json);
	return write_choice(write);
}
