/* The calls of the previous product, in its shapes and words. All that was understood is answered
 * with 200 and `success`; what was not, with 422. */
#include "api_old.h"
#include "api_private.h"
#include "clock.h"
#include "jget.h"
#include "must.h"
#include "names.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MESSAGE_BYTES 400
#define KEY_BYTES_MIN 10

static void
put(json_t *body, const char *key, json_t *value)
{
	MUST(value != NULL && json_object_set_new(body, key, value) == 0);
}

/* ---- the lists ---- */

struct old_list {
	const char *path, *section;
	const char *label;
	const char *name_words; /* of entries without name */
	const char *suffix;     /* of a copy's name */
	const char *type;       /* of new entries, NULL = none */
	bool week, activation;  /* new entries have these words */
	bool rules;             /* models, not upstreams */
};

static const struct old_list lists[] = {
    {"/api/configs", "api_configs", "配置", "API-#", "(复制)", "primary", true, true, false},
    {"/api/codex", "codex_configs", "Codex配置", "Codex-#", "(复制)", "primary", true, false,
	false},
    {"/api/openai-to-claude", "openai_to_claude_configs", "OpenAI转Claude配置", "OpenAI转Claude-#",
	"(复制)", "openai_to_claude", false, false, false},
    {"/api/retry", "retry_configs", "重试配置", "第#次重试", "", NULL, false, false, false},
    {"/api/model-conversion", "model_conversions", "模型转换配置", "模型转换#", "(复制)", NULL,
	false, false, true},
};

static const struct old_list *
list_of(const struct call *call)
{
	const struct old_list *found = NULL;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct view rest = view_of(call->route->path);
		if (view_starts(rest, lists[i].path))
			found = &lists[i];
	}
	MUST(found != NULL);
	return found;
}

/* As that product stamped entries: this machine's time, without a zone. */
static json_t *
stamp_now(void)
{
	char text[40] = "";
	struct tm local;
	int64_t now = clock_wall_ms();
	time_t seconds = (time_t)(now / 1000);
	if (localtime_r(&seconds, &local) != NULL)
		(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &local);
	return json_sprintf("%s.%03d000", text, (int)(now % 1000));
}

/* ---- answers ---- */

static void
finish(struct call *call, bool success, const char *subject, const char *verb, json_t *more)
{
	char message[MESSAGE_BYTES];
	(void)snprintf(message, sizeof(message), "%s%s", subject, verb);
	json_t *body = json_pack("{s:b, s:s}", "success", (int)success, "message", message);
	MUST(body != NULL);
	if (more != NULL)
		MUST(json_object_update(body, more) == 0);
	json_decref(more);
	api_finish(call, 200, body);
}

static void
refuse_shape(struct call *call, const char *where, const char *what, const char *type)
{
	api_finish(call, 422,
	    json_pack("{s:b, s:s, s:s, s:[{s:[s], s:s, s:s}]}", "success", 0, "kind", "parse",
		"message", what, "detail", "loc", where, "msg", what, "type", type));
}

/* What the answer to a change is: {faults, revision} beside its words. */
static json_t *
more_of(const json_t *told)
{
	static const char *const kept[] = {"faults", "revision", "etag", "version"};
	json_t *more = json_object();
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		json_t *value = json_object_get(told, kept[i]);
		if (value != NULL)
			MUST(json_object_set(more, kept[i], value) == 0);
	}
	return more;
}

static bool
is_ok(const struct envelope *answer)
{
	return strcmp(answer->type, MSG_OK) == 0;
}

/* The words for a change of a list, once it is known how it went. */
static void
on_list_changed(const struct envelope *answer, void *ctx)
{
	struct call *call = ctx;
	const struct old_list *list = list_of(call);
	if (answer == NULL) {
		api_fail_away(call);
		return;
	}
	bool good = is_ok(answer);
	json_t *more = more_of(answer->body);
	const char *op = json_string_value(json_object_get(call->kept, "op"));
	if (strcmp(op, "toggle") == 0) {
		const json_t *entry = json_object_get(answer->body, "entry");
		bool enabled = !json_is_false(json_object_get(entry, "enabled"));
		bool plain = strcmp(list->section, "openai_to_claude_configs") == 0;
		if (good && !plain)
			put(more, "enabled", json_boolean(enabled));
		if (good)
			finish(call, true, list->label, enabled ? "已启用" : "已禁用", more);
		else
			finish(call, false, plain ? list->label : "", "切换失败", more);
		return;
	}
	static const char *const words[][3] = {
	    {"add", "已添加", "添加失败"},
	    {"merge", "已更新", "更新失败"},
	    {"remove", "已删除", "删除失败"},
	    {"move", "已移动", "移动失败"},
	    {"duplicate", "已复制", "复制失败"},
	};
	size_t i = 0;
	while (strcmp(words[i][0], op) != 0)
		i++;
	finish(call, good, list->label, words[i][good ? 1 : 2], more);
}

/* ---- changes of lists ---- */

/* The position in the path; false: it is none, and the call has ended. */
static bool
take_index(struct call *call, json_t *body)
{
	uint64_t index;
	if (view_to_u64(view_of(call->word), &index) && index <= INT32_MAX) {
		put(body, "index", json_integer((json_int_t)index));
		return true;
	}
	json_decref(body);
	refuse_shape(call, "path", "value is not a valid integer", "type_error.integer");
	return false;
}

static void
ask_list(struct call *call, const char *op, json_t *body)
{
	call->kept = json_pack("{s:s}", "op", op);
	put(body, "stamp", stamp_now());
	if (!adminlink_ask(call->api->link, MSG_EDIT, body, on_list_changed, call))
		api_fail_away(call);
}

/* The body as an object; false: it is none, and the call has ended. */
static bool
take_object(struct call *call, json_t **out)
{
	struct bytes text;
	struct err err;
	httpd_body_take(call->req, &text);
	*out = NULL;
	bool ok = jget_parse(bytes_view(&text), out, &err);
	if (text.data != NULL)
		crypto_wipe(text.data, text.len);
	bytes_fini(&text);
	if (ok && json_is_object(*out))
		return true;
	json_decref(*out);
	refuse_shape(call, "body", ok ? "value is not a valid dict" : "Expecting value",
	    ok ? "type_error.dict" : "value_error.jsondecode");
	return false;
}

static size_t
text_bytes(const json_t *entry, const char *key)
{
	const char *text = json_string_value(json_object_get(entry, key));
	return text != NULL ? view_trim(view_of(text)).len : 0;
}

/* What that product took for a new entry. */
static bool
is_enough(const struct old_list *list, const json_t *entry)
{
	if (list->rules)
		return text_bytes(entry, "source_model") > 0 &&
		       text_bytes(entry, "target_model") > 0;
	return text_bytes(entry, "base_url") > 0 && text_bytes(entry, "key") >= KEY_BYTES_MIN;
}

static void
default_to(json_t *entry, const char *key, json_t *value)
{
	if (json_object_get(entry, key) == NULL)
		put(entry, key, value);
	else
		json_decref(value);
}

static void
fill_in(const struct old_list *list, json_t *entry)
{
	if (list->rules)
		default_to(entry, "conversion_type", json_string("simple_rename"));
	if (list->type != NULL)
		default_to(entry, "type", json_string(list->type));
	default_to(entry, "enabled", json_true());
	if (list->week)
		default_to(entry, "time_enabled", json_pack("[iiiiiii]", 1, 1, 1, 1, 1, 1, 1));
	if (list->activation) {
		default_to(entry, "activation_enabled", json_false());
		default_to(entry, "activation_time", json_string("08:00"));
	}
}

void
api_old_add(struct call *call)
{
	const struct old_list *list = list_of(call);
	json_t *entry;
	if (!take_object(call, &entry))
		return;
	if (!is_enough(list, entry)) {
		json_decref(entry);
		finish(call, false, list->label, "添加失败", NULL);
		return;
	}
	fill_in(list, entry);
	json_t *body = api_change(call, "add", list->section);
	put(body, "name_words", json_string(list->name_words));
	put(body, "value", entry);
	ask_list(call, "add", body);
}

void
api_old_update(struct call *call)
{
	json_t *value, *body = api_change(call, "merge", list_of(call)->section);
	if (!take_index(call, body))
		return;
	if (!take_object(call, &value)) {
		json_decref(body);
		return;
	}
	put(body, "value", value);
	ask_list(call, "merge", body);
}

void
api_old_delete(struct call *call)
{
	json_t *body = api_change(call, "remove", list_of(call)->section);
	if (take_index(call, body))
		ask_list(call, "remove", body);
}

void
api_old_toggle(struct call *call)
{
	json_t *body = api_change(call, "toggle", list_of(call)->section);
	if (take_index(call, body))
		ask_list(call, "toggle", body);
}

void
api_old_duplicate(struct call *call)
{
	json_t *body = api_change(call, "duplicate", list_of(call)->section);
	put(body, "suffix", json_string(list_of(call)->suffix));
	if (take_index(call, body))
		ask_list(call, "duplicate", body);
}

void
api_old_move(struct call *call)
{
	json_t *value, *body = api_change(call, "move", list_of(call)->section);
	if (!take_index(call, body))
		return;
	if (!take_object(call, &value)) {
		json_decref(body);
		return;
	}
	const char *to = json_string_value(json_object_get(value, "direction"));
	put(body, "to", to != NULL ? json_string(to) : json_null());
	json_decref(value);
	ask_list(call, "move", body);
}

/* ---- looking ---- */

static void
on_shown(const struct envelope *answer, void *ctx)
{
	struct call *call = ctx;
	const char *word = json_string_value(json_object_get(call->kept, "word"));
	const char *member = json_string_value(json_object_get(call->kept, "member"));
	if (answer == NULL) {
		api_fail_away(call);
		return;
	}
	json_t *value = json_object_get(answer->body, member);
	json_t *body = json_object();
	bool list = strcmp(word, "configs") == 0;
	if (value == NULL || json_is_null(value))
		put(body, word, list ? json_array() : json_object());
	else
		put(body, word, json_incref(value));
	api_finish(call, 200, body);
}

static void
show(struct call *call, const char *section, const char *word, const char *member)
{
	call->kept = json_pack("{s:s, s:s}", "word", word, "member", member);
	if (!adminlink_ask(call->api->link, MSG_GET_CONFIG, json_pack("{s:s}", "section", section),
		on_shown, call))
		api_fail_away(call);
}

void
api_old_list(struct call *call)
{
	show(call, list_of(call)->section, "configs", "value");
}

/* ---- settings ---- */

struct old_section {
	const char *path, *section, *word, *label, *op;
};

static const struct old_section *
section_of(const struct call *call)
{
	static const struct old_section sections[] = {
	    {"/api/timeout", "timeout_settings", "settings", "超时设置", "merge"},
	    {"/api/error-strategies", "error_handling_strategies", "strategies", "错误处理策略",
		"replace"},
	    {"/api/optimization", "optimization_settings", "settings", "优化设置", "merge"},
	};
	size_t i = 0;
	while (strcmp(sections[i].path, call->route->path) != 0)
		i++;
	return &sections[i];
}

void
api_old_show_section(struct call *call)
{
	show(call, section_of(call)->section, section_of(call)->word, "effective");
}

static void
on_section_changed(const struct envelope *answer, void *ctx)
{
	struct call *call = ctx;
	if (answer == NULL)
		api_fail_away(call);
	else
		finish(call, is_ok(answer), section_of(call)->label,
		    is_ok(answer) ? "已更新" : "更新失败", more_of(answer->body));
}

void
api_old_change_section(struct call *call)
{
	json_t *value;
	if (!take_object(call, &value))
		return;
	json_t *body = api_change(call, section_of(call)->op, section_of(call)->section);
	put(body, "value", value);
	put(body, "stamp", stamp_now());
	if (!adminlink_ask(call->api->link, MSG_EDIT, body, on_section_changed, call))
		api_fail_away(call);
}

/* ---- rests ---- */

/* The enabled upstream at that place of the group; NULL = none. */
static const json_t *
enabled_at(const json_t *state, const char *group, int64_t index)
{
	const json_t *groups = json_object_get(state, "groups"), *list = NULL;
	for (size_t i = 0; i < json_array_size(groups); i++) {
		const json_t *item = json_array_get(groups, i);
		const char *name = json_string_value(json_object_get(item, "group"));
		if (name != NULL && strcmp(name, group) == 0)
			list = json_object_get(item, "upstreams");
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *upstream = json_array_get(list, i);
		if (json_is_true(json_object_get(upstream, "enabled")) && index-- == 0)
			return upstream;
	}
	return NULL;
}

static void
on_cleared(const struct envelope *answer, void *ctx)
{
	struct call *call = ctx;
	char message[MESSAGE_BYTES];
	const char *word = strcmp(call->group, "codex") == 0 ? "Codex" : "API";
	const char *name = json_string_value(json_object_get(call->kept, "name"));
	if (answer == NULL) {
		api_fail_away(call);
		return;
	}
	json_int_t count = json_integer_value(json_object_get(answer->body, "cleared"));
	bool good = is_ok(answer) && count > 0;
	if (name != NULL && good)
		(void)snprintf(message, sizeof(message), "已重置 %s 的冷却状态", name);
	else if (name != NULL)
		(void)snprintf(message, sizeof(message), "%s %s 未处于冷却状态", word, name);
	else if (good)
		(void)snprintf(
		    message, sizeof(message), "已重置 %d 个%s的冷却状态", (int)count, word);
	else
		(void)snprintf(message, sizeof(message), "没有%s处于冷却状态", word);
	finish(call, good, "", message, NULL);
}

/* `index` -1: all of the group. */
static void
clear(struct call *call, int64_t index)
{
	char id[API_WORD_BYTES];
	json_t *body = json_pack("{s:s}", "group", call->group);
	if (index >= 0) {
		const json_t *state = api_state(call);
		if (state == NULL) {
			json_decref(body);
			return;
		}
		const json_t *found = enabled_at(state, call->group, index);
		if (found == NULL) {
			json_decref(body);
			finish(call, false,
			    strcmp(call->group, "codex") == 0 ? "无效的Codex索引" : "无效的API索引",
			    "", NULL);
			return;
		}
		(void)snprintf(id, sizeof(id), "%s:%s", call->group,
		    json_string_value(json_object_get(found, "id")));
		put(body, "id", json_string(id));
		call->kept = json_pack("{s:O}", "name", json_object_get(found, "name"));
	}
	if (!adminlink_ask(call->api->link, MSG_CLEAR_COOLDOWN, body, on_cleared, call))
		api_fail_away(call);
}

static void
clear_group(struct call *call, const char *group)
{
	json_t *body = NULL;
	int64_t index = -1;
	struct err err;
	call->group = group;
	if (httpd_body(call->req).len > 0 && !take_object(call, &body))
		return;
	bool ok = jget_int(body, "", "index", 0, INT32_MAX, &index, &err);
	json_decref(body);
	if (ok)
		clear(call, index);
	else
		refuse_shape(call, "index", "value is not a valid integer", "type_error.integer");
}

void
api_old_clear_claude(struct call *call)
{
	clear_group(call, "claude");
}

void
api_old_clear_codex(struct call *call)
{
	clear_group(call, "codex");
}

/* ---- reading the file again ---- */

static void
name_sections(const json_t *sections, char *out, size_t out_len)
{
	static const char *const names[][2] = {
	    {"api_configs", "API主配置"},
	    {"codex_configs", "Codex配置"},
	    {"openai_to_claude_configs", "OpenAI转Claude"},
	    {"retry_configs", "超时重试配置"},
	    {"model_conversions", "模型转换配置"},
	};
	size_t used = 0;
	out[0] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		bool there = false;
		for (size_t k = 0; k < json_array_size(sections); k++) {
			const char *word = json_string_value(json_array_get(sections, k));
			there = there || (word != NULL && strcmp(word, names[i][0]) == 0);
		}
		if (there && used < out_len)
			used += (size_t)snprintf(
			    out + used, out_len - used, "%s%s", used > 0 ? "、" : "", names[i][1]);
	}
}

static void
on_reloaded(const struct envelope *answer, void *ctx)
{
	struct call *call = ctx;
	char names[MESSAGE_BYTES - 40], message[MESSAGE_BYTES];
	if (answer == NULL) {
		api_fail_away(call);
	} else if (!is_ok(answer)) {
		json_t *body = json_pack("{s:b}", "success", 0);
		MUST(body != NULL && json_object_update(body, answer->body) == 0);
		api_finish(call, 422, body);
	} else {
		name_sections(json_object_get(answer->body, "sections"), names, sizeof(names));
		(void)snprintf(message, sizeof(message), "%s%s",
		    names[0] != '\0' ? "已刷新：" : "配置未变化，无需重新加载", names);
		json_t *body = json_pack("{s:b, s:s}", "success", 1, "message", message);
		MUST(body != NULL && json_object_update(body, answer->body) == 0);
		api_finish(call, 200, body);
	}
}

void
api_reload(struct call *call)
{
	if (!adminlink_ask(call->api->link, MSG_RELOAD, NULL, on_reloaded, call))
		api_fail_away(call);
}
