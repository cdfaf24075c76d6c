/* The report of a dataplane. */
#include "blame.h"
#include "state.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct report sample = {
    .instance = "dataplane.0",
    .boot_id = UINT64_MAX - 5,
    .pid = 4711,
    .started_ms = 1763835862877,
    .table_epoch = 1ull << 63,
    .table_version = 12,
    .requests = 100,
    .completed = 90,
    .failed = 4,
    .errors = 2,
    .client_gone = 3,
    .attempts = 120,
    .bytes_in = 1u << 30,
    .bytes_out = 1ull << 40,
    .in_flight = 3,
    .connections = 8,
    .rss_bytes = 12u << 20,
    .cpu_ms = 1234,
    .open_fds = 40,
    .fds_max = 20000,
    .loop_stall_ms = 3,
    .journal_waiting = 5,
    .journal_open = 2,
    .journal_used_bytes = 4096,
    .journal_lost = 1,
    .journal_interrupted = 6,
    .alert_seq = 1ull << 41,
    .alert_success = true,
    .alert_status = 204,
    .alert_reason = "ok",
    .spans_sent = 1000,
    .spans_dropped = 7,
};

START_TEST(a_report_comes_back_as_it_was)
{
	struct report out;
	struct err err = {0};
	json_t *json = report_encode(&sample);
	ck_assert_msg(report_decode(json, &out, &err), "%s %s", err.at, err.msg);
	ck_assert_str_eq(out.instance, sample.instance);
	json_t *again = report_encode(&out);
	ck_assert(json_equal(json, again));
	ck_assert_uint_eq(out.boot_id, sample.boot_id);
	ck_assert_uint_eq(out.table_epoch, sample.table_epoch);
	ck_assert_uint_eq(out.bytes_out, sample.bytes_out);
	json_decref(json);
	json_decref(again);
}
END_TEST

static struct report_running running[1] = {{.id = "req_1",
    .at_ms = 1763835862877,
    .client_key = (char[]){"default"},
    .model = (char[]){""},
    .upstream = (char[]){"chat:a"},
    .protocol = 1,
    .calls = 2,
    .begun = true}};
static struct report_load loads[1] = {{.upstream = (char[]){"chat:a"}, .in_flight = 7}};

START_TEST(what_runs_comes_back_as_it_was)
{
	struct report full = sample, out;
	struct err err = {0};
	full.running = running;
	full.loads = loads;
	full.running_count = full.load_count = 1;
	full.cancel_seq = 5;
	full.cancelled = &(struct report_cancelled){.id = "req_0"};
	full.cancelled_count = 1;
	json_t *json = report_encode(&full);
	ck_assert_msg(report_decode(json, &out, &err), "%s %s", err.at, err.msg);
	ck_assert_str_eq(out.running[0].id, "req_1");
	ck_assert(out.running[0].begun && !out.running[0].stream);
	ck_assert_uint_eq(out.loads[0].in_flight, 7);
	ck_assert_uint_eq(out.cancel_seq, 5);
	ck_assert_str_eq(out.cancelled[0].id, "req_0");
	json_t *again = report_encode(&out);
	ck_assert(json_equal(json, again));
	report_fini(&out);
	/* A data plane of the release before does not know them yet. */
	ck_assert(json_object_del(json, "running") == 0 && json_object_del(json, "loads") == 0);
	ck_assert(
	    json_object_del(json, "cancelled") == 0 && json_object_del(json, "cancel_seq") == 0);
	ck_assert(report_decode(json, &out, &err));
	ck_assert(out.running_count == 0 && out.load_count == 0 && out.cancelled_count == 0);
	report_fini(&out);
	json_object_set_new(json, "running", json_true());
	ck_assert(!report_decode(json, &out, &err));
	ck_assert_str_eq(err.at, "running");
	json_decref(json);
	json_decref(again);
}
END_TEST

static struct report_outcome outcomes[2] = {
    {.upstream = (char[]){"claude:a"},
	.model = (char[]){"claude-opus"},
	.blame = BLAME_KEY,
	.reason = "status_429",
	.status = 429,
	.generate = true,
	.ttfb_ms = 12,
	.retry_after_ms = 60000,
	.age_ms = 15,
	.count = 3},
    {.upstream = (char[]){"claude:b"},
	.model = (char[]){""},
	.reason = "ok",
	.success = true,
	.begun = true,
	.probe = true,
	.probe_seq = 1ull << 40,
	.count = 1},
};

static json_t *
with_outcomes(void)
{
	struct report full = sample;
	full.outcomes = outcomes;
	full.outcome_count = 2;
	return report_encode(&full);
}

START_TEST(outcomes_come_back_as_they_were)
{
	struct report out;
	struct err err = {0};
	json_t *json = with_outcomes();
	ck_assert_msg(report_decode(json, &out, &err), "%s %s", err.at, err.msg);
	ck_assert_uint_eq(out.outcome_count, 2);
	const struct report_outcome *first = &out.outcomes[0], *second = &out.outcomes[1];
	ck_assert_str_eq(first->upstream, "claude:a");
	ck_assert_str_eq(first->model, "claude-opus");
	ck_assert_uint_eq(first->blame, BLAME_KEY);
	ck_assert_str_eq(first->reason, "status_429");
	ck_assert(first->generate && !first->success && !first->begun);
	ck_assert_uint_eq(first->retry_after_ms, 60000);
	ck_assert(second->success && second->begun && !second->generate);
	ck_assert_uint_eq(second->blame, BLAME_NOBODY);
	ck_assert(second->probe && !first->probe);
	ck_assert_uint_eq(second->probe_seq, 1ull << 40);
	json_t *again = report_encode(&out);
	ck_assert(json_equal(json, again));
	report_fini(&out);
	ck_assert_uint_eq(out.outcome_count, 0);
	json_decref(json);
	json_decref(again);
}
END_TEST

START_TEST(each_member_of_an_outcome_is_needed)
{
	json_t *whole = with_outcomes();
	json_t *second = json_array_get(json_object_get(whole, "outcomes"), 1);
	const char *key;
	json_t *value;
	json_object_foreach(second, key, value)
	{
		struct report out;
		struct err err = {0};
		char at[64];
		json_t *copy = json_deep_copy(whole);
		json_object_del(json_array_get(json_object_get(copy, "outcomes"), 1), key);
		snprintf(at, sizeof(at), "outcomes[1].%s", key);
		ck_assert_msg(!report_decode(copy, &out, &err), "%s", key);
		ck_assert_str_eq(err.at, at);
		ck_assert_uint_eq(out.outcome_count, 0);
		json_decref(copy);
	}
	json_decref(whole);
}
END_TEST

START_TEST(outcomes_are_bounded)
{
	json_t *json = with_outcomes();
	json_t *list = json_object_get(json, "outcomes");
	struct report out;
	struct err err = {0};
	while (json_array_size(list) < REPORT_OUTCOMES_MAX)
		json_array_append_new(list, json_deep_copy(json_array_get(list, 0)));
	ck_assert(report_decode(json, &out, &err));
	report_fini(&out);
	json_array_append_new(list, json_deep_copy(json_array_get(list, 0)));
	ck_assert(!report_decode(json, &out, &err));
	ck_assert_str_eq(err.at, "outcomes");
	json_decref(json);
}
END_TEST

START_TEST(a_counter_beyond_json_stays_at_the_top)
{
	struct report high = sample;
	high.requests = UINT64_MAX;
	json_t *json = report_encode(&high);
	ck_assert_int_eq(json_integer_value(json_object_get(json, "requests")), INT64_MAX);
	json_decref(json);
}
END_TEST

START_TEST(each_member_is_needed)
{
	json_t *json = report_encode(&sample);
	const char *key;
	json_t *value;
	json_object_foreach(json, key, value)
	{
		json_t *without = json_copy(json), *wrong = json_copy(json);
		struct report out;
		struct err err = {0};
		bool newcomer = strcmp(key, "running") == 0 || strcmp(key, "loads") == 0 ||
				strcmp(key, "cancelled") == 0 || strcmp(key, "cancel_seq") == 0;
		ck_assert_int_eq(json_object_del(without, key), 0);
		ck_assert_msg(report_decode(without, &out, &err) == newcomer, "%s", key);
		if (newcomer)
			report_fini(&out);
		else
			ck_assert_str_eq(err.at, key);
		ck_assert_int_eq(json_object_set_new(wrong, key, json_real(0.5)), 0);
		ck_assert_msg(!report_decode(wrong, &out, &err), "%s", key);
		ck_assert_str_eq(err.at, key);
		json_decref(without);
		json_decref(wrong);
	}
	json_decref(json);
}
END_TEST

START_TEST(what_a_newer_release_adds_is_passed_over)
{
	json_t *json = report_encode(&sample), *newer = json_deep_copy(json);
	struct report out;
	struct err err;
	json_object_set_new(newer, "newer", json_pack("[{s:i}]", "a", 1));
	ck_assert(report_decode(newer, &out, &err));
	json_t *again = report_encode(&out);
	ck_assert(json_equal(again, json));
	report_fini(&out);
	json_decref(again);
	json_decref(newer);
	json_decref(json);
}
END_TEST

START_TEST(bounds_hold)
{
	struct {
		const char *key;
		json_t *value;
	} wrong[] = {
	    {"requests", json_integer(-1)},
	    {"pid", json_integer(0)},
	    {"instance", json_string("")},
	    {"instance", json_string("123456789012345678901234")},
	    {"instance", json_stringn("a\0b", 3)},
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		json_t *json = report_encode(&sample);
		struct report out;
		struct err err = {0};
		json_object_set_new(json, wrong[i].key, wrong[i].value);
		ck_assert_msg(!report_decode(json, &out, &err), "%zu", i);
		ck_assert_str_eq(err.at, wrong[i].key);
		json_decref(json);
	}
	struct report out;
	struct err err;
	ck_assert(!report_decode(NULL, &out, &err));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("state");
	TCase *tests = tcase_create("state");
	tcase_add_test(tests, a_report_comes_back_as_it_was);
	tcase_add_test(tests, outcomes_come_back_as_they_were);
	tcase_add_test(tests, what_runs_comes_back_as_it_was);
	tcase_add_test(tests, each_member_of_an_outcome_is_needed);
	tcase_add_test(tests, outcomes_are_bounded);
	tcase_add_test(tests, a_counter_beyond_json_stays_at_the_top);
	tcase_add_test(tests, each_member_is_needed);
	tcase_add_test(tests, what_a_newer_release_adds_is_passed_over);
	tcase_add_test(tests, bounds_hold);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
