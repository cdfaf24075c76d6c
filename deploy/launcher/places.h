/* places: the folders of one Pointsman. */
#ifndef PM_PLACES_H
#define PM_PLACES_H

#include "err.h"
#include <limits.h>
#include <stdbool.h>

struct places {
	char state[PATH_MAX]; /* absolute */
	char run[PATH_MAX];   /* of the sockets: <state>/run, or in /tmp when that is too long */
};

/* Where a Pointsman on `state` (NULL = the default) has its folders; makes nothing. */
MUST_CHECK bool places_find(const char *state, struct places *out, struct err *err);
/* The same, made: mode 0700, the run folder checked to be ours alone. */
MUST_CHECK bool places_make(const char *state, struct places *out, struct err *err);

#endif
