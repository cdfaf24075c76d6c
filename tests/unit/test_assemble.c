/* From the configuration to the routing table. */
#include "assemble.h"
#include "choose.h"
#include "jget.h"
#include "mem.h"
#include "schema.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHA "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""
#define SHA2 "\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\""
#define UP "\"base_url\": \"https://a.test\", \"key\": \"sk-1\""
#define DEMO "http://127.0.0.1:5103"
#define MONDAY_MS 1774828800000 /* 2026-03-30 00:00 UTC */
#define HOUR_MS 3600000

static struct table *
assemble_at(const char *text, int64_t wall_ms)
{
	struct faults faults = {0};
	struct config *config;
	ck_assert_msg(config_parse(view_of(text), &config, &faults), "%s", text);
	struct table *table = assemble_table(config, wall_ms, DEMO);
	config_free(config);
	faults_fini(&faults);
	/* What is made can be sent. */
	json_t *json = table_encode(table);
	struct table *again;
	struct err err;
	ck_assert_msg(table_decode(json, &again, &err), "%s: %s", err.at, err.msg);
	ck_assert(assemble_equal(table, again));
	json_decref(json);
	table_unref(again);
	return table;
}

static struct table *
assemble(const char *text)
{
	return assemble_at(text, MONDAY_MS);
}

START_TEST(every_list_becomes_its_group)
{
	static const struct {
		const char *word;
		enum group group;
		enum protocol protocol;
	} lists[] = {
	    {"api_configs", GROUP_CLAUDE, PROTOCOL_ANTHROPIC},
	    {"codex_configs", GROUP_CODEX, PROTOCOL_RESPONSES},
	    {"chat_configs", GROUP_CHAT, PROTOCOL_CHAT},
	    {"openai_to_claude_configs", GROUP_CHAT_VIA_CLAUDE, PROTOCOL_ANTHROPIC},
	    {"retry_configs", GROUP_RETRY, PROTOCOL_ANTHROPIC},
	};
	char text[256], id[64];
	for (size_t i = 0; i < GROUP_COUNT; i++) {
		snprintf(text, sizeof(text), "{\"%s\": [{" UP ", \"id\": \"x\", \"name\": \"n\"}]}",
		    lists[i].word);
		struct table *table = assemble(text);
		for (unsigned g = 0; g < GROUP_COUNT; g++)
			ck_assert_uint_eq(table->groups[g].count, g == lists[i].group ? 1 : 0);
		const struct upstream_entry *entry = &table->groups[lists[i].group].entries[0];
		snprintf(id, sizeof(id), "%s:x", group_name(lists[i].group));
		ck_assert_str_eq(entry->id, id);
		ck_assert_str_eq(entry->name, "n");
		ck_assert_str_eq(entry->base_url, "https://a.test");
		ck_assert(view_eq_str(secret_reveal(&entry->key), "sk-1"));
		ck_assert_int_eq(entry->protocol, lists[i].protocol);
		ck_assert(entry->available && !entry->demo);
		table_unref(table);
	}
}
END_TEST

START_TEST(order_and_tier_are_kept_and_disabled_ones_left_out)
{
	struct table *table = assemble("{\"api_configs\": ["
				       "{" UP ", \"id\": \"a\", \"type\": \"backup\"},"
				       "{" UP ", \"id\": \"b\", \"enabled\": false},"
				       "{" UP ", \"id\": \"c\"},"
				       "{" UP ", \"id\": \"d\", \"type\": \"other\"}]}");
	const struct upstream_list *list = &table->groups[GROUP_CLAUDE];
	ck_assert_uint_eq(list->count, 3);
	ck_assert_str_eq(list->entries[0].id, "claude:a");
	ck_assert_int_eq(list->entries[0].tier, TIER_BACKUP);
	ck_assert_str_eq(list->entries[1].id, "claude:c");
	ck_assert_int_eq(list->entries[2].tier, TIER_PRIMARY);
	ck_assert_uint_eq(assemble_rank(list, 0), 3); /* the backup is tried last */
	ck_assert_uint_eq(assemble_rank(list, 1), 1);
	ck_assert_uint_eq(assemble_rank(list, 2), 2);
	table_unref(table);
}
END_TEST

START_TEST(the_day_decides_what_is_available)
{
	static const char text[] =
	    "{\"chat_configs\": [{" UP ", \"time_enabled\": [1,1,1,1,1,0,0],"
	    "\"time_zone\": \"UTC\"}, {" UP ", \"time_enabled\": [0,0,0,0,0,1,1],"
	    "\"time_zone\": \"UTC\"}]}";
	for (int64_t day = 0; day < 7; day++) {
		struct table *table = assemble_at(text, MONDAY_MS + day * 24 * HOUR_MS);
		ck_assert_uint_eq(table->groups[GROUP_CHAT].count, 2);
		ck_assert_int_eq(table->groups[GROUP_CHAT].entries[0].available, day < 5);
		ck_assert_int_eq(table->groups[GROUP_CHAT].entries[1].available, day >= 5);
		ck_assert_int_eq(
		    table->groups[GROUP_CHAT].entries[1].off, day >= 5 ? OFF_NOT : OFF_SCHEDULE);
		table_unref(table);
	}
}
END_TEST

/* For each of the 128 masks an upstream that alone serves a model of its own, and one backup for
 * all: who is selected in each hour of a week? */
START_TEST(every_mask_in_every_hour_selects_as_it_says)
{
	static char text[32768] = "{\"api_configs\": [";
	static struct choose_place places[TABLE_UPSTREAMS_MAX];
	struct faults faults = {0};
	struct config *config;
	unsigned checks = 0;
	for (unsigned m = 0; m < 128; m++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
		    "{" UP ", \"id\": \"%u\", \"models\": [\"m%u\"], \"time_zone\": \"UTC\","
		    "\"time_enabled\": [%u,%u,%u,%u,%u,%u,%u]},",
		    m, m, m & 1, m >> 1 & 1, m >> 2 & 1, m >> 3 & 1, m >> 4 & 1, m >> 5 & 1,
		    m >> 6 & 1);
	snprintf(text + strlen(text), sizeof(text) - strlen(text),
	    "{" UP ", \"id\": \"backup\", \"type\": \"backup\"}]}");
	ck_assert(config_parse(view_of(text), &config, &faults));
	for (unsigned hour = 0; hour < 168; hour++) {
		struct table *table = assemble_table(config, MONDAY_MS + hour * HOUR_MS, NULL);
		for (unsigned m = 0; m < 128; m++, checks++) {
			char model[8];
			snprintf(model, sizeof(model), "m%u", m);
			struct choose_asked asked = {
			    .group = GROUP_CLAUDE, .model = view_of(model), .stay = -1};
			size_t may = choose_order(table, &asked, places);
			bool on = (m >> (hour / 24) & 1) != 0;
			ck_assert_uint_eq(may, on ? 2 : 1);
			ck_assert_uint_eq(places[0].entry, on ? m : 128);
		}
		table_unref(table);
	}
	ck_assert_uint_eq(checks, 21504);
	config_free(config);
	faults_fini(&faults);
}
END_TEST

START_TEST(words_of_an_upstream)
{
	struct table *table =
	    assemble("{\"api_configs\": [{" UP "}, {\"base_url\": \"http://169.254.1.2/x\","
		     "\"key\": \"k\", \"weight\": 7, \"models\": [\"a*\", \"b\"],"
		     "\"model_map\": {\"a-*\": \"x/*\", \"b\": \"c\"}}],"
		     "\"server\": {\"allow_addresses\": [\"169.254.1.2\"]},"
		     "\"routing\": {\"claude\": {\"pick\": \"weighted\"}}}");
	const struct upstream_entry *plain = &table->groups[GROUP_CLAUDE].entries[0];
	const struct upstream_entry *entry = plain + 1;
	ck_assert_uint_eq(plain->weight, 1);
	ck_assert_uint_eq(plain->model_count, 0);
	ck_assert_uint_eq(plain->rename_count, 0);
	ck_assert(!plain->any_address);
	ck_assert(entry->any_address);
	ck_assert_uint_eq(entry->weight, 7);
	ck_assert_uint_eq(entry->model_count, 2);
	ck_assert_str_eq(entry->models[0].pattern, "a*");
	ck_assert_str_eq(entry->renames[0].from, "a-*");
	ck_assert_str_eq(entry->renames[0].to, "x/*");
	ck_assert_str_eq(entry->renames[1].to, "c");
	ck_assert_int_eq(table->policies[GROUP_CLAUDE].pick, PICK_WEIGHTED);
	ck_assert_int_eq(table->policies[GROUP_CODEX].pick, PICK_ORDER);
	ck_assert_uint_gt(table->strategies.count, 1);
	table_unref(table);
}
END_TEST

START_TEST(health_decides_what_is_available)
{
	static const struct health_limits limits = {3, 600000, 30000, 900000, 30000};
	struct health health = {0};
	struct faults faults = {0};
	struct config *config;
	char id[] = "claude:x", model[] = "opus";
	struct report_outcome outcome = {.upstream = id,
	    .model = model,
	    .blame = BLAME_MODEL,
	    .status = 404,
	    .generate = true,
	    .count = 3};
	ck_assert(config_parse(VIEW("{\"api_configs\": [{" UP ", \"id\": \"x\"}, {" UP
				    ", \"id\": \"y\", \"time_enabled\": [0],"
				    "\"time_zone\": \"UTC\"}]}"),
	    &config, &faults));
	struct table *table = assemble_table(config, MONDAY_MS, NULL);
	health_set_limits(&health, GROUP_CLAUDE, &limits, 5000);
	health_sync(&health, table);
	health_note(&health, &outcome, 5000);
	outcome.blame = BLAME_UPSTREAM;
	health_note(&health, &outcome, 5000);
	health_probe_now(&health, "claude:x");
	outcome.upstream[7] = 'y';
	health_note(&health, &outcome, 5000);
	assemble_health(table, &health, 6000, MONDAY_MS);
	const struct upstream_entry *x = &table->groups[GROUP_CLAUDE].entries[0], *y = x + 1;
	ck_assert(!x->available);
	ck_assert_int_eq(x->off, OFF_COOLING);
	ck_assert_int_eq(x->resume_at_ms, MONDAY_MS + 605000);
	ck_assert_uint_eq(x->probe_every_ms, 1000);
	ck_assert_uint_eq(x->probe_seq, 1);
	ck_assert_uint_eq(x->cooling_count, 1);
	ck_assert_str_eq(x->cooling[0].model, "opus");
	ck_assert_int_eq(x->cooling[0].until_ms, MONDAY_MS + 605000);
	ck_assert_int_eq(y->off, OFF_SCHEDULE); /* its owner's word first, and no probes then */
	ck_assert_uint_eq(y->probe_every_ms, 0);
	ck_assert_int_eq(y->resume_at_ms, MONDAY_MS + 86400000); /* not the end of its rest */
	table_unref(table);
	table = assemble_table(config, MONDAY_MS, NULL);
	assemble_health(table, &health, 605000, MONDAY_MS); /* when it is over */
	x = &table->groups[GROUP_CLAUDE].entries[0];
	ck_assert(x->available);
	ck_assert_uint_eq(x->ramp, 1);
	ck_assert_uint_eq(x->cooling_count, 0);
	table_unref(table);
	health_fini(&health);
	config_free(config);
	faults_fini(&faults);
}
END_TEST

START_TEST(the_demo_serves_while_nothing_is_configured)
{
	static const enum group groups[] = {GROUP_CLAUDE, GROUP_CODEX, GROUP_CHAT};
	struct table *table = assemble("{\"timeout_settings\": {}}");
	for (size_t i = 0; i < 3; i++) {
		const struct upstream_list *list = &table->groups[groups[i]];
		ck_assert_uint_eq(list->count, 1);
		ck_assert(list->entries[0].demo && list->entries[0].available);
		ck_assert_str_eq(list->entries[0].name, "Demo");
		ck_assert_str_eq(list->entries[0].base_url, DEMO);
		ck_assert(view_eq_str(secret_reveal(&list->entries[0].key), "demo"));
	}
	ck_assert_int_eq(table->groups[GROUP_CODEX].entries[0].protocol, PROTOCOL_RESPONSES);
	ck_assert_int_eq(table->groups[GROUP_CHAT].entries[0].protocol, PROTOCOL_CHAT);
	ck_assert_uint_eq(table->groups[GROUP_RETRY].count, 0);
	table_unref(table);
}
END_TEST

START_TEST(one_entry_anywhere_ends_the_demo)
{
	static const char *const words[] = {"api_configs", "codex_configs", "chat_configs",
	    "openai_to_claude_configs", "retry_configs"};
	char text[256];
	for (size_t i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "{\"%s\": [{" UP ", \"enabled\": false}]}", words[i]);
		struct table *table = assemble(text);
		for (unsigned g = 0; g < GROUP_COUNT; g++)
			ck_assert_uint_eq(table->groups[g].count, 0);
		table_unref(table);
	}
}
END_TEST

START_TEST(without_a_configuration_nobody_is_served)
{
	struct table *table = assemble_table(NULL, MONDAY_MS, DEMO);
	for (unsigned g = 0; g < GROUP_COUNT; g++)
		ck_assert_uint_eq(table->groups[g].count, 0);
	ck_assert_uint_eq(table->client_key_count, 0);
	table_unref(table);
	struct faults faults = {0};
	struct config *config;
	ck_assert(config_parse(VIEW("{}"), &config, &faults));
	table = assemble_table(config, MONDAY_MS, NULL); /* no demo either */
	ck_assert_uint_eq(table->groups[GROUP_CLAUDE].count, 0);
	table_unref(table);
	config_free(config);
}
END_TEST

START_TEST(client_keys_and_model_rules_that_are_enabled)
{
	struct table *table = assemble(
	    "{\"client_keys\": [{\"id\": \"a\", \"name\": \"me\", \"sha256\": " SHA "},"
	    "{\"sha256\": " SHA2 ", \"enabled\": false}],"
	    "\"model_conversions\": ["
	    "{\"source_model\": \"a\", \"target_model\": \"b\"},"
	    "{\"source_model\": \"c\", \"target_model\": \"d\", \"enabled\": false},"
	    "{\"source_model\": \"e\", \"target_model\": \"f\","
	    "\"conversion_type\": \"full_format\"},"
	    "{\"source_model\": \"g\", \"target_model\": \"h\", \"conversion_type\": \"odd\"}]}");
	ck_assert_uint_eq(table->client_key_count, 1);
	ck_assert_str_eq(table->client_keys[0].id, "a");
	ck_assert_str_eq(table->client_keys[0].name, "me");
	ck_assert_uint_eq(table->client_keys[0].sha256[31], 0xaa);
	ck_assert_uint_eq(table->model_rule_count, 3);
	ck_assert_str_eq(table->model_rules[0].source, "a");
	ck_assert_str_eq(table->model_rules[0].target, "b");
	ck_assert(!table->model_rules[0].full_format);
	ck_assert(table->model_rules[1].full_format);
	ck_assert(!table->model_rules[2].full_format);
	table_unref(table);
}
END_TEST

START_TEST(capabilities_are_what_the_rows_say_and_no_more)
{
	struct table *table =
	    assemble("{\"model_capabilities\": [{\"pattern\": \"grok-*\", \"thinking\": \"budget\","
		     "\"sampling\": false, \"prefill\": 1, \"json_schema\": null,"
		     "\"max_output_tokens\": 7000}, {\"pattern\": \"*\"}],"
		     "\"chat_configs\": [{" UP ", \"accepts\": [\"top_k\", \"developer_role\"],"
		     "\"fold\": \"all\"}, {" UP "}]}");
	ck_assert_uint_eq(table->capability_count, 2);
	const struct model_capability *row = &table->capabilities[0];
	ck_assert_str_eq(row->pattern, "grok-*");
	ck_assert_int_eq(row->thinking, THINKING_FORM_BUDGET);
	ck_assert_int_eq(row->sampling, TOGGLE_OFF);
	ck_assert_int_eq(row->prefill, TOGGLE_ON);
	ck_assert_int_eq(row->json_schema, TOGGLE_BUILT_IN);
	ck_assert_int_eq(row->sampling_both, TOGGLE_BUILT_IN);
	ck_assert_int_eq(row->max_output_tokens, 7000);
	ck_assert_int_eq(row->max_effort_budget, 0);
	ck_assert_int_eq(row[1].thinking, THINKING_FORM_BUILT_IN);
	const struct upstream_entry *entry = table->groups[GROUP_CHAT].entries;
	static const struct upstream_accepts wanted = {.top_k = true, .developer_role = true};
	static const struct upstream_accepts nothing = {0};
	ck_assert_mem_eq(&entry[0].accepts, &wanted, sizeof(wanted));
	ck_assert_mem_eq(&entry[1].accepts, &nothing, sizeof(nothing));
	ck_assert_int_eq(entry[0].fold, FOLD_ALL);
	ck_assert_int_eq(entry[1].fold, FOLD_OFF);
	table_unref(table);
}
END_TEST

static void
expect_timeouts(const struct table *table, enum group group, uint32_t connect,
    uint32_t first_stream, uint32_t idle_stream, uint32_t first, uint32_t idle)
{
	const struct table_timeouts *timeouts = &table->timeouts[group];
	ck_assert_uint_eq(timeouts->connect_ms, connect);
	ck_assert_uint_eq(timeouts->first_byte_stream_ms, first_stream);
	ck_assert_uint_eq(timeouts->idle_stream_ms, idle_stream);
	ck_assert_uint_eq(timeouts->first_byte_ms, first);
	ck_assert_uint_eq(timeouts->idle_ms, idle);
	ck_assert_uint_eq(timeouts->total_stream_ms, 0);
	ck_assert_uint_eq(timeouts->total_ms, 0);
}

START_TEST(timeouts_without_settings)
{
	struct table *table = assemble("{}");
	for (unsigned g = 0; g < GROUP_COUNT; g++)
		expect_timeouts(table, (enum group)g, 10000, 120000, 120000, 300000, 300000);
	table_unref(table);
}
END_TEST

START_TEST(timeouts_keep_their_old_meaning)
{
	struct table *table = assemble(
	    "{\"timeout_settings\": {\"connect_timeout\": 30, \"streaming_read_timeout\": 90.5,"
	    "\"non_streaming_read_timeout\": 299, \"codex_connect_timeout\": 80,"
	    "\"codex_base_timeout\": 60, \"extended_connect_timeout\": 20,"
	    "\"strategy_retry_read_timeout\": 0.001}}");
	expect_timeouts(table, GROUP_CLAUDE, 30000, 90500, 90500, 299000, 299000);
	expect_timeouts(table, GROUP_CHAT, 30000, 90500, 90500, 299000, 299000);
	expect_timeouts(table, GROUP_CHAT_VIA_CLAUDE, 30000, 90500, 90500, 299000, 299000);
	expect_timeouts(table, GROUP_CODEX, 80000, 60000, 90500, 299000, 299000);
	expect_timeouts(table, GROUP_RETRY, 20000, 1, 1, 299000, 299000);
	table_unref(table);
}
END_TEST

START_TEST(an_answer_is_never_cut_by_codex_base_timeout)
{
	/* It is the wait for the first byte; a gap may always be as long as that. */
	struct table *table = assemble("{\"timeout_settings\": {\"codex_base_timeout\": 600,"
				       "\"streaming_read_timeout\": 30,"
				       "\"non_streaming_read_timeout\": 100}}");
	expect_timeouts(table, GROUP_CODEX, 10000, 600000, 600000, 600000, 600000);
	expect_timeouts(table, GROUP_CLAUDE, 10000, 30000, 30000, 100000, 100000);
	table_unref(table);
}
END_TEST

START_TEST(server_settings)
{
	struct table *table = assemble("{}");
	ck_assert_uint_eq(table->attempts_max, 8);
	ck_assert_uint_eq(table->body_bytes_max, 64u << 20);
	ck_assert(table->admin_on_api_port && !table->admin_remote);
	ck_assert_ptr_null(table->tls_cert_path);
	table_unref(table);
	table = assemble("{\"server\": {\"attempts_max\": 2.9, \"body_limit_mib\": 1,"
			 "\"admin_on_api_port\": 0, \"admin_remote\": true,"
			 "\"tls\": {\"cert_file\": \"/c\", \"key_file\": \"/k\"}}}");
	ck_assert_uint_eq(table->attempts_max, 2);
	ck_assert_uint_eq(table->body_bytes_max, 1u << 20);
	ck_assert(!table->admin_on_api_port && table->admin_remote);
	ck_assert_str_eq(table->tls_cert_path, "/c");
	ck_assert_str_eq(table->tls_key_path, "/k");
	table_unref(table);
}
END_TEST

START_TEST(the_written_defaults_are_the_defaults)
{
	json_t *root = schema_first_document();
	char *text = jget_dump(root, NULL);
	struct table *written = assemble(text), *absent = assemble("{}");
	ck_assert(assemble_equal(written, absent));
	table_unref(written);
	table_unref(absent);
	mem_free(text);
	json_decref(root);
}
END_TEST

START_TEST(equal_means_all_but_epoch_and_version)
{
	struct table *one = assemble("{\"api_configs\": [{" UP "}]}");
	struct table *other = assemble("{\"api_configs\": [{" UP ", \"note\": 1}]}");
	one->epoch = 1;
	other->version = 2;
	ck_assert(assemble_equal(one, other));
	other->groups[GROUP_CLAUDE].entries[0].available = false;
	ck_assert(!assemble_equal(one, other));
	table_unref(one);
	table_unref(other);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("assemble");
	TCase *tcase = tcase_create("assemble");
	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, every_list_becomes_its_group);
	tcase_add_test(tcase, order_and_tier_are_kept_and_disabled_ones_left_out);
	tcase_add_test(tcase, the_day_decides_what_is_available);
	tcase_add_test(tcase, every_mask_in_every_hour_selects_as_it_says);
	tcase_add_test(tcase, words_of_an_upstream);
	tcase_add_test(tcase, health_decides_what_is_available);
	tcase_add_test(tcase, the_demo_serves_while_nothing_is_configured);
	tcase_add_test(tcase, one_entry_anywhere_ends_the_demo);
	tcase_add_test(tcase, without_a_configuration_nobody_is_served);
	tcase_add_test(tcase, capabilities_are_what_the_rows_say_and_no_more);
	tcase_add_test(tcase, client_keys_and_model_rules_that_are_enabled);
	tcase_add_test(tcase, timeouts_without_settings);
	tcase_add_test(tcase, timeouts_keep_their_old_meaning);
	tcase_add_test(tcase, an_answer_is_never_cut_by_codex_base_timeout);
	tcase_add_test(tcase, server_settings);
	tcase_add_test(tcase, the_written_defaults_are_the_defaults);
	tcase_add_test(tcase, equal_means_all_but_epoch_and_version);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
