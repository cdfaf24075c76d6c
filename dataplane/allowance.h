/* allowance: what each client key has used of its limits, in a mapped file that all data planes of
 * a machine share: each knows at once what the others have let in.
 *
 * A budget is checked when a request begins and charged as soon as something is known of what it
 * uses, at the latest when it has ended, so that parallel agents can overspend by one request each
 * and no more, and nothing of it is forgotten when a data plane dies. Limits of a minute are
 * counted in pieces of ten seconds, the seven latest: never more than the limit within any minute,
 * and room again after seventy seconds at the latest. */
#ifndef PM_ALLOWANCE_H
#define PM_ALLOWANCE_H

#include "err.h"
#include "table.h"
#include <stdbool.h>
#include <stdint.h>

#define ALLOWANCE_KEYS_MAX 4096 /* further ones are not limited; the log says so */

struct allowance;

/* `folder`/allowance.map, made when it is not there. What an earlier process had in work as
 * `instance` is over; so is, once it would refuse somebody, what one had that died without a
 * successor. ERR_IO: no room on the disk. */
struct allowance *allowance_open(const char *folder, unsigned instance, struct err *err);
void allowance_close(struct allowance *allowance); /* NULL is fine */

struct allowance_refusal {
	const char *reason;      /* word for the log: "requests_per_minute", "usd_per_day", ... */
	char message[192];       /* for a person */
	uint64_t retry_after_ms; /* when there may be room again */
	bool budget;             /* no sooner than that */
};
/* May a request of this key begin? True: it counts as in work until allowance_give. */
MUST_CHECK bool allowance_take(struct allowance *allowance, const struct table *table,
    const struct client_key *key, int64_t wall_ms, struct allowance_refusal *refusal);
/* It goes on, and has used so much more than was told before. Returns the limit that this has
 * brought to the share at which the owner wants to hear of it, or NULL. */
const char *allowance_use(struct allowance *allowance, const struct table *table,
    const struct client_key *key, int64_t wall_ms, int64_t tokens, int64_t cost_nano_usd);
/* The same, and it has ended. */
const char *allowance_give(struct allowance *allowance, const struct table *table,
    const struct client_key *key, int64_t wall_ms, int64_t tokens, int64_t cost_nano_usd);

#endif
