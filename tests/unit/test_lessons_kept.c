/* Lessons kept over a restart. */
#include "lessons_kept.h"
#include "mem.h"
#include "suite.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void
learn(struct lessons_kept *kept, const char *upstream, const char *name, int64_t wall_ms)
{
	char id[32], model[] = "m";
	struct lesson_of of = {.upstream = id, .model = model, .lesson = {.kind = LESSON_FIELD}};
	(void)snprintf(id, sizeof(id), "%s", upstream);
	(void)snprintf(of.lesson.name, sizeof(of.lesson.name), "%s", name);
	lessons_kept_add(kept, &of, 1000, wall_ms);
}

START_TEST(lessons_end_are_forgotten_and_survive)
{
	static struct lessons_kept kept, again;
	char folder[] = "/tmp/pm-lessons-XXXXXX", path[64];
	struct err err;
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert(lessons_kept_read(&again, folder, &err)); /* no file yet */
	learn(&kept, "a", "x", 100);
	learn(&kept, "a", "y", 200);
	learn(&kept, "b", "x", 300);
	learn(&kept, "a", "x", 400); /* anew: no second one */
	ck_assert_uint_eq(kept.count, 3);
	ck_assert_int_eq(lessons_kept_next_ms(&kept), 1200);
	ck_assert(lessons_kept_write(&kept, folder, &err));
	ck_assert_msg(lessons_kept_read(&again, folder, &err), "%s", err.msg);
	ck_assert_uint_eq(again.count, 3);
	ck_assert(!lessons_kept_expire(&kept, 1199));
	ck_assert(lessons_kept_expire(&kept, 1200));
	ck_assert_uint_eq(lessons_kept_forget(&kept, "a", NULL, "beta", NULL), 0);
	ck_assert_uint_eq(lessons_kept_forget(&kept, "a", "m", "field", "x"), 1);
	ck_assert_uint_eq(lessons_kept_forget(&kept, NULL, NULL, NULL, NULL), 1);
	for (unsigned i = 0; i < 3 * TABLE_LESSONS_MAX; i++) {
		(void)snprintf(path, sizeof(path), "n%u", i);
		learn(&kept, "a", path, i);
	}
	ck_assert_uint_eq(kept.count, TABLE_LESSONS_MAX);
	lessons_kept_fini(&kept);
	lessons_kept_fini(&again);
	(void)snprintf(path, sizeof(path), "%s/lessons.json", folder);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("lessons_kept");
	TCase *tests = tcase_create("lessons_kept");
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, lessons_end_are_forgotten_and_survive);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
