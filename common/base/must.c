#include "must.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void
must_fail(const char *file, int line, const char *cond)
{
	/* A library that gets no memory says no more than that it has failed. */
	const char *why = errno == ENOMEM ? "out of memory" : "broken invariant";
	dprintf(2, "%s:%d: %s: %s\n", file, line, why, cond);
	abort();
}
