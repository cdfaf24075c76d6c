/* The control plane as its peers see it, over its four sockets, in one process and on one loop. */
#include "bus.h"
#include "clock.h"
#include "crypto.h"
#include "envelope.h"
#include "fileio.h"
#include "jget.h"
#include "log.h"
#include "mem.h"
#include "names.h"
#include "serve.h"
#include "state.h"
#include "table.h"
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TEST_LIMIT_MS 8000
#define UP "\"base_url\": \"https://a.test\", \"key\": \"sk-secretcanary-0123456789\""

static char dir[64], state_dir[96], run_dir[96], config_path[128];
static struct loop *loop;
static struct loop_timer limit;
static struct serve *serve;
static struct bus_req *data, *admin;
static struct bus_sub *tables, *events;
static struct envelope answer, news;
static const char *awaited; /* the published type that ends the wait */
static int64_t wall_ms;     /* 0 = the real time */
static uint64_t next_id;

static uint64_t
mono_us(void *ctx)
{
	struct timespec now;
	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int64_t
wall(void *ctx)
{
	(void)ctx;
	return wall_ms;
}
static const struct clock_source false_clock = {mono_us, wall, NULL};

static void
on_limit(struct loop_timer *timer, void *ctx)
{
	(void)timer, (void)ctx;
	ck_abort_msg("nothing came within %d ms", TEST_LIMIT_MS);
}

/* Takes the message that the test waits for, and lets the rest pass. */
static void
on_published(struct view message, void *ctx)
{
	struct envelope envelope;
	struct err err;
	(void)ctx;
	ck_assert(envelope_decode(message, &envelope, &err));
	if (awaited == NULL || strcmp(envelope.type, awaited) != 0) {
		envelope_fini(&envelope);
		return;
	}
	awaited = NULL;
	news = envelope;
	loop_stop(loop);
}

static void
on_answer(struct view message, void *ctx)
{
	struct err err;
	(void)ctx;
	ck_assert_msg(message.len > 0, "no answer in time");
	ck_assert(envelope_decode(message, &answer, &err));
	loop_stop(loop);
}

static const json_t *
await(const char *type)
{
	envelope_fini(&news);
	awaited = type;
	loop_run(loop);
	return news.body;
}

/* Asks, checks the type of the answer and returns its body, borrowed until the next question. */
static const json_t *
ask(struct bus_req *req, const char *type, json_t *body, const char *expected)
{
	struct bytes message;
	envelope_fini(&answer);
	bytes_init(&message, NAMES_MESSAGE_BYTES_MAX);
	ck_assert(envelope_encode(type, ++next_id, body, &message));
	ck_assert(bus_req_ask(req, bytes_view(&message), TEST_LIMIT_MS, on_answer, NULL));
	bytes_fini(&message);
	loop_run(loop);
	ck_assert_str_eq(answer.type, expected);
	ck_assert_uint_eq(answer.id, next_id);
	return answer.body;
}

static void
put(const char *content)
{
	struct err err;
	ck_assert(fileio_write(config_path, view_of(content), 0600, &err));
}

static void
start(const char *demo_url)
{
	struct err err;
	struct serve_options options = {state_dir, run_dir, demo_url};
	serve = serve_new(loop, &options, &err);
	ck_assert_msg(serve != NULL, "%s: %s", err.at, err.msg);
}

static void
connect_to(struct bus_req **req, const char *name)
{
	char path[128];
	struct err err;
	ck_assert(names_path(run_dir, name, path, sizeof(path), &err));
	*req = bus_req_connect(loop, path, &err);
	ck_assert_ptr_nonnull(*req);
}

static void
subscribe_to(struct bus_sub **sub, const char *name)
{
	char path[128];
	struct err err;
	ck_assert(names_path(run_dir, name, path, sizeof(path), &err));
	*sub = bus_sub_connect(loop, path, on_published, NULL, &err);
	ck_assert_ptr_nonnull(*sub);
}

static void
setup(void)
{
	struct err err;
	snprintf(dir, sizeof(dir), "/tmp/pm-serve-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(state_dir, sizeof(state_dir), "%s/s", dir);
	snprintf(run_dir, sizeof(run_dir), "%s/r", dir);
	snprintf(config_path, sizeof(config_path), "%s/json_data", state_dir);
	ck_assert(fileio_mkdirs(config_path, 0700, &err));
	ck_assert(fileio_mkdirs(run_dir, 0700, &err));
	snprintf(config_path, sizeof(config_path), "%s/json_data/all_configs.json", state_dir);
	log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	loop = loop_new(&err);
	ck_assert_ptr_nonnull(loop);
	loop_timer_init(&limit, loop, on_limit, NULL);
	loop_timer_arm(&limit, TEST_LIMIT_MS);
	connect_to(&data, NAMES_DATA);
	connect_to(&admin, NAMES_ADMIN);
	subscribe_to(&tables, NAMES_TABLE);
	subscribe_to(&events, NAMES_EVENTS);
}

static void
teardown(void)
{
	char path[128];
	static const char *const names[] = {"s/json_data/all_configs.json",
	    "s/json_data/all_configs.json.bak", "s/json_data/all_configs.json.good", "s/json_data",
	    "s/client-key", "s/admin-token", "s", "r/ready.json", "r", ""};
	envelope_fini(&answer);
	envelope_fini(&news);
	bus_req_free(data);
	bus_req_free(admin);
	bus_sub_free(tables);
	bus_sub_free(events);
	serve_free(serve);
	loop_timer_fini(&limit);
	loop_free(loop);
	clock_replace(NULL);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		if (unlink(path) != 0)
			rmdir(path);
	}
}

static json_t *
version_of(const json_t *body)
{
	return json_pack("{s:O, s:O}", "epoch", json_object_get(body, "epoch"), "version",
	    json_object_get(body, "version"));
}

static const json_t *
group_of(const json_t *state, size_t group)
{
	const json_t *item = json_array_get(json_object_get(state, "groups"), group);
	return json_object_get(item, "upstreams");
}

static json_int_t
number_of(const json_t *body, const char *key)
{
	const json_t *value = json_object_get(body, key);
	ck_assert_msg(json_is_integer(value), "no number %s", key);
	return json_integer_value(value);
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
	    "{" UP ", \"name\": \"three\", \"time_enabled\": [0,0,0,0,0,0,0]}]}");
	start(NULL);
	const json_t *state = ask(admin, MSG_GET_STATE, NULL, MSG_STATE);
	static const char *const words[] = {"version", "epoch", "started_ms", "revision",
	    "config_path", "config_error", "demo", "groups", "dataplanes", "client_keys"};
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
	ck_assert_str_eq(
	    json_string_value(json_object_get(three, "reason")), "not scheduled today");
	ck_assert_str_eq(json_string_value(json_object_get(one, "key")), "sk-...6789");
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

START_TEST(midnight_flips_the_schedule)
{
	setenv("TZ", "Asia/Shanghai", 1);
	wall_ms = 1774800000000 - 1000; /* Sunday 2026-03-29 23:59:59 there */
	clock_replace(&false_clock);
	put("{\"api_configs\": [{" UP ", \"time_enabled\": [0,1,1,1,1,1,1]}]}");
	start(NULL);
	await(MSG_HEARTBEAT);
	const json_t *state = ask(admin, MSG_GET_STATE, NULL, MSG_STATE);
	const json_t *one = json_array_get(group_of(state, GROUP_CLAUDE), 0);
	ck_assert(json_is_true(json_object_get(one, "available")));
	wall_ms += 1000;
	const json_t *body = await(MSG_TABLE);
	ck_assert_int_eq(number_of(body, "version"), 2);
	one = json_array_get(json_object_get(json_object_get(body, "groups"), "claude"), 0);
	ck_assert(json_is_false(json_object_get(one, "available")));
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
	tcase_add_test(tcase, the_admin_token_is_checked);
	tcase_add_test(tcase, each_socket_answers_its_own_questions_only);
	tcase_add_test(tcase, midnight_flips_the_schedule);
	tcase_add_test(tcase, a_bad_file_serves_nobody_and_the_state_tells);
	tcase_add_test(tcase, ready_names_routes_upstreams_and_key_files);
	tcase_add_test(tcase, a_second_one_does_not_start);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
