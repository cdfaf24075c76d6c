/* health_unit: one subject of health, from UP to COOLING and back. PURE; the whole is in health.h.
 */
#ifndef PM_HEALTH_UNIT_H
#define PM_HEALTH_UNIT_H

#include "blame.h"
#include "state.h"
#include <stdbool.h>
#include <stdint.h>

#define HEALTH_CALM_MS 600000   /* so long without a rest, and the next one is a first one again */
#define HEALTH_FORGET_MS 600000 /* so long after the last error, and it counts no more */

enum health_state { /* from good to bad */
	HEALTH_UP,
	HEALTH_SUSPECT,
	HEALTH_RAMPING,
	HEALTH_HALF_OPEN,
	HEALTH_COOLING,
};
/* "up", "suspect", "ramping", "half_open", "cooling"; NULL at the end. */
extern const char *const health_state_words[];

struct health_limits {          /* of a group */
	uint32_t threshold;     /* failures in a row, at least 1 */
	uint64_t cooldown_ms;   /* the first rest; 0 = nothing rests */
	uint64_t rate_limit_ms; /* the first rest after a 429 that names no time */
	uint64_t max_ms;        /* the longest rest */
	uint64_t probe_max_ms;  /* the longest pause between probes */
};

struct health_unit {
	enum health_state state;
	enum blame blame; /* of the last failure, with the two below */
	char reason[REPORT_REASON_BYTES];
	uint32_t status;
	uint32_t errors; /* in a row */
	uint32_t trips;  /* rests without HEALTH_CALM_MS between */
	uint32_t ramp;   /* RAMPING: most in flight in each data plane */
	uint32_t good;   /* RAMPING: answers so far at this ramp */
	uint64_t since_ms;
	uint64_t mark_ms;  /* what began before says nothing about now */
	uint64_t error_ms; /* the last failure */
	uint64_t until_ms; /* COOLING */
	uint64_t hold_ms;  /* COOLING: a good probe may end it from then on */
};

/* A change of state, for the log. */
struct health_move {
	const char *id;                 /* of the entry, or the address */
	const char *model;              /* NULL = not of a model */
	const struct health_unit *unit; /* as it is now */
	enum health_state from;
	uint64_t now_ms;
};

typedef void health_move_fn(const struct health_move *move, void *ctx);

/* Who is touched, by what, and when. */
struct health_touch {
	const char *id, *model; /* as in struct health_move */
	uint64_t now_ms;
	uint64_t *revision;      /* grows with each change but counters */
	health_move_fn *on_move; /* may be NULL */
	void *ctx;
};

/* An answer of `count` calls, the last of which began at `began_ms`; `whole`: to its end. */
void health_unit_good(const struct health_touch *touch, struct health_unit *unit, uint64_t began_ms,
    uint32_t count, bool whole);
/* A failure that is blamed on this one. */
void health_unit_bad(const struct health_touch *touch, struct health_unit *unit,
    const struct health_limits *limits, const struct report_outcome *outcome, uint64_t began_ms);
/* The end of a probe. */
void health_unit_probed(const struct health_touch *touch, struct health_unit *unit,
    const struct report_outcome *outcome, uint64_t began_ms);
/* Does what is due by time. */
void health_unit_tick(const struct health_touch *touch, struct health_unit *unit);
/* Well again, by hand; false when it was. What began before counts no more. */
bool health_unit_clear(const struct health_touch *touch, struct health_unit *unit);
/* New limits: a rest ends in time by them. */
void health_unit_cut(
    const struct health_touch *touch, struct health_unit *unit, const struct health_limits *limits);

/* When time alone changes it next, UINT64_MAX = never. */
uint64_t health_unit_due(const struct health_unit *unit, bool of_model);
/* The state; COOLING only while it lasts. */
enum health_state health_unit_state(const struct health_unit *unit, uint64_t now_ms);
/* Most requests in flight in each data plane, 0 = any. */
uint32_t health_unit_ramp(const struct health_unit *unit, uint64_t now_ms);
/* The pause between its probes, 0 = none; *until_ms is when that changes. */
uint64_t health_unit_probe_every(
    const struct health_unit *unit, uint64_t max_ms, uint64_t now_ms, uint64_t *until_ms);

#endif
