#include "limiter.h"
#include "must.h"
#include <string.h>

/* How long until a bucket has a try; 0 = now. */
static uint64_t
wait_of(const struct limiter_bucket *bucket, unsigned burst, unsigned each_ms, uint64_t now_ms)
{
	uint64_t free_at_ms = now_ms + (uint64_t)(burst - 1) * each_ms;
	return bucket->full_at_ms > free_at_ms ? bucket->full_at_ms - free_at_ms : 0;
}

static void
take(struct limiter_bucket *bucket, unsigned each_ms, uint64_t now_ms)
{
	uint64_t from_ms = bucket->full_at_ms > now_ms ? bucket->full_at_ms : now_ms;
	bucket->full_at_ms = from_ms + each_ms;
}

static struct view
name_of(struct view peer)
{
	return view_sub(peer, 0, sizeof((struct limiter_bucket){0}.peer) - 1);
}

static struct limiter_bucket *
find(struct limiter *limiter, struct view peer)
{
	MUST(limiter != NULL);
	for (size_t i = 0; i < LIMITER_PEERS_MAX; i++)
		if (view_eq_str(name_of(peer), limiter->peers[i].peer))
			return &limiter->peers[i];
	return NULL;
}

static struct limiter_bucket *
find_or_replace(struct limiter *limiter, struct view peer)
{
	struct limiter_bucket *bucket = find(limiter, peer);
	if (bucket != NULL)
		return bucket;
	bucket = &limiter->peers[0];
	for (size_t i = 1; i < LIMITER_PEERS_MAX; i++)
		if (limiter->peers[i].full_at_ms < bucket->full_at_ms)
			bucket = &limiter->peers[i];
	*bucket = (struct limiter_bucket){0};
	struct view name = name_of(peer);
	if (name.len > 0)
		memcpy(bucket->peer, name.data, name.len);
	return bucket;
}

bool
limiter_take(struct limiter *limiter, struct view peer, uint64_t now_ms, uint64_t *wait_ms)
{
	struct limiter_bucket *own = find_or_replace(limiter, peer);
	uint64_t own_ms = wait_of(own, LIMITER_PEER_BURST, LIMITER_PEER_MS, now_ms);
	uint64_t all_ms = wait_of(&limiter->all, LIMITER_ALL_BURST, LIMITER_ALL_MS, now_ms);
	*wait_ms = own_ms > all_ms ? own_ms : all_ms;
	if (*wait_ms > 0) {
		if (limiter_is_calm(limiter, now_ms))
			take(&limiter->refused, LIMITER_REFUSED_MS, now_ms);
		return false;
	}
	take(own, LIMITER_PEER_MS, now_ms);
	take(&limiter->all, LIMITER_ALL_MS, now_ms);
	return true;
}

bool
limiter_is_calm(const struct limiter *limiter, uint64_t now_ms)
{
	return wait_of(&limiter->refused, LIMITER_REFUSED_BURST, LIMITER_REFUSED_MS, now_ms) == 0;
}

static void
give(struct limiter_bucket *bucket, unsigned each_ms)
{
	if (bucket->full_at_ms >= each_ms)
		bucket->full_at_ms -= each_ms;
}

void
limiter_give_back(struct limiter *limiter, struct view peer)
{
	struct limiter_bucket *own = find(limiter, peer);
	if (own != NULL)
		give(own, LIMITER_PEER_MS);
	give(&limiter->all, LIMITER_ALL_MS);
}
