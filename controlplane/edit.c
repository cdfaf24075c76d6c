#include "edit.h"
#include "config.h"
#include "jget.h"
#include "must.h"
#include "schema.h"
#include <stdio.h>
#include <string.h>

#define NAME_BYTES 512

static const char *const op_names[EDIT_OPS] = {
    [EDIT_ADD] = "add",
    [EDIT_REPLACE] = "replace",
    [EDIT_MERGE] = "merge",
    [EDIT_REMOVE] = "remove",
    [EDIT_MOVE] = "move",
    [EDIT_DUPLICATE] = "duplicate",
    [EDIT_TOGGLE] = "toggle",
    [EDIT_ORDER] = "order",
    [EDIT_SETTINGS] = "settings",
    [EDIT_DOCUMENT] = "document",
};

const char *
edit_op_name(enum edit_op op)
{
	MUST(op < EDIT_OPS);
	return op_names[op];
}

/* ---- the question ---- */

static bool
read_op(const json_t *body, enum edit_op *out, struct err *err)
{
	struct view word = {0};
	if (!jget_str(body, "", "op", &word, err))
		return false;
	for (unsigned i = 0; i < EDIT_OPS; i++) {
		*out = (enum edit_op)i;
		if (view_eq_str(word, op_names[i]))
			return true;
	}
	return err_set(err, ERR_PARSE, "op", "there is no such change");
}

bool
edit_read(const json_t *body, const char *stamp, struct edit *out, struct err *err)
{
	struct view ignored;
	static const char *const texts[] = {"section", "id", "suffix", "name_words", "stamp"};
	*out = (struct edit){.index = -1, .stamp = stamp};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (!jget_str(body, "", texts[i], &ignored, err))
			return false;
	}
	const char *asked = json_string_value(json_object_get(body, "stamp"));
	out->section = json_string_value(json_object_get(body, "section"));
	out->id = json_string_value(json_object_get(body, "id"));
	out->suffix = json_string_value(json_object_get(body, "suffix"));
	out->name_words = json_string_value(json_object_get(body, "name_words"));
	out->stamp = asked != NULL ? asked : stamp;
	out->value = json_object_get(body, "value");
	out->to = json_object_get(body, "to");
	return read_op(body, &out->op, err) &&
	       jget_int(body, "", "index", -1, INT32_MAX, &out->index, err);
}

/* ---- places ---- */

static const struct schema_section *
find_section(const char *name)
{
	size_t count;
	const struct schema_section *sections = schema_sections(&count);
	for (size_t i = 0; name != NULL && i < count; i++) {
		if (strcmp(sections[i].name, name) == 0)
			return &sections[i];
	}
	return NULL;
}

/* The object that a dotted name's last word is a member of; made where it is missing. */
static json_t *
holder_of(json_t *root, const char *name, const char **last)
{
	const char *dot = strchr(name, '.');
	char outer[64];
	*last = dot != NULL ? dot + 1 : name;
	if (dot == NULL)
		return root;
	(void)snprintf(outer, sizeof(outer), "%.*s", (int)(dot - name), name);
	json_t *holder = json_object_get(root, outer);
	if (!json_is_object(holder)) {
		holder = json_object();
		MUST(json_object_set_new(root, outer, holder) == 0);
	}
	return holder;
}

/* The list or object itself, made where it is missing. */
static json_t *
reach(json_t *root, const struct schema_section *section)
{
	const char *word;
	json_t *holder = holder_of(root, section->name, &word),
	       *value = json_object_get(holder, word);
	if (value == NULL || json_is_null(value)) {
		value = section->list ? json_array() : json_object();
		MUST(json_object_set_new(holder, word, value) == 0);
	}
	return value;
}

static bool
find_entry(const struct edit *edit, const json_t *list, size_t *at, struct err *err)
{
	size_t count = json_array_size(list);
	*at = edit->index >= 0 ? (size_t)edit->index : count;
	if (edit->id != NULL) {
		for (*at = 0; *at < count; ++*at) {
			const char *id =
			    json_string_value(json_object_get(json_array_get(list, *at), "id"));
			if (id != NULL && strcmp(id, edit->id) == 0)
				break;
		}
	}
	return *at < count || err_set(err, ERR_ABSENT, "id", "there is no such entry");
}

/* ---- members ---- */

static void
set_stamp(json_t *object, const char *part, const char *key, const char *stamp)
{
	if (schema_find(part, key) != NULL)
		MUST(json_object_set_new(object, key, json_string(stamp)) == 0);
}

static bool
must_be_object(const json_t *value, struct err *err)
{
	return json_is_object(value) || err_set(err, ERR_PARSE, "value", "must be an object");
}

static void
merge(json_t *into, const json_t *value)
{
	const char *key;
	json_t *item;
	json_object_foreach((json_t *)(uintptr_t)value, key, item)
	{
		/* An id stays: statistics and health know the entry by it. */
		if (strcmp(key, "id") == 0)
			continue;
		if (json_is_null(item))
			(void)json_object_del(into, key);
		else
			MUST(json_object_set(into, key, item) == 0);
	}
}

static void
merge_stamped(json_t *into, const struct edit *edit, const char *part)
{
	json_t *before = json_copy(into);
	merge(into, edit->value);
	/* What says the same is no change. */
	if (!json_equal(before, into) && json_object_get(edit->value, "updated_at") == NULL)
		set_stamp(into, part, "updated_at", edit->stamp);
	json_decref(before);
}

/* What takes the place of `old`: the same id, whatever was sent. */
static json_t *
replacement(const struct edit *edit, const json_t *old, const char *part)
{
	json_t *new = json_copy((json_t *)(uintptr_t)edit->value);
	const json_t *id = json_object_get(old, "id");
	MUST(new != NULL);
	if (id != NULL)
		MUST(json_object_set(new, "id", (json_t *)(uintptr_t)id) == 0);
	if (json_object_get(new, "updated_at") == NULL)
		set_stamp(new, part, "updated_at", edit->stamp);
	return new;
}

/* ---- sections ---- */

static bool
edit_section(
    json_t *root, const struct schema_section *section, const struct edit *edit, struct err *err)
{
	const char *word;
	json_t *object = reach(root, section);
	if (edit->op != EDIT_MERGE && edit->op != EDIT_REPLACE)
		return err_set(err, ERR_PARSE, "op", "this section is no list");
	if (!must_be_object(edit->value, err))
		return false;
	if (edit->op == EDIT_MERGE) {
		merge_stamped(object, edit, section->part);
		return true;
	}
	json_t *holder = holder_of(root, section->name, &word);
	json_t *new = replacement(edit, NULL, section->part);
	MUST(json_object_set_new(holder, word, new) == 0);
	return true;
}

/* "routing.claude.pick" → the section "routing.claude" and "pick". */
static const struct schema_section *
split_path(const char *path, const char **key)
{
	char name[96];
	const char *dot = strrchr(path, '.');
	if (dot == NULL || (size_t)(dot - path) >= sizeof(name))
		return NULL;
	(void)snprintf(name, sizeof(name), "%.*s", (int)(dot - path), path);
	*key = dot + 1;
	const struct schema_section *section = find_section(name);
	return section != NULL && !section->list ? section : NULL;
}

static bool
edit_settings(json_t *root, const struct edit *edit, struct err *err)
{
	const char *path, *key;
	json_t *value;
	if (!must_be_object(edit->value, err))
		return false;
	json_object_foreach((json_t *)(uintptr_t)edit->value, path, value)
	{
		const struct schema_section *section = split_path(path, &key);
		if (section == NULL || schema_find(section->part, key) == NULL ||
		    strcmp(section->part, SCHEMA_ADMIN) == 0)
			return err_set(err, ERR_CONFIG, path, "there is no such setting");
		json_t *object = reach(root, section);
		if (json_is_null(value))
			(void)json_object_del(object, key);
		else
			MUST(json_object_set(object, key, value) == 0);
		set_stamp(object, section->part, "updated_at", edit->stamp);
	}
	return true;
}

/* ---- lists ---- */

/* "API-#" → "API-3". */
static void
give_name(json_t *entry, const char *words, size_t place)
{
	char name[NAME_BYTES];
	const char *mark = words != NULL ? strchr(words, '#') : NULL;
	if (mark == NULL || json_object_get(entry, "name") != NULL)
		return;
	(void)snprintf(
	    name, sizeof(name), "%.*s%zu%s", (int)(mark - words), words, place, mark + 1);
	MUST(json_object_set_new(entry, "name", json_string(name)) == 0);
}

static bool
add_entry(json_t *list, const struct schema_section *section, const struct edit *edit, int64_t *at,
    struct err *err)
{
	size_t count = json_array_size(list), place = count;
	if (!must_be_object(edit->value, err))
		return false;
	if (json_is_integer(edit->to)) {
		json_int_t wanted = json_integer_value(edit->to);
		place = wanted >= 0 && (size_t)wanted < count ? (size_t)wanted : count;
	}
	json_t *entry = json_copy((json_t *)(uintptr_t)edit->value);
	MUST(entry != NULL);
	give_name(entry, edit->name_words, count + 1);
	if (json_object_get(entry, "created_at") == NULL)
		set_stamp(entry, section->part, "created_at", edit->stamp);
	MUST(json_array_insert_new(list, place, entry) == 0);
	*at = (int64_t)place;
	return true;
}

static bool
new_place(const json_t *to, size_t at, size_t count, size_t *out, struct err *err)
{
	const char *word = json_string_value(to);
	json_int_t wanted = json_is_integer(to) ? json_integer_value(to) : -1;
	if (word != NULL && strcmp(word, "up") == 0)
		wanted = (json_int_t)at - 1;
	else if (word != NULL && strcmp(word, "down") == 0)
		wanted = (json_int_t)at + 1;
	else if (word != NULL && strcmp(word, "top") == 0)
		wanted = 0;
	else if (word != NULL && strcmp(word, "bottom") == 0)
		wanted = (json_int_t)count - 1;
	else if (!json_is_integer(to))
		return err_set(err, ERR_CONFIG, "to", "must be up, down, top, bottom or a place");
	if (wanted < 0 || (size_t)wanted >= count || (size_t)wanted == at)
		return err_set(err, ERR_CONFIG, "to", "it cannot move there");
	*out = (size_t)wanted;
	return true;
}

static bool
move_entry(json_t *list, const struct edit *edit, size_t from, int64_t *at, struct err *err)
{
	size_t to;
	if (!new_place(edit->to, from, json_array_size(list), &to, err))
		return false;
	json_t *entry = json_incref(json_array_get(list, from));
	MUST(json_array_remove(list, from) == 0 && json_array_insert_new(list, to, entry) == 0);
	*at = (int64_t)to;
	return true;
}

static void
duplicate_entry(json_t *list, const struct schema_section *section, const struct edit *edit,
    size_t from, int64_t *at)
{
	char name[NAME_BYTES];
	json_t *copy = json_deep_copy(json_array_get(list, from));
	const char *old = json_string_value(json_object_get(copy, "name"));
	MUST(copy != NULL);
	if (old != NULL) {
		(void)snprintf(name, sizeof(name), "%s%s", old,
		    edit->suffix != NULL ? edit->suffix : " (copy)");
		json_t *text = json_string(name);
		/* NULL: cut within a character. */
		if (text != NULL)
			MUST(json_object_set_new(copy, "name", text) == 0);
	}
	(void)json_object_del(copy, "id");
	(void)json_object_del(copy, "updated_at");
	set_stamp(copy, section->part, "created_at", edit->stamp);
	MUST(json_array_insert_new(list, from + 1, copy) == 0);
	*at = (int64_t)from + 1;
}

static bool
toggle_entry(
    json_t *entry, const struct schema_section *section, const struct edit *edit, struct err *err)
{
	if (schema_find(section->part, "enabled") == NULL)
		return err_set(err, ERR_CONFIG, "op", "such entries cannot be switched off");
	bool enabled = schema_flag(entry, section->part, "enabled");
	MUST(json_object_set_new(entry, "enabled", json_boolean(!enabled)) == 0);
	set_stamp(entry, section->part, "updated_at", edit->stamp);
	return true;
}

/* Exactly the ids that are there, each once. */
static bool
order_list(json_t *list, const struct edit *edit, struct err *err)
{
	size_t count = json_array_size(list);
	json_t *sorted = json_array();
	bool ok = json_is_array(edit->value) && json_array_size(edit->value) == count;
	for (size_t i = 0; ok && i < count; i++) {
		size_t at;
		struct edit one = {
		    .index = -1, .id = json_string_value(json_array_get(edit->value, i))};
		ok = one.id != NULL && find_entry(&one, list, &at, NULL);
		for (size_t k = 0; ok && k < i; k++)
			ok = json_array_get(sorted, k) != json_array_get(list, at);
		if (ok)
			MUST(json_array_append(sorted, json_array_get(list, at)) == 0);
	}
	if (ok)
		MUST(json_array_clear(list) == 0 && json_array_extend(list, sorted) == 0);
	json_decref(sorted);
	return ok || err_set(err, ERR_CONFIG, "ids", "must be all ids of the list, each once");
}

static bool
edit_entry(json_t *list, const struct schema_section *section, const struct edit *edit, int64_t *at,
    struct err *err)
{
	size_t place;
	if (!find_entry(edit, list, &place, err))
		return false;
	json_t *entry = json_array_get(list, place);
	*at = (int64_t)place;
	bool has_value = edit->op == EDIT_REPLACE || edit->op == EDIT_MERGE;
	if (has_value && !must_be_object(edit->value, err))
		return false;
	if (edit->op == EDIT_MOVE)
		return move_entry(list, edit, place, at, err);
	if (edit->op == EDIT_TOGGLE)
		return toggle_entry(entry, section, edit, err);
	if (edit->op == EDIT_REPLACE)
		MUST(json_array_set_new(list, place, replacement(edit, entry, section->part)) == 0);
	else if (edit->op == EDIT_MERGE)
		merge_stamped(entry, edit, section->part);
	else if (edit->op == EDIT_DUPLICATE)
		duplicate_entry(list, section, edit, place, at);
	else {
		MUST(json_array_remove(list, place) == 0);
		*at = -1;
	}
	return true;
}

/* ---- the whole ---- */

/* Without client keys or an admin section, those of before hold, as in a file edited by hand. */
static bool
replace_document(json_t **root, const struct edit *edit, struct err *err)
{
	static const char *const access[] = {SCHEMA_CLIENT_KEYS, SCHEMA_ADMIN};
	if (!must_be_object(edit->value, err))
		return false;
	json_t *new = json_deep_copy(edit->value);
	for (size_t i = 0; i < sizeof(access) / sizeof(access[0]); i++) {
		json_t *old = json_object_get(*root, access[i]);
		if (old != NULL && schema_section_get(new, access[i]) == NULL)
			MUST(json_object_set(new, access[i], old) == 0);
	}
	json_t *admin = schema_section_get(new, SCHEMA_ADMIN);
	json_t *token = json_object_get(schema_section_get(*root, SCHEMA_ADMIN), "token_sha256");
	if (json_is_object(admin) && json_object_get(admin, "token_sha256") == NULL &&
	    token != NULL)
		MUST(json_object_set(admin, "token_sha256", token) == 0);
	json_decref(*root);
	*root = new;
	return true;
}

bool
edit_apply(json_t **root, const struct edit *edit, int64_t *at, struct err *err)
{
	*at = -1;
	if (edit->op == EDIT_DOCUMENT)
		return replace_document(root, edit, err);
	if (edit->op == EDIT_SETTINGS)
		return edit_settings(*root, edit, err);
	const struct schema_section *section = find_section(edit->section);
	if (section == NULL || strcmp(section->name, SCHEMA_ADMIN) == 0)
		return err_set(err, ERR_ABSENT, "section", "there is no such section");
	if (!section->list)
		return edit_section(*root, section, edit, err);
	json_t *list = reach(*root, section);
	if (edit->op == EDIT_ADD)
		return add_entry(list, section, edit, at, err);
	if (edit->op == EDIT_ORDER)
		return order_list(list, edit, err);
	return edit_entry(list, section, edit, at, err);
}
