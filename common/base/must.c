#include "must.h"
#include <stdio.h>
#include <stdlib.h>

void
must_fail(const char *file, int line, const char *cond)
{
	dprintf(2, "%s:%d: broken invariant: %s\n", file, line, cond);
	abort();
}
