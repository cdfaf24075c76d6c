/* programs: what the launcher starts, with which arguments and sockets. */
#ifndef PM_PROGRAMS_H
#define PM_PROGRAMS_H

#include "child.h"
#include "err.h"
#include "places.h"
#include "sockets.h"
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define PROGRAMS_MAX (SOCKETS_DATAPLANES_MAX + 3)

struct program {
	char name[24];  /* "dataplane.0" */
	char ready[32]; /* the file in the run folder that says it is ready; "" = none */
	char path[PATH_MAX];
	char instance[12];
	struct child_plan plan; /* points into this struct and into programs_wish */
};

struct programs_wish {
	const struct places *places;
	const struct sockets *sockets;
	bool controlplane, webadmin;
	unsigned dataplanes; /* 0 = none */
	int roster_fd;
	const char *log_level; /* NULL = theirs */
	char api_port[8];      /* for the pages that tell clients where to connect */
	char drain_s[12];      /* of the dataplanes */
	char demo_url[64];     /* "" = no demo */
	char ledger[PATH_MAX];
};

/* Fills `out` in the order of their start: controlplane, webadmin, the demo upstream, the
 * dataplanes. `wish` is borrowed as long as `out` is used. False when a program is not installed.
 */
MUST_CHECK bool programs_list(const struct programs_wish *wish, struct program out[PROGRAMS_MAX],
    size_t *count, struct err *err);
/* The path of a program: beside this one (a build tree), else where the installation puts it. */
MUST_CHECK bool programs_find(const char *name, char out[PATH_MAX], struct err *err);

#endif
