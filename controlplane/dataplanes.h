/* dataplanes: the last report of each running data plane. One that is silent for 10 s is forgotten.
 */
#ifndef PM_DATAPLANES_H
#define PM_DATAPLANES_H

#include "state.h"
#include "view.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DATAPLANES_MAX 256
#define DATAPLANES_FORGET_MS 10000
#define DATAPLANES_PROBER_MS 2500 /* a prober that is silent so long is replaced */

struct dataplane {
	struct report report;
	json_t *running;  /* what it has under way, as in its report; owned */
	json_t *loads;    /* the calls of each upstream; owned */
	uint64_t seen_ms; /* monotonic */
};

struct dataplanes {
	struct dataplane items[DATAPLANES_MAX];
	size_t count;
	uint64_t prober; /* boot_id of who runs the probes, 0 = nobody */
	uint64_t ended,
	    errors; /* requests since we look, and those that failed by no fault of theirs */
};

/* Keeps a report, one for each instance and boot; the longest silent one makes room. True when it
 * is a newcomer. */
bool dataplanes_note(struct dataplanes *all, const struct report *report, uint64_t now_ms);
/* Its batch of outcomes was taken before: ask before dataplanes_note. */
bool dataplanes_has_batch(struct dataplanes *all, const struct report *report);
/* True when any was forgotten. */
bool dataplanes_expire(struct dataplanes *all, uint64_t now_ms);
/* Sees to it that a running data plane is the prober; true when it is another one now. */
bool dataplanes_choose_prober(struct dataplanes *all, uint64_t now_ms);
/* {<upstream>: calls in flight of all data planes}; new reference. */
json_t *dataplanes_loads(const struct dataplanes *all);
/* [{report..., running, "age_ms"}]; new reference. */
json_t *dataplanes_encode(const struct dataplanes *all, uint64_t now_ms);
void dataplanes_fini(struct dataplanes *all);

#endif
