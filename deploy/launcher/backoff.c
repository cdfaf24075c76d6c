#include "backoff.h"

uint32_t
backoff_next_ms(struct backoff *backoff, uint64_t lived_ms)
{
	if (lived_ms >= BACKOFF_FORGET_MS)
		backoff->deaths = 0;
	uint32_t delay = backoff->deaths == 0 ? 0 : BACKOFF_FIRST_MS;
	for (unsigned i = 1; i < backoff->deaths && delay < BACKOFF_MAX_MS; i++)
		delay *= 2;
	backoff->deaths++;
	return delay < BACKOFF_MAX_MS ? delay : BACKOFF_MAX_MS;
}
