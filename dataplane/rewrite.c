#include "rewrite.h"
#include "abilities.h"
#include "choose.h"
#include "headers.h"
#include "must.h"
#include "read_json.h"
#include "rewrite_body.h"
#include <stdio.h>
#include <string.h>

#define TEXT_BYTES_MAX ((size_t)1024 * 1024)
#define TEXT_BLOCK_BYTES 512
#define THINKING_BUDGET_MIN 1024
#define TOP_P_MIN 0.95     /* that may stand beside thinking */
#define TOP_P_NEW_MIN 0.99 /* of models that take no sampling at all */
#define HEAD_BYTES_MAX 512

/* ---- the model's name ---- */

void
rewrite_rules(const struct table *table, const char *model, char out[TABLE_NAME_BYTES_MAX + 1])
{
	char room[TABLE_NAME_BYTES_MAX + 1];
	struct view name = choose_ruled(table, view_of(model), room);
	(void)snprintf(out, TABLE_NAME_BYTES_MAX + 1, "%.*s", VIEW_ARGS(name));
}

void
rewrite_model(const struct table *table, const struct upstream_entry *entry, const char *model,
    char out[TABLE_NAME_BYTES_MAX + 1], bool *thinks)
{
	char ruled[TABLE_NAME_BYTES_MAX + 1], room[TABLE_NAME_BYTES_MAX + 1];
	rewrite_rules(table, model, ruled);
	struct view name = choose_sent(entry, view_of(ruled), view_of(model), room, thinks);
	(void)snprintf(out, TABLE_NAME_BYTES_MAX + 1, "%.*s", VIEW_ARGS(name));
}

static bool
replace_model(struct rewrite *rewrite, const struct rewrite_call *call)
{
	struct bytes text;
	const char *model = rewrite->model;
	MUST(call->facts != NULL);
	if (strcmp(model, call->facts->model) == 0 || !call->facts->has_model)
		return true;
	/* A byte becomes six at most ("\u0001"). */
	bytes_init(&text, 2 + 6 * strlen(model));
	MUST(bytes_append_char(&text, '"') && bytes_append_json(&text, view_of(model)) &&
	     bytes_append_char(&text, '"'));
	struct view put = arena_copy(&rewrite->texts, bytes_view(&text));
	bytes_fini(&text);
	return put.data != NULL && splice_replace(&rewrite->splice, call->facts->model_raw, put);
}

/* A member more, for the head of the body. */
static bool
add_member(struct rewrite *rewrite, const char *text)
{
	return bytes_append_str(&rewrite->head, text) && bytes_append_char(&rewrite->head, ',');
}

static bool
put_head(struct rewrite *rewrite, const struct rewrite_call *call)
{
	if (rewrite->head.len == 0)
		return true;
	struct view put =
	    arena_printf(&rewrite->texts, "{%.*s", VIEW_ARGS(bytes_view(&rewrite->head)));
	return put.data != NULL &&
	       splice_replace(&rewrite->splice, view_sub(call->facts->body, 0, 1), put);
}

static bool
has_refused(const struct rewrite *rewrite, const char *field)
{
	for (size_t i = 0; i < rewrite->lessons.count; i++) {
		const struct lesson *lesson = &rewrite->lessons.items[i];
		if (lesson->kind == LESSON_FIELD && strcmp(lesson->name, field) == 0)
			return true;
	}
	return false;
}

/* ---- thinking ---- */

/* A member goes as one does that the upstream has refused. */
static bool
leave_out(struct rewrite *rewrite, const char *name)
{
	struct lesson_list *list = &rewrite->lessons;
	if (has_refused(rewrite, name))
		return true;
	if (list->count == LESSONS_FOR_MAX + LESSONS_MORE_MAX)
		return false;
	struct lesson *lesson = &list->items[list->count++];
	*lesson = (struct lesson){.kind = LESSON_FIELD};
	(void)snprintf(lesson->name, sizeof(lesson->name), "%s", name);
	return true;
}

/* What the vendor refuses beside thinking: any top_k; a top_p that takes more than the last bit
 * away; a temperature that is not 1, or not alone where the model takes only one of them. */
static bool
mend_sampling(struct rewrite *rewrite, const struct rewrite_call *call, const struct caps *caps)
{
	struct jsonspan_value body = {JSONSPAN_OBJECT, call->facts->body};
	struct jsonspan_value top_p = jsonspan_get(body, "top_p");
	struct jsonspan_value temperature = jsonspan_get(body, "temperature");
	bool has_top_p =
	    top_p.kind == JSONSPAN_NUMBER &&
	    read_json_double(top_p.raw) >= (caps->sampling ? TOP_P_MIN : TOP_P_NEW_MIN);
	bool usual =
	    temperature.kind == JSONSPAN_NUMBER && read_json_double(temperature.raw) == 1.0;
	return leave_out(rewrite, "top_k") && (has_top_p || leave_out(rewrite, "top_p")) &&
	       ((usual && (!has_top_p || caps->sampling_both)) ||
		   leave_out(rewrite, "temperature"));
}

/* The request makes the model call a tool, which thinking by budget forbids. */
static bool
forces_call(const struct rewrite_call *call)
{
	struct jsonspan_value body = {JSONSPAN_OBJECT, call->facts->body};
	struct jsonspan_value type = jsonspan_get(jsonspan_get(body, "tool_choice"), "type");
	return jsonspan_str_is(type, "any") || jsonspan_str_is(type, "tool");
}

/* What "-thinking" asks for, where the body does not say it itself or forbids it: in the form that
 * the model's family takes. */
static bool
add_thinking(struct rewrite *rewrite, const struct rewrite_call *call)
{
	char text[96];
	int64_t max_tokens = 0;
	const struct jsonspan_value *members = call->facts->members;
	struct caps caps = abilities_of_model(call->table, rewrite->model);
	if (members[FACTS_THINKING].kind != JSONSPAN_NONE || caps.thinking == CAPS_THINKING_NONE ||
	    has_refused(rewrite, "thinking"))
		return true;
	if (caps.thinking == CAPS_THINKING_ADAPTIVE)
		return add_member(rewrite, "\"thinking\":{\"type\":\"adaptive\"}") &&
		       mend_sampling(rewrite, call, &caps);
	(void)jsonspan_i64(members[FACTS_MAX_TOKENS], &max_tokens);
	if (max_tokens <= THINKING_BUDGET_MIN || forces_call(call))
		return true;
	int64_t budget = max_tokens > CAPS_BUDGET_USUAL ? CAPS_BUDGET_USUAL : max_tokens - 1;
	(void)snprintf(text, sizeof(text),
	    "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":%lld}", (long long)budget);
	return add_member(rewrite, text) && mend_sampling(rewrite, call, &caps);
}

/* ---- the rest ---- */

/* The old full_format wrapped a system text into a block; all else it changed was damage. */
static bool
wrap_system(struct rewrite *rewrite, const struct rewrite_call *call)
{
	const struct model_rule *rule = choose_rule(call->table, view_of(call->facts->model));
	struct view system = call->facts->members[FACTS_SYSTEM].raw;
	if (rule == NULL || !rule->full_format || call->protocol != PROTOCOL_ANTHROPIC ||
	    call->facts->members[FACTS_SYSTEM].kind != JSONSPAN_STRING)
		return true;
	return splice_replace(&rewrite->splice, view_sub(system, 0, 1),
		   VIEW("[{\"type\":\"text\",\"text\":\"")) &&
	       splice_replace(&rewrite->splice, view_sub(system, system.len - 1, 1), VIEW("\"}]"));
}

/* A Chat stream tells its use of tokens only when it is asked to. */
static bool
ask_usage(struct rewrite *rewrite, const struct rewrite_call *call)
{
	static const char key[] = "include_usage";
	struct jsonspan_value options = call->facts->members[FACTS_STREAM_OPTIONS];
	struct splice *splice = &rewrite->splice;
	bool asked = false;
	bool asks = call->streams || (call->table->ask_usage && call->facts->stream);
	if (!asks || call->protocol != PROTOCOL_CHAT || has_refused(rewrite, "stream_options"))
		return true;
	struct jsonspan_value include = jsonspan_get(options, key);
	if (jsonspan_bool(include, &asked) && asked)
		return true;
	rewrite->asks_usage = true;
	if (include.kind != JSONSPAN_NONE)
		return splice_replace(splice, include.raw, VIEW("true"));
	if (options.kind == JSONSPAN_NONE)
		return add_member(rewrite, "\"stream_options\":{\"include_usage\":true}");
	return splice_replace(splice, options.raw, VIEW("{\"include_usage\":true}"));
}

/* A stream instead of the whole answer that the client asks for. */
static bool
ask_stream(struct rewrite *rewrite, const struct rewrite_call *call)
{
	struct jsonspan_value stream = call->facts->members[FACTS_STREAM];
	if (!call->streams)
		return true;
	return stream.kind == JSONSPAN_NONE
		   ? add_member(rewrite, "\"stream\":true")
		   : splice_replace(&rewrite->splice, stream.raw, VIEW("true"));
}

static bool
change(struct rewrite *rewrite, const struct rewrite_call *call, bool thinks)
{
	return replace_model(rewrite, call) && (!thinks || add_thinking(rewrite, call)) &&
	       wrap_system(rewrite, call) && ask_stream(rewrite, call) &&
	       ask_usage(rewrite, call) && put_head(rewrite, call) &&
	       rewrite_body_strip(&rewrite->splice, &rewrite->lessons, call) &&
	       rewrite_body_limit_marks(&rewrite->splice, call);
}

bool
rewrite_init(struct rewrite *rewrite, const struct rewrite_call *call, struct err *err)
{
	bool thinks = false;
	*rewrite = (struct rewrite){0};
	arena_init(&rewrite->texts, TEXT_BLOCK_BYTES, TEXT_BYTES_MAX);
	splice_init(&rewrite->splice, call->body);
	bytes_init(&rewrite->head, HEAD_BYTES_MAX);
	if (call->generates) {
		rewrite_model(
		    call->table, call->entry, call->facts->model, rewrite->model, &thinks);
		lessons_for(call->lessons, call->table, call->entry->id, rewrite->model,
		    call->wall_ms, &rewrite->lessons);
		if (!change(rewrite, call, thinks)) {
			rewrite_fini(rewrite);
			return err_set(err, ERR_LIMIT, "", "the request is too big to be changed");
		}
	}
	splice_done(&rewrite->splice);
	return true;
}

void
rewrite_fini(struct rewrite *rewrite)
{
	splice_fini(&rewrite->splice);
	bytes_fini(&rewrite->head);
	arena_fini(&rewrite->texts);
}

/* ---- headers ---- */

static bool
is_refused(const struct rewrite *rewrite, struct view beta)
{
	for (size_t i = 0; i < rewrite->lessons.count; i++) {
		const struct lesson *lesson = &rewrite->lessons.items[i];
		if (lesson->kind == LESSON_BETA && view_eq_str(beta, lesson->name))
			return true;
	}
	return false;
}

bool
rewrite_header(
    const struct rewrite *rewrite, struct view name, struct view *value, struct bytes *room)
{
	struct view rest = *value, part;
	bool dropped = false;
	if (rewrite->lessons.count == 0 || !view_eq_nocase(name, "anthropic-beta"))
		return true;
	while (view_split(&rest, ',', &part)) {
		part = view_trim(part);
		if (part.len == 0 || is_refused(rewrite, part)) {
			dropped = true;
			continue;
		}
		if ((room->len > 0 && !bytes_append_char(room, ',')) ||
		    !bytes_append_view(room, part))
			return false;
	}
	if (dropped)
		*value = bytes_view(room);
	return !dropped || room->len > 0;
}
