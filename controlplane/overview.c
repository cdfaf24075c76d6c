#include "overview.h"
#include "assemble.h"
#include "must.h"

static void
put(json_t *obj, const char *key, json_t *value)
{
	MUST(value != NULL && json_object_set_new(obj, key, value) == 0);
}

static json_t *
encode_upstream(const char *id, const char *name, enum tier tier, const char *base_url,
    const struct secret *key)
{
	char masked[SECRET_MASK_BYTES];
	secret_mask(key, masked);
	json_t *item = json_object();
	put(item, "id", json_string(id));
	put(item, "name", json_string(name));
	put(item, "tier", json_string(tier == TIER_BACKUP ? "backup" : "primary"));
	put(item, "base_url", json_string(base_url));
	put(item, "key", json_string(masked));
	return item;
}

static void
put_place(json_t *item, const struct upstream_list *list, size_t index)
{
	const struct upstream_entry *entry = &list->entries[index];
	put(item, "rank", json_integer(assemble_rank(list, index)));
	put(item, "enabled", json_true());
	put(item, "available", json_boolean(entry->available));
	put(item, "reason", json_string(entry->available ? "" : "not scheduled today"));
	put(item, "demo", json_boolean(entry->demo));
}

static void
put_disabled(json_t *item)
{
	put(item, "rank", json_integer(0));
	put(item, "enabled", json_false());
	put(item, "available", json_false());
	put(item, "reason", json_string("disabled"));
	put(item, "demo", json_false());
}

/* The configured ones in their order; the table holds the enabled among them in the same order, or
 * the demo upstream when there is none. */
static json_t *
encode_upstreams(const struct config *config, const struct table *table, enum group group)
{
	const struct upstream_list *list = &table->groups[group];
	json_t *out = json_array();
	size_t placed = 0;
	for (size_t i = 0; config != NULL && i < config->upstreams[group].count; i++) {
		const struct config_upstream *from = &config->upstreams[group].items[i];
		json_t *item =
		    encode_upstream(from->id, from->name, from->tier, from->base_url, &from->key);
		if (from->enabled) {
			put_place(item, list, placed++);
		} else {
			put_disabled(item);
		}
		MUST(json_array_append_new(out, item) == 0);
	}
	for (; placed < list->count; placed++) {
		const struct upstream_entry *from = &list->entries[placed];
		json_t *item =
		    encode_upstream(from->id, from->name, from->tier, from->base_url, &from->key);
		put_place(item, list, placed);
		MUST(json_array_append_new(out, item) == 0);
	}
	return out;
}

static json_t *
encode_groups(const struct config *config, const struct table *table, bool *demo)
{
	json_t *out = json_array();
	*demo = false;
	for (unsigned i = 0; i < GROUP_COUNT; i++) {
		enum group group = (enum group)i;
		json_t *item = json_object();
		put(item, "group", json_string(group_name(group)));
		put(item, "protocol", json_string(protocol_name(config_list(group)->protocol)));
		put(item, "upstreams", encode_upstreams(config, table, group));
		MUST(json_array_append_new(out, item) == 0);
		const struct upstream_list *list = &table->groups[i];
		*demo = *demo || (list->count > 0 && list->entries[0].demo);
	}
	return out;
}

static json_t *
encode_client_keys(const struct config *config)
{
	json_t *out = json_array();
	for (size_t i = 0; config != NULL && i < config->client_key_count; i++) {
		const struct config_client_key *key = &config->client_keys[i];
		json_t *item = json_object();
		put(item, "id", json_string(key->id));
		put(item, "name", json_string(key->name));
		put(item, "enabled", json_boolean(key->enabled));
		MUST(json_array_append_new(out, item) == 0);
	}
	return out;
}

json_t *
overview_encode(const struct reload *reload, const struct table *table,
    const struct dataplanes *dataplanes, int64_t started_ms, uint64_t now_ms)
{
	bool demo;
	json_t *error = reload_error_body(reload);
	json_t *path = json_string(reload->store.path);
	json_t *groups = encode_groups(reload->config, table, &demo);
	json_t *body = json_object();
	put(body, "version", json_integer((json_int_t)table->version));
	put(body, "epoch", json_integer((json_int_t)table->epoch));
	put(body, "started_ms", json_integer(started_ms));
	put(body, "revision", json_integer((json_int_t)reload->revision));
	/* A path need not be UTF-8. */
	put(body, "config_path", path != NULL ? path : json_null());
	put(body, "config_error", error != NULL ? error : json_null());
	put(body, "demo", json_boolean(demo));
	put(body, "groups", groups);
	put(body, "dataplanes", dataplanes_encode(dataplanes, now_ms));
	put(body, "client_keys", encode_client_keys(reload->config));
	return body;
}
