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

enum program_kind { PROGRAM_CONTROLPLANE, PROGRAM_DEMO, PROGRAM_WEBADMIN, PROGRAM_DATAPLANE };

struct program {
	enum program_kind kind;
	unsigned set;    /* of a dataplane: which of the API sockets */
	unsigned number; /* of a dataplane: its name among all that live */
	char name[24];   /* "dataplane.0" */
	char ready[32];  /* the file in the run folder that says it is ready; "" = none */
	char path[PATH_MAX];
	char instance[12];
	struct child_plan plan; /* points into this struct and into programs_wish */
};

struct programs_wish {
	const struct places *places;
	const struct sockets *sockets;
	int roster_fd;
	const char *log_level; /* NULL = theirs */
	char api_port[8];      /* for the pages that tell clients where to connect */
	char drain_s[12];      /* of the dataplanes */
	char demo_url[64];     /* "" = no demo */
	char ledger[PATH_MAX];
};

/* The folder of this program's own file. */
MUST_CHECK bool programs_folder(char out[PATH_MAX], struct err *err);
/* Where the program of that name is: in the folder (a build tree), else where an installation has
 * it beside. */
MUST_CHECK bool programs_find(
    const char *folder, const char *name, char out[PATH_MAX], struct err *err);

/* A program in `folder`, held open: it can be started again when its file was replaced. `set` and
 * `number` are for dataplanes. `wish` is borrowed. NULL when it is not installed. */
struct program *program_new(const struct programs_wish *wish, const char *folder,
    enum program_kind kind, unsigned set, unsigned number, struct err *err);
/* One whose file is held open already; the descriptor is the program's from now on. */
struct program *program_held(const struct programs_wish *wish, const char *folder, int exec_fd,
    enum program_kind kind, unsigned set, unsigned number);
void program_free(struct program *program); /* NULL is fine */

#endif
