/* Borrowed runs of bytes: comparing, cutting, splitting, UTF-8. */
#include "view.h"
#include <check.h>
#include <stdlib.h>

START_TEST(empty_and_null_are_the_same)
{
	ck_assert(view_eq(view_of(NULL), view_of("")));
	ck_assert(view_eq_str(view_make(NULL, 0), ""));
	ck_assert(view_eq_nocase(view_make(NULL, 0), ""));
	ck_assert(view_starts(view_of(NULL), ""));
	ck_assert(view_ends(view_of(NULL), ""));
	ck_assert_int_eq(view_find(view_of(NULL), ""), 0);
	ck_assert_int_eq(view_find(view_of(NULL), "a"), -1);
	ck_assert_int_eq(view_find_char(view_of(NULL), 'a'), -1);
	ck_assert_uint_eq(view_trim(view_of(NULL)).len, 0);
	ck_assert_uint_eq(view_from(view_of(NULL), 3).len, 0);
}
END_TEST

START_TEST(compares)
{
	ck_assert(view_eq(VIEW("a\0b"), VIEW("a\0b")));
	ck_assert(!view_eq(VIEW("a\0b"), VIEW("a\0c")));
	ck_assert(!view_eq_str(VIEW("a\0b"), "a"));
	ck_assert(view_eq_nocase(VIEW("Content-TYPE"), "content-type"));
	ck_assert(!view_eq_nocase(VIEW("content-type "), "content-type"));
	/* Only letters have case: '[' is not '{', '@' is not '`'. */
	ck_assert(!view_eq_nocase(VIEW("["), "{"));
	ck_assert(!view_eq_nocase(VIEW("@"), "`"));
	ck_assert(!view_eq_nocase(VIEW("\xc4"), "\xe4"));
	ck_assert(view_starts(VIEW("Bearer x"), "Bearer "));
	ck_assert(!view_starts(VIEW("Bear"), "Bearer"));
	ck_assert(view_starts_nocase(VIEW("BEARER x"), "bearer "));
	ck_assert(view_ends(VIEW("a.json"), ".json"));
	ck_assert(!view_ends(VIEW("json"), ".json"));
}
END_TEST

START_TEST(finds)
{
	ck_assert_int_eq(view_find(VIEW("abcabc"), "ca"), 2);
	ck_assert_int_eq(view_find(VIEW("abc"), "abcd"), -1);
	ck_assert_int_eq(view_find(VIEW("a\0bc"), "bc"), 2);
	ck_assert_int_eq(view_find_char(VIEW("a\0bc"), 'c'), 3);
	ck_assert_int_eq(view_find_char(VIEW("abc"), '\0'), -1);
}
END_TEST

START_TEST(cuts_are_clamped)
{
	ck_assert(view_eq_str(view_from(VIEW("abc"), 1), "bc"));
	ck_assert_uint_eq(view_from(VIEW("abc"), 4).len, 0);
	ck_assert(view_eq_str(view_sub(VIEW("abc"), 1, 1), "b"));
	ck_assert(view_eq_str(view_sub(VIEW("abc"), 1, SIZE_MAX), "bc"));
	ck_assert_uint_eq(view_sub(VIEW("abc"), SIZE_MAX, SIZE_MAX).len, 0);
	ck_assert(view_eq_str(view_trim(VIEW(" \ta b\t ")), "a b"));
	ck_assert(view_eq_str(view_trim(VIEW("\n")), "\n"));
	ck_assert_uint_eq(view_trim(VIEW(" \t ")).len, 0);
}
END_TEST

START_TEST(splits)
{
	struct view rest = VIEW("a,,b,");
	struct view part;
	const char *const expected[] = {"a", "", "b"};
	for (size_t i = 0; i < 3; i++) {
		ck_assert(view_split(&rest, ',', &part));
		ck_assert(view_eq_str(part, expected[i]));
	}
	ck_assert(!view_split(&rest, ',', &part));
	rest = VIEW("whole");
	ck_assert(view_split(&rest, ',', &part));
	ck_assert(view_eq_str(part, "whole"));
	ck_assert_uint_eq(rest.len, 0);
}
END_TEST

START_TEST(numbers)
{
	static const char *const wrong[] = {"", "-1", "+1", " 1", "1 ", "0x1", "1a", "/", ":",
	    "18446744073709551616", "99999999999999999999"};
	uint64_t n = 7;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(!view_to_u64(view_of(wrong[i]), &n), "%s", wrong[i]);
	ck_assert_uint_eq(n, 7);
	ck_assert(view_to_u64(VIEW("18446744073709551615"), &n));
	ck_assert_uint_eq(n, UINT64_MAX);
	ck_assert(view_to_u64(VIEW("007"), &n));
	ck_assert_uint_eq(n, 7);
}
END_TEST

/* Every code point in its right form, against a plain encoder. */
START_TEST(utf8_of_every_code_point)
{
	for (uint32_t code = 0; code < 0x110000; code++) {
		char t[4];
		size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
		uint32_t rest = code;
		for (size_t i = len - 1; i > 0; i--, rest >>= 6)
			t[i] = (char)(0x80 | (rest & 0x3f));
		t[0] = (char)(len == 1 ? rest : (0xf00u >> len & 0xf0) | rest);
		size_t expected = code >= 0xd800 && code < 0xe000 ? 0 : len;
		/* Asked first, since a million assertions take their time. */
		if (view_utf8_step(view_make(t, len)) != expected)
			ck_abort_msg("U+%04X", code);
		if (view_utf8_step(view_make(t, len - 1)) != 0)
			ck_abort_msg("U+%04X cut", code);
	}
}
END_TEST

START_TEST(utf8_wrong)
{
	static const char *const wrong[] = {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2",
	    "\xc2\x41", "\xc2\xc2", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xe1\x80", "\xe1\x80\x41",
	    "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xfe",
	    "\xff", "\xf1\x80\x80\x41"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(view_utf8_step(view_of(wrong[i])) == 0, "case %zu", i);
	ck_assert_uint_eq(view_utf8_step(view_make(NULL, 0)), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("view");
	TCase *tcase = tcase_create("view");
	tcase_add_test(tcase, empty_and_null_are_the_same);
	tcase_add_test(tcase, compares);
	tcase_add_test(tcase, finds);
	tcase_add_test(tcase, cuts_are_clamped);
	tcase_add_test(tcase, splits);
	tcase_add_test(tcase, numbers);
	tcase_add_test(tcase, utf8_of_every_code_point);
	tcase_add_test(tcase, utf8_wrong);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
