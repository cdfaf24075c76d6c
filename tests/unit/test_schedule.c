/* When an upstream serves: days, hours, dates, zones and the days on which clocks are set. */
#include "faults.h"
#include "schedule.h"
#include "zone.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MINUTE_MS 60000
#define HOUR_MS 3600000
#define DAY_S 86400
#define MONDAY_MS 1774828800000 /* 2026-03-30 00:00 UTC */

static struct schedule schedule;

static void
teardown(void)
{
	schedule_fini(&schedule);
}

/* The words of an entry, checked. */
static void
take(const char *words)
{
	struct faults faults = {0};
	json_t *entry = json_loads(words, 0, NULL);
	ck_assert_msg(entry != NULL, "%s", words);
	const json_t *hours = json_object_get(entry, "hours");
	const json_t *dates = json_object_get(entry, "dates");
	if (hours != NULL)
		schedule_check_hours(hours, "hours", &faults);
	if (dates != NULL)
		schedule_check_dates(dates, "dates", &faults);
	ck_assert_msg(faults.count == 0, "%s: %s", words, faults.items[0].msg);
	schedule_fini(&schedule);
	schedule_init(&schedule, entry);
	json_decref(entry);
}

/* "YYYY-MM-DD HH:MM" in the schedule's zone. */
static int64_t
at(const char *text)
{
	int year;
	unsigned month, day, hour, minute;
	ck_assert_int_eq(sscanf(text, "%d-%u-%u %u:%u", &year, &month, &day, &hour, &minute), 5);
	zone_enter(schedule.zone);
	int64_t wall_ms = zone_wall_ms(year, month, day, hour * 60 + minute);
	zone_leave();
	return wall_ms;
}

static void
expect(const char *text, bool on)
{
	ck_assert_msg(schedule_at(&schedule, at(text)).on == on, "%s", text);
}

static void
expect_next(const char *text, const char *next)
{
	int64_t next_ms = schedule_at(&schedule, at(text)).next_ms;
	ck_assert_msg(next_ms == (next != NULL ? at(next) : 0), "%s: %lld, not %s", text,
	    (long long)next_ms, next != NULL ? next : "never");
}

START_TEST(without_words_it_always_serves)
{
	take("{}");
	expect("2026-03-30 00:00", true);
	expect_next("2026-03-30 00:00", NULL);
	take("{\"time_enabled\": [], \"hours\": [], \"dates\": {}, \"time_zone\": \"\"}");
	expect("2026-03-30 00:00", true);
	expect_next("2026-03-30 00:00", NULL);
}
END_TEST

/* 128 masks x 168 hours against the obvious. */
START_TEST(every_mask_in_every_hour)
{
	unsigned checks = 0;
	for (unsigned mask = 0; mask < 128; mask++) {
		char words[128];
		snprintf(words, sizeof(words),
		    "{\"time_zone\": \"UTC\", \"time_enabled\": [%u, %u, %u, %u, %u, %u, %u]}",
		    mask & 1, mask >> 1 & 1, mask >> 2 & 1, mask >> 3 & 1, mask >> 4 & 1,
		    mask >> 5 & 1, mask >> 6 & 1);
		take(words);
		for (unsigned hour = 0; hour < 168; hour++, checks++) {
			int64_t wall_ms = MONDAY_MS + (int64_t)hour * HOUR_MS;
			ck_assert_int_eq(
			    schedule_at(&schedule, wall_ms).on, mask >> (hour / 24) & 1);
			ck_assert_int_eq(schedule_at(&schedule, wall_ms + HOUR_MS - 1).on,
			    mask >> (hour / 24) & 1);
		}
	}
	ck_assert_uint_eq(checks, 21504);
}
END_TEST

START_TEST(every_hour_of_a_grid)
{
	/* Cells alone, spread over the week. */
	for (unsigned cell = 0; cell < 168; cell += 25) {
		char words[1024] = "{\"time_zone\": \"UTC\", \"hours\": [";
		for (unsigned i = 0; i < 168; i++) {
			size_t len = strlen(words);
			snprintf(words + len, sizeof(words) - len, "%s%d%s", i % 24 == 0 ? "[" : "",
			    i == cell, i % 24 == 23 ? "]" : "");
			len = strlen(words);
			snprintf(words + len, sizeof(words) - len, "%s", i == 167 ? "]}" : ",");
		}
		take(words);
		for (unsigned hour = 0; hour < 168; hour++) {
			int64_t wall_ms = MONDAY_MS + (int64_t)hour * HOUR_MS;
			ck_assert_int_eq(schedule_at(&schedule, wall_ms).on, hour == cell);
			ck_assert_int_eq(
			    schedule_at(&schedule, wall_ms + HOUR_MS - 1).on, hour == cell);
		}
	}
}
END_TEST

START_TEST(ranges_for_every_day)
{
	take("{\"hours\": [\"09:00-12:00\", \"13:30-18:00\"]}");
	expect("2026-03-30 08:59", false);
	expect("2026-03-30 09:00", true);
	expect("2026-03-30 11:59", true);
	expect("2026-03-30 12:00", false);
	expect("2026-03-30 13:30", true);
	expect("2026-03-30 18:00", false);
	expect_next("2026-03-30 08:00", "2026-03-30 09:00");
	expect_next("2026-03-30 09:00", "2026-03-30 12:00");
	expect_next("2026-03-30 19:00", "2026-03-31 09:00");
}
END_TEST

START_TEST(a_range_past_midnight)
{
	take("{\"hours\": [\"22:00-06:00\"]}");
	expect("2026-03-30 21:59", false);
	expect("2026-03-30 22:00", true);
	expect("2026-03-31 00:00", true);
	expect("2026-03-31 05:59", true);
	expect("2026-03-31 06:00", false);
	expect_next("2026-03-30 22:00", "2026-03-31 06:00");
	take("{\"hours\": [\"00:00-24:00\"]}");
	expect("2026-03-30 23:59", true);
	expect_next("2026-03-30 22:00", NULL);
	take("{\"hours\": [\"08:00-08:00\"]}"); /* 24 hours */
	expect("2026-03-30 07:59", true);
}
END_TEST

START_TEST(each_day_its_own_hours)
{
	/* Monday none, Tuesday at night, Wednesday all day, and what is missing too. */
	take("{\"hours\": [[], [\"20:00-02:00\"], null]}");
	expect("2026-03-30 12:00", false);
	expect("2026-03-31 19:59", false);
	expect("2026-03-31 20:00", true);
	expect("2026-04-01 01:00", true);
	expect("2026-04-01 12:00", true);
	expect("2026-04-02 12:00", true);
	expect("2026-04-05 23:59", true);
	expect("2026-04-06 00:00", false);
	expect_next("2026-03-31 20:00", "2026-04-06 00:00");
}
END_TEST

START_TEST(a_day_that_is_off_stays_off)
{
	/* Tuesdays off, though Monday's range reaches into it. */
	take("{\"time_enabled\": [1, 0, 1, 1, 1, 1, 1], \"hours\": [\"22:00-06:00\"]}");
	expect("2026-03-30 23:59", true);
	expect("2026-03-31 00:00", false);
	expect("2026-03-31 23:00", false);
	expect("2026-04-01 03:00", false); /* nothing began on Tuesday */
	expect_next("2026-03-30 22:00", "2026-03-31 00:00");
	expect_next("2026-03-31 00:00", "2026-04-01 22:00");
}
END_TEST

START_TEST(dates_go_before_all)
{
	take("{\"time_enabled\": [1, 1, 1, 1, 1, 0, 0], \"hours\": [\"09:00-17:00\"], \"dates\": {"
	     "\"2026-12-24\": [\"09:00-12:00\", \"23:00-01:00\"], \"12-25\": \"off\","
	     "\"12-26\": \"on\", \"2027-12-26\": \"off\"}}");
	expect("2026-12-24 11:59", true);
	expect("2026-12-24 12:00", false);
	expect("2026-12-24 23:30", true);
	expect("2026-12-25 00:30", false); /* off is off */
	expect("2026-12-25 10:00", false); /* a Friday */
	expect("2026-12-26 20:00", true);  /* a Saturday */
	expect("2027-12-25 10:00", false);
	expect("2027-12-26 10:00", false); /* that very date goes before each year's */
	expect("2028-12-26 10:00", true);
	expect_next("2026-12-24 23:30", "2026-12-25 00:00");
	expect_next("2026-12-25 10:00", "2026-12-26 00:00");
	expect_next("2026-12-26 10:00", "2026-12-27 00:00");
	take("{\"dates\": {\"2026-12-24\": [\"23:00-01:00\"]}}");
	expect("2026-12-24 00:00", false);
	expect("2026-12-25 00:30", true);
	expect_next("2026-03-30 00:00", "2026-12-24 00:00");
	expect_next("2026-12-24 23:00", NULL);
}
END_TEST

START_TEST(leap_days_and_turns_of_the_year)
{
	take("{\"hours\": [[\"20:00-04:00\"]], \"dates\": {\"02-29\": \"off\"}}");
	expect("2028-02-29 12:00", false);
	expect("2027-03-01 03:00", false); /* a Monday: its own range begins at 20:00 */
	expect("2028-03-01 12:00", true);
	take("{\"hours\": [[\"20:00-04:00\"], []]}"); /* Monday night into Tuesday */
	expect("2024-01-01 21:00", true);
	expect("2024-01-02 03:59", true);
	expect("2024-01-02 04:00", false);
	expect("2018-12-31 23:00", true); /* a Monday */
	expect("2019-01-01 03:00", true);
	expect("2019-01-01 05:00", false);
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
    {"Asia/Shanghai", 1792890000, 28800, 28800},
    {"UTC", 1774746000, 0, 0},
    {"UTC", 1792890000, 0, 0},
};

/* Eight days around each change: every quarter of an hour as the clock on the wall would say, and
 * the next change of the schedule is where the clock says it is. */
START_TEST(through_the_change_of_the_clock)
{
	const struct zone *zone = &zones[_i];
	char words[160];
	int64_t next_ms = 0;
	bool before = false;
	snprintf(words, sizeof(words),
	    "{\"time_enabled\": [1,1,1,0,1,1,1], \"hours\": [\"02:15-02:45\", \"22:30-01:30\"],"
	    "\"time_zone\": \"%s\"}",
	    zone->name);
	take(words);
	setenv("TZ", "Pacific/Auckland", 1); /* the machine's own does not matter */
	for (int64_t s = zone->change_s - 4 * DAY_S; s < zone->change_s + 4 * DAY_S; s += 900) {
		int64_t local = s + (s < zone->change_s ? zone->before_s : zone->after_s);
		int64_t day = local / DAY_S, minute = local % DAY_S / 60;
		bool scheduled = (day + 3) % 7 != 3; /* 1970 began on a Thursday */
		bool yesterday = (day + 2) % 7 != 3;
		bool on = scheduled && ((minute >= 135 && minute < 165) || minute >= 1350 ||
					   (yesterday && minute < 90));
		struct schedule_now now = schedule_at(&schedule, s * 1000);
		ck_assert_msg(now.on == on, "%s at %lld", zone->name, (long long)s);
		if (next_ms != 0 && on != before) {
			ck_assert_int_eq(next_ms, s * 1000);
		} else if (next_ms != 0) {
			ck_assert_int_gt(next_ms, s * 1000);
		}
		next_ms = now.next_ms;
		before = on;
	}
}
END_TEST

START_TEST(the_machines_zone_is_noticed_and_left_as_it_was)
{
	int64_t midnight_ms = 1774800000000; /* Monday 2026-03-30 00:00 in Shanghai */
	take("{\"time_enabled\": [1, 0, 0, 0, 0, 0, 0]}");
	setenv("TZ", "Asia/Shanghai", 1);
	ck_assert(!schedule_at(&schedule, midnight_ms - 1).on);
	ck_assert_int_eq(schedule_at(&schedule, midnight_ms - 1).next_ms, midnight_ms);
	ck_assert(schedule_at(&schedule, midnight_ms).on);
	setenv("TZ", "UTC", 1); /* known for an hour, then noticed */
	ck_assert(schedule_at(&schedule, midnight_ms + HOUR_MS - 1).on);
	ck_assert(!schedule_at(&schedule, midnight_ms + HOUR_MS).on);
	take("{\"time_enabled\": [1, 0, 0, 0, 0, 0, 0], \"time_zone\": \"Asia/Shanghai\"}");
	ck_assert(schedule_at(&schedule, midnight_ms).on);
	ck_assert_str_eq(getenv("TZ"), "UTC");
	unsetenv("TZ");
	ck_assert(schedule_at(&schedule, midnight_ms - HOUR_MS).on == false);
	ck_assert_ptr_null(getenv("TZ"));
}
END_TEST

START_TEST(a_clock_that_was_set_is_noticed)
{
	take("{\"time_zone\": \"UTC\", \"hours\": [\"09:00-17:00\"]}");
	expect("2026-03-30 10:00", true);
	expect("2026-03-30 08:00", false); /* back */
	expect("2036-03-30 10:00", true);  /* ten years on */
	expect("1970-01-01 00:00", false);
	expect("2038-01-19 12:00", true);
	expect("2100-02-28 12:00", true);
	ck_assert(!schedule_at(&schedule, -1).on); /* 1969-12-31 23:59:59.999 */
	ck_assert_int_eq(schedule_at(&schedule, -1).next_ms, 9 * HOUR_MS);
}
END_TEST

START_TEST(zones_are_names_of_files)
{
	static const char *const good[] = {
	    "UTC", "Europe/Berlin", "America/Argentina/Ushuaia", "Etc/GMT+5", "Asia/Kathmandu"};
	static const char *const bad[] = {"", "No/Such_Zone", "../../../etc/passwd",
	    "/etc/localtime", "Europe", "zone.tab", "UTC0", "Europe/Berlin ", "\xc3\xa4"};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(zone_is_known(view_of(good[i])), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!zone_is_known(view_of(bad[i])), "%s", bad[i]);
	take("{\"time_enabled\": [1, 0, 0, 0, 0, 0, 0], \"time_zone\": \"No/Such_Zone\"}");
	setenv("TZ", "Asia/Shanghai", 1); /* an unknown one counts as UTC, not as this */
	ck_assert(!schedule_at(&schedule, MONDAY_MS - 1).on);
	ck_assert(schedule_at(&schedule, MONDAY_MS).on);
}
END_TEST

/* ---- random schedules ---- */

static unsigned
chance(unsigned n)
{
	static uint64_t state = 88172645463325252u;
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 20) % n;
}

/* A week of bits, minute by minute, made by painting the ranges: no code shared with schedule.c.
 * Without dates and changes of the clock. */
static void
random_week(bool week[7 * 1440], char *words, size_t len)
{
	bool days[7];
	snprintf(words, len, "{\"time_zone\": \"UTC\", \"time_enabled\": [");
	for (unsigned d = 0; d < 7; d++) {
		days[d] = chance(4) > 0;
		snprintf(words + strlen(words), len - strlen(words), "%d%s", days[d],
		    d < 6 ? "," : "], \"hours\": [");
	}
	memset(week, 0, 7 * 1440 * sizeof(week[0]));
	for (unsigned d = 0; d < 7; d++) {
		unsigned count = chance(4);
		snprintf(words + strlen(words), len - strlen(words), "[");
		for (unsigned r = 0; r < count; r++) {
			unsigned from = chance(1440), to = chance(1441);
			snprintf(words + strlen(words), len - strlen(words),
			    "%s\"%02u:%02u-%02u:%02u\"", r > 0 ? "," : "", from / 60, from % 60,
			    to / 60, to % 60);
			for (unsigned m = from; days[d] && m < (to > from ? to : to + 1440); m++)
				week[(d * 1440 + m) % (7 * 1440)] |= days[(d + m / 1440) % 7];
		}
		snprintf(words + strlen(words), len - strlen(words), "]%s", d < 6 ? "," : "]}");
	}
}

START_TEST(random_weeks_are_what_they_paint)
{
	static bool week[7 * 1440];
	static char words[2048];
	for (unsigned round = 0; round < 50; round++) {
		random_week(week, words, sizeof(words));
		take(words);
		unsigned next = 0;
		for (unsigned m = 0; m < 7 * 1440; m++) {
			struct schedule_now now =
			    schedule_at(&schedule, MONDAY_MS + (int64_t)m * MINUTE_MS);
			ck_assert_msg(now.on == week[m], "minute %u of %s", m, words);
			if (m < next)
				continue;
			next = m + 1;
			while (next < m + 7 * 1440 && week[next % (7 * 1440)] == week[m])
				next++;
			int64_t expected = MONDAY_MS + (int64_t)next * MINUTE_MS;
			ck_assert_int_eq(now.next_ms, next < m + 7 * 1440 ? expected : 0);
		}
	}
}
END_TEST

/* ---- words ---- */

START_TEST(bad_words_are_told)
{
	static const struct {
		bool dates;
		const char *json;
	} rows[] = {
	    {false, "7"},
	    {false, "{}"},
	    {false, "[\"9-17\"]"},
	    {false, "[\"09:00\"]"},
	    {false, "[\"09:00-24:01\"]"},
	    {false, "[\"24:00-09:00\"]"},
	    {false, "[\"09:60-17:00\"]"},
	    {false, "[\"09:00-17:00\", 7]"},
	    {false, "[[1, 0]]"},
	    {false, "[[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,2]]"},
	    {false, "[\"-\"]"},
	    {false, "[5]"},
	    {false, "[[], [], [], [], [], [], [], []]"},
	    {true, "[]"},
	    {true, "{\"2026-13-01\": \"off\"}"},
	    {true, "{\"2026-1-1\": \"off\"}"},
	    {true, "{\"0000-01-01\": \"off\"}"},
	    {true, "{\"12-32\": \"off\"}"},
	    {true, "{\"12-25\": \"closed\"}"},
	    {true, "{\"12-25\": []}"},
	    {true, "{\"12-25\": true}"},
	    {true, "{\"12-25\": [\"1:2-3:4\"]}"},
	    {true, "{\"christmas\": \"off\"}"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct faults faults = {0};
		json_t *json = json_loads(rows[i].json, 0, NULL);
		if (json == NULL)
			json = json_integer(7);
		if (rows[i].dates)
			schedule_check_dates(json, "x", &faults);
		else
			schedule_check_hours(json, "x", &faults);
		ck_assert_msg(faults.errors > 0, "%s", rows[i].json);
		json_decref(json);
		faults_fini(&faults);
	}
}
END_TEST

START_TEST(moments_as_people_write_them)
{
	static const struct {
		const char *text, *utc;
	} rows[] = {
	    {"now", "2026-03-30 12:00"},
	    {"Tue 03:00", "2026-03-31 03:00"},
	    {" monday  12:00 ", "2026-03-30 12:00"},
	    {"Mon 11:59", "2026-04-06 11:59"},
	    {"SUN 0:00", "2026-04-05 00:00"},
	    {"11:00", "2026-03-31 11:00"},
	    {"13:00", "2026-03-30 13:00"},
	    {"2026-12-24 03:00", "2026-12-24 03:00"},
	    {"2020-01-01 00:00", "2020-01-01 00:00"},
	};
	static const char *const bad[] = {
	    "", "Tue", "Tu 03:00", "Tuesdays 03:00", "12-24 03:00", "25:00", "3", "03:00 Tue"};
	setenv("TZ", "UTC", 1);
	int64_t now_ms = at("2026-03-30 12:00"), moment;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_msg(schedule_parse_moment(view_of(rows[i].text), now_ms, &moment), "%s",
		    rows[i].text);
		ck_assert_msg(moment == at(rows[i].utc), "%s", rows[i].text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(
		    !schedule_parse_moment(view_of(bad[i]), now_ms, &moment), "%s", bad[i]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("schedule");
	TCase *tcase = tcase_create("schedule");
	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, without_words_it_always_serves);
	tcase_add_test(tcase, every_mask_in_every_hour);
	tcase_add_test(tcase, every_hour_of_a_grid);
	tcase_add_test(tcase, ranges_for_every_day);
	tcase_add_test(tcase, a_range_past_midnight);
	tcase_add_test(tcase, each_day_its_own_hours);
	tcase_add_test(tcase, a_day_that_is_off_stays_off);
	tcase_add_test(tcase, dates_go_before_all);
	tcase_add_test(tcase, leap_days_and_turns_of_the_year);
	tcase_add_loop_test(
	    tcase, through_the_change_of_the_clock, 0, (int)(sizeof(zones) / sizeof(zones[0])));
	tcase_add_test(tcase, the_machines_zone_is_noticed_and_left_as_it_was);
	tcase_add_test(tcase, a_clock_that_was_set_is_noticed);
	tcase_add_test(tcase, zones_are_names_of_files);
	tcase_add_test(tcase, random_weeks_are_what_they_paint);
	tcase_add_test(tcase, bad_words_are_told);
	tcase_add_test(tcase, moments_as_people_write_them);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
