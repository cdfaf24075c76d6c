#include "json_watch.h"
#include <string.h>

#define DEPTH_MAX 63

void
json_watch_init(struct json_watch *watch)
{
	*watch = (struct json_watch){0};
	bytes_init(&watch->captured, JSON_WATCH_BYTES_MAX);
}

void
json_watch_fini(struct json_watch *watch)
{
	bytes_fini(&watch->captured);
}

void
json_watch_reset(struct json_watch *watch)
{
	struct bytes kept = watch->captured;
	bytes_clear(&kept);
	*watch = (struct json_watch){.captured = kept};
}

static bool
key_is(const struct json_watch *watch, const char *key)
{
	return watch->key_len == strlen(key) && memcmp(watch->key, key, watch->key_len) == 0;
}

/* The members of the present place are those that are looked for. */
static bool
is_place(const struct json_watch *watch)
{
	return watch->depth == 1 || (watch->depth == 2 && watch->inner);
}

static void
keep(struct json_watch *watch, struct view bytes)
{
	if (!watch->overlong && !bytes_append_view(&watch->captured, bytes))
		watch->overlong = true;
}

static void
open_container(struct json_watch *watch, char c)
{
	bool object = c == '{';
	if (object && is_place(watch) && watch->capture_depth == 0 && key_is(watch, "usage")) {
		watch->capture_depth = watch->depth;
		watch->overlong = false;
		bytes_clear(&watch->captured);
	}
	if (object && watch->depth == 1 && (key_is(watch, "response") || key_is(watch, "message")))
		watch->inner = true;
	watch->depth++;
	if (watch->depth <= DEPTH_MAX) {
		uint64_t bit = UINT64_C(1) << watch->depth;
		watch->objects = object ? watch->objects | bit : watch->objects & ~bit;
	}
	watch->key_next = object;
	watch->key_len = 0;
}

/* True: a usage object is whole. */
static bool
close_container(struct json_watch *watch)
{
	if (watch->depth > 0)
		watch->depth--;
	watch->key_next = false;
	watch->key_len = 0;
	if (watch->capture_depth != 0 && watch->depth == watch->capture_depth) {
		watch->capture_depth = 0;
		watch->usage_inner = watch->depth == 2;
		watch->has_usage = !watch->overlong;
		return true;
	}
	if (watch->depth <= 1)
		watch->inner = false;
	return false;
}

/* Where the string that begins belongs; NULL = nobody asks for it. */
static struct json_watch_text *
wanted_text(struct json_watch *watch)
{
	if (watch->key_next || !is_place(watch))
		return NULL;
	if (key_is(watch, "model"))
		return &watch->model;
	return key_is(watch, "id") ? &watch->id : NULL;
}

static void
begin_string(struct json_watch *watch)
{
	watch->in_string = true;
	watch->escaped = false;
	watch->in_key = watch->key_next;
	watch->into = wanted_text(watch);
	if (watch->in_key)
		watch->key_len = 0;
	if (watch->into != NULL)
		watch->into->len = 0;
}

static void
end_string(struct json_watch *watch)
{
	if (watch->into != NULL)
		watch->into->bytes[watch->into->len] = '\0';
	watch->in_string = watch->in_key = false;
	watch->into = NULL;
}

/* Inside of a string: the bytes up to its end, or all. */
static size_t
feed_string(struct json_watch *watch, struct view bytes)
{
	size_t used = 0;
	while (used < bytes.len && watch->in_string) {
		char c = bytes.data[used++];
		if (watch->escaped) {
			watch->escaped = false;
		} else if (c == '\\') {
			watch->escaped = true;
		} else if (c == '"') {
			end_string(watch);
			break;
		}
		/* One that does not fit is none of those that are looked for. */
		if (watch->in_key && watch->key_len < sizeof(watch->key))
			watch->key[watch->key_len++] = c;
		if (watch->into != NULL && watch->into->len < JSON_WATCH_NAME_MAX)
			watch->into->bytes[watch->into->len++] = c;
	}
	return used;
}

/* Between strings. True: a usage object is whole. */
static bool
feed_mark(struct json_watch *watch, char c)
{
	bool object = watch->depth >= 1 && watch->depth <= DEPTH_MAX &&
		      (watch->objects >> watch->depth & 1) != 0;
	switch (c) {
	case '"':
		begin_string(watch);
		return false;
	case '{':
	case '[':
		open_container(watch, c);
		return false;
	case '}':
	case ']':
		return close_container(watch);
	case ':':
		watch->key_next = false;
		return false;
	case ',':
		watch->key_next = object;
		watch->key_len = 0;
		return false;
	default:
		return false;
	}
}

size_t
json_watch_feed(struct json_watch *watch, struct view bytes)
{
	size_t used = 0, kept = 0;
	bool whole = false;
	watch->has_usage = false;
	while (used < bytes.len && !whole) {
		if (watch->in_string) {
			used += feed_string(watch, view_from(bytes, used));
			continue;
		}
		bool before = watch->capture_depth != 0;
		whole = feed_mark(watch, bytes.data[used++]);
		if (!before && watch->capture_depth != 0)
			kept = used - 1; /* from its brace on */
	}
	if (watch->capture_depth != 0 || whole)
		keep(watch, view_sub(bytes, kept, used - kept));
	if (whole && watch->overlong)
		watch->has_usage = false;
	return used;
}
