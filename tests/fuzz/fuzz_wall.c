/* The commit wall: whatever an upstream sends, the verdict does not hang on how it was cut into
 * pieces, and what is held stays bounded. Input: protocol, shape and padding; seed of the splits;
 * body. */
#include "must.h"
#include "wall.h"
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* With padding the body lies across the bound. */
#define PADDING_BYTES (WALL_HOLD_BYTES - 200)

struct input {
	enum protocol protocol;
	enum wall_shape shape;
	bool padded;
	struct view body;
	uint32_t seed;
};

static void
pad(struct wall *wall)
{
	static char padding[PADDING_BYTES];
	if (padding[0] == '\0') {
		memset(padding, ' ', sizeof(padding));
		padding[0] = ':';
		padding[sizeof(padding) - 1] = '\n';
	}
	wall_feed(wall, view_make(padding, sizeof(padding)));
}

/* step 0: pieces of 0 to 15 bytes as the seed has them. All that was found comes as one text. */
static void
judge(const struct input *input, size_t step, char *out, size_t room)
{
	struct wall wall;
	struct view rest = input->body;
	uint32_t seed = input->seed;
	wall_init(&wall, input->protocol, input->shape);
	if (input->padded)
		pad(&wall);
	while (rest.len > 0) {
		seed = seed * 1664525u + 1013904223u;
		size_t len = step ? step : seed >> 28;
		enum wall_verdict before = wall.verdict;
		enum wall_verdict after = wall_feed(&wall, view_sub(rest, 0, len));
		MUST(before == WALL_WAIT || before == after);
		rest = view_from(rest, len);
		size_t held = wall.sse.line.cap + wall.sse.data.cap + wall.whole.cap;
		MUST(held <= WALL_HOLD_BYTES + 4096);
	}
	enum wall_verdict last = wall_end(&wall);
	MUST(last == WALL_COMMIT || last == WALL_FAILED);
	MUST((last == WALL_FAILED) <= (wall.fault != WALL_FINE));
	MUST(last == WALL_COMMIT || !wall.terminal);
	snprintf(out, room, "%d %s %d %d [%s] [%s] %llu %llu %zu", (int)last,
	    wall_fault_name(wall.fault), wall.terminal, wall.opened, wall.error_type,
	    wall.error_message, (unsigned long long)wall.events,
	    (unsigned long long)wall.sequence_next, wall.seen_bytes);
	wall_fini(&wall);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	const struct input input = {
	    .protocol = (enum protocol)(data[0] % 3),
	    .shape = (enum wall_shape)(data[0] / 3 % 3),
	    .padded = data[0] >= 240,
	    .body = view_make((const char *)data + 2, size - 2),
	    .seed = data[1],
	};
	char expected[1024], found[1024];
	judge(&input, SIZE_MAX, expected, sizeof(expected));
	judge(&input, 1, found, sizeof(found));
	MUST(strcmp(found, expected) == 0);
	judge(&input, 0, found, sizeof(found));
	MUST(strcmp(found, expected) == 0);
	return 0;
}
