/* launcher: holds the listening sockets, starts the programs, restarts what dies. Never speaks
 * nanomsg, starts no thread. */
#ifndef PM_LAUNCHER_H
#define PM_LAUNCHER_H

#include <stdbool.h>
#include <stdint.h>

struct launcher_wish {
	const char *state;     /* NULL = the default folder */
	const char *log_level; /* NULL = the programs' default */
	uint16_t port, admin_port;
	unsigned dataplanes; /* 0 = one for each core, at least 2 */
	bool demo;
};

/* Returns the exit status when it was told to stop, or at once with 1 when it cannot start. */
int launcher_run(const struct launcher_wish *wish);

#endif
