#include "loads.h"
#include "mem.h"
#include "must.h"
#include <stdlib.h>
#include <string.h>

#define BUCKETS 4096 /* a power of two, above LOADS_MAX */

struct loads {
	struct load *buckets[BUCKETS]; /* open addressing, found by id */
	size_t count;
};

struct loads *
loads_new(void)
{
	return MEM_NEW(struct loads);
}

void
loads_free(struct loads *loads)
{
	if (loads == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		if (loads->buckets[i] == NULL)
			continue;
		MUST(loads->buckets[i]->refs == 0);
		mem_free(loads->buckets[i]->id);
		mem_free(loads->buckets[i]);
	}
	mem_free(loads);
}

static size_t
find(const struct loads *loads, const char *id)
{
	size_t at = (size_t)choose_session(view_of(id)) % BUCKETS;
	while (loads->buckets[at] != NULL && strcmp(loads->buckets[at]->id, id) != 0)
		at = (at + 1) % BUCKETS;
	return at;
}

/* Forgets all that nobody uses. */
static void
make_room(struct loads *loads)
{
	struct load *kept[BUCKETS];
	size_t count = 0;
	for (size_t i = 0; i < BUCKETS; i++) {
		struct load *load = loads->buckets[i];
		loads->buckets[i] = NULL;
		if (load != NULL && load->refs > 0) {
			kept[count++] = load;
		} else if (load != NULL) {
			mem_free(load->id);
			mem_free(load);
		}
	}
	for (size_t i = 0; i < count; i++)
		loads->buckets[find(loads, kept[i]->id)] = kept[i];
	loads->count = count;
}

struct load *
loads_enter(struct loads *loads, const char *id, uint64_t now_ms)
{
	size_t at = find(loads, id);
	if (loads->buckets[at] == NULL) {
		if (loads->count >= LOADS_MAX) {
			make_room(loads);
			at = find(loads, id);
		}
		MUST(loads->count < BUCKETS - 1);
		loads->buckets[at] = MEM_NEW(struct load);
		loads->buckets[at]->id = mem_dup_str(id);
		loads->count++;
	}
	loads->buckets[at]->refs++;
	loads->buckets[at]->in_flight++;
	loads->buckets[at]->entered_ms = now_ms;
	return loads->buckets[at];
}

void
loads_leave(struct loads *loads, struct load *load)
{
	(void)loads;
	MUST(load->refs > 0 && load->in_flight > 0);
	load->refs--;
	load->in_flight--;
}

void
load_answered(struct load *load, uint32_t ttfb_ms)
{
	uint32_t ms = ttfb_ms > 0 ? ttfb_ms : 1;
	load->latency_ms =
	    load->latency_ms == 0 ? ms : (uint32_t)((7ull * load->latency_ms + ms + 4) / 8);
	load->samples[load->sample_count++ % LOAD_SAMPLES] = ms;
}

static int
compare(const void *a, const void *b)
{
	uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
	return (one > other) - (one < other);
}

uint32_t
load_p95_ms(const struct load *load)
{
	uint32_t sorted[LOAD_SAMPLES];
	size_t count =
	    load->sample_count < LOAD_SAMPLES ? (size_t)load->sample_count : LOAD_SAMPLES;
	if (count < LOAD_SAMPLES_MIN)
		return 0;
	memcpy(sorted, load->samples, count * sizeof(sorted[0]));
	qsort(sorted, count, sizeof(sorted[0]), compare);
	return sorted[(count * 95 + 99) / 100 - 1];
}

bool
loads_are_good(const struct loads *loads, const char *id)
{
	const struct load *load = loads->buckets[find(loads, id)];
	return load != NULL && load->good;
}

size_t
loads_list(const struct loads *loads, struct report_load *out, size_t max)
{
	size_t count = 0;
	for (size_t i = 0; i < BUCKETS && count < max; i++) {
		const struct load *load = loads->buckets[i];
		if (load != NULL && load->in_flight > 0)
			out[count++] = (struct report_load){load->id, load->in_flight};
	}
	return count;
}

void
loads_fill(
    struct loads *loads, const struct upstream_list *list, uint64_t now_ms, struct choose_load *out)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct load *load = loads->buckets[find(loads, list->entries[i].id)];
		out[i] = (struct choose_load){0};
		if (load != NULL) {
			out[i].in_flight = load->in_flight;
			out[i].latency_ms = load->latency_ms;
			out[i].quiet_ms = now_ms - load->entered_ms;
		}
	}
}
