#include "periods.h"
#include "schema.h"
#include "zone.h"

#define DAY_MS INT64_C(86400000)
#define NOON_MIN 720

/* The begin of the day that lies so many days from this one. From noon to noon: no clock change
 * moves one into another day. */
static int64_t
day_from(const struct zone_time *now, int days)
{
	int64_t noon = zone_wall_ms(now->year, now->month, now->day, NOON_MIN);
	struct zone_time day = zone_local(noon + days * DAY_MS);
	return zone_wall_ms(day.year, day.month, day.day, 0);
}

struct table_periods
periods_now(const struct config *config, int64_t wall_ms)
{
	struct table_periods periods;
	const json_t *words =
	    config != NULL ? schema_section_get(config->root, SCHEMA_STATISTICS) : NULL;
	zone_enter(schema_text(words, SCHEMA_STATISTICS, "time_zone"));
	struct zone_time now = zone_local(wall_ms);
	int monday = -(int)now.weekday;
	bool december = now.month == 12;
	periods.start_ms[PERIOD_DAY] = day_from(&now, 0);
	periods.end_ms[PERIOD_DAY] = day_from(&now, 1);
	periods.start_ms[PERIOD_WEEK] = day_from(&now, monday);
	periods.end_ms[PERIOD_WEEK] = day_from(&now, monday + 7);
	periods.start_ms[PERIOD_MONTH] = zone_wall_ms(now.year, now.month, 1, 0);
	periods.end_ms[PERIOD_MONTH] =
	    zone_wall_ms(now.year + december, december ? 1 : now.month + 1, 1, 0);
	zone_leave();
	return periods;
}
