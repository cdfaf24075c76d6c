/* serve: the control plane on its loop: publishes the table, answers data planes and the admin
 * side, notices edits of the file and the change of the day. */
#ifndef PM_SERVE_H
#define PM_SERVE_H

#include "err.h"
#include "loop.h"

struct serve_options { /* borrowed for the life of the server */
	const char *state_dir;
	const char *run_dir;
	const char *demo_url; /* NULL = none */
};

struct serve;

/* Reads the configuration, binds the four sockets, publishes the first table and writes ready.json.
 * NULL and `err` when that cannot be; a bad configuration is no reason. */
struct serve *serve_new(struct loop *loop, const struct serve_options *options, struct err *err);
/* Reads the configuration again, as for SIGHUP. */
void serve_reload(struct serve *serve);
void serve_free(struct serve *serve); /* NULL is fine */

#endif
