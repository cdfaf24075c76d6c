/* child: starts one program with its listening sockets. */
#ifndef PM_CHILD_H
#define PM_CHILD_H

#include "err.h"
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CHILD_FDS_MAX 6
#define CHILD_ARGS_MAX 12

struct child_plan {
	const char *argv[CHILD_ARGS_MAX]; /* argv[0] is the program's path; NULL behind the last */
	int fds[CHILD_FDS_MAX];           /* become 3, 4, ... as LISTEN_FDS says */
	const char *fd_names[CHILD_FDS_MAX];
	size_t fd_count;
	int exec_fd;   /* the program's file as it was first seen; -1 = whatever is at the path */
	int roster_fd; /* the child holds `slot` there as long as it lives */
	unsigned slot;
};

/* Adds a listening socket; none when `fd` is -1. */
void child_plan_fd(struct child_plan *plan, int fd, const char *name);
/* "api:api" for LISTEN_FDNAMES; false when it does not fit. */
MUST_CHECK bool child_fd_names(const struct child_plan *plan, char *out, size_t out_len);
/* Forks; in the child no signal has a handler or is blocked, and SIGHUP is
 * ignored. The pid, 0 in the child, -1 and errno.
 */
pid_t child_fork(void);
/* Forks and executes; the child is alone in its process group, so that Ctrl-C reaches only the
 * launcher, and gets SIGTERM when the launcher dies. The pid, or -1. */
pid_t child_spawn(const struct child_plan *plan, struct err *err);

#endif
