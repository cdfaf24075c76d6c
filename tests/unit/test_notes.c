/* What waits to be reported of upstream calls. */
#include "blame.h"
#include "notes.h"
#include "table.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX REPORT_OUTCOMES_MAX

static struct notes *notes;
static struct report batch;

static void
setup(void)
{
	notes = notes_new();
	batch = (struct report){0};
}

static void
teardown(void)
{
	notes_free(notes);
}

/* A call for an answer; what it points to is the test's and gone after the call. */
static struct report_outcome
call(const char *upstream, enum blame blame, uint32_t status)
{
	static char id[512], model[] = "m";
	struct report_outcome outcome = {.upstream = id,
	    .model = model,
	    .blame = blame,
	    .status = status,
	    .success = status == 200,
	    .generate = true,
	    .count = 77,
	    .age_ms = 77};
	snprintf(id, sizeof(id), "%s", upstream);
	snprintf(
	    outcome.reason, sizeof(outcome.reason), status == 200 ? "ok" : "status_%u", status);
	return outcome;
}

static bool
add(const char *upstream, enum blame blame, uint32_t status, uint64_t began_ms)
{
	struct report_outcome outcome = call(upstream, blame, status);
	return notes_add(notes, &outcome, began_ms);
}

static bool
answer(const char *upstream, uint64_t began_ms)
{
	return add(upstream, BLAME_NOBODY, 200, began_ms);
}

static bool
failure(const char *upstream, uint64_t began_ms)
{
	return add(upstream, BLAME_UPSTREAM, 503, began_ms);
}

/* The whole batch in a line, each note as "<upstream>:<status>x<count>". */
static const char *
line(void)
{
	static char out[4096];
	size_t len = 0;
	out[0] = '\0';
	for (size_t i = 0; i < batch.outcome_count; i++) {
		const struct report_outcome *item = &batch.outcomes[i];
		len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%s:%ux%u",
		    i > 0 ? " " : "", item->upstream, item->status, item->count);
		ck_assert_uint_lt(len, sizeof(out));
	}
	return out;
}

START_TEST(nothing_is_no_batch)
{
	batch.outcomes_seq = 9;
	batch.outcome_count = 9;
	notes_batch(notes, &batch, 10);
	ck_assert_uint_eq(batch.outcomes_seq, 0);
	ck_assert_uint_eq(batch.outcome_count, 0);
	ck_assert_ptr_null(batch.outcomes);
	notes_taken(notes, 0);
	notes_taken(notes, 1);
	notes_free(NULL);
}
END_TEST

START_TEST(alike_calls_share_a_note)
{
	struct report_outcome outcome = call("a", BLAME_KEY, 429);
	outcome.ttfb_ms = 40;
	outcome.retry_after_ms = 3000;
	notes_add(notes, &outcome, 30);
	outcome.ttfb_ms = 50;
	outcome.retry_after_ms = 9000;
	notes_add(notes, &outcome, 50);
	outcome.ttfb_ms = 0; /* none came: the last one that came stays */
	outcome.retry_after_ms = 1000;
	notes_add(notes, &outcome, 20);
	notes_batch(notes, &batch, 60);
	ck_assert_uint_eq(batch.outcomes_seq, 1);
	ck_assert_str_eq(line(), "a:429x3");
	const struct report_outcome *item = &batch.outcomes[0];
	ck_assert_uint_eq(item->age_ms, 10); /* of the one that began last, not that ended last */
	ck_assert_uint_eq(item->ttfb_ms, 50);
	ck_assert_uint_eq(item->retry_after_ms, 9000);
	ck_assert_str_eq(item->model, "m");
	ck_assert_str_eq(item->reason, "status_429");
	ck_assert_uint_eq(item->blame, BLAME_KEY);
	ck_assert(item->generate && !item->success && !item->begun && !item->probe);
}
END_TEST

/* Each member but times and count keeps two calls apart. */
START_TEST(others_do_not)
{
	char other[] = "b";
	struct report_outcome same = call("a", BLAME_KEY, 429), outcomes[9];
	size_t count = sizeof(outcomes) / sizeof(outcomes[0]);
	for (size_t i = 0; i < count; i++)
		outcomes[i] = same;
	outcomes[1].upstream = other;
	outcomes[2].model = other;
	outcomes[3].blame = BLAME_MODEL;
	outcomes[4].reason[0] = 'x';
	outcomes[5].status = 529;
	outcomes[6].generate = false;
	outcomes[7].probe = true;
	outcomes[8].probe_seq = 4;
	for (size_t i = 0; i < 2 * count; i++)
		notes_add(notes, &outcomes[i % count], i);
	notes_batch(notes, &batch, 20);
	ck_assert_uint_eq(batch.outcome_count, count);
	for (size_t i = 0; i < count; i++)
		ck_assert_uint_eq(batch.outcomes[i].count, 2);
}
END_TEST

START_TEST(begun_and_ended_are_two)
{
	struct report_outcome begun = call("a", BLAME_NOBODY, 200);
	begun.begun = true;
	for (int i = 0; i < 3; i++) {
		notes_add(notes, &begun, 1);
		answer("a", 1);
	}
	notes_batch(notes, &batch, 2);
	ck_assert_str_eq(line(), "a:200x3 a:200x3");
	ck_assert(batch.outcomes[0].begun && !batch.outcomes[1].begun);
}
END_TEST

/* Or single failures among many answers would look like an outage. */
START_TEST(an_answer_parts_failures)
{
	failure("a", 1);
	failure("a", 2);
	answer("b", 3); /* somebody else's */
	failure("a", 4);
	answer("a", 5);
	failure("a", 6);
	failure("b", 7);
	add("a", BLAME_KEY, 429, 8);
	failure("a", 9);
	answer("a", 10);
	answer("b", 11);
	notes_batch(notes, &batch, 20);
	ck_assert_str_eq(line(), "a:503x3 b:200x1 a:200x1 a:503x2 b:503x1 a:429x1 a:200x1 b:200x1");
}
END_TEST

START_TEST(what_is_soon_to_be_told)
{
	static const struct {
		enum blame blame;
		bool soon;
	} rows[] = {
	    {BLAME_NOBODY, false},
	    {BLAME_REQUEST, false},
	    {BLAME_KEY, true},
	    {BLAME_MODEL, true},
	    {BLAME_UPSTREAM, true},
	    {BLAME_NETWORK, true},
	    {BLAME_US, false},
	    {BLAME_CLIENT, false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct report_outcome outcome = call("a", rows[i].blame, 400);
		ck_assert_int_eq(notes_add(notes, &outcome, 1), rows[i].soon);
		ck_assert_int_eq(notes_add(notes, &outcome, 1), rows[i].soon); /* merged too */
		outcome.generate = false;                                      /* judges nobody */
		ck_assert(!notes_add(notes, &outcome, 1));
		outcome.probe = true;
		ck_assert(notes_add(notes, &outcome, 1));
	}
	ck_assert(!answer("a", 1));
}
END_TEST

START_TEST(a_batch_is_sent_until_it_is_taken)
{
	answer("a", 100);
	notes_batch(notes, &batch, 150);
	ck_assert_uint_eq(batch.outcomes_seq, 1);
	ck_assert_uint_eq(batch.outcomes[0].age_ms, 50);
	notes_batch(notes, &batch, 1150);
	ck_assert_uint_eq(batch.outcomes_seq, 1);
	ck_assert_str_eq(line(), "a:200x1");
	ck_assert_uint_eq(batch.outcomes[0].age_ms, 1050);
	notes_taken(notes, 0);
	notes_taken(notes, 2);
	notes_batch(notes, &batch, 50); /* no clock goes back, but no age is less than 0 */
	ck_assert_uint_eq(batch.outcomes_seq, 1);
	ck_assert_uint_eq(batch.outcomes[0].age_ms, 0);
	notes_taken(notes, 1);
	notes_batch(notes, &batch, 1200);
	ck_assert_uint_eq(batch.outcomes_seq, 0);
	answer("a", 1300);
	notes_batch(notes, &batch, 1300);
	ck_assert_uint_eq(batch.outcomes_seq, 2);
}
END_TEST

START_TEST(what_comes_meanwhile_waits)
{
	answer("a", 1);
	notes_batch(notes, &batch, 2);
	answer("a", 3); /* not into what is under way: that may have been taken already */
	failure("b", 4);
	notes_batch(notes, &batch, 5);
	ck_assert_uint_eq(batch.outcomes_seq, 1);
	ck_assert_str_eq(line(), "a:200x1");
	answer("a", 6);
	notes_taken(notes, 1);
	notes_taken(notes, 1);
	answer("a", 7);
	notes_batch(notes, &batch, 8);
	ck_assert_uint_eq(batch.outcomes_seq, 2);
	ck_assert_str_eq(line(), "a:200x3 b:503x1");
	ck_assert_uint_eq(batch.outcomes[0].age_ms, 1);
	answer("c", 9);
	notes_taken(notes, 1); /* late, and not of this one */
	notes_batch(notes, &batch, 10);
	ck_assert_uint_eq(batch.outcomes_seq, 2);
	ck_assert_str_eq(line(), "a:200x3 b:503x1");
}
END_TEST

/* ---- full ---- */

static void
add_many(size_t count, const char *name, bool success)
{
	for (size_t i = 0; i < count; i++) {
		char id[32];
		snprintf(id, sizeof(id), "%s%zu", name, i);
		(void)(success ? answer(id, i) : failure(id, i));
	}
}

static size_t
count_failures(void)
{
	size_t failures = 0;
	for (size_t i = 0; i < batch.outcome_count; i++)
		failures += !batch.outcomes[i].success;
	return failures;
}

START_TEST(failures_survive_answers)
{
	add_many(MAX, "good", true);
	add_many(MAX - 1, "bad", false);
	add_many(MAX, "better", true);
	notes_batch(notes, &batch, 1000);
	ck_assert_uint_eq(batch.outcome_count, MAX);
	ck_assert_uint_eq(count_failures(), MAX - 1);
	ck_assert_str_eq(batch.outcomes[0].upstream, "bad0");
	ck_assert_str_eq(batch.outcomes[MAX - 1].upstream, "better255"); /* the newest */
}
END_TEST

START_TEST(no_answer_takes_a_failures_place)
{
	add_many(MAX, "bad", false);
	ck_assert(!answer("good", 1));
	struct report_outcome outcome = call("gone", BLAME_CLIENT, 0);
	ck_assert(!notes_add(notes, &outcome, 1)); /* judges nobody */
	notes_batch(notes, &batch, 1000);
	ck_assert_uint_eq(batch.outcome_count, MAX);
	ck_assert_str_eq(batch.outcomes[0].upstream, "bad0");
	ck_assert_str_eq(batch.outcomes[MAX - 1].upstream, "bad255");
	notes_taken(notes, 1);
	add_many(MAX, "bad", false);
	ck_assert(failure("worse", 1)); /* the oldest makes room */
	notes_batch(notes, &batch, 1000);
	ck_assert_uint_eq(batch.outcome_count, MAX);
	ck_assert_uint_eq(count_failures(), MAX);
	ck_assert_str_eq(batch.outcomes[0].upstream, "bad1");
	ck_assert_str_eq(batch.outcomes[MAX - 1].upstream, "worse");
}
END_TEST

/* begun, answer, failure that judges nobody; a probe stays with those that do. */
START_TEST(the_least_worth_goes_first)
{
	struct report_outcome probe = call("probe", BLAME_NOBODY, 200);
	probe.probe = true;
	notes_add(notes, &probe, 1);
	add("refused", BLAME_REQUEST, 400, 1);
	answer("good", 1);
	struct report_outcome begun = call("begun", BLAME_NOBODY, 200);
	begun.begun = true;
	notes_add(notes, &begun, 1);
	add_many(MAX - 4 + (size_t)_i, "bad", false);
	notes_batch(notes, &batch, 2);
	static const char *const firsts[] = {"probe", "refused", "good", "begun"};
	ck_assert_uint_eq(batch.outcome_count, MAX);
	for (int i = 0; i < 4 - _i; i++)
		ck_assert_str_eq(batch.outcomes[i].upstream, firsts[i]);
	ck_assert_str_eq(batch.outcomes[4 - _i].upstream, "bad0");
}
END_TEST

START_TEST(when_full_alike_calls_join_across_anything)
{
	for (uint64_t i = 0; i < MAX; i++)
		(void)(i % 2 == 0 ? answer("a", i) : failure("a", i));
	for (uint64_t i = 0; i < 1000; i++) {
		answer("a", MAX + i);
		ck_assert(failure("a", MAX + i));
	}
	notes_batch(notes, &batch, MAX + 1000);
	ck_assert_uint_eq(batch.outcome_count, MAX);
	ck_assert_uint_eq(batch.outcomes[MAX - 3].count, 1);
	ck_assert_uint_eq(batch.outcomes[MAX - 2].count, 1001);
	ck_assert_uint_eq(batch.outcomes[MAX - 1].count, 1001);
	ck_assert_uint_eq(batch.outcomes[MAX - 1].age_ms, 1);
}
END_TEST

/* Two full piles are the most there ever is, and the codec takes each. */
START_TEST(a_full_batch_can_be_sent)
{
	add_many(MAX + 5, "bad", false);
	notes_batch(notes, &batch, 1);
	add_many(MAX + 5, "worse", false);
	snprintf(batch.instance, sizeof(batch.instance), "dataplane.0");
	batch.pid = 1;
	json_t *json = report_encode(&batch);
	struct report back;
	struct err err;
	ck_assert_msg(report_decode(json, &back, &err), "%s: %s", err.at, err.msg);
	ck_assert_uint_eq(back.outcome_count, MAX);
	ck_assert_str_eq(back.outcomes[MAX - 1].upstream, "bad260");
	report_fini(&back);
	json_decref(json);
	notes_taken(notes, 1);
	notes_batch(notes, &batch, 2);
	ck_assert_uint_eq(batch.outcome_count, MAX);
	ck_assert_str_eq(batch.outcomes[0].upstream, "worse5");
}
END_TEST

START_TEST(a_model_too_long_is_none)
{
	char model[TABLE_NAME_BYTES_MAX + 2];
	memset(model, 'm', sizeof(model));
	struct report_outcome outcome = call("a", BLAME_MODEL, 404);
	outcome.model = model;
	model[sizeof(model) - 1] = '\0';
	notes_add(notes, &outcome, 1);
	notes_add(notes, &outcome, 1);
	model[sizeof(model) - 2] = '\0';
	notes_add(notes, &outcome, 1);
	notes_batch(notes, &batch, 1);
	ck_assert_str_eq(line(), "a:404x2 a:404x1");
	ck_assert_str_eq(batch.outcomes[0].model, "");
	ck_assert_str_eq(batch.outcomes[1].model, model);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("notes");
	TCase *tests = tcase_create("notes");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, nothing_is_no_batch);
	tcase_add_test(tests, alike_calls_share_a_note);
	tcase_add_test(tests, others_do_not);
	tcase_add_test(tests, begun_and_ended_are_two);
	tcase_add_test(tests, an_answer_parts_failures);
	tcase_add_test(tests, what_is_soon_to_be_told);
	tcase_add_test(tests, a_batch_is_sent_until_it_is_taken);
	tcase_add_test(tests, what_comes_meanwhile_waits);
	tcase_add_test(tests, failures_survive_answers);
	tcase_add_test(tests, no_answer_takes_a_failures_place);
	tcase_add_loop_test(tests, the_least_worth_goes_first, 0, 4);
	tcase_add_test(tests, when_full_alike_calls_join_across_anything);
	tcase_add_test(tests, a_full_batch_can_be_sent);
	tcase_add_test(tests, a_model_too_long_is_none);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
