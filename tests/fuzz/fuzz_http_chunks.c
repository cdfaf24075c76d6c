/* http_body: any bytes, any split: no fault, the same bytes out, never more than the limit. */
#include "http_body.h"

#include "must.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BODY_MAX 512

struct result {
	enum http_chunk_result end;
	size_t used;
	struct bytes body;
};

static void
decode(struct result *result, struct view data, size_t step)
{
	struct http_chunks chunks;
	http_chunks_init(&chunks);
	*result = (struct result){0};
	bytes_init(&result->body, BODY_MAX);
	while (result->used < data.len && result->end == HTTP_CHUNK_MORE) {
		struct view part = view_sub(data, result->used, step);
		size_t used = 0;
		result->end = http_chunks_feed(&chunks, part, &used, &result->body);
		MUST(used > 0 && used <= part.len);
		MUST(result->end != HTTP_CHUNK_MORE || used == part.len);
		result->used += used;
	}
	MUST(result->body.len <= BODY_MAX && result->body.len <= result->used);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct result whole, split;
	struct view text = view_make((const char *)data, size);
	decode(&whole, text, size);
	for (size_t step = 1; step < 8 && step < size; step += 3) {
		decode(&split, text, step);
		MUST(split.end == whole.end && split.used == whole.used);
		MUST(view_eq(bytes_view(&split.body), bytes_view(&whole.body)));
		bytes_fini(&split.body);
	}
	bytes_fini(&whole.body);
	return 0;
}
