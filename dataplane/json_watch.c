#include "json_watch.h"
#include <string.h>

#define DEPTH_MAX 63

static const char search_type[] = "web_search_call";

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

/* A container of the looked-for places may be a list whose members count. */
static void
note_list(struct json_watch *watch, bool object)
{
	watch->list = JSON_WATCH_NO_LIST;
	if (object) {
		if (watch->depth == 1 && key_is(watch, "item"))
			watch->list = JSON_WATCH_ITEM;
		watch->member_depth = watch->depth + 1;
		return;
	}
	if (watch->depth == 1 && key_is(watch, "choices"))
		watch->list = JSON_WATCH_CHOICES;
	if (key_is(watch, "output"))
		watch->list = JSON_WATCH_OUTPUT;
	watch->member_depth = watch->depth + 2;
}

static bool
is_member_of(const struct json_watch *watch, enum json_watch_list list)
{
	return watch->list == list && watch->depth == watch->member_depth;
}

static void
open_container(struct json_watch *watch, char c)
{
	bool object = c == '{';
	bool place = is_place(watch);
	if (place)
		note_list(watch, object);
	if (object && watch->capture_depth == 0 && key_is(watch, "usage") &&
	    (place || is_member_of(watch, JSON_WATCH_CHOICES))) {
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
	struct json_watch_text *text = key_is(watch, "model") ? &watch->model
				       : key_is(watch, "id")  ? &watch->id
							      : NULL;
	/* The first counts, however the text is cut. */
	return text != NULL && is_place(watch) && text->bytes[0] == '\0' ? text : NULL;
}

static enum json_watch_use
choose_use(struct json_watch *watch)
{
	watch->into = NULL;
	if (watch->key_next)
		return JSON_WATCH_KEY;
	watch->into = wanted_text(watch);
	if (watch->into != NULL)
		return JSON_WATCH_NAME;
	bool item = is_member_of(watch, JSON_WATCH_OUTPUT) || is_member_of(watch, JSON_WATCH_ITEM);
	return item && key_is(watch, "type") ? JSON_WATCH_TYPE : JSON_WATCH_TEXT;
}

static void
begin_string(struct json_watch *watch)
{
	watch->in_string = true;
	watch->escaped = false;
	watch->use = choose_use(watch);
	if (watch->use == JSON_WATCH_KEY)
		watch->key_len = 0;
	if (watch->into != NULL)
		watch->into->len = 0;
	watch->type_len = 0;
}

static void
end_string(struct json_watch *watch)
{
	watch->in_string = false;
	if (watch->into != NULL)
		watch->into->bytes[watch->into->len] = '\0';
	watch->into = NULL;
	if (watch->use == JSON_WATCH_TYPE && watch->type_len == sizeof(search_type) - 1) {
		if (watch->list == JSON_WATCH_OUTPUT)
			watch->searches++;
		else
			watch->item_is_search = true;
	}
}

/* Inside of a string that nobody looks at: the bytes up to its end, or all. A quote ends it when an
 * even number of backslashes stands before it. */
static size_t
skip_text(struct json_watch *watch, struct view bytes)
{
	size_t at = watch->escaped ? 1 : 0;
	watch->escaped = false;
	for (;;) {
		ptrdiff_t quote = view_find_char(view_from(bytes, at), '"');
		size_t end = quote < 0 ? bytes.len : at + (size_t)quote;
		size_t slashes = 0;
		while (end - slashes > at && bytes.data[end - slashes - 1] == '\\')
			slashes++;
		if (quote < 0) {
			watch->escaped = slashes % 2 != 0;
			return bytes.len;
		}
		at = end + 1;
		if (slashes % 2 == 0) {
			end_string(watch);
			return at;
		}
	}
}

/* One that does not fit is none of those that are looked for. */
static void
keep_char(struct json_watch *watch, char c)
{
	if (watch->use == JSON_WATCH_KEY) {
		if (watch->key_len < sizeof(watch->key))
			watch->key[watch->key_len++] = c;
	} else if (watch->use == JSON_WATCH_NAME) {
		if (watch->into->len < JSON_WATCH_NAME_MAX)
			watch->into->bytes[watch->into->len++] = c;
	} else if (watch->type_len < sizeof(search_type) && c == search_type[watch->type_len]) {
		watch->type_len++;
	} else {
		watch->type_len = sizeof(search_type);
	}
}

/* Inside of a string: the bytes up to its end, or all. */
static size_t
feed_string(struct json_watch *watch, struct view bytes)
{
	size_t used = 0;
	if (watch->use == JSON_WATCH_TEXT)
		return skip_text(watch, bytes);
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
		keep_char(watch, c);
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
