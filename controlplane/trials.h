/* trials: small real requests that somebody asks for, to upstreams that are configured or not yet:
 * ordered of a data plane in the table, remembered until they are asked for. Nobody's health
 * changes by them. PURE. */
#ifndef PM_TRIALS_H
#define PM_TRIALS_H

#include "config.h"
#include "table.h"
#include "trial.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define TRIALS_KEPT_MAX 32
#define TRIALS_LOST_MS 90000 /* no result after so long */

struct trial {
	struct trial_order order; /* owned; its key is wiped when it is done */
	uint64_t ordered_ms;
	bool done;
	json_t *result; /* of a done one */
};

struct trials {
	struct trial items[TRIALS_KEPT_MAX]; /* oldest first */
	size_t count;
	uint64_t last_seq;
};

struct trial_wish {
	const struct config_upstream *upstream;
	enum protocol protocol;
	struct view model, prompt;
	uint32_t max_tokens;
	uint64_t by; /* boot_id of the data plane that is to do it */
};

void trials_fini(struct trials *trials);
/* A new order; its number, 0 when TRIALS_MAX are under way. `wall_ms` makes numbers that go on over
 * restarts. */
uint64_t trials_order(
    struct trials *trials, const struct trial_wish *wish, uint64_t now_ms, int64_t wall_ms);
/* Puts what is under way into the table. */
void trials_assemble(const struct trials *trials, struct table *table);
/* A result, which may come twice; true when something under way has ended by it. */
bool trials_note(struct trials *trials, const struct trial_result *result);
/* Ends those that were lost; true when there was any. */
bool trials_expire(struct trials *trials, uint64_t now_ms);
/* {seq, done, ...}; new reference, NULL when this number is not known (any more). */
json_t *trials_encode(const struct trials *trials, uint64_t seq);

#endif
