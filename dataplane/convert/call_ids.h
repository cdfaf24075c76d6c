/* call_ids: a call of an answer has an id of its own. Some upstreams give none, give one to two
 * calls, or count anew in each answer; clients that find calls by their ids then lose one. The
 * client's id comes back with the history and is as good to the upstream as its own. */
#ifndef PM_CALL_IDS_H
#define PM_CALL_IDS_H

#include "arena.h"
#include "err.h"
#include "model.h"
#include "view.h"
#include <stdbool.h>

/* An id is looked up in all of the history; more calls than these get new ids without a look. */
#define CALL_IDS_LOOKED_UP 128

struct call_ids {
	struct arena *arena;
	const struct request *request; /* its history */
	struct view request_id_plain;  /* makes new ids unlike those of other answers */
	struct view used[CALL_IDS_LOOKED_UP];
	unsigned count;
};
/* `request` and `request_id_plain` outlive it. */
void call_ids_init(struct call_ids *ids, struct arena *arena, const struct request *request,
    struct view request_id_plain);
/* The id that the next call of the answer has: its own, or a new one when that is empty or taken.
 * No data at the arena's limit. */
struct view call_ids_next(struct call_ids *ids, struct view id_plain);

#endif
