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
	int kind; /* -1 = nothing */
	const char *name;
} rows[] = {
    {400, A,
	SAYS("Unexpected value(s) `fancy-2026-01-01` for the `anthropic-beta` header. Please ..."),
	LESSON_BETA, "fancy-2026-01-01"},
    {400, A, SAYS("Unexpected value(s) `not-sent` for the `anthropic-beta` header."), -1, ""},
    {400, A, SAYS("context_management: Extra inputs are not permitted"), LESSON_FIELD,
	"context_management"},
    {400, A, SAYS("tools.0.custom.strict: Extra inputs are not permitted"), LESSON_FIELD,
	"tools.strict"},
    {400, A, SAYS("metadata.odd: Extra inputs are not permitted"), LESSON_FIELD, "metadata.odd"},
    {400, A, SAYS("messages.0.content.0.text: Extra inputs are not permitted"), -1, ""},
    {400, A, SAYS("absent: Extra inputs are not permitted"), -1, ""},
    {400, A, SAYS("tools: Extra inputs are not permitted"), -1, ""},
    {400, A, SAYS("messages.1.content.0: Invalid `signature` in `thinking` block"), LESSON_THINKING,
	""},
    {400, C, SAYS("Unrecognized request argument supplied: reasoning_effort"), LESSON_FIELD,
	"reasoning_effort"},
    {400, C, SAYS("Unrecognized request argument supplied: model"), -1, ""},
    {400, C, "{\"error\":{\"code\":\"unknown_parameter\",\"param\":\"reasoning_effort\"}}",
	LESSON_FIELD, "reasoning_effort"},
    {400, C, "{\"error\":{\"code\":\"invalid_value\",\"param\":\"reasoning_effort\"}}", -1, ""},
    {400, R, "{\"error\":{\"code\":\"invalid_encrypted_content\"}}", LESSON_ENCRYPTED, ""},
    {400, C, "{\"error\":{\"code\":\"invalid_encrypted_content\"}}", -1, ""},
    {422, C, SAYS("Unrecognized request argument supplied: reasoning_effort"), LESSON_FIELD,
	"reasoning_effort"},
    {403, C, SAYS("Unrecognized request argument supplied: reasoning_effort"), -1, ""},
    {400, A, SAYS("prompt is too long: 300000 tokens > 200000 maximum"), -1, ""},
    {400, A, "<html>context_management: Extra inputs are not permitted</html>", -1, ""},
    {400, A, "{\"error\":\"context_management: Extra inputs are not permitted\"}", -1, ""},
    {400, A, "", -1, ""},
};

START_TEST(a_refusal_is_read)
{
	struct lessons_question question = {.status = rows[_i].status,
	    .error_body = view_of(rows[_i].error),
	    .protocol = rows[_i].protocol,
	    .beta = VIEW("a, fancy-2026-01-01"),
	    .body = view_of(BODY)};
	struct lesson lesson;
	bool learned = lessons_read(&question, &lesson);
	ck_assert_int_eq(learned, rows[_i].kind >= 0);
	if (!learned)
		return;
	ck_assert_int_eq(lesson.kind, rows[_i].kind);
	ck_assert_str_eq(lesson.name, rows[_i].name);
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
	tcase_add_test(tests, a_lesson_holds_for_its_upstream_and_model);
	tcase_add_test(tests, there_are_never_too_many);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
