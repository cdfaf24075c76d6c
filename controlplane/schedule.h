/* schedule: on which days an upstream serves. Pure but for the time zone (TZ or /etc/localtime). */
#ifndef PM_SCHEDULE_H
#define PM_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#define SCHEDULE_ALL_DAYS 0x7fu

/* Local day of the week, Monday = 0. */
unsigned schedule_weekday(int64_t wall_ms);
/* `days` has bit 0 for Monday. */
bool schedule_is_on(uint8_t days, unsigned weekday);

#endif
