/* splice: a request body read from its client's bytes with a few of them replaced. PURE. */
#ifndef PM_SPLICE_H
#define PM_SPLICE_H

#include "bytes.h"
#include "err.h"
#include "table.h"
#include "view.h"
#include <stdbool.h>
#include <stddef.h>

/* What the dataplane needs from a body; one pass, nothing copied. */
struct request_facts {
	struct view model_raw; /* the string value with quotes, empty when absent */
	char model[256];       /* unescaped, "" when absent or longer */
	bool stream;           /* "stream": true */
	bool has_model;
};
/* Full JSON check. False with ERR_PARSE (offset in err->at) for no JSON or no object; false for
 * a repeated top-level "model" or "stream", a model that is no string, a stream that is neither
 * bool nor null. */
MUST_CHECK bool request_facts_read(struct view body, struct request_facts *out, struct err *err);

#define SPLICE_PIECES_MAX 8
struct splice {
	struct view pieces[SPLICE_PIECES_MAX]; /* read in order; borrowed body and `owned` */
	size_t count;
	uint64_t total_bytes;
	struct bytes owned;
};
/* Replaces the model's bytes when a rule names it (first match in order), else the whole body as
 * one piece. `model_out` (256 bytes) is the name that the upstream gets. */
void splice_init(struct splice *splice, struct view body, const struct request_facts *facts,
    const struct model_rule *rules, size_t rule_count, char *model_out);
void splice_fini(struct splice *splice);
/* Copies up to `len` bytes from absolute offset `at`; returns how many (0 at the end). */
size_t splice_read(const struct splice *splice, uint64_t at, char *out, size_t len);

#endif
