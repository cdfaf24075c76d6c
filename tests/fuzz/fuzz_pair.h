/* fuzz_pair: any bytes on their way from one protocol to another. The first byte says what the rest
 * is: 'q' a client's request, 's' a stream and 'd' a document of the upstream, 'e' an error body;
 * the second one holds the upstream's flags and the size of the pieces that an answer comes in. One
 * conversion for each input, so that many inputs can be tried. */
#ifndef PM_FUZZ_PAIR_H
#define PM_FUZZ_PAIR_H

#include "fuzz_convert.h"
#include <stdint.h>

static inline struct convert *
pair_open(enum wire client, enum wire upstream, bool strict, unsigned flags)
{
	const struct convert_options options = {
	    .client = client,
	    .upstream = upstream,
	    .upstream_plain = VIEW("up"),
	    .request_id_plain = VIEW("r"),
	    .strict = strict,
	    .flags = {.inline_think = (flags & 2) != 0,
		.custom_tools = (flags & 4) != 0,
		.reasoning_content = (flags & 8) != 0,
		.cache_breakpoints = (flags & 16) != 0,
		.top_k = (flags & 32) != 0,
		.instructions = (flags & 64) != 0,
		.stops_here = (flags & 128) != 0},
	    .memory_max = FUZZ_BYTES_MAX,
	};
	return convert_new(&options);
}

static inline void
pair_request(struct convert *convert, struct view body)
{
	struct bytes out;
	struct err err = {0};
	bytes_init(&out, FUZZ_BYTES_MAX);
	if (convert_request(convert, body, &out, &err))
		MUST(jsonspan_scan(bytes_view(&out), NULL, 0, NULL, &err));
	else
		MUST(err.kind == ERR_PARSE || err.kind == ERR_PEER || err.kind == ERR_LIMIT);
	bytes_fini(&out);
}

/* Small pieces as often as all at once. */
static inline size_t
pair_step(unsigned choice, size_t size)
{
	return choice % 2 == 0 ? size + 1 : 1 + choice / 2 % 16;
}

static inline int
fuzz_pair(enum wire client, enum wire upstream, const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	struct view body = view_make((const char *)data + 2, size - 2);
	/* The request behind an answer is always taken. */
	bool strict = data[0] == 'q' && data[1] % 2 != 0;
	struct convert *convert = pair_open(client, upstream, strict, data[1]);
	struct bytes out;
	bytes_init(&out, FUZZ_BYTES_MAX);
	if (data[0] == 'q') {
		pair_request(convert, body);
	} else if (data[0] == 's' || data[0] == 'd') {
		size_t step = pair_step(data[1], body.len);
		bool whole = fuzz_answer(convert, client, data[0] == 's', body, step, &out);
		if (whole || body.len % 2 == 0)
			fuzz_check_answer(bytes_view(&out), body.len % 2 == 0);
	} else if (data[0] == 'e') {
		fuzz_error(convert, body);
	}
	bytes_fini(&out);
	convert_free(convert);
	return 0;
}

#define FUZZ_PAIR(client, upstream)                                                                \
	int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);                              \
	int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)                               \
	{                                                                                          \
		return fuzz_pair(client, upstream, data, size);                                    \
	}

#endif
