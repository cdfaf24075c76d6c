/* schedule: when an upstream serves: days of the week, hours, dates, in a time zone of its own.
 * Pure but for the zone (see zone.h).
 *
 * `days` and `dates` speak of calendar days: a range that passes midnight reaches into the next day
 * as far as that one is on. A date replaces the plan of its day. */
#ifndef PM_SCHEDULE_H
#define PM_SCHEDULE_H

#include "faults.h"
#include "view.h"
#include "zone.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCHEDULE_ALL_DAYS 0x7fu
#define SCHEDULE_RANGES_MAX 24 /* of a day */
#define SCHEDULE_DATES_MAX 366

struct schedule_range {
	uint16_t from, to; /* minutes of the day, from < to; past 1440 = of the next day */
};

struct schedule_day {
	struct schedule_range ranges[SCHEDULE_RANGES_MAX];
	unsigned count;
};

struct schedule_date {
	int year; /* 0 = each */
	unsigned month, day;
	struct schedule_day plan;
};

struct schedule_now {
	bool on;
	int64_t next_ms; /* when `on` changes, 0 = not within a year */
};

struct schedule {
	uint8_t days;              /* bit 0 = Monday */
	struct schedule_day *week; /* 7, Monday first; NULL = all day long */
	struct schedule_date *dates;
	size_t date_count;
	char *zone; /* NULL = the machine's */
	/* The last answer, good from `asked_ms` until it changes, but at most an hour. */
	struct schedule_now known;
	int64_t asked_ms;
	bool has_known;
};

/* From the words of a checked entry (schema.h): time_enabled, hours, time_zone, dates. */
void schedule_init(struct schedule *schedule, const json_t *entry);
void schedule_fini(struct schedule *schedule);
/* Whether it serves at that moment, and until when that holds. */
struct schedule_now schedule_at(struct schedule *schedule, int64_t wall_ms);

/* Any of that calendar day (of its own zone, which is entered) belongs to its plan. */
bool schedule_day_is_on(const struct schedule *schedule, const struct zone_time *day);

/* The checks of the words, for schema_check. */
void schedule_check_hours(const json_t *value, const char *path, struct faults *faults);
void schedule_check_dates(const json_t *value, const char *path, struct faults *faults);
void schedule_check_zone(const json_t *value, const char *path, struct faults *faults);

/* A moment as people write it, in the machine's zone: "Tue 03:00" (the next one), "03:00",
 * "2026-12-24 03:00", "now". */
bool schedule_parse_moment(struct view text, int64_t now_ms, int64_t *out_ms);

#endif
