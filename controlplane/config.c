#include "config.h"
#include "clock.h"
#include "crypto.h"
#include "ids.h"
#include "jget.h"
#include "mem.h"
#include "must.h"
#include "schema.h"
#include <stdio.h>
#include <string.h>

const struct config_list *
config_list(enum group group)
{
	static const struct config_list lists[GROUP_COUNT] = {
	    [GROUP_CLAUDE] = {"api_configs", "API", PROTOCOL_ANTHROPIC},
	    [GROUP_CODEX] = {"codex_configs", "Codex", PROTOCOL_RESPONSES},
	    [GROUP_CHAT] = {"chat_configs", "Chat", PROTOCOL_CHAT},
	    [GROUP_CHAT_VIA_CLAUDE] = {"openai_to_claude_configs", "OpenAI-Claude",
		PROTOCOL_ANTHROPIC},
	    [GROUP_RETRY] = {"retry_configs", "Retry", PROTOCOL_ANTHROPIC},
	};
	MUST(group < GROUP_COUNT);
	return &lists[group];
}

/* ---- upstreams ---- */

static void
load_upstream(json_t *entry, const char *label, size_t index, struct config_upstream *out)
{
	const char *id = schema_text(entry, SCHEMA_UPSTREAMS, "id"); /* ids_stamp has seen to it */
	const char *name = schema_text(entry, SCHEMA_UPSTREAMS, "name");
	char nameless[64];
	snprintf(nameless, sizeof(nameless), "%s-%zu", label, index + 1);
	out->id = mem_dup_str(id);
	out->name = mem_dup_str(name != NULL ? name : nameless);
	out->base_url =
	    mem_dup(schema_trim(view_of(schema_text(entry, SCHEMA_UPSTREAMS, "base_url"))));
	MUST(secret_set(
	    &out->key, schema_trim(view_of(schema_text(entry, SCHEMA_UPSTREAMS, "key")))));
	out->tier =
	    schema_choice(entry, SCHEMA_UPSTREAMS, "type") == 1 ? TIER_BACKUP : TIER_PRIMARY;
	out->enabled = schema_flag(entry, SCHEMA_UPSTREAMS, "enabled");
	schedule_init(&out->schedule, entry);
	out->entry = entry;
}

static void
load_upstreams(struct config *config, enum group group)
{
	const json_t *list = schema_section_get(config->root, config_list(group)->name);
	struct config_upstreams *out = &config->upstreams[group];
	size_t count = json_array_size(list);
	if (count == 0)
		return;
	out->items = mem_calloc(count, sizeof(*out->items));
	out->count = count;
	for (size_t i = 0; i < count; i++) {
		load_upstream(
		    json_array_get(list, i), config_list(group)->label, i, &out->items[i]);
	}
}

struct config_upstream *
config_find(struct config *config, const char *table_id)
{
	struct view id = view_of(table_id), word;
	enum group group;
	if (!view_split(&id, ':', &word) || !group_parse(word, &group))
		return NULL;
	for (size_t i = 0; i < config->upstreams[group].count; i++) {
		struct config_upstream *upstream = &config->upstreams[group].items[i];
		if (view_eq_str(id, upstream->id))
			return upstream;
	}
	return NULL;
}

bool
config_has_no_upstream(const struct config *config)
{
	size_t count = 0;
	for (size_t i = 0; i < GROUP_COUNT; i++)
		count += config->upstreams[i].count;
	return count == 0;
}

/* ---- access ---- */

static void
free_client_keys(struct config *config)
{
	for (size_t i = 0; i < config->client_key_count; i++) {
		mem_free(config->client_keys[i].id);
		mem_free(config->client_keys[i].name);
	}
	mem_free(config->client_keys);
	config->client_keys = NULL;
	config->client_key_count = 0;
}

static void
load_client_keys(struct config *config)
{
	const json_t *list = schema_section_get(config->root, SCHEMA_CLIENT_KEYS);
	size_t count = json_array_size(list);
	free_client_keys(config);
	if (count == 0)
		return;
	config->client_keys = mem_calloc(count, sizeof(*config->client_keys));
	config->client_key_count = count;
	for (size_t i = 0; i < count; i++) {
		const json_t *entry = json_array_get(list, i);
		struct config_client_key *key = &config->client_keys[i];
		key->entry = entry;
		const char *id = schema_text(entry, SCHEMA_CLIENT_KEYS, "id");
		const char *name = schema_text(entry, SCHEMA_CLIENT_KEYS, "name");
		const char *sha256 = schema_text(entry, SCHEMA_CLIENT_KEYS, "sha256");
		MUST(crypto_unhex(view_of(sha256), key->sha256, sizeof(key->sha256)));
		key->id = mem_dup_str(id);
		key->name = mem_dup_str(name != NULL ? name : "");
		key->enabled = schema_flag(entry, SCHEMA_CLIENT_KEYS, "enabled");
	}
}

static bool
admin_sha256(const struct config *config, const char *word, uint8_t out[32])
{
	const json_t *admin = schema_section_get(config->root, SCHEMA_ADMIN);
	const char *hex = schema_text(admin, SCHEMA_ADMIN, word);
	return hex != NULL && crypto_unhex(view_of(hex), out, CRYPTO_SHA256_BYTES);
}

bool
config_admin_sha256(const struct config *config, uint8_t out[32])
{
	return admin_sha256(config, "token_sha256", out);
}

bool
config_metrics_sha256(const struct config *config, uint8_t out[32])
{
	return admin_sha256(config, "metrics_token_sha256", out);
}

bool
config_adopt_access(struct config *config, const struct config *from)
{
	uint8_t hash[CRYPTO_SHA256_BYTES];
	json_t *keys = schema_section_get(from->root, SCHEMA_CLIENT_KEYS);
	bool adopted = false;
	if (keys != NULL && schema_section_get(config->root, SCHEMA_CLIENT_KEYS) == NULL) {
		MUST(json_object_set_new(config->root, SCHEMA_CLIENT_KEYS, json_deep_copy(keys)) ==
		     0);
		load_client_keys(config);
		adopted = true;
	}
	if (!config_admin_sha256(config, hash) && config_admin_sha256(from, hash)) {
		config_set_admin_sha256(config, hash);
		adopted = true;
	}
	return adopted;
}

void
config_add_client_key(
    struct config *config, const char *name, const uint8_t sha256[32], int64_t now_ms)
{
	char hex[2 * CRYPTO_SHA256_BYTES + 1], id[16], stamp[25];
	crypto_hex(sha256, CRYPTO_SHA256_BYTES, hex);
	snprintf(id, sizeof(id), "key-%.8s", hex);
	clock_format_utc(now_ms, stamp);
	json_t *list = schema_section_get(config->root, SCHEMA_CLIENT_KEYS);
	if (list == NULL) {
		list = json_array();
		MUST(json_object_set_new(config->root, SCHEMA_CLIENT_KEYS, list) == 0);
	}
	MUST(json_array_append_new(
		 list, json_pack("{s:s, s:s, s:s, s:b, s:s}", "id", id, "name", name, "sha256", hex,
			   "enabled", 1, "created_at", stamp)) == 0);
	load_client_keys(config);
}

void
config_set_admin_sha256(struct config *config, const uint8_t sha256[32])
{
	char hex[2 * CRYPTO_SHA256_BYTES + 1];
	crypto_hex(sha256, CRYPTO_SHA256_BYTES, hex);
	json_t *admin = schema_section_get(config->root, SCHEMA_ADMIN);
	if (admin == NULL) {
		admin = json_object();
		MUST(json_object_set_new(config->root, SCHEMA_ADMIN, admin) == 0);
	}
	MUST(json_object_set_new(admin, "token_sha256", json_string(hex)) == 0);
}

/* ---- the whole ---- */

/* Earlier versions wrote one object under openai_to_claude_config: it becomes the first entry of
 * the list, in the same place of the file. Returns the new root; takes the old one. */
static json_t *
adopt_single(json_t *root, bool *single)
{
	static const char old[] = "openai_to_claude_config", list[] = "openai_to_claude_configs";
	const json_t *present = json_object_get(root, old);
	*single = present != NULL && !json_is_null(present) && json_object_get(root, list) == NULL;
	if (!*single)
		return root;
	json_t *out = json_object(), *value;
	const char *key;
	json_object_foreach(root, key, value)
	{
		if (strcmp(key, old) == 0) {
			json_object_set_new(out, list, json_pack("[O]", value));
		} else {
			json_object_set(out, key, value);
		}
	}
	json_decref(root);
	return out;
}

bool
config_parse(struct view text, struct config **out, struct faults *faults)
{
	struct err err;
	json_t *root;
	bool single;
	*out = NULL;
	if (view_starts(text, "\xef\xbb\xbf"))
		text = view_from(text, 3);
	if (!jget_parse(text, &root, &err)) {
		faults_error(faults, err.at, "%s", err.msg);
		faults->syntax = true;
		return false;
	}
	root = adopt_single(root, &single);
	config_check(root, single, faults);
	if (faults->errors > 0) {
		json_decref(root);
		return false;
	}
	ids_stamp(root);
	struct config *config = MEM_NEW(struct config);
	config->root = root;
	for (unsigned i = 0; i < GROUP_COUNT; i++)
		load_upstreams(config, (enum group)i);
	load_client_keys(config);
	*out = config;
	return true;
}

void
config_free(struct config *config)
{
	if (config == NULL)
		return;
	for (size_t i = 0; i < GROUP_COUNT; i++) {
		for (size_t k = 0; k < config->upstreams[i].count; k++) {
			struct config_upstream *upstream = &config->upstreams[i].items[k];
			mem_free(upstream->id);
			mem_free(upstream->name);
			mem_free(upstream->base_url);
			secret_fini(&upstream->key);
			schedule_fini(&upstream->schedule);
		}
		mem_free(config->upstreams[i].items);
	}
	free_client_keys(config);
	json_decref(config->root);
	mem_free(config);
}

static int
on_dump(const char *data, size_t len, void *ctx)
{
	return bytes_append(ctx, data, len) ? 0 : -1;
}

bool
config_print(const json_t *root, struct bytes *out)
{
	/* 15 digits: what a person wrote, like 0.1, comes back as it was written. */
	const size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(15);
	return json_dump_callback(root, on_dump, out, flags) == 0 && bytes_append_char(out, '\n');
}
