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
	ERRAND_TRY,      /* the same because somebody asks for it, with words of its own */
};

/* All in libcurl's form; the key is the last of the headers. False when it cannot be made. */
MUST_CHECK bool errand_text_url(
    const struct upstream_entry *entry, enum errand_kind kind, struct bytes *out);
MUST_CHECK bool errand_text_headers(
    const struct upstream_entry *entry, enum errand_kind kind, struct bytes *out);
/* The body of an activation: those words. `ask_usage`: Chat streams are asked for it, in the
 * upstream's own protocol. */
MUST_CHECK bool errand_text_body(const struct table_activation *words,
    const struct upstream_entry *entry, bool ask_usage, struct bytes *out);
/* The model that is asked for. */
const char *errand_text_model(
    const struct table_activation *words, const struct upstream_entry *entry);
/* What an upstream says may repeat the key that was sent: each copy becomes as many '*'. */
void errand_text_mask(const struct upstream_entry *entry, struct bytes *text);
/* A probe's good sign: any whole head that does not speak of the key, of limits or of failure. One
 * without a list of models answers 404: it lives. */
struct outcome errand_text_judge(const struct outcome_facts *facts);

#endif
