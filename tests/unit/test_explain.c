/* Which upstream would serve, and why each other would not. */
#include "assemble.h"
#include "explain.h"
#include "jget.h"
#include "mem.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MONDAY_MS 1774828800000 /* 2026-03-30 00:00 UTC */
#define UP(id)                                                                                     \
	"\"base_url\": \"https://" id ".test\", \"key\": \"sk-secretcanary\", \"id\": \"" id "\""

static struct config *config;
static struct health health;
static struct table *table;
static json_t *answer;
static struct explain_asked asked;

static const char text[] =
    "{\"api_configs\": ["
    "{" UP(
	"day") ", \"hours\": [\"08:00-20:00\"], \"time_zone\": \"UTC\"},"
	       "{" UP(
		   "off") ", \"enabled\": false},"
			  "{" UP(
			      "haiku") ", \"models\": [\"*haiku*\"]},"
				       "{" UP(
					   "main") ", \"model_map\": {\"claude-*\": \"up/*\"}},"
						   "{" UP(
						       "last") ", \"type\": \"backup\"}],"
							       "\"codex_configs\": [{" UP(
								   "cx") "}],"
									 "\"retry_configs\": [{" UP(
									     "node") "}],"
										     "\"model_"
										     "conversions\""
										     ": "
										     "[{\"source_"
										     "model\": "
										     "\"old\", "
										     "\"target_"
										     "model\": "
										     "\"claude-"
										     "new\"}]}";

static void
setup(void)
{
	static const struct health_limits limits = {1, 600000, 30000, 900000, 30000};
	struct faults faults = {0};
	ck_assert(config_parse(view_of(text), &config, &faults));
	faults_fini(&faults);
	table = assemble_table(config, MONDAY_MS, NULL);
	for (unsigned i = 0; i < GROUP_COUNT; i++)
		health_set_limits(&health, (enum group)i, &limits, 1000);
	health_sync(&health, table);
	asked = (struct explain_asked){
	    .path = VIEW("/v1/messages"), .group = GROUP_COUNT, .model = VIEW("claude-opus")};
}

static void
teardown(void)
{
	json_decref(answer);
	answer = NULL;
	table_unref(table);
	health_fini(&health);
	config_free(config);
}

/* Asks for `ms` behind Monday 00:00, which is 1000 on our clock. */
static void
ask(int64_t ms)
{
	struct err err;
	asked.wall_ms = MONDAY_MS + ms;
	asked.now_ms = 1000 + (uint64_t)ms;
	table_unref(table);
	table = assemble_table(config, asked.wall_ms, NULL);
	assemble_health(table, &health, asked.now_ms, MONDAY_MS - 1000);
	json_decref(answer);
	answer = explain_encode(table, config, &health, &asked, &err);
	ck_assert_msg(answer != NULL, "%s", err.msg);
}

static const char *
serves(void)
{
	const char *id = json_string_value(json_object_get(answer, "serves"));
	return id != NULL ? id : "nobody";
}

static const json_t *
upstream(const char *id)
{
	size_t g, u;
	const json_t *group, *one;
	const json_t *groups = json_object_get(answer, "groups");
	json_array_foreach(groups, g, group)
	{
		const json_t *list = json_object_get(group, "upstreams");
		json_array_foreach(list, u, one)
		{
			if (strcmp(json_string_value(json_object_get(one, "id")), id) == 0)
				return one;
		}
	}
	ck_abort_msg("no %s", id);
}

static void
expect(const char *id, json_int_t place, const char *why)
{
	const json_t *one = upstream(id);
	ck_assert_str_eq(json_string_value(json_object_get(one, "why")), why);
	ck_assert_int_eq(json_integer_value(json_object_get(one, "place")), place);
}

static void
fails(const char *id, enum blame blame, uint32_t status)
{
	char name[32], model[] = "up/opus";
	struct report_outcome outcome = {.upstream = name,
	    .model = model,
	    .blame = blame,
	    .status = status,
	    .generate = true,
	    .count = 1};
	snprintf(name, sizeof(name), "%s", id);
	snprintf(outcome.reason, sizeof(outcome.reason), "status_%u", status);
	health_note(&health, &outcome, 1000);
}

START_TEST(each_has_its_place_or_its_reason)
{
	ask(3 * 3600000);
	ck_assert_str_eq(serves(), "claude:main");
	expect("claude:main", 1, "serves");
	expect("claude:last", 2, "would serve as number 2");
	expect("claude:day", 0, "not scheduled then");
	expect("claude:off", 0, "disabled");
	expect("claude:haiku", 0, "does not serve this model");
	expect("retry:node", 1, "serves"); /* of its own group */
	ask(9 * 3600000);
	ck_assert_str_eq(serves(), "claude:day");
	expect("claude:main", 2, "would serve as number 2");
	char *dump = jget_dump(answer, NULL);
	ck_assert_ptr_null(strstr(dump, "canary"));
	mem_free(dump);
}
END_TEST

START_TEST(names_of_models_are_those_sent)
{
	ask(0);
	ck_assert_str_eq(
	    json_string_value(json_object_get(upstream("claude:main"), "model")), "up/opus");
	ck_assert_str_eq(
	    json_string_value(json_object_get(upstream("claude:last"), "model")), "claude-opus");
	asked.model = VIEW("old"); /* rules of all come first */
	ask(0);
	ck_assert_str_eq(
	    json_string_value(json_object_get(upstream("claude:main"), "model")), "up/new");
	asked.model = VIEW("claude-opus-thinking"); /* the suffix is for us, where nobody maps it */
	ask(0);
	ck_assert_str_eq(json_string_value(json_object_get(upstream("claude:main"), "model")),
	    "up/opus-thinking");
	ck_assert_str_eq(
	    json_string_value(json_object_get(upstream("claude:last"), "model")), "claude-opus");
	asked.model = VIEW("x-haiku-y");
	ask(0);
	ck_assert_str_eq(serves(), "claude:haiku");
}
END_TEST

START_TEST(who_rests_is_told_with_the_reason_and_the_end)
{
	fails("claude:main", BLAME_UPSTREAM, 503);
	ask(1000);
	ck_assert_str_eq(serves(), "claude:last");
	expect("claude:main", 0, "rests after 1 failure, the last: status_503 (blame: upstream)");
	ck_assert_int_eq(json_integer_value(json_object_get(upstream("claude:main"), "until_ms")),
	    MONDAY_MS + 600000);
	ask(600000); /* then it may try */
	ck_assert_str_eq(serves(), "claude:main");
	expect("claude:main", 1, "serves; recovering: at most 1 at a time in each data plane");
	fails("claude:last", BLAME_MODEL, 404);
	health_clear(&health, GROUP_COUNT, "claude:main", 1000);
	asked.model = VIEW("up/opus");
	ask(1000);
	expect("claude:last", 0, "this model rests there after failures");
	fails("claude:main", BLAME_NETWORK, 0);
	ask(1000);
	expect("claude:main", 0,
	    "rests after 1 failure, the last: status_0 (blame: network, its whole address)");
	ck_assert_str_eq(serves(), "retry:node");
}
END_TEST

START_TEST(paths_and_groups)
{
	struct err err;
	asked.path = VIEW("/openai/responses");
	ask(0);
	ck_assert_str_eq(serves(), "codex:cx");
	asked.path = VIEW("/proxy/v1/chat/completions");
	ask(0);
	/* No list of its own: others help out, converted. */
	ck_assert_str_eq(serves(), "codex:cx");
	ck_assert_uint_eq(json_array_size(json_object_get(answer, "groups")), 3);
	asked.group = GROUP_RETRY;
	ask(0);
	ck_assert_str_eq(serves(), "retry:node");
	asked.group = GROUP_COUNT;
	asked.path = VIEW("/index.html");
	ck_assert_ptr_null(explain_encode(table, config, &health, &asked, &err));
	ck_assert_str_eq(err.at, "path");
}
END_TEST

START_TEST(a_session_has_its_place)
{
	unsigned homes = 0;
	table_unref(table);
	table = assemble_table(config, MONDAY_MS + 9 * 3600000, NULL);
	table->policies[GROUP_CLAUDE].pick = PICK_WEIGHTED;
	for (unsigned i = 0; i < 64; i++) {
		char key[16];
		struct err err;
		const char *first = NULL;
		snprintf(key, sizeof(key), "s%u", i);
		asked.session = view_of(key);
		for (unsigned k = 0; k < 2; k++) {
			json_decref(answer);
			answer = explain_encode(table, config, &health, &asked, &err);
			ck_assert(first == NULL || strcmp(first, serves()) == 0);
			first = strcmp(serves(), "claude:day") == 0 ? "claude:day" : "claude:main";
		}
		homes |= strcmp(first, "claude:day") == 0 ? 1u : 2u;
	}
	ck_assert_uint_eq(homes, 3);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("explain");
	TCase *tcase = tcase_create("explain");
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, each_has_its_place_or_its_reason);
	tcase_add_test(tcase, names_of_models_are_those_sent);
	tcase_add_test(tcase, who_rests_is_told_with_the_reason_and_the_end);
	tcase_add_test(tcase, paths_and_groups);
	tcase_add_test(tcase, a_session_has_its_place);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
