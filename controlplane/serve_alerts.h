/* serve_alerts: alerts in the control plane: each second it is looked at what they are about; what
 * they tell goes to the log, and as an order of the table to a data plane, or to a command. */
#ifndef PM_SERVE_ALERTS_H
#define PM_SERVE_ALERTS_H

#include "err.h"
#include "state.h"
#include "table.h"
#include <jansson.h>

struct serve;
struct serve_alerts;

/* With what was told before the last end. */
struct serve_alerts *serve_alerts_new(struct serve *serve);
void serve_alerts_free(struct serve_alerts *alerts); /* NULL is fine */
/* The configuration has changed. */
void serve_alerts_configure(struct serve_alerts *alerts);
/* Once a second. */
void serve_alerts_beat(struct serve_alerts *alerts);
/* The order, into the table. NULL is fine. */
void serve_alerts_fill(const struct serve_alerts *alerts, struct table *table);
/* A data plane may have brought one away. */
void serve_alerts_note(struct serve_alerts *alerts, const struct report *report);
/* {webhook, …}: `alerts` of the state; new reference. */
json_t *serve_alerts_encode(const struct serve_alerts *alerts);
/* Sends one that says that it is a test: {id, ways}; NULL and `err` while one is under way. */
json_t *serve_alerts_test(struct serve_alerts *alerts, struct err *err);

#endif
