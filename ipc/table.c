#include "table.h"
#include "mem.h"
#include "must.h"
#include "table_words.h"

const char *const table_protocol_words[] = {"anthropic", "chat", "responses", NULL};
const char *const table_tier_words[] = {"primary", "backup", NULL};
const char *const table_group_words[] = {
    "claude", "codex", "chat", "chat_via_claude", "retry", NULL};

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
upstreams_free(struct upstream_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		mem_free(list->entries[i].id);
		mem_free(list->entries[i].name);
		mem_free(list->entries[i].base_url);
		secret_fini(&list->entries[i].key);
	}
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
	}
	mem_free(table->client_keys);
	for (size_t i = 0; i < table->model_rule_count; i++) {
		mem_free(table->model_rules[i].source);
		mem_free(table->model_rules[i].target);
	}
	mem_free(table->model_rules);
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
	*entry = (struct upstream_entry){0};
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

struct model_rule *
table_add_model_rule(struct table *table)
{
	table->model_rules = grow(table->model_rules, table->model_rule_count,
	    sizeof(table->model_rules[0]), TABLE_MODEL_RULES_MAX);
	struct model_rule *rule = &table->model_rules[table->model_rule_count++];
	*rule = (struct model_rule){0};
	return rule;
}
