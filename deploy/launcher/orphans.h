/* orphans: programs of an earlier launcher that was killed. */
#ifndef PM_ORPHANS_H
#define PM_ORPHANS_H

#include "err.h"
#include <stdbool.h>

/* Ends every program that still holds a slot of the roster: SIGTERM, 12 s, SIGKILL. Blocks; to be
 * called by the holder of ROSTER_LAUNCHER before it opens a socket. */
MUST_CHECK bool orphans_end(int roster_fd, struct err *err);

#endif
