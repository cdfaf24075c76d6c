/* Any bytes as a Responses request, or as an upstream's answer to one: no crash, and what comes out
 * is what it must be. The first byte says which. */
#include "../unit/responses_strict.h"
#include "convert.h"
#include "write_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MEMORY_BYTES_MAX (64u << 20)
#define OUT_BYTES_MAX (64u << 20)

static const char codex[] = "{\"model\":\"m\",\"stream\":true,\"input\":\"hi\",\"tools\":[{"
			    "\"type\":\"function\",\"name\":\"f\"},"
			    "{\"type\":\"custom\",\"name\":\"apply_patch\"},{\"type\":\"local_"
			    "shell\"},{\"type\":\"namespace\","
			    "\"name\":\"n\",\"tools\":[{\"type\":\"function\",\"name\":\"g\"}]}]}";

static struct convert *
open_convert(enum wire client, enum wire upstream, unsigned flags)
{
	const struct convert_options options = {
	    .client = client,
	    .upstream = upstream,
	    .flags = {.instructions = (flags & 1) != 0,
		.cache_breakpoints = (flags & 2) != 0,
		.custom_tools = (flags & 4) != 0},
	    .upstream_plain = VIEW("up1"),
	    .request_id_plain = VIEW("req1"),
	    .memory_max = MEMORY_BYTES_MAX,
	};
	return convert_new(&options);
}

static bool
translate(struct view body, enum wire client, enum wire upstream, unsigned flags, struct bytes *out)
{
	struct err err;
	struct jsonspan_value root;
	struct convert *convert = open_convert(client, upstream, flags);
	bytes_init(out, OUT_BYTES_MAX);
	bool ok = convert_request(convert, body, out, &err);
	MUST(!ok || jsonspan_scan(bytes_view(out), NULL, 0, &root, &err));
	convert_free(convert);
	return ok;
}

/* Written, read and written again, a request says the same: once for what had to be repaired, twice
 * for the order that this leaves. */
static void
check_request(struct view body, enum wire upstream, unsigned flags)
{
	struct bytes out[3];
	if (translate(body, WIRE_RESPONSES, upstream, flags, &out[0]) &&
	    upstream == WIRE_RESPONSES) {
		MUST(translate(bytes_view(&out[0]), upstream, upstream, flags, &out[1]));
		MUST(translate(bytes_view(&out[1]), upstream, upstream, flags, &out[2]));
		MUST(view_eq(bytes_view(&out[1]), bytes_view(&out[2])));
		bytes_fini(&out[1]);
		bytes_fini(&out[2]);
	}
	bytes_fini(&out[0]);
}

/* An answer in pieces that `step` says. A client of Responses gets what it can trust. */
static void
check_answer(struct view body, bool sse, enum wire client, enum wire upstream, size_t step)
{
	static const char *const requests[WIRE_COUNT] = {
	    [WIRE_ANTHROPIC] = "{\"model\":\"m\",\"max_tokens\":9,\"stream\":true,\"messages\":"
			       "[{\"role\":\"user\",\"content\":\"hi\"}]}",
	    [WIRE_CHAT] = "{\"model\":\"m\",\"stream\":true,\"messages\":"
			  "[{\"role\":\"user\",\"content\":\"hi\"}]}",
	    [WIRE_RESPONSES] = codex,
	};
	struct err err;
	struct bytes out;
	bool complete = false;
	struct convert *convert = open_convert(client, upstream, 0);
	bytes_init(&out, OUT_BYTES_MAX);
	MUST(convert_request(convert, view_of(requests[client]), &out, &err));
	bytes_clear(&out);
	bool ok = true;
	while (ok && body.len > 0) {
		ok = convert_feed(convert, sse, view_sub(body, 0, step), &out, &err);
		body = view_from(body, step);
	}
	ok = ok && convert_end(convert, true, &out, &complete, &err);
	if (!ok)
		MUST(convert_fail(convert, 502, "broken", &out));
	if (client == WIRE_RESPONSES && out.len > 0)
		MUST(strict_read(bytes_view(&out)) || !ok);
	convert_free(convert);
	bytes_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	struct view body = view_make((const char *)data + 2, size - 2);
	enum wire wire = (enum wire)(data[0] / 4 % WIRE_COUNT);
	struct jsonspan_value root;
	switch (data[0] % 4) {
	case 0:
		check_request(body, wire, data[1]);
		break;
	case 1:
		check_answer(body, true, wire, WIRE_RESPONSES, data[1] + 1u);
		break;
	case 2:
		check_answer(body, true, WIRE_RESPONSES, wire, data[1] + 1u);
		break;
	default:
		if (jsonspan_scan(body, NULL, 0, &root, NULL))
			check_answer(body, false, WIRE_RESPONSES, wire, data[1] + 1u);
		break;
	}
	return 0;
}
