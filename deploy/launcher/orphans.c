#include "orphans.h"
#include "clock.h"
#include "log.h"
#include <signal.h>
#include <string.h>
#include <time.h>

#define TERM_MS 5000
#define KILL_MS 2000
#define LOOK_MS 20

/* Who lives in the slot: 0 = nobody, -1 = somebody whom we do not see. */
static pid_t
find_one(int roster_fd, unsigned slot, struct err *err)
{
	pid_t pid;
	if (!roster_lives(roster_fd, slot, &pid))
		return 0;
	if (pid > 0)
		return pid;
	err_set(err, ERR_IO, "launcher.lock",
	    "a program of an earlier start still runs, where this one cannot see it");
	return -1;
}

/* Sends `signo` to all that live but data planes (once, 0 = only look); how many there are, or -1.
 */
static int
signal_all(int roster_fd, int signo, struct err *err)
{
	int count = 0;
	for (unsigned slot = ROSTER_LAUNCHER + 1; slot < ROSTER_DATAPLANE; slot++) {
		pid_t pid = find_one(roster_fd, slot, err);
		if (pid < 0)
			return -1;
		count += pid > 0;
		if (pid == 0 || signo == 0)
			continue;
		log_msg(LOG_WARN, "orphan", "process %d of an earlier start gets signal %d",
		    (int)pid, signo);
		(void)kill(pid, signo);
	}
	return count;
}

/* 0 when all are gone, -1 on an error, else how many were left at the end of the time. */
static int
end_with(int roster_fd, int signo, uint64_t limit_ms, struct err *err)
{
	const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000l};
	const uint64_t end_ms = clock_mono_ms() + limit_ms;
	int left = signal_all(roster_fd, signo, err);
	while (left > 0 && clock_mono_ms() < end_ms) {
		nanosleep(&pause, NULL);
		left = signal_all(roster_fd, 0, err);
	}
	return left;
}

bool
orphans_end(int roster_fd, struct err *err)
{
	int left = end_with(roster_fd, SIGTERM, TERM_MS, err);
	if (left > 0)
		left = end_with(roster_fd, SIGKILL, KILL_MS, err);
	if (left > 0)
		return err_set(err, ERR_IO, "launcher.lock",
		    "%d programs of an earlier start do not end", left);
	return left == 0;
}

bool
orphans_find(struct orphans *orphans, int roster_fd, struct err *err)
{
	memset(orphans, 0, sizeof(*orphans));
	orphans->roster_fd = roster_fd;
	for (unsigned number = 0; number < ROSTER_DATAPLANES; number++) {
		pid_t pid = find_one(roster_fd, ROSTER_DATAPLANE + number, err);
		if (pid < 0)
			return false;
		orphans->dataplanes[number] = pid;
	}
	return true;
}

unsigned
orphans_left(struct orphans *orphans)
{
	unsigned count = 0;
	for (unsigned number = 0; number < ROSTER_DATAPLANES; number++) {
		pid_t *known = &orphans->dataplanes[number], pid;
		if (*known == 0)
			continue;
		if (!roster_lives(orphans->roster_fd, ROSTER_DATAPLANE + number, &pid) ||
		    pid != *known)
			*known = 0;
		count += *known != 0;
	}
	return count;
}
