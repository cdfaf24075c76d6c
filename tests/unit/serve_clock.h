/* serve_clock: a wall clock that a test sets. */
#ifndef PM_SERVE_CLOCK_H
#define PM_SERVE_CLOCK_H

#include "clock.h"
#include <stdint.h>
#include <time.h>

static int64_t wall_ms; /* of the false clock at its start */
static uint64_t wall_start_us;

static uint64_t
mono_us(void *ctx)
{
	struct timespec now;
	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int64_t
wall(void *ctx)
{
	return wall_ms + (int64_t)((mono_us(ctx) - wall_start_us) / 1000);
}
static const struct clock_source false_clock = {mono_us, wall, NULL};

/* From now on the wall clock runs from `ms`. */
static void
set_wall(int64_t ms)
{
	wall_ms = ms;
	wall_start_us = mono_us(NULL);
	clock_replace(&false_clock);
}

#endif
