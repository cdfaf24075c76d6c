/* clock: the only place that asks the time; tests put their own in. */
#ifndef PM_CLOCK_H
#define PM_CLOCK_H

#include <stdint.h>

struct clock_source {
	uint64_t (*mono_us)(void *ctx); /* never goes back */
	int64_t (*wall_ms)(void *ctx);  /* since 1970 UTC; may jump */
	void *ctx;
};

uint64_t clock_mono_us(void);
uint64_t clock_mono_ms(void);
int64_t clock_wall_ms(void);
/* NULL puts the real clock back. `source` is borrowed until then. */
void clock_replace(const struct clock_source *source);
/* "2026-11-22T18:24:22.877Z"; `out` holds at least 25 bytes. */
void clock_format_utc(int64_t wall_ms, char out[25]);

#endif
