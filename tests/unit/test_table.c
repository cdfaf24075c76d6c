/* The routing table and its JSON form. */
#include "jget.h"
#include "mem.h"
#include "table.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

static void
fill_entry(struct upstream_entry *entry)
{
	entry->any_address = true;
	entry->weight = 7;
	entry->off = OFF_COOLING;
	entry->ramp = 4;
	entry->probe_seq = 12;
	entry->probe_every_ms = 1000;
	entry->resume_at_ms = 1774800000000;
	entry->accepts.top_k = entry->accepts.stops_here = true;
	entry->fold = FOLD_ALL;
	table_add_pattern(entry)->pattern = mem_dup_str("claude-*");
	struct model_rename *rename = table_add_rename(entry);
	rename->from = mem_dup_str("gpt-4*");
	rename->to = mem_dup_str("claude-x*");
	struct cooling_model *cooling = table_add_cooling(entry);
	cooling->model = mem_dup_str("claude-opus");
	cooling->until_ms = 1774800000001;
}

static struct table *
sample(void)
{
	struct table *table = table_new();
	table->epoch = UINT64_MAX;
	table->version = 42;
	for (unsigned group = 0; group < GROUP_COUNT; group++) {
		for (int i = 0; i < 3; i++) {
			struct upstream_entry *entry = table_add_upstream(table, (enum group)group);
			entry->id = mem_dup_str("claude:7");
			entry->name = mem_dup_str("Prim\xc3\xa4r \"1\"");
			entry->base_url = mem_dup_str("https://api.example.com/v1");
			ck_assert(secret_set(&entry->key, VIEW("sk-ant-0123456789abcdef")));
			entry->protocol = PROTOCOL_RESPONSES;
			entry->tier = i == 2 ? TIER_BACKUP : TIER_PRIMARY;
			entry->available = i != 1;
			entry->demo = i == 0;
			fill_entry(entry);
		}
		table->timeouts[group].total_ms = 1000 + group;
		table->policies[group].pick = PICK_LOWEST_LATENCY;
		table->policies[group].hedge = HEDGE_AUTO;
		table->policies[group].affinity_ttl_ms = 300000 + group;
	}
	struct strategy_range *range = table_add_range(table);
	*range = (struct strategy_range){400, 404, STRATEGY_NORMAL};
	range = table_add_range(table);
	*range = (struct strategy_range){500, 599, STRATEGY_RETRY_NODE};
	table->strategies.network[NETWORK_READ_TIMEOUT] = STRATEGY_RETRY_NODE;
	table->prober = UINT64_MAX - 1;
	struct client_key *key = table_add_client_key(table);
	key->id = mem_dup_str("default");
	key->name = mem_dup_str("");
	memset(key->sha256, 0xa5, sizeof(key->sha256));
	struct model_rule *rule = table_add_model_rule(table);
	rule->source = mem_dup_str("claude-x");
	rule->target = mem_dup_str("gpt-y");
	rule->full_format = true;
	*table_add_capability(table) = (struct model_capability){.pattern = "grok-*",
	    .thinking = THINKING_FORM_ADAPTIVE,
	    .sampling = TOGGLE_OFF,
	    .prefill = TOGGLE_ON,
	    .max_output_tokens = 7000};
	table->tls_cert_path = mem_dup_str("/etc/cert.pem");
	table->alert = (struct table_alert){.seq = 9,
	    .by = UINT64_MAX - 2,
	    .any_address = true,
	    .body = mem_dup_str("{\"text\":\"x\"}"),
	    .zero = mem_dup_str("errcode")};
	table->tracing = (struct table_tracing){.endpoint = mem_dup_str("https://otlp.example"),
	    .service = mem_dup_str("gateway"),
	    .sample_ppm = 250000};
	ck_assert(secret_set(&table->tracing.headers, VIEW("api-key=abc")));
	ck_assert(secret_set(&table->alert.url, VIEW("https://hooks.example/T0/B0?x=1")));
	return table;
}

START_TEST(a_table_comes_back_as_it_was)
{
	struct table *table = sample(), *out = NULL;
	struct err err = {0};
	json_t *json = table_encode(table);
	ck_assert_msg(table_decode(json, &out, &err), "%s %s", err.at, err.msg);
	json_t *again = table_encode(out);
	ck_assert(json_equal(json, again));
	ck_assert_uint_eq(out->epoch, UINT64_MAX);
	ck_assert_uint_eq(out->version, 42);
	const struct upstream_entry *entry = &out->groups[GROUP_CHAT].entries[1];
	ck_assert_str_eq(entry->name, "Prim\xc3\xa4r \"1\"");
	ck_assert(view_eq_str(secret_reveal(&entry->key), "sk-ant-0123456789abcdef"));
	ck_assert_int_eq(entry->protocol, PROTOCOL_RESPONSES);
	ck_assert(!entry->available && !entry->demo);
	ck_assert_int_eq(out->groups[GROUP_RETRY].entries[2].tier, TIER_BACKUP);
	ck_assert_mem_eq(out->client_keys[0].sha256, table->client_keys[0].sha256, 32);
	ck_assert(out->model_rules[0].full_format);
	ck_assert_uint_eq(out->timeouts[GROUP_RETRY].total_ms, 1004);
	ck_assert(entry->any_address);
	ck_assert_uint_eq(entry->weight, 7);
	ck_assert_int_eq(entry->off, OFF_COOLING);
	ck_assert_uint_eq(entry->ramp, 4);
	ck_assert_uint_eq(entry->probe_seq, 12);
	ck_assert_uint_eq(entry->probe_every_ms, 1000);
	ck_assert_int_eq(entry->resume_at_ms, 1774800000000);
	ck_assert(entry->accepts.top_k && entry->accepts.stops_here);
	ck_assert(!entry->accepts.custom_tools);
	ck_assert_int_eq(entry->fold, FOLD_ALL);
	const struct model_capability *row = &out->capabilities[0];
	ck_assert_str_eq(row->pattern, "grok-*");
	ck_assert_int_eq(row->thinking, THINKING_FORM_ADAPTIVE);
	ck_assert_int_eq(row->sampling, TOGGLE_OFF);
	ck_assert_int_eq(row->prefill, TOGGLE_ON);
	ck_assert_int_eq(row->json_schema, TOGGLE_BUILT_IN);
	ck_assert_int_eq(row->max_output_tokens, 7000);
	ck_assert_str_eq(entry->models[0].pattern, "claude-*");
	ck_assert_str_eq(entry->renames[0].to, "claude-x*");
	ck_assert_str_eq(entry->cooling[0].model, "claude-opus");
	ck_assert_int_eq(entry->cooling[0].until_ms, 1774800000001);
	ck_assert_uint_eq(out->prober, UINT64_MAX - 1);
	ck_assert_int_eq(out->policies[GROUP_CODEX].hedge, HEDGE_AUTO);
	ck_assert_int_eq(out->policies[GROUP_CODEX].pick, PICK_LOWEST_LATENCY);
	ck_assert_uint_eq(out->policies[GROUP_CODEX].affinity_ttl_ms, 300001);
	ck_assert_int_eq(out->strategies.network[NETWORK_READ_TIMEOUT], STRATEGY_RETRY_NODE);
	ck_assert_str_eq(out->tls_cert_path, "/etc/cert.pem");
	ck_assert_ptr_null(out->tls_key_path);
	json_decref(json);
	json_decref(again);
	table_unref(table);
	table_unref(out);
}
END_TEST

START_TEST(references_are_counted)
{
	struct table *table = sample();
	ck_assert_ptr_eq(table_ref(table), table);
	table_unref(table);
	ck_assert_uint_eq(table->version, 42);
	table_unref(table);
	table_unref(NULL);
}
END_TEST

/* Decodes `json`, takes it, and says whether it was refused at `at`. */
static void
check_refused(json_t *json, const char *at)
{
	struct table *out = NULL;
	struct err err = {0};
	ck_assert_msg(!table_decode(json, &out, &err), "accepted: %s", at);
	ck_assert_str_eq(err.at, at);
	ck_assert_int_eq(err.kind, ERR_PEER);
	ck_assert_ptr_null(out);
	json_decref(json);
}

static json_t *
encoded(void)
{
	struct table *table = sample();
	json_t *json = table_encode(table);
	table_unref(table);
	return json;
}

/* "groups", "claude", "1" from the root of `json`. */
static json_t *
step(json_t *json, const char *path)
{
	char copy[64], *save = NULL;
	memcpy(copy, path, strlen(path) + 1);
	for (char *part = strtok_r(copy, "/", &save); part != NULL;
	     part = strtok_r(NULL, "/", &save))
		json = json_is_array(json) ? json_array_get(json, (size_t)strtoul(part, NULL, 10))
					   : json_object_get(json, part);
	ck_assert_ptr_nonnull(json);
	return json;
}

static const struct {
	const char *path, *at;
} objects[] = {
    {"", ""},
    {"groups", "groups."},
    {"groups/chat_via_claude/1", "groups.chat_via_claude[1]."},
    {"timeouts", "timeouts."},
    {"groups/chat/0/models/0", "groups.chat[0].models[0]."},
    {"groups/chat/0/renames/0", "groups.chat[0].renames[0]."},
    {"groups/chat/0/cooling/0", "groups.chat[0].cooling[0]."},
    {"timeouts/retry", "timeouts.retry."},
    {"policies", "policies."},
    {"policies/codex", "policies.codex."},
    {"strategies", "strategies."},
    {"strategies/statuses/1", "strategies.statuses[1]."},
    {"client_keys/0", "client_keys[0]."},
    {"model_rules/0", "model_rules[0]."},
    {"capabilities/0", "capabilities[0]."},
};

/* Every member of every kind of object: missing, of a wrong type. One that only a newer release
 * knows is passed over. */
START_TEST(each_member_is_needed)
{
	json_t *whole = encoded();
	json_t *object = step(whole, objects[_i].path);
	const char *key;
	json_t *value;
	json_object_foreach(object, key, value)
	{
		char at[96];
		snprintf(at, sizeof(at), "%s%s", objects[_i].at, key);
		json_t *missing = json_deep_copy(whole), *wrong = json_deep_copy(whole);
		json_object_del(step(missing, objects[_i].path), key);
		check_refused(missing, at);
		json_object_set_new(step(wrong, objects[_i].path), key, json_real(1.5));
		check_refused(wrong, at);
	}
	json_t *newer = json_deep_copy(whole);
	json_object_set_new(step(newer, objects[_i].path), "newer", json_pack("{s:[i]}", "a", 1));
	struct err err;
	struct table *table = NULL;
	ck_assert(table_decode(newer, &table, &err));
	json_t *again = table_encode(table);
	ck_assert(json_equal(again, whole));
	json_decref(again);
	json_decref(newer);
	json_decref(whole);
	table_unref(table);
}
END_TEST

/* A string of `len` bytes. */
static json_t *
long_string(size_t len)
{
	char *text = mem_alloc(len + 1);
	memset(text, 'x', len);
	text[len] = '\0';
	json_t *json = json_string(text);
	mem_free(text);
	return json;
}

static void
check_value(const char *path, const char *key, json_t *value, const char *at)
{
	json_t *json = encoded();
	json_object_set_new(step(json, path), key, value);
	check_refused(json, at);
}

START_TEST(bounds_hold)
{
	check_value("groups/claude/0", "id", json_string(""), "groups.claude[0].id");
	check_value("groups/claude/0", "id", long_string(257), "groups.claude[0].id");
	check_value("groups/claude/0", "name", long_string(257), "groups.claude[0].name");
	check_value("groups/claude/0", "name", json_stringn("a\0b", 3), "groups.claude[0].name");
	check_value("groups/claude/0", "base_url", long_string(2049), "groups.claude[0].base_url");
	check_value(
	    "groups/claude/0", "key", long_string(SECRET_BYTES_MAX + 1), "groups.claude[0].key");
	check_value(
	    "groups/claude/0", "protocol", json_string("smtp"), "groups.claude[0].protocol");
	check_value("groups/claude/0", "tier", json_string(""), "groups.claude[0].tier");
	check_value("client_keys/0", "sha256", json_string("a5a5"), "client_keys[0].sha256");
	check_value("client_keys/0", "sha256", long_string(64), "client_keys[0].sha256");
	check_value(
	    "timeouts/claude", "idle_ms", json_integer(1ll << 32), "timeouts.claude.idle_ms");
	check_value("groups/claude/0", "weight", json_integer(0), "groups.claude[0].weight");
	check_value("capabilities/0", "pattern", json_string(""), "capabilities[0].pattern");
	check_value("capabilities/0", "pattern", long_string(64), "capabilities[0].pattern");
	check_value("capabilities/0", "sampling", json_string("yes"), "capabilities[0].sampling");
	check_value("groups/claude/0", "fold", json_string(""), "groups.claude[0].fold");
	check_value("groups/claude/0", "off", json_string("asleep"), "groups.claude[0].off");
	check_value(
	    "policies/retry", "attempts_max", json_integer(0), "policies.retry.attempts_max");
	check_value("strategies", "ReadError", json_string("retry"), "strategies.ReadError");
	check_value("", "attempts_max", json_integer(0), "attempts_max");
	check_value("", "version", json_integer(-1), "version");
	check_value("", "tls_key_path", json_string(""), "tls_key_path");
	check_refused(json_array(), "");
	check_refused(json_null(), "");
}
END_TEST

/* `json`'s list grown to `count` equal entries; takes nothing. */
static void
grow_list(json_t *list, size_t count)
{
	while (json_array_size(list) < count)
		json_array_append_new(list, json_deep_copy(json_array_get(list, 0)));
}

START_TEST(lists_are_bounded)
{
	static const struct {
		const char *path;
		size_t max;
		const char *at;
	} lists[] = {
	    {"groups/codex", TABLE_UPSTREAMS_MAX, "groups.codex"},
	    {"client_keys", TABLE_CLIENT_KEYS_MAX, "client_keys"},
	    {"model_rules", TABLE_MODEL_RULES_MAX, "model_rules"},
	    {"capabilities", TABLE_CAPABILITIES_MAX, "capabilities"},
	    {"groups/chat/0/models", TABLE_MODELS_MAX, "groups.chat[0].models"},
	    {"groups/chat/0/renames", TABLE_MODELS_MAX, "groups.chat[0].renames"},
	    {"groups/chat/0/cooling", TABLE_COOLING_MODELS_MAX, "groups.chat[0].cooling"},
	    {"strategies/statuses", TABLE_STRATEGY_RANGES_MAX, "strategies.statuses"},
	};
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct table *out;
		struct err err = {0};
		json_t *json = encoded();
		grow_list(step(json, lists[i].path), lists[i].max);
		ck_assert_msg(table_decode(json, &out, &err), "%s %s", err.at, err.msg);
		table_unref(out);
		grow_list(step(json, lists[i].path), lists[i].max + 1);
		check_refused(json, lists[i].at);
	}
}
END_TEST

START_TEST(a_status_has_the_strategy_of_its_range)
{
	struct table *table = sample();
	const struct strategies *all = &table->strategies;
	ck_assert_int_eq(strategies_of_status(all, 399), STRATEGY_SWITCH_API);
	ck_assert_int_eq(strategies_of_status(all, 400), STRATEGY_NORMAL);
	ck_assert_int_eq(strategies_of_status(all, 404), STRATEGY_NORMAL);
	ck_assert_int_eq(strategies_of_status(all, 405), STRATEGY_SWITCH_API);
	ck_assert_int_eq(strategies_of_status(all, 599), STRATEGY_RETRY_NODE);
	ck_assert_int_eq(strategies_of_status(all, 600), STRATEGY_SWITCH_API);
	table_unref(table);
}
END_TEST

START_TEST(words_go_both_ways)
{
	for (unsigned i = 0; i < PROTOCOL_COUNT; i++) {
		enum protocol protocol;
		ck_assert(protocol_parse(view_of(protocol_name((enum protocol)i)), &protocol));
		ck_assert_uint_eq(protocol, i);
	}
	for (unsigned i = 0; i < GROUP_COUNT; i++) {
		enum group group;
		ck_assert(group_parse(view_of(group_name((enum group)i)), &group));
		ck_assert_uint_eq(group, i);
	}
	enum protocol protocol;
	enum group group;
	ck_assert(!protocol_parse(VIEW("Chat"), &protocol));
	ck_assert(!group_parse(VIEW(""), &group));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("table");
	TCase *tests = tcase_create("table");
	tcase_add_test(tests, a_table_comes_back_as_it_was);
	tcase_add_test(tests, references_are_counted);
	tcase_add_loop_test(
	    tests, each_member_is_needed, 0, (int)(sizeof(objects) / sizeof(objects[0])));
	tcase_add_test(tests, bounds_hold);
	tcase_add_test(tests, lists_are_bounded);
	tcase_add_test(tests, a_status_has_the_strategy_of_its_range);
	tcase_add_test(tests, words_go_both_ways);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
