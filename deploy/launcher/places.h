/* places: the folders of one Pointsman. */
#ifndef PM_PLACES_H
#define PM_PLACES_H

#include "err.h"
#include <limits.h>
#include <stdbool.h>

struct places {
	char state[PATH_MAX]; /* absolute */
	/* Of the sockets: as asked for, else <state>/run, or in /tmp when that is too long. */
	char run[PATH_MAX];
};

/* Where a Pointsman on `state` and `run` (NULL = the defaults) has its folders; makes nothing. */
MUST_CHECK bool places_find(
    const char *state, const char *run, struct places *out, struct err *err);
/* The same, made: mode 0700, the run folder checked to be ours alone. */
MUST_CHECK bool places_make(
    const char *state, const char *run, struct places *out, struct err *err);

/* For who has no state folder of his own here: only the run folder is made. */
MUST_CHECK bool places_join(
    const char *state, const char *run, struct places *out, struct err *err);

#endif
