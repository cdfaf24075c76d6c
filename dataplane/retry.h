/* retry: which candidate is next, or none. PURE; time is an argument. */
#ifndef PM_RETRY_H
#define PM_RETRY_H

#include "outcome.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum retry_what { RETRY_NEXT, RETRY_SAME, RETRY_GIVE_UP };
struct retry_state {
	size_t candidates; /* how many there are */
	size_t at;         /* index of the one that just failed */
	uint32_t calls;    /* upstream calls so far */
	uint32_t calls_max;
	bool stale_retried;   /* the one free second try after TRANSPORT_STALE was used */
	uint64_t deadline_ms; /* of the whole client request, 0 = none */
};
/* SAME only for TRANSPORT_STALE, once: the connection died idle, the upstream saw no request. */
enum retry_what retry_decide(const struct retry_state *state, const struct outcome *outcome,
    enum transport transport, uint64_t now_ms);

#endif
