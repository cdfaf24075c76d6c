#include "table.h"
#include "mem.h"
#include "must.h"
#include "table_words.h"

const char *const table_protocol_words[] = {"anthropic", "chat", "responses", NULL};
const char *const table_tier_words[] = {"primary", "backup", NULL};
const char *const table_group_words[] = {
    "claude", "codex", "chat", "chat_via_claude", "retry", NULL};
const char *const table_off_words[] = {"", "schedule", "cooling", NULL};

static bool
word_parse(const char *const *words, struct view name, unsigned *out)
{
	for (unsigned i = 0; words[i] != NULL; i++) {
		if (view_eq_str(name, words[i])) {
			*out = i;
			return true;
		}
	}
	return false;
}

const char *
protocol_name(enum protocol protocol)
{
	MUST(protocol < PROTOCOL_COUNT);
	return table_protocol_words[protocol];
}

bool
protocol_parse(struct view name, enum protocol *out)
{
	unsigned index;
	if (!word_parse(table_protocol_words, name, &index))
		return false;
	*out = (enum protocol)index;
	return true;
}

const char *
group_name(enum group group)
{
	MUST(group < GROUP_COUNT);
	return table_group_words[group];
}

bool
group_parse(struct view name, enum group *out)
{
	unsigned index;
	if (!word_parse(table_group_words, name, &index))
		return false;
	*out = (enum group)index;
	return true;
}

struct table *
table_new(void)
{
	struct table *table = MEM_NEW(struct table);
	table->refs = 1;
	for (size_t i = 0; i < GROUP_COUNT; i++) {
		table->timeouts[i] = (struct table_timeouts){
		    .connect_ms = 30 * 1000,
		    .first_byte_stream_ms = 120 * 1000,
		    .first_byte_ms = 300 * 1000,
		    .idle_stream_ms = 90 * 1000,
		    .idle_ms = 300 * 1000,
		};
	}
	for (size_t i = 0; i < GROUP_COUNT; i++) {
		table->policies[i] = (struct group_policy){
		    .hedge_budget_percent = 10,
		    .attempts_max = 4,
		    .same_upstream_retries = 1,
		    .retry_budget_percent = 10,
		    .retry_burst = 20,
		};
	}
	for (size_t i = 0; i < PROTOCOL_COUNT; i++)
		table->activation.models[i] = mem_dup_str("");
	table->activation.prompt = mem_dup_str("");
	table->attempts_max = 4;
	table->body_bytes_max = 64ull * 1024 * 1024;
	table->admin_on_api_port = true;
	return table;
}

struct table *
table_ref(struct table *table)
{
	MUST(table->refs > 0);
	table->refs++;
	return table;
}

static void
upstream_fini(struct upstream_entry *entry)
{
	mem_free(entry->id);
	mem_free(entry->name);
	mem_free(entry->base_url);
	secret_fini(&entry->key);
	for (size_t i = 0; i < entry->model_count; i++)
		mem_free(entry->models[i].pattern);
	mem_free(entry->models);
	for (size_t i = 0; i < entry->rename_count; i++) {
		mem_free(entry->renames[i].from);
		mem_free(entry->renames[i].to);
	}
	mem_free(entry->renames);
	for (size_t i = 0; i < entry->cooling_count; i++)
		mem_free(entry->cooling[i].model);
	mem_free(entry->cooling);
}

static void
upstreams_free(struct upstream_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		upstream_fini(&list->entries[i]);
	mem_free(list->entries);
}

void
table_unref(struct table *table)
{
	if (table == NULL)
		return;
	MUST(table->refs > 0);
	if (--table->refs > 0)
		return;
	for (size_t i = 0; i < GROUP_COUNT; i++)
		upstreams_free(&table->groups[i]);
	for (size_t i = 0; i < table->client_key_count; i++) {
		mem_free(table->client_keys[i].id);
		mem_free(table->client_keys[i].name);
		for (size_t k = 0; k < table->client_keys[i].model_count; k++)
			mem_free(table->client_keys[i].models[k].pattern);
		mem_free(table->client_keys[i].models);
	}
	mem_free(table->client_keys);
	for (size_t i = 0; i < table->lesson_count; i++) {
		mem_free(table->lessons[i].upstream);
		mem_free(table->lessons[i].model);
	}
	mem_free(table->lessons);
	for (size_t i = 0; i < table->trial_count; i++) {
		mem_free(table->trials[i].base_url);
		secret_fini(&table->trials[i].key);
		mem_free(table->trials[i].model);
		mem_free(table->trials[i].prompt);
	}
	mem_free(table->trials);
	mem_free(table->capabilities);
	for (size_t i = 0; i < PROTOCOL_COUNT; i++)
		mem_free(table->activation.models[i]);
	mem_free(table->activation.prompt);
	secret_fini(&table->alert.url);
	secret_fini(&table->alert.authorization);
	mem_free(table->alert.body);
	mem_free(table->alert.zero);
	mem_free(table->tracing.endpoint);
	secret_fini(&table->tracing.headers);
	mem_free(table->tracing.service);
	for (size_t i = 0; i < table->model_rule_count; i++) {
		mem_free(table->model_rules[i].source);
		mem_free(table->model_rules[i].target);
	}
	mem_free(table->model_rules);
	for (size_t i = 0; i < table->price_count; i++) {
		mem_free(table->prices[i].model);
		mem_free(table->prices[i].upstream);
	}
	mem_free(table->prices);
	mem_free(table->strategies.ranges);
	mem_free(table->tls_cert_path);
	mem_free(table->tls_key_path);
	mem_free(table);
}

/* Room for one more in a list that doubles at powers of two; `count` elements are in use. */
static void *
grow(void *list, size_t count, size_t size, size_t max)
{
	MUST(count < max);
	if ((count & (count - 1)) == 0)
		list = mem_realloc(list, (count > 0 ? 2 * count : 1) * size);
	return list;
}

struct upstream_entry *
table_add_upstream(struct table *table, enum group group)
{
	MUST(group < GROUP_COUNT);
	struct upstream_list *list = &table->groups[group];
	list->entries =
	    grow(list->entries, list->count, sizeof(list->entries[0]), TABLE_UPSTREAMS_MAX);
	struct upstream_entry *entry = &list->entries[list->count++];
	*entry = (struct upstream_entry){.weight = 1, .price_ppm = 1000000};
	return entry;
}

struct client_key *
table_add_client_key(struct table *table)
{
	table->client_keys = grow(table->client_keys, table->client_key_count,
	    sizeof(table->client_keys[0]), TABLE_CLIENT_KEYS_MAX);
	struct client_key *key = &table->client_keys[table->client_key_count++];
	*key = (struct client_key){0};
	return key;
}

struct price_row *
table_add_price(struct table *table)
{
	table->prices =
	    grow(table->prices, table->price_count, sizeof(table->prices[0]), TABLE_PRICES_MAX);
	struct price_row *row = &table->prices[table->price_count++];
	*row = (struct price_row){0};
	return row;
}

struct model_rule *
table_add_model_rule(struct table *table)
{
	table->model_rules = grow(table->model_rules, table->model_rule_count,
	    sizeof(table->model_rules[0]), TABLE_MODEL_RULES_MAX);
	struct model_rule *rule = &table->model_rules[table->model_rule_count++];
	*rule = (struct model_rule){0};
	return rule;
}

struct trial_order *
table_add_trial(struct table *table)
{
	table->trials =
	    grow(table->trials, table->trial_count, sizeof(table->trials[0]), TRIALS_MAX);
	struct trial_order *trial = &table->trials[table->trial_count++];
	*trial = (struct trial_order){0};
	return trial;
}

struct lesson_of *
table_add_lesson(struct table *table)
{
	table->lessons =
	    grow(table->lessons, table->lesson_count, sizeof(table->lessons[0]), TABLE_LESSONS_MAX);
	struct lesson_of *lesson = &table->lessons[table->lesson_count++];
	*lesson = (struct lesson_of){0};
	return lesson;
}

struct model_capability *
table_add_capability(struct table *table)
{
	table->capabilities = grow(table->capabilities, table->capability_count,
	    sizeof(table->capabilities[0]), TABLE_CAPABILITIES_MAX);
	struct model_capability *row = &table->capabilities[table->capability_count++];
	*row = (struct model_capability){0};
	return row;
}

struct model_pattern *
table_add_pattern(struct upstream_entry *entry)
{
	entry->models =
	    grow(entry->models, entry->model_count, sizeof(entry->models[0]), TABLE_MODELS_MAX);
	struct model_pattern *pattern = &entry->models[entry->model_count++];
	*pattern = (struct model_pattern){0};
	return pattern;
}

struct model_pattern *
table_add_key_pattern(struct client_key *key)
{
	key->models = grow(key->models, key->model_count, sizeof(key->models[0]), TABLE_MODELS_MAX);
	struct model_pattern *pattern = &key->models[key->model_count++];
	*pattern = (struct model_pattern){0};
	return pattern;
}

/* How many lengths of the table's period lie between its begin and that moment. */
static int64_t
periods_on(const struct table *table, unsigned period, int64_t wall_ms)
{
	int64_t start = table->periods.start_ms[period];
	int64_t length = table->periods.end_ms[period] - start;
	return wall_ms < start || length <= 0 ? 0 : (wall_ms - start) / length;
}

int64_t
table_period_start(const struct table *table, unsigned period, int64_t wall_ms)
{
	int64_t start = table->periods.start_ms[period];
	int64_t length = table->periods.end_ms[period] - start;
	return start + periods_on(table, period, wall_ms) * length;
}

int64_t
table_period_end(const struct table *table, unsigned period, int64_t wall_ms)
{
	int64_t start = table->periods.start_ms[period];
	int64_t length = table->periods.end_ms[period] - start;
	return start + (periods_on(table, period, wall_ms) + 1) * length;
}

struct model_rename *
table_add_rename(struct upstream_entry *entry)
{
	entry->renames =
	    grow(entry->renames, entry->rename_count, sizeof(entry->renames[0]), TABLE_MODELS_MAX);
	struct model_rename *rename = &entry->renames[entry->rename_count++];
	*rename = (struct model_rename){0};
	return rename;
}

struct cooling_model *
table_add_cooling(struct upstream_entry *entry)
{
	entry->cooling = grow(entry->cooling, entry->cooling_count, sizeof(entry->cooling[0]),
	    TABLE_COOLING_MODELS_MAX);
	struct cooling_model *cooling = &entry->cooling[entry->cooling_count++];
	*cooling = (struct cooling_model){0};
	return cooling;
}

struct strategy_range *
table_add_range(struct table *table)
{
	struct strategies *all = &table->strategies;
	all->ranges =
	    grow(all->ranges, all->count, sizeof(all->ranges[0]), TABLE_STRATEGY_RANGES_MAX);
	struct strategy_range *range = &all->ranges[all->count++];
	*range = (struct strategy_range){0};
	return range;
}
