#include "diff.h"
#include "mask.h"
#include "must.h"
#include <stdio.h>
#include <string.h>

#define PATH_BYTES 160

struct diff {
	json_t *changes;
	size_t max, left_out;
};

static void compare(struct diff *diff, const char *path, const json_t *from, const json_t *to);

/* What may be shown of a member of this name. */
static json_t *
shown(const char *name, const json_t *value)
{
	if (value == NULL)
		return json_null();
	if (json_is_string(value) && json_string_length(value) > 0 && mask_is_secret(name))
		return strstr(name, "sha256") != NULL ? json_string("set") : mask_of(value);
	return mask_hidden(value);
}

static void
note(struct diff *diff, const char *path, json_t *from, json_t *to)
{
	if (json_array_size(diff->changes) >= diff->max) {
		diff->left_out++;
		json_decref(from);
		json_decref(to);
		return;
	}
	/* A cut path may end within a character: then its words are not told. */
	json_t *at = json_string(path);
	json_t *change = json_pack(
	    "{s:o, s:o, s:o}", "path", at != NULL ? at : json_string("?"), "from", from, "to", to);
	MUST(change != NULL && json_array_append_new(diff->changes, change) == 0);
}

static void
compare_objects(struct diff *diff, const char *path, const json_t *from, const json_t *to)
{
	char at[PATH_BYTES];
	const char *name;
	json_t *value;
	for (unsigned side = 0; side < 2; side++) {
		json_object_foreach((json_t *)(uintptr_t)(side == 0 ? to : from), name, value)
		{
			const json_t *old = json_object_get(from, name);
			const json_t *new = json_object_get(to, name);
			/* Those of both were met on the first side. */
			if (side == 1 && new != NULL)
				continue;
			(void)snprintf(
			    at, sizeof(at), "%s%s%s", path, path[0] != '\0' ? "." : "", name);
			bool both = (json_is_object(old) && json_is_object(new)) ||
				    (json_is_array(old) && json_is_array(new));
			if (both)
				compare(diff, at, old, new);
			else if (old == NULL || new == NULL || !json_equal(old, new))
				note(diff, at, shown(name, old), shown(name, new));
		}
	}
}

/* ---- lists ---- */

static const char *
id_of(const json_t *entry)
{
	return json_string_value(json_object_get(entry, "id"));
}

static bool
has_ids(const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (id_of(json_array_get(list, i)) == NULL)
			return false;
	}
	return true;
}

/* The place of an id in a list, or its length. */
static size_t
place_of(const json_t *list, const char *id)
{
	size_t i = 0, count = json_array_size(list);
	while (i < count && strcmp(id_of(json_array_get(list, i)), id) != 0)
		i++;
	return i;
}

/* The ids of a list that are also in the other one. */
static json_t *
common_ids(const json_t *list, const json_t *other)
{
	json_t *out = json_array();
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *id = id_of(json_array_get(list, i));
		if (place_of(other, id) < json_array_size(other))
			MUST(json_array_append_new(out, json_string(id)) == 0);
	}
	return out;
}

static void
compare_entries(struct diff *diff, const char *path, const json_t *from, const json_t *to)
{
	char at[PATH_BYTES];
	for (size_t i = 0; i < json_array_size(from); i++) {
		const json_t *old = json_array_get(from, i);
		(void)snprintf(at, sizeof(at), "%s[%zu]", path, i);
		if (place_of(to, id_of(old)) == json_array_size(to))
			note(diff, at, mask_hidden(old), json_null());
	}
	for (size_t i = 0; i < json_array_size(to); i++) {
		const json_t *new = json_array_get(to, i);
		size_t place = place_of(from, id_of(new));
		(void)snprintf(at, sizeof(at), "%s[%zu]", path, i);
		if (place == json_array_size(from))
			note(diff, at, json_null(), mask_hidden(new));
		else
			compare(diff, at, json_array_get(from, place), new);
	}
	json_t *before = common_ids(from, to), *after = common_ids(to, from);
	if (!json_equal(before, after)) {
		note(diff, path, before, after);
	} else {
		json_decref(before);
		json_decref(after);
	}
}

static void
compare(struct diff *diff, const char *path, const json_t *from, const json_t *to)
{
	if (json_is_object(from) && json_is_object(to))
		compare_objects(diff, path, from, to);
	else if (json_is_array(from) && json_is_array(to) && has_ids(from) && has_ids(to))
		compare_entries(diff, path, from, to);
	else if (!json_equal(from, to))
		note(diff, path, shown("", from), shown("", to));
}

json_t *
diff_changes(const json_t *from, const json_t *to, size_t max)
{
	struct diff diff = {.changes = json_array(), .max = max};
	compare(&diff, "", from, to);
	if (diff.left_out > 0) {
		json_t *more = json_pack(
		    "{s:s, s:n, s:I}", "path", "...", "from", "to", (json_int_t)diff.left_out);
		MUST(more != NULL && json_array_append_new(diff.changes, more) == 0);
	}
	return diff.changes;
}
