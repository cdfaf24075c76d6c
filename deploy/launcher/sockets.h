/* sockets: every listening socket, opened (or taken from who started us) before any program starts
 * and kept until the end, so that a program that is away costs no connection. */
#ifndef PM_SOCKETS_H
#define PM_SOCKETS_H

#include "err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOCKETS_DATAPLANES_MAX 64
#define SOCKETS_ADDRESSES_MAX 4
#define SOCKETS_LISTEN_DEFAULT "127.0.0.1,::1"

struct sockets {
	int api[SOCKETS_DATAPLANES_MAX][SOCKETS_ADDRESSES_MAX]; /* -1 = none, here and below */
	int admin[SOCKETS_ADDRESSES_MAX];
	int web;
	int demo;
	bool api_shared; /* all dataplanes accept on api[0]: it was handed over */
	uint16_t demo_port;
};

struct sockets_wish {
	/* Addresses, comma between them; NULL = the loopback ones, of which ::1 may be missing. */
	const char *listen, *admin_listen;
	uint16_t port, admin_port;
	unsigned dataplanes; /* 0 = no API sockets */
	bool admin, web, demo;
	const char *run_dir;
};

/* Nothing is open. */
void sockets_none(struct sockets *out);
/* Takes what LISTEN_FDS hands over: sockets named "api" and "admin"; others are closed. To be
 * called once, before sockets_open, which opens what is missing. */
void sockets_take(struct sockets *out);
/* All or none. A port in use is an ERR_CONFIG that names the port and the option. */
MUST_CHECK bool sockets_open(const struct sockets_wish *wish, struct sockets *out, struct err *err);
void sockets_close(struct sockets *sockets);

#endif
