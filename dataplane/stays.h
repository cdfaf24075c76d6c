/* stays: sessions that were moved away from where they belong, and stay there for a while; answers
 * that only the upstream which gave them can continue. PURE;
 * time is an argument (ms, monotonic). Bounded: STAYS_MAX in all; where there is no place, the one
 * that ends soonest makes room. */
#ifndef PM_STAYS_H
#define PM_STAYS_H

#include "table.h"
#include <stdint.h>

#define STAYS_MAX 8192

struct stays;

struct stays *stays_new(void);
void stays_free(struct stays *stays); /* NULL is fine */
/* The index in table->groups[group] of the upstream where the session stays, or -1. */
int stays_find(struct stays *stays, const struct table *table, enum group group, uint64_t session,
    uint64_t now_ms);
/* It stays at the upstream with this id from now on. A second move replaces the first; the same
 * place again changes nothing, so that it ends when it was to end. */
void stays_put(struct stays *stays, enum group group, uint64_t session, const char *id,
    uint32_t ttl_ms, uint64_t now_ms);
/* It goes back to where it belongs. */
void stays_drop(struct stays *stays, enum group group, uint64_t session);

#endif
