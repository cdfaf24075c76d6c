/* The report of a dataplane. */
#include "state.h"
#include <check.h>
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
    .client_gone = 3,
    .attempts = 120,
    .bytes_in = 1u << 30,
    .bytes_out = 1ull << 40,
    .in_flight = 3,
    .connections = 8,
    .rss_bytes = 12u << 20,
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
		ck_assert_int_eq(json_object_del(without, key), 0);
		ck_assert_msg(!report_decode(without, &out, &err), "%s", key);
		ck_assert_str_eq(err.at, key);
		ck_assert_int_eq(json_object_set_new(wrong, key, json_true()), 0);
		ck_assert_msg(!report_decode(wrong, &out, &err), "%s", key);
		ck_assert_str_eq(err.at, key);
		json_decref(without);
		json_decref(wrong);
	}
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
	    {"unknown", json_integer(1)},
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		json_t *json = report_encode(&sample);
		struct report out;
		struct err err = {0};
		json_object_set_new(json, wrong[i].key, wrong[i].value);
		ck_assert_msg(!report_decode(json, &out, &err), "%zu", i);
		ck_assert_str_eq(err.at, i == 5 ? "" : wrong[i].key);
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
	tcase_add_test(tests, a_counter_beyond_json_stays_at_the_top);
	tcase_add_test(tests, each_member_is_needed);
	tcase_add_test(tests, bounds_hold);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
