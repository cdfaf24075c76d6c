#include "usage_filter.h"
#include "jsonspan.h"
#include "must.h"
#include <string.h>

void
usage_filter_init(struct usage_filter *filter)
{
	*filter = (struct usage_filter){0};
	bytes_init(&filter->held, USAGE_FILTER_BYTES_MAX);
}

void
usage_filter_fini(struct usage_filter *filter)
{
	bytes_fini(&filter->held);
}

/* How long the first event is, with the blank line behind it; 0: it has not ended. */
static size_t
event_length(struct view text)
{
	static const char *const ends[] = {"\n\n", "\n\r\n", "\r\r"};
	size_t length = 0;
	for (size_t i = 0; i < 3; i++) {
		ptrdiff_t at = view_find(text, ends[i]);
		size_t end = at < 0 ? 0 : (size_t)at + strlen(ends[i]);
		if (end > 0 && (length == 0 || end < length))
			length = end;
	}
	return length;
}

static bool
is_usage_alone(struct view event)
{
	struct jsonspan_want wants[] = {{.key = "choices"}, {.key = "usage"}};
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	struct view text = view_trim(event);
	if (!view_starts(text, "data:") ||
	    !jsonspan_scan(view_trim(view_from(text, 5)), wants, 2, NULL, NULL) ||
	    wants[0].value.kind != JSONSPAN_ARRAY || wants[1].value.kind != JSONSPAN_OBJECT)
		return false;
	jsonspan_iter_init(&iter, wants[0].value);
	return !jsonspan_next(&iter, &member);
}

/* Blank lines belong to what stood before: the first may end an event that has passed already. */
static void
pass_blank(struct usage_filter *filter, struct bytes *out)
{
	struct view held = bytes_view(&filter->held);
	size_t blank = 0;
	while (blank < held.len && (held.data[blank] == '\n' || held.data[blank] == '\r'))
		blank++;
	MUST(bytes_append_view(out, view_sub(held, 0, blank)));
	bytes_consume(&filter->held, blank);
}

void
usage_filter_feed(struct usage_filter *filter, struct view in, struct bytes *out)
{
	size_t length;
	if (filter->off || !bytes_append_view(&filter->held, in)) {
		usage_filter_end(filter, out);
		MUST(bytes_append_view(out, in));
		filter->off = true;
		return;
	}
	pass_blank(filter, out);
	while ((length = event_length(bytes_view(&filter->held))) > 0) {
		struct view event = view_sub(bytes_view(&filter->held), 0, length);
		if (!is_usage_alone(event))
			MUST(bytes_append_view(out, event));
		bytes_consume(&filter->held, length);
		pass_blank(filter, out);
	}
}

void
usage_filter_end(struct usage_filter *filter, struct bytes *out)
{
	MUST(bytes_append_view(out, bytes_view(&filter->held)));
	bytes_clear(&filter->held);
}
