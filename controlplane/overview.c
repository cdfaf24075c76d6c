#include "overview.h"
#include "access.h"
#include "assemble.h"
#include "must.h"

#define CHANGES_MAX 96 /* of a schedule in a day that are told */

static void
put(json_t *obj, const char *key, json_t *value)
{
	MUST(value != NULL && json_object_set_new(obj, key, value) == 0);
}

static json_t *
encode_upstream(const char *id, const char *name, enum tier tier, const char *base_url,
    const struct secret *key)
{
	char masked[SECRET_MASK_BYTES];
	secret_mask(key, masked);
	json_t *item = json_object();
	put(item, "id", json_string(id));
	put(item, "name", json_string(name));
	put(item, "tier", json_string(tier == TIER_BACKUP ? "backup" : "primary"));
	put(item, "base_url", json_string(base_url));
	put(item, "key", json_string(masked));
	return item;
}

/* ---- health ---- */

/* A moment on our clock as wall clock; null for 0. */
static json_t *
wall(const struct overview *overview, uint64_t at_ms)
{
	return at_ms > 0 ? json_integer((json_int_t)at_ms + overview->offset_ms) : json_null();
}

static void
put_unit(json_t *item, const struct overview *overview, const struct health_unit *unit)
{
	enum health_state state = health_unit_state(unit, overview->now_ms);
	bool told = unit->error_ms > 0 && state != HEALTH_UP;
	put(item, "state", json_string(health_state_words[state]));
	put(item, "reason", json_string(told ? unit->reason : ""));
	put(item, "blame", json_string(blame_words[told ? unit->blame : BLAME_NOBODY]));
	put(item, "status", json_integer(told ? unit->status : 0));
	put(item, "errors", json_integer(unit->errors));
	put(item, "since_ms", wall(overview, unit->since_ms));
	put(item, "until_ms", wall(overview, state == HEALTH_COOLING ? unit->until_ms : 0));
}

static json_t *
encode_probe(const struct overview *overview, const struct health_probe *probe)
{
	if (probe->at_ms == 0)
		return json_null();
	json_t *item = json_object();
	put(item, "at_ms", wall(overview, probe->at_ms));
	put(item, "seq", json_integer((json_int_t)probe->seq));
	put(item, "success", json_boolean(probe->success));
	put(item, "status", json_integer(probe->status));
	put(item, "reason", json_string(probe->reason));
	return item;
}

static json_t *
encode_health(const struct overview *overview, const struct health_entry *entry)
{
	struct health_view view = health_view(overview->health, entry, overview->now_ms);
	json_t *item = json_object(), *models = json_array();
	put_unit(item, overview, view.unit);
	put(item, "whole_address", json_boolean(view.of_address));
	put(item, "ramp", json_integer(view.ramp));
	put(item, "probe_every_ms", json_integer(view.probe_every_ms));
	put(item, "probe_seq", json_integer((json_int_t)entry->probe_seq));
	put(item, "probe", encode_probe(overview, &entry->probe));
	put(item, "successes", json_integer((json_int_t)entry->successes));
	put(item, "failures", json_integer((json_int_t)entry->failures));
	put(item, "ttfb_ms", json_integer(entry->ttfb_ms));
	for (size_t i = 0; i < entry->model_count; i++) {
		json_t *model = json_object();
		put(model, "model", json_string(entry->models[i].name));
		put_unit(model, overview, &entry->models[i].unit);
		MUST(json_array_append_new(models, model) == 0);
	}
	put(item, "models", models);
	return item;
}

/* ---- upstreams ---- */

static const char *
why_off(const struct upstream_entry *entry)
{
	switch (entry->off) {
	case OFF_SCHEDULE:
		return "not scheduled now";
	case OFF_COOLING:
		return "resting after failures";
	case OFF_NOT:
		break;
	}
	return "";
}

static void
put_place(json_t *item, const struct overview *overview, enum group group, size_t index)
{
	const struct upstream_list *list = &overview->table->groups[group];
	const struct upstream_entry *entry = &list->entries[index];
	const struct health_entry *health = health_find(overview->health, entry->id);
	put(item, "rank", json_integer(assemble_rank(list, index)));
	put(item, "enabled", json_true());
	put(item, "available", json_boolean(entry->available));
	put(item, "reason", json_string(why_off(entry)));
	put(item, "demo", json_boolean(entry->demo));
	put(item, "health", health != NULL ? encode_health(overview, health) : json_null());
}

static void
put_disabled(json_t *item)
{
	put(item, "rank", json_integer(0));
	put(item, "enabled", json_false());
	put(item, "available", json_false());
	put(item, "reason", json_string("disabled"));
	put(item, "demo", json_false());
	put(item, "health", json_null());
}

static void
put_schedule(json_t *item, const struct overview *overview, struct schedule *schedule)
{
	int64_t wall_ms = (int64_t)overview->now_ms + overview->offset_ms;
	struct schedule_now now = {.on = true};
	if (schedule != NULL)
		now = schedule_at(schedule, wall_ms);
	put(item, "scheduled", json_boolean(now.on));
	put(item, "schedule_changes_ms",
	    now.next_ms != 0 ? json_integer(now.next_ms) : json_null());
}

/* When it is on today, by the day of the budgets; null: which day it is is not known yet. */
static void
put_day(json_t *item, const struct overview *overview, struct schedule *schedule)
{
	const struct table_periods *periods = &overview->table->periods;
	int64_t start_ms = periods->start_ms[0], end_ms = periods->end_ms[0];
	struct schedule_now now = {.on = true};
	if (start_ms == 0) {
		put(item, "day", json_null());
		return;
	}
	if (schedule != NULL)
		now = schedule_at(schedule, start_ms);
	json_t *changes = json_array();
	json_t *day = json_pack("{s:I, s:I, s:b, s:o}", "start_ms", (json_int_t)start_ms, "end_ms",
	    (json_int_t)end_ms, "on", (int)now.on, "changes_ms", changes);
	bool on = now.on;
	for (size_t i = 0; i < CHANGES_MAX && now.next_ms != 0 && now.next_ms < end_ms; i++) {
		int64_t at_ms = now.next_ms;
		now = schedule_at(schedule, at_ms);
		if (now.on != on)
			MUST(json_array_append_new(changes, json_integer(at_ms)) == 0);
		on = now.on;
	}
	put(item, "day", day);
}

static void
put_in_flight(json_t *item, const json_t *loads, const char *id)
{
	put(item, "in_flight", json_integer(json_integer_value(json_object_get(loads, id))));
}

/* The configured ones in their order; the table holds the enabled among them in the same order, or
 * the demo upstream when there is none. */
static json_t *
encode_upstreams(const struct overview *overview, enum group group, const json_t *loads)
{
	const struct config *config = overview->reload->config;
	const struct upstream_list *list = &overview->table->groups[group];
	json_t *out = json_array();
	size_t placed = 0;
	for (size_t i = 0; config != NULL && i < config->upstreams[group].count; i++) {
		struct config_upstream *from = &config->upstreams[group].items[i];
		json_t *item =
		    encode_upstream(from->id, from->name, from->tier, from->base_url, &from->key);
		if (from->enabled) {
			put_place(item, overview, group, placed++);
		} else {
			put_disabled(item);
		}
		put_schedule(item, overview, &from->schedule);
		put_day(item, overview, &from->schedule);
		char id[TABLE_NAME_BYTES_MAX];
		(void)snprintf(id, sizeof(id), "%s:%s", group_name(group), from->id);
		put(item, "activation", activation_encode(overview->activation, id, from));
		put_in_flight(item, loads, id);
		MUST(json_array_append_new(out, item) == 0);
	}
	for (; placed < list->count; placed++) {
		const struct upstream_entry *from = &list->entries[placed];
		json_t *item =
		    encode_upstream(from->id, from->name, from->tier, from->base_url, &from->key);
		put_place(item, overview, group, placed);
		put_schedule(item, overview, NULL);
		put_day(item, overview, NULL);
		put(item, "activation", json_null());
		put_in_flight(item, loads, from->id);
		MUST(json_array_append_new(out, item) == 0);
	}
	return out;
}

static json_t *
encode_groups(const struct overview *overview, bool *demo)
{
	json_t *out = json_array(), *loads = dataplanes_loads(overview->dataplanes);
	*demo = false;
	for (unsigned i = 0; i < GROUP_COUNT; i++) {
		enum group group = (enum group)i;
		json_t *item = json_object();
		put(item, "group", json_string(group_name(group)));
		put(item, "protocol", json_string(protocol_name(config_list(group)->protocol)));
		put(item, "pick",
		    json_string(policy_pick_words[overview->table->policies[i].pick]));
		put(item, "upstreams", encode_upstreams(overview, group, loads));
		MUST(json_array_append_new(out, item) == 0);
		const struct upstream_list *list = &overview->table->groups[i];
		*demo = *demo || (list->count > 0 && list->entries[0].demo);
	}
	json_decref(loads);
	return out;
}

static json_t *
encode_client_keys(const struct config *config)
{
	json_t *out = json_array();
	for (size_t i = 0; config != NULL && i < config->client_key_count; i++) {
		const struct config_client_key *key = &config->client_keys[i];
		json_t *item = json_object();
		put(item, "id", json_string(key->id));
		put(item, "name", json_string(key->name));
		put(item, "enabled", json_boolean(key->enabled));
		MUST(json_array_append_new(out, item) == 0);
	}
	return out;
}

json_t *
overview_encode(const struct overview *overview)
{
	bool demo;
	const struct reload *reload = overview->reload;
	json_t *error = reload_error_body(reload);
	json_t *path = json_string(reload->store.path);
	json_t *groups = encode_groups(overview, &demo);
	json_t *body = json_object();
	put(body, "version", json_integer((json_int_t)overview->table->version));
	put(body, "epoch", json_integer((json_int_t)overview->table->epoch));
	put(body, "started_ms", json_integer(overview->started_ms));
	put(body, "revision", json_integer((json_int_t)reload->revision));
	put(body, "etag", json_string(reload->etag));
	/* A path need not be UTF-8. */
	put(body, "config_path", path != NULL ? path : json_null());
	put(body, "config_error", error != NULL ? error : json_null());
	put(body, "demo", json_boolean(demo));
	put(body, "groups", groups);
	put(body, "dataplanes", dataplanes_encode(overview->dataplanes, overview->now_ms));
	put(body, "client_keys", encode_client_keys(reload->config));
	put(body, "lessons", lessons_kept_encode(overview->lessons));
	put(body, "users", access_encode(reload->config));
	put(body, "alerts", serve_alerts_encode(overview->alerts));
	return body;
}
