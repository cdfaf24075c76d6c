/* tried: trials that have ended, until controlplane has been told. */
#ifndef PM_TRIED_H
#define PM_TRIED_H

#include "state.h"
#include "trial.h"
#include <stddef.h>

struct tried {
	struct trial_result results[TRIALS_MAX];
	size_t count;
};

/* Keeps a copy. Of more than there is room for the oldest is forgotten: who asked gives up. */
void tried_add(struct tried *tried, const struct trial_result *result);
/* Lends them to `report`, until something is added or dropped. */
void tried_report(const struct tried *tried, struct report *report);
/* Forgets the oldest `count`, or all when there are fewer. */
void tried_drop(struct tried *tried, size_t count);

#endif
