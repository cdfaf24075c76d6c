/* loads: what this data plane itself knows of each upstream: requests in flight, how long its
 * answers take to begin. PURE. Outlives tables: an upstream is known by its id. */
#ifndef PM_LOADS_H
#define PM_LOADS_H

#include "choose.h"
#include "state.h"
#include "table.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOAD_SAMPLES 64 /* times to the first byte that the p95 is taken of */
#define LOAD_SAMPLES_MIN 20

struct load {
	char *id;
	unsigned refs;
	uint32_t in_flight;
	uint64_t entered_ms; /* when the last request was sent to it */
	uint32_t latency_ms; /* to the first byte, smoothed; 0 = unknown */
	bool good;           /* the last call that said anything went well */
	uint32_t samples[LOAD_SAMPLES];
	uint64_t sample_count; /* ever */
};

/* Those that are not in use make room for new ones beyond this. */
#define LOADS_MAX (2 * GROUP_COUNT * TABLE_UPSTREAMS_MAX)

struct loads;

struct loads *loads_new(void);
void loads_free(struct loads *loads); /* no reference may be left; NULL is fine */
/* One request more in flight, at `now_ms` of any clock that never goes back; found or made. Never
 * NULL. */
struct load *loads_enter(struct loads *loads, const char *id, uint64_t now_ms);
/* One less. */
void loads_leave(struct loads *loads, struct load *load);
/* An answer has begun after so long. */
void load_answered(struct load *load, uint32_t ttfb_ms);
/* 95 of 100 answers begin within this time; 0 until LOAD_SAMPLES_MIN are known. */
uint32_t load_p95_ms(const struct load *load);
/* The last call of that upstream went well; false when none was made. */
bool loads_are_good(const struct loads *loads, const char *id);
/* Those that have calls in flight, `max` at most: how many; names are borrowed until the next
 * loads_enter. */
size_t loads_list(const struct loads *loads, struct report_load *out, size_t max);
/* The figures of each entry of the list, in its order, for choose_order; `now_ms` of that clock. */
void loads_fill(struct loads *loads, const struct upstream_list *list, uint64_t now_ms,
    struct choose_load *out);

#endif
