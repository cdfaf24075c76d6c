#include "schedule.h"
#include "must.h"
#include <time.h>

unsigned
schedule_weekday(int64_t wall_ms)
{
	struct tm local;
	time_t seconds = (time_t)(wall_ms / 1000);
	if (wall_ms % 1000 < 0)
		seconds--;
	tzset(); /* localtime_r alone need not notice a changed time zone */
	MUST(localtime_r(&seconds, &local) != NULL);
	return ((unsigned)local.tm_wday + 6) % 7;
}

bool
schedule_is_on(uint8_t days, unsigned weekday)
{
	return ((unsigned)days >> weekday & 1u) != 0;
}
