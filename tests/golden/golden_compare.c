#include "golden_compare.h"
#include "jsonspan.h"
#include "must.h"
#include "sse.h"

#include <stdio.h>
#include <string.h>

#define SSE_BYTES_MAX (64u << 20)

static bool same(
    struct jsonspan_value a, struct jsonspan_value b, const char *path, struct bytes *why);

static bool
differ(struct jsonspan_value a, struct jsonspan_value b, const char *path, struct bytes *why)
{
	struct view left = view_sub(a.raw, 0, 600);
	struct view right = view_sub(b.raw, 0, 600);
	MUST(bytes_printf(why, "    at %s\n      expected %.*s\n      got      %.*s\n", path,
	    VIEW_ARGS(left), VIEW_ARGS(right)));
	return false;
}

static bool
same_string(struct jsonspan_value a, struct jsonspan_value b)
{
	struct bytes left;
	struct bytes right;
	bytes_init(&left, SSE_BYTES_MAX);
	bytes_init(&right, SSE_BYTES_MAX);
	MUST(jsonspan_unescape(a, &left) && jsonspan_unescape(b, &right));
	bool equal = view_eq(bytes_view(&left), bytes_view(&right));
	bytes_fini(&left);
	bytes_fini(&right);
	return equal;
}

static bool
is_opaque(const struct jsonspan_member *member)
{
	return jsonspan_key_is(member, "input_schema") || jsonspan_key_is(member, "parameters") ||
	       jsonspan_key_is(member, "schema") ||
	       (jsonspan_key_is(member, "input") && member->value.kind == JSONSPAN_OBJECT);
}

static size_t
count_members(struct jsonspan_value object)
{
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	size_t count = 0;
	jsonspan_iter_init(&iter, object);
	while (jsonspan_next(&iter, &member))
		count++;
	return count;
}

static bool
same_object(struct jsonspan_value a, struct jsonspan_value b, const char *path, struct bytes *why)
{
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	char at[256];
	jsonspan_iter_init(&iter, a);
	while (jsonspan_next(&iter, &member)) {
		char key[64];
		snprintf(key, sizeof(key), "%.*s", VIEW_ARGS(member.key));
		snprintf(at, sizeof(at), "%s.%s", path, key);
		struct jsonspan_value other = jsonspan_get(b, key);
		if (is_opaque(&member)) {
			if (!view_eq(member.value.raw, other.raw))
				return differ(member.value, other, at, why);
		} else if (!same(member.value, other, at, why)) {
			return false;
		}
	}
	return count_members(a) == count_members(b) || differ(a, b, path, why);
}

static bool
same_array(struct jsonspan_value a, struct jsonspan_value b, const char *path, struct bytes *why)
{
	struct jsonspan_iter left;
	struct jsonspan_iter right;
	struct jsonspan_member one;
	struct jsonspan_member two;
	char at[256];
	if (count_members(a) != count_members(b))
		return differ(a, b, path, why);
	jsonspan_iter_init(&left, a);
	jsonspan_iter_init(&right, b);
	for (size_t i = 0; jsonspan_next(&left, &one) && jsonspan_next(&right, &two); i++) {
		snprintf(at, sizeof(at), "%s[%zu]", path, i);
		if (!same(one.value, two.value, at, why))
			return false;
	}
	return true;
}

static bool
same(struct jsonspan_value a, struct jsonspan_value b, const char *path, struct bytes *why)
{
	if (a.kind != b.kind)
		return differ(a, b, path, why);
	switch (a.kind) {
	case JSONSPAN_OBJECT:
		return same_object(a, b, path, why);
	case JSONSPAN_ARRAY:
		return same_array(a, b, path, why);
	case JSONSPAN_STRING:
		return same_string(a, b) || differ(a, b, path, why);
	case JSONSPAN_NONE:
	case JSONSPAN_NULL:
	case JSONSPAN_BOOL:
	case JSONSPAN_NUMBER:
		break;
	}
	return view_eq(a.raw, b.raw) || differ(a, b, path, why);
}

bool
golden_same_json(struct view expected, struct view got, struct bytes *why)
{
	struct jsonspan_value a;
	struct jsonspan_value b;
	struct err err;
	if (!jsonspan_scan(expected, NULL, 0, &a, &err) || !jsonspan_scan(got, NULL, 0, &b, &err)) {
		MUST(bytes_printf(why, "    no JSON, %s %s: %.*s\n", err.at, err.msg,
		    VIEW_ARGS(view_sub(got, 0, 600))));
		return false;
	}
	return same(a, b, "$", why);
}

/* ---- events ---- */

/* Events one after the other: a line for the name, a line for the data. */
static void
on_event(const struct sse_event *event, void *ctx)
{
	struct bytes *lines = ctx;
	MUST(bytes_append_view(lines, event->name) && bytes_append_char(lines, '\n') &&
	     bytes_append_view(lines, event->data) && bytes_append_char(lines, '\n'));
}

static void
read_events(struct view text, struct bytes *lines)
{
	struct sse_reader reader;
	bytes_init(lines, SSE_BYTES_MAX);
	sse_init(&reader, SSE_BYTES_MAX, on_event, lines);
	sse_feed(&reader, text);
	sse_fini(&reader);
}

static bool
same_events(struct view expected, struct view got, struct bytes *why)
{
	for (size_t i = 0; expected.len > 0 || got.len > 0; i++) {
		struct view parts[4] = {{NULL, 0}};
		(void)view_split(&expected, '\n', &parts[0]);
		(void)view_split(&expected, '\n', &parts[1]);
		(void)view_split(&got, '\n', &parts[2]);
		(void)view_split(&got, '\n', &parts[3]);
		bool json = parts[1].len > 0 && parts[1].data[0] == '{' && parts[3].len > 0;
		bool equal =
		    view_eq(parts[0], parts[2]) && (json ? golden_same_json(parts[1], parts[3], why)
							 : view_eq(parts[1], parts[3]));
		if (equal)
			continue;
		MUST(bytes_printf(why,
		    "    event %zu\n      expected %.*s %.*s\n      got      %.*s %.*s\n", i,
		    VIEW_ARGS(parts[0]), VIEW_ARGS(view_sub(parts[1], 0, 600)), VIEW_ARGS(parts[2]),
		    VIEW_ARGS(view_sub(parts[3], 0, 600))));
		return false;
	}
	return true;
}

bool
golden_same_sse(struct view expected, struct view got, struct bytes *why)
{
	struct bytes a;
	struct bytes b;
	read_events(expected, &a);
	read_events(got, &b);
	bool equal = same_events(bytes_view(&a), bytes_view(&b), why);
	bytes_fini(&a);
	bytes_fini(&b);
	return equal;
}
