/* Every word of the configuration: a good value is taken and kept, a bad one refused by its path.
 */
#include "config.h"
#include "schema.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHA "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""
#define UP "\"base_url\": \"https://a.test\", \"key\": \"sk-secretcanary\""

static void
expect_kept(const char *text, const char *section, bool list, const char *key, const char *good)
{
	struct config *config;
	struct faults faults = {0};
	struct bytes printed;
	ck_assert_msg(config_parse(view_of(text), &config, &faults), "refused: %s: %s", text,
	    faults.count > 0 ? faults.items[0].msg : "");
	bytes_init(&printed, CONFIG_BYTES_MAX);
	ck_assert(config_print(config->root, &printed));
	json_t *again = json_loads(bytes_str(&printed), 0, NULL);
	json_t *wanted = json_loads(good, JSON_DECODE_ANY, NULL);
	json_t *obj = json_object_get(again, section);
	obj = list ? json_array_get(obj, 0) : obj;
	ck_assert_msg(json_equal(json_object_get(obj, key), wanted), "not kept: %s", text);
	json_decref(again);
	json_decref(wanted);
	bytes_fini(&printed);
	config_free(config);
	faults_fini(&faults);
}

static void
expect_refused(const char *text, const char *path)
{
	struct config *config;
	struct faults faults = {0};
	ck_assert_msg(!config_parse(view_of(text), &config, &faults), "taken: %s", text);
	ck_assert_ptr_null(config);
	ck_assert_uint_eq(faults.errors, 1);
	/* What stands in a list or map has a path below it. */
	ck_assert_msg(strncmp(faults.items[0].path, path, strlen(path)) == 0, "%s, not %s",
	    faults.items[0].path, path);
	faults_fini(&faults);
}

/* `others`: the members that an entry of a list needs; NULL = the section is no list. */
static void
try_word(
    const char *section, const char *others, const char *key, const char *good, const char *bad)
{
	char text[1024], path[128];
	const char *open = others != NULL ? "[{" : "{", *close = others != NULL ? "}]" : "}";
	const char *comma = others != NULL ? ", " : "", *before = others != NULL ? others : "";
	static const char format[] = "{\"%s\": %s%s%s\"%s\": %s%s}";
	snprintf(path, sizeof(path), "%s%s.%s", section, others != NULL ? "[0]" : "", key);
	snprintf(text, sizeof(text), format, section, open, before, comma, key, good, close);
	expect_kept(text, section, others != NULL, key, good);
	if (bad == NULL)
		return; /* any value will do */
	snprintf(text, sizeof(text), format, section, open, before, comma, key, bad, close);
	expect_refused(text, path);
}

/* section, other members it needs (NULL = the section is an object), word, good, bad */
#define UPSTREAM_WORDS(X, list)                                                                    \
	X(list, "\"key\": \"k\"", base_url, "\"https://a.test/v1\"", "\"ftp://a.test\"")           \
	X(list, "\"base_url\": \"http://a\"", key, "\"12345\"", "\"a\\nb\"")                       \
	X(list, UP, id, "\"one.2-3_\"", "\"a b\"")                                                 \
	X(list, UP, name, "\"\xe4\xb8\xbb\"", "7")                                                 \
	X(list, UP, type, "\"backup\"", "1")                                                       \
	X(list, UP, enabled, "false", "\"yes\"")                                                   \
	X(list, UP, protocol, "\"chat\"", "1")                                                     \
	X(list, UP, time_enabled, "[1, 0, true, false, 1, 1, 0]", "[1, 2, 1, 1, 1, 1, 1]")         \
	X(list, UP, hours, "[\"09:00-17:30\"]", "[\"9-17\"]")                                      \
	X(list, UP, dates, "{\"12-25\": \"off\"}", "{\"12-25\": \"shut\"}")                        \
	X(list, UP, time_zone, "\"Europe/Berlin\"", "7")                                           \
	X(list, UP, weight, "100", "0")                                                            \
	X(list, UP, price_factor, "0.5", "-1")                                                     \
	X(list, UP, models, "[\"claude-*\", \"gpt-5\"]", "[\"\"]")                                 \
	X(list, UP, model_map, "{\"gpt-*\": \"x/*\"}", "{\"gpt-4\": \"x/*\"}")                     \
	X(list, UP, accepts, "[\"top_k\", \"stops_here\"]", "[\"top_k\", \"top_q\"]")              \
	X(list, UP, fold, "\"converted\"", "\"some\"")                                             \
	X(list, UP, activation_enabled, "true", "\"true\"")                                        \
	X(list, UP, activation_time, "\"08:00\"", "\"24:00\"")                                     \
	X(list, UP, created_at, "\"2026-11-22T18:24:22.877477\"", NULL)                            \
	X(list, UP, updated_at, "\"2026-11-22T18:24:22.877477\"", NULL)

#define PRICED "\"model\": \"m\", \"input\": 1, \"output\": 2"
#define KEYED "\"sha256\": " SHA
#define USER "\"name\": \"ann\", \"token_sha256\": " SHA
#define MODEL "\"source_model\": \"a\", \"target_model\": \"b\""
#define MODEL_WORDS(X)                                                                             \
	X(model_conversions, MODEL, name, "\"n\"", "[]")                                           \
	X(model_conversions, "\"target_model\": \"b\"", source_model, "\"a\"", "\"\"")             \
	X(model_conversions, "\"source_model\": \"a\"", target_model, "\"b\"", "{}")               \
	X(model_conversions, MODEL, conversion_type, "\"full_format\"", "false")                   \
	X(model_conversions, MODEL, enabled, "false", "3")                                         \
	X(model_conversions, MODEL, id, "\"m1\"", "\"\"")                                          \
	X(model_conversions, MODEL, created_at, "\"now\"", NULL)                                   \
	X(model_conversions, MODEL, updated_at, "\"now\"", NULL)

#define ABLE "\"pattern\": \"grok-*\""
#define ABLE_WORDS(X)                                                                              \
	X(model_capabilities, "\"sampling\": true", pattern, "\"*\"", "\"\"")                      \
	X(model_capabilities, ABLE, thinking, "\"adaptive\"", "\"adaptve\"")                       \
	X(model_capabilities, ABLE, thinking_always, "true", "\"yes\"")                            \
	X(model_capabilities, ABLE, sampling, "false", "2")                                        \
	X(model_capabilities, ABLE, sampling_both, "0", "-1")                                      \
	X(model_capabilities, ABLE, system_mid, "1", "[]")                                         \
	X(model_capabilities, ABLE, prefill, "true", "{}")                                         \
	X(model_capabilities, ABLE, effort_xhigh, "true", "\"\"")                                  \
	X(model_capabilities, ABLE, effort_max, "false", "\"max\"")                                \
	X(model_capabilities, ABLE, json_schema, "true", "0.5")                                    \
	X(model_capabilities, ABLE, max_output_tokens, "32000", "0")                               \
	X(model_capabilities, ABLE, max_effort_budget, "31999", "100000001")                       \
	X(model_capabilities, ABLE, id, "\"c1\"", "\"a b\"")

#define TIMEOUT_WORDS(X)                                                                           \
	X(timeout_settings, NULL, connect_timeout, "30", "0")                                      \
	X(timeout_settings, NULL, write_timeout, "60.5", "-1")                                     \
	X(timeout_settings, NULL, pool_timeout, "120", "\"120\"")                                  \
	X(timeout_settings, NULL, streaming_read_timeout, "90", "86401")                           \
	X(timeout_settings, NULL, non_streaming_read_timeout, "299", "true")                       \
	X(timeout_settings, NULL, extended_connect_timeout, "300", "[]")                           \
	X(timeout_settings, NULL, strategy_retry_read_timeout, "60", "{}")                         \
	X(timeout_settings, NULL, retry_read_timeout, "60", "0")                                   \
	X(timeout_settings, NULL, api_cooldown_seconds, "600", "-0.5")                             \
	X(timeout_settings, NULL, rate_limit_cooldown_seconds, "30", "0")                          \
	X(timeout_settings, NULL, cooldown_max_seconds, "900", "0.5")                              \
	X(timeout_settings, NULL, api_error_threshold, "3", "-1")                                  \
	X(timeout_settings, NULL, codex_error_threshold, "0", "\"three\"")                         \
	X(timeout_settings, NULL, codex_base_timeout, "60", "0")                                   \
	X(timeout_settings, NULL, codex_timeout_increment, "60", "-60")                            \
	X(timeout_settings, NULL, codex_connect_timeout, "90", "0")                                \
	X(timeout_settings, NULL, primary_api_check_interval, "30", "-30")                         \
	X(timeout_settings, NULL, max_retries, "1", "-1")                                          \
	X(timeout_settings, NULL, modify_retry_headers, "true", "\"true\"")                        \
	X(timeout_settings, NULL, billing_send_interval, "1.0", "-1")                              \
	X(timeout_settings, NULL, billing_cycle_delay, "60", "\"\"")                               \
	X(timeout_settings, NULL, health_check_interval, "0.5", "1e9")                             \
	X(timeout_settings, NULL, stream_retry_wait, "1", "-1")                                    \
	X(timeout_settings, NULL, updated_at, "\"2026-11-22\"", NULL)

#define OTHER_WORDS(X)                                                                             \
	X(error_handling_strategies, NULL, http_status_codes,                                      \
	    "{\"404\": \"normal_retry\", \"5xx\": \"switch_api\", \"default\": "                   \
	    "\"strategy_retry\"}",                                                                 \
	    "{\"5o0\": \"switch_api\"}")                                                           \
	X(error_handling_strategies, NULL, network_errors, "{\"ReadTimeout\": \"normal_retry\"}",  \
	    "{\"ReadError\": \"retry\"}")                                                          \
	X(error_handling_strategies, NULL, updated_at, "1", NULL)                                  \
	X(optimization_settings, NULL, enable_cache_control_limit, "false", "\"no\"")              \
	X(optimization_settings, NULL, updated_at, "\"x\"", NULL)                                  \
	X(optimization_settings, NULL, chat_model_map, "{\"gpt-*\": \"c\"}",                       \
	    "{\"gpt-4\": \"x/*\"}")                                                                \
	X(optimization_settings, NULL, learn, "false", "\"no\"")                                   \
	X(activation, NULL, model_anthropic, "\"m\"", "\"\"")                                      \
	X(activation, NULL, model_chat, "\"m\"", "7")                                              \
	X(activation, NULL, model_responses, "\"m\"", "[]")                                        \
	X(activation, NULL, prompt, "\"hi\"", "\"\"")                                              \
	X(activation, NULL, max_tokens, "16", "0")                                                 \
	X(optimization_settings, NULL, learn_seconds, "3600", "0")                                 \
	X(optimization_settings, NULL, ask_usage, "false", "\"no\"")                               \
	X(prices, "\"input\": 1, \"output\": 2", model, "\"claude-*\"", "\"\"")                    \
	X(prices, PRICED, upstream, "\"claude:*\"", "7")                                           \
	X(prices, PRICED, from, "\"2026-02-28\"", "\"2026-02-29\"")                                \
	X(prices, "\"model\": \"m\", \"output\": 2", input, "1.25", "-1")                          \
	X(prices, "\"model\": \"m\", \"input\": 1", output, "10", "\"10\"")                        \
	X(prices, PRICED, cache_write_5m, "0", "-1")                                               \
	X(prices, PRICED, cache_write_1h, "2.5", "true")                                           \
	X(prices, PRICED, cache_read, "0.000001", "1000001")                                       \
	X(prices, PRICED, web_search, "10", "-10")                                                 \
	X(prices, PRICED, id, "\"p1\"", "\"\"")                                                    \
	X(client_keys, KEYED, allowed_groups, "[\"claude\"]", "[\"cloud\"]")                       \
	X(client_keys, KEYED, allowed_models, "[\"claude-*\"]", "7")                               \
	X(client_keys, KEYED, requests_per_minute, "60", "-1")                                     \
	X(client_keys, KEYED, tokens_per_minute, "100000", "\"1\"")                                \
	X(client_keys, KEYED, concurrent_requests, "4", "-1")                                      \
	X(client_keys, KEYED, tokens_per_day, "1000000", "-1")                                     \
	X(client_keys, KEYED, tokens_per_week, "1000000", "-1")                                    \
	X(client_keys, KEYED, tokens_per_month, "1000000", "-1")                                   \
	X(client_keys, KEYED, usd_per_day, "2.5", "-1")                                            \
	X(client_keys, KEYED, usd_per_week, "10", "true")                                          \
	X(client_keys, KEYED, usd_per_month, "100.25", "\"100\"")                                  \
	X(client_keys, KEYED, warn_percent, "90", "101")                                           \
	X(statistics, NULL, keep_days, "30", "0")                                                  \
	X(statistics, NULL, keep_mib, "8", "7")                                                    \
	X(statistics, NULL, time_zone, "\"Asia/Shanghai\"", "7")                                   \
	X(client_keys, "\"id\": \"a\"", sha256, SHA, "\"123\"")                                    \
	X(client_keys, "\"sha256\": " SHA, id, "\"me\"", "\"\"")                                   \
	X(client_keys, "\"sha256\": " SHA, name, "\"me\"", "1")                                    \
	X(client_keys, "\"sha256\": " SHA, enabled, "false", "2")                                  \
	X(client_keys, "\"sha256\": " SHA, created_at, "\"x\"", NULL)                              \
	X(admin, NULL, token_sha256, SHA, "\"token\"")                                             \
	X(admin, NULL, metrics_token_sha256, SHA, "\"token\"")                                     \
	X(server, NULL, body_limit_mib, "10", "0")                                                 \
	X(server, NULL, attempts_max, "3", "257")                                                  \
	X(server, NULL, admin_on_api_port, "false", "\"off\"")                                     \
	X(server, NULL, admin_remote, "true", "[]")                                                \
	X(server, NULL, allow_addresses, "[\"169.254.1.1\", \"fe80::1\"]", "[\"a b\"]")            \
	X(server, NULL, tls, "{\"cert_file\": \"/c\", \"key_file\": \"/k\"}",                      \
	    "{\"cert_file\": \"c\", \"key_file\": \"/k\"}")

#define ALERT_WORDS(X)                                                                             \
	X(alerts, NULL, on, "[\"disk\"]", "[\"disc\"]")                                            \
	X(alerts, NULL, log, "false", "\"no\"")                                                    \
	X(alerts, NULL, webhook_url, "\"https://a.test/x?y=1\"", "\"ftp://a.test\"")               \
	X(alerts, NULL, webhook_template, "\"slack\"", "\"slak\"")                                 \
	X(alerts, NULL, webhook_authorization, "\"Bearer x\"", "\"a\\nb\"")                        \
	X(alerts, NULL, webhook_chat, "\"-100\"", "7")                                             \
	X(alerts, NULL, command, "true", "\"/bin/sh\"")                                            \
	X(alerts, NULL, after_seconds, "0", "-1")                                                  \
	X(alerts, NULL, clear_seconds, "0.5", "86401")                                             \
	X(alerts, NULL, repeat_seconds, "0", "true")                                               \
	X(alerts, NULL, error_rate_percent, "50", "0")                                             \
	X(alerts, NULL, error_rate_requests, "1", "0")                                             \
	X(alerts, NULL, error_rate_seconds, "60", "0")                                             \
	X(alerts, NULL, certificate_days, "30", "-1")                                              \
	X(alerts, NULL, disk_free_mib, "0", "-1")

#define TRACING_WORDS(X)                                                                           \
	X(tracing, NULL, endpoint, "\"http://127.0.0.1:4318\"", "\"127.0.0.1:4318\"")              \
	X(tracing, NULL, headers, "\"api-key=x, b=c=d\"", "\"api key=x\"")                         \
	X(tracing, NULL, service_name, "\"gw\"", "\"\"")                                           \
	X(tracing, NULL, sample_ratio, "0.25", "1.5")

#define WORDS(X)                                                                                   \
	UPSTREAM_WORDS(X, api_configs)                                                             \
	UPSTREAM_WORDS(X, codex_configs)                                                           \
	UPSTREAM_WORDS(X, chat_configs)                                                            \
	UPSTREAM_WORDS(X, openai_to_claude_configs)                                                \
	UPSTREAM_WORDS(X, retry_configs)                                                           \
	MODEL_WORDS(X) ABLE_WORDS(X) TIMEOUT_WORDS(X) OTHER_WORDS(X) ALERT_WORDS(X) TRACING_WORDS(X)

#define DEFINE(section, others, key, good, bad)                                                    \
	START_TEST(word_##section##_##key)                                                         \
	{                                                                                          \
		try_word(#section, others, #key, good, bad);                                       \
	}                                                                                          \
	END_TEST
WORDS(DEFINE)
#define ADD(section, others, key, good, bad) tcase_add_test(tcase, word_##section##_##key);
#define COUNT(section, others, key, good, bad) +1

/* The words of "routing.<group>", each for each group. */
static const struct {
	const char *key, *good, *bad;
} routing_words[] = {
    {"pick", "\"least_in_flight\"", "7"},
    {"affinity_seconds", "0", "-1"},
    {"hedge", "\"auto\"", "true"},
    {"hedge_after_seconds", "2.5", "3601"},
    {"hedge_budget_percent", "100", "101"},
    {"keepalive_seconds", "15", "\"15\""},
    {"attempts_max", "256", "257"},
    {"retry_budget_percent", "1000", "1001"},
    {"retry_burst", "0", "[]"},
    {"retry_deadline_seconds", "86400", "86401"},
    {"convert", "\"backup\"", "7"},
    {"loss", "\"strict\"", "true"},
    {"total_stream_seconds", "600", "-1"},
    {"total_seconds", "600", "86401"},
    {"request_seconds", "0.5", "\"1\""},
};
#define ROUTING_WORDS (sizeof(routing_words) / sizeof(routing_words[0]))

START_TEST(words_of_routing)
{
	char good[256], bad[256], path[128], text[512];
	for (unsigned g = 0; g < GROUP_COUNT; g++) {
		const char *group = group_name((enum group)g), *key = routing_words[_i].key;
		snprintf(good, sizeof(good), "{\"%s\": %s}", key, routing_words[_i].good);
		snprintf(bad, sizeof(bad), "{\"%s\": %s}", key, routing_words[_i].bad);
		snprintf(text, sizeof(text), "{\"routing\": {\"%s\": %s}}", group, good);
		expect_kept(text, "routing", false, group, good);
		snprintf(text, sizeof(text), "{\"routing\": {\"%s\": %s}}", group, bad);
		snprintf(path, sizeof(path), "routing.%s.%s", group, key);
		expect_refused(text, path);
	}
}
END_TEST

START_TEST(what_is_odd_in_routing)
{
	struct faults faults = {0};
	struct config *config;
	expect_refused("{\"routing\": []}", "routing");
	expect_refused("{\"routing\": {\"codex\": 7}}", "routing.codex");
	ck_assert(config_parse(VIEW("{\"routing\": {\"cloud\": {}, \"claude\": {\"pik\": 1},"
				    "\"_x\": 1}}"),
	    &config, &faults));
	ck_assert_uint_eq(faults.count, 2); /* warnings */
	ck_assert_str_eq(faults.items[0].path, "routing.claude.pik");
	ck_assert_str_eq(faults.items[1].path, "routing.cloud");
	config_free(config);
	faults_fini(&faults);
}
END_TEST

/* The words of "admin.users": a list within an object. */
static const struct {
	const char *others, *key, *good, *bad;
} user_words[] = {
    {"\"token_sha256\": " SHA, "name", "\"ann\"", "\"\""},
    {"\"name\": \"ann\"", "token_sha256", SHA, "\"token\""},
    {USER, "id", "\"u1\"", "\"a b\""},
    {USER, "role", "\"admin\"", "\"root\""},
    {USER, "enabled", "false", "\"no\""},
    {USER, "created_at", "\"x\"", NULL},
    {USER, "updated_at", "\"x\"", NULL},
};
#define USER_WORDS (sizeof(user_words) / sizeof(user_words[0]))

START_TEST(words_of_users)
{
	static const char format[] = "{\"admin\": {\"users\": [{\"id\": \"a\", %s, \"%s\": %s}]}}";
	const char *others = user_words[_i].others, *key = user_words[_i].key;
	char good[256], bad[256], text[512], path[128];
	if (strcmp(key, "id") == 0) {
		snprintf(good, sizeof(good), "[{%s, \"id\": %s}]", others, user_words[_i].good);
		snprintf(text, sizeof(text), "{\"admin\": {\"users\": %s}}", good);
	} else {
		snprintf(good, sizeof(good), "[{\"id\": \"a\", %s, \"%s\": %s}]", others, key,
		    user_words[_i].good);
		snprintf(text, sizeof(text), format, others, key, user_words[_i].good);
	}
	expect_kept(text, "admin", false, "users", good);
	if (user_words[_i].bad == NULL)
		return;
	snprintf(bad, sizeof(bad), "[{%s, \"%s\": %s}]", others, key, user_words[_i].bad);
	snprintf(text, sizeof(text), "{\"admin\": {\"users\": %s}}", bad);
	snprintf(path, sizeof(path), "admin.users[0].%s", key);
	expect_refused(text, path);
}
END_TEST

START_TEST(users_are_told_apart)
{
	expect_refused("{\"admin\": {\"users\": [{\"name\": \"ann\", \"token_sha256\": " SHA
		       "}, {\"name\": \"Ann\", \"token_sha256\": "
		       "\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"}]}}",
	    "admin.users[1].name");
	expect_refused("{\"admin\": {\"users\": [{\"name\": \"ann\", \"token_sha256\": " SHA
		       "}, {\"name\": \"bob\", \"token_sha256\": " SHA "}]}}",
	    "admin.users[1].token_sha256");
	expect_refused("{\"admin\": {\"users\": {}}}", "admin.users");
}
END_TEST

START_TEST(what_is_odd_in_tracing)
{
	expect_refused(
	    "{\"tracing\": {\"endpoint\": \"https://a.test/?x=1\"}}", "tracing.endpoint");
	expect_refused(
	    "{\"tracing\": {\"endpoint\": \"http://169.254.169.254\"}}", "tracing.endpoint");
	expect_refused("{\"tracing\": {\"headers\": \"a=b,secretcanary\"}}", "tracing.headers");
	expect_refused("{\"tracing\": {\"headers\": \"=b\"}}", "tracing.headers");
}
END_TEST

START_TEST(what_is_odd_in_alerts)
{
	struct faults faults = {0};
	struct config *config;
	expect_refused("{\"alerts\": []}", "alerts");
	expect_refused("{\"alerts\": {\"webhook_url\": \"https://\"}}", "alerts.webhook_url");
	expect_refused(
	    "{\"alerts\": {\"webhook_url\": \"https://a.test/#x\"}}", "alerts.webhook_url");
	expect_refused(
	    "{\"alerts\": {\"webhook_url\": \"http://169.254.169.254/x\"}}", "alerts.webhook_url");
	expect_refused("{\"alerts\": {\"webhook_template\": \"telegram\"}}", "alerts.webhook_chat");
	ck_assert(
	    config_parse(VIEW("{\"alerts\": {\"webhook_url\": \"http://a.test/secretcanary\"}}"),
		&config, &faults));
	ck_assert_uint_eq(faults.count, 1);
	ck_assert_ptr_null(strstr(faults.items[0].msg, "secretcanary"));
	config_free(config);
	faults_fini(&faults);
}
END_TEST

/* As many as the schema has (server.tls has two rows and one test here). */
START_TEST(every_word_has_its_test)
{
	size_t count, expected = 0;
	const struct schema_row *rows = schema_rows(&count);
	for (size_t i = 0; i < count; i++)
		expected += strcmp(rows[i].part, SCHEMA_UPSTREAMS) == 0 ? 5 : 1;
	ck_assert_uint_eq(0 WORDS(COUNT), expected - 1 - ROUTING_WORDS - USER_WORDS);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("config_words");
	TCase *tcase = tcase_create("config_words");
	suite_add_tcase(suite, tcase);
	WORDS(ADD)
	tcase_add_loop_test(tcase, words_of_routing, 0, (int)ROUTING_WORDS);
	tcase_add_test(tcase, what_is_odd_in_routing);
	tcase_add_loop_test(tcase, words_of_users, 0, (int)USER_WORDS);
	tcase_add_test(tcase, users_are_told_apart);
	tcase_add_test(tcase, what_is_odd_in_alerts);
	tcase_add_test(tcase, what_is_odd_in_tracing);
	tcase_add_test(tcase, every_word_has_its_test);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
