/* Limits of client keys: within any minute, at a time, by day, week and month; over processes. */
#include "allowance.h"
#include "mem.h"
#include "suite.h"
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOON INT64_C(1795694400000) /* 2026-11-26 12:00 UTC, a Thursday */
#define DAY INT64_C(86400000)
#define PROCESSES 4
#define TRIES 2000

static char folder[] = "/tmp/allowXXXXXX";
static struct table *table;
static struct client_key *key;
static struct allowance *allowance;
static struct allowance_refusal why;

static void
setup(void)
{
	struct err err;
	(void)memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	table = table_new();
	key = table_add_client_key(table);
	key->id = mem_dup_str("k");
	key->name = mem_dup_str("");
	key->warn_percent = 80;
	int64_t day = NOON - DAY / 2;
	table->periods = (struct table_periods){
	    {day, day - 3 * DAY, day - 25 * DAY}, {day + DAY, day + 4 * DAY, day + 5 * DAY}};
	allowance = allowance_open(folder, 0, &err);
	ck_assert_msg(allowance != NULL, "%s", err.msg);
}

static void
teardown(void)
{
	char path[64];
	allowance_close(allowance);
	table_unref(table);
	(void)snprintf(path, sizeof(path), "%s/allowance.map", folder);
	(void)unlink(path);
	ck_assert_int_eq(rmdir(folder), 0);
}

static bool
take(int64_t at_ms)
{
	return allowance_take(allowance, table, key, at_ms, &why);
}

static const char *
give(int64_t at_ms, int64_t tokens, int64_t nano)
{
	return allowance_give(allowance, table, key, at_ms, tokens, nano);
}

START_TEST(without_limits_nobody_is_refused)
{
	for (unsigned i = 0; i < 1000; i++)
		ck_assert(take(NOON));
	ck_assert_ptr_null(give(NOON, INT64_C(1000000000000), INT64_C(1000000000000)));
	ck_assert(take(NOON));
}
END_TEST

/* Whenever it is asked, no minute has held more; and what it may, it does again. */
START_TEST(requests_of_any_minute)
{
	static int64_t let_in[20000];
	size_t count = 0;
	unsigned seed = 7;
	key->requests_per_minute = 20;
	for (int64_t at = NOON; at < NOON + 600000; at += 20 + (seed >> 16) % 400) {
		seed = seed * 1103515245 + 12345;
		if (!take(at)) {
			ck_assert_str_eq(why.reason, "requests_per_minute");
			ck_assert_uint_gt(why.retry_after_ms, 0);
			ck_assert_uint_le(why.retry_after_ms, 70000);
			ck_assert(!why.budget);
			continue;
		}
		(void)give(at, 0, 0);
		let_in[count++] = at;
	}
	ck_assert_uint_ge(count, 20 * 8);
	for (size_t i = 20; i < count; i++)
		ck_assert_int_ge(let_in[i] - let_in[i - 20], 60000);
}
END_TEST

START_TEST(tokens_of_a_minute_are_known_when_a_call_ends)
{
	key->tokens_per_minute = 1000;
	ck_assert(take(NOON));
	ck_assert(take(NOON));
	(void)give(NOON + 1000, 1500, 0);
	ck_assert(!take(NOON + 2000));
	ck_assert_str_eq(why.reason, "tokens_per_minute");
	ck_assert(!take(NOON + 60000));
	ck_assert(take(NOON + 71000));
}
END_TEST

/* Who waits as long as it is told is let in. */
START_TEST(the_time_to_wait_is_true)
{
	key->tokens_per_minute = 1000;
	ck_assert(take(NOON));
	(void)give(NOON, 10, 0);
	(void)give(NOON + 20000, 300, 0);
	(void)give(NOON + 31000, 1500, 0);
	(void)give(NOON + 45000, 200, 0);
	ck_assert(!take(NOON + 50000));
	ck_assert_uint_eq(why.retry_after_ms, 50000);
	ck_assert(!take(NOON + 99999));
	ck_assert_uint_eq(why.retry_after_ms, 1);
	ck_assert(take(NOON + 100000));
	/* A call that has only begun uses up no tokens. */
	key->tokens_per_minute = 0;
	key->requests_per_minute = 2;
	int64_t at = NOON + 400000;
	(void)give(at, 5, 0);
	ck_assert(take(at + 20000) && take(at + 30000) && !take(at + 35000));
	ck_assert_uint_eq(why.retry_after_ms, 55000);
}
END_TEST

START_TEST(at_a_time)
{
	struct err err;
	key->concurrent_requests = 3;
	ck_assert(take(NOON) && take(NOON) && take(NOON));
	ck_assert(!take(NOON));
	ck_assert_str_eq(why.reason, "concurrent_requests");
	(void)give(NOON, 0, 0);
	ck_assert(take(NOON));
	ck_assert(!take(NOON));
	/* Another data plane counts them; the death of this one lets them go. */
	struct allowance *other = allowance_open(folder, 1, &err);
	ck_assert(!allowance_take(other, table, key, NOON, &why));
	allowance_close(allowance);
	allowance = allowance_open(folder, 0, &err);
	ck_assert(allowance_take(other, table, key, NOON, &why));
	allowance_close(other);
}
END_TEST

/* One that died and has no successor, as after an upgrade. */
START_TEST(the_dead_hold_no_places)
{
	struct err err;
	int status;
	key->concurrent_requests = 2;
	if (fork() == 0) {
		struct allowance *other = allowance_open(folder, 5, &err);
		_exit(other != NULL && allowance_take(other, table, key, NOON, &why) &&
			      allowance_take(other, table, key, NOON, &why) && !take(NOON)
			  ? 0
			  : 1);
	}
	ck_assert_int_gt(wait(&status), 0);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ck_assert(take(NOON) && take(NOON));
	ck_assert(!take(NOON));
	/* Nor does one that begins take those of another that lives under its number. */
	struct allowance *twin = allowance_open(folder, 0, &err);
	ck_assert(!allowance_take(twin, table, key, NOON, &why));
	allowance_close(twin);
	ck_assert(!take(NOON));
}
END_TEST

START_TEST(budgets_end_with_their_period)
{
	key->tokens_per[PERIOD_DAY] = 1000;
	key->nano_usd_per[PERIOD_MONTH] = INT64_C(12340000000);
	ck_assert(take(NOON));
	ck_assert_ptr_null(give(NOON, 799, 0));
	ck_assert(take(NOON));
	ck_assert_str_eq(give(NOON, 1, 0), "tokens_per_day"); /* 80 per cent, said once */
	ck_assert(take(NOON));
	ck_assert_ptr_null(give(NOON, 300, 0));
	ck_assert(!take(NOON));
	ck_assert_str_eq(why.reason, "tokens_per_day");
	ck_assert_uint_eq(why.retry_after_ms, (uint64_t)(DAY / 2));
	ck_assert(why.budget);
	ck_assert_ptr_nonnull(strstr(why.message, "1000 tokens"));
	/* The next day, by the same table. */
	ck_assert(take(NOON + DAY / 2));
	ck_assert_str_eq(give(NOON + DAY / 2, 1, INT64_C(12340000000)), "usd_per_month");
	ck_assert(!take(NOON + DAY));
	ck_assert_str_eq(why.reason, "usd_per_month");
	ck_assert_ptr_nonnull(strstr(why.message, "12.34 US dollars"));
	ck_assert(take(NOON + 6 * DAY));
}
END_TEST

/* What was spent meanwhile is not forgotten, and counts no longer than the period does. */
START_TEST(a_clock_that_was_ahead_prolongs_nothing)
{
	key->tokens_per[PERIOD_DAY] = 1000;
	ck_assert(take(NOON + 400 * DAY));
	(void)give(NOON + 400 * DAY, 1000, 0);
	ck_assert(!take(NOON));
	ck_assert_uint_eq(why.retry_after_ms, (uint64_t)(DAY / 2));
	ck_assert(take(NOON + DAY));
}
END_TEST

START_TEST(what_was_spent_before_counts_once)
{
	struct err err;
	key->tokens_per[PERIOD_WEEK] = 1000;
	ck_assert(take(NOON));
	(void)give(NOON, 100, 0);
	/* Now it is known what was spent before the file was made; that of another week is not. */
	key->spent_known = true;
	memcpy(key->spent_start_ms, table->periods.start_ms, sizeof(key->spent_start_ms));
	key->spent_start_ms[PERIOD_MONTH] -= DAY;
	for (unsigned i = 0; i < PERIODS; i++)
		key->spent_tokens[i] = 850;
	ck_assert(take(NOON));
	(void)give(NOON, 10, 0);
	ck_assert(take(NOON));
	(void)give(NOON, 40, 0);
	ck_assert(!take(NOON));
	/* The next process does not count it again. */
	allowance_close(allowance);
	allowance = allowance_open(folder, 0, &err);
	key->tokens_per[PERIOD_WEEK] = 1001;
	ck_assert(take(NOON));
	key->tokens_per[PERIOD_WEEK] = 0;
	key->tokens_per[PERIOD_MONTH] = 151;
	ck_assert(take(NOON));
}
END_TEST

START_TEST(processes_share_it_exactly)
{
	unsigned all = 0;
	int status;
	key->requests_per_minute = 500;
	for (unsigned i = 0; i < PROCESSES; i++) {
		if (fork() != 0)
			continue;
		struct err err;
		unsigned let_in = 0;
		struct allowance *own = allowance_open(folder, i, &err);
		for (unsigned k = 0; own != NULL && k < TRIES; k++)
			let_in += allowance_take(own, table, key, NOON, &why);
		_exit(let_in < 250 ? (int)let_in : 250);
	}
	/* Each tells at most 250; that all have had their turn shows by the sum. */
	for (unsigned i = 0; i < PROCESSES; i++) {
		ck_assert_int_gt(wait(&status), 0);
		ck_assert(WIFEXITED(status));
		all += (unsigned)WEXITSTATUS(status);
	}
	ck_assert_uint_le(all, 500);
	ck_assert_uint_ge(all, 250);
	ck_assert(!take(NOON));
	key->requests_per_minute = 501;
	ck_assert(take(NOON));
	ck_assert(!take(NOON));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("allowance");
	TCase *tests = tcase_create("allowance");
	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, without_limits_nobody_is_refused);
	tcase_add_test(tests, requests_of_any_minute);
	tcase_add_test(tests, tokens_of_a_minute_are_known_when_a_call_ends);
	tcase_add_test(tests, the_time_to_wait_is_true);
	tcase_add_test(tests, at_a_time);
	tcase_add_test(tests, the_dead_hold_no_places);
	tcase_add_test(tests, budgets_end_with_their_period);
	tcase_add_test(tests, a_clock_that_was_ahead_prolongs_nothing);
	tcase_add_test(tests, what_was_spent_before_counts_once);
	tcase_add_test(tests, processes_share_it_exactly);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
