/* Records over the wire; the statistics in their file: each record once, sums that add up, days,
 * epochs, retention. */
#include "stats_rig.h"
#include "zone.h"
#include <time.h>

START_TEST(a_record_comes_back_as_it_went)
{
	struct record record = make(7, "claude:a"), back;
	struct err err;
	struct bytes text;
	record.attempts[0].cache_saved_nano_usd = -5;
	json_t *json = record_encode(&record), *again, *parsed;
	ck_assert(record_decode(json, "r", &back, &err));
	again = record_encode(&back);
	ck_assert(json_equal(json, again));
	ck_assert_uint_eq(back.attempts[0].status, 200);
	ck_assert_int_eq(back.attempts[0].tokens.web_searches, -1);
	/* What is written by hand is the same. */
	bytes_init(&text, 65536);
	ck_assert(record_write(&back, &text));
	parsed = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_msg(json_equal(json, parsed), "%.*s", (int)text.len, text.data);
	json_decref(parsed);
	for (size_t max = 0; max < text.len; max++) {
		struct bytes little;
		bytes_init(&little, max);
		ck_assert(!record_write(&back, &little));
		bytes_fini(&little);
	}
	bytes_fini(&text);
	json_decref(again);
	record_fini(&back);
	/* An older data plane does not tell what was saved. */
	ck_assert(json_object_del(json_array_get(json_object_get(json, "attempts"), 0),
		      "cache_saved_nano_usd") == 0);
	ck_assert(record_decode(json, "r", &back, &err));
	ck_assert_int_eq(back.attempts[0].cache_saved_nano_usd, 0);
	record_fini(&back);
	ck_assert(
	    json_object_del(json_array_get(json_object_get(json, "attempts"), 0), "hedge") == 0);
	ck_assert(!record_decode(json, "r", &back, &err));
	ck_assert_str_eq(err.at, "r.attempts[0].hedge");
	ck_assert_ptr_null(back.attempts);
	json_decref(json);
	record_fini(&record);
}
END_TEST

/* ---- the file ---- */

static size_t
fresh(const struct stats_counted *counted)
{
	size_t count = 0;
	for (size_t i = 0; i < STATS_BATCH_MAX; i++)
		count += counted->fresh[i];
	return count;
}

START_TEST(each_record_counts_once)
{
	struct place place;
	struct record records[4];
	struct err err;
	uint64_t stored;
	setup(&place);
	for (unsigned i = 0; i < 4; i++)
		records[i] = make(i, "claude:a");
	struct stats_counted counted;
	struct stats_batch batch = {
	    .journal = 7, .first = 1, .records = records, .count = 3, .counted = &counted};
	ck_assert(stats_store_batch(place.store, place.settings, &batch, &stored, &err));
	ck_assert_uint_eq(stored, 3);
	ck_assert_uint_eq(fresh(&counted), 3);
	/* The same again, as after an answer that was lost. */
	ck_assert(stats_store_batch(place.store, place.settings, &batch, &stored, &err));
	ck_assert_uint_eq(stored, 3);
	ck_assert_uint_eq(fresh(&counted), 0);
	/* With one more behind them, and after a restart. */
	stats_store_close(place.store);
	open_place(&place);
	batch.count = 4;
	ck_assert(stats_store_batch(place.store, place.settings, &batch, &stored, &err));
	ck_assert_uint_eq(stored, 4);
	ck_assert_uint_eq(fresh(&counted), 1);
	ck_assert(counted.fresh[3]);
	/* One of them under another number: it was open when its data plane died. */
	batch = (struct stats_batch){.journal = 7, .first = 5, .records = records, .count = 1};
	ck_assert(stats_store_batch(place.store, place.settings, &batch, &stored, &err));
	ck_assert_uint_eq(stored, 5);
	/* An empty batch asks where we are; another journal has its own numbers. */
	batch.count = 0;
	ck_assert(stats_store_batch(place.store, place.settings, &batch, &stored, &err));
	ck_assert_uint_eq(stored, 5);
	batch.journal = 8;
	ck_assert(stats_store_batch(place.store, place.settings, &batch, &stored, &err));
	ck_assert_uint_eq(stored, 0);
	ck_assert_int_eq(total(&place, "{}", "requests"), 4);
	ck_assert_int_eq(total(&place, "{'by':'hour'}", "requests"), 4);
	ck_assert_int_eq(total(&place, "{}", "input"), 400);
	ck_assert_int_eq(total(&place, "{}", "cache_write_5m"), 40);
	ck_assert_int_eq(total(&place, "{}", "cache_write_1h"), 4);
	ck_assert_int_eq(total(&place, "{}", "cache_read"), 4000);
	ck_assert_int_eq(total(&place, "{}", "output"), 200);
	ck_assert_int_eq(total(&place, "{}", "reasoning"), 80);
	ck_assert_int_eq(total(&place, "{}", "web_searches"), 0);
	ck_assert_int_eq(total(&place, "{}", "bytes_out"), 80);
	for (unsigned i = 0; i < 4; i++)
		record_fini(&records[i]);
	teardown(&place);
}
END_TEST

START_TEST(sums_add_up_whatever_they_are_told_apart_by)
{
	static const char *const by[] = {"{'by':'model'}", "{'by':'day'}", "{'by':'upstream'}",
	    "{'by':'client_key'}", "{'by':'protocol'}", "{'by':'hour,model'}",
	    "{'by':'day,upstream'}"};
	struct place place;
	setup(&place);
	for (unsigned i = 0; i < 60; i++) {
		struct record record = make(i, i % 3 == 0 ? "claude:a" : "claude:b");
		/* A cache that is only written costs. */
		record.attempts[0].cache_saved_nano_usd = i % 2 == 0 ? 1000 : -300;
		if (i % 6 == 1)
			(void)snprintf(record.result, sizeof(record.result), "cancelled");
		record.at_ms += (int64_t)i * HOUR;
		set_str(&record.model, i % 2 == 0 ? "even" : "odd");
		set_str(&record.client_key, i % 5 == 0 ? "k5" : "k");
		/* A first try elsewhere: its tokens are the other upstream's. */
		if (i % 4 == 0) {
			record.attempts[1] = record.attempts[0];
			record.attempt_count = record.calls = 2;
			record.attempts[0] =
			    (struct record_attempt){.upstream = mem_dup_str("claude:first"),
				.model = mem_dup_str(""),
				.served = mem_dup_str(""),
				.blame = BLAME_KEY,
				.reason = "cut",
				.usage = RECORD_USAGE_PARTIAL,
				.tokens = {7, -1, -1, -1, -1, -1, -1}};
		}
		store(&place, &record);
	}
	for (size_t i = 0; i < sizeof(by) / sizeof(by[0]); i++) {
		ck_assert_int_eq(total(&place, by[i], "requests"), 60);
		ck_assert_int_eq(total(&place, by[i], "calls"), 75);
		ck_assert_int_eq(total(&place, by[i], "failed_calls"), 15);
		ck_assert_int_eq(total(&place, by[i], "unknown_calls"), 15);
		ck_assert_int_eq(total(&place, by[i], "input"), 60 * 100 + 15 * 7);
		ck_assert_int_eq(
		    total(&place, by[i], "cache_saved_nano_usd"), 30 * 1000 - 30 * 300);
		ck_assert_int_eq(total(&place, by[i], "cancelled"), 10);
		ck_assert_int_eq(total(&place, by[i], "gone"), 0);
	}
	ck_assert_int_eq(total(&place, "{'upstream':'claude:first'}", "input"), 15 * 7);
	ck_assert_int_eq(total(&place, "{'upstream':'claude:first'}", "requests"), 0);
	ck_assert_int_eq(total(&place, "{'model':'even'}", "requests"), 30);
	ck_assert_int_eq(total(&place, "{'client_key':'k5','model':'odd'}", "requests"), 6);
	/* From Thursday noon: 12 hours of it, the whole Friday, and on. */
	ck_assert_int_eq(total(&place, "{'from':'2026-11-26','to':'2026-11-26'}", "requests"), 12);
	ck_assert_int_eq(total(&place, "{'from':'2026-11-27','to':'2026-11-27'}", "requests"), 24);
	ck_assert_int_eq(
	    total(&place, "{'from_ms':1795694400000,'to_ms':1795701600000}", "requests"), 2);
	teardown(&place);
}
END_TEST

START_TEST(questions_that_make_no_sense_are_refused)
{
	static const char *const wrong[][2] = {{"{'by':'colour'}", "by"},
	    {"{'by':'day,model,upstream'}", "by"}, {"{'by':'day,hour'}", "by"},
	    {"{'from':'yesterday'}", "from"}, {"{'from':'2026-11-26','by':'hour'}", "from"},
	    {"{'epochs':'some'}", "epochs"}, {"{'model':7}", "model"},
	    {"{'from_ms':-1}", "from_ms"}};
	struct place place;
	setup(&place);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char text[128];
		struct err err = {0};
		(void)snprintf(text, sizeof(text), "%s", wrong[i][0]);
		for (char *at = text; *at != '\0'; at++)
			*at = *at == '\'' ? '"' : *at;
		json_t *body = json_loads(text, 0, NULL);
		ck_assert_ptr_null(stats_query_sums(place.store, body, &err));
		ck_assert_int_eq(err.kind, ERR_CONFIG);
		ck_assert_str_eq(err.at, wrong[i][1]);
		json_decref(body);
	}
	/* Nothing that is asked can become part of the statement. */
	ck_assert_int_eq(total(&place, "{'model':'%27 OR 1=1 --'}", "requests"), 0);
	teardown(&place);
}
END_TEST

START_TEST(single_requests_are_found)
{
	struct place place;
	json_t *answer;
	const json_t *list;
	setup(&place);
	for (unsigned i = 0; i < 40; i++) {
		struct record record = make(i, i % 10 == 0 ? "claude:rare" : "claude:a");
		(void)snprintf(record.session, sizeof(record.session), "%016x", i / 10);
		store(&place, &record);
	}
	answer = ask(&place, "{}", stats_query_requests);
	list = json_object_get(answer, "records");
	ck_assert_uint_eq(json_array_size(list), 40);
	const json_t *newest = json_array_get(list, 0);
	ck_assert_str_eq(
	    json_string_value(json_object_get(newest, "id")), "req_000000000000000000000027");
	const json_t *attempt = json_array_get(json_object_get(newest, "attempts"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(attempt, "served")), "m-2\"\\\n");
	ck_assert_int_eq(number(attempt, "output"), 50);
	json_decref(answer);
	static const struct {
		const char *question;
		size_t count;
	} rows[] = {
	    {"{'limit':3}", 3},
	    {"{'upstream':'claude:rare'}", 4},
	    {"{'upstream':'claude:rar'}", 0},
	    {"{'id':'req_00000000000000000000000'}", 16},
	    {"{'id':'00000000000000000000001'}", 16},
	    {"{'id':'req_000000000000000000000001'}", 1},
	    {"{'id':'req_0000000000000000000000ff'}", 0},
	    {"{'session':'0000000000000002','before':25}", 4},
	    {"{'result':'failed'}", 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		answer = ask(&place, rows[i].question, stats_query_requests);
		ck_assert_msg(json_array_size(json_object_get(answer, "records")) == rows[i].count,
		    "%s: %zu", rows[i].question,
		    json_array_size(json_object_get(answer, "records")));
		json_decref(answer);
	}
	teardown(&place);
}
END_TEST

START_TEST(the_old_shape_is_told_and_reset)
{
	struct place place;
	struct err err;
	setup(&place);
	for (unsigned i = 0; i < 6; i++) {
		struct record record = make(i, "claude:a");
		set_str(&record.model, i < 4 ? "gpt-4" : "claude-x");
		if (i == 5)
			(void)snprintf(record.result, sizeof(record.result), "failed");
		store(&place, &record);
	}
	json_t *answer = ask(&place, "{}", stats_query_token_stats);
	const json_t *summary = json_object_get(answer, "summary");
	ck_assert_int_eq(number(summary, "total_requests"), 5);
	ck_assert_int_eq(number(summary, "total_tokens"), 6 * 1161);
	ck_assert_int_eq(number(summary, "total_input_tokens"), 600);
	ck_assert_int_eq(number(summary, "total_output_tokens"), 300);
	ck_assert_int_eq(number(summary, "total_cache_creation_tokens"), 66);
	ck_assert_int_eq(number(summary, "total_cache_read_tokens"), 6000);
	ck_assert_uint_eq(json_array_size(json_object_get(summary, "unique_models")), 2);
	const json_t *model = json_object_get(json_object_get(answer, "by_model"), "gpt-4");
	ck_assert_int_eq(number(model, "total_requests"), 4);
	const json_t *day = json_object_get(json_object_get(answer, "daily"), "2026-11-26");
	ck_assert_int_eq(number(day, "total_input_tokens"), 600);
	ck_assert_int_eq(number(json_object_get(day, "models"), "gpt-4"), 4);
	ck_assert_int_gt(number(answer, "generated_ms"), NOON / 2);
	json_decref(answer);
	ck_assert(stats_store_reset(place.store, NOON, &err));
	answer = ask(&place, "{}", stats_query_token_stats);
	ck_assert_int_eq(number(json_object_get(answer, "summary"), "total_requests"), 0);
	json_decref(answer);
	ck_assert_int_eq(total(&place, "{'by':'model'}", "requests"), 0);
	/* Nothing is gone. */
	ck_assert_int_eq(total(&place, "{'epochs':'all'}", "requests"), 6);
	struct record record = make(9, "claude:a");
	store(&place, &record);
	stats_store_close(place.store);
	open_place(&place);
	ck_assert_int_eq(stats_store_epoch(place.store), 2);
	ck_assert_int_eq(total(&place, "{}", "requests"), 1);
	teardown(&place);
}
END_TEST

/* Sums by one thing are made of the others. */
START_TEST(an_older_file_is_brought_up_to_date)
{
	static const char *const questions[] = {"{'by':'model'}", "{'by':'day,upstream'}",
	    "{'by':'hour,client_key'}", "{'by':'protocol'}", "{'by':'day','upstream':'claude:b'}",
	    "{'epochs':'all'}"};
	struct place place;
	struct err err;
	json_t *before[6];
	setup(&place);
	for (unsigned i = 0; i < 40; i++) {
		struct record record = make(i, i % 3 ? "claude:a" : "claude:b");
		record.at_ms += i * HOUR;
		if (i == 20)
			ck_assert(stats_store_reset(place.store, NOON, &err));
		store(&place, &record);
	}
	for (size_t i = 0; i < 6; i++)
		before[i] = ask(&place, questions[i], stats_query_sums);
	ck_assert_msg(sql_exec(stats_store_sql(place.store), make_older(_i), &err), "%s", err.msg);
	stats_store_close(place.store);
	open_place(&place);
	for (size_t i = 0; i < 6; i++) {
		json_t *after = ask(&place, questions[i], stats_query_sums);
		ck_assert_msg(json_equal(before[i], after), "%s", questions[i]);
		ck_assert_int_gt(number(json_object_get(after, "totals"), "requests"), 5);
		json_decref(after);
		json_decref(before[i]);
	}
	teardown(&place);
}
END_TEST

START_TEST(old_requests_go_and_their_sums_stay)
{
	struct place place;
	struct err err;
	bool more = true;
	setup(&place);
	place.settings->keep_days = 2;
	for (unsigned i = 0; i < 10; i++) {
		struct record record = make(i, "claude:a");
		record.at_ms += (int64_t)i * 24 * HOUR;
		store(&place, &record);
	}
	ck_assert(stats_store_trim(place.store, place.settings, NOON + 216 * HOUR, &more, &err));
	ck_assert(!more);
	json_t *answer = ask(&place, "{}", stats_query_requests);
	ck_assert_uint_eq(json_array_size(json_object_get(answer, "records")), 3);
	json_decref(answer);
	ck_assert_int_eq(total(&place, "{'by':'day'}", "requests"), 10);
	/* And by size: all that can go. */
	place.settings->keep_bytes = 1;
	ck_assert(stats_store_trim(place.store, place.settings, NOON, &more, &err));
	answer = ask(&place, "{}", stats_query_requests);
	ck_assert_uint_eq(json_array_size(json_object_get(answer, "records")), 0);
	json_decref(answer);
	ck_assert_int_eq(total(&place, "{}", "requests"), 10);
	teardown(&place);
}
END_TEST

START_TEST(a_flood_of_models_is_bounded)
{
	struct place place;
	setup(&place);
	for (unsigned i = 0; i < STATS_NAMES_MAX + 20; i++) {
		struct record record = make(i, "claude:a");
		char name[32];
		(void)snprintf(name, sizeof(name), "made-up-%u", i);
		set_str(&record.model, name);
		store(&place, &record);
	}
	json_t *answer = ask(&place, "{'by':'model'}", stats_query_sums);
	ck_assert_uint_eq(json_array_size(json_object_get(answer, "rows")), STATS_NAMES_MAX + 1);
	json_decref(answer);
	ck_assert_int_eq(total(&place, "{'model':'(other)'}", "requests"), 20);
	ck_assert_int_eq(total(&place, "{}", "requests"), STATS_NAMES_MAX + 20);
	teardown(&place);
}
END_TEST

START_TEST(days_begin_where_they_are_told_to)
{
	/* Berlin: the night of the clocks, and both ends of what is known beforehand. */
	static const struct {
		int64_t at_ms;
		const char *day;
	} rows[] = {
	    {INT64_C(1792879199999), "2026-10-24"},
	    {INT64_C(1792879200000), "2026-10-25"}, /* 00:00 CEST */
	    {INT64_C(1792969199999), "2026-10-25"}, /* 25 hours later */
	    {INT64_C(1792969200000), "2026-10-26"},
	    {INT64_C(1806188400000), "2027-03-28"}, /* 23 hours */
	    {INT64_C(1806271199999), "2027-03-28"},
	    {INT64_C(1806271200000), "2027-03-29"},
	    {INT64_C(0), "1970-01-01"},
	    {INT64_C(4102444800000), "2100-01-01"},
	};
	json_t *root = json_pack("{s:{s:s}}", "statistics", "time_zone", "Europe/Berlin");
	struct config config = {.root = root};
	struct stats_settings *settings = stats_settings_new(&config, NOON);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char day[11];
		stats_settings_day(settings, rows[i].at_ms, day);
		ck_assert_str_eq(day, rows[i].day);
	}
	for (size_t i = 1; i < STATS_DAYS; i++) {
		int64_t hours =
		    (settings->days[i].start_ms - settings->days[i - 1].start_ms) / HOUR;
		ck_assert(hours >= 23 && hours <= 25);
		ck_assert_int_lt(strcmp(settings->days[i - 1].name, settings->days[i].name), 0);
	}
	stats_settings_unref(settings);
	json_decref(root);
}
END_TEST

static int64_t
random_moment(unsigned *seed)
{
	/* Near a midnight of half the zones more often than not: the clock jumps to and fro. */
	*seed = *seed * 1103515245 + 12345;
	int64_t day = (*seed >> 8) % (STATS_DAYS - 10); /* those beyond count by UTC */
	*seed = *seed * 1103515245 + 12345;
	int64_t minute = (*seed >> 8) % 1440;
	return NOON - 38 * 24 * HOUR + day * 24 * HOUR + minute / 2 * 2 * 60000 - 1;
}

/* Moments in any order, over both changes of the clocks, against the system's own calendar. */
START_TEST(each_call_is_in_one_day)
{
	static const char *const zones[] = {"Europe/Berlin", "America/New_York", "Asia/Kolkata",
	    "Pacific/Auckland", "America/Santiago"};
	struct place place;
	unsigned seed = 4711;
	setup(&place);
	stats_settings_unref(place.settings);
	json_t *root = json_pack("{s:{s:s}}", "statistics", "time_zone", zones[_i]);
	struct config config = {.root = root};
	place.settings = stats_settings_new(&config, NOON);
	json_t *expected = json_object();
	for (unsigned i = 0; i < 200; i++) {
		struct record record = make(i, "claude:a");
		char day[16];
		struct tm local;
		record.at_ms = random_moment(&seed);
		time_t seconds = (time_t)(record.at_ms / 1000);
		ck_assert_int_eq(setenv("TZ", zones[_i], 1), 0);
		tzset();
		ck_assert_ptr_nonnull(localtime_r(&seconds, &local));
		ck_assert_uint_eq(strftime(day, sizeof(day), "%Y-%m-%d", &local), 10);
		int64_t count = json_integer_value(json_object_get(expected, day));
		ck_assert_int_eq(json_object_set_new(expected, day, json_integer(count + 1)), 0);
		store(&place, &record);
	}
	json_t *answer = ask(&place, "{'by':'day'}", stats_query_sums);
	const json_t *rows = json_object_get(answer, "rows");
	ck_assert_uint_eq(json_array_size(rows), json_object_size(expected));
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		const char *day = json_string_value(json_object_get(row, "day"));
		ck_assert_int_eq(
		    number(row, "requests"), json_integer_value(json_object_get(expected, day)));
	}
	ck_assert_int_eq(number(json_object_get(answer, "totals"), "requests"), 200);
	json_decref(answer);
	json_decref(expected);
	json_decref(root);
	teardown(&place);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("stats");
	TCase *tests = tcase_create("stats");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, a_record_comes_back_as_it_went);
	tcase_add_test(tests, each_record_counts_once);
	tcase_add_test(tests, sums_add_up_whatever_they_are_told_apart_by);
	tcase_add_test(tests, questions_that_make_no_sense_are_refused);
	tcase_add_test(tests, single_requests_are_found);
	tcase_add_test(tests, the_old_shape_is_told_and_reset);
	tcase_add_loop_test(tests, an_older_file_is_brought_up_to_date, 0, 2);
	tcase_add_test(tests, old_requests_go_and_their_sums_stay);
	tcase_add_test(tests, a_flood_of_models_is_bounded);
	tcase_add_test(tests, days_begin_where_they_are_told_to);
	tcase_add_loop_test(tests, each_call_is_in_one_day, 0, 5);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
