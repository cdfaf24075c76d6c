/* renew: asks a running launcher to put this version in its place. */
#ifndef PM_RENEW_H
#define PM_RENEW_H

#include "err.h"
#include "launcher.h"
#include "places.h"
#include <stdint.h>

/* Of this part's launcher. Prints how it goes; true when this version serves. `drain_s`: what
 * streams of the old version are given. */
MUST_CHECK bool renew_ask(
    const struct places *places, enum launcher_part part, uint32_t drain_s, struct err *err);

#endif
