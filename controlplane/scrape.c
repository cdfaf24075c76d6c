#include "scrape.h"
#include "figures.h"
#include "must.h"
#include <stdio.h>
#include <string.h>

/* Those of health, then ours. */
enum { STATE_OFF = HEALTH_COOLING + 1, STATE_DISABLED, STATES };

static const char *
state_word(unsigned state)
{
	if (state == STATE_OFF)
		return "off";
	return state == STATE_DISABLED ? "disabled" : health_state_words[state];
}

static int64_t
number(uint64_t value)
{
	return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static void
put(json_t *samples, enum metric metric, uint64_t value, const char *first, const char *second)
{
	const char *const labels[] = {first, second};
	metrics_put(samples, metric, number(value), labels);
}

/* ---- upstreams ---- */

struct telling {
	const struct overview *overview;
	json_t *samples;
	unsigned told; /* upstreams with series of their own */
	unsigned counts[GROUP_COUNT][STATES];
};

struct upstream {
	enum group group;
	char id[TABLE_NAME_BYTES_MAX + 1];
	const char *name;
	enum tier tier;
	unsigned state;
	uint64_t rest_ms;
	unsigned models_resting;
};

static void
look_at_health(const struct overview *overview, struct upstream *upstream)
{
	const struct health_entry *entry = health_find(overview->health, upstream->id);
	if (entry == NULL)
		return;
	struct health_view view = health_view(overview->health, entry, overview->now_ms);
	if (upstream->state != STATE_OFF)
		upstream->state = (unsigned)view.state;
	if (view.state == HEALTH_COOLING && view.until_ms > overview->now_ms)
		upstream->rest_ms = view.until_ms - overview->now_ms;
	for (size_t i = 0; i < entry->model_count; i++) {
		upstream->models_resting +=
		    health_unit_state(&entry->models[i].unit, overview->now_ms) == HEALTH_COOLING;
	}
}

static void
put_upstream(struct telling *telling, const struct upstream *upstream)
{
	const char *const labels[] = {upstream->id, upstream->name, group_name(upstream->group),
	    upstream->tier == TIER_BACKUP ? "backup" : "primary"};
	telling->counts[upstream->group][upstream->state]++;
	if (telling->told == METRICS_UPSTREAMS_MAX)
		return;
	telling->told++;
	metrics_put(telling->samples, METRIC_UPSTREAM_INFO, 1, labels);
	for (unsigned i = 0; i < STATES; i++)
		put(telling->samples, METRIC_UPSTREAM_STATE, upstream->state == i, upstream->id,
		    state_word(i));
	put(telling->samples, METRIC_UPSTREAM_REST, upstream->rest_ms, upstream->id, NULL);
	put(telling->samples, METRIC_UPSTREAM_MODELS_RESTING, upstream->models_resting,
	    upstream->id, NULL);
}

static void
put_placed(struct telling *telling, enum group group, const struct upstream_entry *entry)
{
	struct upstream upstream = {.group = group, .name = entry->name, .tier = entry->tier};
	(void)snprintf(upstream.id, sizeof(upstream.id), "%s", entry->id);
	if (entry->off == OFF_SCHEDULE)
		upstream.state = STATE_OFF;
	look_at_health(telling->overview, &upstream);
	put_upstream(telling, &upstream);
}

static void
put_disabled(struct telling *telling, enum group group, const struct config_upstream *from)
{
	struct upstream upstream = {
	    .group = group, .name = from->name, .tier = from->tier, .state = STATE_DISABLED};
	(void)snprintf(upstream.id, sizeof(upstream.id), "%s:%s", group_name(group), from->id);
	put_upstream(telling, &upstream);
}

static void
put_group(struct telling *telling, enum group group)
{
	const struct config *config = telling->overview->reload->config;
	const struct upstream_list *list = &telling->overview->table->groups[group];
	for (size_t i = 0; i < list->count; i++)
		put_placed(telling, group, &list->entries[i]);
	for (size_t i = 0; config != NULL && i < config->upstreams[group].count; i++) {
		if (!config->upstreams[group].items[i].enabled)
			put_disabled(telling, group, &config->upstreams[group].items[i]);
	}
	for (unsigned i = 0; i < STATES; i++)
		put(telling->samples, METRIC_UPSTREAMS, telling->counts[group][i],
		    group_name(group), state_word(i));
}

static void
put_client_keys(const struct config *config, json_t *samples)
{
	for (size_t i = 0;
	     config != NULL && i < config->client_key_count && i < METRICS_CLIENT_KEYS_MAX; i++)
		put(samples, METRIC_KEY_INFO, 1, config->client_keys[i].id,
		    config->client_keys[i].name);
}

/* ---- programs ---- */

static void
put_times(json_t *samples, const struct overview *overview, const char *program, int64_t start_ms)
{
	int64_t uptime_ms = (int64_t)overview->now_ms + overview->offset_ms - start_ms;
	put(samples, METRIC_PROCESS_START, (uint64_t)start_ms, program, NULL);
	/* The clock may have been set. */
	put(samples, METRIC_PROCESS_UPTIME, uptime_ms > 0 ? (uint64_t)uptime_ms : 0, program, NULL);
}

static void
put_process(json_t *samples, const struct report *report)
{
	const char *program = report->instance;
	put(samples, METRIC_PROCESS_CPU, report->cpu_ms, program, NULL);
	put(samples, METRIC_PROCESS_MEMORY, report->rss_bytes, program, NULL);
	put(samples, METRIC_PROCESS_FDS, report->open_fds, program, NULL);
	put(samples, METRIC_PROCESS_FDS_MAX, report->fds_max, program, NULL);
	put(samples, METRIC_PROCESS_STALL, report->loop_stall_ms, program, NULL);
}

static void
put_dataplane(const struct scrape *scrape, const struct dataplane *dataplane, json_t *samples)
{
	const struct overview *overview = &scrape->overview;
	const struct report *report = &dataplane->report;
	const char *program = report->instance;
	bool present = report->table_epoch == overview->table->epoch;
	put(samples, METRIC_DATAPLANE_TABLE_VERSION, present ? report->table_version : 0, program,
	    NULL);
	put(samples, METRIC_DATAPLANE_IN_FLIGHT, report->in_flight, program, NULL);
	put(samples, METRIC_DATAPLANE_CONNECTIONS, report->connections, program, NULL);
	put(samples, METRIC_DATAPLANE_REQUESTS, report->requests, program, NULL);
	put(samples, METRIC_DATAPLANE_CALLS, report->attempts, program, NULL);
	put(samples, METRIC_DATAPLANE_REPORT_AGE, overview->now_ms - dataplane->seen_ms, program,
	    NULL);
	put(samples, METRIC_JOURNAL_WAITING, report->journal_waiting, program, NULL);
	put(samples, METRIC_JOURNAL_OPEN, report->journal_open, program, NULL);
	put(samples, METRIC_JOURNAL_USED, report->journal_used_bytes, program, NULL);
	put(samples, METRIC_JOURNAL_LOST, report->journal_lost, program, NULL);
	put(samples, METRIC_JOURNAL_INTERRUPTED, report->journal_interrupted, program, NULL);
	put(samples, METRIC_SPANS_SENT, report->spans_sent, program, NULL);
	put(samples, METRIC_SPANS_DROPPED, report->spans_dropped, program, NULL);
	put_times(samples, overview, program, report->started_ms);
	put_process(samples, report);
}

/* One that died is known for a while beside its successor of the same name: a series must not be
 * told twice. */
static bool
has_successor(const struct dataplanes *all, const struct dataplane *dataplane)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct dataplane *other = &all->items[i];
		if (other != dataplane &&
		    strcmp(other->report.instance, dataplane->report.instance) == 0 &&
		    (other->report.started_ms > dataplane->report.started_ms ||
			(other->report.started_ms == dataplane->report.started_ms &&
			    other > dataplane)))
			return true;
	}
	return false;
}

static void
put_dataplanes(const struct scrape *scrape, json_t *samples)
{
	const struct dataplanes *all = scrape->overview.dataplanes;
	unsigned told = 0;
	for (size_t i = 0; i < all->count; i++) {
		if (has_successor(all, &all->items[i]))
			continue;
		if (told++ < METRICS_DATAPLANES_MAX)
			put_dataplane(scrape, &all->items[i], samples);
	}
	put(samples, METRIC_DATAPLANES, told, NULL, NULL);
}

static void
put_own(const struct scrape *scrape, json_t *samples)
{
	const struct overview *overview = &scrape->overview;
	struct figures figures = figures_take();
	struct report own = {.instance = "controlplane",
	    .cpu_ms = figures.cpu_ms,
	    .rss_bytes = figures.rss_bytes,
	    .open_fds = figures.open_fds,
	    .fds_max = figures.fds_max,
	    .loop_stall_ms = scrape->loop_stall_ms};
	put_times(samples, overview, own.instance, overview->started_ms);
	put_process(samples, &own);
	put(samples, METRIC_TABLE_VERSION, overview->table->version, NULL, NULL);
	put(samples, METRIC_STATISTICS_AWAY, scrape->statistics_away, NULL, NULL);
	put(samples, METRIC_CONFIG_GOOD, overview->reload->err.kind == ERR_NONE, NULL, NULL);
}

json_t *
scrape_encode(const struct scrape *scrape)
{
	json_t *samples = json_object();
	struct telling telling = {.overview = &scrape->overview, .samples = samples};
	tally_encode(scrape->tally, samples);
	for (unsigned i = 0; i < GROUP_COUNT; i++)
		put_group(&telling, (enum group)i);
	put_client_keys(scrape->overview.reload->config, samples);
	put_dataplanes(scrape, samples);
	put_own(scrape, samples);
	return samples;
}
