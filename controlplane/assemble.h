/* assemble: from the configuration and the day of the week to the routing table. Pure. */
#ifndef PM_ASSEMBLE_H
#define PM_ASSEMBLE_H

#include "config.h"
#include "table.h"

/* `config` NULL (no good one yet) gives a table that serves nobody. `demo_url` (NULL = none) is
 * offered in the claude, codex and chat groups while no list has any upstream. Disabled upstreams
 * and client keys are left out. Epoch and version are 0; the caller owns the reference. */
struct table *assemble_table(const struct config *config, unsigned weekday, const char *demo_url);
/* The tables say the same, epoch and version aside. */
bool assemble_equal(const struct table *a, const struct table *b);

/* Which place an entry has when the list is tried: 1 for the first primary, backups last. */
unsigned assemble_rank(const struct upstream_list *list, size_t index);

#endif
