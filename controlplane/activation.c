#include "activation.h"
#include "mem.h"
#include "must.h"
#include "schema.h"
#include "zone.h"
#include <stdio.h>
#include <string.h>

#define DAY_MS 86400000
#define LOOK_MS 60000           /* schedules and clocks may change */
#define AHEAD_MS (2ll * DAY_MS) /* no clock is set back by more that was right before */
#define DAYS_AHEAD 14           /* so far a day is looked for that is not off */

static void
item_fini(struct activation_item *item)
{
	mem_free(item->id);
}

void
activation_fini(struct activation *activation)
{
	for (size_t i = 0; i < activation->count; i++)
		item_fini(&activation->items[i]);
	mem_free(activation->items);
	*activation = (struct activation){0};
}

static struct activation_item *
find(const struct activation *activation, const char *id)
{
	for (size_t i = 0; i < activation->count; i++) {
		if (strcmp(activation->items[i].id, id) == 0)
			return &activation->items[i];
	}
	return NULL;
}

static struct activation_item *
find_or_add(struct activation *activation, const char *id)
{
	struct activation_item *item = find(activation, id);
	if (item != NULL)
		return item;
	activation->items =
	    mem_realloc(activation->items, (activation->count + 1) * sizeof(*activation->items));
	item = &activation->items[activation->count++];
	*item = (struct activation_item){.id = mem_dup_str(id)};
	return item;
}

static bool
is_wanted(const struct config_upstream *upstream)
{
	return upstream->enabled &&
	       schema_flag(upstream->entry, SCHEMA_UPSTREAMS, "activation_enabled");
}

/* Minutes of the day. */
static unsigned
time_of(const struct config_upstream *upstream)
{
	const char *text = schema_text(upstream->entry, SCHEMA_UPSTREAMS, "activation_time");
	struct view rest = view_of(text != NULL ? text : ""), part;
	uint64_t hours = 8, minutes = 0;
	if (view_split(&rest, ':', &part) && view_to_u64(part, &hours))
		(void)view_to_u64(rest, &minutes);
	return (unsigned)(hours * 60 + minutes);
}

/* ---- what is due ---- */

struct due {
	uint32_t day;
	int64_t at_ms, later_ms; /* today's; that of the next day which is not off */
	bool on;                 /* its schedule is not off today */
};

static struct due
find_due(const struct config_upstream *upstream, int64_t wall_ms)
{
	unsigned minute = time_of(upstream);
	zone_enter(upstream->schedule.zone);
	struct zone_time today = zone_local(wall_ms);
	struct due due = {
	    .day = (uint32_t)today.year * 10000 + today.month * 100 + today.day,
	    .at_ms = zone_wall_ms(today.year, today.month, today.day, minute),
	    .on = schedule_day_is_on(&upstream->schedule, &today),
	};
	for (unsigned i = 1; i <= DAYS_AHEAD; i++) {
		due.later_ms = zone_wall_ms(today.year, today.month, today.day + i, minute);
		struct zone_time later = zone_local(due.later_ms);
		if (schedule_day_is_on(&upstream->schedule, &later))
			break;
	}
	zone_leave();
	return due;
}

static void
begin_day(struct activation_item *item, uint32_t day)
{
	item->day = day;
	item->done = false;
	item->tries = 0;
}

static void
set_result(struct activation_item *item, int64_t wall_ms, bool success, uint32_t status,
    const char *reason)
{
	item->running = false;
	item->done = item->done || success;
	item->at_ms = wall_ms;
	item->success = success;
	item->status = status;
	(void)snprintf(item->reason, sizeof(item->reason), "%s", reason);
}

/* True when the item has changed. */
static bool
settle(struct activation_item *item, const struct due *due, int64_t wall_ms)
{
	bool changed = false;
	int64_t since_ms = wall_ms - item->asked_ms;
	/* A clock that was set back by a little brings no second day of the same date; one that was
	 * far ahead has told dates that are none yet. */
	bool was_ahead = since_ms < -AHEAD_MS;
	if (item->running && (since_ms >= ACTIVATION_LOST_MS || was_ahead)) {
		set_result(item, wall_ms, false, 0, "no_result");
		item->done = true;
		changed = true;
	}
	if ((due->day > item->day || was_ahead) && !item->running) {
		begin_day(item, due->day);
		item->asked_ms = was_ahead ? 0 : item->asked_ms;
		changed = true;
	}
	bool over =
	    item->done || item->tries >= ACTIVATION_TRIES_MAX || !due->on || due->day < item->day;
	int64_t next = due->at_ms;
	if (item->tries > 0 && next < item->asked_ms + ACTIVATION_AGAIN_MS)
		next = item->asked_ms + ACTIVATION_AGAIN_MS;
	item->next_ms = over ? due->later_ms : next;
	return changed;
}

static bool
may_order(const struct activation *activation, const struct activation_item *item, int64_t pause_ms,
    int64_t wall_ms)
{
	return !item->running && wall_ms >= item->next_ms &&
	       (activation->last_ms == 0 || wall_ms - activation->last_ms >= pause_ms ||
		   wall_ms < activation->last_ms);
}

static void
order(struct activation *activation, struct activation_item *item, uint64_t prober, int64_t wall_ms)
{
	item->seq = ++activation->last_seq;
	item->by = prober;
	item->running = true;
	item->tries++;
	item->asked_ms = wall_ms;
	activation->last_ms = wall_ms;
}

static void
look_at(struct activation *activation, const struct config *config, enum group group,
    const struct config_upstream *upstream, uint64_t prober, int64_t wall_ms, bool *ordered)
{
	char id[TABLE_NAME_BYTES_MAX];
	const json_t *times = schema_section_get(config->root, SCHEMA_TIMEOUTS);
	double pause = schema_number(times, SCHEMA_TIMEOUTS, "billing_send_interval");
	(void)snprintf(id, sizeof(id), "%s:%s", group_name(group), upstream->id);
	struct activation_item *item = find(activation, id);
	if (!is_wanted(upstream)) {
		if (item != NULL)
			item->wanted = false;
		return;
	}
	struct due due = find_due(upstream, wall_ms);
	item = find_or_add(activation, id);
	item->wanted = true;
	if (settle(item, &due, wall_ms))
		activation->revision++;
	if (prober == 0 || !may_order(activation, item, (int64_t)(pause * 1000), wall_ms))
		return;
	order(activation, item, prober, wall_ms);
	activation->revision++;
	*ordered = true;
}

/* Those of upstreams that are gone are kept no longer than a day: one that comes back under its id
 * on the same day is not activated twice. */
static void
forget(struct activation *activation, int64_t wall_ms)
{
	size_t kept = 0;
	for (size_t i = 0; i < activation->count; i++) {
		struct activation_item *item = &activation->items[i];
		bool old = wall_ms - item->asked_ms > 2ll * DAY_MS;
		if (!item->wanted && old) {
			item_fini(item);
			activation->revision++;
			continue;
		}
		activation->items[kept++] = *item;
	}
	activation->count = kept;
}

bool
activation_tick(
    struct activation *activation, const struct config *config, uint64_t prober, int64_t wall_ms)
{
	bool ordered = false;
	if (config == NULL)
		return false;
	for (size_t i = 0; i < activation->count; i++)
		activation->items[i].wanted = false;
	for (unsigned g = 0; g < GROUP_COUNT; g++) {
		for (size_t i = 0; i < config->upstreams[g].count; i++)
			look_at(activation, config, (enum group)g, &config->upstreams[g].items[i],
			    prober, wall_ms, &ordered);
	}
	forget(activation, wall_ms);
	return ordered;
}

int64_t
activation_next_ms(const struct activation *activation, int64_t wall_ms)
{
	int64_t next = 0;
	for (size_t i = 0; i < activation->count; i++) {
		const struct activation_item *item = &activation->items[i];
		int64_t at = item->running ? item->asked_ms + ACTIVATION_LOST_MS : item->next_ms;
		/* One that is due waits for its turn or for somebody to send it. */
		if (at <= wall_ms)
			at = wall_ms + 1000;
		if (item->wanted && (next == 0 || at < next))
			next = at;
	}
	return next != 0 && next > wall_ms + LOOK_MS ? wall_ms + LOOK_MS : next;
}

bool
activation_note(
    struct activation *activation, const struct report_outcome *outcome, int64_t wall_ms)
{
	struct activation_item *item = find(activation, outcome->upstream);
	if (!outcome->activation || item == NULL || outcome->probe_seq != item->seq)
		return false;
	set_result(item, wall_ms, outcome->success, outcome->status, outcome->reason);
	activation->revision++;
	return true;
}

void
activation_assemble(const struct activation *activation, struct table *table)
{
	for (size_t g = 0; g < GROUP_COUNT; g++) {
		for (size_t i = 0; i < table->groups[g].count; i++) {
			struct upstream_entry *entry = &table->groups[g].entries[i];
			const struct activation_item *item = find(activation, entry->id);
			if (item == NULL || !item->wanted)
				continue;
			entry->activate_seq = item->seq;
			entry->activate_by = item->by;
		}
	}
}

json_t *
activation_encode(
    const struct activation *activation, const char *id, const struct config_upstream *upstream)
{
	const struct activation_item *item = find(activation, id);
	char time[8];
	if (!is_wanted(upstream) || item == NULL)
		return json_null();
	unsigned minute = time_of(upstream);
	(void)snprintf(time, sizeof(time), "%02u:%02u", minute / 60 % 24, minute % 60);
	json_t *last =
	    item->at_ms == 0
		? json_null()
		: json_pack("{s:I, s:b, s:i, s:s}", "at_ms", (json_int_t)item->at_ms, "success",
		      (int)item->success, "status", (int)item->status, "reason", item->reason);
	json_t *body = json_pack("{s:s, s:I, s:i, s:b, s:o}", "time", time, "next_ms",
	    (json_int_t)item->next_ms, "tries", (int)item->tries, "running", (int)item->running,
	    "last", last);
	MUST(body != NULL);
	return body;
}
