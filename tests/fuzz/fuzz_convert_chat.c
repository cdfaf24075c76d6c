/* The Chat Completions codec against any bytes. The first byte says what the rest is: '0' a
 * client's request, '1' a stream and '2' a document of an upstream; '3' and '4' streams of the
 * other two protocols for a client of this one. */
#include "convert.h"
#include "jsonspan.h"
#include "must.h"
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIMIT (8u << 20)

static const char *const usual[WIRE_COUNT] = {
    [WIRE_ANTHROPIC] = "{\"model\":\"m\",\"max_tokens\":99,\"stream\":true,\"messages\":[{\"role\":"
		       "\"user\",\"content\":\"hi\"}]}",
    [WIRE_CHAT] = "{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":"
		  "\"hi\"}],\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":\"p\"}}]}",
    [WIRE_RESPONSES] = "{\"model\":\"m\",\"stream\":true,\"input\":\"hi\"}",
};

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
		.top_k = flags},
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
	struct bytes sent;
	struct err err = {0};
	bool complete = false;
	bytes_init(&sent, LIMIT);
	bytes_init(out, LIMIT);
	bool ok = convert_request(convert, view_of(usual[client]), &sent, &err);
	MUST(ok);
	for (size_t at = 0; ok && at < body.len; at += step)
		ok = convert_feed(convert, sse, view_sub(body, at, step), out, &err);
	ok = ok && convert_end(convert, true, out, &complete, &err);
	convert_free(convert);
	bytes_fini(&sent);
	return ok && complete;
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
	MUST(!first || client != WIRE_CHAT || view_ends(bytes_view(&whole), "data: [DONE]\n\n"));
	bytes_fini(&whole);
	bytes_fini(&pieces);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct view body = view_make((const char *)data + 1, size - 1);
	for (int i = 0; i < WIRE_COUNT; i++) {
		if (data[0] == '0') {
			try_request((enum wire)i, body, false);
			try_request((enum wire)i, body, true);
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
