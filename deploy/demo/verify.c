#include "verify.h"
#include "walk.h"
#include <stdio.h>

#define OPEN_MAX 256
#define CACHE_MARKS_MAX 4

struct checker {
	const struct ask *ask;
	struct err *err;
	bool bad;                   /* the first problem is in *err */
	struct view open[OPEN_MAX]; /* ids (raw) of calls without a result */
	unsigned open_count;
	unsigned call_message;
	bool overflow; /* too many open calls: pairs are not checked any more */
};

static void
refuse(struct checker *c, unsigned message, const char *what)
{
	char at[32];
	if (c->bad)
		return;
	bool items = c->ask->protocol == PROTOCOL_RESPONSES;
	snprintf(at, sizeof(at), "%s.%u", items ? "input" : "messages", message);
	c->bad = !err_set(c->err, ERR_PARSE, at, "%s", what);
}

static bool
is_name(struct view v, size_t max)
{
	for (size_t i = 0; i < v.len; i++) {
		char c = v.data[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '-')
			return false;
	}
	return v.len > 0 && v.len <= max;
}

static bool
is_blank(struct jsonspan_value string)
{
	struct view text;
	return jsonspan_str_plain(string, &text) && view_trim(text).len == 0;
}

/* ---- calls and their results ---- */

static void
open_call(struct checker *c, const struct walk_entry *entry)
{
	static const size_t id_bytes_max[] = {256, 40, 64};
	struct view id;
	if (!jsonspan_str_plain(entry->id, &id) || !is_name(id, id_bytes_max[c->ask->protocol])) {
		refuse(c, entry->message, "the id of a tool call is not valid");
		return;
	}
	c->overflow |= c->open_count == OPEN_MAX;
	if (!c->overflow)
		c->open[c->open_count++] = entry->id.raw;
	c->call_message = entry->message;
}

static void
close_call(struct checker *c, const struct walk_entry *entry)
{
	if (c->overflow || c->ask->keys[ASK_PREVIOUS_RESPONSE_ID].kind == JSONSPAN_STRING)
		return;
	for (unsigned i = 0; i < c->open_count; i++) {
		if (view_eq(c->open[i], entry->id.raw)) {
			c->open[i] = c->open[--c->open_count];
			return;
		}
	}
	refuse(c, entry->message, "a tool result has no tool call before it");
}

static void
check_order(struct checker *c, const struct walk_entry *entry)
{
	bool user = entry->kind == WALK_USER || entry->kind == WALK_MEDIA;
	bool late = user && entry->message > c->call_message;
	if (c->ask->protocol != PROTOCOL_RESPONSES && late && c->open_count > 0)
		refuse(c, entry->message, "a tool call was not answered in the next message");
}

static void
on_entry(const struct walk_entry *entry, void *ctx)
{
	struct checker *c = ctx;
	bool messages = c->ask->protocol == PROTOCOL_MESSAGES;
	check_order(c, entry);
	switch (entry->kind) {
	case WALK_CALL:
		open_call(c, entry);
		break;
	case WALK_RESULT:
		close_call(c, entry);
		break;
	case WALK_THINKING:
		if (messages && entry->seal.kind != JSONSPAN_STRING)
			refuse(c, entry->message, "a thinking block needs its signature");
		break;
	case WALK_USER:
	case WALK_SAID:
		if (messages && is_blank(entry->value))
			refuse(c, entry->message, "text must hold more than white space");
		break;
	case WALK_SYSTEM:
	case WALK_MEDIA:
	case WALK_COMPACT:
	case WALK_TOOLS:
		break;
	}
}

/* ---- the rest ---- */

static bool
check_tools(const struct ask *ask, struct err *err)
{
	size_t name_bytes_max = ask->protocol == PROTOCOL_MESSAGES ? 128 : 64;
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	jsonspan_iter_init(&iter, ask->keys[ASK_TOOLS]);
	for (unsigned i = 0; jsonspan_next(&iter, &item); i++) {
		struct jsonspan_value inner = jsonspan_get(item.value, "function");
		struct jsonspan_value name =
		    jsonspan_get(inner.kind == JSONSPAN_OBJECT ? inner : item.value, "name");
		struct view plain = VIEW("");
		char at[32];
		if (name.kind == JSONSPAN_NONE ||
		    (jsonspan_str_plain(name, &plain) && is_name(plain, name_bytes_max)))
			continue;
		snprintf(at, sizeof(at), "tools.%u.name", i);
		return err_set(err, ERR_PARSE, at, "letters, digits, _ and - only; at most %zu",
		    name_bytes_max);
	}
	return true;
}

static bool
check_messages(const struct ask *ask, struct view body, struct view version, struct err *err)
{
	unsigned marks = 0;
	if (version.len == 0)
		return err_set(err, ERR_PARSE, "anthropic-version", "the header is required");
	if (ask->max_tokens == UINT64_MAX)
		return err_set(err, ERR_PARSE, "max_tokens", "a number is required");
	if (view_eq_str(version, "2026-10-21") &&
	    (ask->keys[ASK_TEMPERATURE].kind != JSONSPAN_NONE ||
		ask->keys[ASK_TOP_P].kind != JSONSPAN_NONE))
		return err_set(err, ERR_PARSE, "temperature", "not accepted by this version");
	for (ptrdiff_t at; (at = view_find(body, "\"cache_control\":{")) >= 0; marks++)
		body = view_from(body, (size_t)at + 1);
	if (marks > CACHE_MARKS_MAX)
		return err_set(err, ERR_PARSE, "cache_control", "at most %d blocks, found %u",
		    CACHE_MARKS_MAX, marks);
	return true;
}

bool
verify_request(const struct ask *ask, struct view body, struct view version, struct err *err)
{
	struct checker checker = {.ask = ask, .err = err};
	enum ask_key list = ask->protocol == PROTOCOL_RESPONSES ? ASK_INPUT : ASK_MESSAGES;
	if (ask->protocol == PROTOCOL_MESSAGES && !check_messages(ask, body, version, err))
		return false;
	if (!check_tools(ask, err))
		return false;
	if (!walk_conversation(ask->protocol, ask->keys[list], on_entry, &checker, err))
		return false;
	if (!checker.overflow && checker.open_count > 0)
		refuse(&checker, checker.call_message, "a tool call has no tool result");
	return !checker.bad;
}
