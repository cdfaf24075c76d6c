/* rewrite: what is changed in a request on its way to one upstream of the client's own protocol:
 * the model's name, too many cache_control marks, what that upstream has refused lately. PURE.
 * Bytes that need no change are not copied. */
#ifndef PM_REWRITE_H
#define PM_REWRITE_H

#include "bytes.h"
#include "err.h"
#include "splice.h"
#include "table.h"
#include "view.h"
#include <stdbool.h>
#include <stdint.h>

struct lessons;

struct rewrite {
	char model[TABLE_NAME_BYTES_MAX + 1]; /* as the upstream gets it; "" = none or too long */
	struct splice splice;                 /* the body */
	const struct lessons *lessons;
	const struct upstream_entry *entry;
};

/* The name for `entry`: by the table's model rules (the first that fits, not chained), then by the
 * entry's renames. */
void rewrite_model(const struct table *table, const struct upstream_entry *entry, const char *model,
    char out[TABLE_NAME_BYTES_MAX + 1]);
/* `body` was checked by request_facts_read, is borrowed until rewrite_fini. `lessons` may be NULL.
 * False only at a limit. */
MUST_CHECK bool rewrite_init(struct rewrite *rewrite, const struct table *table,
    const struct upstream_entry *entry, const struct lessons *lessons, struct view body,
    const struct request_facts *facts, int64_t wall_ms, struct err *err);
void rewrite_fini(struct rewrite *rewrite);
/* What becomes of a client's header: false = it is left out; else *value is what is sent, borrowed
 * from the header or from `room`. */
bool rewrite_header(const struct rewrite *rewrite, struct view name, struct view *value,
    struct bytes *room, int64_t wall_ms);

#endif
