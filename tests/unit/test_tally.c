/* What is counted of records: sums, hedges and retries, and how many series there may be. */
#include "blame.h"
#include "mem.h"
#include "suite.h"
#include "tally.h"
#include <stdio.h>
#include <string.h>

static struct tally tally;

static void
setup(void)
{
	tally = (struct tally){0};
}

static struct record
make(const char *model, const char *result, size_t attempts)
{
	struct record record = {.client_key = mem_dup_str("k"),
	    .path = mem_dup_str("/v1/messages"),
	    .model = mem_dup_str(model),
	    .generate = true,
	    .protocol = PROTOCOL_CHAT,
	    .calls = (uint32_t)attempts,
	    .attempt_count = attempts,
	    .ttfb_ms = 70,
	    .ms = 3000,
	    .bytes_in = 10,
	    .bytes_out = 20,
	    .loss = mem_dup_str("")};
	(void)snprintf(record.result, sizeof(record.result), "%s", result);
	record.attempts = mem_calloc(attempts + 1, sizeof(*record.attempts));
	for (size_t i = 0; i < attempts; i++) {
		record.attempts[i] = (struct record_attempt){.upstream = mem_dup_str("chat:a"),
		    .model = mem_dup_str("m"),
		    .served = mem_dup_str(""),
		    .reason = "ok",
		    .ttfb_ms = 60,
		    .usage = RECORD_USAGE_REPORTED,
		    .tokens = {100, 10, 1, 1000, 50, 20, -1},
		    .cost_nano_usd = 5};
	}
	return record;
}

static void
add(struct record record)
{
	tally_add(&tally, &record);
	record_fini(&record);
}

/* The number of the sample with these labels; -1 when there is none. */
static int64_t
told(enum metric metric, const char *first, const char *second)
{
	json_t *samples = json_object();
	const char *const labels[] = {first, second};
	int64_t found = -1;
	tally_encode(&tally, samples);
	const json_t *list = json_object_get(samples, metrics_rows[metric].name);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		bool same = true;
		for (size_t k = 0; k < metrics_label_count(metric); k++)
			same = same && strcmp(json_string_value(json_array_get(row, 1 + k)),
					   labels[k]) == 0;
		if (!same)
			continue;
		ck_assert_msg(found == -1, "%s twice", metrics_rows[metric].name);
		found = json_integer_value(json_array_get(row, 0));
	}
	json_decref(samples);
	return found;
}

START_TEST(all_of_a_record_is_counted)
{
	struct record record = make("m", "completed", 3);
	struct record_attempt *attempts = record.attempts;
	attempts[0].blame = BLAME_KEY;
	attempts[0].usage = RECORD_USAGE_MISSING;
	attempts[0].tokens = (struct record_tokens){-1, -1, -1, -1, -1, -1, -1};
	attempts[0].cost_nano_usd = -1;
	(void)snprintf(attempts[0].reason, sizeof(attempts[0].reason), "status_429");
	attempts[1].hedge = true;
	(void)snprintf(attempts[1].reason, sizeof(attempts[1].reason), "cancelled");
	attempts[2].cost_nano_usd = -1;
	attempts[2].protocol = PROTOCOL_RESPONSES;
	attempts[2].odd = true;
	record.calls = 20;
	mem_free(record.loss);
	record.loss = mem_dup_str("metadata");
	add(record);
	ck_assert_int_eq(told(METRIC_REQUESTS, "chat", "completed"), 1);
	ck_assert_int_eq(told(METRIC_REQUESTS, "chat", "failed"), 0);
	ck_assert_int_eq(told(METRIC_FAULTS, "chat", "key"), 0);
	ck_assert_int_eq(told(METRIC_TOKENS, "chat", "input"), 200);
	ck_assert_int_eq(told(METRIC_TOKENS, "chat", "cache_write_5m"), 20);
	ck_assert_int_eq(told(METRIC_TOKENS, "chat", "cache_write_1h"), 2);
	ck_assert_int_eq(told(METRIC_TOKENS, "chat", "cache_read"), 2000);
	ck_assert_int_eq(told(METRIC_TOKENS, "chat", "output"), 100);
	ck_assert_int_eq(told(METRIC_MODEL_TOKENS, "m", "output"), 100);
	ck_assert_int_eq(told(METRIC_KEY_TOKENS, "k", "output"), 100);
	ck_assert_int_eq(told(METRIC_UPSTREAM_TOKENS, "chat:a", "output"), 100);
	ck_assert_int_eq(told(METRIC_REASONING, "chat", NULL), 40);
	ck_assert_int_eq(told(METRIC_WEB_SEARCHES, "chat", NULL), 0);
	ck_assert_int_eq(told(METRIC_COST, "chat", NULL), 5);
	ck_assert_int_eq(told(METRIC_UNPRICED, "chat", NULL), 1);
	ck_assert_int_eq(told(METRIC_USAGE, "missing", NULL), 1);
	ck_assert_int_eq(told(METRIC_USAGE, "reported", NULL), 2);
	ck_assert_int_eq(told(METRIC_ODD_USAGE, NULL, NULL), 1);
	ck_assert_int_eq(told(METRIC_UPSTREAM_CALLS, "chat:a", "key"), 1);
	ck_assert_int_eq(told(METRIC_UPSTREAM_CALLS, "chat:a", "nobody"), 2);
	ck_assert_int_eq(told(METRIC_CALLS_BY_REASON, "status_429", NULL), 1);
	ck_assert_int_eq(told(METRIC_CALLS_UNLISTED, NULL, NULL), 17);
	ck_assert_int_eq(told(METRIC_HEDGES, "chat", NULL), 1);
	ck_assert_int_eq(told(METRIC_HEDGES_WON, "chat", NULL), 0);
	ck_assert_int_eq(told(METRIC_RETRIES, "chat", NULL), 18);
	ck_assert_int_eq(told(METRIC_RESCUED, "chat", NULL), 1);
	ck_assert_int_eq(told(METRIC_COMPLETED_BY, "chat", "responses"), 1);
	ck_assert_int_eq(told(METRIC_LOSSY_BY, "chat", "responses"), 1);
	ck_assert_int_eq(told(METRIC_BODY_BYTES, "chat", "out"), 20);
	ck_assert_int_eq(told(METRIC_RECORDS_STORED, NULL, NULL), 1);
}
END_TEST

START_TEST(each_end_counts_as_itself)
{
	static const char *const results[] = {
	    "completed", "failed", "passed", "refused", "client_gone", "cancelled", "interrupted"};
	for (size_t i = 0; i < 7; i++) {
		struct record record = make("m", results[i], i % 2);
		record.blame = i == 0 ? BLAME_NOBODY : BLAME_UPSTREAM;
		add(record);
	}
	for (size_t i = 0; i < 7; i++)
		ck_assert_int_eq(told(METRIC_REQUESTS, "chat", results[i]), 1);
	ck_assert_int_eq(told(METRIC_FAULTS, "chat", "upstream"), 6);
	ck_assert_int_eq(told(METRIC_RETRIES, "chat", NULL), 0);
	struct record record = make("m", "completed", 1);
	record.generate = false;
	add(record);
	ck_assert_int_eq(told(METRIC_OTHER_REQUESTS, "chat", NULL), 1);
	ck_assert_int_eq(told(METRIC_REQUESTS, "chat", "completed"), 1);
	ck_assert_int_eq(told(METRIC_RECORDS_STORED, NULL, NULL), 8);
}
END_TEST

/* ---- bounds ---- */

static size_t
series(enum metric metric)
{
	json_t *samples = json_object();
	tally_encode(&tally, samples);
	size_t count = json_array_size(json_object_get(samples, metrics_rows[metric].name));
	json_decref(samples);
	return count;
}

START_TEST(a_name_that_nobody_serves_takes_no_place)
{
	for (unsigned i = 0; i < 1000; i++) {
		char model[32];
		(void)snprintf(model, sizeof(model), "nonsense-%u", i);
		add(make(model, "failed", 1));
	}
	ck_assert_uint_eq(series(METRIC_MODEL_COST), 1);
	ck_assert_int_eq(told(METRIC_MODEL_REQUESTS, "(other)", "failed"), 1000);
	add(make("good", "completed", 1));
	add(make("good", "failed", 1));
	ck_assert_uint_eq(series(METRIC_MODEL_COST), 2);
	ck_assert_int_eq(told(METRIC_MODEL_REQUESTS, "good", "failed"), 1);
	/* What was counted elsewhere stays there: no series goes down. */
	ck_assert_int_eq(told(METRIC_MODEL_REQUESTS, "(other)", "failed"), 1000);
}
END_TEST

START_TEST(a_thousand_names_are_no_more_than_the_stated_series)
{
	int64_t requests = 0;
	for (unsigned i = 0; i < 1000; i++) {
		char name[32];
		(void)snprintf(name, sizeof(name), "n%u", i);
		struct record record = make(name, "completed", 1);
		mem_free(record.client_key);
		mem_free(record.attempts[0].upstream);
		record.client_key = mem_dup_str(name);
		record.attempts[0].upstream = mem_dup_str(name);
		(void)snprintf(
		    record.attempts[0].reason, sizeof(record.attempts[0].reason), "r%u", i);
		add(record);
	}
	json_t *samples = json_object();
	tally_encode(&tally, samples);
	for (unsigned i = 0; i < METRIC_COUNT; i++) {
		const json_t *list = json_object_get(samples, metrics_rows[i].name);
		bool histogram = metrics_rows[i].kind == METRIC_HISTOGRAM;
		size_t lines = json_array_size(list) * (histogram ? METRICS_BOUNDS + 3 : 1);
		ck_assert_msg(lines <= metrics_series_max((enum metric)i), "%s: %zu",
		    metrics_rows[i].name, lines);
	}
	const json_t *list = json_object_get(samples, metrics_rows[METRIC_MODEL_REQUESTS].name);
	for (size_t i = 0; i < json_array_size(list); i++)
		requests += json_integer_value(json_array_get(json_array_get(list, i), 0));
	json_decref(samples);
	ck_assert_int_eq(requests, 1000);
	ck_assert_uint_eq(series(METRIC_MODEL_COST), METRICS_MODELS_MAX + 1);
	ck_assert_uint_eq(series(METRIC_KEY_COST), METRICS_CLIENT_KEYS_MAX + 1);
	ck_assert_uint_eq(series(METRIC_UPSTREAM_COST), METRICS_UPSTREAMS_MAX + 1);
	ck_assert_uint_eq(series(METRIC_CALLS_BY_REASON), METRICS_REASONS_MAX + 1);
	ck_assert_int_eq(
	    told(METRIC_MODEL_REQUESTS, "(other)", "completed"), 1000 - METRICS_MODELS_MAX);
}
END_TEST

START_TEST(the_word_for_others_is_no_name)
{
	add(make("(other)", "completed", 1));
	add(make("nonsense", "failed", 1));
	add(make("", "completed", 1));
	ck_assert_int_eq(told(METRIC_MODEL_REQUESTS, "(other)", "completed"), 1);
	ck_assert_int_eq(told(METRIC_MODEL_REQUESTS, "(other)", "failed"), 1);
	ck_assert_int_eq(told(METRIC_MODEL_REQUESTS, "", "completed"), 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("tally");
	TCase *tcase = tcase_create("tally");
	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, all_of_a_record_is_counted);
	tcase_add_test(tcase, each_end_counts_as_itself);
	tcase_add_test(tcase, a_name_that_nobody_serves_takes_no_place);
	tcase_add_test(tcase, a_thousand_names_are_no_more_than_the_stated_series);
	tcase_add_test(tcase, the_word_for_others_is_no_name);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
