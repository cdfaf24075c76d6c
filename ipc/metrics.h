/* metrics: every figure that GET /metrics tells, described once. From these rows come the text that
 * is scraped, webadmin/METRICS.md and the description for pages; controlplane sends samples by
 * them.
 *
 * The number of series is bounded: each label has a number of values that it never passes, what is
 * beyond counts as METRICS_OTHER. */
#ifndef PM_METRICS_H
#define PM_METRICS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define METRICS_MODELS_MAX 50
#define METRICS_UPSTREAMS_MAX 100
#define METRICS_CLIENT_KEYS_MAX 100
#define METRICS_REASONS_MAX 80
#define METRICS_DATAPLANES_MAX 64
#define METRICS_LABELS_MAX 4
#define METRICS_OTHER "(other)"
#define METRICS_SERIES_MAX 10000 /* of all together: what may be, not what is */

/* In the order in which they are told. */
enum metric {
	METRIC_BUILD,
	METRIC_CONTROLPLANE_UP,
	/* Ended requests. */
	METRIC_REQUESTS,
	METRIC_FAULTS,
	METRIC_OTHER_REQUESTS,
	METRIC_FIRST_BYTE,
	METRIC_DURATION,
	METRIC_BODY_BYTES,
	METRIC_TOKENS,
	METRIC_REASONING,
	METRIC_WEB_SEARCHES,
	METRIC_COST,
	METRIC_UNPRICED,
	METRIC_USAGE,
	METRIC_ODD_USAGE,
	METRIC_RETRIES,
	METRIC_HEDGES,
	METRIC_HEDGES_WON,
	METRIC_RESCUED,
	METRIC_COMPLETED_BY,
	METRIC_LOSSY_BY,
	METRIC_MODEL_REQUESTS,
	METRIC_MODEL_TOKENS,
	METRIC_MODEL_COST,
	METRIC_KEY_INFO,
	METRIC_KEY_REQUESTS,
	METRIC_KEY_TOKENS,
	METRIC_KEY_COST,
	/* Upstreams. */
	METRIC_UPSTREAM_INFO,
	METRIC_UPSTREAM_CALLS,
	METRIC_UPSTREAM_FIRST_BYTE,
	METRIC_UPSTREAM_TOKENS,
	METRIC_UPSTREAM_COST,
	METRIC_CALLS_BY_REASON,
	METRIC_CALLS_UNLISTED,
	METRIC_UPSTREAM_STATE,
	METRIC_UPSTREAM_REST,
	METRIC_UPSTREAM_MODELS_RESTING,
	METRIC_UPSTREAMS,
	/* The programs. */
	METRIC_TABLE_VERSION,
	METRIC_CONFIG_GOOD,
	METRIC_DATAPLANES,
	METRIC_DATAPLANE_TABLE_VERSION,
	METRIC_DATAPLANE_IN_FLIGHT,
	METRIC_DATAPLANE_CONNECTIONS,
	METRIC_DATAPLANE_REQUESTS,
	METRIC_DATAPLANE_CALLS,
	METRIC_DATAPLANE_REPORT_AGE,
	METRIC_JOURNAL_WAITING,
	METRIC_JOURNAL_OPEN,
	METRIC_JOURNAL_USED,
	METRIC_JOURNAL_LOST,
	METRIC_JOURNAL_INTERRUPTED,
	METRIC_SPANS_SENT,
	METRIC_SPANS_DROPPED,
	METRIC_STATISTICS_AWAY,
	METRIC_RECORDS_STORED,
	METRIC_RECORDS_REFUSED,
	METRIC_RECORDS_MISSING,
	METRIC_PROCESS_START,
	METRIC_PROCESS_UPTIME,
	METRIC_PROCESS_CPU,
	METRIC_PROCESS_MEMORY,
	METRIC_PROCESS_FDS,
	METRIC_PROCESS_FDS_MAX,
	METRIC_PROCESS_STALL,
	METRIC_COUNT,
};

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };
extern const char *const metrics_kind_words[]; /* "counter", ... */

/* What a sample's whole number counts; text is in whole seconds and dollars. */
enum metric_unit { METRIC_ONE, METRIC_BYTES, METRIC_MS, METRIC_NANO_USD };
extern const char *const metrics_unit_words[]; /* "", "bytes", "seconds", "dollars" */

enum metric_label {
	LABEL_NONE,
	LABEL_PROTOCOL,
	LABEL_UPSTREAM_PROTOCOL,
	LABEL_RESULT,
	LABEL_BLAME,
	LABEL_DIRECTION,
	LABEL_KIND,
	LABEL_USAGE,
	LABEL_MODEL,
	LABEL_CLIENT_KEY,
	LABEL_UPSTREAM,
	LABEL_NAME,
	LABEL_GROUP,
	LABEL_TIER,
	LABEL_REASON,
	LABEL_STATE,
	LABEL_PROGRAM,
	LABEL_VERSION,
	LABEL_COUNT,
};

struct metric_label_row {
	const char *name;
	unsigned values_max;
	const char *help;
};
/* By enum metric_label; the first is empty. */
extern const struct metric_label_row metrics_labels[LABEL_COUNT];

struct metric_row {
	const char *name;
	enum metric_kind kind;
	enum metric_unit unit;
	enum metric_label labels[METRICS_LABELS_MAX]; /* LABEL_NONE behind the last */
	const char *help;
	const char *source; /* a word of METRICS.md: who counts it */
};
/* By enum metric. */
extern const struct metric_row metrics_rows[METRIC_COUNT];

size_t metrics_label_count(enum metric metric);
/* How many lines of a scrape it may take at the most. */
unsigned metrics_series_max(enum metric metric);

/* ---- histograms ---- */

#define METRICS_BOUNDS 14
extern const uint32_t metrics_bounds_ms[METRICS_BOUNDS];

struct metric_histogram {
	uint64_t counts[METRICS_BOUNDS + 1]; /* each by itself; the last: above all bounds */
	uint64_t sum_ms;
};
void metrics_observe(struct metric_histogram *histogram, uint64_t ms);

/* ---- samples: {name: [[number(s), label...]]} ---- */

/* Adds one of a counter or a gauge, in whole units; `labels` has metrics_label_count texts. */
void metrics_put(json_t *samples, enum metric metric, int64_t value, const char *const *labels);
/* Adds one of a histogram: its sum and counts stand for the number. */
void metrics_put_histogram(json_t *samples, enum metric metric,
    const struct metric_histogram *histogram, const char *const *labels);

#endif
