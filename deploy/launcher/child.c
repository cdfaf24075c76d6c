#include "child.h"
#include "log.h"
#include "must.h"
#include "notify.h"
#include "roster.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_FD 3 /* of LISTEN_FDS */
#define EXIT_NO_START 127

extern char **environ;

void
child_plan_fd(struct child_plan *plan, int fd, const char *name)
{
	if (fd < 0)
		return;
	MUST(plan->fd_count < CHILD_FDS_MAX);
	plan->fds[plan->fd_count] = fd;
	plan->fd_names[plan->fd_count++] = name;
}

bool
child_fd_names(const struct child_plan *plan, char *out, size_t out_len)
{
	size_t used = 0;
	out[0] = '\0';
	for (size_t i = 0; i < plan->fd_count; i++) {
		int len = snprintf(
		    out + used, out_len - used, "%s%s", i > 0 ? ":" : "", plan->fd_names[i]);
		if (len < 0 || (size_t)len >= out_len - used)
			return false;
		used += (size_t)len;
	}
	return true;
}

/* What the launcher set for itself must not reach the program. A reload ends nobody: neither who is
 * only starting, nor who has nothing to reload. */
static void
reset_signals(void)
{
	for (int signo = 1; signo < NSIG; signo++)
		(void)signal(signo, signo == SIGHUP ? SIG_IGN : SIG_DFL);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Puts the sockets at 3, 4, ... and leaves nothing else open but the roster. Sources may stand
 * where targets go, so all move out of the way first. */
static bool
place_fds(const struct child_plan *plan, int *exec_fd, struct err *err)
{
	int away[CHILD_FDS_MAX];
	const int behind = FIRST_FD + (int)plan->fd_count;
	if (*exec_fd >= 0 && (*exec_fd = fcntl(*exec_fd, F_DUPFD_CLOEXEC, behind)) < 0)
		return err_errno(err, plan->argv[0], "cannot keep it");
	for (size_t i = 0; i < plan->fd_count; i++) {
		away[i] = fcntl(plan->fds[i], F_DUPFD_CLOEXEC, behind);
		if (away[i] < 0)
			return err_errno(err, plan->fd_names[i], "cannot move the socket");
	}
	/* Only one descriptor of the roster may be left: closing another gives up the lock. */
	int roster = fcntl(plan->roster_fd, F_DUPFD, behind);
	if (roster < 0)
		return err_errno(err, "launcher.lock", "cannot keep it");
	close(plan->roster_fd);
	for (size_t i = 0; i < plan->fd_count; i++)
		if (dup2(away[i], FIRST_FD + (int)i) < 0)
			return err_errno(err, plan->fd_names[i], "cannot place the socket");
	/* Ours are close-on-exec already; this is for what our own parent left open. */
	(void)close_range((unsigned)behind, ~0u, CLOSE_RANGE_CLOEXEC);
	if (fcntl(roster, F_SETFD, 0) < 0)
		return err_errno(err, "launcher.lock", "cannot keep it");
	return roster_take(roster, plan->slot, err);
}

static bool
set_environment(const struct child_plan *plan, struct err *err)
{
	char pid[16], count[16], names[256];
	notify_forget();
	if (plan->fd_count == 0)
		return unsetenv("LISTEN_PID") == 0 && unsetenv("LISTEN_FDS") == 0 &&
		       unsetenv("LISTEN_FDNAMES") == 0;
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	snprintf(count, sizeof(count), "%zu", plan->fd_count);
	if (child_fd_names(plan, names, sizeof(names)) && setenv("LISTEN_PID", pid, 1) == 0 &&
	    setenv("LISTEN_FDS", count, 1) == 0 && setenv("LISTEN_FDNAMES", names, 1) == 0)
		return true;
	return err_set(err, ERR_LIMIT, "LISTEN_FDS", "no room in the environment");
}

/* argv's strings are not written to; execve's type only predates const. */
static char *const *
exec_argv(const struct child_plan *plan)
{
	union {
		const char *const *plan;
		char *const *exec;
	} argv = {.plan = plan->argv};
	return argv.exec;
}

static bool
is_at(const char *path, int fd)
{
	struct stat there, held;
	return stat(path, &there) == 0 && fstat(fd, &held) == 0 && there.st_dev == held.st_dev &&
	       there.st_ino == held.st_ino;
}

_Noreturn static void
become(const struct child_plan *plan, pid_t launcher)
{
	struct err err = {0};
	(void)setpgid(0, 0);
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != launcher)
		_exit(EXIT_NO_START); /* the launcher died in between */
	int exec_fd = plan->exec_fd;
	if (place_fds(plan, &exec_fd, &err) && set_environment(plan, &err)) {
		/* By its name where it still has it, which is what tools show. */
		if (exec_fd >= 0 && !is_at(plan->argv[0], exec_fd))
			execveat(exec_fd, "", exec_argv(plan), environ, AT_EMPTY_PATH);
		else
			execve(plan->argv[0], exec_argv(plan), environ);
		err_errno(&err, plan->argv[0], "cannot start");
	}
	log_err(LOG_ERROR, "start_failed", &err);
	_exit(EXIT_NO_START);
}

pid_t
child_fork(void)
{
	/* A signal between fork and reset_signals would run the launcher's handler in the child. */
	sigset_t all, before;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid_t pid = fork();
	int saved = errno;
	if (pid == 0)
		reset_signals();
	else
		sigprocmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	return pid;
}

pid_t
child_spawn(const struct child_plan *plan, struct err *err)
{
	pid_t launcher = getpid();
	pid_t pid = child_fork();
	if (pid == 0)
		become(plan, launcher);
	if (pid < 0)
		err_errno(err, plan->argv[0], "cannot fork");
	return pid;
}
