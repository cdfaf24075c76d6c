/* health: which upstreams rest, why, and until when. PURE: time is an argument (ms, monotonic).
 *
 * Three kinds of subject, each judged for itself: an address (of a group; by blame "network"), an
 * entry with its key ("key", "upstream"), a model at an entry ("model"). Each goes
 *
 *   UP -> SUSPECT -> COOLING -> HALF_OPEN -> RAMPING -> UP
 *
 * SUSPECT: it has failed, but not often enough in a row. COOLING: it rests; a failure that names a
 * time brings it here at once. HALF_OPEN: its rest has ended, by time or by a good probe, and one
 * request may try it; the next failure makes it rest again, longer. RAMPING: that went well, and a
 * few may try. An answer of a call that began within a rest ends that rest.
 *
 * What holds, whatever is reported (tests/unit/test_health_random.c):
 * - Nobody leaves UP without a failure that is blamed on him: not by other blames, not by calls
 *   that were none for an answer, not by what began before his last rest or was cleared.
 * - Each rest has a reason and an end, at most max_ms away, and is over then.
 * - A good answer of a call that began within a rest ends it; one in UP or SUSPECT clears the
 * errors.
 * - Nothing changes by time alone before health_next_ms.
 * - Memory is bounded by the table: HEALTH_MODELS_MAX models for each entry. */
#ifndef PM_HEALTH_H
#define PM_HEALTH_H

#include "health_unit.h"
#include "state.h"
#include "table.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEALTH_MODELS_MAX TABLE_COOLING_MODELS_MAX

struct health_model {
	char *name;
	struct health_unit unit;
};

struct health_address {
	enum group group;
	char *url;
	struct health_unit unit;
};

struct health_probe {   /* the last one */
	uint64_t at_ms; /* 0 = none yet */
	uint64_t seq;   /* the order it carried out, 0 = none */
	bool success;
	uint32_t status;
	char reason[REPORT_REASON_BYTES];
};

struct health_entry {
	char *id;
	enum group group;
	uint64_t fingerprint; /* of address and key */
	size_t address;
	struct health_unit unit;
	struct health_model *models; /* only those with something to say */
	size_t model_count;
	uint64_t probe_seq;
	struct health_probe probe;
	uint64_t successes, failures; /* calls for an answer */
	uint32_t ttfb_ms;             /* smoothed, 0 = unknown */
};

struct health {
	struct health_entry *entries;
	size_t entry_count;
	struct health_address *addresses;
	size_t address_count;
	struct health_limits limits[GROUP_COUNT];
	uint64_t revision;       /* grows with each change but counters */
	health_move_fn *on_move; /* may be NULL */
	void *ctx;
};

/* A zeroed struct is healthy and knows nobody. */
void health_fini(struct health *health);
/* Knows the upstreams of this table from now on. Another address or key begins anew. */
void health_sync(struct health *health, const struct table *table);
/* Rests that would be too long by the new limits are cut. */
void health_set_limits(
    struct health *health, enum group group, const struct health_limits *limits, uint64_t now_ms);
/* NULL when unknown. Borrowed until the next sync. */
struct health_entry *health_find(const struct health *health, const char *id);
/* The unit of an entry (an id), of one of its models (not ""), or of an address (a base URL): for
 * health_file. NULL when unknown, of another fingerprint, or there is no place for that model. */
struct health_unit *health_unit_of(struct health *health, enum group group, const char *name,
    bool address, uint64_t fingerprint, const char *model);
/* Takes what a data plane reports of calls; of unknown upstreams nothing. */
void health_note(struct health *health, const struct report_outcome *outcome, uint64_t now_ms);
/* Does what is due by time. */
void health_tick(struct health *health, uint64_t now_ms);
/* When that is next, after now_ms; UINT64_MAX = never. */
uint64_t health_next_ms(const struct health *health, uint64_t now_ms);
/* By hand: a group (GROUP_COUNT = all) or one id (NULL = all) is well, until it fails anew. Returns
 * how many upstreams and models were not. */
size_t health_clear(struct health *health, unsigned group, const char *id, uint64_t now_ms);
/* By hand: probe it at once. False when unknown. */
bool health_probe_now(struct health *health, const char *id);

/* What follows for an upstream: of its own and its address's state the worse. */
struct health_view {
	enum health_state state;
	const struct health_unit *unit; /* whose state that is; never NULL */
	bool of_address;
	uint32_t ramp;           /* 0 = no limit */
	uint64_t until_ms;       /* COOLING: when both have ended */
	uint32_t probe_every_ms; /* 0 = no probes */
};
/* `now_ms` may lie ahead: what ends by then has ended. */
struct health_view health_view(
    const struct health *health, const struct health_entry *entry, uint64_t now_ms);

#endif
