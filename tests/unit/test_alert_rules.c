/* Which alert is raised and ended when, by a clock of the test's own. */
#include "alert_signs.h"
#include "suite.h"
#include <stdio.h>
#include <string.h>

#define S INT64_C(1000)
#define MINUTE (60 * S)
#define HOUR (60 * MINUTE)

static const struct alert_limits limits = {
    .after_ms = 30 * S, .clear_ms = 60 * S, .repeat_ms = 4 * HOUR};
static struct alert_rules rules;
static int64_t now;
static char told[4096]; /* "+upstream_down a@30 ..." */
static struct alert_cause last;

static void
on_event(enum alert_event event, const struct alert_cause *cause, void *ctx)
{
	static const char marks[] = {'+', '~', '-'};
	size_t len = strlen(told);
	(void)ctx;
	last = *cause;
	snprintf(told + len, sizeof(told) - len, "%c%s@%lld ", marks[event], cause->subject,
	    (long long)(now / S));
}

static void
setup(void)
{
	rules = (struct alert_rules){.on_event = on_event};
	now = 0;
	told[0] = '\0';
}

static void
teardown(void)
{
	alert_rules_fini(&rules);
}

static void
see(const char *subject, enum alert_sign sign)
{
	const struct alert_seen seen = {ALERT_UPSTREAM_DOWN, subject, "name", "status_529", sign};
	alert_rules_see(&rules, &limits, &seen, now);
}

/* For so many seconds, a round in each. */
static void
stay(enum alert_sign sign, int seconds)
{
	for (int i = 0; i < seconds; i++) {
		see("a", sign);
		alert_rules_end(&rules, now);
		now += S;
	}
}

START_TEST(told_once_when_it_has_lasted_and_once_when_it_is_over)
{
	stay(ALERT_GOOD, 100);
	ck_assert_uint_eq(rules.count, 0);
	stay(ALERT_BAD, 30);
	ck_assert_str_eq(told, "");
	stay(ALERT_BAD, 500);
	ck_assert_str_eq(told, "+a@130 ");
	ck_assert_str_eq(last.detail, "status_529");
	ck_assert_str_eq(last.name, "name");
	ck_assert_uint_eq(last.times, 1);
	stay(ALERT_GOOD, 60);
	ck_assert_str_eq(told, "+a@130 ");
	stay(ALERT_GOOD, 1);
	ck_assert_str_eq(told, "+a@130 -a@690 ");
	ck_assert_int_eq(last.bad_ms, 100 * S);
	ck_assert_uint_eq(last.incident, 1);
}
END_TEST

START_TEST(what_passes_soon_is_not_told)
{
	for (int i = 0; i < 10; i++) {
		stay(ALERT_BAD, 29);
		stay(ALERT_GOOD, 31);
	}
	ck_assert_str_eq(told, "");
	ck_assert_uint_eq(rules.count, 0);
}
END_TEST

START_TEST(what_flaps_fast_is_told_once)
{
	/* It is never bad for 30 s in one piece, and never good for as long. */
	for (int i = 0; i < 60; i++) {
		stay(ALERT_BAD, 10);
		stay(ALERT_GOOD, 5);
	}
	ck_assert_str_eq(told, "+a@30 ");
	stay(ALERT_GOOD, 60);
	ck_assert_str_eq(told, "+a@30 -a@955 ");
}
END_TEST

START_TEST(what_flaps_slowly_must_be_good_longer_each_time)
{
	static const int waits[] = {60, 120, 240, 480, 960, 1920, 3600, 3600, 3600};
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		char *before = told + strlen(told);
		stay(ALERT_BAD, 31);
		ck_assert_int_eq(before[0], '+');
		ck_assert_uint_eq(last.times, i + 1);
		before = told + strlen(told);
		stay(ALERT_GOOD, waits[i]);
		ck_assert_msg(before[0] == '\0', "over too soon the time %zu: %s", i, told);
		stay(ALERT_GOOD, 1);
		ck_assert_msg(before[0] == '-', "not over the time %zu", i);
	}
	/* Two minutes down, two minutes up, for a day: two alerts an hour at most, not 15. */
	told[0] = '\0';
	for (int i = 0; i < 360; i++) {
		stay(ALERT_BAD, 120);
		stay(ALERT_GOOD, 120);
	}
	size_t count = 0;
	for (const char *at = told; *at != '\0'; at++)
		count += *at == '+';
	ck_assert_uint_eq(count, 1);
}
END_TEST

START_TEST(an_hour_of_calm_makes_it_new)
{
	stay(ALERT_BAD, 31);
	stay(ALERT_GOOD, 61);
	stay(ALERT_GOOD, 3600);
	ck_assert_uint_eq(rules.count, 0);
	stay(ALERT_BAD, 31);
	ck_assert_uint_eq(last.times, 1);
	ck_assert_uint_eq(last.incident, 2);
}
END_TEST

START_TEST(it_is_told_again_while_it_lasts)
{
	stay(ALERT_BAD, 30 + 9 * 3600);
	ck_assert_str_eq(told, "+a@30 ~a@14430 ~a@28830 ");
	ck_assert_uint_eq(last.incident, 1);
}
END_TEST

START_TEST(no_reminders_where_none_are_wanted)
{
	const struct alert_limits none = {.after_ms = 0, .clear_ms = 0, .repeat_ms = 0};
	struct alert_seen seen = {ALERT_DISK, "d", "", "x", ALERT_BAD};
	alert_rules_see(&rules, &none, &seen, now);
	ck_assert_str_eq(told, "+d@0 ");
	now += 1000 * HOUR;
	alert_rules_see(&rules, &none, &seen, now);
	ck_assert_str_eq(told, "+d@0 ");
	seen.sign = ALERT_GOOD;
	alert_rules_see(&rules, &none, &seen, now);
	ck_assert_str_eq(told, "+d@0 -d@3600000 ");
}
END_TEST

START_TEST(unclear_raises_and_ends_nothing)
{
	stay(ALERT_UNCLEAR, 100);
	ck_assert_uint_eq(rules.count, 0);
	stay(ALERT_BAD, 20);
	stay(ALERT_UNCLEAR, 100);
	ck_assert_str_eq(told, "");
	stay(ALERT_BAD, 1);
	ck_assert_str_eq(told, "+a@220 ");
	stay(ALERT_UNCLEAR, 1000);
	stay(ALERT_GOOD, 50);
	stay(ALERT_UNCLEAR, 1);
	stay(ALERT_GOOD, 50);
	ck_assert_str_eq(told, "+a@220 ");
	stay(ALERT_GOOD, 11);
	ck_assert_str_eq(told, "+a@220 -a@1332 ");
}
END_TEST

START_TEST(what_is_no_longer_watched_is_over)
{
	stay(ALERT_BAD, 31);
	alert_rules_end(&rules, now);
	ck_assert_str_eq(told, "+a@30 -a@31 ");
	ck_assert_str_eq(last.detail, "no longer watched");
	ck_assert_uint_eq(rules.count, 0);
	stay(ALERT_BAD, 10);
	alert_rules_end(&rules, now); /* was never told */
	ck_assert_str_eq(told, "+a@30 -a@31 ");
}
END_TEST

START_TEST(causes_do_not_touch_each_other)
{
	for (int i = 0; i < 40; i++) {
		see("a", ALERT_BAD);
		see("b", i >= 5 ? ALERT_BAD : ALERT_GOOD);
		alert_rules_end(&rules, now);
		now += S;
	}
	ck_assert_str_eq(told, "+a@30 +b@35 ");
	ck_assert_uint_eq(last.incident, 2);
}
END_TEST

START_TEST(a_clock_that_is_set_back_prolongs_nothing)
{
	now = 1000 * HOUR;
	stay(ALERT_BAD, 31);
	ck_assert_str_eq(told, "+a@3600030 ");
	stay(ALERT_GOOD, 30);
	now = 5 * HOUR;
	stay(ALERT_GOOD, 61);
	ck_assert_str_eq(told, "+a@3600030 -a@18060 ");
}
END_TEST

START_TEST(there_is_a_bound)
{
	char subject[32];
	for (int i = 0; i < ALERT_CAUSES_MAX + 3; i++) {
		snprintf(subject, sizeof(subject), "s%d", i);
		see(subject, ALERT_BAD);
	}
	ck_assert_uint_eq(rules.count, ALERT_CAUSES_MAX);
	ck_assert_uint_eq(rules.unwatched, 3);
	char huge[ALERT_SUBJECT_BYTES * 2];
	memset(huge, 'x', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	alert_rules_end(&rules, now);
	alert_rules_end(&rules, now);
	ck_assert_uint_eq(rules.count, 0);
	see(huge, ALERT_BAD);
	see(huge, ALERT_BAD);
	ck_assert_uint_eq(rules.count, 1);
}
END_TEST

START_TEST(requests_of_the_last_seconds)
{
	static struct alert_rate rate;
	uint64_t ended, errors;
	now = 1795694400000;
	alert_rate_note(&rate, 0, 0, now);
	for (uint64_t i = 1; i <= 100; i++)
		alert_rate_note(&rate, i * 10, i * 3, now + (int64_t)i * S);
	alert_rate_sum(&rate, 20 * S, now + 100 * S, &ended, &errors);
	ck_assert_uint_eq(ended, 200);
	ck_assert_uint_eq(errors, 60);
	alert_rate_sum(&rate, 20 * S, now + 110 * S, &ended, &errors);
	ck_assert_uint_eq(ended, 100);
	alert_rate_sum(&rate, HOUR, now + 110 * S, &ended, &errors);
	ck_assert_uint_eq(ended, 1000);
	/* An hour later its places hold others. */
	alert_rate_note(&rate, 1001, 300, now + HOUR + 50 * S);
	alert_rate_sum(&rate, 2 * S, now + HOUR + 50 * S, &ended, &errors);
	ck_assert_uint_eq(ended, 1);
	ck_assert_uint_eq(errors, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("alert_rules");
	TCase *tc = tcase_create("alert_rules");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, told_once_when_it_has_lasted_and_once_when_it_is_over);
	tcase_add_test(tc, what_passes_soon_is_not_told);
	tcase_add_test(tc, what_flaps_fast_is_told_once);
	tcase_add_test(tc, what_flaps_slowly_must_be_good_longer_each_time);
	tcase_add_test(tc, an_hour_of_calm_makes_it_new);
	tcase_add_test(tc, it_is_told_again_while_it_lasts);
	tcase_add_test(tc, no_reminders_where_none_are_wanted);
	tcase_add_test(tc, unclear_raises_and_ends_nothing);
	tcase_add_test(tc, what_is_no_longer_watched_is_over);
	tcase_add_test(tc, causes_do_not_touch_each_other);
	tcase_add_test(tc, a_clock_that_is_set_back_prolongs_nothing);
	tcase_add_test(tc, there_is_a_bound);
	tcase_add_test(tc, requests_of_the_last_seconds);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
