/* From words to rules: strategies, policies and limits, each old word by its name. */
#include "rules.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct config *config;
static struct table *table;

static void
teardown(void)
{
	config_free(config);
	config = NULL;
	table_unref(table);
	table = NULL;
}

static void
take(const char *text)
{
	struct faults faults = {0};
	teardown();
	ck_assert_msg(config_parse(view_of(text), &config, &faults), "%s", text);
	faults_fini(&faults);
	table = table_new();
	rules_strategies(config, table);
}

static enum strategy
of(unsigned status)
{
	return strategies_of_status(&table->strategies, status);
}

START_TEST(strategies_without_words)
{
	static const unsigned own_fault[] = {400, 404, 405, 409, 413, 415, 418, 422, 451};
	static const unsigned keys[] = {401, 402, 403};
	static const unsigned others[] = {
	    300, 307, 408, 429, 500, 501, 502, 503, 504, 520, 524, 529, 599};
	take("{}");
	for (size_t i = 0; i < sizeof(own_fault) / sizeof(own_fault[0]); i++)
		ck_assert_int_eq(of(own_fault[i]), STRATEGY_NORMAL);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		ck_assert_int_eq(of(keys[i]), STRATEGY_SWITCH_API);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_msg(of(others[i]) == STRATEGY_RETRY_NODE, "%u", others[i]);
	const enum strategy *network = table->strategies.network;
	for (size_t i = 0; i < NETWORK_ERROR_COUNT; i++)
		ck_assert_int_eq(network[i],
		    i == NETWORK_READ_TIMEOUT ? STRATEGY_RETRY_NODE : STRATEGY_SWITCH_API);
}
END_TEST

/* The file that earlier versions shipped: all switch_api, 404 normal_retry, networks normal_retry.
 * It is the owner's word: no hidden list of codes goes before it. */
START_TEST(http_status_codes_of_the_old_sample)
{
	take("{\"error_handling_strategies\": {\"http_status_codes\": {\"400\": \"switch_api\","
	     "\"401\": \"switch_api\", \"404\": \"normal_retry\", \"429\": \"switch_api\","
	     "\"500\": \"switch_api\", \"default\": \"switch_api\"}, \"network_errors\": {"
	     "\"ReadError\": \"normal_retry\", \"ConnectError\": \"normal_retry\","
	     "\"ReadTimeout\": \"normal_retry\", \"default\": \"switch_api\"}}}");
	ck_assert_int_eq(of(400), STRATEGY_SWITCH_API);
	ck_assert_int_eq(of(404), STRATEGY_NORMAL);
	ck_assert_int_eq(of(429), STRATEGY_SWITCH_API);
	ck_assert_int_eq(of(529), STRATEGY_SWITCH_API); /* default is used */
	ck_assert_int_eq(of(502), STRATEGY_RETRY_NODE); /* left out: as built in */
	ck_assert_int_eq(of(422), STRATEGY_NORMAL);
	const enum strategy *network = table->strategies.network;
	ck_assert_int_eq(network[NETWORK_CONNECT_ERROR], STRATEGY_NORMAL);
	ck_assert_int_eq(network[NETWORK_READ_ERROR], STRATEGY_NORMAL);
	ck_assert_int_eq(network[NETWORK_READ_TIMEOUT], STRATEGY_NORMAL);
	ck_assert_int_eq(network[NETWORK_CONNECT_TIMEOUT], STRATEGY_SWITCH_API);
	ck_assert_int_eq(network[NETWORK_PROTOCOL_ERROR], STRATEGY_SWITCH_API);
}
END_TEST

START_TEST(a_code_goes_before_its_class_and_that_before_the_rest)
{
	take("{\"error_handling_strategies\": {\"http_status_codes\": {\"503\": \"normal_retry\","
	     "\"5xx\": \"switch_api\", \"4xx\": \"strategy_retry\", \"default\": \"normal_retry\"},"
	     "\"network_errors\": {\"WriteError\": \"strategy_retry\"}}}");
	ck_assert_int_eq(of(503), STRATEGY_NORMAL);
	ck_assert_int_eq(of(500), STRATEGY_SWITCH_API);
	ck_assert_int_eq(of(529), STRATEGY_SWITCH_API);
	ck_assert_int_eq(of(400), STRATEGY_RETRY_NODE);
	ck_assert_int_eq(of(302), STRATEGY_NORMAL);
	ck_assert_int_eq(table->strategies.network[NETWORK_WRITE_ERROR], STRATEGY_RETRY_NODE);
	/* Ranges are whole and in order. */
	unsigned next = 300;
	for (size_t i = 0; i < table->strategies.count; i++) {
		ck_assert_uint_eq(table->strategies.ranges[i].first, next);
		next = table->strategies.ranges[i].last + 1;
	}
	ck_assert_uint_eq(next, 600);
}
END_TEST

START_TEST(every_status_its_own_strategy_fits)
{
	static const char *const words[] = {"switch_api", "strategy_retry", "normal_retry"};
	static char text[32768] =
	    "{\"error_handling_strategies\": {\"http_status_codes\": {\"default\": \"switch_api\"";
	for (unsigned i = 300; i < 600; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), ", \"%u\": \"%s\"", i,
		    words[i % 3]);
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "}}}");
	take(text);
	ck_assert_uint_eq(table->strategies.count, 300);
	for (unsigned i = 300; i < 600; i++)
		ck_assert_int_eq(of(i), (enum strategy)(i % 3));
}
END_TEST

START_TEST(policies)
{
	take("{}");
	struct group_policy policy = rules_policy(config, GROUP_CHAT);
	ck_assert_int_eq(policy.pick, PICK_ORDER);
	ck_assert_int_eq(policy.hedge, HEDGE_OFF);
	ck_assert_uint_eq(policy.affinity_ttl_ms, 300000);
	ck_assert_uint_eq(policy.attempts_max, 8);
	ck_assert_uint_eq(policy.same_upstream_retries, 1);
	ck_assert_uint_eq(policy.retry_budget_percent, 10);
	ck_assert_uint_eq(policy.retry_burst, 20);
	ck_assert_uint_eq(policy.retry_deadline_ms, 300000);
	ck_assert_uint_eq(policy.keepalive_ms, 0);
	take("{\"server\": {\"attempts_max\": 5}, \"routing\": {\"claude\": {\"pick\": "
	     "\"lowest_latency\", \"affinity_seconds\": 0, \"hedge\": \"auto\","
	     "\"hedge_after_seconds\": 2.5, \"hedge_budget_percent\": 7, \"keepalive_seconds\": 15,"
	     "\"attempts_max\": 3, \"retry_budget_percent\": 20, \"retry_burst\": 1,"
	     "\"retry_deadline_seconds\": 0}, \"codex\": {\"pick\": \"weighted\"}, \"_note\": 1}}");
	policy = rules_policy(config, GROUP_CLAUDE);
	ck_assert_int_eq(policy.pick, PICK_LOWEST_LATENCY);
	ck_assert_uint_eq(policy.affinity_ttl_ms, 0);
	ck_assert_int_eq(policy.hedge, HEDGE_AUTO);
	ck_assert_uint_eq(policy.hedge_after_ms, 2500);
	ck_assert_uint_eq(policy.hedge_budget_percent, 7);
	ck_assert_uint_eq(policy.keepalive_ms, 15000);
	ck_assert_uint_eq(policy.attempts_max, 3);
	ck_assert_uint_eq(policy.retry_budget_percent, 20);
	ck_assert_uint_eq(policy.retry_burst, 1);
	ck_assert_uint_eq(policy.retry_deadline_ms, 0);
	policy = rules_policy(config, GROUP_CODEX);
	ck_assert_int_eq(policy.pick, PICK_WEIGHTED);
	ck_assert_uint_eq(policy.attempts_max, 5);
}
END_TEST

START_TEST(max_retries)
{
	static const struct {
		const char *words;
		unsigned again;
	} rows[] = {{"0", 0}, {"1", 0}, {"4", 3}, {"100000", TABLE_ATTEMPTS_MAX - 1}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[128];
		snprintf(text, sizeof(text), "{\"timeout_settings\": {\"max_retries\": %s}}",
		    rows[i].words);
		take(text);
		for (unsigned g = 0; g < GROUP_COUNT; g++) {
			struct group_policy policy = rules_policy(config, (enum group)g);
			ck_assert_uint_eq(policy.same_upstream_retries, rows[i].again);
			ck_assert_uint_eq(
			    policy.attempts_max, 8); /* failover is not switched off */
		}
	}
}
END_TEST

START_TEST(api_error_threshold_and_codex_error_threshold)
{
	take("{\"timeout_settings\": {\"api_error_threshold\": 5, \"codex_error_threshold\": 0}}");
	for (unsigned g = 0; g < GROUP_COUNT; g++)
		ck_assert_uint_eq(
		    rules_limits(config, (enum group)g).threshold, g == GROUP_CODEX ? 1 : 5);
	take("{}");
	ck_assert_uint_eq(rules_limits(config, GROUP_CODEX).threshold, 3);
}
END_TEST

START_TEST(api_cooldown_seconds_and_its_bounds)
{
	take("{}");
	struct health_limits limits = rules_limits(config, GROUP_CODEX);
	ck_assert_uint_eq(limits.cooldown_ms, 600000);
	ck_assert_uint_eq(limits.rate_limit_ms, 30000);
	ck_assert_uint_eq(limits.max_ms, 900000);
	ck_assert_uint_eq(limits.probe_max_ms, 30000);
	take("{\"timeout_settings\": {\"api_cooldown_seconds\": 1800, \"cooldown_max_seconds\": 60,"
	     "\"rate_limit_cooldown_seconds\": 5, \"primary_api_check_interval\": 2.5}}");
	limits = rules_limits(config, GROUP_CLAUDE);
	ck_assert_uint_eq(limits.cooldown_ms, 1800000);
	ck_assert_uint_eq(limits.max_ms, 1800000); /* the owner's rest is never cut */
	ck_assert_uint_eq(limits.rate_limit_ms, 5000);
	ck_assert_uint_eq(limits.probe_max_ms, 2500);
	take("{\"timeout_settings\": {\"api_cooldown_seconds\": 0}}");
	ck_assert_uint_eq(rules_limits(config, GROUP_CLAUDE).cooldown_ms, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("rules");
	TCase *tcase = tcase_create("rules");
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, strategies_without_words);
	tcase_add_test(tcase, http_status_codes_of_the_old_sample);
	tcase_add_test(tcase, a_code_goes_before_its_class_and_that_before_the_rest);
	tcase_add_test(tcase, every_status_its_own_strategy_fits);
	tcase_add_test(tcase, policies);
	tcase_add_test(tcase, max_retries);
	tcase_add_test(tcase, api_error_threshold_and_codex_error_threshold);
	tcase_add_test(tcase, api_cooldown_seconds_and_its_bounds);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
