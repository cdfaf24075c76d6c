/* cancels: requests that the owner wants to end: told to all data planes until none has them any
 * more, since what is published may be lost. PURE. */
#ifndef PM_CANCELS_H
#define PM_CANCELS_H

#include "dataplanes.h"
#include "state.h"
#include "view.h"
#include <jansson.h>

#define CANCELS_MAX 64 /* at once; the oldest makes room */
#define CANCELS_FORGET_MS 10000

struct cancels {
	struct {
		char id[REPORT_ID_BYTES];
		uint64_t ordered_ms;
	} items[CANCELS_MAX]; /* oldest first */
	size_t count;
};

/* False: no data plane has told that it has a request of this id. */
bool cancels_order(
    struct cancels *cancels, const struct dataplanes *dataplanes, struct view id, uint64_t now_ms);
/* Forgets those that have ended, or were ordered too long ago. */
void cancels_expire(struct cancels *cancels, const struct dataplanes *dataplanes, uint64_t now_ms);
/* {ids: [...]}; new reference, NULL when there is none. */
json_t *cancels_encode(const struct cancels *cancels);

#endif
