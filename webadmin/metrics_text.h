/* metrics_text: samples as the text that Prometheus scrapes (format 0.0.4), and the description of
 * all metrics as Markdown and JSON. PURE; what there is stands in metrics.h. */
#ifndef PM_METRICS_TEXT_H
#define PM_METRICS_TEXT_H

#include "bytes.h"
#include <jansson.h>
#include <stddef.h>

#define METRICS_TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define METRICS_TEXT_BYTES_MAX ((size_t)16 * 1024 * 1024)

/* Appends the families in the order of their rows, each from all of `parts` (as metrics_put made
 * them; NULL = none). A sample that does not fit its row is left out and counted in *odd. False at
 * the limit of `out`. */
MUST_CHECK bool metrics_text_write(
    const json_t *const *parts, size_t part_count, struct bytes *out, size_t *odd);
/* METRICS.md from its first table on; false at the limit. */
MUST_CHECK bool metrics_text_manual(struct bytes *out);
/* {"metrics": [{name, type, unit, labels, help, source, series_max}], "labels": [{name, values_max,
 * help}]}; new reference. */
json_t *metrics_text_describe(void);

#endif
