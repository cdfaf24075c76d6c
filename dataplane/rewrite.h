/* rewrite: what is changed in a request on its way to one upstream of the client's own protocol:
 * the model's name, too many cache_control marks, what that upstream has refused lately. PURE.
 * Bytes that need no change are not copied. */
#ifndef PM_REWRITE_H
#define PM_REWRITE_H

#include "arena.h"
#include "bytes.h"
#include "err.h"
#include "facts.h"
#include "lessons.h"
#include "splice.h"
#include "table.h"
#include "view.h"
#include <stdbool.h>
#include <stdint.h>

struct rewrite {
	char model[TABLE_NAME_BYTES_MAX + 1]; /* as the upstream gets it; "" = none or too long */
	struct splice splice;                 /* the body, once done */
	struct arena texts;                   /* what is put in */
	struct bytes head;                    /* members for the body's beginning */
	/* Those that hold for this upstream and model, and what thinking that we have switched on
	 * forbids. */
	struct lesson_list lessons;
	bool asks_usage; /* a Chat stream was made to tell its use of tokens, unlike its client
			    asked */
};

struct rewrite_call {
	const struct table *table;
	const struct upstream_entry *entry;
	enum protocol protocol; /* the client's */
	const struct lessons *lessons;
	struct view body; /* checked by request_facts_read; borrowed until rewrite_fini */
	const struct request_facts *facts;
	bool generates; /* the body asks for an answer or its count: only then it is changed */
	int64_t wall_ms;
	bool streams; /* a stream is asked for instead of a whole answer */
};

/* The name by the table's model rules alone: the first that fits counts, rules are not chained. */
void rewrite_rules(
    const struct table *table, const char *model, char out[TABLE_NAME_BYTES_MAX + 1]);
/* The name for `entry`: by the rules, then by the entry's renames. An Anthropic model that neither
 * names loses the suffix "-thinking"; *thinks (may be NULL) tells that it had it. */
void rewrite_model(const struct table *table, const struct upstream_entry *entry, const char *model,
    char out[TABLE_NAME_BYTES_MAX + 1], bool *thinks);
/* False only at a limit. */
MUST_CHECK bool rewrite_init(
    struct rewrite *rewrite, const struct rewrite_call *call, struct err *err);
/* The model's name stays. Fine on a zeroed one. */
void rewrite_fini(struct rewrite *rewrite);
/* What becomes of a client's header: false = it is left out; else *value is what is sent, borrowed
 * from the header or from `room`. */
bool rewrite_header(
    const struct rewrite *rewrite, struct view name, struct view *value, struct bytes *room);

#endif
