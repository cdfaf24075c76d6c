/* launcher: holds the listening sockets, starts the programs, restarts what dies. Never speaks
 * nanomsg, starts no thread. */
#ifndef PM_LAUNCHER_H
#define PM_LAUNCHER_H

#include "err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is started here; the rest runs elsewhere on the same run folder. */
enum launcher_part { LAUNCHER_ALL, LAUNCHER_CONTROLPLANE, LAUNCHER_WEBADMIN, LAUNCHER_DATAPLANE };

struct launcher_wish {
	const char *state, *run_dir; /* NULL = the default folders */
	enum launcher_part only;
	const char *listen, *admin_listen; /* NULL = the loopback addresses */
	const char *log_level;             /* NULL = the programs' default */
	uint16_t port, admin_port;
	unsigned drain_s;    /* what streams in work are given at the end */
	unsigned dataplanes; /* 0 = one for each core, at least 2 */
	bool demo;
	bool quiet;        /* no banner */
	char *const *argv; /* of this start: an upgrade starts anew with the same */
};

/* The part's name ("dataplane"); NULL behind the last. LAUNCHER_ALL has "launcher". */
const char *launcher_part_name(unsigned part);

/* The socket of the launcher of this part, where upgrades are asked for; false when the path is too
 * long. */
MUST_CHECK bool launcher_socket(
    const char *run_dir, enum launcher_part part, char *out, size_t out_len, struct err *err);

/* Returns the exit status when it was told to stop, or at once with 1 when it cannot start. */
int launcher_run(const struct launcher_wish *wish);

#endif
