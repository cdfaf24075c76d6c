/* loop: one libevent base for each process; watches, timers and the deferred queue.
 *
 * Nothing is freed inside a library callback: mark, loop_defer(), free there. */
#ifndef PM_LOOP_H
#define PM_LOOP_H

#include "err.h"
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

struct loop;

struct loop *loop_new(struct err *err);
void loop_free(struct loop *loop);
/* Runs until loop_stop. */
void loop_run(struct loop *loop);
/* Ends loop_run after the present turn. */
void loop_stop(struct loop *loop);
/* Monotonic time of this turn, taken once a turn. */
uint64_t loop_now_ms(const struct loop *loop);
/* The longest turn within the last LOOP_STALL_MS, or up to twice as long: so long others had to
 * wait. The present turn does not count yet. */
uint64_t loop_stall_ms(const struct loop *loop);
#define LOOP_STALL_MS 30000

/* ---- descriptors ---- */
#define LOOP_READ 1u
#define LOOP_WRITE 2u

struct loop_io;
typedef void loop_io_fn(struct loop_io *io, unsigned events, void *ctx);
struct loop_io {
	struct event ev; /* not for you */
	struct loop *loop;
	loop_io_fn *fn;
	void *ctx;
	int fd;
	unsigned events; /* what is watched now; 0 = nothing */
};
/* Level-triggered. `io` is the caller's memory and lives until loop_io_fini. */
void loop_io_init(struct loop_io *io, struct loop *loop, int fd, loop_io_fn *fn, void *ctx);
/* Changes what is watched (LOOP_READ | LOOP_WRITE, 0 = none). Free when nothing changes. Where the
 * kernel has no room for a watch it begins as soon as there is some. */
void loop_io_watch(struct loop_io *io, unsigned events);
void loop_io_fini(struct loop_io *io); /* stops watching; the fd stays open */

/* ---- timers ---- */
struct loop_timer;
typedef void loop_timer_fn(struct loop_timer *timer, void *ctx);
struct loop_timer {
	struct event ev; /* not for you */
	struct loop *loop;
	loop_timer_fn *fn;
	void *ctx;
	bool armed;
};
void loop_timer_init(struct loop_timer *timer, struct loop *loop, loop_timer_fn *fn, void *ctx);
/* Fires once, `delay_ms` from now; a second call moves it. */
void loop_timer_arm(struct loop_timer *timer, uint64_t delay_ms);
void loop_timer_disarm(struct loop_timer *timer);
void loop_timer_fini(struct loop_timer *timer);

/* ---- deferred work: runs at the end of the present turn, in order, outside all callbacks ---- */
struct loop_task {
	void (*fn)(struct loop_task *task, void *ctx);
	void *ctx;
	struct loop_task *next;
	struct loop_task *prev;
	struct loop *loop; /* non-NULL while queued */
};
/* Queues `task` once; queueing it again before it ran does nothing. Tasks queued by a task run in
 * the same drain, which is bounded: after 10,000 the rest waits for the next turn. */
void loop_defer(struct loop *loop, struct loop_task *task);
void loop_defer_cancel(struct loop_task *task); /* fine when not queued */

/* ---- signals ---- */
typedef void loop_signal_fn(int signo, void *ctx);
/* At most 8 of them; live until loop_free. */
MUST_CHECK bool loop_signal(
    struct loop *loop, int signo, loop_signal_fn *fn, void *ctx, struct err *err);

#endif
