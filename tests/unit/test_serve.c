/* The control plane as its peers see it: table, reports, state, configuration. */
#include "crypto.h"
#include "jget.h"
#include "mem.h"
#include "record.h"
#include "serve_rig.h"
#include "state.h"
#include "table.h"

static json_t *
version_of(const json_t *body)
{
	return json_pack("{s:O, s:O}", "epoch", json_object_get(body, "epoch"), "version",
	    json_object_get(body, "version"));
}

START_TEST(a_late_joiner_gets_the_table_and_then_nothing_new)
{
	put("{\"api_configs\": [{" UP "}]}");
	start(NULL);
	const json_t *body =
	    ask(data, MSG_GET_TABLE, json_pack("{s:i, s:i}", "epoch", 0, "version", 0), MSG_TABLE);
	struct table *table;
	struct err err;
	ck_assert_msg(table_decode(body, &table, &err), "%s: %s", err.at, err.msg);
	ck_assert_uint_eq(table->version, 1);
	ck_assert_uint_eq(table->groups[GROUP_CLAUDE].count, 1);
	ck_assert_uint_eq(table->client_key_count, 1);
	table_unref(table);
	ask(data, MSG_GET_TABLE, version_of(body), MSG_SAME);
	json_t *other = json_pack("{s:i, s:i}", "epoch", 1, "version", 1);
	ask(data, MSG_GET_TABLE, other, MSG_TABLE);
}
END_TEST

START_TEST(heartbeats_carry_the_version)
{
	start(NULL);
	const json_t *beat = await(MSG_HEARTBEAT);
	ck_assert_uint_eq(json_object_size(beat), 2);
	json_t *body = version_of(beat);
	ask(data, MSG_GET_TABLE, body, MSG_SAME);
}
END_TEST

START_TEST(an_edit_by_hand_is_published)
{
	start("http://127.0.0.1:1");
	await(MSG_HEARTBEAT); /* the subscription stands */
	put("{\"codex_configs\": [{" UP "}]}");
	const json_t *body = await(MSG_TABLE);
	ck_assert_int_eq(number_of(body, "version"), 2);
	const json_t *codex = json_object_get(json_object_get(body, "groups"), "codex");
	ck_assert_uint_eq(json_array_size(codex), 1);
	ck_assert_uint_eq(json_array_size(json_object_get(body, "client_keys")), 1);
}
END_TEST

START_TEST(reload_says_what_came_of_it)
{
	put("{\"api_configs\": [{" UP "}]}");
	start(NULL);
	const json_t *body = ask(admin, MSG_RELOAD, NULL, MSG_OK);
	ck_assert(json_is_false(json_object_get(body, "changed")));
	json_int_t revision = number_of(body, "revision");
	put("{\"api_configs\": [{" UP "}, {" UP "}]}");
	body = ask(admin, MSG_RELOAD, NULL, MSG_OK);
	ck_assert(json_is_true(json_object_get(body, "changed")));
	ck_assert_int_gt(number_of(body, "revision"), revision);
	put("{\"api_configs\": [{\"key\": \"sk-secretcanary\"}, 7]}");
	body = ask(admin, MSG_RELOAD, NULL, MSG_ERROR);
	ck_assert_str_eq(json_string_value(json_object_get(body, "kind")), "config");
	const json_t *faults = json_object_get(body, "faults");
	ck_assert_uint_eq(json_array_size(faults), 2);
	const json_t *path = json_object_get(json_array_get(faults, 0), "path");
	ck_assert_str_eq(json_string_value(path), "api_configs[0].base_url");
	body = ask(admin, MSG_GET_STATE, NULL, MSG_STATE);
	ck_assert(json_is_object(json_object_get(body, "config_error")));
	ck_assert_uint_eq(json_array_size(group_of(body, GROUP_CLAUDE)), 2); /* serves on */
}
END_TEST

START_TEST(a_new_revision_that_says_the_same_is_no_new_table)
{
	put("{\"api_configs\": [{" UP "}]}");
	start(NULL);
	await(MSG_HEARTBEAT);
	const json_t *state = ask(admin, MSG_GET_STATE, NULL, MSG_STATE);
	json_int_t version = number_of(state, "version");
	put("{\"_note\": 1, \"api_configs\": [{" UP ", \"created_at\": \"x\"}]}");
	ask(admin, MSG_RELOAD, NULL, MSG_OK);
	state = ask(admin, MSG_GET_STATE, NULL, MSG_STATE);
	ck_assert_int_eq(number_of(state, "version"), version);
	ck_assert(json_is_null(json_object_get(state, "config_error")));
}
END_TEST

START_TEST(the_state_shows_all_but_keys)
{
	put("{\"api_configs\": [{" UP ", \"name\": \"one\", \"type\": \"backup\"},"
	    "{" UP ", \"name\": \"two\", \"enabled\": false},"
	    "{" UP ", \"name\": \"three\", \"time_enabled\": [0,0,0,0,0,0,0]}],"
	    "\"alerts\": {\"webhook_url\": \"https://hooks.test/secretcanary?x=secretcanary\","
	    "\"webhook_authorization\": \"Bearer secretcanary\"}}");
	start(NULL);
	const json_t *state = ask(admin, MSG_GET_STATE, NULL, MSG_STATE);
	static const char *const words[] = {"version", "epoch", "started_ms", "revision",
	    "config_path", "config_error", "demo", "groups", "dataplanes", "client_keys", "lessons",
	    "users", "etag", "alerts"};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		ck_assert_ptr_nonnull(json_object_get(state, words[i]));
	ck_assert_uint_eq(json_object_size(state), sizeof(words) / sizeof(words[0]));
	const json_t *list = group_of(state, GROUP_CLAUDE);
	ck_assert_uint_eq(json_array_size(list), 3);
	const json_t *one = json_array_get(list, 0), *two = json_array_get(list, 1),
		     *three = json_array_get(list, 2);
	ck_assert_int_eq(number_of(one, "rank"), 2); /* after the primary */
	ck_assert_int_eq(number_of(two, "rank"), 0);
	ck_assert_int_eq(number_of(three, "rank"), 1);
	ck_assert(json_is_true(json_object_get(one, "available")));
	ck_assert_str_eq(json_string_value(json_object_get(two, "reason")), "disabled");
	ck_assert_str_eq(json_string_value(json_object_get(three, "reason")), "not scheduled now");
	ck_assert_str_eq(json_string_value(json_object_get(one, "key")), "sk-...6789");
	ck_assert_str_eq(word_of(json_object_get(state, "alerts"), "webhook"), "hooks.test");
	char *text = jget_dump(state, NULL);
	ck_assert_ptr_null(strstr(text, "canary"));
	mem_free(text);
}
END_TEST

START_TEST(the_demo_is_shown)
{
	start("http://127.0.0.1:1");
	const json_t *state = ask(admin, MSG_GET_STATE, NULL, MSG_STATE);
	ck_assert(json_is_true(json_object_get(state, "demo")));
	const json_t *demo = json_array_get(group_of(state, GROUP_CHAT), 0);
	ck_assert(json_is_true(json_object_get(demo, "demo")));
	ck_assert_int_eq(number_of(demo, "rank"), 1);
}
END_TEST

START_TEST(reports_are_kept_and_shown)
{
	start(NULL);
	await(MSG_HEARTBEAT);
	struct report report = {.instance = "dataplane.0", .boot_id = 7, .pid = 1, .requests = 3};
	ask(data, MSG_REPORT, report_encode(&report), MSG_OK);
	report.requests = 5;
	ask(data, MSG_REPORT, report_encode(&report), MSG_OK);
	report.boot_id = 8; /* a new start of the same one, while the old one ends */
	ask(data, MSG_REPORT, report_encode(&report), MSG_OK);
	const json_t *state = ask(admin, MSG_GET_STATE, NULL, MSG_STATE);
	const json_t *list = json_object_get(state, "dataplanes");
	ck_assert_uint_eq(json_array_size(list), 2);
	ck_assert_int_eq(number_of(json_array_get(list, 0), "requests"), 5);
	ck_assert_int_ge(number_of(json_array_get(list, 0), "age_ms"), 0);
	ask(data, MSG_REPORT, json_pack("{s:s}", "instance", "x"), MSG_ERROR);
}
END_TEST

/* The rows of one metric. */
static const json_t *
rows_of(const char *metric)
{
	return json_object_get(ask(admin, MSG_GET_METRICS, NULL, MSG_METRICS), metric);
}

START_TEST(metrics_tell_each_series_once)
{
	put("{\"api_configs\": [{\"id\": \"1\", \"name\": \"up\", " UP "},"
	    "{\"id\": \"2\", \"name\": \"off\", \"enabled\": false, " UP "}]}");
	start(NULL);
	struct report report = {.instance = "dataplane.0",
	    .boot_id = 7,
	    .pid = 1,
	    .started_ms = 1000,
	    .requests = 3,
	    .journal_waiting = 9};
	ask(data, MSG_REPORT, report_encode(&report), MSG_OK);
	report.boot_id = 8; /* the one after it */
	report.started_ms = 2000;
	report.requests = 1;
	ask(data, MSG_REPORT, report_encode(&report), MSG_OK);
	report.boot_id = 7; /* reports once more */
	report.started_ms = 1000;
	report.requests = 4;
	ask(data, MSG_REPORT, report_encode(&report), MSG_OK);
	const json_t *rows = rows_of("pointsman_dataplane_requests_total");
	ck_assert_uint_eq(json_array_size(rows), 1);
	ck_assert_int_eq(json_integer_value(json_array_get(json_array_get(rows, 0), 0)), 1);
	ck_assert_uint_eq(json_array_size(rows_of("pointsman_process_cpu_seconds_total")), 2);
	rows = rows_of("pointsman_upstream_state");
	ck_assert_uint_eq(json_array_size(rows), 14);
	for (size_t i = 0; i < 14; i++) {
		const json_t *row = json_array_get(rows, i);
		const char *id = json_string_value(json_array_get(row, 1));
		const char *state = json_string_value(json_array_get(row, 2));
		bool is = strcmp(state, strcmp(id, "claude:1") == 0 ? "up" : "disabled") == 0;
		ck_assert_int_eq(json_integer_value(json_array_get(row, 0)), is);
	}
}
END_TEST

/* A record of one call, as JSON. */
static json_t *
a_record(unsigned number)
{
	struct record record = {.at_ms = 1795694400000,
	    .client_key = mem_dup_str("k"),
	    .path = mem_dup_str("/v1/messages"),
	    .model = mem_dup_str("m"),
	    .generate = true,
	    .result = "completed",
	    .loss = mem_dup_str("")};
	(void)snprintf(record.id, sizeof(record.id), "req_%024x", number);
	json_t *json = record_encode(&record);
	record_fini(&record);
	return json;
}

/* Sends records under their numbers from `first` on. */
static void
send_records(struct bus_req *stats, int first, json_t *records)
{
	json_t *body =
	    json_pack("{s:i, s:i, s:o}", "journal", 7, "first", first, "records", records);
	ask(stats, MSG_RECORDS, body, MSG_STORED);
}

static json_int_t
value_of(const char *metric)
{
	return json_integer_value(json_array_get(json_array_get(rows_of(metric), 0), 0));
}

START_TEST(metrics_count_a_record_once)
{
	struct bus_req *stats;
	start(NULL);
	connect_to(&stats, NAMES_STATS);
	ck_assert_int_eq(value_of("pointsman_requests_total"), 0);
	send_records(stats, 1, json_pack("[o, o]", a_record(1), a_record(2)));
	/* Again, as after an answer that was lost; and one of them under another number. */
	send_records(stats, 1, json_pack("[o, o]", a_record(1), a_record(2)));
	send_records(stats, 3, json_pack("[o, o]", a_record(2), a_record(3)));
	ck_assert_int_eq(value_of("pointsman_requests_total"), 3);
	ck_assert_int_eq(value_of("pointsman_records_stored_total"), 3);
	/* Two never came, and one is none. */
	send_records(stats, 7, json_pack("[o, {}]", a_record(4)));
	ck_assert_int_eq(value_of("pointsman_requests_total"), 4);
	ck_assert_int_eq(value_of("pointsman_records_missing_total"), 2);
	ck_assert_int_eq(value_of("pointsman_records_refused_total"), 1);
	bus_req_free(stats);
}
END_TEST

START_TEST(the_admin_token_is_checked)
{
	char path[128], hex[65];
	struct bytes token;
	struct err err;
	uint8_t hash[32];
	start(NULL);
	snprintf(path, sizeof(path), "%s/admin-token", state_dir);
	bytes_init(&token, 256);
	ck_assert(fileio_read(path, &token, &err));
	crypto_sha256(view_sub(bytes_view(&token), 0, token.len - 1), hash);
	crypto_hex(hash, sizeof(hash), hex);
	bytes_fini(&token);
	ask(admin, MSG_CHECK_TOKEN, json_pack("{s:s}", "sha256", hex), MSG_OK);
	hex[63] = hex[63] == '0' ? '1' : '0';
	const json_t *body =
	    ask(admin, MSG_CHECK_TOKEN, json_pack("{s:s}", "sha256", hex), MSG_ERROR);
	ck_assert_str_eq(json_string_value(json_object_get(body, "kind")), "auth");
	ask(admin, MSG_CHECK_TOKEN, json_pack("{s:s}", "sha256", ""), MSG_ERROR);
	ask(admin, MSG_CHECK_TOKEN, NULL, MSG_ERROR);
}
END_TEST

START_TEST(each_socket_answers_its_own_questions_only)
{
	start(NULL);
	ask(data, MSG_GET_STATE, NULL, MSG_ERROR);
	ask(data, MSG_CHECK_TOKEN, NULL, MSG_ERROR);
	ask(admin, MSG_GET_TABLE, json_pack("{s:i, s:i}", "epoch", 0, "version", 0), MSG_ERROR);
	ask(admin, "nonsense", NULL, MSG_ERROR);
}
END_TEST

START_TEST(a_bad_file_serves_nobody_and_the_state_tells)
{
	put("{\"api_configs\": [");
	start("http://127.0.0.1:1");
	const json_t *state = ask(admin, MSG_GET_STATE, NULL, MSG_STATE);
	const json_t *error = json_object_get(state, "config_error");
	ck_assert_str_eq(json_string_value(json_object_get(error, "kind")), "parse");
	ck_assert(json_is_false(json_object_get(state, "demo")));
	for (unsigned i = 0; i < GROUP_COUNT; i++)
		ck_assert_uint_eq(json_array_size(group_of(state, i)), 0);
	put("{\"api_configs\": [{" UP "}]}"); /* repaired by hand */
	while (number_of(state, "version") < 2)
		state = await(MSG_STATE);
	ck_assert(json_is_null(json_object_get(state, "config_error")));
}
END_TEST

static json_t *
adding(const char *request, const char *name)
{
	return json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:s}}", "op", "add", "section",
	    "api_configs", "request", request, "value", "name", name, "base_url",
	    "https://a.example", "key", "sk-secretcanary123456789");
}

/* An answer may be lost on its way: the question that comes again gets the same, whatever others
 * have done meanwhile, over a restart too. */
START_TEST(a_question_that_comes_again_gets_the_same_answer)
{
	put("{\"api_configs\": [{" UP "}]}");
	start(NULL);
	json_t *first = json_deep_copy(ask(admin, MSG_EDIT, adding("q1", "one"), MSG_OK));
	ck_assert_ptr_nonnull(json_object_get(first, "id"));
	ck_assert_int_eq(number_of(first, "at"), 1);
	const json_t *again = ask(admin, MSG_EDIT, adding("q1", "one"), MSG_OK);
	ck_assert(json_equal(first, again));
	const json_t *other = ask(admin, MSG_EDIT, adding("q2", "two"), MSG_OK);
	ck_assert_str_ne(word_of(other, "id"), word_of(first, "id"));
	json_t *top = json_pack("{s:s, s:s, s:s, s:s, s:s}", "op", "move", "section", "api_configs",
	    "id", word_of(other, "id"), "to", "top", "request", "q3");
	ask(admin, MSG_EDIT, top, MSG_OK);
	for (int restart = 0; restart < 2; restart++) {
		json_t *later = json_deep_copy(ask(admin, MSG_EDIT, adding("q1", "one"), MSG_OK));
		/* All but the table that has it by now. */
		ck_assert_int_gt(number_of(later, "version"), 0);
		json_object_set(later, "version", json_object_get(first, "version"));
		char *text = jget_dump(later, NULL);
		ck_assert_msg(json_equal(first, later), "%s", text);
		ck_assert_ptr_null(strstr(text, "canary"));
		mem_free(text);
		json_decref(later);
		serve_free(serve);
		start(NULL);
	}
	const json_t *state = ask(admin, MSG_GET_STATE, NULL, MSG_STATE);
	ck_assert_uint_eq(json_array_size(group_of(state, GROUP_CLAUDE)), 3);
	json_decref(first);
}
END_TEST

START_TEST(an_import_that_comes_again_gets_the_same_answer)
{
	static const char file[] = "{\"api_configs\": [{\"name\": \"new\", \"base_url\": "
				   "\"https://a.example\", \"key\": \"sk-secretcanary123\"}]}";
	start(NULL);
	json_t *question = json_pack("{s:s, s:s, s:b, s:s}", "text", file, "format", "pointsman",
	    "apply", 1, "request", "q1");
	json_t *first = json_deep_copy(ask(admin, MSG_IMPORT, json_deep_copy(question), MSG_OK));
	const json_t *item = json_array_get(json_object_get(first, "items"), 0);
	ck_assert(json_is_true(json_object_get(item, "fresh")));
	ck_assert(json_equal(first, ask(admin, MSG_IMPORT, question, MSG_OK)));
	json_decref(first);
}
END_TEST

START_TEST(ready_names_routes_upstreams_and_key_files)
{
	char path[128];
	struct bytes text;
	struct err err;
	json_t *ready;
	put("{\"codex_configs\": [{" UP ", \"name\": \"n\"}]}");
	start(NULL);
	snprintf(path, sizeof(path), "%s/ready.json", run_dir);
	bytes_init(&text, 65536);
	ck_assert(fileio_read(path, &text, &err));
	ck_assert(view_find(bytes_view(&text), "canary") < 0);
	ck_assert(jget_parse(bytes_view(&text), &ready, &err));
	ck_assert(json_is_true(json_object_get(ready, "minted")));
	ck_assert_uint_eq(json_object_size(ready), 5);
	const json_t *route = json_array_get(json_object_get(ready, "routes"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(route, "group")), "codex");
	const json_t *upstream = json_array_get(json_object_get(ready, "upstreams"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(upstream, "name")), "n");
	ck_assert_int_eq(number_of(upstream, "rank"), 1);
	const char *file = json_string_value(json_object_get(ready, "client_key_file"));
	ck_assert_int_eq(access(file, R_OK), 0);
	json_decref(ready);
	bytes_fini(&text);
}
END_TEST

START_TEST(a_second_one_does_not_start)
{
	struct err err;
	struct serve_options options = {state_dir, run_dir, NULL};
	start(NULL);
	ck_assert_ptr_null(serve_new(loop, &options, &err));
	ck_assert_int_eq(err.kind, ERR_IO);
}
END_TEST

/* nanomsg forgets to free after a bind that failed; our programs end then. */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:nn_bipc_create";
}

int
main(void)
{
	Suite *suite = suite_create("serve");
	TCase *tcase = tcase_create("serve");
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, a_late_joiner_gets_the_table_and_then_nothing_new);
	tcase_add_test(tcase, heartbeats_carry_the_version);
	tcase_add_test(tcase, an_edit_by_hand_is_published);
	tcase_add_test(tcase, reload_says_what_came_of_it);
	tcase_add_test(tcase, a_new_revision_that_says_the_same_is_no_new_table);
	tcase_add_test(tcase, the_state_shows_all_but_keys);
	tcase_add_test(tcase, the_demo_is_shown);
	tcase_add_test(tcase, reports_are_kept_and_shown);
	tcase_add_test(tcase, metrics_tell_each_series_once);
	tcase_add_test(tcase, metrics_count_a_record_once);
	tcase_add_test(tcase, the_admin_token_is_checked);
	tcase_add_test(tcase, each_socket_answers_its_own_questions_only);
	tcase_add_test(tcase, a_bad_file_serves_nobody_and_the_state_tells);
	tcase_add_test(tcase, a_question_that_comes_again_gets_the_same_answer);
	tcase_add_test(tcase, an_import_that_comes_again_gets_the_same_answer);
	tcase_add_test(tcase, ready_names_routes_upstreams_and_key_files);
	tcase_add_test(tcase, a_second_one_does_not_start);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
