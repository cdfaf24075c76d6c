#include "choose.h"
#include "must.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THINKING_SUFFIX "-thinking"

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

/* `to` with its '*' replaced by what that of `from` matched; a name that would be too long is not
 * changed. */
static struct view
fill(const char *from_text, const char *to_text, struct view model,
    char out[TABLE_NAME_BYTES_MAX + 1])
{
	struct view from = view_of(from_text), to = view_of(to_text), run = {0};
	ptrdiff_t star = view_find_char(from, '*'), place = view_find_char(to, '*');
	if (place < 0)
		return to;
	if (star >= 0)
		run = view_sub(model, (size_t)star, model.len + 1 - from.len);
	int len = snprintf(out, TABLE_NAME_BYTES_MAX + 1, "%.*s%.*s%s", (int)place, to.data,
	    VIEW_ARGS(run), to.data + place + 1);
	return len > TABLE_NAME_BYTES_MAX ? model : view_make(out, (size_t)len);
}

struct view
choose_name(
    const struct upstream_entry *entry, struct view model, char out[TABLE_NAME_BYTES_MAX + 1])
{
	for (size_t i = 0; i < entry->rename_count; i++) {
		const struct model_rename *rename = &entry->renames[i];
		if (choose_fits(rename->from, model))
			return fill(rename->from, rename->to, model, out);
	}
	return model;
}

struct view
choose_sent(const struct upstream_entry *entry, struct view model, struct view said,
    char out[TABLE_NAME_BYTES_MAX + 1], bool *thinks)
{
	struct view name = choose_name(entry, model, out);
	bool suffix = view_eq(name, said) && entry->protocol == PROTOCOL_ANTHROPIC &&
		      view_starts(name, "claude-") && view_ends(name, THINKING_SUFFIX);
	if (suffix)
		name.len -= strlen(THINKING_SUFFIX);
	if (thinks != NULL)
		*thinks = suffix;
	return name;
}

const struct model_rule *
choose_rule(const struct table *table, struct view model)
{
	for (size_t i = 0; i < table->model_rule_count && model.len > 0; i++) {
		if (choose_fits(table->model_rules[i].source, model))
			return &table->model_rules[i];
	}
	return NULL;
}

struct view
choose_ruled(const struct table *table, struct view model, char out[TABLE_NAME_BYTES_MAX + 1])
{
	const struct model_rule *rule = choose_rule(table, model);
	return rule != NULL ? fill(rule->source, rule->target, model, out) : model;
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

/* 0 = it does not. */
static int64_t
model_rests_until_ms(const struct upstream_entry *entry, const struct choose_asked *asked)
{
	char buffer[TABLE_NAME_BYTES_MAX + 1];
	struct view name = choose_sent(entry, asked->model, asked->said, buffer, NULL);
	for (size_t i = 0; i < entry->cooling_count && asked->model.len > 0; i++) {
		if (view_eq_str(name, entry->cooling[i].model) &&
		    asked->wall_ms < entry->cooling[i].until_ms)
			return entry->cooling[i].until_ms;
	}
	return 0;
}

int64_t
choose_resumes_ms(const struct upstream_entry *entry, const struct choose_asked *asked)
{
	if (asked->model.len > 0 && !serves_model(entry, asked->model))
		return 0;
	return entry->available ? model_rests_until_ms(entry, asked) : entry->resume_at_ms;
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

/* `last`: nobody else may. */
static bool
ramp_is_full(const struct upstream_entry *entry, const struct choose_load *load, bool last)
{
	return entry->ramp > 0 && load->in_flight >= entry->ramp &&
	       !(last && load->quiet_ms >= CHOOSE_RAMP_PAUSE_MS);
}

static enum choose_why
why(const struct upstream_entry *entry, const struct choose_asked *asked, size_t index, bool last)
{
	/* What no time changes comes first. */
	if (asked->model.len > 0 && !serves_model(entry, asked->model))
		return CHOOSE_MODEL_REFUSED;
	if (!entry->available)
		return CHOOSE_OFF;
	if (model_rests_until_ms(entry, asked) != 0)
		return CHOOSE_MODEL_COOLING;
	if (ramp_is_full(entry, load_of(asked, index), last))
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

static size_t
order(const struct table *table, const struct choose_asked *asked, struct choose_place *out,
    bool last)
{
	const struct upstream_list *list = &table->groups[asked->group];
	const struct group_policy *policy = &table->policies[asked->group];
	struct rank ranks[TABLE_UPSTREAMS_MAX];
	struct choose_place rest[TABLE_UPSTREAMS_MAX];
	size_t may = 0, other = 0;
	MUST(list->count <= TABLE_UPSTREAMS_MAX);
	for (size_t i = 0; i < list->count; i++) {
		const struct upstream_entry *entry = &list->entries[i];
		enum choose_why reason = why(entry, asked, i, last);
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

size_t
choose_order(const struct table *table, const struct choose_asked *asked, struct choose_place *out)
{
	size_t may = order(table, asked, out, false);
	return may > 0 ? may : order(table, asked, out, true);
}

int
choose_home(const struct table *table, const struct choose_asked *asked)
{
	const struct upstream_list *list = &table->groups[asked->group];
	const struct group_policy *policy = &table->policies[asked->group];
	struct rank best = {0};
	int home = -1;
	for (size_t i = 0; i < list->count; i++) {
		const struct upstream_entry *entry = &list->entries[i];
		bool may = entry->off != OFF_SCHEDULE &&
			   (asked->model.len == 0 || serves_model(entry, asked->model));
		struct rank rank = {
		    .key = key_of(policy, asked, entry, i),
		    .entry = (uint16_t)i,
		    .tier = (uint8_t)(entry->tier + 1),
		};
		if (may && (home < 0 || compare(&rank, &best) < 0)) {
			best = rank;
			home = (int)i;
		}
	}
	return home;
}

/* ---- groups ---- */

/* For each client protocol: its own groups, then those that can help out. */
struct preference {
	enum group own[2], others[2];
	size_t own_count, other_count;
};
static const struct preference preferences[PROTOCOL_COUNT] = {
    [PROTOCOL_ANTHROPIC] = {{GROUP_CLAUDE}, {GROUP_CODEX, GROUP_CHAT}, 1, 2},
    [PROTOCOL_CHAT] = {{GROUP_CHAT, GROUP_CHAT_VIA_CLAUDE}, {GROUP_CODEX, GROUP_CLAUDE}, 2, 2},
    [PROTOCOL_RESPONSES] = {{GROUP_CODEX}, {GROUP_CLAUDE, GROUP_CHAT}, 1, 2},
};

struct walk {
	const struct table *table;
	const struct choose_route *route;
	struct choose_group *out;
	size_t count;
	bool needs_conversion;
};

/* Some upstream of the list can serve, through conversion where that is allowed. */
static bool
serves(const struct upstream_list *list, const struct choose_route *route, bool converts)
{
	for (size_t i = 0; i < list->count; i++) {
		if ((converts && route->converts) || list->entries[i].protocol == route->client)
			return true;
	}
	return false;
}

static void
add_group(struct walk *walk, enum group group, bool own, bool converts)
{
	const struct upstream_list *list = &walk->table->groups[group];
	if (serves(list, walk->route, converts)) {
		walk->out[walk->count++] = (struct choose_group){group, own};
	} else if (list->count > 0 && group != GROUP_RETRY) {
		walk->needs_conversion = true;
	}
}

size_t
choose_groups(const struct table *table, const struct choose_route *route,
    struct choose_group out[GROUP_COUNT], bool *needs_conversion)
{
	const struct preference *preference = &preferences[route->client];
	enum convert_when when = table->policies[preference->own[0]].convert;
	struct walk walk = {.table = table, .route = route, .out = out};
	for (size_t i = 0; i < preference->own_count; i++)
		add_group(&walk, preference->own[i], true, route->lists || when != CONVERT_OFF);
	bool alone = walk.count == 0;
	bool others = when == CONVERT_BACKUP || (alone && (when == CONVERT_ALONE || route->lists));
	for (size_t i = 0; i < preference->other_count; i++) {
		if (others)
			add_group(&walk, preference->others[i], false, true);
		else if (table->groups[preference->others[i]].count > 0)
			walk.needs_conversion = true;
	}
	/* The old retry nodes served Claude and chat clients. */
	add_group(&walk, GROUP_RETRY, true, route->client == PROTOCOL_CHAT && when != CONVERT_OFF);
	if (needs_conversion != NULL)
		*needs_conversion = walk.needs_conversion;
	return walk.count;
}
