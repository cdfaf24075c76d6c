/* query: one question to a running controlplane. */
#ifndef PM_QUERY_H
#define PM_QUERY_H

#include "envelope.h"
#include "err.h"
#include "places.h"
#include <jansson.h>

/* Sends MSG `type` with this body (taken; NULL = {}) to the socket that answers it and waits at
 * most 2 s. `answer` is the caller's to envelope_fini. ERR_TIMEOUT when nobody answers. */
MUST_CHECK bool query_ask(const struct places *places, const char *type, json_t *body,
    struct envelope *answer, struct err *err);

#endif
