/* The bus: any order of start, a binder that comes back, deadlines, and no lost questions. All
 * waits are for events, bounded by one timer for each test. */
#include "bus.h"
#include "bytes.h"
#include "names.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* nanomsg forgets to free after a bind that failed; our programs end then. */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:nn_bipc_create";
}

#define TEST_LIMIT_MS 5000
#define TICK_MS 20

static char folder[64], path[96];
static struct loop *loop;
static struct loop_timer limit, tick;
static unsigned received, answered, deadlines;
static char last[64];
static struct bus_req *req;
static void (*on_tick_fn)(void);

static void
on_limit(struct loop_timer *timer, void *ctx)
{
	(void)timer, (void)ctx;
	ck_abort_msg("nothing came within %d ms", TEST_LIMIT_MS);
}

static void
on_tick(struct loop_timer *timer, void *ctx)
{
	(void)ctx;
	on_tick_fn();
	loop_timer_arm(timer, TICK_MS);
}

static void
setup(void)
{
	struct err err;
	memcpy(folder, "/tmp/pm-bus-XXXXXX", sizeof("/tmp/pm-bus-XXXXXX"));
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/t.ipc", folder);
	loop = loop_new(&err);
	ck_assert_ptr_nonnull(loop);
	loop_timer_init(&limit, loop, on_limit, NULL);
	loop_timer_arm(&limit, TEST_LIMIT_MS);
	loop_timer_init(&tick, loop, on_tick, NULL);
}

static void
teardown(void)
{
	loop_timer_fini(&limit);
	loop_timer_fini(&tick);
	loop_free(loop);
	unlink(path);
	rmdir(folder);
}

static void
each_tick(void (*fn)(void))
{
	on_tick_fn = fn;
	loop_timer_arm(&tick, 1);
}

static void
on_message(struct view message, void *ctx)
{
	(void)ctx;
	received++;
	snprintf(last, sizeof(last), "%.*s", VIEW_ARGS(message));
	loop_stop(loop);
}

static void
on_echo(struct view message, struct bytes *reply, void *ctx)
{
	const char *prefix = ctx;
	answered++;
	ck_assert(bytes_printf(reply, "%s:%.*s", prefix, VIEW_ARGS(message)));
}

static void
on_answer(struct view message, void *ctx)
{
	(void)ctx;
	if (message.len == 0)
		deadlines++;
	snprintf(last, sizeof(last), "%.*s", VIEW_ARGS(message));
	loop_stop(loop);
}

static char sub_ctx, rep_a[] = "a", rep_b[] = "b";
static struct bus_pub *pub;

static void
publish(void)
{
	bus_pub_send(pub, VIEW("hello"));
}

START_TEST(a_subscriber_may_come_first)
{
	struct err err = {0};
	struct bus_sub *sub = bus_sub_connect(loop, path, on_message, &sub_ctx, &err);
	ck_assert_ptr_nonnull(sub);
	pub = bus_pub_bind(loop, path, &err);
	ck_assert_msg(pub != NULL, "%s", err.msg);
	each_tick(publish);
	loop_run(loop);
	ck_assert_str_eq(last, "hello");
	bus_sub_free(sub);
	bus_pub_free(pub);
}
END_TEST

START_TEST(a_subscriber_may_come_last_and_finds_the_binder_again)
{
	struct err err = {0};
	pub = bus_pub_bind(loop, path, &err);
	ck_assert_ptr_nonnull(pub);
	publish(); /* to nobody: lost, and not an error */
	struct bus_sub *sub = bus_sub_connect(loop, path, on_message, &sub_ctx, &err);
	ck_assert_ptr_nonnull(sub);
	each_tick(publish);
	loop_run(loop);
	unsigned before = received;
	bus_pub_free(pub);
	pub = bus_pub_bind(loop, path, &err);
	ck_assert_msg(pub != NULL, "%s", err.msg);
	loop_run(loop);
	ck_assert_uint_gt(received, before);
	bus_pub_free(pub);
	bus_sub_free(sub);
}
END_TEST

START_TEST(a_burst_may_be_lost_but_never_blocks)
{
	struct err err = {0};
	static char big[64 * 1024];
	pub = bus_pub_bind(loop, path, &err);
	struct bus_sub *sub = bus_sub_connect(loop, path, on_message, &sub_ctx, &err);
	ck_assert(pub != NULL && sub != NULL);
	for (int i = 0; i < 1000; i++)
		bus_pub_send(pub, view_make(big, sizeof(big)));
	each_tick(publish);
	while (strcmp(last, "hello") != 0)
		loop_run(loop);
	bus_sub_free(sub);
	bus_pub_free(pub);
}
END_TEST

START_TEST(only_the_owner_may_open_the_socket)
{
	struct err err = {0};
	struct stat st;
	mode_t before = umask(0);
	pub = bus_pub_bind(loop, path, &err);
	ck_assert_uint_eq(umask(before), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 077, 0);
	bus_pub_free(pub);
}
END_TEST

START_TEST(a_second_binder_is_refused)
{
	struct err err = {0};
	struct bus_rep *rep = bus_rep_bind(loop, path, on_echo, rep_a, &err);
	ck_assert_ptr_nonnull(rep);
	ck_assert_ptr_null(bus_rep_bind(loop, path, on_echo, rep_b, &err));
	ck_assert_int_eq(err.kind, ERR_IO);
	ck_assert_str_eq(err.at, path);
	bus_rep_free(rep);
	ck_assert_ptr_null(bus_rep_bind(loop, "/nonexistent/t.ipc", on_echo, rep_a, &err));
}
END_TEST

START_TEST(a_question_waits_for_who_answers_it)
{
	struct err err = {0};
	req = bus_req_connect(loop, path, &err);
	ck_assert_ptr_nonnull(req);
	ck_assert(bus_req_ask(req, VIEW("one"), TEST_LIMIT_MS, on_answer, NULL));
	ck_assert(bus_req_busy(req));
	ck_assert(!bus_req_ask(req, VIEW("two"), TEST_LIMIT_MS, on_answer, NULL));
	struct bus_rep *rep = bus_rep_bind(loop, path, on_echo, rep_a, &err);
	ck_assert_ptr_nonnull(rep);
	loop_run(loop);
	ck_assert_str_eq(last, "a:one");
	ck_assert(!bus_req_busy(req));
	bus_rep_free(rep);
	/* The next binder gets the next question. */
	ck_assert(bus_req_ask(req, VIEW("three"), TEST_LIMIT_MS, on_answer, NULL));
	rep = bus_rep_bind(loop, path, on_echo, rep_b, &err);
	ck_assert_ptr_nonnull(rep);
	loop_run(loop);
	ck_assert_str_eq(last, "b:three");
	bus_req_free(req);
	bus_rep_free(rep);
}
END_TEST

START_TEST(a_deadline_passes_and_the_question_is_forgotten)
{
	struct err err = {0};
	req = bus_req_connect(loop, path, &err);
	ck_assert(bus_req_ask(req, VIEW("old"), 30, on_answer, NULL));
	loop_run(loop);
	ck_assert_uint_eq(deadlines, 1);
	ck_assert(!bus_req_busy(req));
	struct bus_rep *rep = bus_rep_bind(loop, path, on_echo, rep_a, &err);
	ck_assert_ptr_nonnull(rep);
	ck_assert(bus_req_ask(req, VIEW("new"), TEST_LIMIT_MS, on_answer, NULL));
	loop_run(loop);
	ck_assert_str_eq(last, "a:new");
	ck_assert_uint_eq(deadlines, 1);
	bus_req_free(req);
	bus_rep_free(rep);
}
END_TEST

/* Who was asked is gone: the asker hears so at once, and the next one is asked by a new socket. */
START_TEST(a_question_is_given_up)
{
	struct err err = {0};
	req = bus_req_connect(loop, path, &err);
	bus_req_give_up(req); /* nothing is asked */
	ck_assert_uint_eq(deadlines, 0);
	ck_assert(bus_req_ask(req, VIEW("old"), TEST_LIMIT_MS, on_answer, NULL));
	bus_req_give_up(req);
	ck_assert_uint_eq(deadlines, 1);
	ck_assert(!bus_req_busy(req));
	struct bus_rep *rep = bus_rep_bind(loop, path, on_echo, rep_a, &err);
	ck_assert_ptr_nonnull(rep);
	ck_assert(bus_req_ask(req, VIEW("new"), TEST_LIMIT_MS, on_answer, NULL));
	loop_run(loop);
	ck_assert_str_eq(last, "a:new");
	ck_assert_uint_eq(answered, 1); /* the old one never came */
	bus_req_free(req);
	bus_rep_free(rep);
}
END_TEST

static void
on_answer_ask_again(struct view message, void *ctx)
{
	on_answer(message, ctx);
	if (answered < 3)
		ck_assert(bus_req_ask(req, VIEW("again"), TEST_LIMIT_MS, on_answer_ask_again, ctx));
}

START_TEST(an_answer_may_ask_the_next_question)
{
	struct err err = {0};
	struct bus_rep *rep = bus_rep_bind(loop, path, on_echo, rep_a, &err);
	req = bus_req_connect(loop, path, &err);
	ck_assert(bus_req_ask(req, VIEW("first"), TEST_LIMIT_MS, on_answer_ask_again, NULL));
	while (bus_req_busy(req))
		loop_run(loop);
	ck_assert_uint_eq(answered, 3);
	ck_assert_str_eq(last, "a:again");
	bus_req_free(req);
	bus_rep_free(rep);
}
END_TEST

static void
on_answer_len(struct view message, void *ctx)
{
	*(size_t *)ctx = message.len;
	loop_stop(loop);
}

static void
on_big_echo(struct view message, struct bytes *reply, void *ctx)
{
	(void)ctx;
	ck_assert(bytes_append_view(reply, message));
}

START_TEST(a_message_may_be_as_big_as_said)
{
	struct err err = {0};
	size_t len = NAMES_MESSAGE_BYTES_MAX, got = 0;
	char *big = calloc(1, len);
	struct bus_rep *rep = bus_rep_bind(loop, path, on_big_echo, NULL, &err);
	req = bus_req_connect(loop, path, &err);
	ck_assert(bus_req_ask(req, view_make(big, len), TEST_LIMIT_MS, on_answer_len, &got));
	loop_run(loop);
	ck_assert_uint_eq(got, len);
	bus_req_free(req);
	bus_rep_free(rep);
	free(big);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("bus");
	TCase *tests = tcase_create("bus");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 20);
	tcase_add_test(tests, a_subscriber_may_come_first);
	tcase_add_test(tests, a_subscriber_may_come_last_and_finds_the_binder_again);
	tcase_add_test(tests, a_burst_may_be_lost_but_never_blocks);
	tcase_add_test(tests, only_the_owner_may_open_the_socket);
	tcase_add_test(tests, a_second_binder_is_refused);
	tcase_add_test(tests, a_question_waits_for_who_answers_it);
	tcase_add_test(tests, a_deadline_passes_and_the_question_is_forgotten);
	tcase_add_test(tests, a_question_is_given_up);
	tcase_add_test(tests, an_answer_may_ask_the_next_question);
	tcase_add_test(tests, a_message_may_be_as_big_as_said);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
