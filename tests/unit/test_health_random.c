/* Whatever happens, in whatever order: what health.h promises holds. 100,000 random histories; a
 * failure names the seed, and PM_SEED=N plays that history again. */
#include "health_rig.h"
#include <inttypes.h>
#include <stdlib.h>

#define HISTORIES 100000
#define EVENTS 40
#define UNITS_MAX 128

static struct health health;
static uint64_t now, seed, state;

static uint64_t
draw(uint64_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % n;
}

/* Cheap while it holds: it is asked some hundred million times. */
#define HOLDS(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			ck_abort_msg("PM_SEED=%" PRIu64 ": %s", seed, #condition);                 \
	} while (0)

/* ---- what is there ---- */

/* A unit before an event, and whose it is. */
struct shot {
	const void *owner; /* the address or entry */
	const char *model; /* NULL = none */
	struct health_unit unit;
};
struct picture {
	struct shot shots[UNITS_MAX];
	size_t count;
};

static void
shoot(struct picture *picture, const void *owner, const char *model, const struct health_unit *unit)
{
	HOLDS(picture->count < UNITS_MAX);
	picture->shots[picture->count++] = (struct shot){owner, model, *unit};
}

static void
take_picture(struct picture *picture)
{
	picture->count = 0;
	for (size_t i = 0; i < health.address_count; i++)
		shoot(picture, &health.addresses[i], NULL, &health.addresses[i].unit);
	for (size_t i = 0; i < health.entry_count; i++) {
		const struct health_entry *entry = &health.entries[i];
		shoot(picture, entry, NULL, &entry->unit);
		HOLDS(entry->model_count <= HEALTH_MODELS_MAX);
		for (size_t k = 0; k < entry->model_count; k++)
			shoot(picture, entry, entry->models[k].name, &entry->models[k].unit);
	}
}

static const struct shot *
find_shot(const struct picture *picture, const void *owner, const char *model)
{
	static const struct shot none; /* a model that nobody has blamed: well */
	for (size_t i = 0; i < picture->count; i++) {
		const struct shot *shot = &picture->shots[i];
		if (shot->owner != owner || (shot->model == NULL) != (model == NULL))
			continue;
		/* A name may be freed by now: models are compared where they still are. */
		if (model == NULL || shot->model == model)
			return shot;
	}
	return &none;
}

/* ---- what must hold at any time ---- */

static void
check_unit(const struct health_unit *unit, bool of_address, bool of_model)
{
	if (unit->state != HEALTH_COOLING)
		return;
	HOLDS(unit->reason[0] != '\0');
	HOLDS(unit->until_ms > now);
	HOLDS(unit->until_ms <= now + rig_limits.max_ms);
	HOLDS(unit->hold_ms <= unit->until_ms);
	HOLDS((unit->blame == BLAME_NETWORK) == of_address);
	HOLDS((unit->blame == BLAME_MODEL) == of_model);
	HOLDS(unit->trips > 0 && unit->errors > 0);
}

static void
check_all(void)
{
	for (size_t i = 0; i < health.address_count; i++)
		check_unit(&health.addresses[i].unit, true, false);
	for (size_t i = 0; i < health.entry_count; i++) {
		const struct health_entry *entry = &health.entries[i];
		struct health_view view = health_view(&health, entry, now);
		check_unit(&entry->unit, false, false);
		for (size_t k = 0; k < entry->model_count; k++)
			check_unit(&entry->models[k].unit, false, true);
		HOLDS(view.ramp == 0 || view.ramp == 1 || view.ramp == 4 || view.ramp == 16);
		HOLDS(view.state > HEALTH_SUSPECT || view.ramp == 0);
		HOLDS(view.state != HEALTH_HALF_OPEN || view.ramp == 1);
		HOLDS((view.state == HEALTH_COOLING) == (view.until_ms > now));
		HOLDS(view.probe_every_ms == 0 || view.state == HEALTH_COOLING);
	}
}

/* ---- one event ---- */

static struct report_outcome
draw_outcome(void)
{
	static const char *const ids[] = {
	    "claude:a", "claude:b", "claude:c", "codex:d", "claude:x"};
	static const uint32_t statuses[] = {0, 200, 400, 401, 404, 429, 500, 503, 529};
	static char models[][4] = {"", "m0", "m1", "m2"};
	struct report_outcome outcome =
	    rig_outcome(ids[draw(5)], (enum blame)draw(8), statuses[draw(9)]);
	outcome.success = draw(3) == 0;
	outcome.begun = outcome.success && draw(3) == 0;
	outcome.probe = draw(6) == 0;
	outcome.generate = draw(6) != 0;
	outcome.model = models[draw(4)];
	outcome.count = draw(8) == 0 ? UINT32_MAX : (uint32_t)draw(4) + 1;
	outcome.age_ms = draw(3) == 0 ? draw(2000000) : draw(100);
	outcome.retry_after_ms = draw(6) == 0 ? (draw(4) == 0 ? INT64_MAX : draw(2000000)) : 0;
	if (draw(10) == 0)
		outcome.reason[0] = '\0';
	return outcome;
}

/* Is the subject at fault for this call, by the words of the report alone? */
static bool
is_blamed(const struct report_outcome *outcome, const void *owner, const char *model)
{
	const struct health_entry *entry = health_find(&health, outcome->upstream);
	if (entry == NULL || outcome->success || outcome->probe || !outcome->generate)
		return false;
	if (outcome->blame == BLAME_NETWORK)
		return owner == &health.addresses[entry->address];
	if (outcome->blame == BLAME_MODEL)
		return owner == entry && model != NULL && strcmp(model, outcome->model) == 0;
	return owner == entry && model == NULL &&
	       (outcome->blame == BLAME_KEY || outcome->blame == BLAME_UPSTREAM);
}

static void
check_worse(
    const struct picture *before, const struct picture *after, const struct report_outcome *outcome)
{
	uint64_t began = now > outcome->age_ms ? now - outcome->age_ms : 0;
	for (size_t i = 0; i < after->count; i++) {
		const struct shot *shot = &after->shots[i];
		const struct shot *old = find_shot(before, shot->owner, shot->model);
		bool worse = shot->unit.state > old->unit.state;
		/* Half-open is no punishment where a rest ends. */
		HOLDS(!worse ||
		      (is_blamed(outcome, shot->owner, shot->model) && began >= old->unit.mark_ms));
	}
}

/* A good answer of a call within the rest ends it; one in SUSPECT clears. */
static void
check_good(const struct picture *before, const struct report_outcome *outcome)
{
	const struct health_entry *entry = health_find(&health, outcome->upstream);
	uint64_t began = now > outcome->age_ms ? now - outcome->age_ms : 0;
	if (entry == NULL || !outcome->success || outcome->probe || !outcome->generate)
		return;
	const struct shot *old = find_shot(before, entry, NULL);
	if (began < old->unit.mark_ms)
		return;
	HOLDS(entry->unit.state != HEALTH_COOLING && entry->unit.state != HEALTH_HALF_OPEN);
	if (old->unit.state == HEALTH_SUSPECT && !outcome->begun)
		HOLDS(entry->unit.state == HEALTH_UP);
}

static void
happen_report(void)
{
	static struct picture before, after;
	struct report_outcome outcome = draw_outcome();
	take_picture(&before);
	health_note(&health, &outcome, now);
	take_picture(&after);
	check_worse(&before, &after, &outcome);
	check_good(&before, &outcome);
}

static void
check_same(const struct picture *before, const struct picture *after)
{
	HOLDS(before->count == after->count);
	for (size_t i = 0; i < after->count; i++)
		HOLDS(before->shots[i].unit.state == after->shots[i].unit.state);
}

/* Time passes in two steps: to just before something is due, and beyond. */
static void
happen_time(void)
{
	static struct picture before, after;
	static const uint64_t spans[] = {10, 1000, 10000, 100000, 1000000};
	uint64_t span = draw(spans[draw(5)]) + 1, next = health_next_ms(&health, now);
	HOLDS(next > now);
	if (next > now + span) {
		take_picture(&before);
		now += span;
		health_tick(&health, now);
		take_picture(&after);
		check_same(&before, &after);
		return;
	}
	now += span;
	health_tick(&health, now);
	HOLDS(health_next_ms(&health, now) > now);
}

static void
happen_hand(void)
{
	static const char *const ids[] = {"claude:a", "claude:c", "codex:d"};
	const char *id = draw(2) == 0 ? ids[draw(3)] : NULL;
	(void)health_clear(&health, GROUP_COUNT, id, now);
	const struct health_entry *entry = health_find(&health, id != NULL ? id : "claude:b");
	HOLDS(health_view(&health, entry, now).state == HEALTH_UP);
	HOLDS(entry->model_count == 0);
}

/* Left alone everybody may serve again within the longest rest, and is well after a few answers. */
static void
end(void)
{
	static const char *const ids[] = {"claude:a", "claude:b", "claude:c", "codex:d"};
	now += rig_limits.max_ms;
	health_tick(&health, now);
	for (size_t i = 0; i < 4; i++) {
		struct report_outcome outcome = rig_outcome(ids[i], BLAME_NOBODY, 200);
		const struct health_entry *entry = health_find(&health, ids[i]);
		HOLDS(health_view(&health, entry, now).state < HEALTH_COOLING);
		for (unsigned k = 0; k < 21; k++)
			health_note(&health, &outcome, now);
		HOLDS(health_view(&health, entry, now).state == HEALTH_UP);
	}
	now += HEALTH_FORGET_MS + HEALTH_CALM_MS;
	health_tick(&health, now);
	health_tick(&health, now + HEALTH_CALM_MS);
	for (size_t i = 0; i < health.entry_count; i++)
		HOLDS(health.entries[i].model_count == 0);
	HOLDS(health_next_ms(&health, now + HEALTH_CALM_MS) == UINT64_MAX);
}

static void
play(uint64_t number)
{
	seed = number;
	state = number * 0x9e3779b97f4a7c15u + 1;
	(void)draw(2);
	now = draw(2) == 0 ? draw(1000) : 1000000 + draw(100000000);
	rig_init(&health);
	for (unsigned i = 0; i < EVENTS; i++) {
		uint64_t what = draw(20);
		if (what == 0)
			happen_hand();
		else if (what < 5)
			happen_time();
		else
			happen_report();
		check_all();
	}
	end();
	health_fini(&health);
}

START_TEST(histories)
{
	const char *only = getenv("PM_SEED");
	if (only != NULL) {
		play(strtoull(only, NULL, 10));
		return;
	}
	for (uint64_t i = (uint64_t)_i * HISTORIES / 10; i < (uint64_t)(_i + 1) * HISTORIES / 10;
	     i++)
		play(i);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("health_random");
	TCase *tcase = tcase_create("health_random");
	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, histories, 0, 10);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
