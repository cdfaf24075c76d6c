/* suite: what each test program of one suite does in main. */
#ifndef PM_TEST_SUITE_H
#define PM_TEST_SUITE_H

#include <check.h>
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

#endif
