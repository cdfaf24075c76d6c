/* The last report of each data plane, and when it is forgotten. */
#include "cancels.h"
#include "dataplanes.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct dataplanes all;

static bool
note(unsigned instance, uint64_t boot_id, uint64_t now_ms)
{
	struct report report = {.boot_id = boot_id, .requests = now_ms};
	snprintf(report.instance, sizeof(report.instance), "dataplane.%u", instance);
	return dataplanes_note(&all, &report, now_ms);
}

START_TEST(one_place_for_each_instance_and_boot)
{
	ck_assert(note(0, 1, 10));
	ck_assert(note(1, 1, 11));
	ck_assert(note(0, 2, 12));
	ck_assert(!note(0, 1, 20));
	ck_assert_uint_eq(all.count, 3);
	ck_assert_uint_eq(all.items[0].report.requests, 20);
	json_t *list = dataplanes_encode(&all, 25);
	ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(list, 0), "age_ms")), 5);
	json_decref(list);
}
END_TEST

START_TEST(what_runs_is_known_and_summed)
{
	struct report_running running = {.id = "req_1",
	    .client_key = (char[]){"k"},
	    .model = (char[]){"m"},
	    .upstream = (char[]){"chat:a"}};
	struct report_load load = {.upstream = (char[]){"chat:a"}, .in_flight = 3};
	struct report report = {.instance = "dataplane.0",
	    .boot_id = 1,
	    .running = &running,
	    .running_count = 1,
	    .loads = &load,
	    .load_count = 1};
	dataplanes_note(&all, &report, 1000);
	report.boot_id = 2;
	report.running_count = 0;
	dataplanes_note(&all, &report, 1000);
	json_t *loads = dataplanes_loads(&all);
	ck_assert_int_eq(json_integer_value(json_object_get(loads, "chat:a")), 6);
	json_decref(loads);
	dataplanes_fini(&all);
}
END_TEST

static void
note_looked(uint64_t boot_id, uint64_t seq)
{
	struct report report = {.boot_id = boot_id, .instance = "dataplane.0", .cancel_seq = seq};
	dataplanes_note(&all, &report, 1000);
}

static size_t
told(const struct cancels *cancels)
{
	json_t *body = cancels_encode(cancels);
	size_t count = json_array_size(json_object_get(body, "ids"));
	if (body != NULL)
		ck_assert_int_eq(
		    json_integer_value(json_object_get(body, "seq")), (json_int_t)cancels->seq);
	json_decref(body);
	return count;
}

START_TEST(a_cancellation_is_told_until_it_has_ended)
{
	static struct cancels cancels;
	const struct history_who who = {.request = "first"}, other = {.request = "second"};
	cancels_init(&cancels);
	ck_assert_uint_eq(told(&cancels), 0);
	ck_assert_uint_eq(cancels_order(&cancels, VIEW(""), &who, 1000), 0);
	ck_assert_uint_eq(
	    cancels_order(&cancels, VIEW("req_01234567890123456789012345678901"), &who, 1000), 0);
	note_looked(1, 0);
	note_looked(2, cancels.seq);
	uint64_t seq = cancels_order(&cancels, VIEW("req_1"), &who, 1000);
	ck_assert_uint_ne(seq, 0);
	ck_assert_uint_eq(cancels_order(&cancels, VIEW("req_1"), &other, 1000), seq);
	ck_assert_uint_eq(told(&cancels), 1);
	ck_assert_int_eq(cancels_fate(&cancels, &all, seq, 1000), CANCEL_WAITS);
	/* One has looked, the other says something of a former start, then it has it. */
	note_looked(1, seq);
	note_looked(2, cancels.seq + 1000);
	ck_assert_int_eq(cancels_fate(&cancels, &all, seq, 1001), CANCEL_WAITS);
	ck_assert_ptr_null(cancels_note(&cancels, VIEW("req_2")));
	ck_assert_str_eq(cancels_note(&cancels, VIEW("req_1"))->who.request, "first");
	ck_assert_ptr_null(cancels_note(&cancels, VIEW("req_1")));
	ck_assert_int_eq(cancels_fate(&cancels, &all, seq, 1002), CANCEL_ENDED);
	ck_assert_uint_eq(told(&cancels), 0);
	/* The same question gets the same; another is about one that is not there any more. */
	ck_assert_uint_eq(cancels_order(&cancels, VIEW("req_1"), &who, 1003), seq);
	uint64_t next = cancels_order(&cancels, VIEW("req_1"), &other, 1003);
	ck_assert_uint_gt(next, seq);
	note_looked(1, next);
	ck_assert_int_eq(cancels_fate(&cancels, &all, next, 1004), CANCEL_WAITS);
	note_looked(2, next);
	ck_assert_int_eq(cancels_fate(&cancels, &all, next, 1005), CANCEL_ABSENT);
	ck_assert_int_eq(cancels_fate(&cancels, &all, seq, 1005), CANCEL_ENDED);
	ck_assert_int_eq(cancels_fate(&cancels, &all, next + 1, 1005), CANCEL_ABSENT);
	/* One that says nothing is not waited for for ever. */
	next = cancels_order(&cancels, VIEW("req_3"), &who, 2000);
	ck_assert_int_eq(
	    cancels_fate(&cancels, &all, next, 2000 + CANCELS_WAIT_MS - 1), CANCEL_WAITS);
	ck_assert_int_eq(cancels_fate(&cancels, &all, next, 2000 + CANCELS_WAIT_MS), CANCEL_ABSENT);
	cancels_expire(&cancels, 1003 + CANCELS_FORGET_MS);
	ck_assert_uint_eq(cancels.count, 1);
	cancels_expire(&cancels, 2000 + CANCELS_FORGET_MS);
	ck_assert_uint_eq(cancels.count, 0);
	for (unsigned i = 0; i < 2 * CANCELS_MAX; i++) {
		char id[16];
		snprintf(id, sizeof(id), "req_%u", i);
		ck_assert_uint_ne(cancels_order(&cancels, view_of(id), &who, 3000), 0);
	}
	ck_assert_uint_eq(told(&cancels), CANCELS_MAX);
	dataplanes_fini(&all);
}
END_TEST

START_TEST(the_silent_are_forgotten_after_ten_seconds)
{
	note(0, 1, 1000);
	note(1, 1, 2000);
	ck_assert(!dataplanes_expire(&all, 10999));
	ck_assert(dataplanes_expire(&all, 11000));
	ck_assert_uint_eq(all.count, 1);
	ck_assert_str_eq(all.items[0].report.instance, "dataplane.1");
	ck_assert(dataplanes_expire(&all, 12000));
	ck_assert(!dataplanes_expire(&all, 99000));
	ck_assert_uint_eq(all.count, 0);
}
END_TEST

START_TEST(the_longest_silent_makes_room)
{
	for (unsigned i = 0; i < DATAPLANES_MAX; i++)
		note(i, 1, 1000 + i);
	note(0, 1, 5000);
	ck_assert(note(DATAPLANES_MAX, 1, 5001));
	ck_assert_uint_eq(all.count, DATAPLANES_MAX);
	ck_assert(!note(0, 1, 5002));
	ck_assert(note(1, 1, 5003)); /* it was the one */
}
END_TEST

START_TEST(one_that_lives_runs_the_probes)
{
	ck_assert(!dataplanes_choose_prober(&all, 1000));
	ck_assert_uint_eq(all.prober, 0);
	note(0, 7, 1000);
	note(1, 8, 1100);
	ck_assert(dataplanes_choose_prober(&all, 1100));
	ck_assert_uint_eq(all.prober, 8);
	note(0, 7, 2000);
	ck_assert(!dataplanes_choose_prober(&all, 3599)); /* it keeps the task while it lives */
	ck_assert(dataplanes_choose_prober(&all, 3600));
	ck_assert_uint_eq(all.prober, 7);
	note(1, 8, 3700);
	ck_assert(!dataplanes_choose_prober(&all, 3800));
	ck_assert(dataplanes_choose_prober(&all, 9000));
	ck_assert_uint_eq(all.prober, 0);
}
END_TEST

START_TEST(a_batch_is_taken_once)
{
	struct report report = {.instance = "dataplane.0", .boot_id = 1, .outcomes_seq = 3};
	ck_assert(!dataplanes_has_batch(&all, &report));
	dataplanes_note(&all, &report, 10);
	ck_assert(dataplanes_has_batch(&all, &report)); /* sent again */
	report.outcomes_seq = 2;
	ck_assert(dataplanes_has_batch(&all, &report));
	report.outcomes_seq = 4;
	ck_assert(!dataplanes_has_batch(&all, &report));
	report.boot_id = 2;
	report.outcomes_seq = 1;
	ck_assert(!dataplanes_has_batch(&all, &report));
	report.outcomes_seq = 0; /* not numbered */
	dataplanes_note(&all, &report, 11);
	ck_assert(!dataplanes_has_batch(&all, &report));
}
END_TEST

START_TEST(outcomes_are_not_kept)
{
	struct report_outcome outcome = {.count = 1};
	struct report report = {.boot_id = 1, .outcomes = &outcome, .outcome_count = 1};
	dataplanes_note(&all, &report, 10);
	ck_assert_ptr_null(all.items[0].report.outcomes);
	json_t *list = dataplanes_encode(&all, 10);
	ck_assert_ptr_null(json_object_get(json_array_get(list, 0), "outcomes"));
	json_decref(list);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dataplanes");
	TCase *tcase = tcase_create("dataplanes");
	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, one_place_for_each_instance_and_boot);
	tcase_add_test(tcase, the_silent_are_forgotten_after_ten_seconds);
	tcase_add_test(tcase, what_runs_is_known_and_summed);
	tcase_add_test(tcase, a_cancellation_is_told_until_it_has_ended);
	tcase_add_test(tcase, the_longest_silent_makes_room);
	tcase_add_test(tcase, one_that_lives_runs_the_probes);
	tcase_add_test(tcase, a_batch_is_taken_once);
	tcase_add_test(tcase, outcomes_are_not_kept);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
