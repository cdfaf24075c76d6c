/* events_change: what is new in a state against the one before. Pure. */
#ifndef PM_EVENTS_CHANGE_H
#define PM_EVENTS_CHANGE_H

#include <jansson.h>
#include <stdbool.h>

/* The members that are another, of upstreams ("upstreams": [{group, ...}]) those that are; new
 * reference. NULL: lists have other entries or another order, so that the whole is to be told. An
 * empty object: nothing is new. */
json_t *events_change(const json_t *before, const json_t *after);

#endif
