#include "assemble.h"
#include "mem.h"
#include "must.h"
#include "periods.h"
#include "price_rows.h"
#include "rules.h"
#include "schema.h"
#include "url.h"
#include <stdio.h>
#include <string.h>

#define CACHE_MARKS_MAX 4 /* Anthropic takes no more */

static void
set_models(struct upstream_entry *entry, const json_t *words)
{
	const json_t *models = json_object_get(words, "models");
	json_t *map = json_object_get(words, "model_map"), *to;
	const char *from;
	for (size_t i = 0; i < json_array_size(models); i++)
		table_add_pattern(entry)->pattern =
		    mem_dup_str(json_string_value(json_array_get(models, i)));
	json_object_foreach(map, from, to)
	{
		struct model_rename *rename = table_add_rename(entry);
		rename->from = mem_dup_str(from);
		rename->to = mem_dup_str(json_string_value(to));
	}
}

/* Names that chat programs are born with; the entry's own map counts before them. */
static void
add_default_models(struct upstream_entry *entry, const struct config *config)
{
	const json_t *words = schema_section_get(config->root, SCHEMA_OPTIMIZATION);
	json_t *map = schema_value(words, SCHEMA_OPTIMIZATION, "chat_model_map"), *to;
	const char *from;
	json_object_foreach(map, from, to)
	{
		if (entry->rename_count == TABLE_MODELS_MAX)
			break;
		struct model_rename *rename = table_add_rename(entry);
		rename->from = mem_dup_str(from);
		rename->to = mem_dup_str(json_string_value(to));
	}
	json_decref(map);
}

static void
add_upstream(struct table *table, const struct config *config, enum group group,
    struct config_upstream *from, int64_t wall_ms)
{
	char id[TABLE_NAME_BYTES_MAX];
	struct url url;
	snprintf(id, sizeof(id), "%s:%s", group_name(group), from->id);
	struct upstream_entry *entry = table_add_upstream(table, group);
	entry->id = mem_dup_str(id);
	entry->name = mem_dup_str(from->name);
	entry->base_url = mem_dup_str(from->base_url);
	MUST(secret_set(&entry->key, secret_reveal(&from->key)));
	unsigned protocol = schema_choice(from->entry, SCHEMA_UPSTREAMS, "protocol");
	entry->protocol =
	    protocol == 0 ? config_list(group)->protocol : (enum protocol)(protocol - 1);
	entry->tier = from->tier;
	struct schedule_now scheduled = schedule_at(&from->schedule, wall_ms);
	entry->available = scheduled.on;
	entry->off = scheduled.on ? OFF_NOT : OFF_SCHEDULE;
	entry->resume_at_ms = scheduled.on ? 0 : scheduled.next_ms;
	entry->price_ppm = price_rows_factor(from->entry);
	entry->weight = (uint32_t)schema_number(from->entry, SCHEMA_UPSTREAMS, "weight");
	entry->any_address = url_parse_base(view_of(from->base_url), &url, NULL) &&
			     config_allows_host(config->root, url.host);
	entry->accepts = rules_accepts(from->entry);
	entry->fold = (enum fold)schema_choice(from->entry, SCHEMA_UPSTREAMS, "fold");
	set_models(entry, from->entry);
	if (group == GROUP_CHAT_VIA_CLAUDE && entry->protocol == PROTOCOL_ANTHROPIC)
		add_default_models(entry, config);
}

static void
add_upstreams(struct table *table, const struct config *config, enum group group, int64_t wall_ms)
{
	const struct config_upstreams *list = &config->upstreams[group];
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].enabled)
			add_upstream(table, config, group, &list->items[i], wall_ms);
	}
}

static void
add_demo(struct table *table, const char *demo_url)
{
	static const enum group groups[] = {GROUP_CLAUDE, GROUP_CODEX, GROUP_CHAT};
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		char id[TABLE_NAME_BYTES_MAX];
		snprintf(id, sizeof(id), "%s:demo", group_name(groups[i]));
		struct upstream_entry *entry = table_add_upstream(table, groups[i]);
		entry->id = mem_dup_str(id);
		entry->name = mem_dup_str("Demo");
		entry->base_url = mem_dup_str(demo_url);
		MUST(secret_set(&entry->key, VIEW("demo")));
		entry->protocol = config_list(groups[i])->protocol;
		entry->tier = TIER_PRIMARY;
		entry->available = true;
		entry->demo = true;
	}
}

/* Nothing, or what the words say. */
static void
set_limits(struct client_key *key, const json_t *entry)
{
	static const char *const tokens[PERIODS] = {
	    "tokens_per_day", "tokens_per_week", "tokens_per_month"};
	static const char *const usd[PERIODS] = {"usd_per_day", "usd_per_week", "usd_per_month"};
	const json_t *groups = json_object_get(entry, "allowed_groups");
	const json_t *models = json_object_get(entry, "allowed_models");
	enum group group;
	for (size_t i = 0; i < json_array_size(groups); i++) {
		if (group_parse(view_of(json_string_value(json_array_get(groups, i))), &group))
			key->groups |= 1u << group;
	}
	for (size_t i = 0; i < json_array_size(models); i++)
		table_add_key_pattern(key)->pattern =
		    mem_dup_str(json_string_value(json_array_get(models, i)));
	key->requests_per_minute =
	    (uint64_t)schema_number(entry, SCHEMA_CLIENT_KEYS, "requests_per_minute");
	key->tokens_per_minute =
	    (uint64_t)schema_number(entry, SCHEMA_CLIENT_KEYS, "tokens_per_minute");
	key->concurrent_requests =
	    (uint32_t)schema_number(entry, SCHEMA_CLIENT_KEYS, "concurrent_requests");
	key->warn_percent = (uint32_t)schema_number(entry, SCHEMA_CLIENT_KEYS, "warn_percent");
	for (unsigned i = 0; i < PERIODS; i++) {
		key->tokens_per[i] = (uint64_t)schema_number(entry, SCHEMA_CLIENT_KEYS, tokens[i]);
		key->nano_usd_per[i] =
		    (uint64_t)(schema_number(entry, SCHEMA_CLIENT_KEYS, usd[i]) * 1e9 + 0.5);
	}
}

static void
add_client_keys(struct table *table, const struct config *config)
{
	for (size_t i = 0; i < config->client_key_count; i++) {
		const struct config_client_key *from = &config->client_keys[i];
		if (!from->enabled)
			continue;
		struct client_key *key = table_add_client_key(table);
		key->id = mem_dup_str(from->id);
		key->name = mem_dup_str(from->name);
		memcpy(key->sha256, from->sha256, sizeof(key->sha256));
		set_limits(key, from->entry);
	}
}

static void
add_model_rules(struct table *table, const struct config *config)
{
	const json_t *list = schema_section_get(config->root, SCHEMA_MODELS);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *from = json_array_get(list, i);
		if (!schema_flag(from, SCHEMA_MODELS, "enabled"))
			continue;
		struct model_rule *rule = table_add_model_rule(table);
		rule->source = mem_dup_str(schema_text(from, SCHEMA_MODELS, "source_model"));
		rule->target = mem_dup_str(schema_text(from, SCHEMA_MODELS, "target_model"));
		rule->full_format = schema_choice(from, SCHEMA_MODELS, "conversion_type") == 1;
	}
}

static uint32_t
setting_ms(const json_t *settings, const char *key)
{
	double ms = schema_number(settings, SCHEMA_TIMEOUTS, key) * 1000;
	return ms < 1 ? 1 : (uint32_t)ms;
}

static uint32_t
routing_ms(const json_t *words, const char *key)
{
	return (uint32_t)(schema_number(words, SCHEMA_ROUTING, key) * 1000);
}

static uint32_t
longer(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* The bounds of a whole call: none but the owner's own. */
static void
set_totals(struct table *table, const struct config *config)
{
	const json_t *settings = schema_section_get(config->root, SCHEMA_TIMEOUTS);
	for (unsigned i = 0; i < GROUP_COUNT; i++) {
		struct table_timeouts *times = &table->timeouts[i];
		char path[64];
		snprintf(path, sizeof(path), "%s.%s", SCHEMA_ROUTING, group_name((enum group)i));
		const json_t *words = schema_section_get(config->root, path);
		times->total_stream_ms = routing_ms(words, "total_stream_seconds");
		times->total_ms = routing_ms(words, "total_seconds");
		times->request_ms = routing_ms(words, "request_seconds");
		times->write_ms = setting_ms(settings, "write_timeout");
	}
}

/* A whole answer comes only when all of it is thought out, so that no setting for streams may
 * shorten its wait. */
static void
set_timeouts(struct table *table, const struct config *config)
{
	const json_t *settings = schema_section_get(config->root, SCHEMA_TIMEOUTS);
	uint32_t stream = setting_ms(settings, "streaming_read_timeout");
	uint32_t whole = setting_ms(settings, "non_streaming_read_timeout");
	uint32_t codex = setting_ms(settings, "codex_base_timeout");
	uint32_t retry = setting_ms(settings, "strategy_retry_read_timeout");
	for (unsigned i = 0; i < GROUP_COUNT; i++) {
		table->timeouts[i] = (struct table_timeouts){
		    .connect_ms = setting_ms(settings, "connect_timeout"),
		    .first_byte_stream_ms = stream,
		    .idle_stream_ms = stream,
		    .first_byte_ms = whole,
		    .idle_ms = whole,
		};
	}
	table->timeouts[GROUP_CODEX] = (struct table_timeouts){
	    .connect_ms = setting_ms(settings, "codex_connect_timeout"),
	    .first_byte_stream_ms = codex,
	    .idle_stream_ms = longer(codex, stream),
	    .first_byte_ms = longer(codex, whole),
	    .idle_ms = longer(codex, whole),
	};
	table->timeouts[GROUP_RETRY] = (struct table_timeouts){
	    .connect_ms = setting_ms(settings, "extended_connect_timeout"),
	    .first_byte_stream_ms = retry,
	    .idle_stream_ms = retry,
	    .first_byte_ms = longer(retry, whole),
	    .idle_ms = longer(retry, whole),
	};
}

static void
set_tracing(struct table *table, const struct config *config)
{
	const json_t *words = schema_section_get(config->root, SCHEMA_TRACING);
	const char *endpoint = schema_text(words, SCHEMA_TRACING, "endpoint");
	const char *headers = schema_text(words, SCHEMA_TRACING, "headers");
	struct table_tracing *tracing = &table->tracing;
	struct url url;
	struct view base = schema_trim(view_of(endpoint != NULL ? endpoint : ""));
	if (base.len == 0 || !url_parse_base(base, &url, NULL))
		return;
	json_t *service = schema_value(words, SCHEMA_TRACING, "service_name");
	tracing->endpoint = mem_dup(base);
	tracing->service = mem_dup_str(json_string_value(service));
	tracing->any_address = config_allows_host(config->root, url.host);
	tracing->sample_ppm =
	    (uint32_t)(schema_number(words, SCHEMA_TRACING, "sample_ratio") * OUTSIDE_SAMPLE_ALL +
		       0.5);
	if (headers != NULL)
		MUST(secret_set(&tracing->headers, view_of(headers)));
	json_decref(service);
}

static void
set_server(struct table *table, const struct config *config)
{
	const json_t *server = schema_section_get(config->root, SCHEMA_SERVER);
	const json_t *tls = schema_section_get(config->root, SCHEMA_TLS);
	const char *cert = schema_text(tls, SCHEMA_TLS, "cert_file");
	const char *key = schema_text(tls, SCHEMA_TLS, "key_file");
	table->attempts_max = (uint32_t)schema_number(server, SCHEMA_SERVER, "attempts_max");
	table->body_bytes_max =
	    (uint64_t)schema_number(server, SCHEMA_SERVER, "body_limit_mib") * 1024 * 1024;
	table->admin_on_api_port = schema_flag(server, SCHEMA_SERVER, "admin_on_api_port");
	table->admin_remote = schema_flag(server, SCHEMA_SERVER, "admin_remote");
	table->tls_cert_path = cert != NULL ? mem_dup_str(cert) : NULL;
	table->tls_key_path = key != NULL ? mem_dup_str(key) : NULL;
}

static void
set_optimization(struct table *table, const struct config *config)
{
	const json_t *words = schema_section_get(config->root, SCHEMA_OPTIMIZATION);
	bool limit = schema_flag(words, SCHEMA_OPTIMIZATION, "enable_cache_control_limit");
	table->cache_marks_max = limit ? CACHE_MARKS_MAX : 0;
	table->ask_usage = schema_flag(words, SCHEMA_OPTIMIZATION, "ask_usage");
	table->learn = schema_flag(words, SCHEMA_OPTIMIZATION, "learn");
}

static char *
text_or_default(const json_t *words, const char *key)
{
	json_t *value = schema_value(words, SCHEMA_ACTIVATION, key);
	char *text = mem_dup_str(json_string_value(value));
	json_decref(value);
	return text;
}

static void
set_activation(struct table *table, const struct config *config)
{
	static const char *const models[] = {
	    [PROTOCOL_ANTHROPIC] = "model_anthropic",
	    [PROTOCOL_CHAT] = "model_chat",
	    [PROTOCOL_RESPONSES] = "model_responses",
	};
	const json_t *words = schema_section_get(config->root, SCHEMA_ACTIVATION);
	struct table_activation *activation = &table->activation;
	for (size_t i = 0; i < PROTOCOL_COUNT; i++) {
		mem_free(activation->models[i]);
		activation->models[i] = text_or_default(words, models[i]);
	}
	mem_free(activation->prompt);
	activation->prompt = text_or_default(words, "prompt");
	activation->max_tokens = (uint32_t)schema_number(words, SCHEMA_ACTIVATION, "max_tokens");
}

struct table *
assemble_table(const struct config *config, int64_t wall_ms, const char *demo_url)
{
	struct table *table = table_new();
	if (config == NULL)
		return table;
	for (unsigned i = 0; i < GROUP_COUNT; i++)
		add_upstreams(table, config, (enum group)i, wall_ms);
	if (demo_url != NULL && config_has_no_upstream(config))
		add_demo(table, demo_url);
	table->periods = periods_now(config, wall_ms);
	add_client_keys(table, config);
	add_model_rules(table, config);
	price_rows_add(table, config);
	rules_capabilities(config, table);
	set_timeouts(table, config);
	set_totals(table, config);
	set_optimization(table, config);
	set_activation(table, config);
	set_server(table, config);
	set_tracing(table, config);
	for (unsigned i = 0; i < GROUP_COUNT; i++)
		table->policies[i] = rules_policy(config, (enum group)i);
	rules_strategies(config, table);
	return table;
}

static void
set_health(
    struct upstream_entry *entry, const struct health *health, uint64_t now_ms, int64_t offset_ms)
{
	const struct health_entry *known = health_find(health, entry->id);
	if (known == NULL)
		return;
	struct health_view view = health_view(health, known, now_ms);
	bool scheduled = entry->available;
	entry->ramp = view.ramp;
	entry->probe_seq = known->probe_seq;
	/* What its owner has switched off for now is left alone. */
	entry->probe_every_ms = scheduled ? view.probe_every_ms : 0;
	if (scheduled && view.state == HEALTH_COOLING) {
		entry->available = false;
		entry->off = OFF_COOLING;
		entry->resume_at_ms = (int64_t)view.until_ms + offset_ms;
	}
	for (size_t i = 0; i < known->model_count; i++) {
		const struct health_model *model = &known->models[i];
		if (health_unit_state(&model->unit, now_ms) != HEALTH_COOLING)
			continue;
		struct cooling_model *cooling = table_add_cooling(entry);
		cooling->model = mem_dup_str(model->name);
		cooling->until_ms = (int64_t)model->unit.until_ms + offset_ms;
	}
}

void
assemble_health(
    struct table *table, const struct health *health, uint64_t now_ms, int64_t offset_ms)
{
	for (size_t i = 0; i < GROUP_COUNT; i++) {
		for (size_t k = 0; k < table->groups[i].count; k++)
			set_health(&table->groups[i].entries[k], health, now_ms, offset_ms);
	}
}

bool
assemble_equal(const struct table *a, const struct table *b)
{
	json_t *one = table_encode(a), *other = table_encode(b);
	static const char *const numbers[] = {"epoch", "version"};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		json_object_del(one, numbers[i]);
		json_object_del(other, numbers[i]);
	}
	bool equal = json_equal(one, other) == 1;
	json_decref(one);
	json_decref(other);
	return equal;
}

unsigned
assemble_rank(const struct upstream_list *list, size_t index)
{
	unsigned before = 0;
	for (size_t i = 0; i < list->count; i++) {
		enum tier tier = list->entries[i].tier, own = list->entries[index].tier;
		if (tier < own || (tier == own && i < index))
			before++;
	}
	return before + 1;
}
