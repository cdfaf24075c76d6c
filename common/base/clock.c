#include "clock.h"
#include "must.h"
#include <stdio.h>
#include <time.h>

static uint64_t
real_mono_us(void *ctx)
{
	(void)ctx;
	struct timespec now;
	MUST(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static int64_t
real_wall_ms(void *ctx)
{
	(void)ctx;
	struct timespec now;
	MUST(clock_gettime(CLOCK_REALTIME, &now) == 0);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const struct clock_source real_source = {real_mono_us, real_wall_ms, NULL};
static const struct clock_source *source = &real_source;

uint64_t
clock_mono_us(void)
{
	return source->mono_us(source->ctx);
}

uint64_t
clock_mono_ms(void)
{
	return clock_mono_us() / 1000u;
}

int64_t
clock_wall_ms(void)
{
	return source->wall_ms(source->ctx);
}

void
clock_replace(const struct clock_source *other)
{
	source = other ? other : &real_source;
}

void
clock_format_utc(int64_t wall_ms, char out[25])
{
	/* Kept to years of four digits, so that the text always has its 24 bytes. */
	const int64_t last = 253402300799999; /* 9999-12-31T23:59:59.999Z */
	if (wall_ms < 0)
		wall_ms = 0;
	if (wall_ms > last)
		wall_ms = last;
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	MUST(gmtime_r(&seconds, &tm) != NULL);
	char text[80]; /* as wide as the compiler fears six ints to be */
	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(wall_ms % 1000));
	snprintf(out, 25, "%.24s", text);
}
