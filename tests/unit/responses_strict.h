/* responses_strict: a client that takes nothing on trust in a Responses stream. What it asks is
 * what the strictest of the known clients ask together: numbers without gaps, one item at a time
 * under one id, parts added before their text, texts that are the sum of their pieces, and a last
 * event that repeats the items. `MUST` fails where it is disappointed. For tests and fuzz targets.
 */
#ifndef PM_RESPONSES_STRICT_H
#define PM_RESPONSES_STRICT_H

#include "jsonspan.h"
#include "must.h"
#include "sse.h"

#define STRICT_BYTES_MAX (64u << 20)

struct strict {
	int64_t number, items;
	bool created, open, part, failed, ended;
	struct bytes id, type, call_id; /* of the open item: source text */
	struct bytes text, output;      /* what its pieces made; done items with commas */
};

static struct jsonspan_value
strict_get(struct jsonspan_value object, const char *key)
{
	struct jsonspan_value value = jsonspan_get(object, key);
	MUST(value.kind != JSONSPAN_NONE);
	return value;
}

static bool
strict_is(struct jsonspan_value event, const char *type)
{
	return jsonspan_str_is(jsonspan_get(event, "type"), type);
}

static struct view
strict_inside(struct jsonspan_value string)
{
	MUST(string.kind == JSONSPAN_STRING);
	return view_sub(string.raw, 1, string.raw.len - 2);
}

static void
strict_keep(struct bytes *into, struct view text)
{
	bytes_clear(into);
	MUST(bytes_append_view(into, text));
}

static int64_t
strict_int(struct jsonspan_value object, const char *key)
{
	int64_t number = -1;
	MUST(jsonspan_i64(strict_get(object, key), &number) && number >= 0);
	return number;
}

static void
strict_item(struct strict *strict, struct jsonspan_value event, bool done)
{
	struct jsonspan_value item = strict_get(event, "item");
	struct view call_id = jsonspan_get(item, "call_id").raw;
	MUST(strict_int(event, "output_index") == strict->items && strict->open == done);
	strict->open = !done;
	if (!done) {
		strict_keep(&strict->id, strict_get(item, "id").raw);
		strict_keep(&strict->type, strict_get(item, "type").raw);
		strict_keep(&strict->call_id, call_id);
		bytes_clear(&strict->text);
		strict->part = false;
		return;
	}
	MUST(view_eq(bytes_view(&strict->id), strict_get(item, "id").raw));
	MUST(view_eq(bytes_view(&strict->type), strict_get(item, "type").raw));
	MUST(view_eq(bytes_view(&strict->call_id), call_id));
	MUST(strict->items++ == 0 || bytes_append_char(&strict->output, ','));
	MUST(bytes_append_view(&strict->output, item.raw));
}

/* An event about the open item's body. */
static void
strict_body(struct strict *strict, struct jsonspan_value event)
{
	struct view type = strict_inside(strict_get(event, "type"));
	struct jsonspan_value delta = jsonspan_get(event, "delta");
	bool call = view_starts(type, "response.function") || view_starts(type, "response.custom");
	MUST(strict->open && strict_int(event, "output_index") == strict->items);
	MUST(view_eq(bytes_view(&strict->id), strict_get(event, "item_id").raw));
	if (view_ends(type, "part.added"))
		strict->part = true;
	if (view_ends(type, ".delta")) {
		MUST(call || strict->part);
		MUST(bytes_append_view(&strict->text, strict_inside(delta)));
	}
	static const char *const wholes[] = {"text", "refusal", "arguments", "input"};
	for (size_t i = 0; view_ends(type, ".done") && i < 4; i++) {
		struct jsonspan_value whole = jsonspan_get(event, wholes[i]);
		/* A cut input is taken back. */
		bool cut = i == 2 && jsonspan_str_is(whole, "{}");
		MUST(whole.kind == JSONSPAN_NONE || cut ||
		     view_eq(bytes_view(&strict->text), strict_inside(whole)));
	}
}

static void
strict_end(struct strict *strict, struct jsonspan_value response)
{
	struct view output = strict_get(response, "output").raw;
	struct jsonspan_value usage = strict_get(response, "usage");
	MUST(!strict->open);
	MUST(view_eq(bytes_view(&strict->output), view_sub(output, 1, output.len - 2)));
	MUST(strict_int(usage, "total_tokens") ==
	     strict_int(usage, "input_tokens") + strict_int(usage, "output_tokens"));
	(void)strict_int(strict_get(usage, "input_tokens_details"), "cached_tokens");
	(void)strict_int(strict_get(usage, "output_tokens_details"), "reasoning_tokens");
}

static void
strict_event(const struct sse_event *sse, void *ctx)
{
	struct strict *strict = ctx;
	struct jsonspan_value event;
	MUST(jsonspan_scan(sse->data, NULL, 0, &event, NULL) && !strict->ended);
	MUST(view_eq(strict_inside(strict_get(event, "type")), sse->name));
	MUST(strict_int(event, "sequence_number") == strict->number++);
	MUST(strict->created || strict_is(event, "response.created"));
	if (strict_is(event, "keepalive") || strict_is(event, "response.in_progress"))
		return;
	if (strict_is(event, "response.created"))
		strict->created = true;
	else if (strict_is(event, "response.output_item.added"))
		strict_item(strict, event, false);
	else if (strict_is(event, "response.output_item.done"))
		strict_item(strict, event, true);
	else if (strict_is(event, "error"))
		strict->failed = true;
	else if (jsonspan_get(event, "response").kind == JSONSPAN_NONE)
		strict_body(strict, event);
	else
		strict->ended = true;
	if (strict_is(event, "response.failed"))
		MUST(strict->failed);
	else if (strict->ended)
		strict_end(strict, strict_get(event, "response"));
}

/* Reads a whole stream; true when it came to an end of its own. */
static bool
strict_read(struct view stream)
{
	struct strict strict = {0};
	struct sse_reader reader;
	struct bytes *all[] = {
	    &strict.id, &strict.type, &strict.call_id, &strict.text, &strict.output};
	for (size_t i = 0; i < 5; i++)
		bytes_init(all[i], STRICT_BYTES_MAX);
	sse_init(&reader, STRICT_BYTES_MAX, strict_event, &strict);
	sse_feed(&reader, stream);
	sse_fini(&reader);
	for (size_t i = 0; i < 5; i++)
		bytes_fini(all[i]);
	return strict.ended;
}

#endif
