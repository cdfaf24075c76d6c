#include "schema.h"
#include "must.h"
#include <stdio.h>
#include <string.h>

const struct schema_row *
schema_find(const char *part, const char *key)
{
	size_t count;
	const struct schema_row *rows = schema_rows(&count);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(rows[i].part, part) == 0 && strcmp(rows[i].key, key) == 0)
			return &rows[i];
	}
	return NULL;
}

static json_t *
member(const json_t *obj, const char *key)
{
	json_t *value = json_object_get(obj, key);
	return json_is_null(value) ? NULL : value;
}

json_t *
schema_section_get(const json_t *root, const char *name)
{
	const char *dot = strchr(name, '.');
	if (dot == NULL)
		return member(root, name);
	char outer[64];
	snprintf(outer, sizeof(outer), "%.*s", (int)(dot - name), name);
	return member(member(root, outer), dot + 1);
}

void
schema_row_path(const struct schema_row *row, char *out, size_t out_len)
{
	size_t count;
	const struct schema_section *sections = schema_sections(&count), *section = sections;
	while (section < sections + count && strcmp(section->part, row->part) != 0)
		section++;
	MUST(section < sections + count);
	const char *name = section->name;
	if (strcmp(row->part, SCHEMA_UPSTREAMS) == 0)
		name = "*_configs";
	if (strcmp(row->part, SCHEMA_ROUTING) == 0)
		name = "routing.*";
	snprintf(out, out_len, "%s%s.%s", name, section->list ? "[]" : "", row->key);
}

/* ---- typed reading ---- */

json_t *
schema_value(const json_t *obj, const char *part, const char *key)
{
	const struct schema_row *row = schema_find(part, key);
	MUST(row != NULL);
	json_t *value = member(obj, key);
	if (value != NULL)
		return json_incref(value);
	return row->fallback != NULL ? json_loads(row->fallback, JSON_DECODE_ANY, NULL) : NULL;
}

double
schema_number(const json_t *obj, const char *part, const char *key)
{
	json_t *value = schema_value(obj, part, key);
	MUST(json_is_number(value));
	double number = json_number_value(value);
	json_decref(value);
	return number;
}

bool
schema_flag(const json_t *obj, const char *part, const char *key)
{
	json_t *value = schema_value(obj, part, key);
	MUST(json_is_boolean(value) || json_is_number(value));
	bool flag = json_is_true(value) || json_number_value(value) != 0;
	json_decref(value);
	return flag;
}

const char *
schema_text(const json_t *obj, const char *part, const char *key)
{
	MUST(schema_find(part, key) != NULL);
	return json_string_value(member(obj, key));
}

unsigned
schema_choice(const json_t *obj, const char *part, const char *key)
{
	const struct schema_row *row = schema_find(part, key);
	MUST(row != NULL && row->words != NULL);
	const char *text = json_string_value(member(obj, key));
	struct view rest = view_of(row->words), word;
	for (unsigned i = 0; text != NULL && view_split(&rest, '|', &word); i++) {
		if (view_eq_str(word, text))
			return i;
	}
	return 0;
}

bool
schema_has_word(const json_t *obj, const char *part, const char *key, const char *word)
{
	const struct schema_row *row = schema_find(part, key);
	MUST(row != NULL && row->type == SCHEMA_WORDS);
	const json_t *list = member(obj, key);
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (strcmp(json_string_value(json_array_get(list, i)), word) == 0)
			return true;
	}
	return false;
}

/* ---- the first document and the manual ---- */

static json_t *
defaults_of(const char *part)
{
	json_t *obj = json_object();
	size_t count;
	const struct schema_row *rows = schema_rows(&count);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(rows[i].part, part) != 0 || (rows[i].flags & SCHEMA_UNUSED) != 0 ||
		    rows[i].fallback == NULL)
			continue;
		json_t *value = json_loads(rows[i].fallback, JSON_DECODE_ANY, NULL);
		MUST(value != NULL && json_object_set_new(obj, rows[i].key, value) == 0);
	}
	return obj;
}

json_t *
schema_first_document(void)
{
	json_t *root = json_object();
	size_t count;
	const struct schema_section *sections = schema_sections(&count);
	for (size_t i = 0; i < count; i++) {
		/* What lies within another section is left out: its defaults hold anyway. */
		bool inner = strchr(sections[i].name, '.') != NULL;
		json_t *value = sections[i].list ? json_array() : defaults_of(sections[i].part);
		if (inner || (json_is_object(value) && json_object_size(value) == 0)) {
			json_decref(value);
		} else {
			MUST(json_object_set_new(root, sections[i].name, value) == 0);
		}
	}
	return root;
}

static void
print_shape(const struct schema_row *row, struct bytes *out)
{
	static const char *const names[SCHEMA_TYPES] = {
	    [SCHEMA_ANY] = "any",
	    [SCHEMA_FLAG] = "flag",
	    [SCHEMA_INT] = "integer",
	    [SCHEMA_NUMBER] = "number",
	    [SCHEMA_TEXT] = "text",
	    [SCHEMA_CHOICE] = "word",
	    [SCHEMA_ID] = "id",
	    [SCHEMA_URL] = "URL",
	    [SCHEMA_KEY] = "key",
	    [SCHEMA_SHA256] = "64 hex digits",
	    [SCHEMA_PATH] = "absolute path",
	    [SCHEMA_WEEK] = "7 flags",
	    [SCHEMA_HOURS] = "ranges",
	    [SCHEMA_DATES] = "object of dates",
	    [SCHEMA_ZONE] = "time zone",
	    [SCHEMA_CLOCK] = "HH:MM",
	    [SCHEMA_GROUPS] = "list of claude, codex, chat",
	    [SCHEMA_DAY] = "day, YYYY-MM-DD",
	    [SCHEMA_ADDRESSES] = "list of addresses",
	    [SCHEMA_STATUS_MAP] = "object",
	    [SCHEMA_NETWORK_MAP] = "object",
	    [SCHEMA_MODELS_LIST] = "list of models",
	    [SCHEMA_MODELS_MAP] = "object of models",
	    [SCHEMA_WORDS] = "list of words",
	};
	bool ok = bytes_append_str(out, names[row->type]);
	if (row->words != NULL) {
		struct view rest = view_of(row->words), word;
		for (const char *sep = ": "; view_split(&rest, '|', &word); sep = ", ")
			ok = ok && bytes_printf(out, "%s%.*s", sep, VIEW_ARGS(word));
	} else if (row->max > 0) {
		ok = ok && bytes_printf(out, ", %g to %g%s%s", row->min, row->max,
			       row->unit != NULL ? " " : "", row->unit != NULL ? row->unit : "");
	}
	MUST(ok);
}

void
schema_print_manual(struct bytes *out)
{
	size_t count;
	const struct schema_row *rows = schema_rows(&count);
	bool ok =
	    bytes_append_str(out, "| word | shape | default | meaning |\n|---|---|---|---|\n");
	for (size_t i = 0; i < count; i++) {
		char path[128];
		schema_row_path(&rows[i], path, sizeof(path));
		ok = ok && bytes_printf(out, "| `%s` | ", path);
		print_shape(&rows[i], out);
		if ((rows[i].flags & SCHEMA_REQUIRED) != 0) {
			ok = ok && bytes_append_str(out, " | required");
		} else {
			ok = ok && bytes_printf(out, rows[i].fallback != NULL ? " | `%s`" : " | %s",
				       rows[i].fallback != NULL ? rows[i].fallback : "");
		}
		if (rows[i].old_fallback != NULL)
			ok = ok && bytes_printf(out, " (was %s)", rows[i].old_fallback);
		ok = ok && bytes_printf(out, " | %s%s |\n",
			       (rows[i].flags & SCHEMA_UNUSED) != 0 ? "*No effect yet.* " : "",
			       rows[i].doc);
	}
	MUST(ok);
}
