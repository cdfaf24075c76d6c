/* Any bytes as a Responses request, or as an upstream's answer to one: no crash, and what comes out
 * is what it must be. The first byte says which. */
#include "../unit/responses_strict.h"
#include "fuzz_convert.h"
#include "write_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MEMORY_BYTES_MAX (64u << 20)
#define OUT_BYTES_MAX (64u << 20)

static struct convert *
open_convert(enum wire client, enum wire upstream, unsigned flags)
{
	const struct convert_options options = {
	    .client = client,
	    .upstream = upstream,
	    .flags = {.instructions = (flags & 1) != 0,
		.cache_breakpoints = (flags & 2) != 0,
		.custom_tools = (flags & 4) != 0,
		.stops_here = (flags & 8) != 0},
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
	struct bytes out;
	struct convert *convert = open_convert(client, upstream, 8);
	bytes_init(&out, OUT_BYTES_MAX);
	(void)fuzz_answer(convert, client, sse, body, step, &out);
	if (client == WIRE_RESPONSES && body.len % 2 == 0 && out.len > 0)
		MUST(strict_read(bytes_view(&out)));
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
