/* roster: which programs live on a state folder, told by record locks on <state>/launcher.lock
 * (<run>/<part>.lock where only a part runs without the folder): byte N belongs to the program in
 * slot N. A lock ends with its process however that ends, survives exec, and tells the holder's
 * pid, so that nothing written down can be wrong. */
#ifndef PM_ROSTER_H
#define PM_ROSTER_H

#include "err.h"
#include <stdbool.h>
#include <sys/types.h>

/* Those that serve and those that finish what they had before an upgrade. */
#define ROSTER_DATAPLANES 256

enum roster_slot {
	ROSTER_LAUNCHER,
	ROSTER_CONTROLPLANE,
	ROSTER_WEBADMIN,
	ROSTER_DEMO,
	ROSTER_DATAPLANE, /* + instance */
	ROSTER_SLOTS = ROSTER_DATAPLANE + ROSTER_DATAPLANES,
};

/* Opens (makes) <folder>/<name>.lock; -1 and err. Open it once in a process: closing any descriptor
 * of it gives up all the locks. */
int roster_open(const char *folder, const char *name, struct err *err);
/* Takes the slot for this process; false when another holds it (err tells who). */
MUST_CHECK bool roster_take(int fd, unsigned slot, struct err *err);
/* The program in the slot lives; *pid is 0 when it lives in a pid namespace that we do not see. */
bool roster_lives(int fd, unsigned slot, pid_t *pid);

#endif
