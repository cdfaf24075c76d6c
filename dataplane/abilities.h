/* abilities: what a model and an upstream take, for conversion and rewriting: the owner's words of
 * the routing table over what is built in. PURE. */
#ifndef PM_ABILITIES_H
#define PM_ABILITIES_H

#include "caps.h"
#include "table.h"

/* Of `model`, by the name that the upstream gets: the table's first row that fits, over the
 * built-in one. Its own pattern fits all. */
struct caps abilities_of_model(const struct table *table, const char *model);
/* Of the upstream. */
struct upstream_flags abilities_of_upstream(const struct upstream_entry *entry);

#endif
