/* The head of an upstream's answer: what is taken, and what never reaches a client. */
#include "answer.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* Feeds the lines of `text`, each with its line end; the result of the last one fed. */
static enum answer_result
feed(struct answer *answer, const char *text)
{
	struct view rest = view_of(text);
	enum answer_result result = ANSWER_MORE;
	while (rest.len > 0 && result == ANSWER_MORE) {
		ptrdiff_t end = view_find_char(rest, '\n');
		size_t len = end < 0 ? rest.len : (size_t)end + 1;
		result = answer_line(answer, view_sub(rest, 0, len));
		rest = view_from(rest, len);
	}
	return result;
}

START_TEST(it_keeps_headers_in_order)
{
	struct answer answer;
	answer_init(&answer);
	ck_assert_int_eq(
	    feed(&answer, "HTTP/1.1 200 OK\r\nB:  two \r\nA: one\r\nb: three\r\nE:\r\n\r\n"),
	    ANSWER_WHOLE);
	ck_assert_int_eq(answer.status, 200);
	ck_assert_uint_eq(answer.header_count, 4);
	ck_assert(view_eq_str(answer.headers[0].name, "B"));
	ck_assert(view_eq_str(answer.headers[0].value, "two"));
	ck_assert(view_eq_str(answer.headers[2].value, "three"));
	ck_assert(view_eq_str(answer_header(&answer, "b"), "two"));
	ck_assert(view_eq_str(answer_header(&answer, "E"), ""));
	ck_assert_ptr_nonnull(answer_header(&answer, "E").data);
	ck_assert_ptr_null(answer_header(&answer, "x").data);
	ck_assert(!answer.has_length);
	answer_drop(&answer);
	ck_assert_int_eq(answer.status, 200);
	ck_assert_ptr_null(answer_header(&answer, "b").data);
	answer_fini(&answer);
}
END_TEST

START_TEST(it_skips_what_comes_before_the_final_head)
{
	struct answer answer;
	answer_init(&answer);
	ck_assert_int_eq(feed(&answer, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
				       "HTTP/1.1 100 Continue\r\n\r\n"
				       "HTTP/1.1 429\r\nretry-after: 3\r\n\r\n"),
	    ANSWER_WHOLE);
	ck_assert_int_eq(answer.status, 429);
	ck_assert_uint_eq(answer.header_count, 1);
	ck_assert_int_eq(feed(&answer, "trailer: x\r\n\r\n"), ANSWER_MORE);
	ck_assert_uint_eq(answer.header_count, 1);
	answer_fini(&answer);
}
END_TEST

static const struct {
	const char *text;
	enum answer_result result;
	bool has_length;
	uint64_t length;
} rows[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n", ANSWER_WHOLE, true, 12},
    {"HTTP/1.1 200 OK\r\nContent-Length: 12\r\ncontent-length: 12\r\n\r\n", ANSWER_WHOLE, true, 12},
    {"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nContent-Length: 13\r\n\r\n", ANSWER_BAD, false, 0},
    {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", ANSWER_BAD, false, 0},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n", ANSWER_BAD, false, 0},
    /* the chunks say how long it is */
    {"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nTransfer-Encoding: chunked\r\n\r\n", ANSWER_WHOLE,
	false, 0},
    {"HTTP/1.1 101 Switching Protocols\r\n\r\n", ANSWER_BAD, false, 0},
    {"HTTP/1.1 1000 No\r\n\r\n", ANSWER_BAD, false, 0},
    {"HTTP/1.1 99 No\r\n\r\n", ANSWER_BAD, false, 0},
    {"HTTP/1.1 2x0 No\r\n\r\n", ANSWER_BAD, false, 0},
    {"ICY 200 OK\r\n\r\n", ANSWER_BAD, false, 0},
    {"\r\n", ANSWER_BAD, false, 0},
    {"HTTP/1.1 200 OK\r\nname with space: x\r\n\r\n", ANSWER_BAD, false, 0},
    {"HTTP/1.1 200 OK\r\n: x\r\n\r\n", ANSWER_BAD, false, 0},
    {"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", ANSWER_BAD, false, 0},
    {"HTTP/1.1 200 OK\r\na: x\r\n folded\r\n\r\n", ANSWER_BAD, false, 0},
    {"HTTP/1.1 200 OK\r\na: x\ry: z\r\n\r\n", ANSWER_BAD, false, 0}, /* a bare CR */
    {"HTTP/1.1 200 OK\r\na: x\001\r\n\r\n", ANSWER_BAD, false, 0},
};

START_TEST(it_judges)
{
	struct answer answer;
	answer_init(&answer);
	ck_assert_int_eq(feed(&answer, rows[_i].text), rows[_i].result);
	ck_assert(rows[_i].result == ANSWER_BAD || answer.has_length == rows[_i].has_length);
	ck_assert(!rows[_i].has_length || answer.length == rows[_i].length);
	answer_fini(&answer);
}
END_TEST

START_TEST(it_is_bounded)
{
	struct answer answer;
	answer_init(&answer);
	ck_assert_int_eq(feed(&answer, "HTTP/1.1 200 OK\r\n"), ANSWER_MORE);
	for (int i = 0; i < ANSWER_HEADERS_MAX; i++)
		ck_assert_int_eq(feed(&answer, "a: b\r\n"), ANSWER_MORE);
	ck_assert_int_eq(feed(&answer, "\r\n"), ANSWER_WHOLE);
	ck_assert_uint_eq(answer.header_count, ANSWER_HEADERS_MAX);
	answer_fini(&answer);
	answer_init(&answer);
	ck_assert_int_eq(feed(&answer, "HTTP/1.1 200 OK\r\n"), ANSWER_MORE);
	for (int i = 0; i < ANSWER_HEADERS_MAX + 1; i++)
		ck_assert_int_eq(feed(&answer, "a: b\r\n"), ANSWER_MORE);
	ck_assert_int_eq(feed(&answer, "\r\n"), ANSWER_TOO_BIG);
	answer_fini(&answer);
	answer_init(&answer);
	static char line[1025];
	memset(line, 'a', sizeof(line) - 1);
	enum answer_result result = ANSWER_MORE;
	int fed = 0;
	for (; result == ANSWER_MORE && fed < 100; fed++)
		result = answer_line(&answer, view_of(line));
	ck_assert_int_eq(result, ANSWER_TOO_BIG);
	ck_assert_int_le(fed, 64);
	answer_fini(&answer);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("answer");
	TCase *tests = tcase_create("answer");
	tcase_add_test(tests, it_keeps_headers_in_order);
	tcase_add_test(tests, it_skips_what_comes_before_the_final_head);
	tcase_add_loop_test(tests, it_judges, 0, COUNT(rows));
	tcase_add_test(tests, it_is_bounded);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
