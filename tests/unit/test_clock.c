/* The two clocks, the one that tests put in, and the printed time. */
#include "clock.h"
#include <check.h>
#include <stdlib.h>

static uint64_t
fake_mono_us(void *ctx)
{
	return *(uint64_t *)ctx;
}

static int64_t
fake_wall_ms(void *ctx)
{
	(void)ctx;
	return -5;
}

START_TEST(real_clock_goes_on)
{
	uint64_t first = clock_mono_us();
	for (int i = 0; i < 1000; i++) {
		uint64_t next = clock_mono_us();
		ck_assert_uint_ge(next, first);
		first = next;
	}
	ck_assert_int_gt(clock_wall_ms(), 1700000000000); /* 2023 */
}
END_TEST

START_TEST(replaced)
{
	uint64_t now_us = 1234567;
	struct clock_source source = {fake_mono_us, fake_wall_ms, &now_us};
	clock_replace(&source);
	ck_assert_uint_eq(clock_mono_us(), 1234567);
	ck_assert_uint_eq(clock_mono_ms(), 1234);
	ck_assert_int_eq(clock_wall_ms(), -5);
	now_us++;
	ck_assert_uint_eq(clock_mono_us(), 1234568);
	clock_replace(NULL);
	ck_assert_int_gt(clock_wall_ms(), 0);
}
END_TEST

START_TEST(formats)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
	    {0, "1970-01-01T00:00:00.000Z"},
	    {1795371862877, "2026-11-22T18:24:22.877Z"},
	    {951782400001, "2000-02-29T00:00:00.001Z"},
	    {253402300799999, "9999-12-31T23:59:59.999Z"},
	    {INT64_MAX, "9999-12-31T23:59:59.999Z"},
	    {-1, "1970-01-01T00:00:00.000Z"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[25];
		clock_format_utc(cases[i].ms, out);
		ck_assert_str_eq(out, cases[i].text);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("clock");
	TCase *tcase = tcase_create("clock");
	tcase_add_test(tcase, real_clock_goes_on);
	tcase_add_test(tcase, replaced);
	tcase_add_test(tcase, formats);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
