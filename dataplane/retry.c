#include "retry.h"

enum retry_what
retry_decide(const struct retry_state *state, const struct outcome *outcome,
    enum transport transport, uint64_t now_ms)
{
	if (outcome->success || !outcome->try_next)
		return RETRY_GIVE_UP;
	if (state->deadline_ms != 0 && now_ms >= state->deadline_ms)
		return RETRY_GIVE_UP;
	if (transport == TRANSPORT_STALE && !state->stale_retried)
		return RETRY_SAME; /* no call was made, so it costs none */
	if (state->calls >= state->calls_max || state->at + 1 >= state->candidates)
		return RETRY_GIVE_UP;
	return RETRY_NEXT;
}
