#include "stats_settings.h"
#include "mem.h"
#include "must.h"
#include "periods.h"
#include "price_rows.h"
#include "schema.h"
#include "zone.h"
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY_MS INT64_C(86400000)
#define NOON_MIN 720
#define MIB 1048576.0

struct counted {
	struct stats_settings settings;
	atomic_uint refs;
};

static void
name_day(const struct zone_time *time, char out[11])
{
	char text[48];
	(void)snprintf(text, sizeof(text), "%04d-%02u-%02u", time->year, time->month, time->day);
	memcpy(out, text, 10);
	out[10] = '\0';
}

/* From noon to noon: no clock change moves one into another day. */
static void
set_days(struct stats_settings *settings, int64_t wall_ms)
{
	struct zone_time today = zone_local(wall_ms);
	int64_t noon =
	    zone_wall_ms(today.year, today.month, today.day, NOON_MIN) - STATS_DAYS_BACK * DAY_MS;
	for (size_t i = 0; i < STATS_DAYS; i++) {
		struct zone_time day = zone_local(noon);
		struct stats_day *out = &settings->days[i];
		out->start_ms = zone_wall_ms(day.year, day.month, day.day, 0);
		name_day(&day, out->name);
		noon = zone_wall_ms(day.year, day.month, day.day, NOON_MIN) + DAY_MS;
	}
}

static struct table *
make_prices(const struct config *config)
{
	struct table *table = table_new();
	char id[TABLE_NAME_BYTES_MAX];
	for (size_t group = 0; config != NULL && group < GROUP_COUNT; group++) {
		const struct config_upstreams *list = &config->upstreams[group];
		for (size_t i = 0; i < list->count; i++) {
			struct upstream_entry *entry = table_add_upstream(table, (enum group)group);
			(void)snprintf(id, sizeof(id), "%s:%s", group_name((enum group)group),
			    list->items[i].id);
			entry->id = mem_dup_str(id);
			entry->price_ppm = price_rows_factor(list->items[i].entry);
		}
	}
	if (config != NULL)
		price_rows_add(table, config);
	return table;
}

static bool
has_budgets(const struct config *config)
{
	static const char *const names[] = {"tokens_per_day", "tokens_per_week", "tokens_per_month",
	    "usd_per_day", "usd_per_week", "usd_per_month"};
	for (size_t i = 0; config != NULL && i < config->client_key_count; i++) {
		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
			if (schema_number(
				config->client_keys[i].entry, SCHEMA_CLIENT_KEYS, names[k]) > 0)
				return true;
		}
	}
	return false;
}

struct stats_settings *
stats_settings_new(const struct config *config, int64_t wall_ms)
{
	struct counted *counted = MEM_NEW(struct counted);
	struct stats_settings *settings = &counted->settings;
	const json_t *words =
	    config != NULL ? schema_section_get(config->root, SCHEMA_STATISTICS) : NULL;
	atomic_init(&counted->refs, 1);
	settings->keep_days = (uint32_t)schema_number(words, SCHEMA_STATISTICS, "keep_days");
	settings->keep_bytes =
	    (uint64_t)(schema_number(words, SCHEMA_STATISTICS, "keep_mib") * MIB);
	settings->prices = make_prices(config);
	settings->periods = periods_now(config, wall_ms);
	settings->budgets = has_budgets(config);
	zone_enter(schema_text(words, SCHEMA_STATISTICS, "time_zone"));
	set_days(settings, wall_ms);
	zone_leave();
	return settings;
}

struct stats_settings *
stats_settings_ref(struct stats_settings *settings)
{
	struct counted *counted = (struct counted *)settings;
	(void)atomic_fetch_add(&counted->refs, 1);
	return settings;
}

void
stats_settings_unref(struct stats_settings *settings)
{
	struct counted *counted = (struct counted *)settings;
	if (counted == NULL || atomic_fetch_sub(&counted->refs, 1) != 1)
		return;
	table_unref(settings->prices); /* nobody else has it */
	mem_free(counted);
}

void
stats_settings_day(const struct stats_settings *settings, int64_t at_ms, char out[11])
{
	const struct stats_day *days = settings->days;
	size_t low = 0, high = STATS_DAYS - 1;
	if (at_ms < days[0].start_ms || at_ms >= days[high].start_ms) {
		struct tm utc;
		time_t seconds = (time_t)(at_ms / 1000);
		MUST(gmtime_r(&seconds, &utc) != NULL);
		(void)strftime(out, 11, "%Y-%m-%d", &utc);
		return;
	}
	while (low + 1 < high) {
		size_t middle = (low + high) / 2;
		if (days[middle].start_ms <= at_ms)
			low = middle;
		else
			high = middle;
	}
	memcpy(out, days[low].name, sizeof(days[low].name));
}
