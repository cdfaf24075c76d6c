/* A file that is noticed, whatever becomes of its folder. */
#include "clock.h"
#include "suite.h"
#include "watch.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAIT_MS 8000

static char dir[64], folder[96], away[96], path[128];
static struct loop *loop;
static struct loop_timer limit;
static struct watch *watch;
static unsigned told;

static void
on_change(void *ctx)
{
	(void)ctx;
	told++;
	loop_stop(loop);
}

static void
on_limit(struct loop_timer *timer, void *ctx)
{
	(void)timer;
	(void)ctx;
	ck_abort_msg("nothing was noticed");
}

static void
put(void)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
}

static void
wait_told(void)
{
	unsigned before = told;
	loop_timer_arm(&limit, WAIT_MS);
	while (told == before)
		loop_run(loop);
	loop_timer_disarm(&limit);
}

static void
setup(void)
{
	struct err err;
	(void)snprintf(dir, sizeof(dir), "/tmp/pm-watch-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(folder, sizeof(folder), "%s/json", dir);
	(void)snprintf(away, sizeof(away), "%s/away", dir);
	(void)snprintf(path, sizeof(path), "%s/config", folder);
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	loop = loop_new(&err);
	loop_timer_init(&limit, loop, on_limit, NULL);
	watch = watch_new(loop, path, on_change, NULL, &err);
	ck_assert_ptr_nonnull(watch);
}

static void
teardown(void)
{
	watch_free(watch);
	loop_timer_fini(&limit);
	loop_free(loop);
	suite_remove_tree(dir);
}

START_TEST(each_write_is_noticed)
{
	put();
	wait_told();
	put();
	wait_told();
}
END_TEST

START_TEST(other_rights_are_noticed)
{
	put();
	wait_told();
	ck_assert_int_eq(chmod(path, 0400), 0);
	wait_told();
}
END_TEST

START_TEST(a_folder_that_was_replaced)
{
	ck_assert_int_eq(rename(folder, away), 0);
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	wait_told(); /* something has happened */
	put();
	wait_told();
	put();
	wait_told();
}
END_TEST

START_TEST(a_folder_that_comes_back_later)
{
	suite_remove_tree(folder);
	wait_told();
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	wait_told(); /* it looks again and again */
	put();
	wait_told();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("watch");
	TCase *tcase = tcase_create("watch");
	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, each_write_is_noticed);
	tcase_add_test(tcase, other_rights_are_noticed);
	tcase_add_test(tcase, a_folder_that_was_replaced);
	tcase_add_test(tcase, a_folder_that_comes_back_later);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
