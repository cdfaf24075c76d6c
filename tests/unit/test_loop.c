/* loop: watches, timers, the deferred queue and its bound, signals. */
#include "loop.h"

#include "clock.h"
#include <check.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct loop *loop;
static char trace[64];
static unsigned count;

static void
note(char c)
{
	size_t len = strlen(trace);
	if (len + 1 < sizeof(trace)) {
		trace[len] = c;
		trace[len + 1] = '\0';
	}
}

static void
start(void)
{
	struct err err = {0};
	loop = loop_new(&err);
	ck_assert_msg(loop != NULL, "%s", err.msg);
	trace[0] = '\0';
	count = 0;
}

/* ---- deferred work ---- */

static void
on_note_task(struct loop_task *task, void *ctx)
{
	(void)task;
	note(*(const char *)ctx);
}

static void
on_again_task(struct loop_task *task, void *ctx)
{
	count++;
	loop_defer(ctx, task);
}

static void
on_stop_timer(struct loop_timer *timer, void *ctx)
{
	(void)ctx;
	loop_stop(timer->loop);
}

START_TEST(tasks_run_once_and_in_order)
{
	start();
	struct loop_task a = {.fn = on_note_task, .ctx = (char[]){"a"}};
	struct loop_task b = {.fn = on_note_task, .ctx = (char[]){"b"}};
	struct loop_task c = {.fn = on_note_task, .ctx = (char[]){"c"}};
	loop_defer(loop, &a);
	loop_defer(loop, &b);
	loop_defer(loop, &a);
	loop_defer(loop, &c);
	loop_defer_cancel(&b);
	loop_defer_cancel(&b);
	loop_run(loop); /* ends, since nothing can come any more */
	ck_assert_str_eq(trace, "ac");
	ck_assert(a.loop == NULL);
	loop_free(loop);
}
END_TEST

/* A task that always comes back does not lock out the rest. */
START_TEST(the_drain_is_bounded)
{
	start();
	struct loop_task again = {.fn = on_again_task, .ctx = loop};
	struct loop_timer timer;
	loop_timer_init(&timer, loop, on_stop_timer, NULL);
	loop_timer_arm(&timer, 0);
	loop_defer(loop, &again);
	loop_run(loop);
	ck_assert_uint_ge(count, 10000);
	loop_defer_cancel(&again);
	loop_timer_fini(&timer);
	loop_free(loop);
}
END_TEST

START_TEST(free_forgets_what_is_queued)
{
	start();
	struct loop_task a = {.fn = on_note_task, .ctx = (char[]){"a"}};
	loop_defer(loop, &a);
	loop_free(loop);
	ck_assert(a.loop == NULL);
}
END_TEST

/* ---- timers ---- */

static void
on_note_timer(struct loop_timer *timer, void *ctx)
{
	ck_assert(!timer->armed);
	note(*(const char *)ctx);
}

START_TEST(timers_fire_once_in_their_order)
{
	struct loop_timer a, b, c;
	start();
	loop_timer_init(&a, loop, on_note_timer, (char[]){"a"});
	loop_timer_init(&b, loop, on_note_timer, (char[]){"b"});
	loop_timer_init(&c, loop, on_note_timer, (char[]){"c"});
	uint64_t start_ms = clock_mono_ms();
	loop_timer_arm(&a, 5);
	loop_timer_arm(&b, 10);
	loop_timer_arm(&c, 1);
	loop_timer_arm(&a, 30); /* moved */
	loop_timer_disarm(&c);
	loop_timer_disarm(&c);
	ck_assert(a.armed && b.armed && !c.armed);
	loop_run(loop);
	ck_assert_str_eq(trace, "ba");
	ck_assert_uint_ge(clock_mono_ms() - start_ms, 29);
	loop_timer_arm(&a, UINT64_MAX);
	loop_timer_fini(&a);
	loop_timer_fini(&b);
	loop_timer_fini(&c);
	loop_free(loop);
}
END_TEST

/* ---- descriptors ---- */

static int pair[2];

static void
on_pair(struct loop_io *io, unsigned events, void *ctx)
{
	char byte;
	(void)ctx;
	if (events & LOOP_WRITE) {
		note('w');
		loop_io_watch(io, LOOP_READ);
		ck_assert_int_eq(send(pair[1], "x", 1, 0), 1);
	}
	if (events & LOOP_READ) {
		note('r');
		ck_assert_int_eq(recv(pair[0], &byte, 1, 0), 1);
		loop_io_watch(io, count++ < 1 ? LOOP_READ | LOOP_WRITE : 0);
	}
}

START_TEST(watches_change)
{
	struct loop_io io;
	start();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	loop_io_init(&io, loop, pair[0], on_pair, NULL);
	loop_io_watch(&io, LOOP_WRITE);
	loop_run(loop);
	ck_assert_str_eq(trace, "wrwr");
	ck_assert_uint_eq(io.events, 0);
	loop_io_watch(&io, LOOP_READ);
	loop_io_fini(&io);
	ck_assert_int_eq(send(pair[1], "x", 1, 0), 1);
	loop_run(loop);
	ck_assert_str_eq(trace, "wrwr");
	close(pair[0]);
	close(pair[1]);
	loop_free(loop);
}
END_TEST

/* ---- time ---- */

static uint64_t fake_us;

static uint64_t
fake_mono_us(void *ctx)
{
	(void)ctx;
	return fake_us += 5000; /* each look takes five milliseconds */
}

static int64_t
fake_wall_ms(void *ctx)
{
	(void)ctx;
	return 0;
}

static void
on_time_task(struct loop_task *task, void *ctx)
{
	uint64_t *out = ctx;
	(void)task;
	out[0] = loop_now_ms(loop);
	out[1] = loop_now_ms(loop);
}

START_TEST(one_turn_one_time)
{
	const struct clock_source source = {fake_mono_us, fake_wall_ms, NULL};
	uint64_t times[4] = {0};
	start();
	clock_replace(&source);
	struct loop_task a = {.fn = on_time_task, .ctx = times};
	struct loop_task b = {.fn = on_time_task, .ctx = times + 2};
	loop_defer(loop, &a);
	loop_defer(loop, &b);
	loop_run(loop);
	ck_assert(
	    times[0] > 0 && times[0] == times[1] && times[1] == times[2] && times[2] == times[3]);
	loop_defer(loop, &a);
	loop_run(loop);
	ck_assert_uint_gt(times[0], times[3]);
	clock_replace(NULL);
	loop_free(loop);
}
END_TEST

static uint64_t set_us;

static uint64_t
set_mono_us(void *ctx)
{
	(void)ctx;
	return set_us;
}

static void
on_long_task(struct loop_task *task, void *ctx)
{
	(void)task;
	set_us += *(const uint64_t *)ctx * 1000;
}

/* One turn that takes so long, after a wait. */
static uint64_t
stall_after(uint64_t turn_ms, uint64_t wait_ms)
{
	struct loop_task task = {.fn = on_long_task, .ctx = &turn_ms};
	set_us += wait_ms * 1000;
	loop_defer(loop, &task);
	loop_run(loop);
	return loop_stall_ms(loop);
}

START_TEST(the_longest_turn_is_kept_for_a_while)
{
	const struct clock_source source = {set_mono_us, fake_wall_ms, NULL};
	set_us = 1000000;
	clock_replace(&source);
	start();
	ck_assert_uint_eq(loop_stall_ms(loop), 0);
	ck_assert_uint_eq(stall_after(7, 0), 7);
	ck_assert_uint_eq(stall_after(250, 100), 250);
	ck_assert_uint_eq(stall_after(3, 1000), 250);
	ck_assert_uint_eq(stall_after(4, LOOP_STALL_MS), 250); /* the span before this one */
	ck_assert_uint_eq(stall_after(2, LOOP_STALL_MS), 4);
	ck_assert_uint_eq(stall_after(1, (uint64_t)3 * LOOP_STALL_MS), 1);
	clock_replace(NULL);
	loop_free(loop);
}
END_TEST

/* ---- signals ---- */

static void
on_signal_note(int signo, void *ctx)
{
	note(*(const char *)ctx);
	if (signo == SIGUSR2)
		loop_stop(loop);
}

START_TEST(signals_come_by_the_loop)
{
	struct err err = {0};
	start();
	ck_assert(loop_signal(loop, SIGUSR1, on_signal_note, (char[]){"1"}, &err));
	ck_assert(loop_signal(loop, SIGUSR2, on_signal_note, (char[]){"2"}, &err));
	raise(SIGUSR1);
	ck_assert_str_eq(trace, "");
	raise(SIGUSR2);
	loop_run(loop);
	ck_assert_uint_eq(strlen(trace), 2);
	for (int i = 2; i < 8; i++)
		ck_assert(loop_signal(loop, SIGRTMIN + i, on_signal_note, trace, &err));
	ck_assert(!loop_signal(loop, SIGHUP, on_signal_note, trace, &err) && err.kind == ERR_LIMIT);
	raise(SIGPIPE); /* is no death */
	loop_free(loop);
}
END_TEST

int
main(void)
{
	TCase *tcase = tcase_create("loop");
	tcase_add_test(tcase, tasks_run_once_and_in_order);
	tcase_add_test(tcase, the_drain_is_bounded);
	tcase_add_test(tcase, free_forgets_what_is_queued);
	tcase_add_test(tcase, timers_fire_once_in_their_order);
	tcase_add_test(tcase, watches_change);
	tcase_add_test(tcase, one_turn_one_time);
	tcase_add_test(tcase, the_longest_turn_is_kept_for_a_while);
	tcase_add_test(tcase, signals_come_by_the_loop);
	Suite *suite = suite_create("loop");
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
