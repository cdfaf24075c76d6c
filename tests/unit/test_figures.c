/* What this process uses. */
#include "figures.h"
#include "suite.h"
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

START_TEST(descriptors_are_counted)
{
	struct figures before = figures_take();
	int fds[20];
	ck_assert_uint_ge(before.open_fds, 3);
	for (size_t i = 0; i < 20; i++)
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_uint_eq(figures_take().open_fds, before.open_fds + 20);
	for (size_t i = 0; i < 20; i++)
		close(fds[i]);
	ck_assert_uint_eq(figures_take().open_fds, before.open_fds);
	ck_assert_uint_ge(before.fds_max, before.open_fds);
}
END_TEST

START_TEST(work_and_memory_are_seen)
{
	static char room[32 << 20];
	struct figures before = figures_take();
	memset(room, 1, sizeof(room));
	volatile unsigned work = 0;
	struct figures after;
	do {
		for (unsigned i = 0; i < 10000000; i++)
			work += i;
		after = figures_take();
	} while (after.cpu_ms < before.cpu_ms + 20);
	ck_assert_uint_ge(after.rss_bytes, before.rss_bytes + sizeof(room) / 2);
	ck_assert_uint_ge(figures_rss_bytes(), sizeof(room) / 2);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("figures");
	TCase *tcase = tcase_create("figures");
	tcase_add_test(tcase, descriptors_are_counted);
	tcase_add_test(tcase, work_and_memory_are_seen);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
