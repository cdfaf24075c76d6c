#include "loop.h"

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "must.h"
#include <errno.h>
#include <signal.h>

#define LOOP_MAGIC 0x6c6f6f70u
#define SIGNALS_MAX 8
#define TASKS_PER_TURN 10000
#define AGAIN_MS 50
#define WARN_EVERY_MS 60000

struct signal_watch {
	struct event ev;
	struct loop *loop;
	loop_signal_fn *fn;
	void *ctx;
};

struct loop {
	uint32_t magic;
	struct event_base *base;
	struct loop_task tasks; /* head of a ring */
	struct signal_watch signals[SIGNALS_MAX];
	unsigned signal_count;
	uint64_t now_ms;
	bool in_turn; /* now_ms is this turn's */
	bool stopped;
	uint64_t stall_ms,
	    stall_before_ms; /* longest turns of this span of time, and of the last */
	uint64_t stall_since_ms;
};

/* What libevent has to say, once a minute: it says the same again and again. */
static void
on_warning(int severity, const char *text)
{
	static uint64_t told_ms;
	int saved = errno;
	uint64_t now_ms = clock_mono_ms();
	if (severity >= EVENT_LOG_WARN && (told_ms == 0 || now_ms - told_ms >= WARN_EVERY_MS)) {
		told_ms = now_ms;
		log_msg(LOG_ERROR, "loop", "%s", text);
	}
	errno = saved;
}

/* libevent tells nobody when a wait ends: the turn's first callback takes the time. */
static void
turn_start(struct loop *loop)
{
	if (!loop->in_turn) {
		loop->in_turn = true;
		loop->now_ms = clock_mono_ms();
	}
}

/* Turns without any callback are none. */
static void
turn_end(struct loop *loop)
{
	if (!loop->in_turn)
		return;
	uint64_t now_ms = clock_mono_ms();
	uint64_t spent_ms = now_ms > loop->now_ms ? now_ms - loop->now_ms : 0;
	uint64_t span_ms = now_ms - loop->stall_since_ms;
	if (span_ms >= LOOP_STALL_MS) {
		loop->stall_before_ms = span_ms < (uint64_t)2 * LOOP_STALL_MS ? loop->stall_ms : 0;
		loop->stall_ms = 0;
		loop->stall_since_ms = now_ms;
	}
	if (spent_ms > loop->stall_ms)
		loop->stall_ms = spent_ms;
}

uint64_t
loop_stall_ms(const struct loop *loop)
{
	return loop->stall_ms > loop->stall_before_ms ? loop->stall_ms : loop->stall_before_ms;
}

struct loop *
loop_new(struct err *err)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;
	event_set_log_callback(on_warning);
	if (config != NULL) {
		(void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
		base = event_base_new_with_config(config);
		event_config_free(config);
	}
	if (base == NULL) {
		(void)err_errno(err, "loop", "no event base");
		return NULL;
	}
	/* A peer that is gone is an EPIPE for its own connection, not the end of the process. */
	(void)signal(SIGPIPE, SIG_IGN);
	struct loop *loop = MEM_NEW(struct loop);
	MAGIC_SET(loop, LOOP_MAGIC);
	loop->base = base;
	loop->tasks.next = loop->tasks.prev = &loop->tasks;
	loop->now_ms = loop->stall_since_ms = clock_mono_ms();
	return loop;
}

void
loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	MAGIC_CHECK(loop, LOOP_MAGIC);
	while (loop->tasks.next != &loop->tasks)
		loop_defer_cancel(loop->tasks.next);
	for (unsigned i = 0; i < loop->signal_count; i++)
		event_del(&loop->signals[i].ev);
	event_base_free(loop->base);
	MAGIC_CLEAR(loop);
	mem_free(loop);
}

static void
run_tasks(struct loop *loop)
{
	for (unsigned i = 0; i < TASKS_PER_TURN && loop->tasks.next != &loop->tasks; i++) {
		struct loop_task *task = loop->tasks.next;
		loop_defer_cancel(task);
		turn_start(loop);
		task->fn(task, task->ctx);
	}
}

void
loop_run(struct loop *loop)
{
	MAGIC_CHECK(loop, LOOP_MAGIC);
	loop->stopped = false;
	while (!loop->stopped) {
		bool waiting = loop->tasks.next != &loop->tasks;
		loop->in_turn = false;
		int rc = event_base_loop(loop->base, EVLOOP_ONCE | (waiting ? EVLOOP_NONBLOCK : 0));
		MUST(rc >= 0);
		run_tasks(loop);
		turn_end(loop);
		/* Nothing is watched and nothing is queued: no event can ever come. */
		if (rc == 1 && loop->tasks.next == &loop->tasks)
			break;
	}
	loop->in_turn = false;
}

void
loop_stop(struct loop *loop)
{
	MAGIC_CHECK(loop, LOOP_MAGIC);
	loop->stopped = true;
}

uint64_t
loop_now_ms(const struct loop *loop)
{
	return loop->in_turn ? loop->now_ms : clock_mono_ms();
}

/* ---- descriptors ---- */

static void
on_io(evutil_socket_t fd, short what, void *arg)
{
	struct loop_io *io = arg;
	unsigned events = ((what & EV_READ) ? LOOP_READ : 0) | ((what & EV_WRITE) ? LOOP_WRITE : 0);
	(void)fd;
	turn_start(io->loop);
	io->fn(io, events, io->ctx);
}

void
loop_io_init(struct loop_io *io, struct loop *loop, int fd, loop_io_fn *fn, void *ctx)
{
	MAGIC_CHECK(loop, LOOP_MAGIC);
	*io = (struct loop_io){.loop = loop, .fn = fn, .ctx = ctx, .fd = fd};
}

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	struct loop_io *io = arg;
	unsigned events = io->events;
	(void)fd;
	(void)what;
	turn_start(io->loop);
	io->events = 0;
	loop_io_watch(io, events);
}

/* The kernel has no room for one more watch (fs.epoll.max_user_watches is for all of a user's
 * programs): whose it is waits, the others go on. */
static void
watch_later(struct loop_io *io)
{
	const struct timeval delay = {0, AGAIN_MS * 1000};
	MUST(errno != EBADF && errno != EPERM);
	MUST(evtimer_assign(&io->ev, io->loop->base, on_again, io) == 0);
	MUST(event_add(&io->ev, &delay) == 0);
}

void
loop_io_watch(struct loop_io *io, unsigned events)
{
	if (io->events == events)
		return;
	if (io->events != 0)
		event_del(&io->ev);
	io->events = events;
	if (events == 0)
		return;
	int what = EV_PERSIST | ((events & LOOP_READ) ? EV_READ : 0) |
		   ((events & LOOP_WRITE) ? EV_WRITE : 0);
	MUST(event_assign(&io->ev, io->loop->base, io->fd, (short)what, on_io, io) == 0);
	if (event_add(&io->ev, NULL) != 0)
		watch_later(io);
}

void
loop_io_fini(struct loop_io *io)
{
	loop_io_watch(io, 0);
}

/* ---- timers ---- */

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct loop_timer *timer = arg;
	(void)fd;
	(void)what;
	timer->armed = false;
	turn_start(timer->loop);
	timer->fn(timer, timer->ctx);
}

void
loop_timer_init(struct loop_timer *timer, struct loop *loop, loop_timer_fn *fn, void *ctx)
{
	MAGIC_CHECK(loop, LOOP_MAGIC);
	*timer = (struct loop_timer){.loop = loop, .fn = fn, .ctx = ctx};
	MUST(evtimer_assign(&timer->ev, loop->base, on_timer, timer) == 0);
}

void
loop_timer_arm(struct loop_timer *timer, uint64_t delay_ms)
{
	/* A year is as good as more, and no sum with it overflows. */
	const uint64_t longest_ms = 366ull * 24 * 3600 * 1000;
	if (delay_ms > longest_ms)
		delay_ms = longest_ms;
	struct timeval delay = {(time_t)(delay_ms / 1000), (suseconds_t)(delay_ms % 1000 * 1000)};
	MUST(event_add(&timer->ev, &delay) == 0);
	timer->armed = true;
}

void
loop_timer_disarm(struct loop_timer *timer)
{
	if (timer->armed) {
		event_del(&timer->ev);
		timer->armed = false;
	}
}

void
loop_timer_fini(struct loop_timer *timer)
{
	loop_timer_disarm(timer);
}

/* ---- deferred work ---- */

void
loop_defer(struct loop *loop, struct loop_task *task)
{
	MAGIC_CHECK(loop, LOOP_MAGIC);
	if (task->loop != NULL)
		return;
	task->loop = loop;
	task->next = &loop->tasks;
	task->prev = loop->tasks.prev;
	task->prev->next = task;
	loop->tasks.prev = task;
}

void
loop_defer_cancel(struct loop_task *task)
{
	if (task->loop == NULL)
		return;
	task->prev->next = task->next;
	task->next->prev = task->prev;
	task->next = task->prev = NULL;
	task->loop = NULL;
}

/* ---- signals ---- */

static void
on_signal(evutil_socket_t signo, short what, void *arg)
{
	struct signal_watch *watch = arg;
	(void)what;
	turn_start(watch->loop);
	watch->fn((int)signo, watch->ctx);
}

bool
loop_signal(struct loop *loop, int signo, loop_signal_fn *fn, void *ctx, struct err *err)
{
	MAGIC_CHECK(loop, LOOP_MAGIC);
	if (loop->signal_count == SIGNALS_MAX)
		return err_set(err, ERR_LIMIT, "loop", "more than %d signals", SIGNALS_MAX);
	struct signal_watch *watch = &loop->signals[loop->signal_count];
	*watch = (struct signal_watch){.loop = loop, .fn = fn, .ctx = ctx};
	if (evsignal_assign(&watch->ev, loop->base, signo, on_signal, watch) != 0 ||
	    evsignal_add(&watch->ev, NULL) != 0)
		return err_errno(err, "loop", "signal %d cannot be watched", signo);
	loop->signal_count++;
	return true;
}
