#include "choose.h"
#include "must.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- hashes ---- */

/* Spreads what differs in a few bits over all of them (the finalizer of splitmix64). */
static uint64_t
mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/* FNV-1a. */
static uint64_t
hash(struct view text)
{
	uint64_t h = 0xcbf29ce484222325u;
	for (size_t i = 0; i < text.len; i++)
		h = (h ^ (unsigned char)text.data[i]) * 0x100000001b3u;
	return mix(h);
}

uint64_t
choose_session(struct view key)
{
	uint64_t session = hash(key);
	return session != 0 ? session : 1;
}

/* Rendezvous: each upstream draws as many tickets as it weighs; the highest ticket of all wins. */
static uint64_t
highest_ticket(uint64_t seed, const struct upstream_entry *entry)
{
	uint64_t id = hash(view_of(entry->id)), best = 0;
	for (uint64_t i = 1; i <= entry->weight; i++) {
		uint64_t ticket = mix(mix(seed ^ id) + i * 0x9e3779b97f4a7c15u);
		best = ticket > best ? ticket : best;
	}
	return best;
}

/* ---- models ---- */

bool
choose_fits(const char *pattern, struct view model)
{
	const char *star = NULL; /* the last one seen, and where its run ends so far */
	size_t at = 0, run = 0;
	while (at < model.len) {
		if (*pattern == '*') {
			star = pattern++;
			run = at;
		} else if (*pattern == model.data[at]) {
			pattern++;
			at++;
		} else if (star != NULL) {
			pattern = star + 1;
			at = ++run;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

struct view
choose_name(
    const struct upstream_entry *entry, struct view model, char out[TABLE_NAME_BYTES_MAX + 1])
{
	size_t i = 0;
	while (i < entry->rename_count && !choose_fits(entry->renames[i].from, model))
		i++;
	if (i == entry->rename_count)
		return model;
	struct view from = view_of(entry->renames[i].from), to = view_of(entry->renames[i].to);
	ptrdiff_t star = view_find_char(from, '*'), place = view_find_char(to, '*');
	if (place < 0)
		return to;
	struct view run = {0};
	if (star >= 0)
		run = view_sub(model, (size_t)star, model.len + 1 - from.len);
	int len = snprintf(out, TABLE_NAME_BYTES_MAX + 1, "%.*s%.*s%s", (int)place, to.data,
	    VIEW_ARGS(run), to.data + place + 1);
	return len > TABLE_NAME_BYTES_MAX ? model : view_make(out, (size_t)len);
}

static bool
serves_model(const struct upstream_entry *entry, struct view model)
{
	for (size_t i = 0; i < entry->model_count; i++) {
		if (choose_fits(entry->models[i].pattern, model))
			return true;
	}
	return entry->model_count == 0;
}

static bool
model_rests(const struct upstream_entry *entry, struct view model, int64_t wall_ms)
{
	char buffer[TABLE_NAME_BYTES_MAX + 1];
	struct view name = choose_name(entry, model, buffer);
	for (size_t i = 0; i < entry->cooling_count; i++) {
		if (view_eq_str(name, entry->cooling[i].model) &&
		    wall_ms < entry->cooling[i].until_ms)
			return true;
	}
	return false;
}

/* ---- the order ---- */

struct rank {
	uint64_t key; /* less is better */
	uint16_t entry;
	uint8_t tier; /* ... but first of all this */
};

static int
compare(const void *a, const void *b)
{
	const struct rank *one = a, *other = b;
	if (one->tier != other->tier)
		return one->tier < other->tier ? -1 : 1;
	if (one->key != other->key)
		return one->key < other->key ? -1 : 1;
	return one->entry < other->entry ? -1 : 1;
}

static const struct choose_load *
load_of(const struct choose_asked *asked, size_t index)
{
	static const struct choose_load none;
	return asked->loads != NULL ? &asked->loads[index] : &none;
}

static enum choose_why
why(const struct upstream_entry *entry, const struct choose_asked *asked, size_t index)
{
	if (!entry->available)
		return CHOOSE_OFF;
	if (asked->model.len > 0 && !serves_model(entry, asked->model))
		return CHOOSE_MODEL_REFUSED;
	if (asked->model.len > 0 && model_rests(entry, asked->model, asked->wall_ms))
		return CHOOSE_MODEL_COOLING;
	if (entry->ramp > 0 && load_of(asked, index)->in_flight >= entry->ramp)
		return CHOOSE_RAMP_FULL;
	return CHOOSE_MAY;
}

static uint64_t
key_of(const struct group_policy *policy, const struct choose_asked *asked,
    const struct upstream_entry *entry, size_t index)
{
	const struct choose_load *load = load_of(asked, index);
	bool bound = asked->session != 0 && policy->affinity_ttl_ms > 0;
	if (policy->pick == PICK_ORDER)
		return index;
	if (bound || policy->pick == PICK_WEIGHTED)
		return UINT64_MAX - highest_ticket(bound ? asked->session : asked->random, entry);
	if (policy->pick == PICK_LEAST_IN_FLIGHT)
		return ((uint64_t)load->in_flight << 16) / entry->weight;
	return load->latency_ms;
}

size_t
choose_order(const struct table *table, const struct choose_asked *asked, struct choose_place *out)
{
	const struct upstream_list *list = &table->groups[asked->group];
	const struct group_policy *policy = &table->policies[asked->group];
	struct rank ranks[TABLE_UPSTREAMS_MAX];
	struct choose_place rest[TABLE_UPSTREAMS_MAX];
	size_t may = 0, other = 0;
	MUST(list->count <= TABLE_UPSTREAMS_MAX);
	for (size_t i = 0; i < list->count; i++) {
		const struct upstream_entry *entry = &list->entries[i];
		enum choose_why reason = why(entry, asked, i);
		if (reason != CHOOSE_MAY) {
			rest[other++] = (struct choose_place){(uint16_t)i, reason};
			continue;
		}
		bool stays = asked->stay >= 0 && (size_t)asked->stay == i;
		ranks[may++] = (struct rank){
		    .key = key_of(policy, asked, entry, i),
		    .entry = (uint16_t)i,
		    .tier = stays ? 0 : (uint8_t)(entry->tier + 1),
		};
	}
	if (may > 0)
		qsort(ranks, may, sizeof(ranks[0]), compare);
	for (size_t i = 0; i < may; i++)
		out[i] = (struct choose_place){ranks[i].entry, CHOOSE_MAY};
	if (other > 0)
		memcpy(&out[may], rest, other * sizeof(rest[0]));
	return may;
}
