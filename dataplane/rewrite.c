#include "rewrite.h"
#include "caps.h"
#include "choose.h"
#include "headers.h"
#include "must.h"
#include "rewrite_body.h"
#include <stdio.h>
#include <string.h>

#define TEXT_BYTES_MAX ((size_t)1024 * 1024)
#define TEXT_BLOCK_BYTES 512
#define THINKING_SUFFIX "-thinking"
#define THINKING_BUDGET 10000
#define THINKING_BUDGET_MIN 1024

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
	struct view name = choose_name(entry, view_of(ruled), room);
	bool untouched = view_eq_str(name, model);
	bool suffix = untouched && entry->protocol == PROTOCOL_ANTHROPIC &&
		      view_starts(name, "claude-") && view_ends(name, THINKING_SUFFIX);
	if (suffix)
		name.len -= strlen(THINKING_SUFFIX);
	if (thinks != NULL)
		*thinks = suffix;
	(void)snprintf(out, TABLE_NAME_BYTES_MAX + 1, "%.*s", VIEW_ARGS(name));
}

static bool
replace_model(struct rewrite *rewrite, const struct rewrite_call *call)
{
	struct bytes text;
	const char *model = rewrite->model;
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

/* What "-thinking" asks for, where the body does not say it itself: in the form that the model's
 * family takes. */
static bool
add_thinking(struct rewrite *rewrite, const struct rewrite_call *call)
{
	const struct jsonspan_value *members = call->facts->members;
	struct view body = call->facts->body, put;
	size_t count;
	int64_t max_tokens = 0;
	const struct caps *rows = caps_defaults(&count);
	const struct caps *caps = caps_find(rows, count, view_of(rewrite->model));
	if (members[FACTS_THINKING].kind != JSONSPAN_NONE || caps->thinking == CAPS_THINKING_NONE)
		return true;
	(void)jsonspan_i64(members[FACTS_MAX_TOKENS], &max_tokens);
	if (caps->thinking == CAPS_THINKING_ADAPTIVE) {
		put = VIEW("{\"thinking\":{\"type\":\"adaptive\"},");
	} else if (max_tokens <= THINKING_BUDGET_MIN) {
		return true;
	} else {
		int64_t budget = max_tokens > THINKING_BUDGET ? THINKING_BUDGET : max_tokens - 1;
		put = arena_printf(&rewrite->texts,
		    "{\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":%lld},",
		    (long long)budget);
	}
	return put.data != NULL && splice_replace(&rewrite->splice, view_sub(body, 0, 1), put);
}

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

/* A Chat stream tells its use of tokens only when it is asked to. */
static bool
ask_usage(struct rewrite *rewrite, const struct rewrite_call *call)
{
	static const char key[] = "include_usage";
	struct jsonspan_value options = call->facts->members[FACTS_STREAM_OPTIONS];
	struct splice *splice = &rewrite->splice;
	bool asked = false;
	if (!call->table->ask_usage || call->protocol != PROTOCOL_CHAT || !call->facts->stream ||
	    has_refused(rewrite, "stream_options"))
		return true;
	struct jsonspan_value include = jsonspan_get(options, key);
	if (jsonspan_bool(include, &asked) && asked)
		return true;
	rewrite->asks_usage = true;
	if (include.kind != JSONSPAN_NONE)
		return splice_replace(splice, include.raw, VIEW("true"));
	if (options.kind == JSONSPAN_NONE)
		return splice_replace(splice, view_sub(call->facts->body, 0, 1),
		    VIEW("{\"stream_options\":{\"include_usage\":true},"));
	return splice_replace(splice, options.raw, VIEW("{\"include_usage\":true}"));
}

static bool
change(struct rewrite *rewrite, const struct rewrite_call *call, bool thinks)
{
	return replace_model(rewrite, call) && (!thinks || add_thinking(rewrite, call)) &&
	       wrap_system(rewrite, call) && ask_usage(rewrite, call) &&
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
