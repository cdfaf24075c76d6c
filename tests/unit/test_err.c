/* Errors as values, and what a broken invariant does. */
#include "err.h"
#include "must.h"
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

START_TEST(filled)
{
	struct err err;
	ck_assert(!err_set(&err, ERR_CONFIG, "a.b", "must be %d", 3));
	ck_assert_int_eq(err.kind, ERR_CONFIG);
	ck_assert_str_eq(err.at, "a.b");
	ck_assert_str_eq(err.msg, "must be 3");
	ck_assert(!err_set(&err, ERR_NET, NULL, "x"));
	ck_assert_str_eq(err.at, "");
	ck_assert(!err_set(NULL, ERR_NET, "x", "y"));
}
END_TEST

START_TEST(with_errno)
{
	struct err err;
	errno = ENOENT;
	ck_assert(!err_errno(&err, "/x", "cannot open"));
	ck_assert_int_eq(err.kind, ERR_IO);
	ck_assert_str_eq(err.msg, "cannot open: No such file or directory");
	ck_assert_int_eq(errno, ENOENT);
	ck_assert(!err_errno(NULL, "/x", "cannot open"));
}
END_TEST

START_TEST(long_texts_are_cut)
{
	char text[1000];
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	struct err err;
	err_set(&err, ERR_PEER, text, "%s", text);
	ck_assert_uint_eq(strlen(err.at), sizeof(err.at) - 1);
	ck_assert_uint_eq(strlen(err.msg), sizeof(err.msg) - 1);
	errno = EIO;
	err_errno(&err, text, "%s", text);
	ck_assert_uint_eq(strlen(err.msg), sizeof(err.msg) - 1);
}
END_TEST

START_TEST(every_kind_has_its_own_name)
{
	for (int i = ERR_NONE; i <= ERR_STALE; i++) {
		ck_assert_str_ne(err_kind_name((enum err_kind)i), "unknown");
		for (int k = ERR_NONE; k < i; k++) {
			ck_assert_str_ne(
			    err_kind_name((enum err_kind)i), err_kind_name((enum err_kind)k));
		}
	}
	ck_assert_str_eq(err_kind_name(ERR_LIMIT), "limit");
	ck_assert_str_eq(err_kind_name((enum err_kind)99), "unknown");
}
END_TEST

struct thing {
	uint32_t magic;
};

START_TEST(a_dead_thing_aborts)
{
	struct thing thing = {0};
	MAGIC_SET(&thing, 0x1234u);
	MAGIC_CHECK(&thing, 0x1234u);
	MAGIC_CLEAR(&thing);
	MAGIC_CHECK(&thing, 0x1234u);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("err");
	TCase *tcase = tcase_create("err");
	tcase_add_test(tcase, filled);
	tcase_add_test(tcase, with_errno);
	tcase_add_test(tcase, long_texts_are_cut);
	tcase_add_test(tcase, every_kind_has_its_own_name);
	tcase_add_test_raise_signal(tcase, a_dead_thing_aborts, SIGABRT);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
