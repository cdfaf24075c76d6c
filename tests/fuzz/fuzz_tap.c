/* The tap: whatever an upstream sends, what it tells does not hang on how it was cut into pieces,
 * and what is kept stays bounded. Input: protocol and form; seed of the splits; body. */
#include "must.h"
#include "tap.h"
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* step 0: pieces of 0 to 15 bytes as the seed has them. */
static struct tap_usage
listen(enum protocol protocol, bool stream, struct view rest, size_t step, uint32_t seed)
{
	struct tap tap;
	tap_init(&tap, protocol, stream);
	while (rest.len > 0) {
		seed = seed * 1664525u + 1013904223u;
		size_t len = step ? step : seed >> 28;
		tap_feed(&tap, view_sub(rest, 0, len));
		rest = view_from(rest, len);
		MUST(tap.watch.captured.cap <= JSON_WATCH_BYTES_MAX + 1);
	}
	struct tap_usage found = tap.found;
	MUST(strlen(found.model) < sizeof(found.model));
	tap_fini(&tap);
	return found;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	enum protocol protocol = (enum protocol)(data[0] % 3);
	bool stream = data[0] / 3 % 2 != 0;
	struct view body = view_make((const char *)data + 2, size - 2);
	struct tap_usage whole = listen(protocol, stream, body, SIZE_MAX, 0);
	for (size_t step = 0; step < 2; step++) {
		struct tap_usage found = listen(protocol, stream, body, step, data[1]);
		MUST(memcmp(&found.usage, &whole.usage, sizeof(found.usage)) == 0);
		MUST(found.told == whole.told && found.last_word == whole.last_word &&
		     found.odd == whole.odd);
		MUST(strcmp(found.model, whole.model) == 0 && strcmp(found.id, whole.id) == 0);
	}
	return 0;
}
