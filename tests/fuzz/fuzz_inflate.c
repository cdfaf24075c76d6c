/* Any compressed bytes: the same result at any split, never more than the limit. Input: coding,
 * limit, seed of the splits, packed bytes. */
#include "inflate.h"
#include "must.h"
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
	bool ok, done;
	struct bytes out;
};

/* step 0: pieces of 0 to 15 bytes as `seed` has them. */
static void
unpack(enum coding coding, size_t max, struct view in, size_t step, uint32_t seed,
    struct result *result)
{
	struct inflate *inflate = inflate_new(coding);
	struct err err = {0};
	*result = (struct result){.ok = true};
	bytes_init(&result->out, max);
	while (in.len > 0 && result->ok) {
		seed = seed * 1664525u + 1013904223u;
		size_t len = step ? step : seed >> 28;
		result->ok = inflate_feed(inflate, view_sub(in, 0, len), &result->out, &err);
		in = view_from(in, len);
	}
	result->done = inflate_done(inflate);
	MUST(result->ok == (err.kind == ERR_NONE));
	MUST(result->out.len <= max && result->out.cap <= max + 256);
	inflate_free(inflate);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 3)
		return 0;
	enum coding coding = (enum coding)(data[0] % 5);
	size_t max = (size_t)data[1] << (data[0] / 5 % 9);
	struct view in = view_make((const char *)data + 3, size - 3);
	const size_t steps[] = {1, 0};
	struct result whole;
	unpack(coding, max, in, SIZE_MAX, 0, &whole);
	for (size_t i = 0; i < 2; i++) {
		struct result split;
		unpack(coding, max, in, steps[i], data[2], &split);
		/* libzstd checks the length that a frame states only when it has all of it. */
		bool unchecked = coding == CODING_ZSTD && !whole.ok;
		MUST(split.ok == whole.ok || unchecked);
		if (whole.ok) {
			MUST(split.done == whole.done);
			MUST(view_eq(bytes_view(&split.out), bytes_view(&whole.out)));
		}
		bytes_fini(&split.out);
	}
	bytes_fini(&whole.out);
	return 0;
}
