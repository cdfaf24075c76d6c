/* rules: from the words of the configuration to the rules of failover. Pure. */
#ifndef PM_RULES_H
#define PM_RULES_H

#include "config.h"
#include "health.h"
#include "table.h"

/* How the data planes choose and retry in a group. */
struct group_policy rules_policy(const struct config *config, enum group group);
/* What models take, into table->capabilities. */
void rules_capabilities(const struct config *config, struct table *table);
/* What the upstream of these words takes. */
struct upstream_accepts rules_accepts(const json_t *upstream);
/* What follows each failure, into table->strategies. */
void rules_strategies(const struct config *config, struct table *table);
/* When an upstream of a group rests, and for how long. */
struct health_limits rules_limits(const struct config *config, enum group group);

#endif
