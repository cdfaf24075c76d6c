/* Sessions that were moved, for a while. */
#include "mem.h"
#include "stays.h"
#include "suite.h"

static struct stays *stays;
static struct table *table;

static void
setup(void)
{
	static const char *const ids[] = {"a", "b", "c"};
	stays = stays_new();
	table = table_new();
	for (int i = 0; i < 3; i++)
		table_add_upstream(table, GROUP_CLAUDE)->id = mem_dup_str(ids[i]);
}

static void
teardown(void)
{
	stays_free(stays);
	table_unref(table);
}

static int
where(uint64_t session, uint64_t now_ms)
{
	return stays_find(stays, table, GROUP_CLAUDE, session, now_ms);
}

START_TEST(a_move_ends_when_it_was_to_end)
{
	ck_assert_int_eq(where(7, 0), -1);
	stays_put(stays, GROUP_CLAUDE, 7, "b", 100, 1000);
	ck_assert_int_eq(where(7, 1099), 1);
	stays_put(stays, GROUP_CLAUDE, 7, "b", 100, 1090); /* no longer by that */
	ck_assert_int_eq(where(7, 1099), 1);
	ck_assert_int_eq(where(7, 1100), -1);
	ck_assert_int_eq(where(7, 1050), -1);
}
END_TEST

START_TEST(the_last_move_counts)
{
	stays_put(stays, GROUP_CLAUDE, 7, "b", 100, 1000);
	stays_put(stays, GROUP_CLAUDE, 7, "c", 100, 1050);
	ck_assert_int_eq(where(7, 1120), 2);
	stays_drop(stays, GROUP_CLAUDE, 7);
	ck_assert_int_eq(where(7, 1120), -1);
	stays_drop(stays, GROUP_CLAUDE, 7);
	stays_put(stays, GROUP_CLAUDE, 7, "gone", 100, 1000);
	ck_assert_int_eq(where(7, 1001), -1);
	ck_assert_int_eq(stays_find(stays, table, GROUP_CODEX, 7, 1001), -1);
}
END_TEST

START_TEST(memory_is_bounded)
{
	size_t found = 0;
	for (uint64_t i = 1; i <= 5 * STAYS_MAX; i++)
		stays_put(stays, GROUP_CLAUDE, i * 0x9e3779b97f4a7c15u, "a", 1000, i);
	for (uint64_t i = 1; i <= 5 * STAYS_MAX; i++)
		found += where(i * 0x9e3779b97f4a7c15u, 1) == 0;
	ck_assert_uint_le(found, STAYS_MAX);
	ck_assert_uint_ge(found, STAYS_MAX * 9 / 10);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("stays");
	TCase *tests = tcase_create("stays");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_move_ends_when_it_was_to_end);
	tcase_add_test(tests, the_last_move_counts);
	tcase_add_test(tests, memory_is_bounded);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
