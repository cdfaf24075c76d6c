/* dataplanes: the last report of each running data plane. One that is silent for 10 s is forgotten.
 */
#ifndef PM_DATAPLANES_H
#define PM_DATAPLANES_H

#include "state.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DATAPLANES_MAX 256
#define DATAPLANES_FORGET_MS 10000

struct dataplane {
	struct report report;
	uint64_t seen_ms; /* monotonic */
};

struct dataplanes {
	struct dataplane items[DATAPLANES_MAX];
	size_t count;
};

/* Keeps a report, one for each instance and boot; the longest silent one makes room. True when it
 * is a newcomer. */
bool dataplanes_note(struct dataplanes *all, const struct report *report, uint64_t now_ms);
/* True when any was forgotten. */
bool dataplanes_expire(struct dataplanes *all, uint64_t now_ms);
/* [{report..., "age_ms"}]; new reference. */
json_t *dataplanes_encode(const struct dataplanes *all, uint64_t now_ms);

#endif
