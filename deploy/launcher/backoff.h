/* backoff: how long a program that died stays down. Pure. */
#ifndef PM_BACKOFF_H
#define PM_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_MS 200 /* of the second restart; the first is at once */
#define BACKOFF_MAX_MS 5000
/* Who lived that long begins anew: it had begun to work, and is started once a second at most. */
#define BACKOFF_FORGET_MS 800

struct backoff {
	unsigned deaths; /* in a row */
};

/* Counts one death after `lived_ms` and returns the wait before the next start. */
uint32_t backoff_next_ms(struct backoff *backoff, uint64_t lived_ms);

#endif
