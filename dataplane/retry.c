#include "retry.h"
#include "table.h"

#define SAME_WAIT_MS 200u
#define SAME_WAIT_DOUBLINGS_MAX 5

static size_t
find_place(const struct retry_state *state, bool retry_nodes)
{
	for (size_t i = 0; i < state->count; i++) {
		bool is_node = state->places[i].group == GROUP_RETRY;
		if (!state->places[i].asked && is_node == retry_nodes)
			return i;
	}
	return RETRY_NONE;
}

size_t
retry_next_place(const struct retry_state *state, enum strategy strategy)
{
	bool nodes_first = strategy == STRATEGY_RETRY_NODE;
	size_t place = find_place(state, nodes_first);
	return place != RETRY_NONE ? place : find_place(state, !nodes_first);
}

/* 200 ms, 400 ms, ... each between half and one and a half of that. */
static uint32_t
same_wait_ms(uint32_t same, uint64_t chance)
{
	uint32_t doublings = same < SAME_WAIT_DOUBLINGS_MAX ? same : SAME_WAIT_DOUBLINGS_MAX;
	uint32_t base = SAME_WAIT_MS << doublings;
	return base / 2 + (uint32_t)(chance % (base + 1));
}

struct retry_verdict
retry_decide(const struct retry_state *state, const struct outcome *outcome, enum strategy strategy,
    enum transport transport, uint64_t now_ms, uint64_t chance)
{
	struct retry_verdict give_up = {.what = RETRY_GIVE_UP};
	if (outcome->success || !outcome->try_next)
		return give_up;
	if (state->deadline_ms != 0 && now_ms >= state->deadline_ms)
		return give_up;
	if (transport == TRANSPORT_STALE && !state->stale_retried)
		return (struct retry_verdict){.what = RETRY_SAME, .at = state->at};
	if (state->calls >= state->calls_max)
		return give_up;
	if (strategy == STRATEGY_NORMAL && state->same < state->same_max) {
		return (struct retry_verdict){.what = RETRY_SAME,
		    .at = state->at,
		    .wait_ms = same_wait_ms(state->same, chance),
		    .costs = true};
	}
	size_t place = retry_next_place(state, strategy);
	if (place == RETRY_NONE)
		return give_up;
	return (struct retry_verdict){
	    .what = RETRY_NEXT, .at = place, .costs = !state->places[place].good};
}
