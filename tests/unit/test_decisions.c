/* Records of requests over the wire and in their ring; lessons kept over a restart. */
#include "decisions.h"
#include "lessons_kept.h"
#include "mem.h"
#include "suite.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct record
make(unsigned number, const char *upstream)
{
	struct record record = {.at_ms = number,
	    .client_key = mem_dup_str("k"),
	    .path = mem_dup_str("/v1/messages"),
	    .model = mem_dup_str("m"),
	    .status = 200,
	    .calls = 1,
	    .loss = mem_dup_str("")};
	(void)snprintf(record.id, sizeof(record.id), "req_%06u", number);
	record.attempts = mem_calloc(1, sizeof(*record.attempts));
	record.attempt_count = 1;
	record.attempts[0] = (struct record_attempt){.upstream = mem_dup_str(upstream),
	    .model = mem_dup_str("m"),
	    .blame = BLAME_KEY,
	    .reason = "status_429",
	    .status = 429,
	    .hedge = true};
	return record;
}

START_TEST(a_record_comes_back_as_it_went)
{
	struct record record = make(7, "claude:a"), back;
	struct err err;
	json_t *json = record_encode(&record), *again;
	ck_assert(record_decode(json, "r", &back, &err));
	again = record_encode(&back);
	ck_assert(json_equal(json, again));
	ck_assert_uint_eq(back.attempts[0].status, 429);
	json_decref(again);
	record_fini(&back);
	ck_assert(
	    json_object_del(json_array_get(json_object_get(json, "attempts"), 0), "hedge") == 0);
	ck_assert(!record_decode(json, "r", &back, &err));
	ck_assert_str_eq(err.at, "r.attempts[0].hedge");
	ck_assert_ptr_null(back.attempts);
	json_decref(json);
	record_fini(&record);
}
END_TEST

/* How many come, and the id of the first. */
static size_t
look(
    const struct decisions *all, const char *id, const char *upstream, size_t limit, char first[32])
{
	json_t *list = decisions_encode(all, id, upstream, limit);
	size_t count = json_array_size(list);
	const char *text = json_string_value(json_object_get(json_array_get(list, 0), "id"));
	(void)snprintf(first, 32, "%s", text != NULL ? text : "");
	json_decref(list);
	return count;
}

START_TEST(the_newest_come_first_and_the_oldest_go)
{
	static struct decisions all;
	char first[32];
	for (unsigned i = 0; i < DECISIONS_MAX + 500; i++) {
		struct record record = make(i, i % 100 == 0 ? "claude:rare" : "claude:a");
		decisions_add(&all, &record);
		ck_assert_ptr_null(record.attempts); /* taken */
	}
	ck_assert_uint_eq(look(&all, NULL, NULL, 3, first), 3);
	ck_assert_str_eq(first, "req_001499");
	ck_assert_uint_eq(look(&all, NULL, NULL, 5000, first), DECISIONS_SHOWN_MAX);
	ck_assert_uint_eq(look(&all, NULL, "claude:rare", 100, first), DECISIONS_MAX / 100);
	ck_assert_str_eq(first, "req_001400");
	ck_assert_uint_eq(look(&all, "req_00100", NULL, 100, first), 10);
	ck_assert_uint_eq(look(&all, "req_000499", NULL, 100, first), 0);
	ck_assert_uint_eq(look(&all, NULL, "claude:none", 100, first), 0);
	decisions_fini(&all);
	ck_assert_uint_eq(look(&all, NULL, NULL, 100, first), 0);
}
END_TEST

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
	Suite *suite = suite_create("decisions");
	TCase *tests = tcase_create("decisions");
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_record_comes_back_as_it_went);
	tcase_add_test(tests, the_newest_come_first_and_the_oldest_go);
	tcase_add_test(tests, lessons_end_are_forgotten_and_survive);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
