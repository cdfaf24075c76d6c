/* options: the command line of pointsman(1). One table of commands and one of options give parsing
 * and help. Pure. */
#ifndef PM_OPTIONS_H
#define PM_OPTIONS_H

#include "bytes.h"
#include "err.h"
#include <stdbool.h>
#include <stdint.h>

enum command {
	COMMAND_RUN,
	COMMAND_STATUS,
	COMMAND_UPSTREAMS,
	COMMAND_EXPLAIN,
	COMMAND_DECISIONS,
	COMMAND_CLEAR,
	COMMAND_PROBE,
	COMMAND_ENABLE,
	COMMAND_DISABLE,
	COMMAND_FORGET,
	COMMAND_ALERTS,
	COMMAND_TEST_ALERT,
	COMMAND_RELOAD,
	COMMAND_CHECK,
	COMMAND_LOGIN,
	COMMAND_UPGRADE,
	COMMAND_VERSION,
	COMMAND_NONE,
};

struct options {
	enum command command; /* COMMAND_NONE: only --help or --version */
	bool help;
	const char *state, *run_dir;       /* NULL = the default folders; strings are argv's */
	const char *listen, *admin_listen; /* NULL = the loopback addresses */
	const char *only;                  /* NULL = everything */
	const char *log_level;             /* NULL = the default */
	uint32_t port, admin_port;
	uint32_t drain_s;    /* 0 = the command's default */
	uint32_t dataplanes; /* 0 = by the number of cores */
	bool no_demo, quiet;
	bool json;
	bool all;
	uint32_t limit;   /* 0 = the default */
	const char *word; /* the command's own, an upstream or a file; NULL = none */
	const char *at, *path, *model, *session, *group, *id, *upstream, *kind, *name;
};

/* False with a sentence for the user in err. */
MUST_CHECK bool options_parse(int argc, char *const *argv, struct options *out, struct err *err);
/* Appends the help of a command; COMMAND_NONE gives that of the whole. */
void options_help(enum command command, struct bytes *out);
/* The name of option number `index` ("--state"), NULL behind the last: for the tests of the manual.
 */
const char *options_name(unsigned index);

#endif
