/* Lists and sections of the configuration: each change is a question to controlplane, which checks
 * the whole. */
#include "api_private.h"
#include "mem.h"
#include "must.h"
#include "names.h"
#include "table.h"
#include <stdio.h>
#include <string.h>

#define REQUEST_BYTES 32

static void
put(json_t *body, const char *key, json_t *value)
{
	MUST(value != NULL && json_object_set_new(body, key, value) == 0);
}

/* ---- which list ---- */

struct list_kind {
	const char *word;    /* of the path */
	const char *section; /* NULL: by the group */
	const char *hash;    /* the member that holds the hash of a minted secret, NULL = none */
	const char *minted;  /* what the secret is called */
	const char *prefix;
};

static const struct list_kind *
kind_of(const struct call *call)
{
	static const struct list_kind kinds[] = {
	    {"upstreams", NULL, NULL, NULL, NULL},
	    {"model-rules", "model_conversions", NULL, NULL, NULL},
	    {"capabilities", "model_capabilities", NULL, NULL, NULL},
	    {"prices", "prices", NULL, NULL, NULL},
	    {"client-keys", "client_keys", "sha256", "key", "pm-"},
	    {"users", "admin.users", "token_sha256", "token", "pmu-"},
	};
	struct view rest = view_from(view_of(call->route->path), sizeof("/api/v1/") - 1), word;
	MUST(view_split(&rest, '/', &word));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (view_eq_str(word, kinds[i].word))
			return &kinds[i];
	}
	MUST(false);
	return NULL;
}

const char *
api_section_of_group(struct view name)
{
	static const char *const sections[GROUP_COUNT] = {
	    [GROUP_CLAUDE] = "api_configs",
	    [GROUP_CODEX] = "codex_configs",
	    [GROUP_CHAT] = "chat_configs",
	    [GROUP_CHAT_VIA_CLAUDE] = "openai_to_claude_configs",
	    [GROUP_RETRY] = "retry_configs",
	};
	enum group group;
	return group_parse(name, &group) ? sections[group] : NULL;
}

/* The list and the entry's id in it, from the path; false: there is none, the call has ended. */
static bool
find_place(struct call *call, const char **id)
{
	const struct list_kind *kind = kind_of(call);
	struct view rest = view_of(call->word), word;
	enum group group;
	call->section = kind->section;
	*id = call->word;
	if (kind->section != NULL)
		return true;
	if (view_split(&rest, ':', &word) && group_parse(word, &group)) {
		call->group = group_name(group);
		call->section = api_section_of_group(word);
		*id = rest.data;
		return true;
	}
	api_fail(call, 404, "there is no such upstream");
	return false;
}

/* The group that a body or query names. */
static bool
take_group(struct call *call, json_t *body)
{
	enum group group;
	const char *name = json_string_value(json_object_get(body, "group"));
	if (kind_of(call)->section != NULL) {
		call->section = kind_of(call)->section;
		return true;
	}
	if (name == NULL || !group_parse(view_of(name), &group)) {
		json_decref(body);
		api_finish(call, 422,
		    json_pack("{s:b, s:s, s:s, s:[{s:s, s:s}]}", "success", 0, "kind", "config",
			"message", "group: must name a list of upstreams", "faults", "path",
			"group", "message",
			"must be claude, codex, chat, chat_via_claude or retry"));
		return false;
	}
	call->group = group_name(group);
	call->section = api_section_of_group(view_of(call->group));
	MUST(json_object_del(body, "group") == 0);
	return true;
}

/* ---- a change ---- */

/* Without its quotes; "*" stands for any. */
static void
put_match(struct call *call, json_t *body)
{
	struct view match = view_trim(httpd_header(call->req, "if-match"));
	if (match.data == NULL || view_eq_str(match, "*"))
		return;
	if (match.len >= 2 && match.data[0] == '"' && match.data[match.len - 1] == '"')
		match = view_sub(match, 1, match.len - 2);
	json_t *text = json_stringn(match.data, match.len);
	/* What is no text matches nothing. */
	put(body, "if_match", text != NULL ? text : json_string("?"));
}

json_t *
api_change(struct call *call, const char *op, const char *section)
{
	char request[REQUEST_BYTES];
	crypto_random_base64url(16, request);
	json_t *body = json_pack("{s:s, s:{s:s, s:s, s:s, s:s}}", "request", request, "by", "user",
	    call->user.name, "role", call->user.admin ? "admin" : "viewer", "via",
	    call->bearer ? "script" : "page", "peer", call->peer);
	MUST(body != NULL);
	put_match(call, body);
	if (op != NULL)
		put(body, "op", json_string(op));
	if (section != NULL)
		put(body, "section", json_string(section));
	return body;
}

bool
api_needs_match(struct call *call)
{
	if (httpd_header(call->req, "if-match").data != NULL)
		return true;
	api_fail(call, 428, "a replacement needs If-Match with the etag of what it replaces");
	return false;
}

/* An upstream's id is known with its group outside. */
static void
on_changed(const struct envelope *answer, void *ctx)
{
	struct call *call = ctx;
	char id[API_WORD_BYTES];
	if (answer == NULL) {
		api_fail_away(call);
		return;
	}
	if (strcmp(answer->type, MSG_ERROR) == 0) {
		api_fail_told(call, answer->body);
		return;
	}
	const char *own = json_string_value(json_object_get(answer->body, "id"));
	json_t *told = json_copy(answer->body);
	if (own != NULL && call->group != NULL) {
		(void)snprintf(id, sizeof(id), "%s:%s", call->group, own);
		put(told, "id", json_string(id));
	}
	api_finish_told(call, told);
	json_decref(told);
}

void
api_ask_change(struct call *call, const char *type, json_t *body)
{
	if (!adminlink_ask(call->api->link, type, body, on_changed, call))
		api_fail_away(call);
}

/* An operation on the entry that the path names. Takes `value` (may be NULL). */
static void
change_entry(struct call *call, const char *op, json_t *value)
{
	const char *id;
	if (!find_place(call, &id)) {
		json_decref(value);
		return;
	}
	json_t *body = api_change(call, op, call->section);
	put(body, "id", json_string(id));
	if (value != NULL)
		put(body, "value", value);
	api_ask_change(call, MSG_EDIT, body);
}

/* ---- changing lists ---- */

/* A key or token for the entry, unless it brings the hash of its own. */
static void
mint_for(struct call *call, json_t *entry)
{
	char hex[2 * CRYPTO_SHA256_BYTES + 1];
	const struct list_kind *kind = kind_of(call);
	if (kind->hash == NULL || json_object_get(entry, kind->hash) != NULL)
		return;
	api_mint(call, kind->minted, kind->prefix, hex);
	put(entry, kind->hash, json_string(hex));
}

void
api_add(struct call *call)
{
	json_t *entry;
	if (!api_take_body(call, &entry) || !take_group(call, entry))
		return;
	json_t *position = json_incref(json_object_get(entry, "position"));
	(void)json_object_del(entry, "position");
	mint_for(call, entry);
	json_t *body = api_change(call, "add", call->section);
	if (position != NULL)
		put(body, "to", position);
	put(body, "value", entry);
	call->status = 201;
	api_ask_change(call, MSG_EDIT, body);
}

void
api_replace_entry(struct call *call)
{
	json_t *value;
	if (api_needs_match(call) && api_take_body(call, &value))
		change_entry(call, "replace", value);
}

void
api_patch_entry(struct call *call)
{
	json_t *value;
	if (api_take_body(call, &value))
		change_entry(call, "merge", value);
}

void
api_remove_entry(struct call *call)
{
	change_entry(call, "remove", NULL);
}

void
api_duplicate_entry(struct call *call)
{
	change_entry(call, "duplicate", NULL);
}

void
api_enable(struct call *call)
{
	change_entry(call, "merge", json_pack("{s:b}", "enabled", 1));
}

void
api_disable(struct call *call)
{
	change_entry(call, "merge", json_pack("{s:b}", "enabled", 0));
}

void
api_rotate(struct call *call)
{
	json_t *value = json_object();
	mint_for(call, value);
	change_entry(call, "merge", value);
}

void
api_move_entry(struct call *call)
{
	json_t *value;
	const char *id;
	if (!api_take_body(call, &value))
		return;
	json_t *to = json_incref(json_object_get(value, "to"));
	json_decref(value);
	if (!find_place(call, &id)) {
		json_decref(to);
		return;
	}
	json_t *body = api_change(call, "move", call->section);
	put(body, "id", json_string(id));
	put(body, "to", to != NULL ? to : json_null());
	api_ask_change(call, MSG_EDIT, body);
}

/* "claude:7f3a" → "7f3a"; others as they are, and then unknown. */
static json_t *
own_ids(const struct call *call, const json_t *ids)
{
	json_t *out = json_array();
	for (size_t i = 0; i < json_array_size(ids); i++) {
		struct view rest = view_of(json_string_value(json_array_get(ids, i))), word;
		struct view whole = rest;
		bool with_group = call->group != NULL && view_split(&rest, ':', &word) &&
				  view_eq_str(word, call->group);
		struct view own = with_group ? rest : whole;
		MUST(json_array_append_new(
			 out, json_stringn(own.data != NULL ? own.data : "", own.len)) == 0);
	}
	return out;
}

void
api_order(struct call *call)
{
	json_t *value;
	if (!api_needs_match(call) || !api_take_body(call, &value) || !take_group(call, value))
		return;
	json_t *body = api_change(call, "order", call->section);
	put(body, "value", own_ids(call, json_object_get(value, "ids")));
	json_decref(value);
	api_ask_change(call, MSG_EDIT, body);
}

/* ---- showing lists ---- */

static bool
is_good(struct call *call, const struct envelope *answer)
{
	if (answer == NULL)
		api_fail_away(call);
	else if (strcmp(answer->type, MSG_ERROR) == 0)
		api_fail_told(call, answer->body);
	else
		return true;
	return false;
}

static json_t *
head_of(const json_t *told)
{
	json_t *body = json_pack("{s:b, s:O, s:O}", "success", 1, "revision",
	    json_object_get(told, "revision"), "etag", json_object_get(told, "etag"));
	MUST(body != NULL);
	return body;
}

static void
on_list(const struct envelope *answer, void *ctx)
{
	struct call *call = ctx;
	if (!is_good(call, answer))
		return;
	json_t *value = json_object_get(answer->body, "value");
	json_t *body = head_of(answer->body);
	put(body, "entries", json_is_array(value) ? json_incref(value) : json_array());
	api_finish(call, 200, body);
}

static void
ask_section(struct call *call, const char *section, adminlink_answer_fn *fn)
{
	json_t *body = section != NULL ? json_pack("{s:s}", "section", section) : NULL;
	MUST(call != NULL);
	if (!adminlink_ask(call->api->link, MSG_GET_CONFIG, body, fn, call))
		api_fail_away(call);
}

void
api_list(struct call *call)
{
	ask_section(call, kind_of(call)->section, on_list);
}

static const json_t *
find_entry(const json_t *list, const char *id)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *entry = json_array_get(list, i);
		const char *own = json_string_value(json_object_get(entry, "id"));
		if (own != NULL && strcmp(own, id) == 0)
			return entry;
	}
	return NULL;
}

static void
on_entry(const struct envelope *answer, void *ctx)
{
	struct call *call = ctx;
	const char *id;
	if (!is_good(call, answer) || !find_place(call, &id))
		return;
	const json_t *entry = find_entry(json_object_get(answer->body, "value"), id);
	if (entry == NULL) {
		api_fail(call, 404, "there is no such entry");
		return;
	}
	json_t *body = head_of(answer->body);
	put(body, "id", json_string(call->word));
	put(body, "entry", json_incref((json_t *)(uintptr_t)entry));
	api_finish(call, 200, body);
}

void
api_show_entry(struct call *call)
{
	const char *id;
	if (find_place(call, &id))
		ask_section(call, call->section, on_entry);
}

/* The state of each upstream with what is configured of it. */
static json_t *
join_upstreams(const json_t *group, const json_t *document)
{
	json_t *out = json_deep_copy(group);
	const char *name = json_string_value(json_object_get(group, "group"));
	const char *section = name != NULL ? api_section_of_group(view_of(name)) : NULL;
	json_t *upstreams = json_object_get(out, "upstreams");
	for (size_t i = 0; i < json_array_size(upstreams); i++) {
		char id[API_WORD_BYTES];
		json_t *item = json_array_get(upstreams, i);
		const char *own = json_string_value(json_object_get(item, "id"));
		const json_t *entry = find_entry(json_object_get(document, section), own);
		put(item, "entry",
		    entry != NULL ? json_incref((json_t *)(uintptr_t)entry) : json_null());
		/* The built-in demo's id is whole already. */
		bool whole = strchr(own, ':') != NULL;
		(void)snprintf(id, sizeof(id), "%s%s%s", whole ? "" : name, whole ? "" : ":", own);
		put(item, "table_id", json_string(id));
	}
	return out;
}

static void
on_upstreams(const struct envelope *answer, void *ctx)
{
	struct call *call = ctx;
	char wanted[API_WORD_BYTES] = "";
	const json_t *state;
	if (!is_good(call, answer) || (state = api_state(call)) == NULL)
		return;
	if (call->req != NULL)
		(void)!api_query_get(httpd_query(call->req), "group", wanted, sizeof(wanted));
	const json_t *groups = json_object_get(state, "groups");
	const json_t *document = json_object_get(answer->body, "document");
	json_t *body = head_of(answer->body), *out = json_array();
	for (size_t i = 0; i < json_array_size(groups); i++) {
		const json_t *group = json_array_get(groups, i);
		const char *name = json_string_value(json_object_get(group, "group"));
		if (wanted[0] == '\0' || (name != NULL && strcmp(name, wanted) == 0))
			MUST(json_array_append_new(out, join_upstreams(group, document)) == 0);
	}
	put(body, "groups", out);
	api_finish(call, 200, body);
}

void
api_list_upstreams(struct call *call)
{
	ask_section(call, NULL, on_upstreams);
}

/* ---- settings ---- */

void
api_show_settings(struct call *call)
{
	api_ask(call, MSG_GET_SETTINGS, NULL);
}

void
api_patch_settings(struct call *call)
{
	json_t *value;
	if (!api_take_body(call, &value))
		return;
	json_t *body = api_change(call, "settings", NULL);
	put(body, "value", value);
	api_ask_change(call, MSG_EDIT, body);
}

static void
on_section(const struct envelope *answer, void *ctx)
{
	struct call *call = ctx;
	if (!is_good(call, answer))
		return;
	json_t *effective = json_object_get(answer->body, "effective");
	if (effective == NULL || strcmp(call->word, "admin") == 0) {
		api_fail(call, 404, "there is no such section");
		return;
	}
	json_t *body = head_of(answer->body);
	put(body, "section", json_string(call->word));
	put(body, "value", json_incref(json_object_get(answer->body, "value")));
	put(body, "effective", json_incref(effective));
	api_finish(call, 200, body);
}

void
api_show_section(struct call *call)
{
	ask_section(call, call->word, on_section);
}

static void
change_section(struct call *call, const char *op)
{
	json_t *value;
	if (!api_take_body(call, &value))
		return;
	json_t *body = api_change(call, op, call->word);
	put(body, "value", value);
	api_ask_change(call, MSG_EDIT, body);
}

void
api_replace_section(struct call *call)
{
	if (api_needs_match(call))
		change_section(call, "replace");
}

void
api_patch_section(struct call *call)
{
	change_section(call, "merge");
}
