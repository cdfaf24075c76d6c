#include "banner.h"
#include "fileio.h"
#include "grid.h"
#include "jget.h"
#include "launcher_private.h"
#include "log.h"
#include "mem.h"
#include "must.h"
#include "names.h"
#include "netaddr.h"
#include "notify.h"
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define READY_LOOK_MS 50
#define READY_SAY_MS 10000 /* how often a start that hangs is told */
#define STOP_MS 2000       /* beyond what a dataplane gives its streams by itself */
#define STOP_LAST_MS 5000
#define STOP_AGAIN_MS 500 /* timeout(1) signals the process and its group: that is asked once */
#define READY_BYTES_MAX (1024 * 1024)

/* ---- the end ---- */

uint64_t
launcher_drain_ms(const struct launcher *launcher)
{
	return (uint64_t)launcher->wish->drain_s * 1000 + STOP_MS;
}

void
launcher_stop_advance(struct launcher *launcher)
{
	if (launcher->stage == STAGE_STOP && children_running(launcher, false) == 0 &&
	    takeover_left(launcher) == 0) {
		launcher->stage = STAGE_STOP_LAST;
		children_signal(launcher, true, SIGTERM);
		loop_timer_arm(&launcher->limit, STOP_LAST_MS);
	}
	if (launcher->stage == STAGE_STOP_LAST && children_running(launcher, true) == 0)
		loop_stop(launcher->loop);
}

static void
on_limit(struct loop_timer *timer, void *ctx)
{
	(void)timer;
	struct launcher *launcher = ctx;
	log_msg(LOG_WARN, "stop", "killing what did not end in time");
	children_signal(launcher, launcher->stage == STAGE_STOP_LAST, SIGKILL);
	takeover_kill(launcher);
}

static void
on_stop(int signo, void *ctx)
{
	struct launcher *launcher = ctx;
	uint64_t now_ms = loop_now_ms(launcher->loop);
	if (launcher->stage != STAGE_RUN) { /* asked twice: without patience */
		if (now_ms - launcher->stop_ms >= STOP_AGAIN_MS)
			on_limit(NULL, launcher);
		return;
	}
	launcher->stop_ms = now_ms;
	log_msg(LOG_INFO, "stop", "signal %s", sigabbrev_np(signo));
	notify_send("STOPPING=1\nSTATUS=Finishing the streams in work");
	launcher->stage = STAGE_STOP;
	loop_timer_disarm(&launcher->ready);
	upgrade_abandon(launcher);
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		loop_timer_disarm(&launcher->children[i].restart);
		loop_timer_disarm(&launcher->children[i].limit);
	}
	/* New callers are refused, or wait where systemd holds the port too. */
	sockets_close(&launcher->sockets);
	children_signal(launcher, false, SIGTERM);
	takeover_stop(launcher);
	loop_timer_arm(&launcher->limit, launcher_drain_ms(launcher));
	launcher_stop_advance(launcher);
}

static void
signal_controlplane(struct launcher *launcher, int signo)
{
	const struct child *child = children_find(launcher, PROGRAM_CONTROLPLANE);
	if (child != NULL && child->pid > 0)
		(void)kill(child->pid, signo);
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
	children_reap(ctx);
	launcher_stop_advance(ctx);
}

/* ---- readiness ---- */

/* The names of the programs that have not said they are ready. */
static bool
all_ready(const struct launcher *launcher, struct bytes *missing)
{
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		const struct child *child = &launcher->children[i];
		if (child->program != NULL && child->role == CHILD_SERVES && !children_ready(child))
			MUST(bytes_printf(
			    missing, "%s%s", missing->len > 0 ? " " : "", child->program->name));
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
announce(struct launcher *launcher, struct err *err)
{
	const struct child *control = children_find(launcher, PROGRAM_CONTROLPLANE);
	char path[PATH_MAX];
	struct bytes text, out;
	json_t *ready = NULL;
	bytes_init(&text, READY_BYTES_MAX);
	bytes_init(&out, 4 * READY_BYTES_MAX);
	bool ok = control != NULL && children_ready_path(launcher, control->program, path) &&
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
		if (!launcher->announced && !launcher->wish->quiet &&
		    launcher->wish->only == LAUNCHER_ALL && !announce(launcher, &err))
			log_err(LOG_ERROR, "banner", &err);
		launcher->announced = true;
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

bool
launcher_socket(
    const char *run_dir, enum launcher_part part, char *out, size_t out_len, struct err *err)
{
	char name[32];
	snprintf(name, sizeof(name), "%s.sock", launcher_part_name(part));
	return names_path(run_dir, name, out, out_len, err);
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
	(void)prctl(PR_SET_NAME, "pointsman"); /* executed by a descriptor it has no name */
	umask(077);
}

/* The first process of a container hears only what it has asked for: a stop waits until then. */
static void
hold_stops(void)
{
	sigset_t stops;
	sigemptyset(&stops);
	sigaddset(&stops, SIGTERM);
	sigaddset(&stops, SIGINT);
	if (getpid() == 1)
		(void)sigprocmask(SIG_BLOCK, &stops, NULL);
}

/* Folder, roster, orphans: whatever must be so before a socket is opened. The state folder belongs
 * to controlplane: where that runs elsewhere, all that is ours is in the run folder. */
static bool
take_folder(struct launcher *launcher, struct err *err)
{
	const struct launcher_wish *wish = launcher->wish;
	struct err why = {0};
	struct places *places = &launcher->places;
	bool owner = launcher->controlplane;
	if (!(owner ? places_make(wish->state, wish->run_dir, places, err)
		    : places_join(wish->state, wish->run_dir, places, err)))
		return false;
	int roster = roster_open(owner ? places->state : places->run,
	    launcher_part_name(owner ? LAUNCHER_ALL : wish->only), err);
	launcher->programs_wish.roster_fd = roster;
	if (roster < 0)
		return false;
	if (!roster_take(roster, ROSTER_LAUNCHER, &why))
		return err_set(err, ERR_CONFIG, "--state", "another Pointsman runs on %s: %s",
		    launcher->places.state, why.msg);
	return takeover_find(launcher, err);
}

/* Where sockets were handed over, theirs is the truth. */
static uint16_t
port_of(int fd, uint16_t wanted)
{
	uint16_t port = fd >= 0 ? netaddr_port(fd) : 0;
	return port != 0 ? port : wanted;
}

void
launcher_know_sockets(struct launcher *launcher)
{
	struct programs_wish *programs = &launcher->programs_wish;
	const struct sockets *sockets = &launcher->sockets;
	if (sockets->demo >= 0)
		snprintf(programs->demo_url, sizeof(programs->demo_url), "http://127.0.0.1:%u",
		    (unsigned)sockets->demo_port);
	launcher->port = port_of(sockets->api[0][0], launcher->wish->port);
	launcher->admin_port = port_of(sockets->admin[0], launcher->wish->admin_port);
	snprintf(programs->api_port, sizeof(programs->api_port), "%u", (unsigned)launcher->port);
}

static bool
open_sockets(struct launcher *launcher, struct err *err)
{
	const struct launcher_wish *wish = launcher->wish;
	const struct sockets_wish sockets = {
	    .listen = wish->listen,
	    .admin_listen = wish->admin_listen,
	    .port = wish->port,
	    .admin_port = wish->admin_port,
	    .dataplanes = launcher->dataplanes,
	    .admin = launcher->webadmin,
	    .web = launcher->webadmin,
	    .demo = wish->demo,
	    .run_dir = launcher->places.run,
	};
	if (!takeover_open_sockets(launcher, &sockets, err))
		return false;
	launcher_know_sockets(launcher);
	return true;
}

static bool
add(struct launcher *launcher, const char *folder, enum program_kind kind, unsigned set,
    struct err *err)
{
	unsigned number = kind == PROGRAM_DATAPLANE ? children_free_number(launcher) : 0;
	if (number == ROSTER_DATAPLANES)
		return err_set(err, ERR_LIMIT, "launcher.lock",
		    "too many data planes of earlier starts still finish what they had");
	struct program *program =
	    program_new(&launcher->programs_wish, folder, kind, set, number, err);
	return program != NULL && children_add(launcher, program, CHILD_SERVES) != NULL;
}

/* In the order of their start. */
static bool
add_programs(struct launcher *launcher, struct err *err)
{
	char folder[PATH_MAX];
	if (!programs_folder(folder, err) ||
	    (launcher->controlplane && !add(launcher, folder, PROGRAM_CONTROLPLANE, 0, err)) ||
	    (launcher->wish->demo && !add(launcher, folder, PROGRAM_DEMO, 0, err)) ||
	    (launcher->webadmin && !add(launcher, folder, PROGRAM_WEBADMIN, 0, err)))
		return false;
	for (unsigned i = 0; i < launcher->dataplanes; i++)
		if (!add(launcher, folder, PROGRAM_DATAPLANE, i, err))
			return false;
	return true;
}

static bool
know_ledger(struct launcher *launcher, struct err *err)
{
	char *out = launcher->programs_wish.ledger;
	int len = snprintf(out, PATH_MAX, "%s/demo-ledger.jsonl", launcher->places.state);
	return (len >= 0 && len < PATH_MAX) ||
	       err_set(err, ERR_LIMIT, "--state", "the path is too long");
}

/* What a launcher before this one left in our hands, or all anew. */
static bool
take_all(struct launcher *launcher, struct err *err)
{
	const struct launcher_wish *wish = launcher->wish;
	bool taken;
	if (!places_find(wish->state, wish->run_dir, &launcher->places, err) ||
	    !know_ledger(launcher, err) || !handover_take(launcher, &taken, err))
		return false;
	if (taken) {
		launcher->announced = true;
		return true;
	}
	if (!launcher->terminal)
		(void)signal(SIGHUP, SIG_IGN); /* until there is somebody to tell */
	sockets_take(&launcher->sockets);
	return take_folder(launcher, err) && know_ledger(launcher, err) &&
	       open_sockets(launcher, err) && add_programs(launcher, err);
}

static void
init_timers(struct launcher *launcher)
{
	loop_timer_init(&launcher->ready, launcher->loop, on_ready_look, launcher);
	loop_timer_init(&launcher->limit, launcher->loop, on_limit, launcher);
	loop_timer_init(&launcher->watchdog, launcher->loop, on_watchdog, launcher);
	children_init(launcher);
	upgrade_init(launcher);
	takeover_init(launcher);
}

static bool
prepare(struct launcher *launcher, struct err *err)
{
	struct programs_wish *programs = &launcher->programs_wish;
	const struct launcher_wish *wish = launcher->wish;
	bool all = wish->only == LAUNCHER_ALL;
	launcher->terminal = isatty(STDIN_FILENO);
	launcher->controlplane = all || wish->only == LAUNCHER_CONTROLPLANE;
	launcher->webadmin = all || wish->only == LAUNCHER_WEBADMIN;
	if (all || wish->only == LAUNCHER_DATAPLANE)
		launcher->dataplanes =
		    wish->dataplanes > 0 ? wish->dataplanes : dataplanes_default();
	programs->places = &launcher->places;
	programs->sockets = &launcher->sockets;
	programs->log_level = wish->log_level;
	snprintf(programs->drain_s, sizeof(programs->drain_s), "%u", wish->drain_s);
	launcher->loop = loop_new(err);
	if (launcher->loop == NULL)
		return false;
	init_timers(launcher);
	if (!take_all(launcher, err))
		return false;
	if (launcher->check)
		return true;
	bool ok = loop_signal(launcher->loop, SIGTERM, on_stop, launcher, err) &&
		  loop_signal(launcher->loop, SIGINT, on_stop, launcher, err) &&
		  loop_signal(launcher->loop, SIGHUP, on_hangup, launcher, err) &&
		  loop_signal(launcher->loop, SIGCHLD, on_child, launcher, err) &&
		  control_open(launcher, err);
	handover_release_signals();
	return ok;
}

static void
supervise(struct launcher *launcher)
{
	struct upgrade *upgrade = &launcher->upgrade;
	launcher->began_ms = launcher->said_ms = loop_now_ms(launcher->loop);
	for (size_t i = 0; i < CHILDREN_MAX; i++)
		if (launcher->children[i].program != NULL && launcher->children[i].pid == 0)
			children_start(&launcher->children[i]);
	if (launcher->announced) {
		log_msg(LOG_INFO, "taken_over", "version %s", PM_VERSION);
		control_say(upgrade->reply_fd, "done: version %s serves", PM_VERSION);
		close(upgrade->reply_fd);
		upgrade->reply_fd = -1;
		children_reap(launcher); /* who has ended while nobody listened */
	}
	takeover_watch(launcher);
	loop_timer_arm(&launcher->ready, READY_LOOK_MS);
	if (notify_watchdog_ms() > 0)
		on_watchdog(&launcher->watchdog, launcher);
	loop_run(launcher->loop);
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
	struct err err;
	char path[PATH_MAX];
	if (launcher->controlplane)
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			remove_socket(launcher, names[i]);
	if (launcher->webadmin)
		remove_socket(launcher, NAMES_WEB);
	if (launcher_socket(launcher->places.run, launcher->wish->only, path, sizeof(path), &err))
		(void)unlink(path);
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		const struct program *program = launcher->children[i].program;
		if (program != NULL && children_ready_path(launcher, program, path))
			(void)unlink(path);
	}
}

static void
fini(struct launcher *launcher)
{
	control_close(launcher);
	if (launcher->loop != NULL) {
		children_fini(launcher);
		upgrade_fini(launcher);
		takeover_fini(launcher);
		loop_timer_fini(&launcher->ready);
		loop_timer_fini(&launcher->limit);
		loop_timer_fini(&launcher->watchdog);
		loop_free(launcher->loop);
	}
	sockets_close(&launcher->sockets);
	if (launcher->programs_wish.roster_fd >= 0)
		close(launcher->programs_wish.roster_fd);
	mem_free(launcher);
}

int
launcher_run(const struct launcher_wish *wish)
{
	struct launcher *launcher = MEM_NEW(struct launcher);
	struct err err = {0};
	launcher->check = handover_is_check(&launcher->check_status);
	launcher->wish = wish;
	launcher->control.fd = launcher->control.asker_fd = -1;
	launcher->programs_wish.roster_fd = -1;
	launcher->upgrade.program_fd = -1;
	sockets_none(&launcher->sockets);
	hold_stops();
	set_process();
	bool ok = prepare(launcher, &err);
	if (!ok)
		fprintf(
		    stderr, "pointsman: %s%s%s\n", err.at, err.at[0] != '\0' ? ": " : "", err.msg);
	if (ok && !launcher->check) {
		supervise(launcher);
		remove_files(launcher);
	}
	if (launcher->check)
		handover_forget(launcher);
	int status = !ok ? EXIT_FAILURE : launcher->check ? launcher->check_status : EXIT_SUCCESS;
	fini(launcher);
	return status;
}
