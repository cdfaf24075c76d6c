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
take_name(struct lesson *out, enum lesson_kind kind, struct view name)
{
	if (name.len == 0 || name.len >= sizeof(out->name))
		return false;
	/* Header values and fields of vendors are plain words; reports and logs need no others. */
	for (size_t i = 0; i < name.len; i++) {
		if (name.data[i] <= ' ' || name.data[i] > '~')
			return false;
	}
	out->kind = kind;
	memcpy(out->name, name.data, name.len);
	out->name[name.len] = '\0';
	return true;
}

static bool
list_has(struct view list, const char *value)
{
	struct view part;
	while (view_split(&list, ',', &part)) {
		if (view_eq_str(view_trim(part), value))
			return true;
	}
	return false;
}

/* The text between the first two marks behind `phrase`. */
static struct view
quoted_after(struct view message, const char *phrase, char mark)
{
	ptrdiff_t at = view_find(message, phrase);
	if (at < 0)
		return (struct view){0};
	struct view rest = view_from(message, (size_t)at + strlen(phrase));
	ptrdiff_t open = view_find_char(rest, mark);
	if (open < 0)
		return (struct view){0};
	rest = view_from(rest, (size_t)open + 1);
	ptrdiff_t close = view_find_char(rest, mark);
	return close < 0 ? (struct view){0} : view_sub(rest, 0, (size_t)close);
}

/* "Unexpected value(s) `x` for the `anthropic-beta` header. ..." */
static bool
read_beta(const struct lessons_question *question, struct view message, struct lesson *out)
{
	if (view_find(message, "anthropic-beta") < 0)
		return false;
	struct view name = quoted_after(message, "nexpected value(s)", '`');
	return take_name(out, LESSON_BETA, name) && list_has(question->beta, out->name);
}

/* A path of the vendor's ("tools.0.custom.strict") as ours ("tools.strict"): one that leads deeper
 * is not ours to cut. */
static bool
take_field(const struct lessons_question *question, struct view path, struct lesson *out)
{
	struct view rest = path, part;
	char name[LESSON_NAME_BYTES] = "";
	size_t len = 0, parts = 0;
	while (view_split(&rest, '.', &part)) {
		uint64_t index;
		if (view_to_u64(part, &index) || view_eq_str(part, "custom"))
			continue;
		int more = snprintf(
		    name + len, sizeof(name) - len, "%s%.*s", len > 0 ? "." : "", VIEW_ARGS(part));
		len += more > 0 ? (size_t)more : 0;
		parts++;
		if (len >= sizeof(name))
			return false;
	}
	return parts > 0 && parts <= 2 && !is_vital(name) &&
	       (parts == 1 || !view_starts(view_of(name), "messages.")) &&
	       take_name(out, LESSON_FIELD, view_of(name)) &&
	       (rewrite_body_has_field(question->body, out->name) ||
		   (question->asks_usage && strcmp(out->name, "stream_options") == 0));
}

/* "x: Extra inputs are not permitted" (Anthropic), "Unrecognized request argument supplied: x"
 * (OpenAI), or a code with error.param. */
static bool
read_field(const struct lessons_question *question, struct jsonspan_value error,
    struct view message, struct lesson *out)
{
	static const char *const codes[] = {"unknown_parameter", "unsupported_parameter"};
	struct view param;
	ptrdiff_t at = view_find(message, ": Extra inputs are not permitted");
	if (at > 0)
		return take_field(question, view_sub(message, 0, (size_t)at), out);
	at = view_find(message, "Unrecognized request argument supplied: ");
	if (at == 0)
		return take_field(question, view_from(message, 40), out);
	struct jsonspan_value code = jsonspan_get(error, "code");
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (jsonspan_str_is(code, codes[i]) &&
		    jsonspan_str_plain(jsonspan_get(error, "param"), &param))
			return take_field(question, param, out);
	}
	return false;
}

static bool
holds(struct view body, const char *word)
{
	return view_find(body, word) >= 0;
}

/* "messages.1.content.0: Invalid `signature` in `thinking` block". */
static bool
read_thinking(const struct lessons_question *question, struct view message, struct lesson *out)
{
	*out = (struct lesson){.kind = LESSON_THINKING};
	return question->protocol == PROTOCOL_ANTHROPIC &&
	       view_find(message, "nvalid `signature` in `thinking`") >= 0 &&
	       holds(question->body, "thinking");
}

static bool
read_encrypted(
    const struct lessons_question *question, struct jsonspan_value error, struct lesson *out)
{
	*out = (struct lesson){.kind = LESSON_ENCRYPTED};
	return question->protocol == PROTOCOL_RESPONSES &&
	       jsonspan_str_is(jsonspan_get(error, "code"), "invalid_encrypted_content") &&
	       holds(question->body, "encrypted_content");
}

bool
lessons_read(const struct lessons_question *question, struct lesson *out)
{
	struct jsonspan_want want = {.key = "error"};
	struct bytes text;
	*out = (struct lesson){0};
	if ((question->status != 400 && question->status != 422) ||
	    !jsonspan_scan(question->error_body, &want, 1, NULL, NULL) ||
	    want.value.kind != JSONSPAN_OBJECT)
		return false;
	bytes_init(&text, 4096);
	struct jsonspan_value said = jsonspan_get(want.value, "message");
	if (said.kind == JSONSPAN_STRING && !jsonspan_unescape(said, &text))
		bytes_clear(&text);
	struct view message = bytes_view(&text);
	bool learned =
	    read_beta(question, message, out) || read_field(question, want.value, message, out) ||
	    read_thinking(question, message, out) || read_encrypted(question, want.value, out);
	bytes_fini(&text);
	return learned;
}

/* ---- keeping ---- */

static bool
is_for(const struct lesson_of *of, const char *upstream, const char *model)
{
	return strcmp(of->upstream, upstream) == 0 && strcmp(of->model, model) == 0;
}

static bool
is_same(const struct lesson *one, const struct lesson *other)
{
	return one->kind == other->kind && strcmp(one->name, other->name) == 0;
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
