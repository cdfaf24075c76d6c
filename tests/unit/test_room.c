/* How much memory is left, by files of control groups that are made here. */
#include "room.h"
#include "suite.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB ((uint64_t)1 << 20)

static char dir[64], mount[96];
static struct room room;

static void
put(const char *name, const char *text)
{
	char path[256];
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	for (char *slash = path + strlen(dir) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
		*slash = '\0';
		(void)mkdir(path, 0700);
		*slash = '/';
	}
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void
setup(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/pm-room-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(mount, sizeof(mount), "%s/cg", dir);
	put("meminfo", "MemTotal: 900000 kB\nMemAvailable:     512000 kB\n");
	put("self/statm", "1000 500 300 10 0 400 0\n");
}

static void
teardown(void)
{
	suite_remove_tree(dir);
}

static uint64_t
left(void)
{
	room_find(&room, dir, mount);
	return room_left_bytes(&room);
}

START_TEST(without_groups_it_is_the_machines)
{
	ck_assert_uint_eq(left(), 500 * MIB);
	put("self/cgroup", "nonsense\n0\n1:\n:::\n0::/gone/away\n");
	ck_assert_uint_eq(left(), 500 * MIB);
	put("meminfo", "MemTotal: 1 kB\n");
	ck_assert_uint_eq(left(), UINT64_MAX);
}
END_TEST

START_TEST(the_tightest_of_the_groups_around)
{
	put("self/cgroup", "0::/pod/one\n");
	put("cg/pod/one/memory.max", "max\n");
	put("cg/pod/memory.max", "314572800\n");
	put("cg/pod/memory.current", "209715200\n");
	ck_assert_uint_eq(left(), 100 * MIB);
	ck_assert_uint_eq(room.group_count, 1);
	put("cg/pod/memory.stat", "anon 5\ninactive_file 10485760\nactive_file 4\n");
	ck_assert_uint_eq(left(), 110 * MIB);
	put("cg/pod/one/memory.max", "104857600\n");
	put("cg/pod/one/memory.current", "83886080\n");
	ck_assert_uint_eq(left(), 20 * MIB);
	/* More than there may be, as after a limit was lowered. */
	put("cg/pod/one/memory.max", "52428800\n");
	ck_assert_uint_eq(room_left_bytes(&room), 0);
}
END_TEST

START_TEST(the_own_group_of_a_container)
{
	/* Its path is that of the machine outside, what is mounted begins with its own. */
	put("self/cgroup", "12:cpu,cpuacct:/docker/abc\n4:hugetlb,memory:/docker/abc\n0::/\n");
	put("cg/memory/memory.limit_in_bytes", "314572800\n");
	put("cg/memory/memory.usage_in_bytes", "104857600\n");
	put("cg/memory/memory.stat", "inactive_file 7\ntotal_inactive_file 1048576\n");
	ck_assert_uint_eq(left(), 201 * MIB);
	put("cg/memory/memory.limit_in_bytes", "9223372036854771712\n");
	ck_assert_uint_eq(left(), 500 * MIB);
	ck_assert_uint_eq(room.group_count, 0);
}
END_TEST

START_TEST(deep_paths_are_bounded)
{
	char text[1024] = "0::";
	for (size_t at = 3; at + 5 < sizeof(text) / 4; at += 5)
		memcpy(text + at, "/deep", 5);
	put("self/cgroup", text);
	put("cg/memory.max", "314572800\n");
	put("cg/memory.current", "0\n");
	ck_assert_uint_eq(left(), 300 * MIB);
}
END_TEST

START_TEST(here_something_is_left)
{
	room_find(&room, "/proc", "/sys/fs/cgroup");
	uint64_t bytes = room_left_bytes(&room);
	ck_assert_uint_gt(bytes, MIB);
	ck_assert_uint_lt(bytes, (uint64_t)1 << 50);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("room");
	TCase *tcase = tcase_create("room");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, without_groups_it_is_the_machines);
	tcase_add_test(tcase, the_tightest_of_the_groups_around);
	tcase_add_test(tcase, the_own_group_of_a_container);
	tcase_add_test(tcase, deep_paths_are_bounded);
	tcase_add_test(tcase, here_something_is_left);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
