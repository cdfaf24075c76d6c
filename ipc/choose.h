/* choose: which upstreams of a group may take a request, best first, and why the others may not.
 * PURE. The data plane serves by it and controlplane explains by it: the two cannot differ, and
 * neither can two data planes that hold the same table. */
#ifndef PM_CHOOSE_H
#define PM_CHOOSE_H

#include "table.h"
#include "view.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum choose_why {
	CHOOSE_MAY,
	CHOOSE_OFF,           /* not available: the entry's `off` says why */
	CHOOSE_MODEL_REFUSED, /* not among its models */
	CHOOSE_MODEL_COOLING,
	CHOOSE_RAMP_FULL, /* recovering, and as many in flight as it may have */
};

struct choose_load { /* of one entry, as this data plane sees it */
	uint32_t in_flight;
	uint32_t latency_ms; /* to the first byte, smoothed; 0 = unknown, tried first */
	uint64_t quiet_ms;   /* since the last request was sent to it */
};

/* Where nobody else may, one that recovers takes one more than its ramp each so often: else a long
 * call, which tells nothing before its end, keeps all others out. */
#define CHOOSE_RAMP_PAUSE_MS 2000

struct choose_asked {
	enum group group;
	struct view model; /* as the client asks, after the table's model rules; empty = none */
	struct view said;  /* ... and in the client's own words */
	uint64_t session;  /* choose_session of its key, 0 = none */
	uint64_t random;   /* of this request: what decides where no session does */
	int stay;          /* the entry that this session was moved to, or -1 */
	int64_t wall_ms;   /* now, for models that rest */
	const struct choose_load *loads; /* one for each entry; NULL = no load */
};

struct choose_place {
	uint16_t entry; /* index in the group */
	enum choose_why why;
};

/* All entries of the group: first those that may serve, best first, then the rest as listed.
 * Returns how many may; `out` holds TABLE_UPSTREAMS_MAX.
 *
 * Primaries go before backups. Within a tier `pick` decides, but where a session is known and
 * affinity is on, weight and a hash of session and id do: the same place in every data plane, and
 * only the sessions of an upstream that leaves are moved. `stay` goes before all while it may. */
size_t choose_order(
    const struct table *table, const struct choose_asked *asked, struct choose_place *out);

/* When `entry`, which may not serve the model now, may again at the latest, wall clock; 0 = that is
 * not known, or it never will, or it may. Asks for model, said and wall_ms. */
int64_t choose_resumes_ms(const struct upstream_entry *entry, const struct choose_asked *asked);

/* Where the session belongs: the entry that would be first if all who are scheduled and serve the
 * model were well and nobody stayed elsewhere; -1 = nobody. */
int choose_home(const struct table *table, const struct choose_asked *asked);

/* A group that may serve a client's path. */
struct choose_group {
	enum group group;
	bool own; /* the client's path is made for it; else its upstreams help out, converted */
};
struct choose_route {
	enum protocol client;
	bool converts; /* what is asked can be converted */
	bool lists;    /* a list of models, which every client can read */
};
/* Which groups of `table` can serve, best first; at most GROUP_COUNT. Groups of the client's own
 * path first, then, as the first own group's policy has it, the others, and the retry nodes last. A
 * group without any upstream that can serve is left out. *needs_conversion (NULL = not asked) tells
 * that there is one which conversion would let serve. */
size_t choose_groups(const struct table *table, const struct choose_route *route,
    struct choose_group out[GROUP_COUNT], bool *needs_conversion);
/* The table's model rule for `model`: the first that fits, NULL = none. */
const struct model_rule *choose_rule(const struct table *table, struct view model);
/* The name by that rule, else the same. Borrows `model` or `out`. */
struct view choose_ruled(
    const struct table *table, struct view model, char out[TABLE_NAME_BYTES_MAX + 1]);

/* Never 0. */
uint64_t choose_session(struct view key);
/* '*' stands for any run of characters. */
bool choose_fits(const char *pattern, struct view model);
/* The name under which `entry` is asked for `model`: by its first rename that fits, else the same.
 * Borrows `model` or `out`. A name that would be too long is not renamed. */
struct view choose_name(
    const struct upstream_entry *entry, struct view model, char out[TABLE_NAME_BYTES_MAX + 1]);
/* The same as it is sent: an Anthropic model that nobody has renamed since the client has `said` it
 * loses the suffix "-thinking"; *thinks (may be NULL) tells that it had it. */
struct view choose_sent(const struct upstream_entry *entry, struct view model, struct view said,
    char out[TABLE_NAME_BYTES_MAX + 1], bool *thinks);

#endif
