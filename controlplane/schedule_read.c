#include "mem.h"
#include "schedule.h"
#include "view.h"
#include "zone.h"
#include <stdio.h>
#include <string.h>

#define DAY_MIN 1440u
#define PATH_BYTES 128

static struct view
text_of(const json_t *value)
{
	return view_make(json_string_value(value), json_string_length(value));
}

/* "09:30" as minutes, at most `max`. */
static bool
read_clock(struct view text, unsigned max, unsigned *out)
{
	uint64_t hour, minute;
	ptrdiff_t colon = view_find_char(text, ':');
	if (colon < 1 || colon > 2 || text.len != (size_t)colon + 3 ||
	    !view_to_u64(view_sub(text, 0, (size_t)colon), &hour) ||
	    !view_to_u64(view_from(text, (size_t)colon + 1), &minute) || minute > 59 ||
	    hour * 60 + minute > max)
		return false;
	*out = (unsigned)(hour * 60 + minute);
	return true;
}

/* "22:00-06:00"; an end that is not behind the start is of the next day. */
static bool
read_range(struct view text, struct schedule_range *out)
{
	unsigned from, to;
	ptrdiff_t dash = view_find_char(text, '-');
	if (dash < 0 ||
	    !read_clock(view_trim(view_sub(text, 0, (size_t)dash)), DAY_MIN - 1, &from) ||
	    !read_clock(view_trim(view_from(text, (size_t)dash + 1)), DAY_MIN, &to))
		return false;
	*out = (struct schedule_range){(uint16_t)from, (uint16_t)(to > from ? to : to + DAY_MIN)};
	return true;
}

static void
read_ranges(const json_t *list, const char *path, struct schedule_day *out, struct faults *faults)
{
	out->count = 0;
	if (json_array_size(list) > SCHEDULE_RANGES_MAX) {
		faults_error(faults, path, "has more than %d ranges", SCHEDULE_RANGES_MAX);
		return;
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (!read_range(text_of(json_array_get(list, i)), &out->ranges[out->count++]))
			faults_error(faults, path,
			    "range %zu must be like \"09:00-17:30\" (the end at most 24:00)",
			    i + 1);
	}
}

static bool
is_flag(const json_t *value)
{
	return json_is_boolean(value) ||
	       (json_is_integer(value) && (json_integer_value(value) | 1) == 1);
}

/* 24 flags, one for each hour. */
static void
read_grid(const json_t *list, const char *path, struct schedule_day *out, struct faults *faults)
{
	out->count = 0;
	if (json_array_size(list) != 24) {
		faults_error(faults, path, "must have 24 flags, or ranges like \"09:00-17:30\"");
		return;
	}
	for (unsigned i = 0; i < 24; i++) {
		const json_t *flag = json_array_get(list, i);
		if (!is_flag(flag))
			faults_error(faults, path, "hour %u must be true, false, 0 or 1", i);
		if (!json_is_true(flag) && json_integer_value(flag) != 1)
			continue;
		bool joins = out->count > 0 && out->ranges[out->count - 1].to == i * 60;
		if (!joins)
			out->ranges[out->count++].from = (uint16_t)(i * 60);
		out->ranges[out->count - 1].to = (uint16_t)(i * 60 + 60);
	}
}

/* null = all day, ranges, or 24 flags. */
static void
read_day(const json_t *value, const char *path, struct schedule_day *out, struct faults *faults)
{
	if (value == NULL || json_is_null(value)) {
		*out = (struct schedule_day){.ranges = {{0, DAY_MIN}}, .count = 1};
	} else if (!json_is_array(value)) {
		faults_error(faults, path, "must be a list of ranges or 24 flags, or null");
	} else if (json_array_size(value) == 0 || json_is_string(json_array_get(value, 0))) {
		read_ranges(value, path, out, faults);
	} else {
		read_grid(value, path, out, faults);
	}
}

/* Ranges for every day, or a list of days, Monday first. */
static void
read_week(const json_t *value, const char *path, struct schedule_day week[7], struct faults *faults)
{
	char at[PATH_BYTES];
	bool same = json_is_string(json_array_get(value, 0));
	if (!json_is_array(value) || (!same && json_array_size(value) > 7)) {
		faults_error(faults, path,
		    "must be a list of ranges like \"09:00-17:30\", or of 7 such lists");
		return;
	}
	if (same)
		read_ranges(value, path, &week[0], faults);
	for (size_t i = 0; i < 7; i++) {
		snprintf(at, sizeof(at), "%s[%zu]", path, i);
		if (same)
			week[i] = week[0];
		else
			read_day(json_array_get(value, i), at, &week[i], faults);
	}
}

/* "2026-12-25", or "12-25" for each year. */
static bool
read_date(struct view text, struct schedule_date *out)
{
	uint64_t year = 0, month, day;
	if (text.len == 10 && text.data[4] == '-') {
		if (!view_to_u64(view_sub(text, 0, 4), &year) || year == 0)
			return false;
		text = view_from(text, 5);
	}
	if (text.len != 5 || text.data[2] != '-' || !view_to_u64(view_sub(text, 0, 2), &month) ||
	    !view_to_u64(view_from(text, 3), &day) || month < 1 || month > 12 || day < 1 ||
	    day > 31)
		return false;
	out->year = (int)year;
	out->month = (unsigned)month;
	out->day = (unsigned)day;
	return true;
}

static void
read_exception(const char *key, const json_t *value, const char *path, struct schedule_date *out,
    struct faults *faults)
{
	if (!read_date(view_of(key), out))
		faults_error(faults, path, "must be a date: 2026-12-25, or 12-25 for each year");
	if (view_eq_str(text_of(value), "off")) {
		out->plan.count = 0;
	} else if (view_eq_str(text_of(value), "on")) {
		read_day(NULL, path, &out->plan, faults);
	} else if (json_is_array(value) && json_array_size(value) > 0) {
		read_ranges(value, path, &out->plan, faults);
	} else {
		faults_error(faults, path, "must be \"on\", \"off\" or a list of ranges");
	}
}

/* At most SCHEDULE_DATES_MAX; returns how many. `out` may be NULL. */
static size_t
read_dates(const json_t *value, const char *path, struct schedule_date *out, struct faults *faults)
{
	const char *key;
	json_t *item;
	size_t count = 0;
	if (!json_is_object(value) || json_object_size(value) > SCHEDULE_DATES_MAX) {
		faults_error(
		    faults, path, "must be an object of at most %d dates", SCHEDULE_DATES_MAX);
		return 0;
	}
	json_object_foreach((json_t *)(uintptr_t)value, key, item)
	{
		char at[PATH_BYTES];
		struct schedule_date date = {0};
		snprintf(at, sizeof(at), "%s.%s", path, key);
		read_exception(key, item, at, out != NULL ? &out[count] : &date, faults);
		count++;
	}
	return count;
}

/* ---- the words ---- */

void
schedule_check_hours(const json_t *value, const char *path, struct faults *faults)
{
	struct schedule_day week[7];
	read_week(value, path, week, faults);
}

void
schedule_check_dates(const json_t *value, const char *path, struct faults *faults)
{
	(void)read_dates(value, path, NULL, faults);
}

void
schedule_check_zone(const json_t *value, const char *path, struct faults *faults)
{
	if (!json_is_string(value)) {
		faults_error(faults, path, "must be a text");
	} else if (text_of(value).len > 0 && !zone_is_known(text_of(value))) {
		faults_warn(faults, path,
		    "is no time zone of this machine (like Europe/Berlin): UTC counts");
	}
}

static uint8_t
read_days(const json_t *list)
{
	unsigned days = SCHEDULE_ALL_DAYS;
	for (size_t i = 0; i < json_array_size(list) && i < 7; i++) {
		const json_t *day = json_array_get(list, i);
		if (!json_is_true(day) && json_number_value(day) == 0)
			days &= ~(1u << i);
	}
	return (uint8_t)days;
}

void
schedule_init(struct schedule *schedule, const json_t *entry)
{
	const json_t *hours = json_object_get(entry, "hours");
	const json_t *dates = json_object_get(entry, "dates");
	const json_t *zone = json_object_get(entry, "time_zone");
	struct faults none = {0};
	*schedule = (struct schedule){.days = read_days(json_object_get(entry, "time_enabled"))};
	if (json_array_size(hours) > 0) {
		schedule->week = mem_calloc(7, sizeof(*schedule->week));
		read_week(hours, "", schedule->week, &none);
	}
	if (json_object_size(dates) > 0) {
		schedule->dates = mem_calloc(json_object_size(dates), sizeof(*schedule->dates));
		schedule->date_count = read_dates(dates, "", schedule->dates, &none);
	}
	if (json_string_length(zone) > 0)
		schedule->zone = mem_dup(text_of(zone));
	faults_fini(&none);
}

/* ---- moments ---- */

/* "Tue", "tuesday". */
static bool
read_weekday(struct view text, unsigned *out)
{
	static const char *const names[] = {
	    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
	for (unsigned i = 0; i < 7; i++) {
		struct view name = view_of(names[i]);
		if (text.len >= 3 && text.len <= name.len &&
		    strncasecmp(text.data, names[i], text.len) == 0) {
			*out = i;
			return true;
		}
	}
	return false;
}

/* The next time it is that minute on that weekday (7 = any). */
static int64_t
find_moment(int64_t now_ms, unsigned weekday, unsigned minute)
{
	struct zone_time today = zone_local(now_ms);
	unsigned days = weekday < 7 ? (weekday + 7 - today.weekday) % 7 : 0;
	unsigned step = weekday < 7 ? 7 : 1;
	int64_t at = zone_wall_ms(today.year, today.month, today.day + days, minute);
	if (at >= now_ms)
		return at;
	return zone_wall_ms(today.year, today.month, today.day + days + step, minute);
}

bool
schedule_parse_moment(struct view text, int64_t now_ms, int64_t *out_ms)
{
	struct view day, rest = view_trim(text);
	struct schedule_date date = {0};
	unsigned weekday = 7, minute;
	*out_ms = now_ms;
	if (view_eq_nocase(rest, "now"))
		return true;
	if (view_find_char(rest, ' ') >= 0) {
		(void)view_split(&rest, ' ', &day);
		rest = view_trim(rest);
		if (!(read_date(day, &date) && date.year > 0) && !read_weekday(day, &weekday))
			return false;
	}
	if (!read_clock(rest, DAY_MIN - 1, &minute))
		return false;
	zone_enter(NULL);
	if (date.year > 0)
		*out_ms = zone_wall_ms(date.year, date.month, date.day, minute);
	else
		*out_ms = find_moment(now_ms, weekday, minute);
	zone_leave();
	return true;
}
