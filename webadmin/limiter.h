/* limiter: how often a token may be tried, for each peer and for all together. Pure. */
#ifndef PM_LIMITER_H
#define PM_LIMITER_H

#include "view.h"
#include <stdbool.h>
#include <stdint.h>

#define LIMITER_PEERS_MAX 64
#define LIMITER_PEER_BURST 5u
#define LIMITER_PEER_MS 2000u /* then one in so long */
#define LIMITER_ALL_BURST 20u
#define LIMITER_ALL_MS 500u

/* Refused tries, of all: from so many on, and while they come faster, it is not calm. */
#define LIMITER_REFUSED_BURST 100u
#define LIMITER_REFUSED_MS 600u

struct limiter_bucket {
	char peer[64];
	uint64_t full_at_ms; /* when all tries are there again */
};

/* All zero at first. */
struct limiter {
	struct limiter_bucket all, refused;
	struct limiter_bucket peers[LIMITER_PEERS_MAX];
};

/* Takes one try of `peer` (without its port; cut at 63 bytes). False: none is left, *wait_ms says
 * when one will be. A peer beyond the 64th replaces the one that has most tries left. */
bool limiter_take(struct limiter *limiter, struct view peer, uint64_t now_ms, uint64_t *wait_ms);
/* Tokens are not tried out on what is remembered: so long as this is true, one that might be
 * guessed may be compared with those that were found good lately. */
bool limiter_is_calm(const struct limiter *limiter, uint64_t now_ms);
/* Gives the try back: the token was good. */
void limiter_give_back(struct limiter *limiter, struct view peer);

#endif
