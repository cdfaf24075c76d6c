#include "zone.h"
#include "fileio.h"
#include "mem.h"
#include "must.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NAME_BYTES_MAX 64
#define FILE_BYTES_MAX ((size_t)256 * 1024)

static bool entered, changed;
static char *before; /* TZ as it was, NULL = unset */

static bool
is_name(struct view name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];
		bool plain =
		    (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!plain && (c == '\0' || strchr("/_+-", c) == NULL))
			return false;
	}
	return name.len > 0 && name.len <= NAME_BYTES_MAX && name.data[0] != '/';
}

bool
zone_is_known(struct view name)
{
	char path[512];
	struct bytes text;
	const char *folder = getenv("TZDIR");
	if (!is_name(name))
		return false;
	int len = snprintf(path, sizeof(path), "%s/%.*s",
	    folder != NULL && *folder != '\0' ? folder : "/usr/share/zoneinfo", VIEW_ARGS(name));
	if (len < 0 || (size_t)len >= sizeof(path))
		return false;
	bytes_init(&text, FILE_BYTES_MAX);
	bool known = fileio_read(path, &text, NULL) && view_starts(bytes_view(&text), "TZif");
	bytes_fini(&text);
	return known;
}

static bool
read_part(struct view text, size_t from, size_t len, unsigned *out)
{
	uint64_t number;
	if (!view_to_u64(view_sub(text, from, len), &number))
		return false;
	*out = (unsigned)number;
	return true;
}

bool
zone_day_read(struct view text, int *year, unsigned *month, unsigned *day)
{
	static const unsigned lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	unsigned y;
	if (text.len != 10 || text.data[4] != '-' || text.data[7] != '-' ||
	    !read_part(text, 0, 4, &y) || !read_part(text, 5, 2, month) ||
	    !read_part(text, 8, 2, day))
		return false;
	bool leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
	*year = (int)y;
	return y >= 1970 && *month >= 1 && *month <= 12 && *day >= 1 &&
	       *day <= lengths[*month - 1] && (leap || *month != 2 || *day <= 28);
}

void
zone_enter(const char *name)
{
	char value[NAME_BYTES_MAX + 2];
	MUST(!entered);
	entered = true;
	changed = name != NULL;
	if (changed) {
		const char *old = getenv("TZ");
		before = old != NULL ? mem_dup_str(old) : NULL;
		/* The colon: a name of a file, whatever it looks like. */
		snprintf(value, sizeof(value), ":%s", zone_is_known(view_of(name)) ? name : "UTC");
		MUST(setenv("TZ", value, 1) == 0);
	}
	tzset(); /* localtime_r alone need not notice */
}

void
zone_leave(void)
{
	MUST(entered);
	entered = false;
	if (!changed)
		return;
	MUST((before != NULL ? setenv("TZ", before, 1) : unsetenv("TZ")) == 0);
	mem_free(before);
	before = NULL;
	tzset();
}

struct zone_time
zone_local(int64_t wall_ms)
{
	struct tm local;
	time_t seconds = (time_t)(wall_ms / 1000);
	MUST(entered);
	if (wall_ms % 1000 < 0)
		seconds--;
	MUST(localtime_r(&seconds, &local) != NULL);
	return (struct zone_time){
	    .year = local.tm_year + 1900,
	    .month = (unsigned)local.tm_mon + 1,
	    .day = (unsigned)local.tm_mday,
	    .weekday = ((unsigned)local.tm_wday + 6) % 7,
	    .minute = (unsigned)(local.tm_hour * 60 + local.tm_min),
	    .offset_s = (int32_t)local.tm_gmtoff,
	};
}

int64_t
zone_wall_ms(int year, unsigned month, unsigned day, unsigned minute)
{
	struct tm local = {
	    .tm_year = year - 1900,
	    .tm_mon = (int)month - 1,
	    .tm_mday = (int)day,
	    .tm_hour = (int)minute / 60,
	    .tm_min = (int)minute % 60,
	    .tm_isdst = -1,
	};
	MUST(entered);
	return (int64_t)mktime(&local) * 1000;
}
