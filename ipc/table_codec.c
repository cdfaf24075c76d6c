#include "fields.h"
#include "mem.h"
#include "must.h"
#include "policy.h"
#include "table.h"
#include "table_words.h"
#include <stdio.h>

/* One of a member for each period. */
#define ONE(owner, member, name, field_kind, which)                                                \
	{                                                                                          \
		.key = name, .kind = field_kind, .offset = offsetof(struct owner, member[which]),  \
		.max = INT64_MAX                                                                   \
	}
#define EACH(owner, member, name, field_kind)                                                      \
	ONE(owner, member, name "_day", field_kind, PERIOD_DAY),                                   \
	    ONE(owner, member, name "_week", field_kind, PERIOD_WEEK),                             \
	    ONE(owner, member, name "_month", field_kind, PERIOD_MONTH)
#define COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

/* ---- the members of each kind of object ---- */

#define ACCEPTS(member)                                                                            \
	{                                                                                          \
		.key = #member, .kind = FIELD_BOOL,                                                \
		.offset = offsetof(struct upstream_entry, accepts.member)                          \
	}
static const struct field upstream_fields[] = {
    FIELD_OF(upstream_entry, id, FIELD_STR, 1, TABLE_NAME_BYTES_MAX),
    FIELD_OF(upstream_entry, name, FIELD_STR, 0, TABLE_NAME_BYTES_MAX),
    FIELD_OF(upstream_entry, base_url, FIELD_STR, 1, TABLE_URL_BYTES_MAX),
    FIELD_OF(upstream_entry, key, FIELD_SECRET, 0, SECRET_BYTES_MAX),
    FIELD_WORD_OF(upstream_entry, protocol, table_protocol_words),
    FIELD_WORD_OF(upstream_entry, tier, table_tier_words),
    FIELD_OF(upstream_entry, available, FIELD_BOOL, 0, 0),
    FIELD_OF(upstream_entry, demo, FIELD_BOOL, 0, 0),
    FIELD_OF(upstream_entry, any_address, FIELD_BOOL, 0, 0),
    FIELD_OF(upstream_entry, price_ppm, FIELD_U32, 0, TABLE_PRICE_PPM_MAX),
    FIELD_OF(upstream_entry, weight, FIELD_U32, 1, TABLE_WEIGHT_MAX),
    FIELD_WORD_OF(upstream_entry, off, table_off_words),
    FIELD_OF(upstream_entry, ramp, FIELD_U32, 0, UINT32_MAX),
    FIELD_OF(upstream_entry, resume_at_ms, FIELD_I64, 0, INT64_MAX),
    FIELD_OF(upstream_entry, probe_seq, FIELD_U64, 0, INT64_MAX),
    FIELD_OF(upstream_entry, probe_every_ms, FIELD_U32, 0, UINT32_MAX),
    FIELD_OF(upstream_entry, activate_seq, FIELD_U64, 0, INT64_MAX),
    FIELD_OF(upstream_entry, activate_by, FIELD_BITS64, 0, 0),
    FIELD_WORD_OF(upstream_entry, fold, capability_fold_words),
    ACCEPTS(max_tokens_old_name),
    ACCEPTS(top_k),
    ACCEPTS(cache_breakpoints),
    ACCEPTS(reasoning_content),
    ACCEPTS(inline_think),
    ACCEPTS(instructions),
    ACCEPTS(developer_role),
    ACCEPTS(custom_tools),
    ACCEPTS(stop_over_four),
    ACCEPTS(stops_here),
};
static const struct field model_fields[] = {
    FIELD_OF(model_pattern, pattern, FIELD_STR, 1, TABLE_NAME_BYTES_MAX),
};
static const struct field rename_fields[] = {
    FIELD_OF(model_rename, from, FIELD_STR, 1, TABLE_NAME_BYTES_MAX),
    FIELD_OF(model_rename, to, FIELD_STR, 1, TABLE_NAME_BYTES_MAX),
};
static const struct field cooling_fields[] = {
    FIELD_OF(cooling_model, model, FIELD_STR, 1, TABLE_NAME_BYTES_MAX),
    FIELD_OF(cooling_model, until_ms, FIELD_I64, 0, INT64_MAX),
};
static const struct field client_key_fields[] = {
    FIELD_OF(client_key, id, FIELD_STR, 1, TABLE_NAME_BYTES_MAX),
    FIELD_OF(client_key, name, FIELD_STR, 0, TABLE_NAME_BYTES_MAX),
    FIELD_OF(client_key, sha256, FIELD_SHA256, 0, 0),
    FIELD_OF(client_key, groups, FIELD_U32, 0, UINT32_MAX),
    FIELD_OF(client_key, requests_per_minute, FIELD_U64, 0, INT64_MAX),
    FIELD_OF(client_key, tokens_per_minute, FIELD_U64, 0, INT64_MAX),
    FIELD_OF(client_key, concurrent_requests, FIELD_U32, 0, UINT32_MAX),
    EACH(client_key, tokens_per, "tokens_per", FIELD_U64),
    EACH(client_key, nano_usd_per, "nano_usd_per", FIELD_U64),
    FIELD_OF(client_key, warn_percent, FIELD_U32, 0, 100),
    FIELD_OF(client_key, spent_known, FIELD_BOOL, 0, 0),
    EACH(client_key, spent_start_ms, "spent_start_ms", FIELD_I64),
    EACH(client_key, spent_tokens, "spent_tokens", FIELD_I64),
    EACH(client_key, spent_nano, "spent_nano", FIELD_I64),
};
static const struct field price_fields[] = {
    FIELD_OF(price_row, model, FIELD_STR, 1, TABLE_NAME_BYTES_MAX),
    FIELD_OF(price_row, upstream, FIELD_STR, 1, TABLE_NAME_BYTES_MAX),
    FIELD_OF(price_row, from_ms, FIELD_I64, 0, INT64_MAX),
    FIELD_OF(price_row, input, FIELD_I64, 0, PRICE_MAX),
    FIELD_OF(price_row, output, FIELD_I64, 0, PRICE_MAX),
    FIELD_OF(price_row, cache_write_5m, FIELD_I64, 0, PRICE_MAX),
    FIELD_OF(price_row, cache_write_1h, FIELD_I64, 0, PRICE_MAX),
    FIELD_OF(price_row, cache_read, FIELD_I64, 0, PRICE_MAX),
    FIELD_OF(price_row, web_search, FIELD_I64, 0, PRICE_MAX),
};
static const struct field model_rule_fields[] = {
    FIELD_OF(model_rule, source, FIELD_STR, 1, TABLE_NAME_BYTES_MAX),
    FIELD_OF(model_rule, target, FIELD_STR, 1, TABLE_NAME_BYTES_MAX),
    FIELD_OF(model_rule, full_format, FIELD_BOOL, 0, 0),
};
static const struct field capability_fields[] = {
    {.key = "pattern",
	.kind = FIELD_TEXT,
	.offset = offsetof(struct model_capability, pattern),
	.min = 1,
	.max = CAPABILITY_PATTERN_BYTES - 1},
    FIELD_WORD_OF(model_capability, thinking, capability_thinking_words),
    FIELD_WORD_OF(model_capability, thinking_always, capability_toggle_words),
    FIELD_WORD_OF(model_capability, sampling, capability_toggle_words),
    FIELD_WORD_OF(model_capability, sampling_both, capability_toggle_words),
    FIELD_WORD_OF(model_capability, system_mid, capability_toggle_words),
    FIELD_WORD_OF(model_capability, prefill, capability_toggle_words),
    FIELD_WORD_OF(model_capability, effort_xhigh, capability_toggle_words),
    FIELD_WORD_OF(model_capability, effort_max, capability_toggle_words),
    FIELD_WORD_OF(model_capability, json_schema, capability_toggle_words),
    FIELD_OF(model_capability, max_output_tokens, FIELD_I64, 0, CAPABILITY_TOKENS_MAX),
    FIELD_OF(model_capability, max_effort_budget, FIELD_I64, 0, CAPABILITY_TOKENS_MAX),
};
static const struct field lesson_fields[] = {
    FIELD_OF(lesson_of, upstream, FIELD_STR, 1, TABLE_NAME_BYTES_MAX),
    FIELD_OF(lesson_of, model, FIELD_STR, 0, TABLE_NAME_BYTES_MAX),
    {.key = "kind",
	.kind = FIELD_WORD,
	.offset = offsetof(struct lesson_of, lesson.kind),
	.words = lesson_kind_words},
    {.key = "name",
	.kind = FIELD_TEXT,
	.offset = offsetof(struct lesson_of, lesson.name),
	.max = LESSON_NAME_BYTES - 1},
    {.key = "until_ms",
	.kind = FIELD_I64,
	.offset = offsetof(struct lesson_of, lesson.until_ms),
	.max = INT64_MAX},
};
static const struct field trial_fields[] = {
    FIELD_OF(trial_order, seq, FIELD_U64, 1, INT64_MAX),
    FIELD_OF(trial_order, by, FIELD_BITS64, 0, 0),
    FIELD_WORD_OF(trial_order, protocol, table_protocol_words),
    FIELD_OF(trial_order, base_url, FIELD_STR, 1, TABLE_URL_BYTES_MAX),
    FIELD_OF(trial_order, key, FIELD_SECRET, 0, SECRET_BYTES_MAX),
    FIELD_OF(trial_order, any_address, FIELD_BOOL, 0, 0),
    FIELD_OF(trial_order, model, FIELD_STR, 1, TABLE_NAME_BYTES_MAX),
    FIELD_OF(trial_order, prompt, FIELD_STR, 1, TABLE_PROMPT_BYTES_MAX),
    FIELD_OF(trial_order, max_tokens, FIELD_U32, 1, UINT32_MAX),
};
static const struct field timeouts_fields[] = {
    FIELD_OF(table_timeouts, connect_ms, FIELD_U32, 0, UINT32_MAX),
    FIELD_OF(table_timeouts, first_byte_stream_ms, FIELD_U32, 0, UINT32_MAX),
    FIELD_OF(table_timeouts, first_byte_ms, FIELD_U32, 0, UINT32_MAX),
    FIELD_OF(table_timeouts, idle_stream_ms, FIELD_U32, 0, UINT32_MAX),
    FIELD_OF(table_timeouts, idle_ms, FIELD_U32, 0, UINT32_MAX),
    FIELD_OF(table_timeouts, total_stream_ms, FIELD_U32, 0, UINT32_MAX),
    FIELD_OF(table_timeouts, total_ms, FIELD_U32, 0, UINT32_MAX),
    FIELD_OF(table_timeouts, write_ms, FIELD_U32, 0, UINT32_MAX),
    FIELD_OF(table_timeouts, request_ms, FIELD_U32, 0, UINT32_MAX),
};
static const struct field policy_fields[] = {
    FIELD_WORD_OF(group_policy, pick, policy_pick_words),
    FIELD_OF(group_policy, affinity_ttl_ms, FIELD_U32, 0, UINT32_MAX),
    FIELD_WORD_OF(group_policy, hedge, policy_hedge_words),
    FIELD_OF(group_policy, hedge_after_ms, FIELD_U32, 0, UINT32_MAX),
    FIELD_OF(group_policy, hedge_budget_percent, FIELD_U32, 0, UINT32_MAX),
    FIELD_OF(group_policy, keepalive_ms, FIELD_U32, 0, UINT32_MAX),
    FIELD_OF(group_policy, attempts_max, FIELD_U32, 1, TABLE_ATTEMPTS_MAX),
    FIELD_OF(group_policy, same_upstream_retries, FIELD_U32, 0, TABLE_ATTEMPTS_MAX),
    FIELD_OF(group_policy, retry_budget_percent, FIELD_U32, 0, UINT32_MAX),
    FIELD_OF(group_policy, retry_burst, FIELD_U32, 0, UINT32_MAX),
    FIELD_OF(group_policy, retry_deadline_ms, FIELD_U32, 0, UINT32_MAX),
    FIELD_WORD_OF(group_policy, convert, policy_convert_words),
    FIELD_WORD_OF(group_policy, loss, policy_loss_words),
};
static const struct field range_fields[] = {
    FIELD_OF(strategy_range, first, FIELD_U32, 0, 999),
    FIELD_OF(strategy_range, last, FIELD_U32, 0, 999),
    FIELD_WORD_OF(strategy_range, strategy, policy_strategy_words),
};
#define NETWORK(index, word)                                                                       \
	{                                                                                          \
		.key = word, .kind = FIELD_WORD,                                                   \
		.offset = offsetof(struct strategies, network[index]),                             \
		.words = policy_strategy_words                                                     \
	}
static const struct field network_fields[] = {
    NETWORK(NETWORK_CONNECT_ERROR, "ConnectError"),
    NETWORK(NETWORK_CONNECT_TIMEOUT, "ConnectTimeout"),
    NETWORK(NETWORK_WRITE_ERROR, "WriteError"),
    NETWORK(NETWORK_READ_ERROR, "ReadError"),
    NETWORK(NETWORK_READ_TIMEOUT, "ReadTimeout"),
    NETWORK(NETWORK_PROTOCOL_ERROR, "ProtocolError"),
};
#define ACTIVATION(name, member, field_kind, low, high)                                            \
	{                                                                                          \
		.key = name, .kind = field_kind,                                                   \
		.offset = offsetof(struct table, activation.member), .min = low, .max = high       \
	}
static const struct field activation_fields[] = {
    ACTIVATION("model_anthropic", models[PROTOCOL_ANTHROPIC], FIELD_STR, 0, TABLE_NAME_BYTES_MAX),
    ACTIVATION("model_chat", models[PROTOCOL_CHAT], FIELD_STR, 0, TABLE_NAME_BYTES_MAX),
    ACTIVATION("model_responses", models[PROTOCOL_RESPONSES], FIELD_STR, 0, TABLE_NAME_BYTES_MAX),
    ACTIVATION("prompt", prompt, FIELD_STR, 0, TABLE_PROMPT_BYTES_MAX),
    ACTIVATION("max_tokens", max_tokens, FIELD_U32, 0, UINT32_MAX),
};
#define INNER(inner, member, field_kind, low, high)                                                \
	{                                                                                          \
		.key = #member, .kind = field_kind,                                                \
		.offset = offsetof(struct table, inner.member), .min = low, .max = high            \
	}
static const struct field alert_fields[] = {
    INNER(alert, seq, FIELD_U64, 0, INT64_MAX),
    INNER(alert, by, FIELD_BITS64, 0, 0),
    INNER(alert, url, FIELD_SECRET, 0, OUTSIDE_URL_BYTES_MAX),
    INNER(alert, authorization, FIELD_SECRET, 0, SECRET_BYTES_MAX),
    INNER(alert, any_address, FIELD_BOOL, 0, 0),
    INNER(alert, body, FIELD_OPT_STR, 1, OUTSIDE_BODY_BYTES_MAX),
    INNER(alert, zero, FIELD_OPT_STR, 1, OUTSIDE_WORD_BYTES_MAX),
};
static const struct field tracing_fields[] = {
    INNER(tracing, endpoint, FIELD_OPT_STR, 1, OUTSIDE_URL_BYTES_MAX),
    INNER(tracing, headers, FIELD_SECRET, 0, SECRET_BYTES_MAX),
    INNER(tracing, service, FIELD_OPT_STR, 1, OUTSIDE_SERVICE_BYTES_MAX),
    INNER(tracing, sample_ppm, FIELD_U32, 0, OUTSIDE_SAMPLE_ALL),
    INNER(tracing, any_address, FIELD_BOOL, 0, 0),
};
/* The flat members of the whole; MORE_MEMBERS others stand beside them. */
static const struct field table_fields[] = {
    FIELD_OF(table, epoch, FIELD_BITS64, 0, 0),
    FIELD_OF(table, version, FIELD_U64, 0, INT64_MAX),
    FIELD_OF(table, prober, FIELD_BITS64, 0, 0),
    EACH(table, periods.start_ms, "period_start_ms", FIELD_I64),
    EACH(table, periods.end_ms, "period_end_ms", FIELD_I64),
    FIELD_OF(table, attempts_max, FIELD_U32, 1, TABLE_ATTEMPTS_MAX),
    FIELD_OF(table, body_bytes_max, FIELD_U64, 1, INT64_MAX),
    FIELD_OF(table, cache_marks_max, FIELD_U32, 0, UINT32_MAX),
    FIELD_OF(table, ask_usage, FIELD_BOOL, 0, 0),
    FIELD_OF(table, learn, FIELD_BOOL, 0, 0),
    FIELD_OF(table, admin_on_api_port, FIELD_BOOL, 0, 0),
    FIELD_OF(table, admin_remote, FIELD_BOOL, 0, 0),
    FIELD_OF(table, tls_cert_path, FIELD_OPT_STR, 1, TABLE_PATH_BYTES_MAX),
    FIELD_OF(table, tls_key_path, FIELD_OPT_STR, 1, TABLE_PATH_BYTES_MAX),
};
#define MORE_MEMBERS 13

/* ---- lists ---- */

/* Adds one entry to a list of `owner` and returns it. */
typedef void *add_fn(void *owner, size_t group);

static void *
add_upstream(void *table, size_t group)
{
	return table_add_upstream(table, (enum group)group);
}

#define ADD(name, owner, call)                                                                     \
	static void *name(void *owner, size_t group)                                               \
	{                                                                                          \
		(void)group;                                                                       \
		return call(owner);                                                                \
	}
ADD(add_client_key, table, table_add_client_key)
ADD(add_model_rule, table, table_add_model_rule)
ADD(add_price, table, table_add_price)
ADD(add_lesson, table, table_add_lesson)
ADD(add_trial, table, table_add_trial)
ADD(add_capability, table, table_add_capability)
ADD(add_range, table, table_add_range)
ADD(add_pattern, entry, table_add_pattern)
ADD(add_rename, entry, table_add_rename)
ADD(add_cooling, entry, table_add_cooling)
ADD(add_key_pattern, key, table_add_key_pattern)

struct list_shape {
	const char *key; /* NULL: it is named by its group */
	const struct field *fields;
	size_t field_count;
	size_t size, max;         /* of an entry; of the list */
	size_t list_at, count_at; /* in the owner */
	add_fn *add;
	const struct list_shape *inner; /* lists of an entry */
	size_t inner_count;
};
#define LIST(owner, member, counter, shape_fields, most, add_one)                                  \
	{                                                                                          \
		.key = #member, .fields = shape_fields, .field_count = COUNT(shape_fields),        \
		.size = sizeof(*((struct owner *)NULL)->member), .max = most,                      \
		.list_at = offsetof(struct owner, member),                                         \
		.count_at = offsetof(struct owner, counter), .add = add_one                        \
	}
static const struct list_shape entry_lists[] = {
    LIST(upstream_entry, models, model_count, model_fields, TABLE_MODELS_MAX, add_pattern),
    LIST(upstream_entry, renames, rename_count, rename_fields, TABLE_MODELS_MAX, add_rename),
    LIST(upstream_entry, cooling, cooling_count, cooling_fields, TABLE_COOLING_MODELS_MAX,
	add_cooling),
};
static const struct list_shape key_lists[] = {
    LIST(client_key, models, model_count, model_fields, TABLE_MODELS_MAX, add_key_pattern),
};
static const struct list_shape table_lists[] = {
    {.key = "client_keys",
	.fields = client_key_fields,
	.field_count = COUNT(client_key_fields),
	.size = sizeof(struct client_key),
	.max = TABLE_CLIENT_KEYS_MAX,
	.list_at = offsetof(struct table, client_keys),
	.count_at = offsetof(struct table, client_key_count),
	.add = add_client_key,
	.inner = key_lists,
	.inner_count = COUNT(key_lists)},
    LIST(table, model_rules, model_rule_count, model_rule_fields, TABLE_MODEL_RULES_MAX,
	add_model_rule),
    LIST(table, prices, price_count, price_fields, TABLE_PRICES_MAX, add_price),
    LIST(table, lessons, lesson_count, lesson_fields, TABLE_LESSONS_MAX, add_lesson),
    LIST(table, trials, trial_count, trial_fields, TRIALS_MAX, add_trial),
    LIST(table, capabilities, capability_count, capability_fields, TABLE_CAPABILITIES_MAX,
	add_capability),
};
static const struct list_shape ranges_list = {.key = "statuses",
    .fields = range_fields,
    .field_count = COUNT(range_fields),
    .size = sizeof(struct strategy_range),
    .max = TABLE_STRATEGY_RANGES_MAX,
    .list_at = offsetof(struct table, strategies.ranges),
    .count_at = offsetof(struct table, strategies.count),
    .add = add_range};
static const struct list_shape upstreams_list = {.fields = upstream_fields,
    .field_count = COUNT(upstream_fields),
    .size = sizeof(struct upstream_entry),
    .max = TABLE_UPSTREAMS_MAX,
    .list_at = offsetof(struct upstream_list, entries),
    .count_at = offsetof(struct upstream_list, count),
    .add = add_upstream,
    .inner = entry_lists,
    .inner_count = COUNT(entry_lists)};

static void
add_member(json_t *json, const char *key, json_t *value)
{
	MUST(value != NULL && json_object_set_new(json, key, value) == 0);
}

static json_t *
encode_list(const struct list_shape *shape, const void *owner)
{
	const char *at = *(const char *const *)((const char *)owner + shape->list_at);
	size_t count = *(const size_t *)(const void *)((const char *)owner + shape->count_at);
	json_t *json = json_array();
	for (size_t i = 0; i < count; i++, at += shape->size) {
		json_t *entry = fields_encode(shape->fields, shape->field_count, at);
		for (size_t k = 0; k < shape->inner_count; k++)
			add_member(entry, shape->inner[k].key, encode_list(&shape->inner[k], at));
		MUST(json_array_append_new(json, entry) == 0);
	}
	return json;
}

/* `json` is the object at `path` that has the list as its member `key`. */
static bool
decode_list(const struct list_shape *shape, const json_t *json, const char *path, const char *key,
    void *owner, size_t group, struct err *err)
{
	const json_t *list = fields_member(json, path, key, JSON_ARRAY, err);
	if (list == NULL)
		return false;
	size_t count = json_array_size(list);
	if (count > shape->max)
		return fields_refuse(
		    path, key, err, "has %zu entries, at most %zu", count, shape->max);
	for (size_t i = 0; i < count; i++) {
		char at[96];
		const json_t *item = json_array_get(list, i);
		snprintf(at, sizeof(at), "%s%s%s[%zu]", path, *path != '\0' ? "." : "", key, i);
		void *entry = shape->add(owner, group);
		if (!fields_decode(shape->fields, shape->field_count, item, at, entry, err))
			return false;
		for (size_t k = 0; k < shape->inner_count; k++) {
			const struct list_shape *inner = &shape->inner[k];
			if (!decode_list(inner, item, at, inner->key, entry, 0, err))
				return false;
		}
	}
	return true;
}

/* ---- one object for each group ---- */

struct each_group {
	const char *key;
	const struct field *fields;
	size_t field_count;
	size_t at, size; /* of the array in the table */
};
static const struct each_group each_group[] = {
    {"timeouts", timeouts_fields, COUNT(timeouts_fields), offsetof(struct table, timeouts),
	sizeof(struct table_timeouts)},
    {"policies", policy_fields, COUNT(policy_fields), offsetof(struct table, policies),
	sizeof(struct group_policy)},
};

static json_t *
encode_each_group(const struct each_group *each, const struct table *table)
{
	json_t *json = json_object();
	for (size_t i = 0; i < GROUP_COUNT; i++) {
		const char *at = (const char *)table + each->at + i * each->size;
		add_member(
		    json, table_group_words[i], fields_encode(each->fields, each->field_count, at));
	}
	return json;
}

static bool
decode_each_group(
    const struct each_group *each, const json_t *body, struct table *table, struct err *err)
{
	const json_t *all = fields_member(body, "", each->key, JSON_OBJECT, err);
	if (all == NULL)
		return false;
	for (size_t i = 0; i < GROUP_COUNT; i++) {
		const char *name = table_group_words[i];
		const json_t *one = fields_member(all, each->key, name, JSON_OBJECT, err);
		char path[64];
		snprintf(path, sizeof(path), "%s.%s", each->key, name);
		if (one == NULL || !fields_decode(each->fields, each->field_count, one, path,
				       (char *)table + each->at + i * each->size, err))
			return false;
	}
	return true;
}

/* ---- the whole ---- */

json_t *
table_encode(const struct table *table)
{
	json_t *json = fields_encode(table_fields, COUNT(table_fields), table);
	json_t *groups = json_object();
	for (size_t i = 0; i < GROUP_COUNT; i++)
		add_member(
		    groups, table_group_words[i], encode_list(&upstreams_list, &table->groups[i]));
	add_member(json, "groups", groups);
	for (size_t i = 0; i < COUNT(each_group); i++)
		add_member(json, each_group[i].key, encode_each_group(&each_group[i], table));
	for (size_t i = 0; i < COUNT(table_lists); i++)
		add_member(json, table_lists[i].key, encode_list(&table_lists[i], table));
	json_t *network = fields_encode(network_fields, COUNT(network_fields), &table->strategies);
	add_member(network, ranges_list.key, encode_list(&ranges_list, table));
	add_member(json, "strategies", network);
	add_member(
	    json, "activation", fields_encode(activation_fields, COUNT(activation_fields), table));
	add_member(json, "alert", fields_encode(alert_fields, COUNT(alert_fields), table));
	add_member(json, "tracing", fields_encode(tracing_fields, COUNT(tracing_fields), table));
	return json;
}

static bool
decode_groups(const json_t *body, struct table *table, struct err *err)
{
	const json_t *groups = fields_member(body, "", "groups", JSON_OBJECT, err);
	if (groups == NULL)
		return false;
	for (size_t i = 0; i < GROUP_COUNT; i++) {
		if (!decode_list(
			&upstreams_list, groups, "groups", table_group_words[i], table, i, err))
			return false;
	}
	return true;
}

static bool
decode_strategies(const json_t *body, struct table *table, struct err *err)
{
	const json_t *json = fields_member(body, "", "strategies", JSON_OBJECT, err);
	return json != NULL &&
	       fields_decode(network_fields, COUNT(network_fields), json, "strategies",
		   &table->strategies, err) &&
	       decode_list(&ranges_list, json, "strategies", ranges_list.key, table, 0, err);
}

/* The new table's empty texts make room. */
static bool
decode_activation(const json_t *body, struct table *table, struct err *err)
{
	const json_t *json = fields_member(body, "", "activation", JSON_OBJECT, err);
	if (json == NULL)
		return false;
	for (size_t i = 0; i < PROTOCOL_COUNT; i++) {
		mem_free(table->activation.models[i]);
		table->activation.models[i] = NULL;
	}
	mem_free(table->activation.prompt);
	table->activation.prompt = NULL;
	return fields_decode(
	    activation_fields, COUNT(activation_fields), json, "activation", table, err);
}

static bool
decode_outside(const json_t *body, struct table *table, struct err *err)
{
	const json_t *alert = fields_member(body, "", "alert", JSON_OBJECT, err);
	const json_t *tracing =
	    alert != NULL ? fields_member(body, "", "tracing", JSON_OBJECT, err) : NULL;
	return tracing != NULL &&
	       fields_decode(alert_fields, COUNT(alert_fields), alert, "alert", table, err) &&
	       fields_decode(tracing_fields, COUNT(tracing_fields), tracing, "tracing", table, err);
}

static bool
decode_all(const json_t *body, struct table *table, struct err *err)
{
	if (!fields_decode(table_fields, COUNT(table_fields), body, "", table, err) ||
	    !decode_groups(body, table, err) || !decode_strategies(body, table, err) ||
	    !decode_activation(body, table, err) || !decode_outside(body, table, err))
		return false;
	for (size_t i = 0; i < COUNT(each_group); i++) {
		if (!decode_each_group(&each_group[i], body, table, err))
			return false;
	}
	for (size_t i = 0; i < COUNT(table_lists); i++) {
		if (!decode_list(&table_lists[i], body, "", table_lists[i].key, table, 0, err))
			return false;
	}
	return true;
}

bool
table_decode(const json_t *body, struct table **out, struct err *err)
{
	struct table *table = table_new();
	if (decode_all(body, table, err)) {
		*out = table;
		return true;
	}
	table_unref(table);
	return false;
}
