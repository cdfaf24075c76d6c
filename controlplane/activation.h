/* activation: each upstream that wants it is sent one small request a day, at a time of its own, so
 * that limits by the hour begin then. PURE but for time zones and its file; wall clock ms as
 * argument.
 *
 * The day is that of the upstream's time zone. A time that the clocks leave out counts when they
 * have been set; one that was missed is made up for on the same day. A day on which its schedule is
 * off has none. An order is written down before it is given, and given once: one whose answer never
 * came counts as done, for a second one might be one too many. What has failed is tried again each
 * minute, at most ACTIVATION_TRIES_MAX times a day. A clock that is set back brings no second one,
 * unless it was ahead by more than two days.
 *
 * A success, or the last try, moves the next time to the same time of the next day that is not off.
 * The configured time is the owner's and never written. */
#ifndef PM_ACTIVATION_H
#define PM_ACTIVATION_H

#include "config.h"
#include "err.h"
#include "state.h"
#include "table.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define ACTIVATION_TRIES_MAX 20
#define ACTIVATION_AGAIN_MS 60000
#define ACTIVATION_LOST_MS 180000 /* no answer to an order after so long */

struct activation_item {
	char *id;     /* the table's */
	uint32_t day; /* yyyymmdd of what follows, 0 = none yet */
	bool done;
	uint32_t tries;
	uint64_t seq; /* the last order, 0 = none */
	uint64_t by;  /* who was given it */
	bool running;
	int64_t asked_ms; /* when it was given */
	int64_t next_ms;  /* when it is due */
	/* The last result. */
	int64_t at_ms; /* 0 = none */
	bool success;
	uint32_t status;
	char reason[REPORT_REASON_BYTES];
	bool wanted; /* by the present configuration */
};

/* A zeroed struct knows none. */
struct activation {
	struct activation_item *items;
	size_t count;
	uint64_t last_seq;
	int64_t last_ms;   /* the last order of all */
	uint64_t revision; /* grows with each change */
};

void activation_fini(struct activation *activation);
/* Looks what is due and orders it, if there is a `prober` to do it. True when orders were given:
 * they must be written down before the table that holds them is published. */
bool activation_tick(
    struct activation *activation, const struct config *config, uint64_t prober, int64_t wall_ms);
/* When to look next, 0 = not before the configuration changes. */
int64_t activation_next_ms(const struct activation *activation, int64_t wall_ms);
/* The result of an order; false when it is none of ours. */
bool activation_note(
    struct activation *activation, const struct report_outcome *outcome, int64_t wall_ms);
/* The orders, into the table. */
void activation_assemble(const struct activation *activation, struct table *table);
/* {time, next_ms|null, tries, running, last: {at_ms, success, status, reason}|null}, or null when
 * that upstream has no activation; new reference. `upstream` is of the configuration. */
json_t *activation_encode(
    const struct activation *activation, const char *id, const struct config_upstream *upstream);

MUST_CHECK bool activation_write(
    const struct activation *activation, const char *state_dir, struct err *err);
/* A missing file is fine; a bad one is refused whole. */
MUST_CHECK bool activation_read(
    struct activation *activation, const char *state_dir, struct err *err);

#endif
