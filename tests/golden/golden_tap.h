/* golden_tap: what the tap hears of an upstream's answer is what its conversion takes from it. */
#ifndef PM_GOLDEN_TAP_H
#define PM_GOLDEN_TAP_H

#include "bytes.h"
#include "convert.h"
#include "tap.h"
#include <stdbool.h>

/* Compares, once the answer has been fed to both; `complete`: as convert_end says. False: `why`
 * says in what they differ. */
bool golden_tap_agrees(
    const struct tap *tap, const struct convert *convert, bool complete, struct bytes *why);

#endif
