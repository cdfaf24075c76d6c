/* The launcher becomes its successor by exec: it stays the parent of the programs, the holder of
 * the roster and the process that systemd knows. What it has in hand is told in a memory file. */
#include "bytes.h"
#include "child.h"
#include "jget.h"
#include "launcher_private.h"
#include "log.h"
#include "mem.h"
#include "must.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define VARIABLE "POINTSMAN_HANDOVER"
#define CHECK "POINTSMAN_HANDOVER_CHECK"
#define VERSION 1 /* a launcher takes over from its own version and from the one before */
#define TEXT_BYTES_MAX (1024 * 1024)
/* Who asks says what he understands; an earlier version knows the first answer only. */
#define ASKS 2
#define ANSWER_YES 0
#define ANSWER_HOLDS_SIGNALS 10

extern char **environ;

/* ---- telling ---- */

static json_t *
encode_fds(const int *fds)
{
	json_t *list = json_array();
	for (size_t i = 0; i < SOCKETS_ADDRESSES_MAX; i++)
		if (fds[i] >= 0)
			MUST(json_array_append_new(list, json_integer(fds[i])) == 0);
	return list;
}

static json_t *
encode_children(const struct launcher *launcher)
{
	json_t *list = json_array();
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		const struct child *child = &launcher->children[i];
		if (child->program == NULL)
			continue;
		uint64_t now = loop_now_ms(launcher->loop);
		uint64_t left = child->retire_end_ms > now ? child->retire_end_ms - now : 0;
		json_t *item = json_pack("{s:i, s:i, s:i, s:i, s:b, s:b, s:I, s:i}", "kind",
		    (int)child->program->kind, "set", (int)child->program->set, "number",
		    (int)child->program->number, "pid", (int)child->pid, "retires",
		    (int)(child->role == CHILD_RETIRES), "ending", (int)child->ending, "left_ms",
		    (json_int_t)left, "file", child->program->plan.exec_fd);
		MUST(item != NULL && json_array_append_new(list, item) == 0);
	}
	return list;
}

static json_t *
encode(const struct launcher *launcher)
{
	const struct sockets *sockets = &launcher->sockets;
	json_t *api = json_array();
	for (unsigned i = 0; i < launcher->dataplanes && (i == 0 || !sockets->api_shared); i++)
		MUST(json_array_append_new(api, encode_fds(sockets->api[i])) == 0);
	json_t *all = json_pack("{s:i, s:i, s:i, s:i, s:o, s:b, s:o, s:i, s:i, s:i, s:i, s:o}", "v",
	    VERSION, "roster", launcher->programs_wish.roster_fd, "control", launcher->control.fd,
	    "reply", launcher->upgrade.reply_fd, "api", api, "api_shared", (int)sockets->api_shared,
	    "admin", encode_fds(sockets->admin), "web", sockets->web, "demo", sockets->demo,
	    "demo_port", (int)sockets->demo_port, "dataplanes", (int)launcher->dataplanes,
	    "children", encode_children(launcher));
	MUST(all != NULL);
	return all;
}

/* A descriptor with the text, or -1. */
static int
write_text(const struct launcher *launcher, struct err *err)
{
	size_t len;
	json_t *all = encode(launcher);
	char *text = jget_dump(all, &len);
	json_decref(all);
	int fd = memfd_create("pointsman-handover", MFD_CLOEXEC);
	if (fd < 0 || write(fd, text, len) != (ssize_t)len) {
		(void)err_errno(err, "handover", "cannot be written");
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	mem_free(text);
	return fd;
}

static bool
set_number(const char *name, int number)
{
	char text[16];
	snprintf(text, sizeof(text), "%d", number);
	return setenv(name, text, 1) == 0;
}

static void
exec_new(const struct launcher *launcher)
{
	execveat(launcher->upgrade.program_fd, "", launcher->wish->argv, environ, AT_EMPTY_PATH);
}

bool
handover_ask(struct launcher *launcher, struct err *err)
{
	struct upgrade *upgrade = &launcher->upgrade;
	upgrade->program_fd = open(upgrade->program, O_PATH | O_CLOEXEC);
	if (upgrade->program_fd < 0)
		return err_errno(err, upgrade->program, "cannot open");
	int fd = write_text(launcher, err);
	if (fd < 0)
		return false;
	pid_t pid = child_fork();
	if (pid == 0) {
		if (fcntl(fd, F_SETFD, 0) == 0 && fcntl(upgrade->program_fd, F_SETFD, 0) == 0 &&
		    set_number(VARIABLE, fd) && set_number(CHECK, ASKS))
			exec_new(launcher);
		_exit(127);
	}
	if (pid < 0)
		(void)err_errno(err, upgrade->program, "cannot be asked");
	else
		upgrade->check_pid = pid;
	close(fd);
	return pid > 0;
}

bool
handover_answered(struct launcher *launcher, int status, struct err *err)
{
	int answer = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	launcher->upgrade.holds_signals = answer == ANSWER_HOLDS_SIGNALS;
	if (answer == ANSWER_YES || answer == ANSWER_HOLDS_SIGNALS)
		return true;
	return err_set(err, ERR_CONFIG, launcher->upgrade.program,
	    "it does not take over: its log or this one's says why");
}

/* What exec would turn into the end of the process, or lose. */
static sigset_t
signals_held(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	return set;
}

void
handover_hold_signals(const struct launcher *launcher)
{
	const sigset_t set = signals_held();
	if (launcher->upgrade.holds_signals)
		(void)sigprocmask(SIG_BLOCK, &set, NULL);
}

void
handover_release_signals(void)
{
	const sigset_t set = signals_held();
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* Everything is close-on-exec but what is told, and the standard ones. */
static void
keep_open(const struct launcher *launcher, bool keep)
{
	const struct sockets *sockets = &launcher->sockets;
	int flags = keep ? 0 : FD_CLOEXEC;
	int single[] = {launcher->programs_wish.roster_fd, launcher->control.fd,
	    launcher->upgrade.reply_fd, sockets->web, sockets->demo};
	for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++)
		if (single[i] >= 0)
			(void)fcntl(single[i], F_SETFD, flags);
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		const struct program *program = launcher->children[i].program;
		if (program != NULL && program->plan.exec_fd >= 0)
			(void)fcntl(program->plan.exec_fd, F_SETFD, flags);
	}
	for (size_t place = 0; place < SOCKETS_ADDRESSES_MAX; place++) {
		if (sockets->admin[place] >= 0)
			(void)fcntl(sockets->admin[place], F_SETFD, flags);
		for (unsigned i = 0; i < launcher->dataplanes; i++)
			if (sockets->api[i][place] >= 0)
				(void)fcntl(sockets->api[i][place], F_SETFD, flags);
	}
}

void
handover_exec(struct launcher *launcher, struct err *err)
{
	int fd = write_text(launcher, err);
	if (fd < 0)
		return;
	(void)close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
	keep_open(launcher, true);
	if (fcntl(fd, F_SETFD, 0) == 0 && set_number(VARIABLE, fd))
		exec_new(launcher);
	(void)err_errno(err, launcher->upgrade.program, "cannot start");
	(void)unsetenv(VARIABLE);
	keep_open(launcher, false);
	close(fd);
}

/* ---- taking ---- */

bool
handover_is_check(int *status)
{
	const char *asks = getenv(CHECK);
	uint64_t number;
	*status = asks != NULL && view_to_u64(view_of(asks), &number) && number >= ASKS
		      ? ANSWER_HOLDS_SIGNALS
		      : ANSWER_YES;
	return getenv(VARIABLE) != NULL && asks != NULL;
}

static bool
take_int(const json_t *all, const char *key, int64_t min, int64_t max, int *out, struct err *err)
{
	int64_t number = min - 1;
	if (!jget_int(all, "handover", key, min, max, &number, err))
		return false;
	*out = (int)number;
	return number >= min || err_set(err, ERR_PARSE, key, "is missing in the handover");
}

static bool
take_fds(const json_t *list, int *out, struct err *err)
{
	size_t count = json_array_size(list);
	if (!json_is_array(list) || count > SOCKETS_ADDRESSES_MAX)
		return err_set(err, ERR_PARSE, "handover", "is not understood");
	for (size_t i = 0; i < count; i++) {
		out[i] = (int)json_integer_value(json_array_get(list, i));
		if (out[i] < 3)
			return err_set(err, ERR_PARSE, "handover", "names no descriptor");
	}
	return true;
}

static bool
take_sockets(struct launcher *launcher, const json_t *all, struct err *err)
{
	struct sockets *sockets = &launcher->sockets;
	const json_t *api = json_object_get(all, "api");
	int dataplanes, port;
	if (!take_int(all, "dataplanes", 0, SOCKETS_DATAPLANES_MAX, &dataplanes, err) ||
	    !take_int(all, "web", -1, INT_MAX, &sockets->web, err) ||
	    !take_int(all, "demo", -1, INT_MAX, &sockets->demo, err) ||
	    !take_int(all, "demo_port", 0, UINT16_MAX, &port, err) ||
	    !take_int(all, "roster", 3, INT_MAX, &launcher->programs_wish.roster_fd, err) ||
	    !take_int(all, "control", 3, INT_MAX, &launcher->control.fd, err) ||
	    !take_int(all, "reply", -1, INT_MAX, &launcher->upgrade.reply_fd, err) ||
	    !take_fds(json_object_get(all, "admin"), sockets->admin, err))
		return false;
	sockets->demo_port = (uint16_t)port;
	sockets->api_shared = json_is_true(json_object_get(all, "api_shared"));
	launcher->dataplanes = (unsigned)dataplanes;
	for (unsigned i = 0; i < launcher->dataplanes; i++)
		if (!take_fds(
			json_array_get(api, sockets->api_shared ? 0 : i), sockets->api[i], err))
			return false;
	return true;
}

/* By the file that is open already; an earlier version tells none. */
static struct program *
take_program(struct launcher *launcher, const char *folder, const json_t *item,
    enum program_kind kind, unsigned set, unsigned number, struct err *err)
{
	int64_t fd = json_integer_value(json_object_get(item, "file"));
	if (fd < 3 || fd > INT_MAX)
		return program_new(&launcher->programs_wish, folder, kind, set, number, err);
	return program_held(&launcher->programs_wish, folder, (int)fd, kind, set, number);
}

static bool
take_child(struct launcher *launcher, const char *folder, const json_t *item, struct err *err)
{
	int kind, set, number, pid, left_ms;
	if (!take_int(item, "kind", PROGRAM_CONTROLPLANE, PROGRAM_DATAPLANE, &kind, err) ||
	    !take_int(item, "set", 0, SOCKETS_DATAPLANES_MAX - 1, &set, err) ||
	    !take_int(item, "number", 0, ROSTER_DATAPLANES - 1, &number, err) ||
	    !take_int(item, "pid", 0, INT_MAX, &pid, err) ||
	    !take_int(item, "left_ms", 0, INT_MAX, &left_ms, err))
		return false;
	struct program *program = take_program(
	    launcher, folder, item, (enum program_kind)kind, (unsigned)set, (unsigned)number, err);
	if (program == NULL)
		return false;
	bool retires = json_is_true(json_object_get(item, "retires"));
	struct child *child =
	    children_add(launcher, program, retires ? CHILD_RETIRES : CHILD_SERVES);
	if (child == NULL)
		return err_set(err, ERR_LIMIT, "handover", "has too many programs");
	child->pid = pid;
	child->started_ms = loop_now_ms(launcher->loop);
	if (retires)
		children_retire_until(child, child->started_ms + (uint64_t)left_ms,
		    json_is_true(json_object_get(item, "ending")));
	return true;
}

static bool
take_children(struct launcher *launcher, const json_t *all, struct err *err)
{
	char folder[PATH_MAX];
	const json_t *list = json_object_get(all, "children");
	if (!programs_folder(folder, err))
		return false;
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!take_child(launcher, folder, json_array_get(list, i), err))
			return false;
	return true;
}

static bool
read_text(int fd, json_t **out, struct err *err)
{
	struct bytes text;
	char part[4096];
	off_t at = 0;
	ssize_t len;
	bytes_init(&text, TEXT_BYTES_MAX);
	bool ok = true;
	while (ok && (len = pread(fd, part, sizeof(part), at)) > 0) {
		ok = bytes_append_view(&text, view_make(part, (size_t)len));
		at += len;
	}
	ok = ok && jget_parse(bytes_view(&text), out, err);
	bytes_fini(&text);
	return ok || err_set(err, ERR_PARSE, "handover", "is not understood");
}

bool
handover_take(struct launcher *launcher, bool *taken, struct err *err)
{
	const char *name = getenv(VARIABLE);
	uint64_t fd;
	int version;
	json_t *all = NULL;
	*taken = name != NULL && view_to_u64(view_of(name), &fd) && fd < INT_MAX;
	if (!*taken)
		return true;
	(void)unsetenv(VARIABLE);
	bool ok = read_text((int)fd, &all, err) &&
		  take_int(all, "v", VERSION, VERSION, &version, err) &&
		  take_sockets(launcher, all, err);
	close((int)fd);
	if (ok)
		launcher_know_sockets(launcher);
	ok = ok && take_children(launcher, all, err) && takeover_find_again(launcher, err);
	json_decref(all);
	keep_open(launcher, false);
	return ok;
}

void
handover_forget(struct launcher *launcher)
{
	sockets_none(&launcher->sockets);
	launcher->programs_wish.roster_fd = -1;
	launcher->control.fd = -1;
	launcher->upgrade.reply_fd = -1;
	for (size_t i = 0; i < CHILDREN_MAX; i++)
		if (launcher->children[i].program != NULL)
			launcher->children[i].program->plan.exec_fd = -1;
}
