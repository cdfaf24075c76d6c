/* suite: what each test program of one suite does in main. */
#ifndef PM_TEST_SUITE_H
#define PM_TEST_SUITE_H

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

/* Runs it and frees it; the exit status. */
static inline int
suite_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static inline int
suite_on_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

/* A folder that a test has made, with all that is in it; links are not followed. */
static inline void
suite_remove_tree(const char *folder)
{
	(void)nftw(folder, suite_on_entry, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
