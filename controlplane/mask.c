#include "mask.h"
#include "must.h"
#include "schema.h"
#include "secret.h"
#include <stdio.h>
#include <string.h>

#define PATH_BYTES 128

/* The schema has a word of this name that is one. */
static bool
is_key_word(const char *name)
{
	size_t count;
	const struct schema_row *rows = schema_rows(&count);
	for (size_t i = 0; i < count; i++) {
		if (rows[i].type == SCHEMA_KEY && strcmp(rows[i].key, name) == 0)
			return true;
	}
	return false;
}

bool
mask_is_secret(const char *name)
{
	static const char *const words[] = {"key", "sha256", "token", "secret", "password",
	    "apikey", "authorization", "auth", "credential", "cookie"};
	struct view whole = view_of(name);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct view word = view_of(words[i]);
		if (whole.len < word.len)
			continue;
		size_t at = whole.len - word.len;
		char before = at > 0 ? name[at - 1] : '_';
		bool apart = before == '_' || before == '-' || before == '.' ||
			     (name[at] >= 'A' && name[at] <= 'Z');
		if (apart && view_eq_nocase(view_from(whole, at), words[i]))
			return true;
	}
	return is_key_word(name);
}

/* Its members are models, statuses, dates: not words. */
static bool
is_map(const char *name)
{
	size_t count;
	const struct schema_row *rows = schema_rows(&count);
	for (size_t i = 0; i < count; i++) {
		enum schema_type type = rows[i].type;
		bool map = type == SCHEMA_MODELS_MAP || type == SCHEMA_STATUS_MAP ||
			   type == SCHEMA_NETWORK_MAP || type == SCHEMA_DATES;
		if (map && strcmp(rows[i].key, name) == 0)
			return true;
	}
	return false;
}

static bool
holds_secret(const char *name, const json_t *value)
{
	return json_is_string(value) && json_string_length(value) > 0 && mask_is_secret(name);
}

json_t *
mask_of(const json_t *secret)
{
	char masked[SECRET_MASK_BYTES] = "set";
	struct secret hidden = {0};
	struct view text = view_make(json_string_value(secret), json_string_length(secret));
	if (secret_set(&hidden, schema_trim(text)) && !secret_is_empty(&hidden))
		secret_mask(&hidden, masked);
	secret_fini(&hidden);
	return json_string(masked);
}

/* ---- hiding ---- */

static void
replace_all(json_t *value, bool empty)
{
	const char *name;
	json_t *item;
	void *next;
	size_t i;
	json_array_foreach(value, i, item)
	{
		replace_all(item, empty);
	}
	json_object_foreach_safe(value, next, name, item)
	{
		/* Hashes have no form of their own that would help anybody. */
		bool hash = strstr(name, "sha256") != NULL;
		if (holds_secret(name, item)) {
			json_t *shown = empty  ? json_string("")
					: hash ? json_string("set")
					       : mask_of(item);
			MUST(json_object_set_new(value, name, shown) == 0);
		} else if (!is_map(name)) {
			replace_all(item, empty);
		}
	}
}

void
mask_hide(json_t *value)
{
	replace_all(value, false);
}

void
mask_empty(json_t *value)
{
	replace_all(value, true);
}

json_t *
mask_hidden(const json_t *value)
{
	json_t *copy = json_deep_copy(value);
	MUST(copy != NULL);
	mask_hide(copy);
	return copy;
}

/* ---- putting back ---- */

static bool
is_mask(const json_t *value)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);
	return strcmp(text, "set") == 0 || (len == 10 && memcmp(text + 3, "...", 3) == 0);
}

static bool
stands_for(const json_t *mask, const json_t *secret, bool hash)
{
	json_t *shown = hash ? json_string("set") : mask_of(secret);
	bool same = json_equal(mask, shown);
	json_decref(shown);
	return same;
}

static void restore(json_t *value, const json_t *old, const char *path, struct faults *faults);

static void
restore_member(
    json_t *object, const char *name, const json_t *old, const char *path, struct faults *faults)
{
	json_t *value = json_object_get(object, name), *kept = json_object_get(old, name);
	char at[PATH_BYTES];
	(void)snprintf(at, sizeof(at), "%s%s%s", path, path[0] != '\0' ? "." : "", name);
	if (!holds_secret(name, value)) {
		if (!is_map(name))
			restore(value, kept, at, faults);
	} else if (is_mask(value)) {
		if (json_is_string(kept) && stands_for(value, kept, strstr(name, "sha256") != NULL))
			MUST(json_object_set(object, name, kept) == 0);
		else
			faults_error(
			    faults, at, "is a mask, and nothing is stored here that it stands for");
	}
}

/* The entry of `old` that `item` of a list is; NULL when there is none. */
static const json_t *
find_old(const json_t *item, const json_t *old)
{
	const char *id = json_string_value(json_object_get(item, "id"));
	for (size_t i = 0; i < json_array_size(old); i++) {
		const json_t *other = json_array_get(old, i);
		const char *other_id = json_string_value(json_object_get(other, "id"));
		if (id != NULL && other_id != NULL && strcmp(id, other_id) == 0)
			return other;
		if (id != NULL || other_id != NULL)
			continue;
		json_t *shown = mask_hidden(other);
		bool same = json_equal(shown, item);
		json_decref(shown);
		if (same)
			return other;
	}
	return NULL;
}

static void
restore(json_t *value, const json_t *old, const char *path, struct faults *faults)
{
	char at[PATH_BYTES];
	const char *name;
	json_t *item;
	void *next;
	size_t i;
	json_array_foreach(value, i, item)
	{
		(void)snprintf(at, sizeof(at), "%s[%zu]", path, i);
		restore(item, find_old(item, old), at, faults);
	}
	json_object_foreach_safe(value, next, name, item)
	{
		restore_member(value, name, old, path, faults);
	}
}

void
mask_restore(json_t *value, const json_t *old, struct faults *faults)
{
	restore(value, old, "", faults);
}
