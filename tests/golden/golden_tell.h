/* golden_tell: an answer as a client understands it, in lines, the same for a stream and a whole.
 */
#ifndef PM_GOLDEN_TELL_H
#define PM_GOLDEN_TELL_H

#include "bytes.h"
#include "err.h"
#include "model.h"
#include "view.h"
#include <stdbool.h>

/* Reads `answer` (events or one JSON document) with the wire's own decoder: one line for each part
 * with its pieces joined, then the stop and the usage. */
bool golden_tell(enum wire wire, struct view answer, bool sse, struct bytes *out, struct err *err);

#endif
