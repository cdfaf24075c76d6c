/* The activations over a restart, in <state>/activation.json. */
#include "activation.h"
#include "fields.h"
#include "mem.h"
#include "must.h"
#include "state_file.h"

#define FILE_NAME "activation.json"
#define ITEMS_MAX ((size_t)2 * GROUP_COUNT * TABLE_UPSTREAMS_MAX)
#define COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

static const struct field item_fields[] = {
    FIELD_OF(activation_item, id, FIELD_STR, 1, TABLE_NAME_BYTES_MAX),
    FIELD_OF(activation_item, day, FIELD_U32, 0, 99991231),
    FIELD_OF(activation_item, done, FIELD_BOOL, 0, 0),
    FIELD_OF(activation_item, tries, FIELD_U32, 0, 1000),
    FIELD_OF(activation_item, seq, FIELD_U64, 0, INT64_MAX),
    FIELD_OF(activation_item, by, FIELD_BITS64, 0, 0),
    FIELD_OF(activation_item, running, FIELD_BOOL, 0, 0),
    FIELD_OF(activation_item, asked_ms, FIELD_I64, 0, INT64_MAX),
    FIELD_OF(activation_item, at_ms, FIELD_I64, 0, INT64_MAX),
    FIELD_OF(activation_item, success, FIELD_BOOL, 0, 0),
    FIELD_OF(activation_item, status, FIELD_U32, 0, 999),
    FIELD_OF(activation_item, reason, FIELD_TEXT, 0, REPORT_REASON_BYTES - 1),
};
static const struct field head_fields[] = {
    FIELD_OF(activation, last_seq, FIELD_U64, 0, INT64_MAX),
    FIELD_OF(activation, last_ms, FIELD_I64, 0, INT64_MAX),
};

bool
activation_write(const struct activation *activation, const char *state_dir, struct err *err)
{
	json_t *json = fields_encode(head_fields, COUNT(head_fields), activation);
	json_t *list = json_array();
	for (size_t i = 0; i < activation->count; i++) {
		json_t *one = fields_encode(item_fields, COUNT(item_fields), &activation->items[i]);
		MUST(json_array_append_new(list, one) == 0);
	}
	MUST(json_object_set_new(json, "items", list) == 0);
	return state_file_write(state_dir, FILE_NAME, json, err);
}

static bool
decode(struct activation *activation, const json_t *json, struct err *err)
{
	if (!fields_decode(head_fields, COUNT(head_fields), json, "", activation, err))
		return false;
	const json_t *list = fields_member(json, "", "items", JSON_ARRAY, err);
	size_t count = json_array_size(list);
	if (list == NULL)
		return false;
	if (count > ITEMS_MAX)
		return fields_refuse("", "items", err, "has too many entries");
	if (count > 0)
		activation->items = mem_calloc(count, sizeof(*activation->items));
	for (size_t i = 0; i < count; i++) {
		activation->count = i + 1;
		if (!fields_decode(item_fields, COUNT(item_fields), json_array_get(list, i),
			"items", &activation->items[i], err))
			return false;
	}
	return true;
}

bool
activation_read(struct activation *activation, const char *state_dir, struct err *err)
{
	json_t *json;
	if (!state_file_read(state_dir, FILE_NAME, &json, err))
		return false;
	bool ok = json == NULL || decode(activation, json, err);
	if (!ok)
		activation_fini(activation);
	json_decref(json);
	return ok;
}
