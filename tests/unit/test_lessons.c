/* What a refusal teaches. */
#include "lessons.h"
#include "mem.h"
#include "suite.h"
#include <stdio.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define A PROTOCOL_ANTHROPIC
#define C PROTOCOL_CHAT
#define R PROTOCOL_RESPONSES
#define BODY                                                                                       \
	"{\"model\":\"m\",\"tools\":[{\"name\":\"t\",\"strict\":true}],\"messages\":[{"            \
	"\"content\":"                                                                             \
	"[{\"type\":\"thinking\",\"signature\":\"s\"}]}],\"context_management\":{\"edits\":[]},"   \
	"\"reasoning_effort\":\"high\",\"input\":[{\"encrypted_content\":\"e\"}],\"metadata\":"    \
	"{\"odd\":1}}"
#define SAYS(text)                                                                                 \
	"{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"" text    \
	"\"}}"

static const struct {
	int status;
	enum protocol protocol;
	const char *error;
	int kind;          /* of all; -1 = nothing */
	const char *names; /* each followed by a space, in their order */
} rows[] = {
    {400, A,
	SAYS("Unexpected value(s) `fancy-2026-01-01` for the `anthropic-beta` header. Please ..."),
	LESSON_BETA, "fancy-2026-01-01 "},
    {400, A, SAYS("Unexpected value(s) `not-sent` for the `anthropic-beta` header."), -1, ""},
    {400, A, SAYS("context_management: Extra inputs are not permitted"), LESSON_FIELD,
	"context_management "},
    {400, A, SAYS("tools.0.custom.strict: Extra inputs are not permitted"), LESSON_FIELD,
	"tools.strict "},
    {400, A, SAYS("metadata.odd: Extra inputs are not permitted"), LESSON_FIELD, "metadata.odd "},
    {400, A, SAYS("messages.0.content.0.text: Extra inputs are not permitted"), -1, ""},
    {400, A, SAYS("absent: Extra inputs are not permitted"), -1, ""},
    {400, A, SAYS("tools: Extra inputs are not permitted"), -1, ""},
    {400, A, SAYS("messages.1.content.0: Invalid `signature` in `thinking` block"), LESSON_THINKING,
	" "},
    {400, C, SAYS("Unrecognized request argument supplied: reasoning_effort"), LESSON_FIELD,
	"reasoning_effort "},
    {400, C, SAYS("Unrecognized request argument supplied: model"), -1, ""},
    {400, C, "{\"error\":{\"code\":\"unknown_parameter\",\"param\":\"reasoning_effort\"}}",
	LESSON_FIELD, "reasoning_effort "},
    {400, C, "{\"error\":{\"code\":\"invalid_value\",\"param\":\"reasoning_effort\"}}", -1, ""},
    {400, R, "{\"error\":{\"code\":\"invalid_encrypted_content\"}}", LESSON_ENCRYPTED, " "},
    {400, C, "{\"error\":{\"code\":\"invalid_encrypted_content\"}}", -1, ""},
    {422, C, SAYS("Unrecognized request argument supplied: reasoning_effort"), LESSON_FIELD,
	"reasoning_effort "},
    {403, C, SAYS("Unrecognized request argument supplied: reasoning_effort"), -1, ""},
    {400, A, SAYS("prompt is too long: 300000 tokens > 200000 maximum"), -1, ""},
    {400, A, "<html>context_management: Extra inputs are not permitted</html>", -1, ""},
    {400, A, "{\"error\":\"context_management: Extra inputs are not permitted\"}", -1, ""},
    {400, A, "", -1, ""},
    /* Several in one answer. */
    {400, A,
	SAYS(
	    "Unexpected value(s) `fancy-2026-01-01`, `a` for the `anthropic-beta` header. See `b`"),
	LESSON_BETA, "fancy-2026-01-01 a "},
    {400, A, SAYS("Unexpected value(s) `a, fancy-2026-01-01` for the `anthropic-beta` header."),
	LESSON_BETA, "a fancy-2026-01-01 "},
    {400, A, SAYS("Unexpected value(s) `a`, `not-sent` for the `anthropic-beta` header."), -1, ""},
    {400, A,
	SAYS("context_management: Extra inputs are not permitted\\nreasoning_effort: Extra inputs "
	     "are not permitted"),
	LESSON_FIELD, "context_management reasoning_effort "},
    {400, A,
	SAYS("tools.0.custom.strict: Extra inputs are not permitted, tools.1.custom.strict: Extra "
	     "inputs are not permitted; metadata.odd: Extra inputs are not permitted"),
	LESSON_FIELD, "tools.strict metadata.odd "},
    /* What cannot be left out is refused again, whatever else is. */
    {400, A,
	SAYS("context_management: Extra inputs are not permitted, tools: Extra inputs are not "
	     "permitted"),
	-1, ""},
    {400, C, SAYS("Unrecognized request arguments supplied: reasoning_effort, metadata"),
	LESSON_FIELD, "reasoning_effort metadata "},
    {400, C, SAYS("Unrecognized request arguments supplied: reasoning_effort, input"), -1, ""},
};

START_TEST(a_refusal_is_read)
{
	struct lessons_question question = {.status = rows[_i].status,
	    .error_body = view_of(rows[_i].error),
	    .protocol = rows[_i].protocol,
	    .beta = VIEW("a, fancy-2026-01-01"),
	    .body = view_of(BODY)};
	struct lesson_list list;
	char names[256] = "";
	bool learned = lessons_read(&question, &list);
	ck_assert_int_eq(learned, rows[_i].kind >= 0);
	ck_assert_int_eq(learned, list.count > 0);
	for (size_t i = 0; i < list.count; i++) {
		size_t len = strlen(names);
		ck_assert_int_eq(list.items[i].kind, rows[_i].kind);
		snprintf(names + len, sizeof(names) - len, "%s ", list.items[i].name);
	}
	ck_assert_str_eq(names, rows[_i].names);
}
END_TEST

/* Both kinds in one answer; more than there is room for. */
START_TEST(several_are_read_at_once)
{
	char error[4096], body[2048] = "{\"model\":\"m\"";
	struct lessons_question question = {
	    .status = 400, .protocol = A, .beta = VIEW("odd"), .body = view_of(BODY)};
	struct lesson_list list;
	question.error_body = VIEW(SAYS(
	    "Unexpected value(s) `odd` for the `anthropic-beta` header. context_management: Extra "
	    "inputs are not permitted"));
	ck_assert(lessons_read(&question, &list));
	ck_assert_uint_eq(list.count, 2);
	ck_assert_int_eq(list.items[0].kind, LESSON_BETA);
	ck_assert_int_eq(list.items[1].kind, LESSON_FIELD);
	for (size_t count = LESSONS_FOR_MAX; count <= LESSONS_FOR_MAX + 1; count++) {
		size_t len = (size_t)snprintf(error, sizeof(error),
		    "{\"error\":{\"message\":\"Unrecognized request arguments supplied: ");
		size_t at = strlen("{\"model\":\"m\"");
		for (size_t i = 0; i < count; i++) {
			at += (size_t)snprintf(body + at, sizeof(body) - at, ",\"x%zu\":1", i);
			len += (size_t)snprintf(
			    error + len, sizeof(error) - len, "%sx%zu", i > 0 ? ", " : "", i);
		}
		snprintf(body + at, sizeof(body) - at, "}");
		snprintf(error + len, sizeof(error) - len, "\"}}");
		question.error_body = view_of(error);
		question.body = view_of(body);
		ck_assert_int_eq(lessons_read(&question, &list), count == LESSONS_FOR_MAX);
		ck_assert_uint_eq(list.count, count == LESSONS_FOR_MAX ? count : 0);
	}
}
END_TEST

START_TEST(a_lesson_holds_for_its_upstream_and_model)
{
	struct lessons *lessons = lessons_new();
	struct table *table = table_new();
	struct lesson_list list;
	const struct lesson_of *news;
	struct lesson x = {.kind = LESSON_FIELD, .name = "x"};
	ck_assert(lessons_learn(lessons, table, "u", "m", &x, 1000));
	ck_assert(!lessons_learn(lessons, table, "u", "m", &x, 1001));
	ck_assert(lessons_learn(lessons, table, "u", "n", &x, 1000));
	lessons_for(lessons, table, "u", "m", 1500, &list);
	ck_assert_uint_eq(list.count, 1);
	lessons_for(lessons, table, "v", "m", 1500, &list);
	ck_assert_uint_eq(list.count, 0);
	ck_assert_uint_eq(lessons_news(lessons, &news), 2);
	ck_assert_str_eq(news[1].model, "n");
	lessons_taken(lessons, 2);
	ck_assert_uint_eq(lessons_news(lessons, &news), 0);
	/* after a while only the table's count */
	lessons_for(lessons, table, "u", "m", 1000 + LESSONS_WAIT_MS, &list);
	ck_assert_uint_eq(list.count, 0);
	*table_add_lesson(table) =
	    (struct lesson_of){mem_dup_str("u"), mem_dup_str("m"), {LESSON_BETA, "b", 90000}};
	lessons_for(lessons, table, "u", "m", 89999, &list);
	ck_assert_uint_eq(list.count, 1);
	lessons_for(lessons, table, "u", "m", 90000, &list);
	ck_assert_uint_eq(list.count, 0);
	table_unref(table);
	lessons_free(lessons);
}
END_TEST

START_TEST(there_are_never_too_many)
{
	struct lessons *lessons = lessons_new();
	struct table *table = table_new();
	struct lesson_list list;
	const struct lesson_of *news;
	for (unsigned i = 0; i < 1000; i++) {
		struct lesson lesson = {.kind = LESSON_FIELD};
		snprintf(lesson.name, sizeof(lesson.name), "f%u", i);
		(void)lessons_learn(lessons, table, "u", "m", &lesson, 1000);
	}
	lessons_for(lessons, table, "u", "m", 1500, &list);
	ck_assert_uint_le(list.count, LESSONS_FOR_MAX);
	ck_assert_uint_le(lessons_news(lessons, &news), LESSONS_MAX);
	table_unref(table);
	lessons_free(lessons);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("lessons");
	TCase *tests = tcase_create("lessons");
	tcase_add_loop_test(tests, a_refusal_is_read, 0, COUNT(rows));
	tcase_add_test(tests, several_are_read_at_once);
	tcase_add_test(tests, a_lesson_holds_for_its_upstream_and_model);
	tcase_add_test(tests, there_are_never_too_many);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
