#include "alert_command.h"
#include "mem.h"
#include "must.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_MS 20 /* how often it is looked whether it has ended */
#define VARIABLES 4

struct alert_command {
	struct loop *loop;
	pid_t pid;
	uint64_t until_ms;
	bool killed;
	struct loop_timer look;
	alert_command_fn *on_end;
	void *ctx;
};

/* ---- the file ---- */

static bool
check_file(const char *path, struct err *err)
{
	struct stat st;
	if (stat(path, &st) != 0)
		return err_errno(err, path, "no such command");
	if (!S_ISREG(st.st_mode) || access(path, X_OK) != 0)
		return err_set(err, ERR_CONFIG, path, "is no executable file");
	if ((st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return err_set(err, ERR_CONFIG, path, "others may write it");
	return true;
}

/* What it reads: a file without a name, so that nobody waits for a slow reader. */
static int
make_input(struct view json, struct err *err)
{
	int fd = memfd_create("alert", MFD_CLOEXEC);
	if (fd >= 0 && write(fd, json.data, json.len) == (ssize_t)json.len &&
	    lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	(void)err_errno(err, "", "no room for the input of the command");
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* ---- its start ---- */

/* A path to look for programs in, and what they need to speak to people: no more of ours. */
static void
choose_environment(char room[VARIABLES][PATH_MAX], char *environment[VARIABLES + 1])
{
	static const char *const names[] = {"PATH", "HOME", "LANG", "TZ"};
	size_t count = 0;
	for (size_t i = 0; i < VARIABLES; i++) {
		const char *value = getenv(names[i]);
		int len =
		    value != NULL ? snprintf(room[count], PATH_MAX, "%s=%s", names[i], value) : -1;
		if (len > 0 && len < PATH_MAX) {
			environment[count] = room[count];
			count++;
		}
	}
	environment[count] = NULL;
}

static int
spawn(const char *path, int input, pid_t *pid)
{
	static char room[VARIABLES][PATH_MAX];
	char *environment[VARIABLES + 1];
	char *argv[] = {(char *)(uintptr_t)path, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	choose_environment(room, environment);
	MUST(posix_spawn_file_actions_init(&files) == 0);
	MUST(posix_spawnattr_init(&attributes) == 0);
	MUST(posix_spawnattr_setpgroup(&attributes, 0) == 0);
	MUST(posix_spawnattr_setsigmask(&attributes, &none) == 0);
	MUST(posix_spawnattr_setsigdefault(&attributes, &all) == 0);
	MUST(posix_spawnattr_setflags(&attributes,
		 POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) == 0);
	int failed = posix_spawn_file_actions_adddup2(&files, input, 0);
	if (failed == 0)
		failed = posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
	if (failed == 0)
		failed = posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
	if (failed == 0)
		failed = posix_spawn_file_actions_addclosefrom_np(&files, 3);
	if (failed == 0)
		failed = posix_spawn(pid, path, &files, &attributes, argv, environment);
	(void)posix_spawn_file_actions_destroy(&files);
	(void)posix_spawnattr_destroy(&attributes);
	return failed;
}

/* ---- its end ---- */

static void
end_with(struct alert_command *command, int status)
{
	alert_command_fn *on_end = command->on_end;
	void *ctx = command->ctx;
	const char *reason = command->killed ? "timeout" : "signal";
	uint32_t number = (uint32_t)WTERMSIG(status);
	if (WIFEXITED(status)) {
		number = (uint32_t)WEXITSTATUS(status);
		reason = number == 0 ? "ok" : "exit";
	}
	command->pid = 0;
	alert_command_free(command);
	on_end(WIFEXITED(status) && number == 0, number, reason, ctx);
}

static void
on_look(struct loop_timer *timer, void *ctx)
{
	struct alert_command *command = ctx;
	int status = 0;
	if (waitpid(command->pid, &status, WNOHANG) == command->pid) {
		end_with(command, status);
		return;
	}
	if (!command->killed && loop_now_ms(command->loop) >= command->until_ms) {
		command->killed = true;
		(void)kill(-command->pid, SIGKILL);
	}
	loop_timer_arm(timer, LOOK_MS);
}

struct alert_command *
alert_command_start(struct loop *loop, const char *state_dir, struct view json,
    alert_command_fn *on_end, void *ctx, struct err *err)
{
	char path[PATH_MAX];
	pid_t pid = 0;
	int len = snprintf(path, sizeof(path), "%s/%s", state_dir, ALERT_COMMAND_FILE);
	if (len < 0 || len >= PATH_MAX) {
		err_set(err, ERR_LIMIT, ALERT_COMMAND_FILE, "the path is too long");
		return NULL;
	}
	int input = check_file(path, err) ? make_input(json, err) : -1;
	if (input < 0)
		return NULL;
	errno = spawn(path, input, &pid);
	bool ok = errno == 0 || err_errno(err, path, "cannot be started");
	(void)close(input);
	if (!ok)
		return NULL;
	struct alert_command *command = MEM_NEW(struct alert_command);
	command->loop = loop;
	command->pid = pid;
	command->until_ms = loop_now_ms(loop) + ALERT_COMMAND_MS;
	command->on_end = on_end;
	command->ctx = ctx;
	loop_timer_init(&command->look, loop, on_look, command);
	loop_timer_arm(&command->look, LOOK_MS);
	return command;
}

void
alert_command_free(struct alert_command *command)
{
	if (command == NULL)
		return;
	loop_timer_fini(&command->look);
	if (command->pid > 0) {
		(void)kill(-command->pid, SIGKILL);
		(void)waitpid(command->pid, NULL, 0);
	}
	mem_free(command);
}
