/* After a launcher that was killed: its data planes have had SIGTERM when it died, do not accept
 * any more and finish their streams, for the time of a stop, or of an upgrade once they hear that
 * there is a successor. New ones serve meanwhile, under other numbers. */
#include "clock.h"
#include "launcher_private.h"
#include "log.h"
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 100
#define SUCCEEDED_MS 1800000 /* as an upgrade gives */
#define PORT_MS 2000
#define PORT_ENDED_MS 200
#define PORT_LOOK_MS 10

static bool
ready_path(const struct launcher *launcher, unsigned number, char out[PATH_MAX])
{
	int len = snprintf(out, PATH_MAX, "%s/dataplane.%u.ready", launcher->places.run, number);
	return len > 0 && len < PATH_MAX;
}

static void
kill_one(struct launcher *launcher, unsigned number)
{
	char path[PATH_MAX];
	pid_t pid = launcher->takeover.orphans.dataplanes[number];
	if (pid == 0)
		return;
	log_msg(LOG_WARN, "orphan", "data plane %d of an earlier start is killed", (int)pid);
	(void)kill(pid, SIGKILL);
	if (ready_path(launcher, number, path))
		(void)unlink(path);
}

unsigned
takeover_left(struct launcher *launcher)
{
	return orphans_left(&launcher->takeover.orphans);
}

void
takeover_kill(struct launcher *launcher)
{
	(void)takeover_left(launcher); /* a number may be another process by now */
	for (unsigned number = 0; number < ROSTER_DATAPLANES; number++)
		kill_one(launcher, number);
}

bool
takeover_find(struct launcher *launcher, struct err *err)
{
	struct orphans *orphans = &launcher->takeover.orphans;
	int roster = launcher->programs_wish.roster_fd;
	char path[PATH_MAX];
	if (!orphans_end(roster, err) || !orphans_find(orphans, roster, err))
		return false;
	for (unsigned number = 0; number < ROSTER_DATAPLANES; number++)
		if (orphans->dataplanes[number] == 0 && ready_path(launcher, number, path))
			(void)unlink(path);
	return true;
}

bool
takeover_find_again(struct launcher *launcher, struct err *err)
{
	struct orphans *orphans = &launcher->takeover.orphans;
	if (!orphans_find(orphans, launcher->programs_wish.roster_fd, err))
		return false;
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		const struct child *child = &launcher->children[i];
		if (child->program != NULL && child->program->kind == PROGRAM_DATAPLANE)
			orphans->dataplanes[child->program->number] = 0;
	}
	return true;
}

/* Who has heard the signal takes his file away before he closes his sockets. */
static void
kill_deaf(struct launcher *launcher)
{
	char path[PATH_MAX];
	(void)takeover_left(launcher);
	for (unsigned number = 0; number < ROSTER_DATAPLANES; number++)
		if (ready_path(launcher, number, path) && access(path, F_OK) == 0)
			kill_one(launcher, number);
}

bool
takeover_open_sockets(struct launcher *launcher, const struct sockets_wish *wish, struct err *err)
{
	const struct timespec pause = {.tv_nsec = PORT_LOOK_MS * 1000000l};
	const uint64_t began_ms = clock_mono_ms();
	/* A process that ends gives up its place in the roster before its sockets. */
	const uint64_t limit_ms = takeover_left(launcher) > 0 ? 2 * PORT_MS : PORT_ENDED_MS;
	/* Sockets that were handed over are shared with them, and lost when this fails. */
	const bool once = launcher->sockets.api_shared;
	for (bool killed = false; !sockets_open(wish, &launcher->sockets, err);) {
		uint64_t waited_ms = clock_mono_ms() - began_ms;
		if (once || waited_ms >= limit_ms)
			return false;
		if (waited_ms >= PORT_MS && !killed) {
			kill_deaf(launcher);
			killed = true;
		}
		nanosleep(&pause, NULL);
	}
	return true;
}

/* Only who has heard that his launcher died: he takes it for a stop, unless he hears this later. */
static void
tell_succeeded(struct launcher *launcher)
{
	struct takeover *takeover = &launcher->takeover;
	char path[PATH_MAX];
	for (unsigned number = 0; number < ROSTER_DATAPLANES; number++) {
		pid_t pid = takeover->orphans.dataplanes[number];
		if (pid == 0 || takeover->told[number] || !ready_path(launcher, number, path) ||
		    access(path, F_OK) == 0)
			continue;
		takeover->told[number] = true;
		(void)kill(pid, SIGUSR1);
	}
}

void
takeover_stop(struct launcher *launcher)
{
	struct takeover *takeover = &launcher->takeover;
	(void)takeover_left(launcher);
	for (unsigned number = 0; number < ROSTER_DATAPLANES && !takeover->ending; number++)
		if (takeover->orphans.dataplanes[number] != 0 && takeover->told[number])
			(void)kill(takeover->orphans.dataplanes[number], SIGTERM);
	takeover->ending = true;
	takeover->end_ms = loop_now_ms(launcher->loop) + launcher_drain_ms(launcher);
}

static void
on_look(struct loop_timer *timer, void *ctx)
{
	struct launcher *launcher = ctx;
	struct takeover *takeover = &launcher->takeover;
	if (takeover_left(launcher) == 0) {
		log_msg(LOG_INFO, "orphan", "the data planes of an earlier start have ended");
		launcher_stop_advance(launcher);
		return;
	}
	bool late = loop_now_ms(launcher->loop) >= takeover->end_ms;
	if (late && takeover->ending)
		takeover_kill(launcher);
	else if (late)
		takeover_stop(launcher);
	else if (!takeover->ending)
		tell_succeeded(launcher);
	loop_timer_arm(timer, LOOK_MS);
}

void
takeover_watch(struct launcher *launcher)
{
	unsigned left = takeover_left(launcher);
	if (left == 0)
		return;
	launcher->takeover.end_ms = loop_now_ms(launcher->loop) + SUCCEEDED_MS;
	log_msg(
	    LOG_INFO, "orphan", "%u data planes of an earlier start finish what they have", left);
	loop_timer_arm(&launcher->takeover.look, 0);
}

void
takeover_init(struct launcher *launcher)
{
	loop_timer_init(&launcher->takeover.look, launcher->loop, on_look, launcher);
}

void
takeover_fini(struct launcher *launcher)
{
	loop_timer_fini(&launcher->takeover.look);
}
