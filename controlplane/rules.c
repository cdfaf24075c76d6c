#include "rules.h"
#include "must.h"
#include "schema.h"
#include <stdio.h>
#include <string.h>

static uint32_t
to_ms(double seconds)
{
	return (uint32_t)(seconds * 1000);
}

/* ---- policies ---- */

struct group_policy
rules_policy(const struct config *config, enum group group)
{
	char path[64];
	snprintf(path, sizeof(path), "%s.%s", SCHEMA_ROUTING, group_name(group));
	const json_t *words = schema_section_get(config->root, path);
	const json_t *server = schema_section_get(config->root, SCHEMA_SERVER);
	const json_t *times = schema_section_get(config->root, SCHEMA_TIMEOUTS);
	double attempts = schema_number(words, SCHEMA_ROUTING, "attempts_max");
	double calls = schema_number(times, SCHEMA_TIMEOUTS, "max_retries");
	if (attempts < 1)
		attempts = schema_number(server, SCHEMA_SERVER, "attempts_max");
	if (calls > TABLE_ATTEMPTS_MAX)
		calls = TABLE_ATTEMPTS_MAX;
	return (struct group_policy){
	    .pick = (enum pick)schema_choice(words, SCHEMA_ROUTING, "pick"),
	    .affinity_ttl_ms = to_ms(schema_number(words, SCHEMA_ROUTING, "affinity_seconds")),
	    .hedge = (enum hedge)schema_choice(words, SCHEMA_ROUTING, "hedge"),
	    .hedge_after_ms = to_ms(schema_number(words, SCHEMA_ROUTING, "hedge_after_seconds")),
	    .hedge_budget_percent =
		(uint32_t)schema_number(words, SCHEMA_ROUTING, "hedge_budget_percent"),
	    .keepalive_ms = to_ms(schema_number(words, SCHEMA_ROUTING, "keepalive_seconds")),
	    .attempts_max = (uint32_t)attempts,
	    .same_upstream_retries = calls < 1 ? 0 : (uint32_t)calls - 1,
	    .retry_budget_percent =
		(uint32_t)schema_number(words, SCHEMA_ROUTING, "retry_budget_percent"),
	    .retry_burst = (uint32_t)schema_number(words, SCHEMA_ROUTING, "retry_burst"),
	    .retry_deadline_ms =
		to_ms(schema_number(words, SCHEMA_ROUTING, "retry_deadline_seconds")),
	    .convert = (enum convert_when)schema_choice(words, SCHEMA_ROUTING, "convert"),
	    .loss = (enum loss)schema_choice(words, SCHEMA_ROUTING, "loss"),
	};
}

/* ---- capabilities ---- */

static enum toggle
toggle_of(const json_t *row, const char *key)
{
	const json_t *value = json_object_get(row, key);
	if (value == NULL || json_is_null(value))
		return TOGGLE_BUILT_IN;
	return schema_flag(row, SCHEMA_CAPABILITIES, key) ? TOGGLE_ON : TOGGLE_OFF;
}

static int64_t
tokens_of(const json_t *row, const char *key)
{
	return (int64_t)json_number_value(json_object_get(row, key));
}

void
rules_capabilities(const struct config *config, struct table *table)
{
	const json_t *list = schema_section_get(config->root, SCHEMA_CAPABILITIES);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *from = json_array_get(list, i);
		struct model_capability *row = table_add_capability(table);
		*row = (struct model_capability){
		    .thinking =
			(enum thinking_form)schema_choice(from, SCHEMA_CAPABILITIES, "thinking"),
		    .thinking_always = toggle_of(from, "thinking_always"),
		    .sampling = toggle_of(from, "sampling"),
		    .sampling_both = toggle_of(from, "sampling_both"),
		    .system_mid = toggle_of(from, "system_mid"),
		    .prefill = toggle_of(from, "prefill"),
		    .effort_xhigh = toggle_of(from, "effort_xhigh"),
		    .effort_max = toggle_of(from, "effort_max"),
		    .json_schema = toggle_of(from, "json_schema"),
		    .max_output_tokens = tokens_of(from, "max_output_tokens"),
		    .max_effort_budget = tokens_of(from, "max_effort_budget"),
		};
		(void)snprintf(row->pattern, sizeof(row->pattern), "%s",
		    schema_text(from, SCHEMA_CAPABILITIES, "pattern"));
	}
}

static bool
accepts(const json_t *upstream, const char *word)
{
	return schema_has_word(upstream, SCHEMA_UPSTREAMS, "accepts", word);
}

struct upstream_accepts
rules_accepts(const json_t *upstream)
{
	return (struct upstream_accepts){
	    .max_tokens_old_name = accepts(upstream, "max_tokens_old_name"),
	    .top_k = accepts(upstream, "top_k"),
	    .cache_breakpoints = accepts(upstream, "cache_breakpoints"),
	    .reasoning_content = accepts(upstream, "reasoning_content"),
	    .inline_think = accepts(upstream, "inline_think"),
	    .instructions = accepts(upstream, "instructions"),
	    .developer_role = accepts(upstream, "developer_role"),
	    .custom_tools = accepts(upstream, "custom_tools"),
	    .stop_over_four = accepts(upstream, "stop_over_four"),
	    .stops_here = accepts(upstream, "stops_here"),
	};
}

/* ---- strategies ---- */

/* The strategy under `key`; false when there is none. */
static bool
find_strategy(const json_t *map, const char *key, enum strategy *out)
{
	const char *word = json_string_value(json_object_get(map, key));
	for (unsigned i = 0; word != NULL && policy_strategy_words[i] != NULL; i++) {
		if (strcmp(word, policy_strategy_words[i]) == 0) {
			*out = (enum strategy)i;
			return true;
		}
	}
	return false;
}

/* The owner's own word, that for its class, the built-in one, the owner's default, the built-in
 * ones for the class and for all. */
static enum strategy
resolve(const json_t *own, const json_t *fallback, const char *key, const char *class)
{
	enum strategy strategy = STRATEGY_SWITCH_API;
	(void)(find_strategy(own, key, &strategy) || find_strategy(own, class, &strategy) ||
	       find_strategy(fallback, key, &strategy) ||
	       find_strategy(own, "default", &strategy) ||
	       find_strategy(fallback, class, &strategy) ||
	       find_strategy(fallback, "default", &strategy));
	return strategy;
}

static void
add_status(struct table *table, unsigned status, enum strategy strategy)
{
	struct strategies *all = &table->strategies;
	struct strategy_range *last = all->count > 0 ? &all->ranges[all->count - 1] : NULL;
	if (last != NULL && last->strategy == strategy) {
		last->last = status;
		return;
	}
	*table_add_range(table) = (struct strategy_range){status, status, strategy};
}

void
rules_strategies(const struct config *config, struct table *table)
{
	const json_t *words = schema_section_get(config->root, SCHEMA_STRATEGIES);
	const json_t *own = json_object_get(words, "http_status_codes");
	json_t *fallback = schema_value(NULL, SCHEMA_STRATEGIES, "http_status_codes");
	char key[8], class[8];
	for (unsigned status = 300; status <= 599; status++) {
		snprintf(key, sizeof(key), "%u", status);
		snprintf(class, sizeof(class), "%uxx", status / 100);
		add_status(table, status, resolve(own, fallback, key, class));
	}
	json_decref(fallback);
	own = json_object_get(words, "network_errors");
	fallback = schema_value(NULL, SCHEMA_STRATEGIES, "network_errors");
	for (unsigned i = 0; i < NETWORK_ERROR_COUNT; i++)
		table->strategies.network[i] = resolve(own, fallback, policy_network_words[i], "");
	json_decref(fallback);
}

/* ---- health ---- */

static uint64_t
time_ms(const json_t *words, const char *key)
{
	return to_ms(schema_number(words, SCHEMA_TIMEOUTS, key));
}

struct health_limits
rules_limits(const struct config *config, enum group group)
{
	const json_t *words = schema_section_get(config->root, SCHEMA_TIMEOUTS);
	const char *threshold =
	    group == GROUP_CODEX ? "codex_error_threshold" : "api_error_threshold";
	double errors = schema_number(words, SCHEMA_TIMEOUTS, threshold);
	struct health_limits limits = {
	    .threshold = errors < 1 ? 1 : (uint32_t)errors,
	    .cooldown_ms = time_ms(words, "api_cooldown_seconds"),
	    .rate_limit_ms = time_ms(words, "rate_limit_cooldown_seconds"),
	    .max_ms = time_ms(words, "cooldown_max_seconds"),
	    .probe_max_ms = time_ms(words, "primary_api_check_interval"),
	};
	if (limits.max_ms < limits.cooldown_ms)
		limits.max_ms = limits.cooldown_ms;
	return limits;
}
