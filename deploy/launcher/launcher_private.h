/* launcher_private: what launcher.c (start, readiness, end), children.c, control.c, upgrade.c,
 * handover.c and takeover.c share. */
#ifndef PM_LAUNCHER_PRIVATE_H
#define PM_LAUNCHER_PRIVATE_H

#include "backoff.h"
#include "launcher.h"
#include "loop.h"
#include "orphans.h"
#include "places.h"
#include "programs.h"
#include "roster.h"
#include "sockets.h"

#define CHILDREN_MAX (ROSTER_DATAPLANES + 3)

/* Who serves clients stops first; then what they need for that: controlplane, which takes their
 * last reports, and the demo upstream. */
enum stage { STAGE_RUN, STAGE_STOP, STAGE_STOP_LAST };

enum child_role {
	CHILD_SERVES,  /* starts again when it dies */
	CHILD_COMES,   /* of an upgrade that is not done */
	CHILD_RETIRES, /* finishes what it has */
};

struct child {
	struct launcher *launcher;
	struct program *program; /* NULL = this place is free */
	enum child_role role;
	pid_t pid; /* 0 = not running */
	uint64_t started_ms;
	struct backoff backoff;
	struct loop_timer restart, limit;
	uint64_t retire_end_ms; /* when `limit` ends its retirement */
	bool ending;            /* it has had SIGTERM for that, and a second one would cut it off */
};

enum upgrade_step {
	UPGRADE_NONE,
	UPGRADE_CHECK,
	UPGRADE_STOP_CONTROL,
	UPGRADE_CONTROL,
	UPGRADE_DATAPLANES,
	UPGRADE_STOP_WEB,
	UPGRADE_WEB,
	UPGRADE_HANDOVER,
};

struct upgrade {
	enum upgrade_step step;
	char program[PATH_MAX]; /* the new pointsman */
	int program_fd;     /* held open, so that what was asked is what is executed; -1 = none */
	pid_t check_pid;    /* who is asked; 0 = nobody */
	bool holds_signals; /* the new one takes those that come while it starts */
	unsigned turns;     /* of the handover */
	uint64_t drain_ms;
	int reply_fd; /* -1 = nobody listens */
	struct loop_timer look;
	uint64_t end_ms; /* of the step */
	/* The other version of these two: the new one, or the old one where the new one runs. */
	struct program *control, *web;
	bool control_new, web_new;
};

struct control {
	int fd, asker_fd; /* listens; has not said yet what he wants; -1 = none */
	bool open;
	struct loop_io io, asker_io;
};

/* Data planes that a launcher has left that was killed. */
struct takeover {
	struct orphans orphans;
	bool told[ROSTER_DATAPLANES]; /* that others serve: they have time until end_ms */
	struct loop_timer look;
	uint64_t end_ms;
	bool ending; /* all were told to end; who has not by then is killed */
};

struct launcher {
	const struct launcher_wish *wish;
	struct loop *loop;
	struct places places;
	struct sockets sockets;
	struct programs_wish programs_wish;
	struct child children[CHILDREN_MAX];
	uint16_t port, admin_port;
	bool terminal; /* it was started in one */
	bool check;    /* only asked whether it could take over */
	int check_status;
	bool controlplane, webadmin;
	unsigned dataplanes;
	enum stage stage;
	bool announced;
	uint64_t began_ms, said_ms, stop_ms;
	struct loop_timer ready, limit, watchdog;
	struct control control;
	struct upgrade upgrade;
	struct takeover takeover;
};

/* ---- launcher.c ---- */
/* What follows from the sockets, whoever opened them. */
void launcher_know_sockets(struct launcher *launcher);
/* After SIGTERM: what a data plane needs at the most when it does not hang. */
uint64_t launcher_drain_ms(const struct launcher *launcher);
/* While all end: one more is gone. */
void launcher_stop_advance(struct launcher *launcher);

/* ---- children.c ---- */
void children_init(struct launcher *launcher);
void children_fini(struct launcher *launcher);
/* Takes the program, which does not run yet, into a free place; NULL and a freed program when there
 * is none. */
struct child *children_add(
    struct launcher *launcher, struct program *program, enum child_role role);
void children_start(struct child *child);
/* The child of this kind that serves; NULL when there is none. */
struct child *children_find(struct launcher *launcher, enum program_kind kind);
/* A number that no data plane has; ROSTER_DATAPLANES when none is left. */
unsigned children_free_number(const struct launcher *launcher);
/* No new connections; after `limit_ms` SIGTERM. */
void children_retire(struct child *child, uint64_t limit_ms);
/* It has been told already, also to end (`ending`). */
void children_retire_until(struct child *child, uint64_t end_ms, bool ending);
bool children_ready(const struct child *child);
bool children_ready_path(
    const struct launcher *launcher, const struct program *program, char out[PATH_MAX]);
/* Of those that stop last (`last`) or before: how many run; a signal for all, SIGTERM only for who
 * has not had it. */
size_t children_running(const struct launcher *launcher, bool last);
void children_signal(const struct launcher *launcher, bool last, int signo);
/* Looks who has ended. */
void children_reap(struct launcher *launcher);

/* ---- takeover.c ---- */
void takeover_init(struct launcher *launcher);
void takeover_fini(struct launcher *launcher);
/* Ends what is in the way and finds the data planes that finish what they have; takes away what
 * those that are gone have left in the run folder. */
MUST_CHECK bool takeover_find(struct launcher *launcher, struct err *err);
/* After a handover: those that no child is. */
MUST_CHECK bool takeover_find_again(struct launcher *launcher, struct err *err);
/* Opens the sockets as soon as those data planes have closed theirs. */
MUST_CHECK bool takeover_open_sockets(
    struct launcher *launcher, const struct sockets_wish *wish, struct err *err);
/* Looks from now on who of them has ended, and ends those that take too long. */
void takeover_watch(struct launcher *launcher);
/* How many are left. */
unsigned takeover_left(struct launcher *launcher);
/* They give their streams the time of a stop. */
void takeover_stop(struct launcher *launcher);
void takeover_kill(struct launcher *launcher);

/* ---- upgrade.c ---- */
void upgrade_init(struct launcher *launcher);
void upgrade_fini(struct launcher *launcher);
/* Takes `reply_fd`, which is told how it went, line by line. */
void upgrade_begin(struct launcher *launcher, const char *program, uint64_t drain_ms, int reply_fd);
/* A child has ended. True when that is the upgrade's business: it is not to start again. */
bool upgrade_child_ended(struct child *child);
/* Who was asked whether it can take over has said so, or not. */
void upgrade_checked(struct launcher *launcher, int status);
/* Leaves all as it is: the launcher itself ends. */
void upgrade_abandon(struct launcher *launcher);

/* ---- control.c ---- */
MUST_CHECK bool control_open(struct launcher *launcher, struct err *err);
void control_close(struct launcher *launcher);
/* A line for who asked; never waits. */
void control_say(int fd, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* ---- handover.c ---- */
/* Opens the new launcher and starts to ask it whether it could take over; false and why not. */
MUST_CHECK bool handover_ask(struct launcher *launcher, struct err *err);
/* What its end says. */
MUST_CHECK bool handover_answered(struct launcher *launcher, int status, struct err *err);
/* Signals wait from now on, for the new launcher. */
void handover_hold_signals(const struct launcher *launcher);
/* They come again, also those that have waited. */
void handover_release_signals(void);
/* Becomes the new launcher. Returns only when that cannot be. */
void handover_exec(struct launcher *launcher, struct err *err);
/* This process was such a launcher before: *taken tells. Takes all that is told. */
MUST_CHECK bool handover_take(struct launcher *launcher, bool *taken, struct err *err);
/* Only asked whether it could: what it says by its exit status when it can. */
bool handover_is_check(int *status);
/* After such a check: the descriptors that were told are not here. */
void handover_forget(struct launcher *launcher);

#endif
