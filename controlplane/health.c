#include "health.h"
#include "crypto.h"
#include "mem.h"
#include <string.h>

static struct health_touch
touch_of(struct health *health, const char *id, uint64_t now_ms)
{
	return (struct health_touch){.id = id,
	    .now_ms = now_ms,
	    .revision = &health->revision,
	    .on_move = health->on_move,
	    .ctx = health->ctx};
}

/* ---- models ---- */

static struct health_model *
find_model(struct health_entry *entry, const char *name)
{
	for (size_t i = 0; i < entry->model_count; i++) {
		if (strcmp(entry->models[i].name, name) == 0)
			return &entry->models[i];
	}
	return NULL;
}

static void
drop_model(struct health_entry *entry, size_t index)
{
	mem_free(entry->models[index].name);
	entry->models[index] = entry->models[--entry->model_count];
}

/* With all places taken the one that rests least gives way: names are the clients' choice. */
static struct health_model *
add_model(struct health_entry *entry, const char *name)
{
	if (entry->models == NULL)
		entry->models = mem_calloc(HEALTH_MODELS_MAX, sizeof(*entry->models));
	if (entry->model_count == HEALTH_MODELS_MAX) {
		size_t least = 0;
		for (size_t i = 1; i < entry->model_count; i++) {
			const struct health_unit *unit = &entry->models[i].unit,
						 *other = &entry->models[least].unit;
			if (unit->state < other->state ||
			    (unit->state == other->state && unit->until_ms < other->until_ms))
				least = i;
		}
		drop_model(entry, least);
	}
	struct health_model *model = &entry->models[entry->model_count++];
	*model = (struct health_model){.name = mem_dup_str(name)};
	return model;
}

/* What is plainly well need not be kept. */
static void
drop_if_well(struct health_entry *entry, size_t index)
{
	const struct health_unit *unit = &entry->models[index].unit;
	if (unit->state == HEALTH_UP && unit->trips == 0)
		drop_model(entry, index);
}

/* ---- all of them ---- */

static void
fini_entry(struct health_entry *entry)
{
	mem_free(entry->id);
	for (size_t i = 0; i < entry->model_count; i++)
		mem_free(entry->models[i].name);
	mem_free(entry->models);
}

void
health_fini(struct health *health)
{
	for (size_t i = 0; i < health->entry_count; i++)
		fini_entry(&health->entries[i]);
	for (size_t i = 0; i < health->address_count; i++)
		mem_free(health->addresses[i].url);
	mem_free(health->entries);
	mem_free(health->addresses);
	health->entries = NULL;
	health->addresses = NULL;
	health->entry_count = health->address_count = 0;
}

struct health_entry *
health_find(const struct health *health, const char *id)
{
	for (size_t i = 0; i < health->entry_count; i++) {
		if (strcmp(health->entries[i].id, id) == 0)
			return &health->entries[i];
	}
	return NULL;
}

static struct health_address *
find_address(const struct health *health, enum group group, const char *url)
{
	for (size_t i = 0; i < health->address_count; i++) {
		struct health_address *address = &health->addresses[i];
		if (address->group == group && strcmp(address->url, url) == 0)
			return address;
	}
	return NULL;
}

struct health_unit *
health_unit_of(struct health *health, enum group group, const char *name, bool address,
    uint64_t fingerprint, const char *model)
{
	struct health_address *found = address ? find_address(health, group, name) : NULL;
	struct health_entry *entry = address ? NULL : health_find(health, name);
	if (found != NULL)
		return &found->unit;
	if (entry == NULL || entry->group != group || entry->fingerprint != fingerprint)
		return NULL;
	if (model[0] == '\0')
		return &entry->unit;
	struct health_model *known = find_model(entry, model);
	if (known == NULL && entry->model_count < HEALTH_MODELS_MAX)
		known = add_model(entry, model);
	return known != NULL ? &known->unit : NULL;
}

static uint64_t
print_of(const struct upstream_entry *entry)
{
	uint8_t hashes[2][CRYPTO_SHA256_BYTES], both[CRYPTO_SHA256_BYTES];
	uint64_t print;
	crypto_sha256(view_of(entry->base_url), hashes[0]);
	crypto_sha256(secret_reveal(&entry->key), hashes[1]);
	crypto_sha256(view_make((const char *)hashes, sizeof(hashes)), both);
	memcpy(&print, both, sizeof(print));
	return print;
}

static size_t
sync_address(struct health *health, const struct health *old, enum group group, const char *url)
{
	struct health_address *address = find_address(health, group, url);
	if (address == NULL) {
		const struct health_address *before = find_address(old, group, url);
		address = &health->addresses[health->address_count++];
		*address = (struct health_address){.group = group, .url = mem_dup_str(url)};
		if (before != NULL)
			address->unit = before->unit;
	}
	return (size_t)(address - health->addresses);
}

static void
sync_entry(struct health *health, const struct health *old, enum group group,
    const struct upstream_entry *from)
{
	struct health_entry *entry = &health->entries[health->entry_count];
	struct health_entry *before = NULL;
	uint64_t print = print_of(from);
	/* Mostly nothing has moved. */
	if (health->entry_count < old->entry_count)
		before = &old->entries[health->entry_count];
	if (before == NULL || strcmp(before->id, from->id) != 0)
		before = health_find(old, from->id);
	*entry = (struct health_entry){0};
	if (before != NULL && before->fingerprint == print) {
		*entry = *before;
		before->models = NULL;
		before->model_count = 0;
	}
	entry->id = mem_dup_str(from->id);
	entry->group = group;
	entry->fingerprint = print;
	entry->address = sync_address(health, old, group, from->base_url);
	health->entry_count++;
}

void
health_sync(struct health *health, const struct table *table)
{
	struct health old = *health;
	size_t count = 0;
	for (size_t i = 0; i < GROUP_COUNT; i++)
		count += table->groups[i].count;
	health->entries = count > 0 ? mem_calloc(count, sizeof(*health->entries)) : NULL;
	health->addresses = count > 0 ? mem_calloc(count, sizeof(*health->addresses)) : NULL;
	health->entry_count = health->address_count = 0;
	for (unsigned i = 0; i < GROUP_COUNT; i++) {
		for (size_t k = 0; k < table->groups[i].count; k++)
			sync_entry(health, &old, (enum group)i, &table->groups[i].entries[k]);
	}
	health_fini(&old);
}

/* ---- what is reported ---- */

static void
note_model(struct health *health, struct health_touch touch, struct health_entry *entry,
    const struct report_outcome *outcome, uint64_t began_ms)
{
	struct health_model *model = find_model(entry, outcome->model);
	touch.model = outcome->model;
	if (outcome->success && model != NULL) {
		health_unit_good(&touch, &model->unit, began_ms, outcome->count, !outcome->begun);
		drop_if_well(entry, (size_t)(model - entry->models));
	} else if (!outcome->success && outcome->model[0] != '\0') {
		if (model == NULL)
			model = add_model(entry, outcome->model);
		health_unit_bad(
		    &touch, &model->unit, &health->limits[entry->group], outcome, began_ms);
	}
}

static void
note_failure(struct health *health, const struct health_touch *touch, struct health_entry *entry,
    const struct report_outcome *outcome, uint64_t began_ms)
{
	const struct health_limits *limits = &health->limits[entry->group];
	struct health_unit *address = &health->addresses[entry->address].unit;
	switch ((enum blame)outcome->blame) {
	case BLAME_NETWORK:
		health_unit_bad(touch, address, limits, outcome, began_ms);
		break;
	case BLAME_KEY:
	case BLAME_UPSTREAM:
		health_unit_bad(touch, &entry->unit, limits, outcome, began_ms);
		break;
	case BLAME_MODEL:
		note_model(health, *touch, entry, outcome, began_ms);
		break;
	case BLAME_NOBODY:
	case BLAME_REQUEST:
	case BLAME_US:
	case BLAME_CLIENT:
		break;
	}
}

static void
count_call(struct health_entry *entry, const struct report_outcome *outcome)
{
	/* Another was faster, or somebody wished it so. */
	if (outcome->begun || (!outcome->success && (outcome->blame == BLAME_NOBODY ||
							outcome->blame == BLAME_CLIENT)))
		return;
	if (!outcome->success) {
		entry->failures += outcome->count;
		return;
	}
	entry->successes += outcome->count;
	if (outcome->ttfb_ms > 0 && entry->ttfb_ms > 0)
		entry->ttfb_ms = (uint32_t)((7ull * entry->ttfb_ms + outcome->ttfb_ms + 4) / 8);
	else if (outcome->ttfb_ms > 0)
		entry->ttfb_ms = outcome->ttfb_ms;
}

static void
note_call(struct health *health, const struct health_touch *touch, struct health_entry *entry,
    const struct report_outcome *outcome, uint64_t began_ms)
{
	struct health_unit *address = &health->addresses[entry->address].unit;
	count_call(entry, outcome);
	/* Whatever the answer says, its address was reached. */
	if (outcome->success || outcome->status != 0)
		health_unit_good(touch, address, began_ms, outcome->count, !outcome->begun);
	if (outcome->success) {
		health_unit_good(touch, &entry->unit, began_ms, outcome->count, !outcome->begun);
		note_model(health, *touch, entry, outcome, began_ms);
	} else {
		note_failure(health, touch, entry, outcome, began_ms);
	}
}

static void
note_probe(struct health *health, const struct health_touch *touch, struct health_entry *entry,
    const struct report_outcome *outcome, uint64_t began_ms)
{
	entry->probe = (struct health_probe){.at_ms = touch->now_ms,
	    .seq = outcome->probe_seq,
	    .success = outcome->success,
	    .status = outcome->status};
	memcpy(entry->probe.reason, outcome->reason, sizeof(entry->probe.reason));
	health_unit_probed(touch, &health->addresses[entry->address].unit, outcome, began_ms);
	health_unit_probed(touch, &entry->unit, outcome, began_ms);
}

void
health_note(struct health *health, const struct report_outcome *outcome, uint64_t now_ms)
{
	struct health_entry *entry = health_find(health, outcome->upstream);
	if (entry == NULL)
		return;
	struct health_touch touch = touch_of(health, entry->id, now_ms);
	uint64_t began_ms = now_ms > outcome->age_ms ? now_ms - outcome->age_ms : 0;
	if (outcome->probe)
		note_probe(health, &touch, entry, outcome, began_ms);
	else if (outcome->generate)
		note_call(health, &touch, entry, outcome, began_ms);
}

/* ---- time ---- */

void
health_tick(struct health *health, uint64_t now_ms)
{
	for (size_t i = 0; i < health->address_count; i++) {
		struct health_touch touch = touch_of(health, health->addresses[i].url, now_ms);
		health_unit_tick(&touch, &health->addresses[i].unit);
	}
	for (size_t i = 0; i < health->entry_count; i++) {
		struct health_entry *entry = &health->entries[i];
		struct health_touch touch = touch_of(health, entry->id, now_ms);
		health_unit_tick(&touch, &entry->unit);
		for (size_t k = entry->model_count; k-- > 0;) {
			touch.model = entry->models[k].name;
			health_unit_tick(&touch, &entry->models[k].unit);
			drop_if_well(entry, k);
		}
	}
}

static uint64_t
next_of(
    const struct health *health, enum group group, const struct health_unit *unit, uint64_t now_ms)
{
	uint64_t step, end = health_unit_due(unit, false);
	(void)health_unit_probe_every(unit, health->limits[group].probe_max_ms, now_ms, &step);
	return step < end ? step : end;
}

uint64_t
health_next_ms(const struct health *health, uint64_t now_ms)
{
	uint64_t next = UINT64_MAX, one;
	for (size_t i = 0; i < health->address_count; i++) {
		const struct health_address *address = &health->addresses[i];
		one = next_of(health, address->group, &address->unit, now_ms);
		next = one < next ? one : next;
	}
	for (size_t i = 0; i < health->entry_count; i++) {
		const struct health_entry *entry = &health->entries[i];
		one = next_of(health, entry->group, &entry->unit, now_ms);
		next = one < next ? one : next;
		for (size_t k = 0; k < entry->model_count; k++) {
			one = health_unit_due(&entry->models[k].unit, true);
			next = one < next ? one : next;
		}
	}
	return next > now_ms ? next : now_ms + 1;
}

/* ---- by hand ---- */

static size_t
clear_entry(struct health *health, struct health_entry *entry, uint64_t now_ms)
{
	struct health_touch touch = touch_of(health, entry->id, now_ms);
	bool address = health_unit_clear(&touch, &health->addresses[entry->address].unit);
	bool own = health_unit_clear(&touch, &entry->unit);
	size_t count = address || own;
	for (; entry->model_count > 0; drop_model(entry, 0)) {
		touch.model = entry->models[0].name;
		count += health_unit_clear(&touch, &entry->models[0].unit);
	}
	return count;
}

size_t
health_clear(struct health *health, unsigned group, const char *id, uint64_t now_ms)
{
	size_t count = 0;
	for (size_t i = 0; i < health->entry_count; i++) {
		struct health_entry *entry = &health->entries[i];
		if ((group >= GROUP_COUNT || entry->group == group) &&
		    (id == NULL || strcmp(entry->id, id) == 0))
			count += clear_entry(health, entry, now_ms);
	}
	return count;
}

bool
health_probe_now(struct health *health, const char *id)
{
	struct health_entry *entry = health_find(health, id);
	if (entry == NULL)
		return false;
	entry->probe_seq++;
	health->revision++;
	return true;
}

void
health_set_limits(
    struct health *health, enum group group, const struct health_limits *limits, uint64_t now_ms)
{
	health->limits[group] = *limits;
	for (size_t i = 0; i < health->address_count; i++) {
		struct health_touch touch = touch_of(health, health->addresses[i].url, now_ms);
		if (health->addresses[i].group == group)
			health_unit_cut(&touch, &health->addresses[i].unit, limits);
	}
	for (size_t i = 0; i < health->entry_count; i++) {
		struct health_entry *entry = &health->entries[i];
		struct health_touch touch = touch_of(health, entry->id, now_ms);
		if (entry->group != group)
			continue;
		health_unit_cut(&touch, &entry->unit, limits);
		for (size_t k = 0; k < entry->model_count; k++) {
			touch.model = entry->models[k].name;
			health_unit_cut(&touch, &entry->models[k].unit, limits);
		}
	}
}

/* ---- what follows ---- */

struct health_view
health_view(const struct health *health, const struct health_entry *entry, uint64_t now_ms)
{
	const struct health_unit *units[] = {&entry->unit, &health->addresses[entry->address].unit};
	struct health_view view = {.unit = units[0]};
	uint64_t max_ms = health->limits[entry->group].probe_max_ms, step;
	for (size_t i = 0; i < 2; i++) {
		const struct health_unit *unit = units[i];
		enum health_state state = health_unit_state(unit, now_ms);
		uint32_t every = (uint32_t)health_unit_probe_every(unit, max_ms, now_ms, &step);
		uint32_t ramp = health_unit_ramp(unit, now_ms);
		if (state > view.state) {
			view.state = state;
			view.unit = unit;
			view.of_address = i == 1;
		}
		if (ramp > 0 && (view.ramp == 0 || ramp < view.ramp))
			view.ramp = ramp;
		if (state == HEALTH_COOLING && unit->until_ms > view.until_ms)
			view.until_ms = unit->until_ms;
		if (every > 0 && (view.probe_every_ms == 0 || every < view.probe_every_ms))
			view.probe_every_ms = every;
	}
	return view;
}
