/* assemble: from the configuration, the hour and the health of the upstreams to the routing table.
 * Pure but for time zones. */
#ifndef PM_ASSEMBLE_H
#define PM_ASSEMBLE_H

#include "config.h"
#include "health.h"
#include "table.h"

/* `config` NULL (no good one yet) gives a table that serves nobody. `demo_url` (NULL = none) is
 * offered in the claude, codex and chat groups while no list has any upstream. Disabled upstreams
 * and client keys are left out. Epoch and version are 0; the caller owns the reference. */
struct table *assemble_table(const struct config *config, int64_t wall_ms, const char *demo_url);
/* Puts the health at `now_ms` into a new table; wall clock = monotonic + offset_ms. */
void assemble_health(
    struct table *table, const struct health *health, uint64_t now_ms, int64_t offset_ms);
/* The tables say the same, epoch and version aside. */
bool assemble_equal(const struct table *a, const struct table *b);

/* Which place an entry has when the list is tried: 1 for the first primary, backups last. */
unsigned assemble_rank(const struct upstream_list *list, size_t index);

#endif
