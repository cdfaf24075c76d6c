#include "events_change.h"
#include "must.h"
#include <string.h>

static bool
same_member(const json_t *a, const json_t *b, const char *key)
{
	const json_t *one = json_object_get(a, key), *other = json_object_get(b, key);
	return one != NULL && other != NULL && json_equal(one, other);
}

/* The same upstreams in the same order. */
static bool
same_entries(const json_t *before, const json_t *after)
{
	size_t count = json_array_size(after);
	if (json_array_size(before) != count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!same_member(json_array_get(before, i), json_array_get(after, i), "id"))
			return false;
	}
	return true;
}

static bool
same_groups(const json_t *before, const json_t *after)
{
	size_t count = json_array_size(after);
	if (json_array_size(before) != count)
		return false;
	for (size_t i = 0; i < count; i++) {
		const json_t *old = json_array_get(before, i), *new = json_array_get(after, i);
		if (!same_member(old, new, "group") || !same_member(old, new, "pick") ||
		    !same_entries(
			json_object_get(old, "upstreams"), json_object_get(new, "upstreams")))
			return false;
	}
	return true;
}

static void
add_changed(json_t *out, const json_t *before, const json_t *after)
{
	const json_t *old = json_object_get(before, "upstreams");
	const json_t *new = json_object_get(after, "upstreams");
	for (size_t i = 0; i < json_array_size(new); i++) {
		json_t *item = json_array_get(new, i);
		if (json_equal(item, json_array_get(old, i)))
			continue;
		json_t *told = json_copy(item);
		MUST(told != NULL &&
		     json_object_set(told, "group", json_object_get(after, "group")) == 0 &&
		     json_array_append_new(out, told) == 0);
	}
}

json_t *
events_change(const json_t *before, const json_t *after)
{
	const json_t *old = json_object_get(before, "groups"),
		     *new = json_object_get(after, "groups");
	const char *key;
	json_t *value;
	if (!same_groups(old, new))
		return NULL;
	json_t *out = json_object(), *upstreams = json_array();
	json_object_foreach((json_t *)(uintptr_t)after, key, value)
	{
		bool shown = strcmp(key, "groups") != 0 && strcmp(key, "users") != 0;
		if (shown && !same_member(before, after, key))
			MUST(json_object_set(out, key, value) == 0);
	}
	for (size_t i = 0; i < json_array_size(new); i++)
		add_changed(upstreams, json_array_get(old, i), json_array_get(new, i));
	if (json_array_size(upstreams) > 0)
		MUST(json_object_set(out, "upstreams", upstreams) == 0);
	json_decref(upstreams);
	return out;
}
