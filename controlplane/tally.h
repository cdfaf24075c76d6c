/* tally: what /metrics tells of ended requests, counted as they are stored, so that it is what the
 * statistics add up to since this process began. In memory only: it begins at zero with the
 * process, and never goes down meanwhile. PURE, and bounded: see metrics.h. */
#ifndef PM_TALLY_H
#define PM_TALLY_H

#include "metrics.h"
#include "record.h"
#include "table.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TALLY_RESULTS 7
#define TALLY_KINDS 5
#define TALLY_BLAMES 8
#define TALLY_USAGES 3

/* What is counted by protocol, model, client key and upstream alike. */
struct tally_sums {
	uint64_t results[TALLY_RESULTS];
	uint64_t tokens[TALLY_KINDS];
	uint64_t nano_usd;
};

struct tally_named {
	char name[TABLE_NAME_BYTES_MAX + 1];
	struct tally_sums sums;
};

struct tally_upstream {
	char name[TABLE_NAME_BYTES_MAX + 1];
	uint64_t blames[TALLY_BLAMES];
	struct tally_sums sums; /* without results */
	struct metric_histogram first_byte;
};

struct tally_reason {
	char name[RECORD_WORD_BYTES];
	uint64_t calls;
};

struct tally_protocol {
	struct tally_sums sums;
	uint64_t blames[TALLY_BLAMES]; /* of requests that did not complete */
	uint64_t others, bytes_in, bytes_out, reasoning, web_searches, unpriced;
	uint64_t retries, hedges, hedges_won, rescued;
	uint64_t completed[PROTOCOL_COUNT], lossy[PROTOCOL_COUNT]; /* by the upstream's */
	struct metric_histogram first_byte, duration;
};

/* All zero at first. Of each list the last place, which has no name, is for all others. */
struct tally {
	struct tally_protocol protocols[PROTOCOL_COUNT];
	struct tally_named models[METRICS_MODELS_MAX + 1];
	struct tally_named keys[METRICS_CLIENT_KEYS_MAX + 1];
	struct tally_upstream upstreams[METRICS_UPSTREAMS_MAX + 1];
	struct tally_reason reasons[METRICS_REASONS_MAX + 1];
	size_t model_count, key_count, upstream_count, reason_count; /* places with a name */
	uint64_t usages[TALLY_USAGES], odd, unlisted;
	uint64_t stored, refused, missing; /* records */
};

/* A record that was stored now, and never before. */
void tally_add(struct tally *tally, const struct record *record);
/* Those of `count` records that `fresh` marks as such. */
void tally_add_batch(
    struct tally *tally, const struct record *records, size_t count, const bool *fresh);
/* Adds the samples of all that it holds. */
void tally_encode(const struct tally *tally, json_t *samples);

#endif
