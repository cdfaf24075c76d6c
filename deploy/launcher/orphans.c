#include "orphans.h"
#include "clock.h"
#include "log.h"
#include "roster.h"
#include <signal.h>
#include <time.h>

#define TERM_MS 12000
#define KILL_MS 2000
#define LOOK_MS 20

/* Sends `signo` to all that live (once, 0 = only look); how many there are, or -1. */
static int
signal_all(int roster_fd, int signo, struct err *err)
{
	int count = 0;
	for (unsigned slot = ROSTER_LAUNCHER + 1; slot < ROSTER_SLOTS; slot++) {
		pid_t pid;
		if (!roster_lives(roster_fd, slot, &pid))
			continue;
		count++;
		if (pid == 0) {
			err_set(err, ERR_IO, "launcher.lock",
			    "a program of an earlier start still runs, where this one cannot see "
			    "it");
			return -1;
		}
		if (signo == 0)
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
