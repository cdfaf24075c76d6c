/* Schedules, health and what the admin side may order, over the sockets. */
#include "blame.h"
#include "serve_clock.h"
#include "serve_rig.h"
#include "state.h"
#include "table.h"

static bool
is_available(const json_t *table)
{
	const json_t *groups = json_object_get(table, "groups");
	const json_t *one = json_array_get(json_object_get(groups, "claude"), 0);
	return json_is_true(json_object_get(one, "available"));
}

START_TEST(midnight_flips_the_schedule)
{
	setenv("TZ", "Asia/Shanghai", 1);
	set_wall(1774800000000 - 1500); /* Sunday 2026-03-29 23:59:58.5 there */
	put("{\"api_configs\": [{" UP ", \"time_enabled\": [0,1,1,1,1,1,1]}]}");
	start(NULL);
	await(MSG_HEARTBEAT);
	const json_t *state = ask(admin, MSG_GET_STATE, NULL, MSG_STATE);
	const json_t *one = json_array_get(group_of(state, GROUP_CLAUDE), 0);
	ck_assert(json_is_true(json_object_get(one, "available")));
	ck_assert_int_eq(number_of(one, "schedule_changes_ms"), 1774800000000);
	const json_t *body = await(MSG_TABLE);
	ck_assert_int_eq(number_of(body, "version"), 2);
	ck_assert(!is_available(body));
	ck_assert_int_ge(wall(NULL), 1774800000000); /* not before, and not much later */
	ck_assert_int_lt(wall(NULL), 1774800000000 + 500);
}
END_TEST

START_TEST(a_wall_clock_that_is_set_is_noticed)
{
	set_wall(1774828800000); /* 2026-03-30 00:00 UTC */
	put("{\"api_configs\": [{" UP ", \"hours\": [\"08:00-09:00\"], \"time_zone\": \"UTC\"}]}");
	start(NULL);
	await(MSG_HEARTBEAT);
	set_wall(1774828800000 + 8 * 3600000);
	ck_assert(is_available(await(MSG_TABLE)));
	set_wall(1774828800000 - 3600000);
	ck_assert(!is_available(await(MSG_TABLE)));
}
END_TEST

/* ---- health ---- */

/* `count` calls of the first Claude upstream have ended so, as told in a report that was under way
 * for `late_ms`. */
static void
report_late(enum blame blame, uint32_t status, uint32_t count, int64_t late_ms)
{
	struct report_outcome outcome = {.upstream = (char[]){"claude:x"},
	    .model = (char[]){"m"},
	    .blame = blame,
	    .reason = "status_503",
	    .status = status,
	    .success = blame == BLAME_NOBODY,
	    .generate = true,
	    .count = count};
	struct report report = {.instance = "dataplane.0",
	    .boot_id = 7,
	    .pid = 1,
	    .sent_ms = clock_wall_ms() - late_ms,
	    .outcomes = &outcome,
	    .outcome_count = 1};
	ask(data, MSG_REPORT, report_encode(&report), MSG_OK);
}

static void
report_calls(enum blame blame, uint32_t status, uint32_t count)
{
	report_late(blame, status, count, 0);
}

static const json_t *
health_of(size_t index)
{
	const json_t *state = ask(admin, MSG_GET_STATE, NULL, MSG_STATE);
	const json_t *one = json_array_get(group_of(state, GROUP_CLAUDE), index);
	return json_object_get(one, "health");
}

static const char two[] =
    "{\"api_configs\": [{" UP ", \"id\": \"x\"}, {" UP ", \"id\": \"y\", \"type\": \"backup\"}]}";

/* The library sends a question again when its peer has died: what it tells is older by then, and a
 * rest that was read from disk must not be doubled by it. */
START_TEST(a_report_that_comes_late_tells_of_the_past)
{
	put(two);
	start(NULL);
	await(MSG_HEARTBEAT);
	report_calls(BLAME_UPSTREAM, 503, 3);
	ck_assert_str_eq(word_of(health_of(0), "state"), "cooling");
	ask(admin, MSG_CLEAR_COOLDOWN, NULL, MSG_OK);
	report_late(BLAME_UPSTREAM, 503, 3, 2000);
	ck_assert_str_eq(word_of(health_of(0), "state"), "up");
}
END_TEST

START_TEST(failures_make_an_upstream_rest)
{
	put(two);
	start(NULL);
	await(MSG_HEARTBEAT);
	report_calls(BLAME_UPSTREAM, 503, 2);
	ck_assert_str_eq(word_of(health_of(0), "state"), "suspect");
	report_calls(BLAME_REQUEST, 400, 50);
	report_calls(BLAME_UPSTREAM, 503, 1);
	const json_t *health = health_of(0);
	ck_assert_str_eq(word_of(health, "state"), "cooling");
	ck_assert_str_eq(word_of(health, "reason"), "status_503");
	ck_assert_str_eq(word_of(health, "blame"), "upstream");
	ck_assert_int_eq(number_of(health, "errors"), 3);
	ck_assert_int_eq(number_of(health, "until_ms") - number_of(health, "since_ms"), 600000);
	ck_assert_str_eq(word_of(health_of(1), "state"), "up");
	const json_t *body =
	    ask(data, MSG_GET_TABLE, json_pack("{s:i, s:i}", "epoch", 0, "version", 0), MSG_TABLE);
	struct table *table;
	struct err err;
	ck_assert(table_decode(body, &table, &err));
	const struct upstream_entry *entry = &table->groups[GROUP_CLAUDE].entries[0];
	ck_assert(!entry->available);
	ck_assert_int_eq(entry->off, OFF_COOLING);
	ck_assert_int_gt(entry->resume_at_ms, clock_wall_ms());
	ck_assert_uint_eq(entry->probe_every_ms, 1000);
	ck_assert_uint_eq(table->prober, 7);
	table_unref(table);
}
END_TEST

START_TEST(a_report_that_comes_twice_counts_once)
{
	put(two);
	start(NULL);
	struct report_outcome outcome = {.upstream = (char[]){"claude:x"},
	    .model = (char[]){""},
	    .blame = BLAME_UPSTREAM,
	    .generate = true,
	    .count = 2};
	struct report report = {.instance = "dataplane.0", .boot_id = 7, .pid = 1};
	report.outcomes = &outcome;
	report.outcome_count = 1;
	report.outcomes_seq = 5;
	ask(data, MSG_REPORT, report_encode(&report), MSG_OK);
	ask(data, MSG_REPORT, report_encode(&report), MSG_OK);
	ck_assert_int_eq(number_of(health_of(0), "errors"), 2);
	report.outcomes_seq = 6;
	ask(data, MSG_REPORT, report_encode(&report), MSG_OK);
	ck_assert_str_eq(word_of(health_of(0), "state"), "cooling");
}
END_TEST

START_TEST(a_change_of_health_is_published)
{
	put(two);
	start(NULL);
	await(MSG_HEARTBEAT);
	report_calls(BLAME_NOBODY, 200, 1); /* a prober has come: a new table */
	await(MSG_HEARTBEAT);
	struct report_outcome outcome = {.upstream = (char[]){"claude:x"},
	    .model = (char[]){""},
	    .blame = BLAME_KEY,
	    .reason = "status_429",
	    .status = 429,
	    .generate = true,
	    .retry_after_ms = 1200,
	    .count = 1};
	struct report report = {.instance = "dataplane.0", .boot_id = 7, .pid = 1};
	report.outcomes = &outcome;
	report.outcome_count = 1;
	ask(data, MSG_REPORT, report_encode(&report), MSG_OK);
	uint64_t from_ms = loop_now_ms(loop);
	const json_t *body = await(MSG_TABLE); /* after the rest, by a timer */
	if (!is_available(body))
		body = await(MSG_TABLE);
	ck_assert(is_available(body));
	ck_assert_uint_ge(loop_now_ms(loop) - from_ms, 1100);
	ck_assert_str_eq(word_of(health_of(0), "state"), "half_open");
}
END_TEST

START_TEST(health_survives_a_restart)
{
	put(two);
	start(NULL);
	await(MSG_HEARTBEAT);
	report_calls(BLAME_UPSTREAM, 503, 3);
	json_int_t until = number_of(health_of(0), "until_ms");
	await(MSG_HEARTBEAT);
	serve_free(serve);
	start(NULL);
	const json_t *health = health_of(0);
	ck_assert_str_eq(word_of(health, "state"), "cooling");
	ck_assert_str_eq(word_of(health, "reason"), "status_503");
	ck_assert_int_le(llabs(number_of(health, "until_ms") - until), 1000);
	put("{\"api_configs\": [{\"base_url\": \"https://a.test\", \"key\": "
	    "\"another-secretcanary\","
	    "\"id\": \"x\"}]}");
	ask(admin, MSG_RELOAD, NULL, MSG_OK);
	ck_assert_str_eq(word_of(health_of(0), "state"), "up");
}
END_TEST

START_TEST(a_rest_is_cleared_by_hand)
{
	put(two);
	start(NULL);
	report_calls(BLAME_UPSTREAM, 503, 3);
	const json_t *body =
	    ask(admin, MSG_CLEAR_COOLDOWN, json_pack("{s:s}", "id", "claude:y"), MSG_OK);
	ck_assert_int_eq(number_of(body, "cleared"), 0);
	body = ask(admin, MSG_CLEAR_COOLDOWN, json_pack("{s:s}", "group", "codex"), MSG_OK);
	ck_assert_int_eq(number_of(body, "cleared"), 0);
	body = ask(admin, MSG_CLEAR_COOLDOWN, NULL, MSG_OK);
	ck_assert_int_eq(number_of(body, "cleared"), 1);
	ck_assert_str_eq(word_of(health_of(0), "state"), "up");
	ask(admin, MSG_CLEAR_COOLDOWN, json_pack("{s:s}", "id", "claude:z"), MSG_ERROR);
	ask(admin, MSG_CLEAR_COOLDOWN, json_pack("{s:s}", "group", "cloud"), MSG_ERROR);
	ask(admin, MSG_CLEAR_COOLDOWN, json_pack("{s:i}", "id", 7), MSG_ERROR);
}
END_TEST

START_TEST(a_probe_is_ordered_and_told)
{
	put(two);
	start(NULL);
	const json_t *body =
	    ask(admin, MSG_PROBE_NOW, json_pack("{s:s}", "id", "claude:x"), MSG_OK);
	ck_assert_int_eq(number_of(body, "probe_seq"), 1);
	ck_assert(json_is_null(json_object_get(health_of(0), "probe")));
	struct report_outcome outcome = {.upstream = (char[]){"claude:x"},
	    .model = (char[]){""},
	    .blame = BLAME_KEY,
	    .reason = "status_401",
	    .status = 401,
	    .probe = true,
	    .probe_seq = 1,
	    .count = 1};
	struct report report = {.instance = "dataplane.0", .boot_id = 7, .pid = 1};
	report.outcomes = &outcome;
	report.outcome_count = 1;
	ask(data, MSG_REPORT, report_encode(&report), MSG_OK);
	const json_t *health = health_of(0), *probe = json_object_get(health, "probe");
	ck_assert_str_eq(word_of(health, "state"), "up");
	ck_assert_int_eq(number_of(probe, "seq"), 1);
	ck_assert_int_eq(number_of(probe, "status"), 401);
	ask(admin, MSG_PROBE_NOW, json_pack("{s:s}", "id", "claude:z"), MSG_ERROR);
	ask(admin, MSG_PROBE_NOW, NULL, MSG_ERROR);
}
END_TEST

START_TEST(an_upstream_is_switched_off_and_on)
{
	struct bytes text;
	struct err err;
	put(two);
	start(NULL);
	json_t *off = json_pack("{s:s, s:b}", "id", "claude:x", "enabled", 0);
	ask(admin, MSG_SET_ENABLED, off, MSG_OK);
	ck_assert(json_is_null(health_of(0)));
	bytes_init(&text, 1 << 20);
	ck_assert(fileio_read(config_path, &text, &err));
	ck_assert_int_ge(view_find(bytes_view(&text), "\"enabled\": false"), 0);
	ck_assert_int_ge(view_find(bytes_view(&text), "\"updated_at\""), 0);
	ck_assert_int_ge(view_find(bytes_view(&text), "sk-secretcanary"), 0);
	bytes_fini(&text);
	/* What was edited by hand meanwhile is taken first, not lost. */
	put("{\"api_configs\": [{" UP ", \"id\": \"x\", \"enabled\": false, \"name\": \"new\"}]}");
	json_t *on = json_pack("{s:s, s:b}", "id", "claude:x", "enabled", 1);
	ask(admin, MSG_SET_ENABLED, on, MSG_OK);
	const json_t *state = ask(admin, MSG_GET_STATE, NULL, MSG_STATE);
	const json_t *one = json_array_get(group_of(state, GROUP_CLAUDE), 0);
	ck_assert(json_is_true(json_object_get(one, "enabled")));
	ck_assert_str_eq(word_of(one, "name"), "new");
	/* A file that is refused is not written over. */
	put("{\"api_configs\": 7}");
	off = json_pack("{s:s, s:b}", "id", "claude:x", "enabled", 0);
	ask(admin, MSG_SET_ENABLED, off, MSG_ERROR);
	bytes_init(&text, 1 << 20);
	ck_assert(fileio_read(config_path, &text, &err));
	ck_assert(view_eq_str(bytes_view(&text), "{\"api_configs\": 7}"));
	bytes_fini(&text);
	off = json_pack("{s:s, s:b}", "id", "claude:nobody", "enabled", 0);
	ask(admin, MSG_SET_ENABLED, off, MSG_ERROR);
	ask(admin, MSG_SET_ENABLED, json_pack("{s:s}", "id", "claude:x"), MSG_ERROR);
}
END_TEST

START_TEST(what_cannot_be_saved_is_taken_back)
{
	char folder[160];
	put(two);
	start(NULL);
	snprintf(folder, sizeof(folder), "%s.bak", config_path);
	unlink(folder); /* from the keys that were minted */
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	json_t *off = json_pack("{s:s, s:b}", "id", "claude:x", "enabled", 0);
	ask(admin, MSG_SET_ENABLED, off, MSG_ERROR);
	ck_assert_str_eq(word_of(health_of(0), "state"), "up");
	rmdir(folder);
	off = json_pack("{s:s, s:b}", "id", "claude:x", "enabled", 0);
	ask(admin, MSG_SET_ENABLED, off, MSG_OK);
}
END_TEST

START_TEST(the_route_is_explained)
{
	put("{\"api_configs\": [{" UP ", \"id\": \"x\", \"hours\": [\"08:00-20:00\"]}, {" UP
	    ", \"id\": \"y\", \"type\": \"backup\"}]}");
	setenv("TZ", "UTC", 1);
	set_wall(1774828800000); /* Monday 2026-03-30 00:00 UTC */
	start(NULL);
	json_t *body = json_pack("{s:s, s:s}", "path", "/v1/messages", "at", "Tue 09:30");
	const json_t *answered = ask(admin, MSG_EXPLAIN, body, MSG_EXPLANATION);
	ck_assert_str_eq(word_of(answered, "serves"), "claude:x");
	ck_assert_int_eq(number_of(answered, "at_ms"), 1774828800000 + 33 * 3600000 + 1800000);
	answered = ask(admin, MSG_EXPLAIN, json_pack("{s:s}", "group", "claude"), MSG_EXPLANATION);
	ck_assert_str_eq(word_of(answered, "serves"), "claude:y");
	body = json_pack("{s:s, s:I}", "group", "claude", "at",
	    (json_int_t)1774828800000 - 3 * 3600000); /* 21:00 the day before */
	answered = ask(admin, MSG_EXPLAIN, body, MSG_EXPLANATION);
	ck_assert_str_eq(word_of(answered, "serves"), "claude:y");
	ask(admin, MSG_EXPLAIN, NULL, MSG_ERROR);
	ask(admin, MSG_EXPLAIN, json_pack("{s:s, s:s}", "group", "claude", "at", "soon"),
	    MSG_ERROR);
	ask(admin, MSG_EXPLAIN, json_pack("{s:s, s:I}", "group", "claude", "at", (json_int_t)1),
	    MSG_ERROR);
	ask(data, MSG_EXPLAIN, json_pack("{s:s}", "group", "claude"), MSG_ERROR);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("serve_health");
	TCase *tcase = tcase_create("serve_health");
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, midnight_flips_the_schedule);
	tcase_add_test(tcase, a_wall_clock_that_is_set_is_noticed);
	tcase_add_test(tcase, failures_make_an_upstream_rest);
	tcase_add_test(tcase, a_report_that_comes_late_tells_of_the_past);
	tcase_add_test(tcase, a_report_that_comes_twice_counts_once);
	tcase_add_test(tcase, a_change_of_health_is_published);
	tcase_add_test(tcase, health_survives_a_restart);
	tcase_add_test(tcase, a_rest_is_cleared_by_hand);
	tcase_add_test(tcase, a_probe_is_ordered_and_told);
	tcase_add_test(tcase, an_upstream_is_switched_off_and_on);
	tcase_add_test(tcase, what_cannot_be_saved_is_taken_back);
	tcase_add_test(tcase, the_route_is_explained);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
