/* One step after the other, each with a deadline; whatever goes wrong before the last one is taken
 * back, and the old programs have served all the time:
 *   the new pointsman is asked whether it could take over, and all programs are opened
 *   controlplane: the old one ends, the new one takes its place (data planes serve on with their
 * table) data planes: new ones beside the old ones, on the same sockets webadmin: as controlplane
 *   the old data planes retire; the launcher becomes the new one */
#include "launcher_private.h"
#include "log.h"
#include "must.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MS 20
#define STEP_MS 20000
#define STOP_MS 5000
#define CHECK_MS 5000
#define HANDOVER_TURNS 2 /* until the loop has told of every signal that came before */

static void
hang_up(struct upgrade *upgrade)
{
	if (upgrade->reply_fd >= 0)
		close(upgrade->reply_fd);
	upgrade->reply_fd = -1;
}

static void
forget(struct upgrade *upgrade)
{
	upgrade->step = UPGRADE_NONE;
	loop_timer_disarm(&upgrade->look);
	program_free(upgrade->control);
	program_free(upgrade->web);
	upgrade->control = upgrade->web = NULL;
	upgrade->control_new = upgrade->web_new = false;
	if (upgrade->check_pid > 0)
		(void)kill(upgrade->check_pid, SIGKILL);
	upgrade->check_pid = 0;
	handover_release_signals();
}

static void
close_program(struct upgrade *upgrade)
{
	if (upgrade->program_fd >= 0)
		close(upgrade->program_fd);
	upgrade->program_fd = -1;
}

static void
enter(struct launcher *launcher, enum upgrade_step step, uint64_t limit_ms)
{
	launcher->upgrade.step = step;
	launcher->upgrade.end_ms = loop_now_ms(launcher->loop) + limit_ms;
	loop_timer_arm(&launcher->upgrade.look, LOOK_MS);
}

/* ---- back ---- */

/* What did not come up gets no time, and its predecessor starts when it is gone. */
static void
take_back(struct child *child, struct program **other)
{
	struct program *failed = child->program;
	child->program = *other;
	*other = failed;
	child->backoff = (struct backoff){0};
	if (child->pid > 0)
		(void)kill(child->pid, SIGKILL);
	else if (!child->restart.armed)
		loop_timer_arm(&child->restart, 0);
}

static void
fail(struct launcher *launcher, const struct err *err)
{
	struct upgrade *upgrade = &launcher->upgrade;
	log_err(LOG_ERROR, "upgrade_failed", err);
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		struct child *child = &launcher->children[i];
		if (child->program == NULL || child->role != CHILD_COMES)
			continue;
		if (child->pid > 0 && !children_ready(child))
			(void)kill(child->pid, SIGKILL);   /* nobody has spoken to it */
		children_retire(child, upgrade->drain_ms); /* it may have answered somebody */
	}
	if (upgrade->control_new)
		take_back(children_find(launcher, PROGRAM_CONTROLPLANE), &upgrade->control);
	if (upgrade->web_new)
		take_back(children_find(launcher, PROGRAM_WEBADMIN), &upgrade->web);
	control_say(upgrade->reply_fd, "failed: %s%s%s; all is as it was", err->at,
	    err->at[0] != '\0' ? ": " : "", err->msg);
	hang_up(upgrade);
	forget(upgrade);
	close_program(upgrade);
}

static void
fail_because(struct launcher *launcher, const char *name, const char *why)
{
	struct err err = {0};
	(void)err_set(&err, ERR_CONFIG, name, "%s", why);
	fail(launcher, &err);
}

/* ---- on ---- */

/* Asks the one that serves to end, or skips the step where there is none. */
static bool
replace(struct launcher *launcher, enum program_kind kind, enum upgrade_step step)
{
	struct child *child = children_find(launcher, kind);
	if (child == NULL)
		return false;
	loop_timer_disarm(&child->restart);
	enter(launcher, step, STOP_MS);
	if (child->pid > 0)
		(void)kill(child->pid, SIGTERM);
	else
		(void)upgrade_child_ended(child);
	return true;
}

static void
start_dataplanes(struct launcher *launcher)
{
	enter(launcher, UPGRADE_DATAPLANES, STEP_MS);
	control_say(launcher->upgrade.reply_fd, "starting data planes");
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		struct child *child = &launcher->children[i];
		if (child->program != NULL && child->role == CHILD_COMES)
			children_start(child);
	}
}

/* All new ones serve. */
static void
finish(struct launcher *launcher)
{
	struct upgrade *upgrade = &launcher->upgrade;
	unsigned count = 0;
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		struct child *child = &launcher->children[i];
		if (child->program == NULL || child->program->kind != PROGRAM_DATAPLANE)
			continue;
		if (child->role == CHILD_SERVES) {
			children_retire(child, upgrade->drain_ms);
			count++;
		} else if (child->role == CHILD_COMES) {
			child->role = CHILD_SERVES;
		}
	}
	forget(upgrade);
	log_msg(LOG_INFO, "upgraded", "%u data planes retire", count);
	upgrade->step = UPGRADE_HANDOVER;
	upgrade->turns = 0;
	handover_hold_signals(launcher);
	loop_timer_arm(&upgrade->look, 0);
}

/* Signals that were caught before they were held are told within a turn or two. */
static void
hand_over(struct launcher *launcher)
{
	struct upgrade *upgrade = &launcher->upgrade;
	struct err err = {0};
	if (upgrade->turns++ < HANDOVER_TURNS) {
		loop_timer_arm(&upgrade->look, 0);
		return;
	}
	upgrade->step = UPGRADE_NONE;
	handover_exec(launcher, &err);
	handover_release_signals();
	close_program(upgrade);
	/* The programs are new all the same. */
	log_err(LOG_ERROR, "launcher_stays", &err);
	control_say(
	    upgrade->reply_fd, "done, but for the launcher, which stays as it was: %s", err.msg);
	hang_up(upgrade);
}

static void
advance(struct launcher *launcher)
{
	switch (launcher->upgrade.step) {
	case UPGRADE_CONTROL:
		start_dataplanes(launcher);
		break;
	case UPGRADE_DATAPLANES:
		control_say(launcher->upgrade.reply_fd, "replacing webadmin");
		if (!replace(launcher, PROGRAM_WEBADMIN, UPGRADE_STOP_WEB))
			finish(launcher);
		break;
	case UPGRADE_WEB:
		finish(launcher);
		break;
	case UPGRADE_NONE:
	case UPGRADE_CHECK:
	case UPGRADE_STOP_CONTROL:
	case UPGRADE_STOP_WEB:
	case UPGRADE_HANDOVER:
		break;
	}
}

/* Who of this step is not ready; NULL = nobody. */
static const struct child *
missing(struct launcher *launcher)
{
	enum upgrade_step step = launcher->upgrade.step;
	if (step == UPGRADE_CONTROL || step == UPGRADE_WEB) {
		const struct child *child = children_find(
		    launcher, step == UPGRADE_WEB ? PROGRAM_WEBADMIN : PROGRAM_CONTROLPLANE);
		return children_ready(child) ? NULL : child;
	}
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		const struct child *child = &launcher->children[i];
		if (child->program != NULL && child->role == CHILD_COMES && !children_ready(child))
			return child;
	}
	return NULL;
}

static void
on_look(struct loop_timer *timer, void *ctx)
{
	struct launcher *launcher = ctx;
	const struct upgrade *upgrade = &launcher->upgrade;
	bool late = loop_now_ms(launcher->loop) >= upgrade->end_ms;
	if (upgrade->step == UPGRADE_HANDOVER) {
		hand_over(launcher);
		return;
	}
	loop_timer_arm(timer, LOOK_MS);
	if (upgrade->step == UPGRADE_CHECK) {
		if (late)
			fail_because(launcher, upgrade->program, "it does not answer");
		return;
	}
	if (upgrade->step == UPGRADE_STOP_CONTROL || upgrade->step == UPGRADE_STOP_WEB) {
		struct child *child = children_find(launcher,
		    upgrade->step == UPGRADE_STOP_WEB ? PROGRAM_WEBADMIN : PROGRAM_CONTROLPLANE);
		if (late && child->pid > 0)
			(void)kill(child->pid, SIGKILL);
		return;
	}
	const struct child *child = missing(launcher);
	if (child == NULL)
		advance(launcher);
	else if (late)
		fail_because(launcher, child->program->name, "is not ready in time");
}

/* The old one has ended: the new one takes its place. */
static void
succeed(struct child *child, struct program **other, bool *is_new, enum upgrade_step step)
{
	struct program *old = child->program;
	child->program = *other;
	*other = old;
	*is_new = true;
	child->backoff = (struct backoff){0};
	enter(child->launcher, step, STEP_MS);
	children_start(child);
}

bool
upgrade_child_ended(struct child *child)
{
	struct launcher *launcher = child->launcher;
	struct upgrade *upgrade = &launcher->upgrade;
	enum program_kind kind = child->program->kind;
	if (upgrade->step == UPGRADE_STOP_CONTROL && kind == PROGRAM_CONTROLPLANE) {
		succeed(child, &upgrade->control, &upgrade->control_new, UPGRADE_CONTROL);
		return true;
	}
	if (upgrade->step == UPGRADE_STOP_WEB && kind == PROGRAM_WEBADMIN) {
		succeed(child, &upgrade->web, &upgrade->web_new, UPGRADE_WEB);
		return true;
	}
	if (child->role == CHILD_COMES ||
	    (upgrade->step == UPGRADE_CONTROL && kind == PROGRAM_CONTROLPLANE) ||
	    (upgrade->step == UPGRADE_WEB && kind == PROGRAM_WEBADMIN)) {
		fail_because(launcher, child->program->name, "ended instead of serving");
		return true; /* its predecessor was armed, or it has left */
	}
	return false;
}

/* ---- begin ---- */

/* Everything that could be missing is opened before anything is touched. */
static bool
prepare(struct launcher *launcher, struct err *err)
{
	struct upgrade *upgrade = &launcher->upgrade;
	const struct programs_wish *wish = &launcher->programs_wish;
	char folder[PATH_MAX];
	snprintf(folder, sizeof(folder), "%s", upgrade->program);
	char *slash = strrchr(folder, '/');
	MUST(slash != NULL);
	*slash = '\0';
	if (launcher->controlplane &&
	    (upgrade->control = program_new(wish, folder, PROGRAM_CONTROLPLANE, 0, 0, err)) == NULL)
		return false;
	if (launcher->webadmin &&
	    (upgrade->web = program_new(wish, folder, PROGRAM_WEBADMIN, 0, 0, err)) == NULL)
		return false;
	for (unsigned set = 0; set < launcher->dataplanes; set++) {
		unsigned number = children_free_number(launcher);
		if (number == ROSTER_DATAPLANES)
			return err_set(err, ERR_LIMIT, "",
			    "too many data planes still finish what they had before");
		struct program *program =
		    program_new(wish, folder, PROGRAM_DATAPLANE, set, number, err);
		if (program == NULL)
			return false;
		if (children_add(launcher, program, CHILD_COMES) == NULL)
			return err_set(err, ERR_LIMIT, "", "too many programs");
	}
	return true;
}

void
upgrade_begin(struct launcher *launcher, const char *program, uint64_t drain_ms, int reply_fd)
{
	struct upgrade *upgrade = &launcher->upgrade;
	struct err err = {0};
	if (upgrade->step != UPGRADE_NONE || launcher->stage != STAGE_RUN || !launcher->announced) {
		control_say(reply_fd, "failed: %s",
		    upgrade->step != UPGRADE_NONE ? "another upgrade is at work"
						  : "it is starting or stopping");
		close(reply_fd);
		return;
	}
	snprintf(upgrade->program, sizeof(upgrade->program), "%s", program);
	upgrade->drain_ms = drain_ms;
	upgrade->reply_fd = reply_fd;
	log_msg(LOG_INFO, "upgrade", "to %s", program);
	if (handover_ask(launcher, &err))
		enter(launcher, UPGRADE_CHECK, CHECK_MS);
	else
		fail(launcher, &err);
}

void
upgrade_checked(struct launcher *launcher, int status)
{
	struct upgrade *upgrade = &launcher->upgrade;
	struct err err = {0};
	upgrade->check_pid = 0;
	if (!handover_answered(launcher, status, &err) || !prepare(launcher, &err)) {
		fail(launcher, &err);
		return;
	}
	control_say(upgrade->reply_fd, "replacing controlplane");
	if (!replace(launcher, PROGRAM_CONTROLPLANE, UPGRADE_STOP_CONTROL))
		start_dataplanes(launcher);
}

void
upgrade_init(struct launcher *launcher)
{
	launcher->upgrade.reply_fd = -1;
	loop_timer_init(&launcher->upgrade.look, launcher->loop, on_look, launcher);
}

void
upgrade_abandon(struct launcher *launcher)
{
	if (launcher->upgrade.step == UPGRADE_NONE)
		return;
	control_say(launcher->upgrade.reply_fd, "failed: it is stopping");
	hang_up(&launcher->upgrade);
	forget(&launcher->upgrade);
	close_program(&launcher->upgrade);
}

void
upgrade_fini(struct launcher *launcher)
{
	upgrade_abandon(launcher);
	loop_timer_fini(&launcher->upgrade.look);
}
