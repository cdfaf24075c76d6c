/* zone: the calendar of a time zone, by the system's zone files. A zone is entered, asked and left
 * again: meanwhile the whole process has it, so nothing else may run between. */
#ifndef PM_ZONE_H
#define PM_ZONE_H

#include "err.h"
#include "view.h"
#include <stdbool.h>
#include <stdint.h>

struct zone_time {
	int year;
	unsigned month, day; /* from 1 */
	unsigned weekday;    /* Monday = 0 */
	unsigned minute;     /* of the day */
	int32_t offset_s;    /* east of UTC */
};

/* The system has a file for this IANA name. */
bool zone_is_known(struct view name);
/* "2026-11-26", a day of the calendar from 1970 on; false when it is none. */
MUST_CHECK bool zone_day_read(struct view text, int *year, unsigned *month, unsigned *day);
/* NULL = the machine's own zone; one that is not known counts as UTC. */
void zone_enter(const char *name);
void zone_leave(void);
/* Between the two: a moment in that zone. */
struct zone_time zone_local(int64_t wall_ms);
/* ... and back. A time that the clocks leave out is taken as if they had not been set. */
int64_t zone_wall_ms(int year, unsigned month, unsigned day, unsigned minute);

#endif
