/* args: the command line of a data plane. */
#ifndef PM_ARGS_H
#define PM_ARGS_H

#include "err.h"
#include "log.h"
#include <stdbool.h>

struct args {
	const char *run_dir;
	unsigned instance;
	enum log_level level;
	unsigned drain_s;
};

/* False after the usage was printed. */
MUST_CHECK bool args_parse(int argc, char **argv, struct args *out);

#endif
