/* sockets: every listening socket, opened before any program starts and kept until the end, so that
 * a program that is away costs no connection. */
#ifndef PM_SOCKETS_H
#define PM_SOCKETS_H

#include "err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOCKETS_DATAPLANES_MAX 64
#define SOCKETS_FAMILIES 2 /* 127.0.0.1 and ::1 */

struct sockets {
	int api[SOCKETS_DATAPLANES_MAX][SOCKETS_FAMILIES]; /* -1 = none, here and below */
	int admin[SOCKETS_FAMILIES];
	int web;
	int demo;
	uint16_t demo_port;
};

struct sockets_wish {
	uint16_t port, admin_port;
	unsigned dataplanes;
	bool demo;
	const char *run_dir;
};

/* All or none. A port in use is an ERR_CONFIG that names the port and the option. */
MUST_CHECK bool sockets_open(const struct sockets_wish *wish, struct sockets *out, struct err *err);
void sockets_close(struct sockets *sockets);

#endif
