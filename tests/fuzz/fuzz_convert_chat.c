/* The Chat Completions codec against any bytes. The first byte says what the rest is: '0' a
 * client's request, '1' a stream and '2' a document of an upstream; '3' and '4' streams of the
 * other two protocols for a client of this one; 'e' an error body. */
#include "fuzz_convert.h"
#include "jsonspan.h"
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIMIT FUZZ_BYTES_MAX

static struct convert *
open_convert(enum wire client, enum wire upstream, bool flags)
{
	const struct convert_options options = {
	    .client = client,
	    .upstream = upstream,
	    .upstream_plain = VIEW("up"),
	    .request_id_plain = VIEW("r"),
	    .flags = {.inline_think = flags,
		.custom_tools = flags,
		.reasoning_content = flags,
		.cache_breakpoints = flags,
		.top_k = flags,
		.stops_here = flags},
	    .memory_max = LIMIT,
	};
	return convert_new(&options);
}

/* What is sent is JSON, whatever came. */
static void
try_request(enum wire upstream, struct view body, bool flags)
{
	struct convert *convert = open_convert(WIRE_CHAT, upstream, flags);
	struct bytes out;
	struct err err = {0};
	bytes_init(&out, LIMIT);
	if (convert_request(convert, body, &out, &err))
		MUST(jsonspan_scan(bytes_view(&out), NULL, 0, NULL, &err));
	else
		MUST(err.kind == ERR_PARSE || err.kind == ERR_PEER || err.kind == ERR_LIMIT);
	convert_free(convert);
	bytes_fini(&out);
}

static bool
answer(enum wire client, enum wire upstream, bool sse, struct view body, size_t step,
    struct bytes *out)
{
	struct convert *convert = open_convert(client, upstream, true);
	bytes_init(out, LIMIT);
	bool complete = fuzz_answer(convert, client, sse, body, step, out);
	convert_free(convert);
	return complete;
}

static void
try_error(enum wire client, enum wire upstream, struct view body)
{
	struct convert *convert = open_convert(client, upstream, false);
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
	MUST(!first || client != WIRE_CHAT || body.len % 2 != 0 ||
	     view_ends(bytes_view(&whole), "data: [DONE]\n\n"));
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
		if (data[0] == '0') {
			try_request((enum wire)i, body, false);
			try_request((enum wire)i, body, true);
		} else if (data[0] == 'e') {
			try_error((enum wire)i, WIRE_CHAT, body);
		} else if (data[0] == '1' || data[0] == '2') {
			try_answer((enum wire)i, WIRE_CHAT, data[0] == '1', body);
		}
	}
	if (data[0] == '3')
		try_answer(WIRE_CHAT, WIRE_ANTHROPIC, true, body);
	if (data[0] == '4')
		try_answer(WIRE_CHAT, WIRE_RESPONSES, true, body);
	return 0;
}
