/* orphans: programs that a launcher has left behind that was killed. They have had SIGTERM when it
 * died. Data planes finish their streams, beside new ones; the others are in the way of theirs. */
#ifndef PM_ORPHANS_H
#define PM_ORPHANS_H

#include "err.h"
#include "roster.h"
#include <stdbool.h>
#include <sys/types.h>

struct orphans {
	int roster_fd;
	pid_t dataplanes[ROSTER_DATAPLANES]; /* by number; 0 = none */
};

/* Ends all but data planes, within seconds; false when one cannot be ended. */
MUST_CHECK bool orphans_end(int roster_fd, struct err *err);
/* Finds the data planes; false when one lives where this process cannot see it. */
MUST_CHECK bool orphans_find(struct orphans *orphans, int roster_fd, struct err *err);
/* Forgets those that have ended; how many are left. */
unsigned orphans_left(struct orphans *orphans);

#endif
