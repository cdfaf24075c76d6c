/* golden_compare: texts of JSON and of server-sent events, compared by meaning. */
#ifndef PM_GOLDEN_COMPARE_H
#define PM_GOLDEN_COMPARE_H

#include "bytes.h"
#include "view.h"
#include <stdbool.h>

/* Objects by key in any order, strings by what they mean, numbers by their digits; the values of
 * input_schema, parameters, schema and of an "input" object byte by byte. On a difference `why`
 * gets its path and both sides (appended). */
bool golden_same_json(struct view expected, struct view got, struct bytes *why);
/* Event by event: names, and data as JSON (or as text). */
bool golden_same_sse(struct view expected, struct view got, struct bytes *why);

#endif
