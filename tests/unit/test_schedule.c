/* Days of the week: masks, zones and the days on which clocks are set. */
#include "schedule.h"
#include <check.h>
#include <stdlib.h>
#include <time.h>

#define HOUR_MS 3600000
#define DAY_S 86400

START_TEST(every_mask_on_every_day)
{
	static const uint8_t masks[7] = {0x00, 0x01, 0x40, 0x1f, 0x60, 0x55, 0x7f};
	static const char *const days[7] = {
	    "-------", "M------", "------S", "MTWTF--", "-----SS", "M-W-F-S", "MTWTFSS"};
	for (unsigned mask = 0; mask < 7; mask++) {
		for (unsigned day = 0; day < 7; day++)
			ck_assert_int_eq(schedule_is_on(masks[mask], day), days[mask][day] != '-');
	}
}
END_TEST

/* A zone with one change of its offset. */
static const struct zone {
	const char *name;
	int64_t change_s; /* UTC */
	int before_s, after_s;
} zones[] = {
    {"Europe/Berlin", 1774746000, 3600, 7200},         /* 2026-03-29 02:00 does not exist */
    {"Europe/Berlin", 1792890000, 7200, 3600},         /* 2026-10-25 02:00 comes twice */
    {"America/New_York", 1772953200, -18000, -14400},  /* 2026-03-08 */
    {"America/New_York", 1793512800, -14400, -18000},  /* 2026-11-01 */
    {"Australia/Lord_Howe", 1775314800, 39600, 37800}, /* 2026-04-05, half an hour */
    {"Australia/Lord_Howe", 1791041400, 37800, 39600}, /* 2026-10-04 */
    {"Asia/Shanghai", 1774746000, 28800, 28800},
    {"UTC", 1774746000, 0, 0},
};

START_TEST(every_quarter_hour_around_a_change_of_the_clock)
{
	const struct zone *zone = &zones[_i];
	setenv("TZ", zone->name, 1);
	for (int64_t s = zone->change_s - 4 * DAY_S; s < zone->change_s + 4 * DAY_S; s += 900) {
		int64_t local = s + (s < zone->change_s ? zone->before_s : zone->after_s);
		unsigned expected =
		    (unsigned)((local / DAY_S + 3) % 7); /* 1970 began on a Thursday */
		ck_assert_uint_eq(schedule_weekday(s * 1000), expected);
		ck_assert_uint_eq(schedule_weekday(s * 1000 + 999), expected);
	}
}
END_TEST

START_TEST(the_day_changes_at_local_midnight)
{
	setenv("TZ", "Asia/Shanghai", 1);
	int64_t midnight_ms = 1774800000000; /* Monday 2026-03-30 00:00 there */
	ck_assert_uint_eq(schedule_weekday(midnight_ms - 1), 6);
	ck_assert_uint_eq(schedule_weekday(midnight_ms), 0);
	setenv("TZ", "UTC", 1); /* noticed without a restart */
	ck_assert_uint_eq(schedule_weekday(midnight_ms), 6);
}
END_TEST

START_TEST(odd_times_have_a_day_too)
{
	static const struct {
		int64_t wall_ms;
		unsigned weekday;
	} odd[] = {
	    {0, 3},             /* Thursday 1970-01-01 */
	    {-1, 2},            /* just before */
	    {1835438400000, 1}, /* Tuesday 2028-02-29 */
	    {2147483648000, 1}, /* Tuesday 2038-01-19 */
	    {4102444800000, 4}, /* Friday 2100-01-01 */
	};
	setenv("TZ", "UTC", 1);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		ck_assert_uint_eq(schedule_weekday(odd[i].wall_ms), odd[i].weekday);
	setenv("TZ", "No/Such_Zone", 1); /* counts as UTC */
	ck_assert_uint_eq(schedule_weekday(0), 3);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("schedule");
	TCase *tcase = tcase_create("schedule");
	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, every_mask_on_every_day);
	tcase_add_loop_test(tcase, every_quarter_hour_around_a_change_of_the_clock, 0,
	    (int)(sizeof(zones) / sizeof(zones[0])));
	tcase_add_test(tcase, the_day_changes_at_local_midnight);
	tcase_add_test(tcase, odd_times_have_a_day_too);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
