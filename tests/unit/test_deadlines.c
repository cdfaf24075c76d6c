/* Many deadlines on one timer: who is asked when, and what an owner may do while it is asked. */
#include "deadlines.h"
#include <check.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

static struct deadlines all;
static struct deadline some[4];
static int asked[4];
static uint64_t answers[4];
static int removes = -1, adds = -1; /* what the one asked does */

static uint64_t
on_due(struct deadline *deadline, uint64_t now_ms)
{
	int i = (int)(deadline - some);
	(void)now_ms;
	ck_assert_ptr_eq(deadline->owner, &asked[i]);
	asked[i]++;
	if (removes >= 0)
		deadlines_remove(&all, &some[removes]);
	if (adds >= 0)
		deadlines_add(&all, &some[adds], 60);
	adds = -1;
	return answers[i];
}

static void
set_up(void)
{
	deadlines_init(&all, NULL, on_due);
	for (int i = 0; i < 4; i++) {
		some[i] = (struct deadline){.owner = &asked[i]};
		asked[i] = 0;
		answers[i] = DEADLINE_NONE;
	}
	removes = adds = -1;
	for (int i = 0; i < 3; i++)
		deadlines_add(&all, &some[i], 10 * ((uint64_t)i + 1));
}

static void
tear_down(void)
{
	for (int i = 0; i < 4; i++)
		deadlines_remove(&all, &some[i]);
	deadlines_fini(&all);
}

START_TEST(only_those_due_are_asked)
{
	ck_assert_uint_eq(deadlines_sweep(&all, 9), 10);
	ck_assert_int_eq(asked[0] + asked[1] + asked[2], 0);
	ck_assert_uint_eq(deadlines_sweep(&all, 20), 30);
	ck_assert_int_eq(asked[0], 1);
	ck_assert_int_eq(asked[1], 1);
	ck_assert_int_eq(asked[2], 0);
	/* without a next time nobody is asked again */
	ck_assert_uint_eq(deadlines_sweep(&all, 30), DEADLINE_NONE);
	ck_assert_int_eq(asked[0], 1);
}
END_TEST

START_TEST(the_owner_names_the_next_time)
{
	answers[0] = 25;
	answers[1] = 15; /* already over: none */
	ck_assert_uint_eq(deadlines_sweep(&all, 20), 25);
	ck_assert_uint_eq(deadlines_sweep(&all, 27), 30);
	ck_assert_int_eq(asked[0], 2);
	ck_assert_int_eq(asked[1], 1);
}
END_TEST

START_TEST(only_earlier_moves_count)
{
	deadlines_move(&all, &some[0], 40);
	ck_assert_uint_eq(some[0].due_ms, 10);
	deadlines_move(&all, &some[2], 5);
	ck_assert_uint_eq(deadlines_sweep(&all, 5), 10);
	ck_assert_int_eq(asked[2], 1);
	/* one that waits for nothing can be called back */
	deadlines_move(&all, &some[2], 7);
	ck_assert_uint_eq(deadlines_sweep(&all, 7), 10);
	ck_assert_int_eq(asked[2], 2);
}
END_TEST

/* Each removes itself, the one behind it, or the one before it, while it is asked. */
START_TEST(it_survives_removals)
{
	removes = _i;
	(void)deadlines_sweep(&all, 20);
	ck_assert_int_eq(asked[0], 1);
	ck_assert_int_eq(asked[1], _i == 1 ? 0 : 1);
	ck_assert_uint_eq(all.count, 2);
	ck_assert_ptr_null(some[_i].next);
}
END_TEST

START_TEST(it_survives_additions)
{
	adds = 3;
	(void)deadlines_sweep(&all, 30);
	ck_assert_int_eq(asked[0] + asked[1] + asked[2], 3);
	ck_assert_uint_eq(deadlines_sweep(&all, 31), 60);
	ck_assert_uint_eq(deadlines_sweep(&all, 60), DEADLINE_NONE);
	ck_assert_int_eq(asked[3], 1);
}
END_TEST

#define ROUNDS 40
#define ROUND_MS 20     /* ... and that is one */
#define WAKE_NS 3700000 /* no multiple of the 4 ms that a coarse clock counts in */

struct run {
	struct loop *loop;
	struct deadlines all;
	struct deadline one;
	int wakes;
	unsigned rounds, put_off;
};

static uint64_t
on_round(struct deadline *deadline, uint64_t now_ms)
{
	struct run *run = deadline->owner;
	ck_assert_uint_ge(now_ms, deadline->due_ms);
	if (++run->rounds == ROUNDS)
		loop_stop(run->loop);
	return DEADLINE_NONE;
}

/* Each deadline begins at a moment of its own. */
static void
on_wake(struct loop_io *io, unsigned events, void *ctx)
{
	struct run *run = ctx;
	uint64_t count;
	(void)events;
	ck_assert_int_eq(read(io->fd, &count, sizeof(count)), sizeof(count));
	if (run->one.due_ms != DEADLINE_NONE) {
		run->put_off += run->all.armed_ms > run->one.due_ms;
		return;
	}
	deadlines_move(&run->all, &run->one, loop_now_ms(run->loop) + ROUND_MS);
}

/* Timers of the library fire some ms too early now and then: that is no reason to wait for the next
 * sweep. */
START_TEST(an_early_timer_puts_nothing_off)
{
	struct run run = {.wakes = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)};
	struct itimerspec often = {{0, WAKE_NS}, {0, WAKE_NS}};
	struct loop_io io;
	run.loop = loop_new(NULL);
	ck_assert_ptr_nonnull(run.loop);
	ck_assert_int_eq(timerfd_settime(run.wakes, 0, &often, NULL), 0);
	deadlines_init(&run.all, run.loop, on_round);
	run.one.owner = &run;
	deadlines_add(&run.all, &run.one, DEADLINE_NONE);
	loop_io_init(&io, run.loop, run.wakes, on_wake, &run);
	loop_io_watch(&io, LOOP_READ);
	loop_run(run.loop);
	ck_assert_uint_eq(run.put_off, 0);
	deadlines_remove(&run.all, &run.one);
	deadlines_fini(&run.all);
	loop_io_fini(&io);
	close(run.wakes);
	loop_free(run.loop);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("deadlines");
	TCase *tests = tcase_create("deadlines");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, only_those_due_are_asked);
	tcase_add_test(tests, the_owner_names_the_next_time);
	tcase_add_test(tests, only_earlier_moves_count);
	tcase_add_loop_test(tests, it_survives_removals, 0, 3);
	tcase_add_test(tests, it_survives_additions);
	suite_add_tcase(suite, tests);
	tests = tcase_create("with a loop");
	tcase_add_test(tests, an_early_timer_puts_nothing_off);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
