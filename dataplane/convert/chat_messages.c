/* Chat Completions messages -> turns, one for each message. */
#include "chat.h"
#include "read_json.h"

#define LOOKUP_PARTS_MAX                                                                           \
	4096 /* a hostile list of calls costs no more than this for each result                    \
	      */

struct walk {
	struct request *request;
	struct view legacy_id; /* of the last function_call */
	struct err *err;
};

/* ---- calls ---- */

static struct part *
add_call(
    struct walk *walk, struct turn *turn, const struct read_json_object *inner, const char *path)
{
	struct jsonspan_want name = read_json_want(inner, "name");
	struct part *part = turn_add_part(walk->request, turn, PART_CALL);
	if (part == NULL) {
		(void)chat_full(walk->err);
		return NULL;
	}
	part->path = path;
	if (!read_json_need(&name, path, walk->err) ||
	    !read_json_plain(walk->request->arena, &name, path, &part->name_plain, walk->err))
		return NULL;
	return part;
}

/* {"name":..,"arguments":".."}; some clients send the object itself. */
static bool
read_function(struct walk *walk, struct turn *turn, struct jsonspan_value source, struct view id,
    const char *path)
{
	struct read_json_object function;
	read_json_object(source, &function);
	struct jsonspan_value arguments = read_json_get(&function, "arguments");
	struct part *part = add_call(walk, turn, &function, path);
	if (part == NULL)
		return false;
	part->id_plain = id;
	part->form = CALL_FUNCTION;
	if (arguments.kind == JSONSPAN_OBJECT) {
		part->input_json = arguments.raw;
		return true;
	}
	return read_json_arguments(walk->request->arena, arguments, part) || chat_full(walk->err);
}

static bool
read_call(struct walk *walk, struct turn *turn, struct jsonspan_value source, const char *path)
{
	struct read_json_object call, custom;
	struct view id_plain = {NULL, 0};
	read_json_object(source, &call);
	struct jsonspan_want id = read_json_want(&call, "id");
	struct jsonspan_value inner = read_json_get(&call, "custom");
	if (!read_json_plain(walk->request->arena, &id, path, &id_plain, walk->err))
		return false;
	if (inner.kind != JSONSPAN_OBJECT)
		return read_function(walk, turn, read_json_get(&call, "function"), id_plain, path);
	read_json_object(inner, &custom);
	struct part *part = add_call(walk, turn, &custom, path);
	if (part == NULL)
		return false;
	part->id_plain = id_plain;
	part->form = CALL_CUSTOM;
	part->text = read_json_inside(read_json_get(&custom, "input"));
	return true;
}

static bool
read_calls(
    struct walk *walk, struct turn *turn, const struct read_json_object *message, const char *path)
{
	struct jsonspan_value calls = read_json_get(message, "tool_calls");
	struct jsonspan_value old = read_json_get(message, "function_call");
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	struct arena *arena = walk->request->arena;
	if (calls.kind != JSONSPAN_NONE && calls.kind != JSONSPAN_NULL &&
	    calls.kind != JSONSPAN_ARRAY)
		return read_json_wrong(walk->err, path, "tool_calls", "must be an array");
	jsonspan_iter_init(&iter, calls);
	for (unsigned i = 0; jsonspan_next(&iter, &item); i++) {
		const char *at = read_json_path(arena, "%s.tool_calls[%u]", path, i);
		if (!read_call(walk, turn, item.value, at))
			return false;
	}
	if (old.kind != JSONSPAN_OBJECT)
		return true;
	/* The old form has no ids: a call's result is the next function message. */
	struct view number = view_sub(view_of(path), sizeof("messages[") - 1, 10);
	(void)view_split(&number, ']', &walk->legacy_id);
	walk->legacy_id = arena_printf(arena, "fc_%.*s", VIEW_ARGS(walk->legacy_id));
	return read_function(
	    walk, turn, old, walk->legacy_id, read_json_path(arena, "%s.function_call", path));
}

/* ---- results ---- */

/* A result is written like its call: custom or function. */
static enum call_form
form_of_call(const struct turn *before, struct view id)
{
	const struct part *part = before != NULL ? before->first : NULL;
	for (unsigned i = 0; part != NULL && i < LOOKUP_PARTS_MAX; i++, part = part->next) {
		if (part->kind == PART_CALL && view_eq(part->id_plain, id))
			return part->form;
	}
	return CALL_FUNCTION;
}

static bool
read_result(struct walk *walk, const struct turn *caller, struct turn *turn,
    const struct read_json_object *message, struct view id, const char *path)
{
	struct part *part = turn_add_part(walk->request, turn, PART_RESULT);
	if (part == NULL)
		return chat_full(walk->err);
	part->path = path;
	part->id_plain = id;
	part->form = form_of_call(caller, id);
	part->cache = chat_cache_decode(message);
	return chat_content_decode(
	    walk->request, turn, part, read_json_get(message, "content"), path, walk->err);
}

/* ---- messages ---- */

static bool
read_assistant(
    struct walk *walk, struct turn *turn, const struct read_json_object *message, const char *path)
{
	struct view refusal = read_json_inside(read_json_get(message, "refusal"));
	if (!chat_thinking_decode(walk->request, turn, message, path, walk->err) ||
	    !chat_content_decode(
		walk->request, turn, NULL, read_json_get(message, "content"), path, walk->err))
		return false;
	if (refusal.len > 0) {
		struct part *part = turn_add_part(walk->request, turn, PART_REFUSAL);
		if (part == NULL)
			return chat_full(walk->err);
		part->text = refusal;
		part->path = read_json_path(walk->request->arena, "%s.refusal", path);
	}
	return read_calls(walk, turn, message, path);
}

/* The members of one role: its turn and what goes into it. `caller` is the last turn that called.
 */
static bool
read_message(struct walk *walk, struct turn **caller, const struct read_json_object *message,
    const char *path)
{
	struct jsonspan_value role = read_json_get(message, "role");
	bool developer = jsonspan_str_is(role, "developer");
	bool system = developer || jsonspan_str_is(role, "system");
	bool assistant = jsonspan_str_is(role, "assistant");
	bool tool = jsonspan_str_is(role, "tool");
	bool function = jsonspan_str_is(role, "function");
	if (!system && !assistant && !tool && !function && !jsonspan_str_is(role, "user"))
		return read_json_wrong(walk->err, path, "role", "is no known role");
	struct turn *turn = request_add_turn(walk->request, system      ? ROLE_SYSTEM
							    : assistant ? ROLE_ASSISTANT
									: ROLE_USER);
	if (turn == NULL)
		return chat_full(walk->err);
	turn->path = path;
	turn->developer = developer;
	if (assistant) {
		bool ok = read_assistant(walk, turn, message, path);
		if (turn->last != NULL && turn->last->kind == PART_CALL)
			*caller = turn;
		return ok;
	}
	if (function)
		return read_result(walk, *caller, turn, message, walk->legacy_id, path);
	if (!tool)
		return chat_content_decode(
		    walk->request, turn, NULL, read_json_get(message, "content"), path, walk->err);
	struct jsonspan_want id = read_json_want(message, "tool_call_id");
	struct view id_plain = {NULL, 0};
	return read_json_plain(walk->request->arena, &id, path, &id_plain, walk->err) &&
	       read_result(walk, *caller, turn, message, id_plain, path);
}

bool
chat_messages_decode(struct jsonspan_value messages, struct request *out, struct err *err)
{
	struct walk walk = {.request = out, .err = err};
	struct turn *caller = NULL;
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	struct read_json_object message;
	jsonspan_iter_init(&iter, messages);
	for (unsigned i = 0; jsonspan_next(&iter, &item); i++) {
		const char *path = read_json_path(out->arena, "messages[%u]", i);
		read_json_object(item.value, &message);
		if (!read_message(&walk, &caller, &message, path))
			return false;
		/* A mark on the message is its last part's, unless the part has its own. */
		struct part *last = out->last->last;
		if (last != NULL && last->cache == CACHE_NONE)
			last->cache = chat_cache_decode(&message);
	}
	return true;
}
