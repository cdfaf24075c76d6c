/* ledger: what one conversion could not carry over. Every drop is here, or it is a bug. */
#ifndef PM_LEDGER_H
#define PM_LEDGER_H

#include "bytes.h"
#include "err.h"
#include <stdbool.h>
#include <stddef.h>

#define LEDGER_ENTRIES_MAX 64

struct ledger_entry {
	char path[96];
};
struct ledger {
	struct ledger_entry entries[LEDGER_ENTRIES_MAX];
	size_t count;
	size_t more;        /* beyond the list */
	bool strict;        /* a loss is a refusal */
	const char *target; /* protocol name for the refusal */
};
void ledger_init(struct ledger *ledger, bool strict, const char *target);
/* Notes the loss of `path` (printf); one path once. In strict mode returns false and fills err
 * (ERR_PEER, at = path, "<target> has no place for it"); else true. */
MUST_CHECK bool ledger_lose(struct ledger *ledger, struct err *err, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* The same for an answer: it is under way, so that strict mode has nothing to refuse any more. */
void ledger_note(struct ledger *ledger, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A refusal in both modes: false with ERR_PEER, at = path. */
bool ledger_refuse(struct err *err, const char *path, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The request's leftovers, for a target of another family: vital ones are refused, others lost. */
struct request;
MUST_CHECK bool ledger_leftovers(
    struct ledger *ledger, const struct request *request, struct err *err);
/* The value of x-pointsman-loss: paths joined by ", "; empty when nothing was lost. Cut at ~1 KiB
 * with "+N". */
MUST_CHECK bool ledger_header(const struct ledger *ledger, struct bytes *out);

#endif
