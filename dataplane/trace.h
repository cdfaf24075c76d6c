/* trace: one request and its upstream calls as spans of OpenTelemetry, in OTLP's JSON. PURE: ids
 * and times come from outside. Names of attributes are those of its conventions for HTTP and for
 * generative AI where there is one. Never a prompt, an answer, a key or an address with secrets. */
#ifndef PM_TRACE_H
#define PM_TRACE_H

#include "bytes.h"
#include "record.h"
#include "table.h"
#include "view.h"
#include <stdbool.h>
#include <stdint.h>

#define TRACE_ID_BYTES 16
#define TRACE_SPAN_BYTES 8

/* Of one request. A zeroed one is not traced. */
struct trace {
	bool on;
	bool has_parent;
	char method[8];
	uint8_t id[TRACE_ID_BYTES];
	uint8_t parent[TRACE_SPAN_BYTES];
};

/* Reads the header `traceparent` (W3C Trace Context): a version but ff, ids of lower-case hex that
 * are not all zeros; more behind it only in later versions. False: it is none, and not looked at.
 * `sampled` is its flag. */
bool trace_parse_parent(struct view header, struct trace *trace, bool *sampled);
/* Is a trace with this id among those that are sampled? The same for all who ask. */
bool trace_is_sampled(const uint8_t id[TRACE_ID_BYTES], uint32_t sample_ppm);

/* The spans of a request that has ended, appended with commas between: its own, and one for each of
 * its calls as its child. `ids` gives 1 + record->attempt_count span ids. `table` knows the
 * upstreams. False at the limit of `out`, which is as it was then. */
MUST_CHECK bool trace_write(const struct trace *trace, const struct record *record,
    const struct table *table, const uint8_t (*ids)[TRACE_SPAN_BYTES], struct bytes *out);

/* Who sends them. */
struct trace_resource {
	const char *service, *instance, *host;
	int64_t pid;
};
/* What stands before and behind the spans of a request to a collector. */
MUST_CHECK bool trace_write_head(const struct trace_resource *resource, struct bytes *out);
MUST_CHECK bool trace_write_tail(struct bytes *out);
/* How many spans a collector says it has not taken, in its answer. */
uint64_t trace_rejected(struct view answer);

#endif
