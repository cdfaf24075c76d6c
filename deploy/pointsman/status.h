/* status: the state of a running gateway for a person. */
#ifndef PM_STATUS_H
#define PM_STATUS_H

#include "bytes.h"
#include "places.h"
#include <jansson.h>

/* Appends the body of MSG_STATE, and which programs hold a slot of the roster, as tables to `out`.
 * What is missing in `state` is shown as "-". `now_ms` is the wall clock. */
void status_print(
    const json_t *state, const struct places *places, int64_t now_ms, struct bytes *out);

#endif
