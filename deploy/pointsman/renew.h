/* renew: asks a running launcher to put this version in its place. */
#ifndef PM_RENEW_H
#define PM_RENEW_H

#include "err.h"
#include "places.h"
#include <stdint.h>

/* Prints how it goes; true when this version serves. `drain_s`: what streams of the old version are
 * given. */
MUST_CHECK bool renew_ask(const struct places *places, uint32_t drain_s, struct err *err);

#endif
