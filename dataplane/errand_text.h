/* errand_text: what is sent on an errand. PURE. */
#ifndef PM_ERRAND_TEXT_H
#define PM_ERRAND_TEXT_H

#include "bytes.h"
#include "outcome.h"
#include "table.h"
#include <stdbool.h>

enum errand_kind {
	ERRAND_PROBE,    /* GET of the list of models: costs nothing */
	ERRAND_ACTIVATE, /* a small request for an answer, as a stream */
};

/* All in libcurl's form; the key is the last of the headers. False when it cannot be made. */
MUST_CHECK bool errand_text_url(
    const struct upstream_entry *entry, enum errand_kind kind, struct bytes *out);
MUST_CHECK bool errand_text_headers(
    const struct upstream_entry *entry, enum errand_kind kind, struct bytes *out);
/* The body of an activation: the table's words, in the upstream's own protocol. */
MUST_CHECK bool errand_text_body(
    const struct table *table, const struct upstream_entry *entry, struct bytes *out);
/* The model that is asked for. */
const char *errand_text_model(const struct table *table, const struct upstream_entry *entry);
/* A probe's good sign: any whole head that does not speak of the key, of limits or of failure. One
 * without a list of models answers 404: it lives. */
struct outcome errand_text_judge(const struct outcome_facts *facts);

#endif
