#include "fields.h"
#include "must.h"
#include "table.h"
#include "table_words.h"
#include <stdio.h>

#define FIELD(owner, member, field_kind, low, high)                                                \
	{                                                                                          \
		.key = #member, .kind = field_kind, .offset = offsetof(struct owner, member),      \
		.min = low, .max = high                                                            \
	}
#define WORD(owner, member, list)                                                                  \
	{                                                                                          \
		.key = #member, .kind = FIELD_WORD, .offset = offsetof(struct owner, member),      \
		.words = list                                                                      \
	}
#define COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

static const struct field upstream_fields[] = {
    FIELD(upstream_entry, id, FIELD_STR, 1, TABLE_NAME_BYTES_MAX),
    FIELD(upstream_entry, name, FIELD_STR, 0, TABLE_NAME_BYTES_MAX),
    FIELD(upstream_entry, base_url, FIELD_STR, 1, TABLE_URL_BYTES_MAX),
    FIELD(upstream_entry, key, FIELD_SECRET, 0, SECRET_BYTES_MAX),
    WORD(upstream_entry, protocol, table_protocol_words),
    WORD(upstream_entry, tier, table_tier_words),
    FIELD(upstream_entry, available, FIELD_BOOL, 0, 0),
    FIELD(upstream_entry, demo, FIELD_BOOL, 0, 0),
};
static const struct field client_key_fields[] = {
    FIELD(client_key, id, FIELD_STR, 1, TABLE_NAME_BYTES_MAX),
    FIELD(client_key, name, FIELD_STR, 0, TABLE_NAME_BYTES_MAX),
    FIELD(client_key, sha256, FIELD_SHA256, 0, 0),
};
static const struct field model_rule_fields[] = {
    FIELD(model_rule, source, FIELD_STR, 1, TABLE_NAME_BYTES_MAX),
    FIELD(model_rule, target, FIELD_STR, 1, TABLE_NAME_BYTES_MAX),
    FIELD(model_rule, full_format, FIELD_BOOL, 0, 0),
};
static const struct field timeouts_fields[] = {
    FIELD(table_timeouts, connect_ms, FIELD_U32, 0, UINT32_MAX),
    FIELD(table_timeouts, first_byte_stream_ms, FIELD_U32, 0, UINT32_MAX),
    FIELD(table_timeouts, first_byte_ms, FIELD_U32, 0, UINT32_MAX),
    FIELD(table_timeouts, idle_stream_ms, FIELD_U32, 0, UINT32_MAX),
    FIELD(table_timeouts, idle_ms, FIELD_U32, 0, UINT32_MAX),
    FIELD(table_timeouts, total_stream_ms, FIELD_U32, 0, UINT32_MAX),
    FIELD(table_timeouts, total_ms, FIELD_U32, 0, UINT32_MAX),
};
/* The flat members; groups, timeouts, client_keys and model_rules stand beside them. */
static const struct field table_fields[] = {
    FIELD(table, epoch, FIELD_BITS64, 0, 0),
    FIELD(table, version, FIELD_U64, 0, INT64_MAX),
    FIELD(table, attempts_max, FIELD_U32, 1, TABLE_ATTEMPTS_MAX),
    FIELD(table, body_bytes_max, FIELD_U64, 1, INT64_MAX),
    FIELD(table, admin_on_api_port, FIELD_BOOL, 0, 0),
    FIELD(table, admin_remote, FIELD_BOOL, 0, 0),
    FIELD(table, tls_cert_path, FIELD_OPT_STR, 1, TABLE_PATH_BYTES_MAX),
    FIELD(table, tls_key_path, FIELD_OPT_STR, 1, TABLE_PATH_BYTES_MAX),
};
#define MORE_MEMBERS 4

static void
add_member(json_t *json, const char *key, json_t *value)
{
	MUST(value != NULL && json_object_set_new(json, key, value) == 0);
}

static json_t *
encode_list(
    const struct field *fields, size_t field_count, const void *list, size_t size, size_t count)
{
	json_t *json = json_array();
	for (size_t i = 0; i < count; i++) {
		const void *entry = (const char *)list + i * size;
		MUST(json_array_append_new(json, fields_encode(fields, field_count, entry)) == 0);
	}
	return json;
}

json_t *
table_encode(const struct table *table)
{
	json_t *json = fields_encode(table_fields, COUNT(table_fields), table);
	json_t *groups = json_object(), *timeouts = json_object();
	for (size_t i = 0; i < GROUP_COUNT; i++) {
		const struct upstream_list *list = &table->groups[i];
		add_member(groups, table_group_words[i],
		    encode_list(upstream_fields, COUNT(upstream_fields), list->entries,
			sizeof(list->entries[0]), list->count));
		add_member(timeouts, table_group_words[i],
		    fields_encode(timeouts_fields, COUNT(timeouts_fields), &table->timeouts[i]));
	}
	add_member(json, "groups", groups);
	add_member(json, "timeouts", timeouts);
	add_member(json, "client_keys",
	    encode_list(client_key_fields, COUNT(client_key_fields), table->client_keys,
		sizeof(table->client_keys[0]), table->client_key_count));
	add_member(json, "model_rules",
	    encode_list(model_rule_fields, COUNT(model_rule_fields), table->model_rules,
		sizeof(table->model_rules[0]), table->model_rule_count));
	return json;
}

/* Adds one zeroed entry of a list of `table` and returns it. */
typedef void *add_fn(struct table *table, size_t group);

static void *
add_upstream(struct table *table, size_t group)
{
	return table_add_upstream(table, (enum group)group);
}

static void *
add_client_key(struct table *table, size_t group)
{
	(void)group;
	return table_add_client_key(table);
}

static void *
add_model_rule(struct table *table, size_t group)
{
	(void)group;
	return table_add_model_rule(table);
}

struct list_shape {
	const struct field *fields;
	size_t field_count;
	size_t max;
	add_fn *add;
};
static const struct list_shape upstream_list = {
    upstream_fields, COUNT(upstream_fields), TABLE_UPSTREAMS_MAX, add_upstream};
static const struct list_shape client_key_list = {
    client_key_fields, COUNT(client_key_fields), TABLE_CLIENT_KEYS_MAX, add_client_key};
static const struct list_shape model_rule_list = {
    model_rule_fields, COUNT(model_rule_fields), TABLE_MODEL_RULES_MAX, add_model_rule};

static bool
decode_list(const struct list_shape *shape, const json_t *json, const char *path, const char *key,
    struct table *table, size_t group, struct err *err)
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
		snprintf(at, sizeof(at), "%s%s%s[%zu]", path, *path != '\0' ? "." : "", key, i);
		void *entry = shape->add(table, group);
		if (!fields_decode(shape->fields, shape->field_count, 0, json_array_get(list, i),
			at, entry, err))
			return false;
	}
	return true;
}

/* "groups" and "timeouts": one member for each group, no other. */
static bool
decode_groups(const json_t *json, struct table *table, struct err *err)
{
	const json_t *groups = fields_member(json, "", "groups", JSON_OBJECT, err);
	const json_t *timeouts =
	    groups != NULL ? fields_member(json, "", "timeouts", JSON_OBJECT, err) : NULL;
	if (timeouts == NULL)
		return false;
	for (size_t i = 0; i < GROUP_COUNT; i++) {
		const char *name = table_group_words[i];
		char at[64];
		snprintf(at, sizeof(at), "timeouts.%s", name);
		if (!decode_list(&upstream_list, groups, "groups", name, table, i, err))
			return false;
		const json_t *entry = fields_member(timeouts, "timeouts", name, JSON_OBJECT, err);
		if (entry == NULL || !fields_decode(timeouts_fields, COUNT(timeouts_fields), 0,
					 entry, at, &table->timeouts[i], err))
			return false;
	}
	if (json_object_size(groups) != GROUP_COUNT)
		return fields_refuse("", "groups", err, "has an unknown member");
	if (json_object_size(timeouts) != GROUP_COUNT)
		return fields_refuse("", "timeouts", err, "has an unknown member");
	return true;
}

bool
table_decode(const json_t *body, struct table **out, struct err *err)
{
	struct table *table = table_new();
	if (fields_decode(table_fields, COUNT(table_fields), MORE_MEMBERS, body, "", table, err) &&
	    decode_groups(body, table, err) &&
	    decode_list(&client_key_list, body, "", "client_keys", table, 0, err) &&
	    decode_list(&model_rule_list, body, "", "model_rules", table, 0, err)) {
		*out = table;
		return true;
	}
	table_unref(table);
	return false;
}
