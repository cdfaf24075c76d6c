#include "lessons.h"
#include "choose.h"
#include "jsonspan.h"
#include "mem.h"
#include "rewrite_body.h"
#include <stdio.h>
#include <string.h>

struct lessons {
	struct lesson_of items[LESSONS_MAX]; /* the oldest first */
	int64_t since_ms[LESSONS_MAX];
	size_t count;
	size_t told; /* of these, controlplane has heard */
};

struct lessons *
lessons_new(void)
{
	return MEM_NEW(struct lessons);
}

static void
drop_first(struct lessons *lessons)
{
	mem_free(lessons->items[0].upstream);
	mem_free(lessons->items[0].model);
	lessons->count--;
	lessons->told -= lessons->told > 0;
	memmove(&lessons->items[0], &lessons->items[1], lessons->count * sizeof(lessons->items[0]));
	memmove(&lessons->since_ms[0], &lessons->since_ms[1],
	    lessons->count * sizeof(lessons->since_ms[0]));
}

void
lessons_free(struct lessons *lessons)
{
	if (lessons == NULL)
		return;
	while (lessons->count > 0)
		drop_first(lessons);
	mem_free(lessons);
}

/* ---- reading a refusal ---- */

/* What stands for what the user wants, pays or sees is never left out by ourselves. */
static bool
is_vital(const char *name)
{
	static const char *const vital[] = {"model", "messages", "input", "system", "instructions",
	    "tools", "tool_choice", "stream", "max_tokens", "max_completion_tokens",
	    "max_output_tokens", "n", "response_format", "text", "stop", "stop_sequences",
	    "previous_response_id", "conversation", "prompt", "functions", "function_call"};
	for (size_t i = 0; i < sizeof(vital) / sizeof(vital[0]); i++) {
		if (strcmp(name, vital[i]) == 0)
			return true;
	}
	return false;
}

static bool
is_same(const struct lesson *one, const struct lesson *other)
{
	return one->kind == other->kind && strcmp(one->name, other->name) == 0;
}

/* The refusal and what it has named so far. */
struct reading {
	const struct lessons_question *question;
	struct jsonspan_value error;
	struct view message;
	struct lesson_list *found;
	bool stays; /* it names something that cannot be left out */
};

static void
add(struct reading *reading, enum lesson_kind kind, struct view name)
{
	struct lesson_list *found = reading->found;
	struct lesson lesson = {.kind = kind};
	reading->stays = reading->stays || name.len >= sizeof(lesson.name);
	/* Header values and fields of vendors are plain words; reports and logs need no others. */
	for (size_t i = 0; i < name.len && !reading->stays; i++) {
		reading->stays = name.data[i] <= ' ' || name.data[i] > '~';
		lesson.name[i] = name.data[i];
	}
	for (size_t i = 0; i < found->count; i++) {
		if (is_same(&found->items[i], &lesson))
			return;
	}
	reading->stays = reading->stays || found->count == LESSONS_FOR_MAX;
	if (!reading->stays)
		found->items[found->count++] = lesson;
}

static bool
list_has(struct view list, struct view value)
{
	struct view part;
	while (view_split(&list, ',', &part)) {
		if (value.len > 0 && view_eq(view_trim(part), value))
			return true;
	}
	return false;
}

/* "Unexpected value(s) `x`, `y` for the `anthropic-beta` header. ..." */
static void
read_betas(struct reading *reading)
{
	static const char phrase[] = "nexpected value(s)";
	ptrdiff_t at = view_find(reading->message, phrase);
	struct view names = view_from(reading->message, at < 0 ? 0 : (size_t)at + strlen(phrase));
	ptrdiff_t end = view_find(names, "for the `anthropic-beta`");
	struct view between, quoted, name;
	if (at < 0 || end < 0)
		return;
	names = view_sub(names, 0, (size_t)end);
	while (view_split(&names, '`', &between) && view_split(&names, '`', &quoted)) {
		while (view_split(&quoted, ',', &name)) {
			name = view_trim(name);
			if (list_has(reading->question->beta, name))
				add(reading, LESSON_BETA, name);
			else
				reading->stays = true;
		}
	}
}

/* A path of the vendor's ("tools.0.custom.strict") as ours ("tools.strict"). False: it leads
 * deeper, and is not ours to cut. */
static bool
shorten(struct view path, char *name, size_t name_len)
{
	struct view part;
	size_t len = 0, parts = 0;
	name[0] = '\0';
	while (view_split(&path, '.', &part)) {
		uint64_t index;
		if (view_to_u64(part, &index) || view_eq_str(part, "custom"))
			continue;
		int more = snprintf(
		    name + len, name_len - len, "%s%.*s", len > 0 ? "." : "", VIEW_ARGS(part));
		len += more > 0 ? (size_t)more : 0;
		parts++;
		if (len >= name_len)
			return false;
	}
	return parts > 0 && parts <= 2;
}

static void
add_field(struct reading *reading, struct view path)
{
	const struct lessons_question *question = reading->question;
	char name[LESSON_NAME_BYTES];
	bool ours = shorten(path, name, sizeof(name)) && !is_vital(name) &&
		    !view_starts(view_of(name), "messages.") &&
		    (rewrite_body_has_field(question->body, name) ||
			(question->asks_usage && strcmp(name, "stream_options") == 0));
	if (ours)
		add(reading, LESSON_FIELD, view_of(name));
	else
		reading->stays = true;
}

/* The path that ends here: from the last sign on that is none of a path's. */
static struct view
path_before(struct view message, size_t end)
{
	static const char between[] = " \t\r\n,;\"'`()";
	size_t begin = end;
	while (begin > 0 && message.data[begin - 1] != '\0' &&
	       strchr(between, message.data[begin - 1]) == NULL)
		begin--;
	return view_sub(message, begin, end - begin);
}

/* "x: Extra inputs are not permitted" (Anthropic), "Unrecognized request argument supplied: x" or
 * "... arguments supplied: x, y" (OpenAI), or a code with error.param. */
static void
read_fields(struct reading *reading)
{
	static const char extra[] = ": Extra inputs are not permitted";
	static const char *const heads[] = {"Unrecognized request argument supplied: ",
	    "Unrecognized request arguments supplied: "};
	struct view rest = reading->message, param;
	ptrdiff_t at;
	while ((at = view_find(rest, extra)) >= 0) {
		add_field(reading, path_before(rest, (size_t)at));
		rest = view_from(rest, (size_t)at + strlen(extra));
	}
	for (size_t i = 0; i < 2; i++) {
		rest = reading->message;
		if (!view_starts(rest, heads[i]))
			continue;
		rest = view_from(rest, strlen(heads[i]));
		while (view_split(&rest, ',', &param))
			add_field(reading, view_trim(param));
	}
	struct jsonspan_value code = jsonspan_get(reading->error, "code");
	if ((jsonspan_str_is(code, "unknown_parameter") ||
		jsonspan_str_is(code, "unsupported_parameter")) &&
	    jsonspan_str_plain(jsonspan_get(reading->error, "param"), &param))
		add_field(reading, param);
}

static bool
holds(struct view body, const char *word)
{
	return view_find(body, word) >= 0;
}

/* "messages.1.content.0: Invalid `signature` in `thinking` block"; a code of OpenAI's. */
static void
read_secrets_of_others(struct reading *reading)
{
	const struct lessons_question *question = reading->question;
	if (question->protocol == PROTOCOL_ANTHROPIC &&
	    view_find(reading->message, "nvalid `signature` in `thinking`") >= 0 &&
	    holds(question->body, "thinking"))
		add(reading, LESSON_THINKING, VIEW(""));
	if (question->protocol == PROTOCOL_RESPONSES &&
	    jsonspan_str_is(jsonspan_get(reading->error, "code"), "invalid_encrypted_content") &&
	    holds(question->body, "encrypted_content"))
		add(reading, LESSON_ENCRYPTED, VIEW(""));
}

bool
lessons_read(const struct lessons_question *question, struct lesson_list *out)
{
	struct jsonspan_want want = {.key = "error"};
	struct bytes text;
	out->count = 0;
	if ((question->status != 400 && question->status != 422) ||
	    !jsonspan_scan(question->error_body, &want, 1, NULL, NULL) ||
	    want.value.kind != JSONSPAN_OBJECT)
		return false;
	bytes_init(&text, 4096);
	struct jsonspan_value said = jsonspan_get(want.value, "message");
	if (said.kind == JSONSPAN_STRING && !jsonspan_unescape(said, &text))
		bytes_clear(&text);
	struct reading reading = {
	    .question = question, .error = want.value, .message = bytes_view(&text), .found = out};
	read_betas(&reading);
	read_fields(&reading);
	read_secrets_of_others(&reading);
	bytes_fini(&text);
	if (reading.stays)
		out->count = 0;
	return out->count > 0;
}

/* ---- keeping ---- */

static bool
is_for(const struct lesson_of *of, const char *upstream, const char *model)
{
	return strcmp(of->upstream, upstream) == 0 && strcmp(of->model, model) == 0;
}

void
lessons_for(const struct lessons *lessons, const struct table *table, const char *upstream,
    const char *model, int64_t wall_ms, struct lesson_list *out)
{
	out->count = 0;
	for (size_t i = 0; i < table->lesson_count && out->count < LESSONS_FOR_MAX; i++) {
		const struct lesson_of *of = &table->lessons[i];
		if (wall_ms < of->lesson.until_ms && is_for(of, upstream, model))
			out->items[out->count++] = of->lesson;
	}
	for (size_t i = 0; lessons != NULL && i < lessons->count && out->count < LESSONS_FOR_MAX;
	     i++) {
		const struct lesson_of *of = &lessons->items[i];
		if (wall_ms - lessons->since_ms[i] < LESSONS_WAIT_MS && is_for(of, upstream, model))
			out->items[out->count++] = of->lesson;
	}
}

bool
lessons_learn(struct lessons *lessons, const struct table *table, const char *upstream,
    const char *model, const struct lesson *lesson, int64_t wall_ms)
{
	struct lesson_list known;
	lessons_for(lessons, table, upstream, model, wall_ms, &known);
	for (size_t i = 0; i < known.count; i++) {
		if (is_same(&known.items[i], lesson))
			return false;
	}
	if (known.count == LESSONS_FOR_MAX)
		return false;
	if (lessons->count == LESSONS_MAX)
		drop_first(lessons);
	struct lesson_of *of = &lessons->items[lessons->count];
	lessons->since_ms[lessons->count++] = wall_ms;
	*of = (struct lesson_of){
	    .upstream = mem_dup_str(upstream), .model = mem_dup_str(model), .lesson = *lesson};
	return true;
}

size_t
lessons_news(const struct lessons *lessons, const struct lesson_of **out)
{
	*out = &lessons->items[lessons->told];
	return lessons->count - lessons->told;
}

void
lessons_taken(struct lessons *lessons, size_t count)
{
	size_t left = lessons->count - lessons->told;
	lessons->told += count < left ? count : left;
}
