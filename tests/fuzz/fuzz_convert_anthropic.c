/* The Anthropic codec against any bytes. The first byte says what the rest is: '0' a client's
 * request of this protocol, '1' and '2' requests of the other two for an upstream of this one; '3'
 * a stream and '4' a document of an upstream; '5' and '6' streams of the other two for a client of
 * this one; 'e' an error body. */
#include "fuzz_convert.h"
#include "jsonspan.h"
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIMIT FUZZ_BYTES_MAX

static struct convert *
open_convert(enum wire client, enum wire upstream)
{
	const struct convert_options options = {
	    .client = client,
	    .upstream = upstream,
	    .upstream_plain = VIEW("up"),
	    .flags = {.stops_here = true},
	    .request_id_plain = VIEW("r"),
	    .memory_max = LIMIT,
	};
	return convert_new(&options);
}

/* ---- what the API demands of a request ---- */

static size_t
count_items(struct jsonspan_value list, const char *type)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	size_t count = 0;
	jsonspan_iter_init(&iter, list);
	while (jsonspan_next(&iter, &item))
		count += jsonspan_str_is(jsonspan_get(item.value, "type"), type);
	return count;
}

/* Results stand first; no block is an empty text. */
static void
check_blocks(struct jsonspan_value content)
{
	struct jsonspan_iter iter;
	struct jsonspan_member block;
	bool other = false;
	size_t count = 0;
	jsonspan_iter_init(&iter, content);
	for (; jsonspan_next(&iter, &block); count++) {
		bool result = jsonspan_str_is(jsonspan_get(block.value, "type"), "tool_result");
		MUST(!result || !other);
		other = other || !result;
		MUST(!jsonspan_str_is(jsonspan_get(block.value, "text"), ""));
	}
	MUST(count > 0);
}

/* A call is answered in the very next message; roles alternate, but for system turns. */
static void
check_messages(struct jsonspan_value messages)
{
	struct jsonspan_iter iter;
	struct jsonspan_member message;
	size_t calls = 0;
	struct view before = VIEW("");
	jsonspan_iter_init(&iter, messages);
	while (jsonspan_next(&iter, &message)) {
		struct jsonspan_value content = jsonspan_get(message.value, "content");
		struct jsonspan_value role = jsonspan_get(message.value, "role");
		check_blocks(content);
		MUST(!view_eq(role.raw, before));
		MUST(count_items(content, "tool_result") == calls);
		calls = count_items(content, "tool_use");
		MUST(calls == 0 || jsonspan_str_is(role, "assistant"));
		before = role.raw;
	}
	MUST(calls == 0);
}

static void
try_request(enum wire client, enum wire upstream, struct view body)
{
	struct convert *convert = open_convert(client, upstream);
	struct bytes out;
	struct err err = {0};
	bytes_init(&out, LIMIT);
	if (convert_request(convert, body, &out, &err)) {
		MUST(jsonspan_scan(bytes_view(&out), NULL, 0, NULL, &err));
		/* A client of this protocol may send raw blocks that are taken as they are. */
		if (upstream == WIRE_ANTHROPIC && client != WIRE_ANTHROPIC)
			check_messages(jsonspan_get(jsonspan_root(bytes_view(&out)), "messages"));
	} else {
		MUST(err.kind == ERR_PARSE || err.kind == ERR_PEER || err.kind == ERR_LIMIT);
	}
	convert_free(convert);
	bytes_fini(&out);
}

/* ---- answers ---- */

static bool
answer(enum wire client, enum wire upstream, bool sse, struct view body, size_t step,
    struct bytes *out)
{
	struct convert *convert = open_convert(client, upstream);
	bytes_init(out, LIMIT);
	bool complete = fuzz_answer(convert, client, sse, body, step, out);
	convert_free(convert);
	return complete;
}

static void
try_error(enum wire client, enum wire upstream, struct view body)
{
	struct convert *convert = open_convert(client, upstream);
	fuzz_error(convert, body);
	convert_free(convert);
}

/* Any split gives the same answer, and a whole one ends as this protocol's clients expect. */
static void
try_answer(enum wire client, enum wire upstream, bool sse, struct view body)
{
	struct bytes whole, pieces;
	bool first = answer(client, upstream, sse, body, body.len + 1, &whole);
	bool second = answer(client, upstream, sse, body, 3, &pieces);
	MUST(first == second);
	MUST(!first || view_eq(bytes_view(&whole), bytes_view(&pieces)));
	MUST(!first || client != WIRE_ANTHROPIC || body.len % 2 != 0 ||
	     view_ends(bytes_view(&whole), "data: {\"type\":\"message_stop\"}\n\n"));
	if (first)
		fuzz_check_answer(bytes_view(&whole), body.len % 2 == 0);
	bytes_fini(&whole);
	bytes_fini(&pieces);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct view body = view_make((const char *)data + 1, size - 1);
	for (unsigned i = 0; i < WIRE_COUNT; i++) {
		if (!fuzz_takes(body, i))
			continue;
		if (data[0] == '0')
			try_request(WIRE_ANTHROPIC, (enum wire)i, body);
		if (data[0] == 'e')
			try_error((enum wire)i, WIRE_ANTHROPIC, body);
		if (data[0] == '3' || data[0] == '4')
			try_answer((enum wire)i, WIRE_ANTHROPIC, data[0] == '3', body);
	}
	if (data[0] == '1' || data[0] == '2')
		try_request(data[0] == '1' ? WIRE_CHAT : WIRE_RESPONSES, WIRE_ANTHROPIC, body);
	if (data[0] == '5' || data[0] == '6')
		try_answer(WIRE_ANTHROPIC, data[0] == '5' ? WIRE_CHAT : WIRE_RESPONSES, true, body);
	return 0;
}
