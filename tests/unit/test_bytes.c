/* The bounded buffer, and the allocator below it. */
#include "bytes.h"
#include "mem.h"
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static struct bytes buf;

static void
check_is(const char *expected)
{
	ck_assert_str_eq(bytes_str(&buf), expected);
	ck_assert_uint_eq(buf.len, strlen(expected));
}

START_TEST(appends)
{
	bytes_init(&buf, 1000);
	ck_assert_ptr_null(bytes_view(&buf).data);
	ck_assert(bytes_append_str(&buf, "ab"));
	ck_assert(bytes_append_char(&buf, 'c'));
	ck_assert(bytes_append_view(&buf, VIEW("de")));
	ck_assert(bytes_append(&buf, NULL, 0));
	ck_assert(bytes_printf(&buf, "%s-%03d", "f", 7));
	ck_assert(bytes_printf(&buf, "%s", ""));
	check_is("abcdef-007");
	bytes_consume(&buf, 3);
	check_is("def-007");
	bytes_consume(&buf, 7);
	check_is("");
	bytes_fini(&buf);
}
END_TEST

START_TEST(nothing_passes_the_limit)
{
	bytes_init(&buf, 10);
	ck_assert(bytes_append_str(&buf, "12345678"));
	ck_assert(!bytes_append_str(&buf, "abc"));
	ck_assert(!bytes_printf(&buf, "%d", 100));
	ck_assert(!bytes_append_json(&buf, VIEW("a\"b")));
	ck_assert(!bytes_reserve(&buf, 3));
	ck_assert(!bytes_reserve(&buf, SIZE_MAX));
	check_is("12345678");
	ck_assert(bytes_printf(&buf, "%d", 90));
	check_is("1234567890"); /* the terminator has room at the limit */
	ck_assert(!bytes_append_char(&buf, 'x'));
	bytes_clear(&buf);
	ck_assert(bytes_append_char(&buf, 'x'));
	check_is("x");
	bytes_fini(&buf);
	bytes_init(&buf, 0);
	ck_assert(!bytes_append_char(&buf, 'x'));
	check_is("");
	bytes_fini(&buf);
}
END_TEST

START_TEST(grows_within_its_limit)
{
	bytes_init(&buf, 100000);
	for (unsigned i = 0; i < 100000; i++) {
		if (!bytes_append_char(&buf, (char)('a' + i % 26)) || buf.cap > buf.max)
			ck_abort_msg("at %u", i);
	}
	ck_assert(!bytes_append_char(&buf, 'x'));
	ck_assert_uint_eq(strlen(bytes_str(&buf)), 100000); /* full, and terminated */
	for (unsigned i = 0; i < 100000; i++) {
		if (buf.data[i] != (char)('a' + i % 26))
			ck_abort_msg("at %u", i);
	}
	bytes_fini(&buf);
	/* A step of a whole limit and a limit that doubling would pass. */
	bytes_init(&buf, SIZE_MAX - 1);
	ck_assert(bytes_reserve(&buf, 300));
	ck_assert_uint_ge(buf.cap, 300);
	ck_assert(bytes_append_char(&buf, 'x'));
	ck_assert(!bytes_reserve(&buf, SIZE_MAX - 1));
	bytes_fini(&buf);
}
END_TEST

START_TEST(json_escapes)
{
	bytes_init(&buf, 1000);
	ck_assert(bytes_append_json(&buf, VIEW("")));
	ck_assert(bytes_append_json(&buf, VIEW("a\"b\\c/d\b\f\n\r\t\x01\x1f\x7f\0é\xff")));
	check_is("a\\\"b\\\\c/d\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\\u0000é\xff");
	bytes_fini(&buf);
}
END_TEST

START_TEST(consuming_too_much_aborts)
{
	bytes_init(&buf, 10);
	bytes_consume(&buf, 1);
}
END_TEST

START_TEST(memory)
{
	char *copy = mem_dup(VIEW("a\0b"));
	ck_assert_mem_eq(copy, "a\0b", 4);
	mem_free(copy);
	copy = mem_dup(view_make(NULL, 0));
	ck_assert_str_eq(copy, "");
	mem_free(copy);
	copy = mem_dup_str("ab");
	copy = mem_realloc(copy, 1000);
	ck_assert_str_eq(copy, "ab");
	mem_free(copy);
	mem_free(NULL);
	unsigned char *zeroed = mem_calloc(3, 5);
	for (int i = 0; i < 15; i++)
		ck_assert_uint_eq(zeroed[i], 0);
	mem_free(zeroed);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("bytes");
	TCase *tcase = tcase_create("bytes");
	tcase_add_test(tcase, appends);
	tcase_add_test(tcase, nothing_passes_the_limit);
	tcase_add_test(tcase, grows_within_its_limit);
	tcase_add_test(tcase, json_escapes);
	tcase_add_test_raise_signal(tcase, consuming_too_much_aborts, SIGABRT);
	tcase_add_test(tcase, memory);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
