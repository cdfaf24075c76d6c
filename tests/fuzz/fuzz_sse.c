/* The reader of server-sent events against a plain one that has the whole text: the same events at
 * any split. Input: keep_max, seed of the splits, text. */
#include "must.h"
#include "sse.h"
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUT_BYTES_MAX ((size_t)1 << 22)

static void
on_event(const struct sse_event *event, void *ctx)
{
	struct bytes *out = ctx;
	MUST(bytes_append_view(out, event->name));
	MUST(bytes_append_char(out, '\0'));
	MUST(bytes_append_view(out, event->data));
	MUST(bytes_append_str(out, event->cut ? "<cut>" : "<end>"));
}

/* step 0: pieces of 0 to 15 bytes as `seed` has them. */
static void
read_split(struct view in, size_t keep_max, size_t step, uint32_t seed, struct bytes *out)
{
	struct sse_reader reader;
	sse_init(&reader, keep_max, on_event, out);
	while (in.len > 0) {
		seed = seed * 1664525u + 1013904223u;
		size_t len = step ? step : seed >> 28;
		sse_feed(&reader, view_sub(in, 0, len));
		in = view_from(in, len);
	}
	sse_fini(&reader);
}

/* One line without its end, from *rest; false for a line that has none. */
static bool
take_line(struct view *rest, struct view *line)
{
	for (size_t i = 0; i < rest->len; i++) {
		char c = rest->data[i];
		if (c != '\r' && c != '\n')
			continue;
		bool pair = c == '\r' && i + 1 < rest->len && rest->data[i + 1] == '\n';
		*line = view_sub(*rest, 0, i);
		*rest = view_from(*rest, i + (pair ? 2 : 1));
		return true;
	}
	return false;
}

struct plain {
	struct bytes data;
	struct view name;
	bool has_data;
};

static void
take_field(struct plain *plain, struct view line)
{
	ptrdiff_t colon = view_find_char(line, ':');
	struct view field = view_sub(line, 0, colon < 0 ? line.len : (size_t)colon);
	struct view value = view_from(line, field.len + 1);
	if (view_starts(value, " "))
		value = view_from(value, 1);
	if (view_eq_str(field, "event")) {
		plain->name = view_sub(value, 0, SSE_NAME_BYTES_MAX);
	} else if (view_eq_str(field, "data")) {
		if (plain->has_data)
			MUST(bytes_append_char(&plain->data, '\n'));
		MUST(bytes_append_view(&plain->data, value));
		plain->has_data = true;
	}
}

static void
read_plain(struct view in, size_t keep_max, struct bytes *out)
{
	struct plain plain = {.has_data = false};
	struct view line;
	bytes_init(&plain.data, OUT_BYTES_MAX);
	if (view_starts(in, "\xef\xbb\xbf"))
		in = view_from(in, 3);
	while (take_line(&in, &line)) {
		if (line.len > 0) {
			take_field(&plain, line);
			continue;
		}
		struct view text = bytes_view(&plain.data);
		const struct sse_event event = {
		    plain.name, view_sub(text, 0, keep_max), text.len > keep_max};
		if (plain.has_data)
			on_event(&event, out);
		plain.has_data = false;
		plain.name = (struct view){NULL, 0};
		bytes_clear(&plain.data);
	}
	bytes_fini(&plain.data);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	struct view in = view_make((const char *)data + 2, size - 2);
	struct bytes expected, found;
	bytes_init(&expected, OUT_BYTES_MAX);
	bytes_init(&found, OUT_BYTES_MAX);
	read_plain(in, data[0], &expected);
	const size_t steps[] = {SIZE_MAX, 1, 0};
	for (size_t i = 0; i < 3; i++) {
		bytes_clear(&found);
		read_split(in, data[0], steps[i], data[1], &found);
		MUST(view_eq(bytes_view(&found), bytes_view(&expected)));
	}
	bytes_fini(&expected);
	bytes_fini(&found);
	return 0;
}
