#include "stops.h"

#include "jsonspan.h"
#include "write_json.h"
#include <string.h>

static bool
too_big(struct err *err)
{
	return err_set(err, ERR_LIMIT, "", "the answer is too big to convert");
}

/* The inside of a JSON string, unescaped, appended. */
static bool
unescape(struct view text, struct bytes *out)
{
	struct bytes quoted;
	struct jsonspan_value value = {JSONSPAN_STRING, {NULL, 0}};
	bytes_init(&quoted, text.len + 2);
	bool ok = bytes_append_char(&quoted, '"') && bytes_append_view(&quoted, text) &&
		  bytes_append_char(&quoted, '"');
	value.raw = bytes_view(&quoted);
	ok = ok && jsonspan_unescape(value, out);
	bytes_fini(&quoted);
	return ok;
}

bool
stops_init(struct stops *stops, struct arena *arena, const struct text_list *list, size_t bytes_max)
{
	struct text_list **end = &stops->plain;
	struct bytes plain;
	bool ok = true;
	*stops = (struct stops){0};
	bytes_init(&stops->held, bytes_max);
	bytes_init(&stops->text, bytes_max);
	bytes_init(&plain, bytes_max);
	for (; ok && list != NULL; list = list->next) {
		struct text_list *entry = arena_alloc(arena, sizeof(*entry));
		bytes_clear(&plain);
		ok = entry != NULL && unescape(list->text, &plain);
		if (!ok || plain.len == 0)
			continue;
		entry->text = arena_copy(arena, bytes_view(&plain));
		ok = entry->text.data != NULL;
		if (plain.len > stops->longest_bytes)
			stops->longest_bytes = plain.len;
		*end = entry;
		end = &entry->next;
	}
	bytes_fini(&plain);
	return ok;
}

void
stops_fini(struct stops *stops)
{
	bytes_fini(&stops->held);
	bytes_fini(&stops->text);
}

/* The first place where a sequence begins; view length when there is none. */
static size_t
find_stop(const struct stops *stops, const struct text_list **found)
{
	struct view held = bytes_view(&stops->held);
	for (size_t at = 0; at < held.len; at++) {
		const struct text_list *stop = stops->plain;
		for (; stop != NULL; stop = stop->next) {
			if (held.len - at >= stop->text.len &&
			    memcmp(held.data + at, stop->text.data, stop->text.len) == 0) {
				*found = stop;
				return at;
			}
		}
	}
	return held.len;
}

/* How much of the held text can't be the beginning of a sequence any more. */
static size_t
settled_len(const struct stops *stops)
{
	struct view held = bytes_view(&stops->held);
	size_t at = held.len < stops->longest_bytes ? 0 : held.len - stops->longest_bytes + 1;
	for (; at < held.len; at++) {
		size_t rest = held.len - at;
		for (const struct text_list *stop = stops->plain; stop; stop = stop->next) {
			if (rest < stop->text.len &&
			    memcmp(held.data + at, stop->text.data, rest) == 0)
				return at;
		}
	}
	return held.len;
}

static bool
pass_text(struct stops *stops, size_t len, event_fn *next, void *ctx, struct err *err)
{
	/* Half a character waits for its other half. */
	while (len > 0 && len < stops->held.len && (stops->held.data[len] & 0xc0) == 0x80)
		len--;
	if (len == 0)
		return true;
	bytes_clear(&stops->text);
	if (!write_json_escape(&stops->text, view_sub(bytes_view(&stops->held), 0, len)))
		return too_big(err);
	bytes_consume(&stops->held, len);
	const struct event event = {
	    .kind = EVENT_PART_DELTA, .delta = DELTA_TEXT, .text = bytes_view(&stops->text)};
	return next(&event, ctx, err);
}

static bool
take_text(
    struct stops *stops, const struct event *event, event_fn *next, void *ctx, struct err *err)
{
	if (!unescape(event->text, &stops->held))
		return too_big(err);
	size_t at = find_stop(stops, &stops->found);
	if (stops->found == NULL)
		return pass_text(stops, settled_len(stops), next, ctx, err);
	const struct event finish = {.kind = EVENT_PART_FINISH};
	stops->held.len = at;
	return pass_text(stops, at, next, ctx, err) && next(&finish, ctx, err);
}

/* The upstream's end becomes the end that its text came to. */
static bool
take_rest(
    struct stops *stops, const struct event *event, event_fn *next, void *ctx, struct err *err)
{
	struct event copy = *event;
	if (event->kind == EVENT_PART_BEGIN || event->kind == EVENT_PART_DELTA ||
	    event->kind == EVENT_PART_FINISH)
		return true;
	if (event->kind == EVENT_STOP) {
		bytes_clear(&stops->text);
		if (!write_json_escape(&stops->text, stops->found->text))
			return too_big(err);
		copy.stop = STOP_SEQUENCE;
		copy.stop_text = bytes_view(&stops->text);
	}
	return next(&copy, ctx, err);
}

bool
stops_feed(
    struct stops *stops, const struct event *event, event_fn *next, void *ctx, struct err *err)
{
	if (stops->found != NULL)
		return take_rest(stops, event, next, ctx, err);
	if (event->kind == EVENT_PART_BEGIN)
		stops->in_text = stops->plain != NULL && event->part->kind == PART_TEXT;
	if (!stops->in_text)
		return next(event, ctx, err);
	if (event->kind == EVENT_PART_DELTA && event->delta == DELTA_TEXT)
		return take_text(stops, event, next, ctx, err);
	if (event->kind == EVENT_PART_FINISH) {
		stops->in_text = false;
		return pass_text(stops, stops->held.len, next, ctx, err) && next(event, ctx, err);
	}
	return next(event, ctx, err);
}
