#include "sse.h"
#include "must.h"
#include <string.h>

#define BOM "\xef\xbb\xbf"
/* A kept line can hold any name, or data enough to see that it is cut. */
#define LINE_EXTRA_BYTES (SSE_NAME_BYTES_MAX + 16)
/* A buffer that one big event has grown is given back after it. */
#define SPARE_BYTES_MAX 8192

void
sse_init(struct sse_reader *reader, size_t keep_max, sse_event_fn *fn, void *ctx)
{
	*reader = (struct sse_reader){.keep_max = keep_max, .fn = fn, .ctx = ctx};
	bytes_init(&reader->line, keep_max + LINE_EXTRA_BYTES);
	bytes_init(&reader->name, SSE_NAME_BYTES_MAX);
	bytes_init(&reader->data, keep_max);
}

void
sse_fini(struct sse_reader *reader)
{
	bytes_fini(&reader->line);
	bytes_fini(&reader->name);
	bytes_fini(&reader->data);
}

static void
empty(struct bytes *bytes)
{
	if (bytes->cap > SPARE_BYTES_MAX) {
		bytes_fini(bytes);
	} else {
		bytes_clear(bytes);
	}
}

/* Appends what fits; false when that is not all. */
static bool
append_some(struct bytes *bytes, struct view v)
{
	struct view fits = view_sub(v, 0, bytes->max - bytes->len);
	MUST(bytes_append_view(bytes, fits));
	return fits.len == v.len;
}

/* Makes sure that *now lies in `kept` and no longer in the bytes being fed. */
static void
keep(struct view *now, struct bytes *kept)
{
	if (now->data != kept->data) {
		bytes_clear(kept);
		MUST(append_some(kept, *now));
	}
	*now = bytes_view(kept);
}

/* `lasting`: the value stays where it is until this feed ends. */
static void
set_name(struct sse_reader *reader, struct view value, bool lasting)
{
	reader->name_now = view_sub(value, 0, SSE_NAME_BYTES_MAX);
	if (!lasting)
		keep(&reader->name_now, &reader->name);
}

static void
add_data(struct sse_reader *reader, struct view value, bool lasting)
{
	if (!reader->has_data) {
		reader->has_data = true;
		reader->cut = value.len > reader->keep_max;
		reader->data_now = view_sub(value, 0, reader->keep_max);
		if (!lasting)
			keep(&reader->data_now, &reader->data);
		return;
	}
	keep(&reader->data_now, &reader->data);
	if (!append_some(&reader->data, VIEW("\n")) || !append_some(&reader->data, value))
		reader->cut = true;
	reader->data_now = bytes_view(&reader->data);
}

static void
dispatch(struct sse_reader *reader)
{
	const struct sse_event event = {reader->name_now, reader->data_now, reader->cut};
	if (reader->has_data)
		reader->fn(&event, reader->ctx);
	reader->has_data = reader->cut = false;
	reader->name_now = reader->data_now = (struct view){NULL, 0};
	empty(&reader->name);
	empty(&reader->data);
}

static void
take_line(struct sse_reader *reader, struct view line, bool lasting)
{
	if (!reader->started && view_starts(line, BOM))
		line = view_from(line, strlen(BOM));
	reader->started = true;
	if (line.len == 0) {
		dispatch(reader);
		return;
	}
	ptrdiff_t colon = view_find_char(line, ':');
	struct view field = colon < 0 ? line : view_sub(line, 0, (size_t)colon);
	struct view value = view_from(line, field.len + 1);
	if (value.len > 0 && value.data[0] == ' ')
		value = view_from(value, 1);
	if (view_eq(field, VIEW("data"))) {
		add_data(reader, value, lasting);
	} else if (view_eq(field, VIEW("event"))) {
		set_name(reader, value, lasting);
	} else if (colon != 0 && !view_eq(field, VIEW("id")) && !view_eq(field, VIEW("retry"))) {
		return;
	}
	reader->recognised = true;
}

/* The line's end is there; its beginning may have been kept from earlier feeds. */
static void
end_line(struct sse_reader *reader, struct view line)
{
	if (reader->line.len == 0) {
		take_line(reader, line, true);
		return;
	}
	(void)append_some(&reader->line, line);
	take_line(reader, bytes_view(&reader->line), false);
	empty(&reader->line);
}

/* The next LF, or the end. */
static const char *
find_lf(struct view in)
{
	ptrdiff_t at = view_find_char(in, '\n');
	return in.data + (at < 0 ? in.len : (size_t)at);
}

void
sse_feed(struct sse_reader *reader, struct view in)
{
	if (in.len == 0)
		return;
	if (reader->after_cr) {
		reader->after_cr = false;
		if (in.data[0] == '\n')
			in = view_from(in, 1);
	}
	const char *end = in.data + in.len;
	const char *lf = find_lf(in); /* asked once for each LF, also where lines end in CR */
	while (in.len > 0) {
		const char *stop = memchr(in.data, '\r', (size_t)(lf - in.data));
		stop = stop ? stop : lf;
		if (stop == end) {
			(void)append_some(&reader->line, in); /* a longer line is cut */
			break;
		}
		end_line(reader, view_make(in.data, (size_t)(stop - in.data)));
		reader->after_cr = *stop == '\r' && stop + 1 == end;
		bool crlf = *stop == '\r' && stop + 1 == lf && lf < end;
		in = view_from(in, (size_t)(stop - in.data) + (crlf ? 2 : 1));
		if (in.data > lf)
			lf = find_lf(in);
	}
	keep(&reader->name_now, &reader->name);
	keep(&reader->data_now, &reader->data);
}

struct view
sse_quoted_name(const struct sse_event *event, char room[SSE_NAME_BYTES_MAX + 2])
{
	struct view name = view_sub(event->name, 0, SSE_NAME_BYTES_MAX);
	if (view_find_char(name, '"') >= 0 || view_find_char(name, '\\') >= 0)
		name.len = 0;
	room[0] = room[name.len + 1] = '"';
	if (name.len > 0)
		memcpy(room + 1, name.data, name.len);
	return view_make(room, name.len + 2);
}
