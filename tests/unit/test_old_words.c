/* Each word of the configuration that the previous product had, by its name: what it changes in the
 * table, the rests and the activations, and that it changes nothing else. Then how an upstream was
 * selected there, heading by heading: what holds still, and what is meant to differ.
 *
 * test_config_words.c shows how these words are read, refused and kept. */
#include "activation.h"
#include "assemble.h"
#include "choose.h"
#include "rules.h"
#include "schema.h"
#include "suite.h"
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define MONDAY_MS 1774828800000ll /* 2026-03-30 00:00 UTC */
#define HOUR_MS 3600000ll
#define NOON_MS (MONDAY_MS + 12 * HOUR_MS)

/* ---- everything that follows from a configuration ---- */

static struct config *
parse(const char *text)
{
	struct faults faults = {0};
	struct config *config;
	ck_assert_msg(config_parse(view_of(text), &config, &faults), "%s: %s %s", text,
	    faults.count > 0 ? faults.items[0].path : "",
	    faults.count > 0 ? faults.items[0].msg : "");
	faults_fini(&faults);
	return config;
}

static json_t *
limits_of(const struct config *config, enum group group)
{
	struct health_limits limits = rules_limits(config, group);
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "threshold", (json_int_t)limits.threshold,
	    "cooldown_ms", (json_int_t)limits.cooldown_ms, "rate_limit_ms",
	    (json_int_t)limits.rate_limit_ms, "max_ms", (json_int_t)limits.max_ms, "probe_max_ms",
	    (json_int_t)limits.probe_max_ms);
}

/* On a Monday at noon. */
static json_t *
effect_of(const char *text)
{
	struct config *config = parse(text);
	struct table *table = assemble_table(config, NOON_MS, NULL);
	struct activation activation = {0};
	json_t *effect = table_encode(table), *limits = json_object(), *activated = json_object();
	(void)activation_tick(&activation, config, 7, NOON_MS);
	for (unsigned g = 0; g < GROUP_COUNT; g++) {
		const char *name = group_name((enum group)g);
		json_object_set_new(limits, name, limits_of(config, (enum group)g));
		for (size_t i = 0; i < config->upstreams[g].count; i++) {
			const struct config_upstream *upstream = &config->upstreams[g].items[i];
			char id[64];
			snprintf(id, sizeof(id), "%s:%s", name, upstream->id);
			json_object_set_new(
			    activated, id, activation_encode(&activation, id, upstream));
		}
	}
	json_object_set_new(effect, "limits", limits);
	json_object_set_new(effect, "activated", activated);
	activation_fini(&activation);
	table_unref(table);
	config_free(config);
	return effect;
}

/* ---- what differs, as "path=value " for each member ---- */

#define TEXT_BYTES 8192

static void
note(char *out, const char *path, const json_t *value)
{
	size_t len = strlen(out);
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	snprintf(out + len, TEXT_BYTES - len, "%s=%s ", path, text != NULL ? text : "gone");
	free(text);
}

static void compare(char *out, const char *path, const json_t *before, const json_t *after);

static void
compare_objects(char *out, const char *path, const json_t *before, const json_t *after)
{
	const char *key;
	json_t *value;
	char below[256];
	json_object_foreach((json_t *)(uintptr_t)before, key, value)
	{
		snprintf(below, sizeof(below), "%s%s%s", path, path[0] != '\0' ? "." : "", key);
		compare(out, below, value, json_object_get(after, key));
	}
	json_object_foreach((json_t *)(uintptr_t)after, key, value)
	{
		snprintf(below, sizeof(below), "%s%s%s", path, path[0] != '\0' ? "." : "", key);
		if (json_object_get(before, key) == NULL)
			note(out, below, value);
	}
}

static void
compare(char *out, const char *path, const json_t *before, const json_t *after)
{
	char below[256];
	bool lists = json_is_array(before) && json_is_array(after) &&
		     json_array_size(before) == json_array_size(after);
	if (json_equal(before, after))
		return;
	if (json_is_object(before) && json_is_object(after)) {
		compare_objects(out, path, before, after);
		return;
	}
	if (!lists) {
		note(out, path, after);
		return;
	}
	for (size_t i = 0; i < json_array_size(before); i++) {
		snprintf(below, sizeof(below), "%s[%zu]", path, i);
		compare(out, below, json_array_get(before, i), json_array_get(after, i));
	}
}

/* ---- one word at a time ---- */

/* An entry in each list; all but the word that is tried. */
#define ACTIVE                                                                                     \
	"[{\"id\": \"u\", \"base_url\": \"http://a\", \"key\": \"k\", \"time_zone\": \"UTC\", "    \
	"\"activation_enabled\": true}]"
#define ENTRY                                                                                      \
	"[{\"id\": \"u\", \"base_url\": \"http://a\", \"key\": \"k\", \"time_zone\": \"UTC\"}]"
static const char base[] = "{\"api_configs\": " ENTRY ", \"codex_configs\": " ENTRY
			   ", \"openai_to_claude_configs\": " ENTRY ", \"retry_configs\": " ENTRY
			   ", \"model_conversions\": [{\"id\": \"m\", \"source_model\": "
			   "\"s\", \"target_model\": \"t\"}], \"timeout_settings\": {}, "
			   "\"error_handling_strategies\": {}, "
			   "\"optimization_settings\": {}}";

static void
expect_effect(
    const char *from, const char *section, const char *key, const char *value, const char *wanted)
{
	static char found[TEXT_BYTES];
	json_t *root = json_loads(from, 0, NULL), *part = json_object_get(root, section);
	part = json_is_array(part) ? json_array_get(part, 0) : part;
	ck_assert_int_eq(
	    json_object_set_new(part, key, json_loads(value, JSON_DECODE_ANY, NULL)), 0);
	char *text = json_dumps(root, 0);
	json_t *before = effect_of(from), *after = effect_of(text);
	found[0] = '\0';
	compare(found, "", before, after);
	ck_assert_str_eq(found, wanted);
	json_decref(before);
	json_decref(after);
	json_decref(root);
	free(text);
}

/* section, word, value, what it changes ("" = nothing) */
#define KEPT(X, section)                                                                           \
	X(section, created_at, "\"2026-11-22T18:24:22.877477\"", "")                               \
	X(section, updated_at, "\"2026-11-22T18:24:22.877477\"", "")
#define ENTRY_WORDS(X, list, group)                                                                \
	X(list, name, "\"other\"", "groups." group "[0].name=\"other\" ")                          \
	X(list, base_url, "\" https://b/v1 \"", "groups." group "[0].base_url=\"https://b/v1\" ")  \
	X(list, key, "\" other \"", "groups." group "[0].key=\"other\" ")                          \
	X(list, enabled, "false", "groups." group "=[] ")                                          \
	KEPT(X, list)
#define SCHEDULED_WORDS(X, list, group)                                                            \
	ENTRY_WORDS(X, list, group)                                                                \
	X(list, type, "\"backup\"", "groups." group "[0].tier=\"backup\" ")                        \
	X(list, time_enabled, "[0, 1, 1, 1, 1, 1, 1]",                                             \
	    "groups." group "[0].available=false groups." group                                    \
	    "[0].off=\"schedule\" groups." group "[0].resume_at_ms=1774915200000 ")                \
	X(list, activation_enabled, "true",                                                        \
	    "activated." group ":u={\"time\":\"08:00\",\"next_ms\":1774857600000,\"tries\":1,"     \
	    "\"running\":true,\"last\":null} ")
#define EACH(before, after)                                                                        \
	before "claude" after before "codex" after before "chat" after before                      \
	       "chat_via_claude" after before "retry" after
#define THREE(before, after)                                                                       \
	before "claude" after before "chat" after before "chat_via_claude" after
#define STREAMS(group)                                                                             \
	"timeouts." group ".first_byte_stream_ms=450000 timeouts." group ".idle_stream_ms=450000 "
#define WHOLES(group, ms)                                                                          \
	"timeouts." group ".first_byte_ms=" ms " timeouts." group ".idle_ms=" ms " "
#define RANGE(first, last, strategy)                                                               \
	"{\"first\":" first ",\"last\":" last ",\"strategy\":\"" strategy "\"}"
#define TIMEOUT_WORDS(X)                                                                           \
	X(timeout_settings, connect_timeout, "7", THREE("timeouts.", ".connect_ms=7000 "))         \
	X(timeout_settings, write_timeout, "7", EACH("timeouts.", ".write_ms=7000 "))              \
	X(timeout_settings, pool_timeout, "7", "")                                                 \
	X(timeout_settings, streaming_read_timeout, "450",                                         \
	    STREAMS("claude") "timeouts.codex.idle_stream_ms=450000 " STREAMS("chat")              \
		STREAMS("chat_via_claude"))                                                        \
	X(timeout_settings, non_streaming_read_timeout, "7",                                       \
	    WHOLES("claude", "7000") WHOLES("codex", "120000") WHOLES("chat", "7000")              \
		WHOLES("chat_via_claude", "7000") WHOLES("retry", "120000"))                       \
	X(timeout_settings, extended_connect_timeout, "7", "timeouts.retry.connect_ms=7000 ")      \
	X(timeout_settings, strategy_retry_read_timeout, "450",                                    \
	    "timeouts.retry.first_byte_stream_ms=450000 timeouts.retry.first_byte_ms=450000 "      \
	    "timeouts.retry.idle_stream_ms=450000 timeouts.retry.idle_ms=450000 ")                 \
	X(timeout_settings, retry_read_timeout, "7", "")                                           \
	X(timeout_settings, api_cooldown_seconds, "7", EACH("limits.", ".cooldown_ms=7000 "))      \
	X(timeout_settings, api_error_threshold, "7",                                              \
	    THREE("limits.", ".threshold=7 ") "limits.retry.threshold=7 ")                         \
	X(timeout_settings, codex_error_threshold, "7", "limits.codex.threshold=7 ")               \
	X(timeout_settings, codex_base_timeout, "450",                                             \
	    "timeouts.codex.first_byte_stream_ms=450000 timeouts.codex.first_byte_ms=450000 "      \
	    "timeouts.codex.idle_stream_ms=450000 timeouts.codex.idle_ms=450000 ")                 \
	X(timeout_settings, codex_timeout_increment, "7", "")                                      \
	X(timeout_settings, codex_connect_timeout, "7", "timeouts.codex.connect_ms=7000 ")         \
	X(timeout_settings, primary_api_check_interval, "7",                                       \
	    EACH("limits.", ".probe_max_ms=7000 "))                                                \
	X(timeout_settings, max_retries, "7", EACH("policies.", ".same_upstream_retries=6 "))      \
	X(timeout_settings, modify_retry_headers, "false", "")                                     \
	X(timeout_settings, billing_cycle_delay, "7", "")                                          \
	X(timeout_settings, health_check_interval, "7", "")                                        \
	X(timeout_settings, stream_retry_wait, "7", "")                                            \
	X(timeout_settings, updated_at, "\"x\"", "")
#define OTHER_WORDS(X)                                                                             \
	X(openai_to_claude_configs, type, "\"openai_to_claude\"", "")                              \
	X(model_conversions, name, "\"other\"", "")                                                \
	X(model_conversions, source_model, "\"x\"", "model_rules[0].source=\"x\" ")                \
	X(model_conversions, target_model, "\"x\"", "model_rules[0].target=\"x\" ")                \
	X(model_conversions, conversion_type, "\"full_format\"",                                   \
	    "model_rules[0].full_format=true ")                                                    \
	X(model_conversions, enabled, "false", "model_rules=[] ")                                  \
	KEPT(X, model_conversions)                                                                 \
	X(optimization_settings, enable_cache_control_limit, "false", "cache_marks_max=0 ")        \
	X(optimization_settings, updated_at, "\"x\"", "")                                          \
	X(error_handling_strategies, http_status_codes, "{\"503\": \"switch_api\"}",               \
	    "strategies.statuses=[" RANGE("300", "399", "strategy_retry") "," RANGE("400", "400",  \
		"normal_retry") "," RANGE("401", "403", "switch_api") "," RANGE("404", "407",      \
		"normal_retry") "," RANGE("408", "408", "strategy_retry") "," RANGE("409", "428",  \
		"normal_retry") "," RANGE("429", "429", "strategy_retry") "," RANGE("430", "499",  \
		"normal_retry") "," RANGE("500", "502", "strategy_retry") "," RANGE("503", "503",  \
		"switch_api") "," RANGE("504", "599", "strategy_retry") "] ")                      \
	X(error_handling_strategies, network_errors,                                               \
	    "{\"ReadError\": \"normal_retry\", \"ConnectError\": \"strategy_retry\","              \
	    "\"ReadTimeout\": \"switch_api\"}",                                                    \
	    "strategies.ConnectError=\"strategy_retry\" strategies.ReadError=\"normal_retry\" "    \
	    "strategies.ReadTimeout=\"switch_api\" ")                                              \
	X(error_handling_strategies, updated_at, "\"x\"", "")
#define WORDS(X)                                                                                   \
	SCHEDULED_WORDS(X, api_configs, "claude")                                                  \
	SCHEDULED_WORDS(X, codex_configs, "codex")                                                 \
	ENTRY_WORDS(X, openai_to_claude_configs, "chat_via_claude")                                \
	ENTRY_WORDS(X, retry_configs, "retry")                                                     \
	TIMEOUT_WORDS(X)                                                                           \
	OTHER_WORDS(X)

#define DEFINE(section, key, value, effect)                                                        \
	START_TEST(section##__##key)                                                               \
	{                                                                                          \
		expect_effect(base, #section, #key, value, effect);                                \
	}                                                                                          \
	END_TEST
WORDS(DEFINE)
#define ADD(section, key, value, effect) tcase_add_test(words, section##__##key);

/* Where two are to be activated at noon. */
static const char active[] =
    "{\"api_configs\": " ACTIVE ", \"codex_configs\": " ACTIVE ", \"timeout_settings\": {}}";

START_TEST(api_configs__activation_time)
{
	expect_effect(active, "api_configs", "activation_time", "\"13:07\"",
	    "activated.claude:u.time=\"13:07\" activated.claude:u.next_ms=1774876020000 "
	    "activated.claude:u.tries=0 activated.claude:u.running=false "
	    "activated.codex:u.tries=1 activated.codex:u.running=true ");
}
END_TEST

START_TEST(codex_configs__activation_time)
{
	expect_effect(active, "codex_configs", "activation_time", "\"13:07\"",
	    "activated.codex:u.time=\"13:07\" activated.codex:u.next_ms=1774876020000 ");
}
END_TEST

START_TEST(timeout_settings__billing_send_interval)
{
	expect_effect(active, "timeout_settings", "billing_send_interval", "0",
	    "activated.codex:u.tries=1 activated.codex:u.running=true ");
}
END_TEST

/* Those that came later are not looked for here. */
START_TEST(every_old_word_has_its_test)
{
#define NAME(section, key, value, effect) #section "." #key,
	static const char *const tested[] = {WORDS(NAME) "timeout_settings.billing_send_interval"};
	static const char *const later[] = {"timeout_settings.rate_limit_cooldown_seconds",
	    "timeout_settings.cooldown_max_seconds", "model_conversions.id"};
	static const char *const old[] = {SCHEMA_TIMEOUTS, SCHEMA_STRATEGIES, SCHEMA_MODELS};
	size_t count, known = 0;
	const struct schema_row *rows = schema_rows(&count);
	for (size_t i = 0; i < count; i++) {
		char name[96];
		bool is_old = false, found = false;
		for (size_t k = 0; k < sizeof(old) / sizeof(old[0]); k++)
			is_old = is_old || strcmp(rows[i].part, old[k]) == 0;
		snprintf(name, sizeof(name), "%s.%s", rows[i].part, rows[i].key);
		for (size_t k = 0; k < sizeof(tested) / sizeof(tested[0]); k++)
			found = found || strcmp(name, tested[k]) == 0;
		for (size_t k = 0; k < sizeof(later) / sizeof(later[0]); k++)
			found = found || strcmp(name, later[k]) == 0;
		ck_assert_msg(found || !is_old, "%s has no test", name);
		known += found;
	}
	ck_assert_uint_ge(known, 35);
}
END_TEST

/* ---- selection ---- */

/* Two primaries and two backups; each failure counts, and a rest takes 4 s. */
#define NAMED(name, more)                                                                          \
	"{\"id\": \"" name "\", \"base_url\": \"http://" name "\", \"key\": \"k\"" more "}"
#define BACKUP ", \"type\": \"backup\""
#define FOUR "[" NAMED("a", ) "," NAMED("b", ) "," NAMED("k1", BACKUP) "," NAMED("k2", BACKUP) "]"
#define SETTINGS(threshold)                                                                        \
	"\"timeout_settings\": {\"api_error_threshold\": " threshold                               \
	", \"codex_error_threshold\": " threshold ", \"api_cooldown_seconds\": 4}"

static struct config *config;
static struct health health;
static uint64_t now_ms;

static void
take(const char *text)
{
	config_free(config);
	config = parse(text);
	for (unsigned g = 0; g < GROUP_COUNT; g++) {
		struct health_limits limits = rules_limits(config, (enum group)g);
		health_set_limits(&health, (enum group)g, &limits, now_ms);
	}
	struct table *table = assemble_table(config, MONDAY_MS, NULL);
	health_sync(&health, table);
	table_unref(table);
}

static void
set_up(void)
{
	health = (struct health){0};
	now_ms = 1000000;
}

static void
tear_down(void)
{
	health_fini(&health);
	config_free(config);
	config = NULL;
}

/* Who would be asked at `wall_ms`, in order, each followed by a space. */
static const char *
order_at(enum group group, int64_t wall_ms)
{
	static char out[64];
	struct choose_place places[TABLE_UPSTREAMS_MAX];
	struct choose_asked asked = {.group = group, .stay = -1, .wall_ms = wall_ms};
	struct table *table = assemble_table(config, wall_ms, NULL);
	health_tick(&health, now_ms);
	assemble_health(table, &health, now_ms, wall_ms - (int64_t)now_ms);
	size_t may = choose_order(table, &asked, places), len = 0;
	out[0] = '\0';
	for (size_t i = 0; i < may; i++) {
		const char *id = table->groups[group].entries[places[i].entry].id;
		len += (size_t)snprintf(out + len, sizeof(out) - len, "%s ", strchr(id, ':') + 1);
	}
	table_unref(table);
	return out;
}

static const char *
order(enum group group)
{
	return order_at(group, MONDAY_MS);
}

/* One call to it has ended so. */
static void
call(enum group group, const char *name, unsigned status)
{
	char id[32], model[] = "m";
	snprintf(id, sizeof(id), "%s:%s", group_name(group), name);
	struct report_outcome outcome = {.upstream = id,
	    .model = model,
	    .blame = status == 200   ? BLAME_NOBODY
		     : status == 401 ? BLAME_KEY
				     : BLAME_UPSTREAM,
	    .status = status,
	    .success = status == 200,
	    .generate = true,
	    .count = 1};
	snprintf(outcome.reason, sizeof(outcome.reason), "status_%u", status);
	health_note(&health, &outcome, now_ms);
}

/* 4.1: enabled, the weekday's mask, no rest. */
START_TEST(available)
{
	take("{\"api_configs\": [" NAMED("a", ",\"enabled\": false") "," NAMED("b",
	    ",\"time_zone\":"
	    " \"UTC\","
	    "\"time_"
	    "enabled\": "
	    "[0,1,1,1,1,1,"
	    "1]") "," NAMED("k1", ) "]," SETTINGS("1") "}");
	ck_assert_str_eq(order(GROUP_CLAUDE), "k1 ");
	ck_assert_str_eq(order_at(GROUP_CLAUDE, MONDAY_MS + 24 * HOUR_MS), "b k1 ");
	call(GROUP_CLAUDE, "b", 500);
	ck_assert_str_eq(order_at(GROUP_CLAUDE, MONDAY_MS + 24 * HOUR_MS), "k1 ");
	now_ms += 3999;
	ck_assert_str_eq(order_at(GROUP_CLAUDE, MONDAY_MS + 24 * HOUR_MS), "k1 ");
	now_ms++;
	ck_assert_str_eq(order_at(GROUP_CLAUDE, MONDAY_MS + 24 * HOUR_MS), "b k1 ");
}
END_TEST

/* 4.2: the first primary that is available, else the first backup; back to a primary as soon as one
 * is (then: when primary_api_check_interval had passed). With nobody available the present one was
 * asked all the same; now nobody is. */
START_TEST(pick_a_claude_api)
{
	take("{\"api_configs\": " FOUR "," SETTINGS("1") "}");
	ck_assert_str_eq(order(GROUP_CLAUDE), "a b k1 k2 ");
	call(GROUP_CLAUDE, "a", 500);
	ck_assert_str_eq(order(GROUP_CLAUDE), "b k1 k2 ");
	call(GROUP_CLAUDE, "b", 500);
	ck_assert_str_eq(order(GROUP_CLAUDE), "k1 k2 ");
	call(GROUP_CLAUDE, "k1", 500);
	call(GROUP_CLAUDE, "k2", 500);
	ck_assert_str_eq(order(GROUP_CLAUDE), "");
	now_ms += 4000;
	ck_assert_str_eq(order(GROUP_CLAUDE), "a b k1 k2 ");
	take("{\"api_configs\": []}");
	ck_assert_str_eq(order(GROUP_CLAUDE), "");
}
END_TEST

/* The same for Codex, apart from it. A list of one was always asked, and of several without a
 * backup the last was one: now such a list is a list like any other. */
START_TEST(pick_a_codex_api)
{
	take("{\"api_configs\": " FOUR ", \"codex_configs\": " FOUR "," SETTINGS("1") "}");
	call(GROUP_CODEX, "a", 500);
	ck_assert_str_eq(order(GROUP_CODEX), "b k1 k2 ");
	ck_assert_str_eq(order(GROUP_CLAUDE), "a b k1 k2 ");
	take("{\"codex_configs\": [" NAMED("a", ) "]," SETTINGS("1") "}");
	call(GROUP_CODEX, "a", 500);
	ck_assert_str_eq(order(GROUP_CODEX), "");
	take("{\"codex_configs\": [" NAMED("b", ) "," NAMED("c", ) "]," SETTINGS("1") "}");
	ck_assert_str_eq(order(GROUP_CODEX), "b c ");
	call(GROUP_CODEX, "b", 500);
	ck_assert_str_eq(order(GROUP_CODEX), "c ");
}
END_TEST

/* 4.3: errors in a row, up to the threshold; an answer sets them to none. A further error of the
 * rest does not prolong it (it did), but the next rest is longer. */
START_TEST(error_recording)
{
	take("{\"api_configs\": " FOUR "," SETTINGS("3") "}");
	call(GROUP_CLAUDE, "a", 500);
	call(GROUP_CLAUDE, "a", 500);
	call(GROUP_CLAUDE, "a", 200);
	call(GROUP_CLAUDE, "a", 500);
	call(GROUP_CLAUDE, "a", 500);
	ck_assert_str_eq(order(GROUP_CLAUDE), "a b k1 k2 ");
	call(GROUP_CLAUDE, "a", 500);
	ck_assert_str_eq(order(GROUP_CLAUDE), "b k1 k2 ");
	now_ms += 3999;
	call(GROUP_CLAUDE, "a", 500);
	now_ms++;
	ck_assert_str_eq(order(GROUP_CLAUDE), "a b k1 k2 ");
	call(GROUP_CLAUDE, "a", 500);
	now_ms += 7999;
	ck_assert_str_eq(order(GROUP_CLAUDE), "b k1 k2 ");
	now_ms++;
	ck_assert_str_eq(order(GROUP_CLAUDE), "a b k1 k2 ");
}
END_TEST

/* 4.4: below the threshold nobody is left; a backup is one at last when no primary is left. What
 * was measured there (A and B always 401, 4 s of rest) cost its users an error at each end of a
 * rest: now the one that has rested may be tried by one request at a time, which goes on to the
 * next. */
START_TEST(smart_switch)
{
	take("{\"api_configs\": " FOUR "," SETTINGS("1") "}");
	for (unsigned round = 0; round < 3; round++) {
		ck_assert_str_eq(order(GROUP_CLAUDE), "a b k1 k2 ");
		call(GROUP_CLAUDE, "a", 401);
		call(GROUP_CLAUDE, "b", 401);
		call(GROUP_CLAUDE, "k1", 200);
		ck_assert_str_eq(order(GROUP_CLAUDE), "k1 k2 ");
		now_ms += 4000ull << round;
		struct health_view view =
		    health_view(&health, health_find(&health, "claude:a"), now_ms);
		ck_assert_int_eq(view.state, HEALTH_HALF_OPEN);
		ck_assert_uint_eq(view.ramp, 1);
	}
}
END_TEST

/* 4.5: there is no time that grows by itself: codex_base_timeout is for the first byte, and how
 * long an answer may take has no end unless routing.codex says so. */
START_TEST(codex_adaptive_timeout)
{
	take("{\"codex_configs\": " FOUR ", \"timeout_settings\": {\"codex_base_timeout\": 1,"
	     "\"codex_timeout_increment\": 1}}");
	struct table *table = assemble_table(config, MONDAY_MS, NULL);
	ck_assert_uint_eq(table->timeouts[GROUP_CODEX].first_byte_stream_ms, 1000);
	ck_assert_uint_eq(table->timeouts[GROUP_CODEX].total_stream_ms, 0);
	ck_assert_uint_eq(table->timeouts[GROUP_CODEX].total_ms, 0);
	ck_assert_uint_eq(table->timeouts[GROUP_CODEX].request_ms, 0);
	table_unref(table);
}
END_TEST

/* 4.6 is test_activation.c. Here: each list has one, not only Claude and Codex, and a day that is
 * off has none. */
START_TEST(activation_scheduler)
{
	json_t *effect =
	    effect_of("{\"chat_configs\": " ACTIVE ", \"openai_to_claude_configs\": " ACTIVE
		      ", \"api_configs\": [" NAMED("u",
			  ",\"activation_enabled\": true, \"time_zone\": \"UTC\","
			  "\"time_enabled\": [0,1,1,1,1,1,1]") "],"
							       "\"timeout_settings\": "
							       "{\"billing_send_interval\": 0}}");
	json_t *told = json_object_get(effect, "activated");
	ck_assert(json_is_true(json_object_get(json_object_get(told, "chat:u"), "running")));
	ck_assert(
	    json_is_true(json_object_get(json_object_get(told, "chat_via_claude:u"), "running")));
	ck_assert(json_is_false(json_object_get(json_object_get(told, "claude:u"), "running")));
	json_decref(effect);
}
END_TEST

/* 4.7: what was there but disabled is nowhere: no word sends anything by itself. */
START_TEST(present_but_disabled)
{
	expect_effect(base, "timeout_settings", "health_check_interval", "1", "");
	expect_effect(base, "timeout_settings", "billing_cycle_delay", "1", "");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("old_words");
	TCase *words = tcase_create("words"), *selection = tcase_create("selection");
	WORDS(ADD)
	tcase_add_test(words, api_configs__activation_time);
	tcase_add_test(words, codex_configs__activation_time);
	tcase_add_test(words, timeout_settings__billing_send_interval);
	tcase_add_test(words, every_old_word_has_its_test);
	suite_add_tcase(suite, words);
	tcase_add_checked_fixture(selection, set_up, tear_down);
	tcase_add_test(selection, available);
	tcase_add_test(selection, pick_a_claude_api);
	tcase_add_test(selection, pick_a_codex_api);
	tcase_add_test(selection, error_recording);
	tcase_add_test(selection, smart_switch);
	tcase_add_test(selection, codex_adaptive_timeout);
	tcase_add_test(selection, activation_scheduler);
	tcase_add_test(selection, present_but_disabled);
	suite_add_tcase(suite, selection);
	return suite_run(suite);
}
