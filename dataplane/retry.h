/* retry: which upstream is asked next after a failed call, or none. PURE; time and chance are
 * arguments. */
#ifndef PM_RETRY_H
#define PM_RETRY_H

#include "outcome.h"
#include "policy.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An upstream that may serve the request. */
struct retry_place {
	uint8_t group; /* enum group */
	uint16_t entry;
	bool asked;
	bool good; /* its last call here went well: asking it makes no outage worse */
};

struct retry_state {
	struct retry_place *places; /* best first */
	size_t count;
	size_t at;      /* the one that has just failed */
	uint32_t calls; /* upstream calls so far */
	uint32_t calls_max;
	uint32_t same; /* further calls to `at` so far */
	uint32_t same_max;
	bool stale_retried;   /* the one free second try of `at` after TRANSPORT_STALE was used */
	uint64_t deadline_ms; /* no further call begins from then on, 0 = none */
};

enum retry_what { RETRY_NEXT, RETRY_SAME, RETRY_GIVE_UP };
struct retry_verdict {
	enum retry_what what;
	size_t at;        /* NEXT: who */
	uint32_t wait_ms; /* SAME: how long before */
	bool costs;       /* one call of the retry budget */
};

/* What failed goes on as `strategy` says: see enum strategy in policy.h. After TRANSPORT_STALE the
 * same one is asked again at once, once: the connection died idle, the upstream saw no request.
 * `chance` spreads the waits of many. */
struct retry_verdict retry_decide(const struct retry_state *state, const struct outcome *outcome,
    enum strategy strategy, enum transport transport, uint64_t now_ms, uint64_t chance);

/* The first place that was not asked yet, RETRY_NONE when there is none. */
#define RETRY_NONE ((size_t)-1)
size_t retry_next_place(const struct retry_state *state, enum strategy strategy);

#endif
