/* What waits to be reported of upstream calls. */
#include "notes.h"
#include "suite.h"
#include <stdio.h>
#include <string.h>

static struct notes *notes;
static struct report report;

static void
setup(void)
{
	notes = notes_new();
	report = (struct report){0};
}

static void
teardown(void)
{
	notes_free(notes);
}

static bool
add(const char *upstream, bool success, enum blame blame, uint64_t began_ms)
{
	char id[64], model[] = "m";
	struct report_outcome outcome = {.upstream = id,
	    .model = model,
	    .blame = blame,
	    .success = success,
	    .generate = true,
	    .ttfb_ms = (uint32_t)began_ms};
	snprintf(id, sizeof(id), "%s", upstream);
	return notes_add(notes, &outcome, began_ms);
}

START_TEST(alike_calls_share_a_note)
{
	ck_assert(!add("a", true, BLAME_NOBODY, 10));
	ck_assert(!add("a", true, BLAME_NOBODY, 30));
	ck_assert(!add("a", true, BLAME_NOBODY, 20));
	ck_assert(add("a", false, BLAME_KEY, 25));
	ck_assert(!add("a", false, BLAME_REQUEST, 26));
	ck_assert(!add("a", false, BLAME_CLIENT, 27));
	notes_batch(notes, &report, 50);
	ck_assert_uint_eq(report.outcomes_seq, 1);
	ck_assert_uint_eq(report.outcome_count, 4);
	ck_assert_uint_eq(report.outcomes[0].count, 3);
	ck_assert_uint_eq(report.outcomes[0].age_ms, 20);  /* of the last that began */
	ck_assert_uint_eq(report.outcomes[0].ttfb_ms, 20); /* of the last that was told */
	ck_assert_uint_eq(report.outcomes[1].age_ms, 25);
}
END_TEST

START_TEST(a_batch_is_sent_until_it_is_taken)
{
	notes_batch(notes, &report, 1);
	ck_assert_uint_eq(report.outcomes_seq, 0);
	add("a", true, BLAME_NOBODY, 10);
	notes_batch(notes, &report, 20);
	add("b", true, BLAME_NOBODY, 15);
	notes_batch(notes, &report, 40);
	ck_assert_uint_eq(report.outcomes_seq, 1);
	ck_assert_uint_eq(report.outcome_count, 1);
	ck_assert_str_eq(report.outcomes[0].upstream, "a");
	ck_assert_uint_eq(report.outcomes[0].age_ms, 30);
	notes_taken(notes, 2);
	notes_batch(notes, &report, 40);
	ck_assert_uint_eq(report.outcomes_seq, 1);
	notes_taken(notes, 1);
	notes_batch(notes, &report, 50);
	ck_assert_uint_eq(report.outcomes_seq, 2);
	ck_assert_str_eq(report.outcomes[0].upstream, "b");
	notes_taken(notes, 2);
	notes_batch(notes, &report, 60);
	ck_assert_uint_eq(report.outcomes_seq, 0);
	ck_assert_uint_eq(report.outcome_count, 0);
}
END_TEST

START_TEST(failures_stay_when_it_is_full)
{
	for (unsigned i = 0; i < 3 * REPORT_OUTCOMES_MAX; i++) {
		char id[32];
		snprintf(id, sizeof(id), "%s%u", i % 3 == 0 ? "bad" : "good", i);
		add(id, i % 3 != 0, i % 3 == 0 ? BLAME_KEY : BLAME_NOBODY, i);
	}
	notes_batch(notes, &report, 5000);
	ck_assert_uint_eq(report.outcome_count, REPORT_OUTCOMES_MAX);
	size_t failures = 0;
	for (size_t i = 0; i < report.outcome_count; i++)
		failures += !report.outcomes[i].success;
	ck_assert_uint_ge(failures, REPORT_OUTCOMES_MAX - 2);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("notes");
	TCase *tests = tcase_create("notes");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, alike_calls_share_a_note);
	tcase_add_test(tests, a_batch_is_sent_until_it_is_taken);
	tcase_add_test(tests, failures_stay_when_it_is_full);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
