/* bodies: how much memory requests may still take. Who runs already needs some for what is to come,
 * and a request takes more than its bytes while it is rewritten or converted: new ones get a share
 * of what is left. */
#ifndef PM_BODIES_H
#define PM_BODIES_H

#include "loop.h"
#include "room.h"
#include <stddef.h>
#include <stdint.h>

/* For a client. */
#define BODIES_NO_ROOM "The gateway has no memory left for this request; try again in a second."

struct bodies {
	struct loop *loop;
	struct room room;
	uint64_t looked_ms, room_bytes; /* 0: nobody has looked */
	uint64_t since_bytes;           /* asked for since then */
	uint64_t told_ms, trimmed_ms;
};

void bodies_init(struct bodies *bodies, struct loop *loop);
/* May those that are being read take another `more` bytes, which makes `all`? The log says once a
 * minute that they may not. */
bool bodies_fit(struct bodies *bodies, uint64_t more, uint64_t all);
/* How many bytes one may take at once. */
uint64_t bodies_room(struct bodies *bodies);
/* So many bytes have been taken without a promise. */
void bodies_took(struct bodies *bodies, uint64_t bytes);

#endif
