#include "health_unit.h"
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define HOLD_MS 1000 /* no probe ends a first rest before that; later ones twice as long, ... */
#define TRIPS_MAX 16
#define ERRORS_MAX 1000000
#define RAMP_FIRST 4
#define RAMP_LAST 16

const char *const health_state_words[] = {"up", "suspect", "ramping", "half_open", "cooling", NULL};

/* How often a resting upstream is probed: often while somebody waits for it to come back. */
static const struct {
	uint64_t rest_ms, every_ms;
} probe_steps[] = {{120000, 1000}, {900000, 5000}, {UINT64_MAX, 30000}};
#define PROBE_STEPS (sizeof(probe_steps) / sizeof(probe_steps[0]))

static uint64_t
at_most(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t
at_least(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* ---- moves ---- */

static void
enter(const struct health_touch *touch, struct health_unit *unit, enum health_state state)
{
	struct health_move move = {touch->id, touch->model, unit, unit->state, touch->now_ms};
	unit->state = state;
	unit->since_ms = touch->now_ms;
	(*touch->revision)++;
	if (touch->on_move != NULL)
		touch->on_move(&move, touch->ctx);
}

static void
recover(const struct health_touch *touch, struct health_unit *unit)
{
	unit->errors = 0;
	unit->ramp = 0;
	enter(touch, unit, HEALTH_UP);
}

static void
half_open(const struct health_touch *touch, struct health_unit *unit)
{
	unit->mark_ms = touch->now_ms;
	enter(touch, unit, HEALTH_HALF_OPEN);
}

static void
ramp(const struct health_touch *touch, struct health_unit *unit)
{
	if (unit->state == HEALTH_COOLING)
		unit->mark_ms = touch->now_ms;
	if (touch->model != NULL) {
		recover(touch, unit); /* the table has no ramp for a model */
		return;
	}
	unit->errors = 0;
	unit->good = 0;
	unit->ramp = RAMP_FIRST;
	enter(touch, unit, HEALTH_RAMPING);
}

/* `ms` doubled with each trip but the first. */
static uint64_t
grown(uint64_t ms, uint32_t trips)
{
	return ms << (trips - 1);
}

static void
rest(const struct health_touch *touch, struct health_unit *unit, const struct health_limits *limits,
    uint64_t named_ms)
{
	bool well = unit->state == HEALTH_UP || unit->state == HEALTH_SUSPECT;
	if (well && touch->now_ms - unit->mark_ms >= HEALTH_CALM_MS)
		unit->trips = 0;
	unit->trips += unit->trips < TRIPS_MAX;
	uint64_t length = grown(limits->cooldown_ms, unit->trips);
	uint64_t wait =
	    at_most(grown(HOLD_MS, unit->trips), at_least(limits->probe_max_ms, HOLD_MS));
	uint64_t hold = wait;
	if (unit->status == 429)
		length = hold = grown(limits->rate_limit_ms, unit->trips);
	/* What an upstream says of itself, no probe knows better. */
	if (named_ms > 0)
		length = hold = at_least(named_ms, wait);
	unit->until_ms = touch->now_ms + at_most(length, limits->max_ms);
	unit->hold_ms = at_most(touch->now_ms + hold, unit->until_ms);
	unit->mark_ms = touch->now_ms;
	unit->ramp = 0;
	enter(touch, unit, HEALTH_COOLING);
}

/* ---- what is reported ---- */

static void
climb(const struct health_touch *touch, struct health_unit *unit, uint32_t count)
{
	unit->errors = 0;
	unit->good += count < RAMP_LAST ? count : RAMP_LAST;
	if (unit->good < unit->ramp)
		return;
	unit->good = 0;
	unit->ramp *= 4;
	(*touch->revision)++;
	if (unit->ramp > RAMP_LAST)
		recover(touch, unit);
}

void
health_unit_good(const struct health_touch *touch, struct health_unit *unit, uint64_t began_ms,
    uint32_t count, bool whole)
{
	if (began_ms < unit->mark_ms)
		return;
	switch (unit->state) {
	case HEALTH_UP:
		break;
	case HEALTH_SUSPECT:
		if (whole)
			recover(touch, unit);
		break;
	case HEALTH_COOLING:
	case HEALTH_HALF_OPEN:
		ramp(touch, unit);
		break;
	case HEALTH_RAMPING:
		climb(touch, unit, count);
		break;
	}
}

static void
remember(uint64_t now_ms, struct health_unit *unit, const struct report_outcome *outcome)
{
	if (now_ms - unit->error_ms >= HEALTH_FORGET_MS)
		unit->errors = 0;
	unit->error_ms = now_ms;
	unit->errors += outcome->count < ERRORS_MAX ? outcome->count : ERRORS_MAX;
	if (unit->errors > ERRORS_MAX)
		unit->errors = ERRORS_MAX;
	unit->blame = (enum blame)outcome->blame;
	unit->status = outcome->status;
	snprintf(unit->reason, sizeof(unit->reason), "%s",
	    outcome->reason[0] != '\0' ? outcome->reason : "failed");
}

/* It rests already: only a later time that it names changes that. */
static void
extend(const struct health_touch *touch, struct health_unit *unit, uint64_t until_ms)
{
	if (until_ms <= unit->until_ms)
		return;
	unit->until_ms = unit->hold_ms = until_ms;
	(*touch->revision)++;
}

void
health_unit_bad(const struct health_touch *touch, struct health_unit *unit,
    const struct health_limits *limits, const struct report_outcome *outcome, uint64_t began_ms)
{
	uint64_t named_ms = outcome->retry_after_ms;
	if (began_ms < unit->mark_ms)
		return;
	remember(touch->now_ms, unit, outcome);
	if (unit->state == HEALTH_COOLING) {
		extend(touch, unit, touch->now_ms + at_most(named_ms, limits->max_ms));
		return;
	}
	bool enough =
	    named_ms > 0 || unit->errors >= limits->threshold || unit->state == HEALTH_HALF_OPEN;
	if (limits->cooldown_ms > 0 && enough)
		rest(touch, unit, limits, named_ms);
	else if (unit->state == HEALTH_UP)
		enter(touch, unit, HEALTH_SUSPECT);
}

static bool
heals_by_probe(const struct health_unit *unit, uint64_t now_ms)
{
	return health_unit_state(unit, now_ms) == HEALTH_COOLING && unit->hold_ms < unit->until_ms;
}

/* Does it show that the trouble is over? Any answer mends a network; one that is no error of the
 * server's mends a server; for a key only a plain yes does. */
static bool
convinces(const struct health_unit *unit, const struct report_outcome *outcome)
{
	static const uint32_t unclear[] = {401, 402, 403, 408, 429};
	if (outcome->success || unit->blame == BLAME_NETWORK)
		return outcome->success || outcome->status != 0;
	if (unit->blame != BLAME_UPSTREAM || outcome->status < 200 || outcome->status > 499)
		return false;
	for (size_t i = 0; i < sizeof(unclear) / sizeof(unclear[0]); i++) {
		if (outcome->status == unclear[i])
			return false;
	}
	return true;
}

void
health_unit_probed(const struct health_touch *touch, struct health_unit *unit,
    const struct report_outcome *outcome, uint64_t began_ms)
{
	if (heals_by_probe(unit, touch->now_ms) && began_ms >= unit->mark_ms &&
	    touch->now_ms >= unit->hold_ms && convinces(unit, outcome))
		half_open(touch, unit);
}

/* ---- time ---- */

uint64_t
health_unit_due(const struct health_unit *unit, bool of_model)
{
	switch (unit->state) {
	case HEALTH_COOLING:
		return unit->until_ms;
	case HEALTH_SUSPECT:
		return unit->error_ms + HEALTH_FORGET_MS;
	case HEALTH_HALF_OPEN:
		/* A model that nobody asks for any more. */
		return of_model ? unit->since_ms + HEALTH_FORGET_MS : UINT64_MAX;
	case HEALTH_UP:
		return unit->trips > 0 ? unit->mark_ms + HEALTH_CALM_MS : UINT64_MAX;
	case HEALTH_RAMPING:
		break;
	}
	return UINT64_MAX;
}

void
health_unit_tick(const struct health_touch *touch, struct health_unit *unit)
{
	if (touch->now_ms < health_unit_due(unit, touch->model != NULL))
		return;
	if (unit->state == HEALTH_COOLING)
		half_open(touch, unit);
	else if (unit->state == HEALTH_UP)
		unit->trips = 0;
	else
		recover(touch, unit);
}

/* ---- by hand ---- */

bool
health_unit_clear(const struct health_touch *touch, struct health_unit *unit)
{
	if (unit->state == HEALTH_UP)
		return false;
	unit->trips = 0;
	unit->mark_ms = touch->now_ms;
	recover(touch, unit);
	return true;
}

void
health_unit_cut(
    const struct health_touch *touch, struct health_unit *unit, const struct health_limits *limits)
{
	if (unit->state != HEALTH_COOLING)
		return;
	if (limits->cooldown_ms == 0) {
		(void)health_unit_clear(touch, unit);
		return;
	}
	unit->until_ms = at_most(unit->until_ms, touch->now_ms + limits->max_ms);
	unit->hold_ms = at_most(unit->hold_ms, unit->until_ms);
}

/* ---- what follows ---- */

enum health_state
health_unit_state(const struct health_unit *unit, uint64_t now_ms)
{
	bool over = unit->state == HEALTH_COOLING && now_ms >= unit->until_ms;
	return over ? HEALTH_HALF_OPEN : unit->state;
}

uint32_t
health_unit_ramp(const struct health_unit *unit, uint64_t now_ms)
{
	enum health_state state = health_unit_state(unit, now_ms);
	return state == HEALTH_HALF_OPEN ? 1 : state == HEALTH_RAMPING ? unit->ramp : 0;
}

uint64_t
health_unit_probe_every(
    const struct health_unit *unit, uint64_t max_ms, uint64_t now_ms, uint64_t *until_ms)
{
	*until_ms = UINT64_MAX;
	if (!heals_by_probe(unit, now_ms))
		return 0;
	size_t i = 0;
	while (now_ms - unit->since_ms >= probe_steps[i].rest_ms)
		i++;
	if (i + 1 < PROBE_STEPS)
		*until_ms = unit->since_ms + probe_steps[i].rest_ms;
	return at_least(probe_steps[0].every_ms, at_most(probe_steps[i].every_ms, max_ms));
}
