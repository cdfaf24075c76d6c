#include "settings.h"
#include "mask.h"
#include "must.h"
#include "schema.h"
#include "view.h"
#include <stdio.h>
#include <string.h>

static void
put(json_t *item, const char *key, json_t *value)
{
	MUST(value != NULL && json_object_set_new(item, key, value) == 0);
}

static const char *
type_word(enum schema_type type)
{
	static const char *const words[SCHEMA_TYPES] = {
	    [SCHEMA_ANY] = "any",
	    [SCHEMA_FLAG] = "flag",
	    [SCHEMA_INT] = "integer",
	    [SCHEMA_NUMBER] = "number",
	    [SCHEMA_TEXT] = "text",
	    [SCHEMA_CHOICE] = "word",
	    [SCHEMA_ID] = "id",
	    [SCHEMA_URL] = "url",
	    [SCHEMA_KEY] = "key",
	    [SCHEMA_SHA256] = "sha256",
	    [SCHEMA_PATH] = "path",
	    [SCHEMA_WEEK] = "week",
	    [SCHEMA_HOURS] = "hours",
	    [SCHEMA_DATES] = "dates",
	    [SCHEMA_ZONE] = "zone",
	    [SCHEMA_CLOCK] = "clock",
	    [SCHEMA_DAY] = "day",
	    [SCHEMA_ADDRESSES] = "addresses",
	    [SCHEMA_STATUS_MAP] = "statuses",
	    [SCHEMA_NETWORK_MAP] = "errors",
	    [SCHEMA_MODELS_LIST] = "models",
	    [SCHEMA_GROUPS] = "groups",
	    [SCHEMA_MODELS_MAP] = "model_map",
	    [SCHEMA_WORDS] = "words",
	};
	return words[type];
}

static json_t *
encode_words(const struct schema_row *row)
{
	if (row->words == NULL)
		return json_null();
	struct view rest = view_of(row->words), word;
	json_t *out = json_array();
	while (view_split(&rest, '|', &word))
		MUST(json_array_append_new(out, json_stringn(word.data, word.len)) == 0);
	return out;
}

static json_t *
parse_default(const char *text)
{
	return text != NULL ? json_loads(text, JSON_DECODE_ANY, NULL) : json_null();
}

/* `value` may be NULL. */
static json_t *
shown(const struct schema_row *row, json_t *value)
{
	bool empty = value == NULL || json_string_length(value) == 0;
	if (value == NULL)
		return json_null();
	if (row->type == SCHEMA_SHA256)
		return json_string("set");
	return row->type == SCHEMA_KEY && !empty ? mask_of(value) : json_incref(value);
}

static json_t *
encode_row(const struct schema_row *row, const char *section, const json_t *object, bool list)
{
	char path[128];
	json_t *item = json_object();
	(void)snprintf(path, sizeof(path), "%s%s.%s", section, list ? "[]" : "", row->key);
	bool bounded = row->max > 0;
	put(item, "path", json_string(path));
	put(item, "section", json_string(section));
	put(item, "key", json_string(row->key));
	put(item, "type", json_string(type_word(row->type)));
	put(item, "words", encode_words(row));
	put(item, "min", bounded ? json_real(row->min) : json_null());
	put(item, "max", bounded ? json_real(row->max) : json_null());
	put(item, "unit", row->unit != NULL ? json_string(row->unit) : json_null());
	put(item, "default", parse_default(row->fallback));
	put(item, "old_default", parse_default(row->old_fallback));
	put(item, "required", json_boolean((row->flags & SCHEMA_REQUIRED) != 0));
	put(item, "unused", json_boolean((row->flags & SCHEMA_UNUSED) != 0));
	put(item, "help", json_string(row->doc));
	if (list)
		return item;
	json_t *value = schema_value(object, row->part, row->key);
	json_t *fallback = parse_default(row->fallback);
	put(item, "changed", json_boolean(value != NULL && !json_equal(value, fallback)));
	put(item, "value", shown(row, value));
	json_decref(value);
	json_decref(fallback);
	return item;
}

static void
add_rows(json_t *rows, const struct schema_section *section, const char *name, const json_t *root)
{
	size_t count;
	const struct schema_row *all = schema_rows(&count);
	const json_t *object = root != NULL ? schema_section_get(root, section->name) : NULL;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(all[i].part, section->part) == 0)
			MUST(json_array_append_new(
				 rows, encode_row(&all[i], name, object, section->list)) == 0);
	}
}

json_t *
settings_encode(const json_t *root)
{
	size_t count;
	const struct schema_section *sections = schema_sections(&count);
	json_t *told = json_array(), *rows = json_array();
	bool upstreams = false;
	for (size_t i = 0; i < count; i++) {
		const struct schema_section *section = &sections[i];
		bool of_upstreams = strcmp(section->part, SCHEMA_UPSTREAMS) == 0;
		json_t *item = json_pack("{s:s, s:s, s:b, s:I}", "section", section->name, "part",
		    section->part, "list", (int)section->list, "max", (json_int_t)section->max);
		MUST(item != NULL && json_array_append_new(told, item) == 0);
		/* The five lists have the same words. */
		if (!of_upstreams || !upstreams)
			add_rows(
			    rows, section, of_upstreams ? SCHEMA_UPSTREAMS : section->name, root);
		upstreams = upstreams || of_upstreams;
	}
	return json_pack("{s:o, s:o}", "sections", told, "rows", rows);
}

/* What is left out of such a map is as in the default. Takes `value`. */
static json_t *
over_default(const struct schema_row *row, json_t *value)
{
	json_t *out = parse_default(row->fallback);
	MUST(json_is_object(out) && json_object_update(out, value) == 0);
	json_decref(value);
	return out;
}

json_t *
settings_effective(const json_t *root, const char *section)
{
	size_t count, row_count;
	const struct schema_section *sections = schema_sections(&count), *found = NULL;
	const struct schema_row *rows = schema_rows(&row_count);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(sections[i].name, section) == 0 && !sections[i].list)
			found = &sections[i];
	}
	if (found == NULL)
		return NULL;
	const json_t *object = root != NULL ? schema_section_get(root, section) : NULL;
	json_t *out = json_object();
	for (size_t i = 0; i < row_count; i++) {
		if (strcmp(rows[i].part, found->part) != 0)
			continue;
		json_t *value = schema_value(object, rows[i].part, rows[i].key);
		bool map = rows[i].type == SCHEMA_STATUS_MAP || rows[i].type == SCHEMA_NETWORK_MAP;
		if (map)
			value = over_default(&rows[i], value);
		if (value != NULL)
			MUST(json_object_set_new(out, rows[i].key, value) == 0);
	}
	return out;
}
