#include "walk.h"
#include <stdio.h>

struct walker {
	walk_fn *fn;
	void *ctx;
	unsigned message;
	const char *list; /* "messages" or "input" */
	struct err *err;
};

static bool
refuse(struct walker *w, const char *member, const char *what)
{
	char at[64];
	snprintf(at, sizeof(at), "%s.%u%s%s", w->list, w->message, member[0] ? "." : "", member);
	return err_set(w->err, ERR_PARSE, at, "%s", what);
}

static void
report(struct walker *w, enum walk_kind kind, struct jsonspan_value value)
{
	w->fn(&(struct walk_entry){.kind = kind, .message = w->message, .value = value}, w->ctx);
}

static struct jsonspan_value
get(struct jsonspan_value object, const char *key)
{
	return jsonspan_get(object, key);
}

/* A user's content in any protocol: a string, or parts of which some are text. */
static void
report_user_part(struct walker *w, struct jsonspan_value part)
{
	struct jsonspan_value type = get(part, "type");
	if (jsonspan_str_is(type, "text") || jsonspan_str_is(type, "input_text"))
		report(w, WALK_USER, get(part, "text"));
	else
		report(w, WALK_MEDIA, part);
}

static bool
user_content(struct walker *w, struct jsonspan_value content)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	if (content.kind == JSONSPAN_STRING) {
		report(w, WALK_USER, content);
		return true;
	}
	if (content.kind != JSONSPAN_ARRAY)
		return refuse(w, "content", "a string or a list of parts is needed");
	jsonspan_iter_init(&iter, content);
	while (jsonspan_next(&iter, &item)) {
		struct jsonspan_value part = item.value;
		if (get(part, "type").kind != JSONSPAN_STRING)
			return refuse(w, "content", "each part needs a type");
		if (jsonspan_str_is(get(part, "type"), "tool_result")) {
			struct walk_entry entry = {.kind = WALK_RESULT,
			    .message = w->message,
			    .value = get(part, "content"),
			    .id = get(part, "tool_use_id")};
			w->fn(&entry, w->ctx);
		} else {
			report_user_part(w, part);
		}
	}
	return true;
}

static void
messages_block(struct walker *w, struct jsonspan_value block)
{
	struct jsonspan_value type = get(block, "type");
	struct walk_entry entry = {.kind = WALK_SAID, .message = w->message};
	if (jsonspan_str_is(type, "text")) {
		entry.value = get(block, "text");
	} else if (jsonspan_str_is(type, "tool_use")) {
		entry.kind = WALK_CALL;
		entry.id = get(block, "id");
		entry.value = get(block, "input");
	} else if (jsonspan_str_is(type, "thinking")) {
		entry.kind = WALK_THINKING;
		entry.value = get(block, "thinking");
		entry.seal = get(block, "signature");
	} else if (jsonspan_str_is(type, "redacted_thinking")) {
		entry.kind = WALK_THINKING;
		entry.seal = get(block, "data");
	}
	w->fn(&entry, w->ctx);
}

static bool
messages_message(struct walker *w, struct jsonspan_value message)
{
	struct jsonspan_value role = get(message, "role"), content = get(message, "content");
	struct jsonspan_iter iter;
	struct jsonspan_member block;
	if (jsonspan_str_is(role, "user"))
		return user_content(w, content);
	if (content.kind != JSONSPAN_STRING && content.kind != JSONSPAN_ARRAY)
		return refuse(w, "content", "a string or a list of blocks is needed");
	if (jsonspan_str_is(role, "system")) {
		report(w, WALK_SYSTEM, content);
		return true;
	}
	if (!jsonspan_str_is(role, "assistant"))
		return refuse(w, "role", "must be user, assistant or system");
	if (content.kind == JSONSPAN_STRING)
		report(w, WALK_SAID, content);
	jsonspan_iter_init(&iter, content);
	while (content.kind == JSONSPAN_ARRAY && jsonspan_next(&iter, &block))
		messages_block(w, block.value);
	return true;
}

static bool
chat_message(struct walker *w, struct jsonspan_value message)
{
	struct jsonspan_value role = get(message, "role"), content = get(message, "content");
	struct jsonspan_iter iter;
	struct jsonspan_member call;
	struct walk_entry entry = {.kind = WALK_RESULT, .message = w->message, .value = content};
	if (jsonspan_str_is(role, "user"))
		return user_content(w, content);
	if (jsonspan_str_is(role, "system") || jsonspan_str_is(role, "developer")) {
		report(w, WALK_SYSTEM, content);
		return true;
	}
	if (jsonspan_str_is(role, "tool")) {
		entry.id = get(message, "tool_call_id");
		w->fn(&entry, w->ctx);
		return true;
	}
	if (!jsonspan_str_is(role, "assistant"))
		return refuse(w, "role", "must be system, developer, user, assistant or tool");
	if (content.kind == JSONSPAN_STRING || content.kind == JSONSPAN_ARRAY)
		report(w, WALK_SAID, content);
	entry = (struct walk_entry){.kind = WALK_CALL, .message = w->message};
	jsonspan_iter_init(&iter, get(message, "tool_calls"));
	while (jsonspan_next(&iter, &call)) {
		entry.id = get(call.value, "id");
		w->fn(&entry, w->ctx);
	}
	return true;
}

static bool
responses_message(struct walker *w, struct jsonspan_value item)
{
	struct jsonspan_value role = get(item, "role"), content = get(item, "content");
	if (jsonspan_str_is(role, "user"))
		return user_content(w, content);
	if (jsonspan_str_is(role, "assistant"))
		report(w, WALK_SAID, content);
	else if (jsonspan_str_is(role, "system") || jsonspan_str_is(role, "developer"))
		report(w, WALK_SYSTEM, content);
	else
		return refuse(w, "role", "must be user, assistant, system or developer");
	return true;
}

static bool
type_ends(struct jsonspan_value type, const char *suffix)
{
	struct view text;
	return jsonspan_str_plain(type, &text) && view_ends(text, suffix);
}

static bool
responses_item(struct walker *w, struct jsonspan_value item)
{
	struct jsonspan_value type = get(item, "type");
	struct walk_entry entry = {.message = w->message, .id = get(item, "call_id")};
	if (type.kind == JSONSPAN_NONE || jsonspan_str_is(type, "message"))
		return responses_message(w, item);
	if (type.kind != JSONSPAN_STRING)
		return refuse(w, "type", "a string is needed");
	if (jsonspan_str_is(type, "reasoning")) {
		entry.kind = WALK_THINKING;
		entry.value = get(item, "summary");
		entry.id = get(item, "id");
		entry.seal = get(item, "encrypted_content");
	} else if (jsonspan_str_is(type, "additional_tools")) {
		entry.kind = WALK_TOOLS;
		entry.value = get(item, "tools");
	} else if (jsonspan_str_is(type, "compaction_trigger")) {
		entry.kind = WALK_COMPACT;
	} else if (jsonspan_str_is(type, "compaction")) {
		/* Ours are in plain words behind their usual beginning. */
		entry.kind = WALK_USER;
		entry.value = get(item, "encrypted_content");
	} else if (type_ends(type, "_output")) {
		entry.kind = WALK_RESULT;
		entry.value = get(item, "output");
	} else if (type_ends(type, "_call")) {
		/* Calls that the provider runs itself have no call_id and get no answer. */
		entry.kind = entry.id.kind == JSONSPAN_STRING ? WALK_CALL : WALK_SAID;
	} else {
		entry.kind = WALK_SYSTEM;
	}
	w->fn(&entry, w->ctx);
	return true;
}

bool
walk_conversation(
    enum protocol protocol, struct jsonspan_value list, walk_fn *fn, void *ctx, struct err *err)
{
	static bool (*const steps[])(struct walker *, struct jsonspan_value) = {
	    messages_message, chat_message, responses_item};
	struct walker w = {.fn = fn, .ctx = ctx, .err = err};
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	w.list = protocol == PROTOCOL_RESPONSES ? "input" : "messages";
	if (protocol == PROTOCOL_RESPONSES && list.kind == JSONSPAN_STRING) {
		report(&w, WALK_USER, list);
		return true;
	}
	if (list.kind != JSONSPAN_ARRAY)
		return err_set(err, ERR_PARSE, w.list, "a list is needed");
	jsonspan_iter_init(&iter, list);
	for (; jsonspan_next(&iter, &item); w.message++) {
		if (item.value.kind != JSONSPAN_OBJECT)
			return refuse(&w, "", "an object is needed");
		if (!steps[protocol](&w, item.value))
			return false;
	}
	if (w.message == 0)
		return err_set(err, ERR_PARSE, w.list, "at least one message is needed");
	return true;
}
