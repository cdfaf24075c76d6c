#include "launcher.h"
#include "backoff.h"
#include "banner.h"
#include "fileio.h"
#include "grid.h"
#include "jget.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "must.h"
#include "names.h"
#include "netaddr.h"
#include "notify.h"
#include "orphans.h"
#include "places.h"
#include "programs.h"
#include "roster.h"
#include "sockets.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_LOOK_MS 50
#define READY_SAY_MS 10000 /* how often a start that hangs is told */
#define STOP_MS 2000       /* beyond what a dataplane gives its streams by itself */
#define STOP_LAST_MS 5000
#define READY_BYTES_MAX (1024 * 1024)

/* Who serves clients stops first; then what they need for that: controlplane, which takes their
 * last reports, and the demo upstream. */
enum stage { STAGE_RUN, STAGE_STOP, STAGE_STOP_LAST };

struct child {
	struct launcher *launcher;
	struct program *program;
	pid_t pid; /* 0 = not running */
	uint64_t started_ms;
	struct backoff backoff;
	struct loop_timer restart;
};

struct launcher {
	struct loop *loop;
	struct places places;
	struct sockets sockets;
	struct programs_wish programs_wish;
	struct program programs[PROGRAMS_MAX];
	struct child children[PROGRAMS_MAX]; /* [0] is controlplane */
	size_t count;
	size_t last; /* the first so many stop last */
	uint16_t port, admin_port;
	bool terminal; /* it was started in one */
	bool quiet;
	unsigned drain_s;
	enum launcher_part part;
	enum stage stage;
	uint64_t began_ms, said_ms;
	struct loop_timer ready, limit, watchdog;
};

static bool
ready_path(const struct launcher *launcher, const struct program *program, char out[PATH_MAX])
{
	int len = snprintf(out, PATH_MAX, "%s/%s", launcher->places.run, program->ready);
	return program->ready[0] != '\0' && len > 0 && len < PATH_MAX;
}

/* ---- children ---- */

static void
bury(struct child *child)
{
	uint64_t lived_ms = loop_now_ms(child->launcher->loop) - child->started_ms;
	uint32_t wait_ms = backoff_next_ms(&child->backoff, lived_ms);
	child->pid = 0;
	loop_timer_arm(&child->restart, wait_ms);
}

static void
start(struct child *child)
{
	struct err err = {0};
	char path[PATH_MAX];
	if (ready_path(child->launcher, child->program, path))
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
	start(ctx);
}

static void
log_end_of(const struct child *child, int status)
{
	struct log_line line;
	log_begin(&line, child->launcher->stage == STAGE_RUN ? LOG_ERROR : LOG_INFO, "ended");
	log_str(&line, "program", child->program->name);
	log_int(&line, "pid", child->pid);
	if (WIFSIGNALED(status))
		log_str(&line, "signal", sigabbrev_np(WTERMSIG(status)));
	else
		log_int(&line, "status", WEXITSTATUS(status));
	log_end(&line);
}

/* How many of the children from `first` to before `end` run. */
static size_t
running(const struct launcher *launcher, size_t first, size_t end)
{
	size_t count = 0;
	for (size_t i = first; i < end; i++)
		count += launcher->children[i].pid > 0;
	return count;
}

static void
signal_children(const struct launcher *launcher, size_t first, size_t end, int signo)
{
	for (size_t i = first; i < end; i++)
		if (launcher->children[i].pid > 0)
			(void)kill(launcher->children[i].pid, signo);
}

/* ---- the end ---- */

static void
stop_advance(struct launcher *launcher)
{
	if (launcher->stage == STAGE_STOP &&
	    running(launcher, launcher->last, launcher->count) == 0) {
		launcher->stage = STAGE_STOP_LAST;
		signal_children(launcher, 0, launcher->last, SIGTERM);
		loop_timer_arm(&launcher->limit, STOP_LAST_MS);
	}
	if (launcher->stage == STAGE_STOP_LAST && running(launcher, 0, launcher->last) == 0)
		loop_stop(launcher->loop);
}

static void
on_limit(struct loop_timer *timer, void *ctx)
{
	(void)timer;
	struct launcher *launcher = ctx;
	log_msg(LOG_WARN, "stop", "killing what did not end in time");
	if (launcher->stage == STAGE_STOP)
		signal_children(launcher, launcher->last, launcher->count, SIGKILL);
	else
		signal_children(launcher, 0, launcher->last, SIGKILL);
}

static void
on_stop(int signo, void *ctx)
{
	struct launcher *launcher = ctx;
	if (launcher->stage != STAGE_RUN) { /* asked twice: without patience */
		on_limit(NULL, launcher);
		return;
	}
	log_msg(LOG_INFO, "stop", "signal %s", sigabbrev_np(signo));
	notify_send("STOPPING=1\nSTATUS=Finishing the streams in work");
	launcher->stage = STAGE_STOP;
	loop_timer_disarm(&launcher->ready);
	for (size_t i = 0; i < launcher->count; i++)
		loop_timer_disarm(&launcher->children[i].restart);
	sockets_close(
	    &launcher->sockets); /* new callers are refused, or wait where systemd holds it */
	signal_children(launcher, launcher->last, launcher->count, SIGTERM);
	loop_timer_arm(&launcher->limit, (uint64_t)launcher->drain_s * 1000 + STOP_MS);
	stop_advance(launcher);
}

static void
signal_controlplane(const struct launcher *launcher, int signo)
{
	if (launcher->programs_wish.controlplane)
		signal_children(launcher, 0, 1, signo);
}

/* Somebody asks for a reload, or the terminal that we were started in was closed. */
static void
on_hangup(int signo, void *ctx)
{
	struct launcher *launcher = ctx;
	if (launcher->terminal && !isatty(STDIN_FILENO))
		on_stop(signo, ctx);
	else
		signal_controlplane(launcher, signo);
}

static void
on_child(int signo, void *ctx)
{
	(void)signo;
	struct launcher *launcher = ctx;
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (size_t i = 0; i < launcher->count; i++) {
			struct child *child = &launcher->children[i];
			if (child->pid != pid)
				continue;
			log_end_of(child, status);
			child->pid = 0;
			if (launcher->stage == STAGE_RUN)
				bury(child);
		}
	}
	stop_advance(launcher);
}

/* ---- readiness ---- */

/* The names of the programs that have not said they are ready. */
static bool
all_ready(const struct launcher *launcher, struct bytes *missing)
{
	char path[PATH_MAX];
	for (size_t i = 0; i < launcher->count; i++) {
		const struct program *program = launcher->children[i].program;
		if (ready_path(launcher, program, path) && access(path, F_OK) != 0)
			MUST(bytes_printf(
			    missing, "%s%s", missing->len > 0 ? " " : "", program->name));
	}
	return missing->len == 0;
}

/* The address that logs in by itself; the code in it holds once, and is shown once. */
static void
print_login(const struct launcher *launcher, struct bytes *out)
{
	char path[PATH_MAX];
	struct bytes code;
	struct err err;
	int len = snprintf(path, sizeof(path), "%s/login-code", launcher->places.run);
	bytes_init(&code, 256);
	if (len > 0 && (size_t)len < sizeof(path) && fileio_read(path, &code, &err)) {
		MUST(bytes_printf(
		    out, "Log in       http://localhost:%u/#login=", launcher->admin_port));
		grid_clean(out, bytes_view(&code));
		MUST(bytes_append_str(out, "  (once, within 15 minutes)\n"));
		(void)unlink(path);
	}
	bytes_fini(&code);
}

static bool
announce(const struct launcher *launcher, struct err *err)
{
	char path[PATH_MAX];
	struct bytes text, out;
	json_t *ready = NULL;
	bytes_init(&text, READY_BYTES_MAX);
	bytes_init(&out, 4 * READY_BYTES_MAX);
	bool ok = ready_path(launcher, launcher->children[0].program, path) &&
		  fileio_read(path, &text, err) && jget_parse(bytes_view(&text), &ready, err) &&
		  banner_print(ready, launcher->port, launcher->admin_port, &out, err);
	if (ok)
		print_login(launcher, &out);
	if (ok) {
		fwrite(out.data, 1, out.len, stdout);
		fflush(stdout);
	}
	json_decref(ready);
	bytes_fini(&text);
	bytes_fini(&out);
	return ok;
}

static void
on_ready_look(struct loop_timer *timer, void *ctx)
{
	struct launcher *launcher = ctx;
	struct err err = {0};
	struct bytes missing;
	bytes_init(&missing, 4096);
	if (all_ready(launcher, &missing)) {
		log_msg(LOG_INFO, "ready", "after %d ms",
		    (int)(loop_now_ms(launcher->loop) - launcher->began_ms));
		notify_send("READY=1\nSTATUS=Serving");
		if (!launcher->quiet && launcher->part == LAUNCHER_ALL && !announce(launcher, &err))
			log_err(LOG_ERROR, "banner", &err);
	} else {
		if (loop_now_ms(launcher->loop) - launcher->said_ms >= READY_SAY_MS) {
			launcher->said_ms = loop_now_ms(launcher->loop);
			log_msg(LOG_WARN, "waiting", "not ready yet: %s", bytes_str(&missing));
		}
		loop_timer_arm(timer, READY_LOOK_MS);
	}
	bytes_fini(&missing);
}

static void
on_watchdog(struct loop_timer *timer, void *ctx)
{
	(void)ctx;
	notify_send("WATCHDOG=1");
	loop_timer_arm(timer, notify_watchdog_ms() / 2);
}

/* ---- start ---- */

const char *
launcher_part_name(unsigned part)
{
	static const char *const names[] = {
	    [LAUNCHER_ALL] = "launcher",
	    [LAUNCHER_CONTROLPLANE] = "controlplane",
	    [LAUNCHER_WEBADMIN] = "webadmin",
	    [LAUNCHER_DATAPLANE] = "dataplane",
	};
	return part < sizeof(names) / sizeof(names[0]) ? names[part] : NULL;
}

static unsigned
dataplanes_default(void)
{
	cpu_set_t set;
	int cores = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
	if (cores < 2) /* so that one crash never takes all */
		return 2;
	return cores > SOCKETS_DATAPLANES_MAX ? SOCKETS_DATAPLANES_MAX : (unsigned)cores;
}

/* The children inherit these: many descriptors, no core files (memory holds keys), private files.
 */
static void
set_process(void)
{
	struct rlimit files, core = {0};
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	(void)setrlimit(RLIMIT_CORE, &core);
	umask(077);
}

/* Folder, roster, orphans: whatever must be so before a socket is opened. The state folder belongs
 * to controlplane: where that runs elsewhere, all that is ours is in the run folder. */
static bool
take_folder(struct launcher *launcher, const struct launcher_wish *wish, struct err *err)
{
	struct err why = {0};
	struct places *places = &launcher->places;
	bool owner = launcher->programs_wish.controlplane;
	if (!(owner ? places_make(wish->state, wish->run_dir, places, err)
		    : places_join(wish->state, wish->run_dir, places, err)))
		return false;
	int roster = roster_open(owner ? places->state : places->run,
	    launcher_part_name(owner ? LAUNCHER_ALL : launcher->part), err);
	launcher->programs_wish.roster_fd = roster;
	if (roster < 0)
		return false;
	if (!roster_take(roster, ROSTER_LAUNCHER, &why))
		return err_set(err, ERR_CONFIG, "--state", "another Pointsman runs on %s: %s",
		    launcher->places.state, why.msg);
	return orphans_end(roster, err);
}

/* Where sockets were handed over, theirs is the truth. */
static uint16_t
port_of(int fd, uint16_t wanted)
{
	uint16_t port = fd >= 0 ? netaddr_port(fd) : 0;
	return port != 0 ? port : wanted;
}

static bool
open_sockets(struct launcher *launcher, const struct launcher_wish *wish, struct err *err)
{
	struct programs_wish *programs = &launcher->programs_wish;
	const struct sockets_wish sockets = {
	    .listen = wish->listen,
	    .admin_listen = wish->admin_listen,
	    .port = wish->port,
	    .admin_port = wish->admin_port,
	    .dataplanes = programs->dataplanes,
	    .admin = programs->webadmin,
	    .web = programs->webadmin,
	    .demo = wish->demo,
	    .run_dir = launcher->places.run,
	};
	if (!sockets_open(&sockets, &launcher->sockets, err))
		return false;
	if (wish->demo)
		snprintf(programs->demo_url, sizeof(programs->demo_url), "http://127.0.0.1:%u",
		    (unsigned)launcher->sockets.demo_port);
	launcher->port = port_of(launcher->sockets.api[0][0], wish->port);
	launcher->admin_port = port_of(launcher->sockets.admin[0], wish->admin_port);
	snprintf(programs->api_port, sizeof(programs->api_port), "%u", (unsigned)launcher->port);
	return true;
}

static bool
prepare(struct launcher *launcher, const struct launcher_wish *wish, struct err *err)
{
	struct programs_wish *programs = &launcher->programs_wish;
	launcher->terminal = isatty(STDIN_FILENO);
	launcher->quiet = wish->quiet;
	launcher->drain_s = wish->drain_s;
	snprintf(programs->drain_s, sizeof(programs->drain_s), "%u", wish->drain_s);
	launcher->part = wish->only;
	bool all = wish->only == LAUNCHER_ALL;
	programs->controlplane = all || wish->only == LAUNCHER_CONTROLPLANE;
	programs->webadmin = all || wish->only == LAUNCHER_WEBADMIN;
	launcher->last = (size_t)wish->demo + (size_t)programs->controlplane;
	programs->places = &launcher->places;
	programs->sockets = &launcher->sockets;
	programs->log_level = wish->log_level;
	if (all || wish->only == LAUNCHER_DATAPLANE)
		programs->dataplanes =
		    wish->dataplanes > 0 ? wish->dataplanes : dataplanes_default();
	if (!take_folder(launcher, wish, err))
		return false;
	int len = snprintf(programs->ledger, sizeof(programs->ledger), "%s/demo-ledger.jsonl",
	    launcher->places.state);
	if (len < 0 || (size_t)len >= sizeof(programs->ledger))
		return err_set(err, ERR_LIMIT, "--state", "the path is too long");
	if (!open_sockets(launcher, wish, err) ||
	    !programs_list(programs, launcher->programs, &launcher->count, err))
		return false;
	launcher->loop = loop_new(err);
	return launcher->loop != NULL &&
	       loop_signal(launcher->loop, SIGTERM, on_stop, launcher, err) &&
	       loop_signal(launcher->loop, SIGINT, on_stop, launcher, err) &&
	       loop_signal(launcher->loop, SIGHUP, on_hangup, launcher, err) &&
	       loop_signal(launcher->loop, SIGCHLD, on_child, launcher, err);
}

static void
supervise(struct launcher *launcher)
{
	launcher->began_ms = launcher->said_ms = loop_now_ms(launcher->loop);
	loop_timer_init(&launcher->ready, launcher->loop, on_ready_look, launcher);
	loop_timer_init(&launcher->limit, launcher->loop, on_limit, launcher);
	loop_timer_init(&launcher->watchdog, launcher->loop, on_watchdog, launcher);
	for (size_t i = 0; i < launcher->count; i++) {
		struct child *child = &launcher->children[i];
		child->launcher = launcher;
		child->program = &launcher->programs[i];
		loop_timer_init(&child->restart, launcher->loop, on_restart, child);
	}
	for (size_t i = 0; i < launcher->count; i++)
		start(&launcher->children[i]);
	loop_timer_arm(&launcher->ready, READY_LOOK_MS);
	if (notify_watchdog_ms() > 0)
		on_watchdog(&launcher->watchdog, launcher);
	loop_run(launcher->loop);
	for (size_t i = 0; i < launcher->count; i++)
		loop_timer_fini(&launcher->children[i].restart);
	loop_timer_fini(&launcher->ready);
	loop_timer_fini(&launcher->limit);
	loop_timer_fini(&launcher->watchdog);
}

static void
remove_socket(const struct launcher *launcher, const char *name)
{
	char path[PATH_MAX];
	struct err err;
	if (names_path(launcher->places.run, name, path, sizeof(path), &err))
		(void)unlink(path);
}

static void
remove_files(const struct launcher *launcher)
{
	static const char *const names[] = {
	    NAMES_TABLE, NAMES_DATA, NAMES_EVENTS, NAMES_ADMIN, NAMES_STATS};
	char path[PATH_MAX];
	if (launcher->programs_wish.controlplane)
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			remove_socket(launcher, names[i]);
	if (launcher->programs_wish.webadmin)
		remove_socket(launcher, NAMES_WEB);
	for (size_t i = 0; i < launcher->count; i++)
		if (ready_path(launcher, &launcher->programs[i], path))
			(void)unlink(path);
}

int
launcher_run(const struct launcher_wish *wish)
{
	struct launcher *launcher = MEM_NEW(struct launcher);
	struct err err = {0};
	set_process();
	sockets_take(&launcher->sockets);
	launcher->programs_wish.roster_fd = -1;
	bool ok = prepare(launcher, wish, &err);
	if (ok) {
		supervise(launcher);
		remove_files(launcher);
	} else {
		fprintf(
		    stderr, "pointsman: %s%s%s\n", err.at, err.at[0] != '\0' ? ": " : "", err.msg);
	}
	loop_free(launcher->loop);
	sockets_close(&launcher->sockets);
	if (launcher->programs_wish.roster_fd >= 0)
		close(launcher->programs_wish.roster_fd);
	mem_free(launcher);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
