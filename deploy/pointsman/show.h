/* show: answers of controlplane as text for a person. PURE. What is missing in an answer is "-". */
#ifndef PM_SHOW_H
#define PM_SHOW_H

#include "bytes.h"
#include <jansson.h>
#include <stdint.h>

/* The body of MSG_STATE: each upstream with its health in words, then what was learned. */
void show_print_upstreams(const json_t *state, int64_t now_ms, struct bytes *out);
/* The body of MSG_EXPLANATION. */
void show_print_explanation(const json_t *explanation, struct bytes *out);
/* The body of MSG_DECISIONS: a line for each request, and one for each of its upstream calls. */
void show_print_decisions(const json_t *decisions, struct bytes *out);
/* The body of MSG_STATE: the alerts that last, where they go, and the latest notices. */
void show_print_alerts(const json_t *state, int64_t now_ms, struct bytes *out);
/* "3 d 4 h", "5 min 6 s". */
void show_duration(int64_t ms, char out[48]);

#endif
