/* Once a day for each upstream: in five time zones over a year, with failures and restarts. */
#include "activation.h"
#include "suite.h"
#include "zone.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOUR_MS 3600000ll
#define MINUTE_MS 60000ll
#define NEW_YEAR_MS 1767225600000ll /* 2026-01-01 00:00 UTC */

static char folder[] = "/tmp/pm-activation-XXXXXX";
static struct config *config;
static struct activation activation;

static void
take(const char *text)
{
	struct faults faults = {0};
	config_free(config);
	config = NULL;
	ck_assert(config_parse(view_of(text), &config, &faults));
	faults_fini(&faults);
}

static void
setup(void)
{
	memcpy(folder, "/tmp/pm-activation-XXXXXX", sizeof(folder));
	ck_assert_ptr_nonnull(mkdtemp(folder));
	activation = (struct activation){0};
}

static void
teardown(void)
{
	char path[128];
	activation_fini(&activation);
	config_free(config);
	config = NULL;
	snprintf(path, sizeof(path), "%s/activation.json", folder);
	(void)unlink(path);
	(void)rmdir(folder);
}

static void
restart(void)
{
	struct err err;
	ck_assert(activation_write(&activation, folder, &err));
	activation_fini(&activation);
	ck_assert_msg(activation_read(&activation, folder, &err), "%s", err.msg);
}

static bool
answer(const char *id, uint64_t seq, bool success, int64_t wall_ms)
{
	char name[64], model[] = "";
	snprintf(name, sizeof(name), "%s", id);
	struct report_outcome outcome = {.upstream = name,
	    .model = model,
	    .activation = true,
	    .probe_seq = seq,
	    .success = success,
	    .status = success ? 200 : 500,
	    .reason = "x",
	    .count = 1};
	return activation_note(&activation, &outcome, wall_ms);
}

#define ENTRY(id, zone, time)                                                                      \
	"{\"id\":\"" id "\",\"base_url\":\"http://a\",\"key\":\"k\",\"activation_enabled\":true,"  \
	"\"activation_time\":\"" time "\",\"time_zone\":\"" zone "\"}"

static uint32_t
local_day(const char *zone, int64_t wall_ms, unsigned *minute)
{
	zone_enter(zone);
	struct zone_time local = zone_local(wall_ms);
	zone_leave();
	*minute = local.minute;
	return (uint32_t)local.year * 10000 + local.month * 100 + local.day;
}

static unsigned seed;

static unsigned
chance(unsigned of)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % of;
}

/* Dense where something is to happen, coarse elsewhere. */
static int64_t
later(int64_t at)
{
	int64_t then = at + (60 + chance(240)) * MINUTE_MS;
	for (size_t i = 0; i < activation.count; i++) {
		const struct activation_item *item = &activation.items[i];
		if (item->running)
			return at + 1000 + chance(20000);
		if (item->next_ms < then)
			then = item->next_ms + chance(3000);
	}
	return then > at ? then : at + 1000;
}

/* 02:30 is left out once a year in some zones, and comes twice. */
START_TEST(exactly_one_success_on_each_day_of_a_year)
{
	static const char *const zones[] = {
	    "Europe/Berlin", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe", "UTC"};
	static const char *const ids[] = {"claude:a", "claude:b", "claude:c", "codex:d", "codex:e"};
	static unsigned char done[5][400];
	uint32_t last_day[5] = {0};
	unsigned days[5] = {0};
	const char *text = getenv("PM_SEED");
	seed = text != NULL ? (unsigned)(int)strtol(text, NULL, 10) : 20261125u;
	printf("PM_SEED=%u\n", seed);
	memset(done, 0, sizeof(done));
	take("{\"api_configs\":[" ENTRY("a", "Europe/Berlin", "02:30") "," ENTRY(
	    "b", "America/New_York", "02:30") "," ENTRY("c", "Asia/Shanghai",
	    "08:00") "],"
		     "\"codex_configs\":[" ENTRY("d", "Australia/Lord_Howe", "02:15") "," ENTRY(
			 "e", "UTC", "23:58") "]}");
	int64_t at = NEW_YEAR_MS;
	for (; at < NEW_YEAR_MS + 366 * 24 * HOUR_MS; at = later(at)) {
		(void)activation_tick(&activation, config, 7, at);
		if (chance(500) == 0)
			restart();
		for (size_t i = 0; i < activation.count; i++) {
			const struct activation_item *item = &activation.items[i];
			size_t k = 0;
			unsigned minute;
			bool soon = item->running && at - item->asked_ms < MINUTE_MS;
			if (!item->running || (soon && chance(4) != 0))
				continue;
			while (strcmp(item->id, ids[k]) != 0)
				k++;
			uint32_t day = local_day(zones[k], item->asked_ms, &minute);
			if (day != last_day[k])
				days[k]++;
			last_day[k] = day;
			bool success = chance(3) != 0;
			ck_assert(answer(item->id, item->seq, success, at));
			if (success)
				ck_assert_msg(
				    ++done[k][days[k]] == 1, "%s twice on %u", item->id, day);
			ck_assert(!answer(item->id, item->seq + 1, true, at));
		}
	}
	for (size_t k = 0; k < 5; k++) {
		unsigned missed = 0;
		ck_assert_uint_ge(days[k], 365);
		for (unsigned d = 1; d < days[k]; d++)
			missed += done[k][d] == 0;
		/* 20 tries of two thirds do not all fail; one at 23:58 has two or three. */
		ck_assert_uint_le(missed, k == 4 ? 80 : 0);
	}
}
END_TEST

START_TEST(what_has_failed_is_tried_twenty_times)
{
	unsigned tries = 0;
	take("{\"api_configs\":[" ENTRY("a", "UTC", "08:00") "]}");
	for (int64_t at = NEW_YEAR_MS + 8 * HOUR_MS; at < NEW_YEAR_MS + 23 * HOUR_MS;
	     at += MINUTE_MS / 4) {
		if (!activation_tick(&activation, config, 7, at))
			continue;
		tries++;
		ck_assert(answer("claude:a", activation.items[0].seq, false, at + 1000));
	}
	ck_assert_uint_eq(tries, ACTIVATION_TRIES_MAX);
	ck_assert(activation_tick(&activation, config, 7, NEW_YEAR_MS + 32 * HOUR_MS));
}
END_TEST

START_TEST(a_missed_time_is_made_up_for_but_not_on_a_day_that_is_off)
{
	take("{\"api_configs\":[" ENTRY("a", "UTC", "08:00") "]}");
	ck_assert(!activation_tick(&activation, config, 7, NEW_YEAR_MS + 7 * HOUR_MS));
	ck_assert(activation_tick(&activation, config, 7, NEW_YEAR_MS + 20 * HOUR_MS));
	activation_fini(&activation);
	/* 2026-01-01 is a Thursday */
	take("{\"api_configs\":[{\"id\":\"a\",\"base_url\":\"http://a\",\"key\":\"k\","
	     "\"activation_enabled\":true,\"time_zone\":\"UTC\",\"time_enabled\":[1,1,1,0,1,1,1]}]"
	     "}");
	ck_assert(!activation_tick(&activation, config, 7, NEW_YEAR_MS + 20 * HOUR_MS));
	ck_assert(activation_tick(&activation, config, 7, NEW_YEAR_MS + 33 * HOUR_MS));
}
END_TEST

static int64_t
next_after(bool success, int64_t at)
{
	ck_assert(activation_tick(&activation, config, 7, at));
	ck_assert(answer("claude:a", activation.items[0].seq, success, at + 1000));
	(void)activation_tick(&activation, config, 7, at + 1000);
	return activation.items[0].next_ms;
}

static void
expect_told(const char *time, int64_t next_ms)
{
	const struct config_upstream *upstream = &config->upstreams[GROUP_CLAUDE].items[0];
	json_t *told = activation_encode(&activation, "claude:a", upstream);
	ck_assert_str_eq(json_string_value(json_object_get(told, "time")), time);
	ck_assert_int_eq(json_integer_value(json_object_get(told, "next_ms")), next_ms);
	json_decref(told);
}

/* The same time by the clock on the wall, be the day 23 hours or 25; the owner's word for it is
 * left as it is, and does not creep. */
START_TEST(a_success_moves_the_next_time_to_the_next_day)
{
	static const struct {
		const char *entry;
		int64_t at, next; /* hours of the year */
	} rows[] = {
	    {ENTRY("a", "UTC", "08:00"), 8, 32},
	    {ENTRY("a", "UTC", "08:00"), 20, 32}, /* made up for late */
	    {ENTRY("a", "Europe/Berlin", "08:00"), 87 * 24 - 17, 87 * 24 + 6}, /* 28 to 29 March */
	    {ENTRY("a", "Europe/Berlin", "08:00"), 297 * 24 - 18, 297 * 24 + 7},
	};
	take("{\"api_configs\":[]}");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[512];
		snprintf(text, sizeof(text), "{\"api_configs\":[%s]}", rows[i].entry);
		take(text);
		activation_fini(&activation);
		int64_t next = NEW_YEAR_MS + rows[i].next * HOUR_MS;
		ck_assert_int_eq(next_after(true, NEW_YEAR_MS + rows[i].at * HOUR_MS), next);
		expect_told("08:00", next);
		ck_assert_int_eq(next_after(true, next), next + 24 * HOUR_MS);
		expect_told("08:00", next + 24 * HOUR_MS);
	}
}
END_TEST

START_TEST(a_failure_moves_it_by_a_minute)
{
	int64_t at = NEW_YEAR_MS + 8 * HOUR_MS;
	take("{\"api_configs\":[" ENTRY("a", "UTC", "08:00") "]}");
	for (unsigned i = 1; i < ACTIVATION_TRIES_MAX; i++, at += ACTIVATION_AGAIN_MS)
		ck_assert_int_eq(next_after(false, at), at + ACTIVATION_AGAIN_MS);
	ck_assert_int_eq(next_after(false, at), NEW_YEAR_MS + 32 * HOUR_MS);
	expect_told("08:00", NEW_YEAR_MS + 32 * HOUR_MS);
}
END_TEST

/* 2026-01-01 is a Thursday; off from Friday to Sunday, and on that Monday. */
START_TEST(days_that_are_off_are_passed_over)
{
	take("{\"api_configs\":[{\"id\":\"a\",\"base_url\":\"http://a\",\"key\":\"k\","
	     "\"activation_enabled\":true,\"time_zone\":\"UTC\",\"time_enabled\":[1,1,1,1,0,0,0],"
	     "\"dates\":{\"01-05\":\"off\"}}]}");
	ck_assert_int_eq(
	    next_after(true, NEW_YEAR_MS + 8 * HOUR_MS), NEW_YEAR_MS + (5 * 24 + 8) * HOUR_MS);
}
END_TEST

START_TEST(an_order_is_given_once)
{
	struct table *table = table_new();
	take("{\"api_configs\":[" ENTRY("a", "UTC", "08:00") "]}");
	table_add_upstream(table, GROUP_CLAUDE)->id = strdup("claude:a");
	int64_t at = NEW_YEAR_MS + 8 * HOUR_MS;
	ck_assert(!activation_tick(&activation, config, 0, at)); /* nobody is there to do it */
	ck_assert(activation_tick(&activation, config, 7, at));
	restart();
	ck_assert(!activation_tick(&activation, config, 8, at + 1000));
	activation_assemble(&activation, table);
	ck_assert_uint_eq(table->groups[GROUP_CLAUDE].entries[0].activate_seq, 1);
	ck_assert_uint_eq(table->groups[GROUP_CLAUDE].entries[0].activate_by, 7);
	/* its answer never comes: rather none than two */
	ck_assert(!activation_tick(&activation, config, 8, at + ACTIVATION_LOST_MS));
	ck_assert_str_eq(activation.items[0].reason, "no_result");
	ck_assert(!activation_tick(&activation, config, 8, at + 10 * HOUR_MS));
	ck_assert(activation_tick(&activation, config, 8, at + 24 * HOUR_MS));
	ck_assert_uint_eq(activation.items[0].seq, 2);
	table_unref(table);
}
END_TEST

START_TEST(a_clock_that_is_set_back_brings_no_second_one)
{
	take("{\"api_configs\":[" ENTRY("a", "UTC", "08:00") "]}");
	int64_t at = NEW_YEAR_MS + 32 * HOUR_MS; /* on 2 January */
	ck_assert(activation_tick(&activation, config, 7, at));
	ck_assert(answer("claude:a", 1, true, at + 1000));
	ck_assert(!activation_tick(&activation, config, 7, at - 3 * HOUR_MS));
	ck_assert(!activation_tick(&activation, config, 7, at - 24 * HOUR_MS));
	restart();
	ck_assert(!activation_tick(&activation, config, 7, at - 1));
	ck_assert(!activation_tick(&activation, config, 7, at + 1));
	ck_assert(activation_tick(&activation, config, 7, at + 24 * HOUR_MS));
}
END_TEST

/* It does not keep an upstream from its days until that year has come. */
START_TEST(a_clock_that_was_a_year_ahead_is_forgotten)
{
	take("{\"api_configs\":[" ENTRY("a", "UTC", "08:00") "," ENTRY("b", "UTC", "08:00") "]}");
	int64_t at = NEW_YEAR_MS + 8 * HOUR_MS, ahead = at + 365 * 24 * HOUR_MS;
	ck_assert(activation_tick(&activation, config, 7, ahead));
	ck_assert(activation_tick(&activation, config, 7, ahead + 1000));
	ck_assert(answer("claude:a", 1, true, ahead + 2000)); /* that of b never comes */
	restart();
	ck_assert(activation_tick(&activation, config, 7, at));
	ck_assert(activation_tick(&activation, config, 7, at + 1000));
	ck_assert_uint_eq(activation.last_seq, 4);
	ck_assert(answer("claude:a", 3, true, at + 2000));
	ck_assert(answer("claude:b", 4, true, at + 2000));
	ck_assert(!activation_tick(&activation, config, 7, at + 10 * HOUR_MS));
}
END_TEST

START_TEST(billing_send_interval_keeps_them_apart)
{
	take("{\"timeout_settings\":{\"billing_send_interval\":5},\"api_configs\":[" ENTRY(
	    "a", "UTC", "08:00") "," ENTRY("b", "UTC", "08:00") "]}");
	int64_t at = NEW_YEAR_MS + 8 * HOUR_MS;
	ck_assert(activation_tick(&activation, config, 7, at));
	ck_assert(!activation_tick(&activation, config, 7, at + 4999));
	ck_assert(activation_tick(&activation, config, 7, at + 5000));
	ck_assert_uint_eq(activation.last_seq, 2);
}
END_TEST

START_TEST(a_bad_file_is_refused_whole)
{
	char path[128];
	struct err err;
	snprintf(path, sizeof(path), "%s/activation.json", folder);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs("{\"last_seq\":3,\"last_ms\":0,\"items\":[{}]}", file);
	fclose(file);
	ck_assert(!activation_read(&activation, folder, &err));
	ck_assert_uint_eq(activation.count, 0);
	ck_assert_uint_eq(activation.last_seq, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("activation");
	TCase *tests = tcase_create("activation");
	tcase_set_timeout(tests, 100);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, exactly_one_success_on_each_day_of_a_year);
	tcase_add_test(tests, what_has_failed_is_tried_twenty_times);
	tcase_add_test(tests, a_missed_time_is_made_up_for_but_not_on_a_day_that_is_off);
	tcase_add_test(tests, a_success_moves_the_next_time_to_the_next_day);
	tcase_add_test(tests, a_failure_moves_it_by_a_minute);
	tcase_add_test(tests, days_that_are_off_are_passed_over);
	tcase_add_test(tests, an_order_is_given_once);
	tcase_add_test(tests, a_clock_that_is_set_back_brings_no_second_one);
	tcase_add_test(tests, a_clock_that_was_a_year_ahead_is_forgotten);
	tcase_add_test(tests, billing_send_interval_keeps_them_apart);
	tcase_add_test(tests, a_bad_file_is_refused_whole);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
