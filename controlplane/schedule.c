#include "schedule.h"
#include "mem.h"
#include "zone.h"

#define DAY_MIN 1440u
#define MINUTE_MS 60000
#define LOOK_AHEAD_MS (400ll * DAY_MIN * MINUTE_MS)
#define KNOWN_MS 3600000

static const struct schedule_day always = {.ranges = {{0, DAY_MIN}}, .count = 1};
static const struct schedule_day never = {.count = 0};

void
schedule_fini(struct schedule *schedule)
{
	mem_free(schedule->week);
	mem_free(schedule->dates);
	mem_free(schedule->zone);
	*schedule = (struct schedule){0};
}

/* ---- one day ---- */

/* One of this very year counts before one of each year. */
static const struct schedule_date *
find_date(const struct schedule *schedule, const struct zone_time *day)
{
	const struct schedule_date *found = NULL;
	for (size_t i = 0; i < schedule->date_count; i++) {
		const struct schedule_date *date = &schedule->dates[i];
		if (date->month != day->month || date->day != day->day)
			continue;
		if (date->year == day->year)
			return date;
		if (date->year == 0)
			found = date;
	}
	return found;
}

/* *whole: nothing of the day before reaches into it. */
static const struct schedule_day *
plan_of(const struct schedule *schedule, const struct zone_time *day, bool *whole)
{
	const struct schedule_date *date = find_date(schedule, day);
	*whole = true;
	if (date != NULL)
		return &date->plan;
	if ((schedule->days >> day->weekday & 1u) == 0)
		return &never;
	*whole = schedule->week == NULL;
	return *whole ? &always : &schedule->week[day->weekday];
}

bool
schedule_day_is_on(const struct schedule *schedule, const struct zone_time *day)
{
	bool whole;
	return plan_of(schedule, day, &whole)->count > 0;
}

static unsigned
days_of_month(int year, unsigned month)
{
	static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

static struct zone_time
day_before(struct zone_time day)
{
	day.weekday = (day.weekday + 6) % 7;
	if (--day.day == 0) {
		if (--day.month == 0) {
			day.month = 12;
			day.year--;
		}
		day.day = days_of_month(day.year, day.month);
	}
	return day;
}

static bool
covers(const struct schedule_day *plan, unsigned minute)
{
	for (unsigned i = 0; i < plan->count; i++) {
		if (minute >= plan->ranges[i].from && minute < plan->ranges[i].to)
			return true;
	}
	return false;
}

/* The first end of a range behind `minute`, or `best`. */
static unsigned
next_edge(const struct schedule_day *plan, unsigned minute, unsigned best)
{
	for (unsigned i = 0; i < plan->count; i++) {
		unsigned edges[] = {plan->ranges[i].from, plan->ranges[i].to};
		for (unsigned k = 0; k < 2; k++) {
			if (edges[k] > minute && edges[k] < best)
				best = edges[k];
		}
	}
	return best;
}

/* Whether it serves then; *minutes is how long nothing of the plan changes, by a clock that is not
 * set meanwhile. */
static bool
look(const struct schedule *schedule, const struct zone_time *then, unsigned *minutes)
{
	bool whole, ignored;
	const struct schedule_day *plan = plan_of(schedule, then, &whole);
	bool on = covers(plan, then->minute);
	unsigned edge = next_edge(plan, then->minute, DAY_MIN);
	if (!whole) {
		struct zone_time day = day_before(*then);
		const struct schedule_day *tail = plan_of(schedule, &day, &ignored);
		on = on || covers(tail, then->minute + DAY_MIN);
		edge = next_edge(tail, then->minute + DAY_MIN, edge + DAY_MIN) - DAY_MIN;
	}
	*minutes = edge - then->minute;
	return on;
}

/* ---- the next change ---- */

static int64_t
start_of_minute(int64_t wall_ms)
{
	int64_t over = wall_ms % MINUTE_MS;
	return wall_ms - (over < 0 ? over + MINUTE_MS : over);
}

static struct schedule_now
look_ahead(const struct schedule *schedule, int64_t wall_ms)
{
	unsigned minutes;
	struct zone_time local = zone_local(wall_ms);
	struct schedule_now now = {.on = look(schedule, &local, &minutes)};
	bool constant = schedule->days == SCHEDULE_ALL_DAYS && schedule->week == NULL;
	if (constant && schedule->date_count == 0)
		return now;
	for (int64_t at = start_of_minute(wall_ms); at < wall_ms + LOOK_AHEAD_MS;) {
		int64_t next = at + (int64_t)minutes * MINUTE_MS;
		struct zone_time then = zone_local(next);
		if (then.offset_s != local.offset_s && minutes > 1) {
			/* The clocks are set within: minute by minute. */
			next = at + MINUTE_MS;
			then = zone_local(next);
		}
		at = next;
		local = then;
		if (look(schedule, &local, &minutes) != now.on) {
			now.next_ms = at;
			break;
		}
	}
	return now;
}

struct schedule_now
schedule_at(struct schedule *schedule, int64_t wall_ms)
{
	const struct schedule_now *known = &schedule->known;
	if (schedule->has_known && wall_ms >= schedule->asked_ms &&
	    wall_ms < schedule->asked_ms + KNOWN_MS &&
	    (known->next_ms == 0 || wall_ms < known->next_ms))
		return *known;
	zone_enter(schedule->zone);
	schedule->known = look_ahead(schedule, wall_ms);
	zone_leave();
	schedule->asked_ms = wall_ms;
	schedule->has_known = true;
	return *known;
}
