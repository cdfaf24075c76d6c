#include "launcher_private.h"
#include "log.h"
#include "must.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

bool
children_ready_path(
    const struct launcher *launcher, const struct program *program, char out[PATH_MAX])
{
	int len = snprintf(out, PATH_MAX, "%s/%s", launcher->places.run, program->ready);
	return program->ready[0] != '\0' && len > 0 && len < PATH_MAX;
}

bool
children_ready(const struct child *child)
{
	char path[PATH_MAX];
	return !children_ready_path(child->launcher, child->program, path) ||
	       (child->pid > 0 && access(path, F_OK) == 0);
}

static void
bury(struct child *child)
{
	uint64_t lived_ms = loop_now_ms(child->launcher->loop) - child->started_ms;
	uint32_t wait_ms = backoff_next_ms(&child->backoff, lived_ms);
	child->pid = 0;
	loop_timer_arm(&child->restart, wait_ms);
}

static void
leave(struct child *child)
{
	loop_timer_disarm(&child->restart);
	loop_timer_disarm(&child->limit);
	program_free(child->program);
	child->program = NULL;
	child->pid = 0;
	child->ending = false;
	child->backoff = (struct backoff){0};
}

void
children_start(struct child *child)
{
	struct err err = {0};
	char path[PATH_MAX];
	if (children_ready_path(child->launcher, child->program, path))
		(void)unlink(path);
	child->started_ms = loop_now_ms(child->launcher->loop);
	child->pid = child_spawn(&child->program->plan, &err);
	if (child->pid < 0) {
		log_err(LOG_ERROR, "start_failed", &err);
		bury(child);
		return;
	}
	struct log_line line;
	log_begin(&line, LOG_INFO, "started");
	log_str(&line, "program", child->program->name);
	log_int(&line, "pid", child->pid);
	log_end(&line);
}

static void
on_restart(struct loop_timer *timer, void *ctx)
{
	(void)timer;
	children_start(ctx);
}

/* Streams that are still open get the end that a stop gives them. */
static void
on_limit(struct loop_timer *timer, void *ctx)
{
	struct child *child = ctx;
	struct launcher *launcher = child->launcher;
	(void)timer;
	log_msg(LOG_WARN, "retire_limit", "%s has had its time%s", child->program->name,
	    child->ending ? " and does not end" : "");
	if (child->pid > 0)
		(void)kill(child->pid, child->ending ? SIGKILL : SIGTERM);
	if (!child->ending)
		children_retire_until(
		    child, loop_now_ms(launcher->loop) + launcher_drain_ms(launcher), true);
}

void
children_init(struct launcher *launcher)
{
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		struct child *child = &launcher->children[i];
		child->launcher = launcher;
		loop_timer_init(&child->restart, launcher->loop, on_restart, child);
		loop_timer_init(&child->limit, launcher->loop, on_limit, child);
	}
}

void
children_fini(struct launcher *launcher)
{
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		struct child *child = &launcher->children[i];
		if (child->launcher == NULL)
			continue; /* the start got not that far */
		if (child->program != NULL)
			leave(child);
		loop_timer_fini(&child->restart);
		loop_timer_fini(&child->limit);
	}
}

struct child *
children_add(struct launcher *launcher, struct program *program, enum child_role role)
{
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		struct child *child = &launcher->children[i];
		if (child->program != NULL)
			continue;
		child->program = program;
		child->role = role;
		return child;
	}
	program_free(program);
	return NULL;
}

struct child *
children_find(struct launcher *launcher, enum program_kind kind)
{
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		struct child *child = &launcher->children[i];
		if (child->program != NULL && child->program->kind == kind &&
		    child->role == CHILD_SERVES)
			return child;
	}
	return NULL;
}

unsigned
children_free_number(const struct launcher *launcher)
{
	bool used[ROSTER_DATAPLANES] = {false};
	unsigned number = 0;
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		const struct program *program = launcher->children[i].program;
		if (program != NULL && program->kind == PROGRAM_DATAPLANE)
			used[program->number] = true;
	}
	for (unsigned i = 0; i < ROSTER_DATAPLANES; i++)
		used[i] = used[i] || launcher->takeover.orphans.dataplanes[i] != 0;
	while (number < ROSTER_DATAPLANES && used[number])
		number++;
	return number;
}

void
children_retire(struct child *child, uint64_t limit_ms)
{
	child->role = CHILD_RETIRES;
	loop_timer_disarm(&child->restart);
	if (child->pid <= 0) {
		leave(child);
		return;
	}
	(void)kill(child->pid, SIGUSR1);
	children_retire_until(child, loop_now_ms(child->launcher->loop) + limit_ms, false);
}

void
children_retire_until(struct child *child, uint64_t end_ms, bool ending)
{
	uint64_t now_ms = loop_now_ms(child->launcher->loop);
	child->retire_end_ms = end_ms;
	child->ending = ending;
	loop_timer_arm(&child->limit, end_ms > now_ms ? end_ms - now_ms : 0);
}

static bool
stops_last(const struct child *child)
{
	return child->program->kind == PROGRAM_CONTROLPLANE || child->program->kind == PROGRAM_DEMO;
}

size_t
children_running(const struct launcher *launcher, bool last)
{
	size_t count = 0;
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		const struct child *child = &launcher->children[i];
		count += child->program != NULL && child->pid > 0 && stops_last(child) == last;
	}
	return count;
}

void
children_signal(const struct launcher *launcher, bool last, int signo)
{
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		const struct child *child = &launcher->children[i];
		bool again = signo == SIGTERM && child->ending;
		if (child->program != NULL && child->pid > 0 && stops_last(child) == last && !again)
			(void)kill(child->pid, signo);
	}
}

static void
log_end_of(const struct child *child, int status)
{
	struct log_line line;
	bool moves = child->role != CHILD_SERVES || child->launcher->upgrade.step != UPGRADE_NONE;
	bool wanted = child->launcher->stage != STAGE_RUN || (status == 0 && moves);
	log_begin(&line, wanted ? LOG_INFO : LOG_ERROR, "ended");
	log_str(&line, "program", child->program->name);
	log_int(&line, "pid", child->pid);
	if (WIFSIGNALED(status))
		log_str(&line, "signal", sigabbrev_np(WTERMSIG(status)));
	else
		log_int(&line, "status", WEXITSTATUS(status));
	log_end(&line);
}

static void
ended(struct child *child, int status)
{
	char path[PATH_MAX];
	log_end_of(child, status);
	child->pid = 0;
	if (child->launcher->stage != STAGE_RUN)
		return;
	if (child->role == CHILD_RETIRES) {
		/* One that was killed may have left it. */
		if (children_ready_path(child->launcher, child->program, path))
			(void)unlink(path);
		leave(child);
	} else if (!upgrade_child_ended(child))
		bury(child);
}

void
children_reap(struct launcher *launcher)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == launcher->upgrade.check_pid)
			upgrade_checked(launcher, status);
		for (size_t i = 0; i < CHILDREN_MAX; i++) {
			struct child *child = &launcher->children[i];
			if (child->program == NULL || child->pid != pid)
				continue;
			ended(child, status);
			break;
		}
	}
}
