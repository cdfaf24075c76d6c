/* Health over a restart: what rests goes on resting, and no clock makes it longer. */
#include "fileio.h"
#include "health_file.h"
#include "health_rig.h"
#include "jget.h"
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define OFFSET 1774800000000ll /* wall clock - monotonic */

static char dir[64], path[96];
static struct health health, again;

static void
setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/pm-health-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/health.json", dir);
	rig_init(&health);
	rig_init(&again);
}

static void
teardown(void)
{
	health_fini(&health);
	health_fini(&again);
	unlink(path);
	rmdir(dir);
}

static void
fails(const char *id, enum blame blame, uint32_t status, uint64_t now)
{
	struct report_outcome outcome = rig_outcome(id, blame, status);
	outcome.count = 3;
	health_note(&health, &outcome, now);
}

static void
write_at(uint64_t now, int64_t offset)
{
	struct err err;
	ck_assert_msg(health_file_write(&health, dir, now, offset, &err), "%s", err.msg);
}

static void
read_at(uint64_t now, int64_t offset)
{
	struct err err;
	ck_assert_msg(health_file_read(&again, dir, now, offset, &err), "%s %s", err.at, err.msg);
}

static const struct health_unit *
unit(const char *id)
{
	return &health_find(&again, id)->unit;
}

START_TEST(what_rests_rests_on)
{
	struct stat st;
	fails("claude:a", BLAME_NETWORK, 0, 100000);
	fails("claude:c", BLAME_KEY, 401, 110000);
	fails("claude:c", BLAME_MODEL, 404, 110000);
	fails("codex:d", BLAME_UPSTREAM, 500, 0);
	health_tick(&health, 600000); /* d: half-open */
	write_at(120000, OFFSET);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	/* The machine was started anew: another monotonic clock. 30 s have passed. */
	read_at(5000, OFFSET + 145000);
	const struct health_unit *c = unit("claude:c");
	ck_assert_int_eq(c->state, HEALTH_COOLING);
	ck_assert_int_eq(c->blame, BLAME_KEY);
	ck_assert_str_eq(c->reason, "status_401");
	ck_assert_uint_eq(c->status, 401);
	ck_assert_uint_eq(c->trips, 1);
	ck_assert_uint_eq(c->until_ms, 5000 + 560000); /* 600 s since 110000, less 40 */
	ck_assert_int_eq(unit("claude:a")->state, HEALTH_UP);
	ck_assert_int_eq(health_view(&again, health_find(&again, "claude:b"), 5000).state,
	    HEALTH_COOLING); /* by its address */
	ck_assert_int_eq(unit("codex:d")->state, HEALTH_HALF_OPEN);
	ck_assert_uint_eq(health_find(&again, "claude:c")->model_count, 1);
	ck_assert_str_eq(health_find(&again, "claude:c")->models[0].name, "m");
	/* What was under way in the life before says nothing. */
	struct report_outcome old = rig_outcome("codex:d", BLAME_UPSTREAM, 500);
	old.age_ms = 1;
	health_note(&again, &old, 5000);
	ck_assert_int_eq(unit("codex:d")->state, HEALTH_HALF_OPEN);
}
END_TEST

START_TEST(a_clock_that_was_set_makes_no_rest_longer)
{
	static const struct {
		int64_t jump;
		uint64_t left;
	} rows[] = {
	    {0, 600000},
	    {10000, 590000},
	    {600000, 0},
	    {3600000, 0},
	    {10ll * 365 * 86400000, 0},
	    {-3600000, 600000},
	    {-OFFSET, 600000}, /* 1970 */
	    {-2 * OFFSET, 600000},
	};
	fails("claude:c", BLAME_UPSTREAM, 500, 7000);
	write_at(7000, OFFSET);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		read_at(7000, OFFSET + rows[i].jump);
		ck_assert_uint_eq(unit("claude:c")->until_ms, 7000 + rows[i].left);
		ck_assert_uint_le(unit("claude:c")->since_ms, 7000);
		health_tick(&again, 7000 + rows[i].left);
		ck_assert_int_eq(unit("claude:c")->state, HEALTH_HALF_OPEN);
		health_clear(&again, GROUP_COUNT, NULL, 7000);
	}
}
END_TEST

START_TEST(only_who_is_the_same_is_restored)
{
	struct table *table = table_new();
	fails("claude:a", BLAME_UPSTREAM, 500, 7000);
	fails("claude:c", BLAME_UPSTREAM, 500, 7000);
	write_at(7000, OFFSET);
	rig_add(table, GROUP_CLAUDE, "claude:c", "https://two.test", "another key");
	rig_add(table, GROUP_CLAUDE, "claude:new", "https://one.test", "ka");
	health_sync(&again, table);
	table_unref(table);
	read_at(7000, OFFSET);
	ck_assert_int_eq(unit("claude:c")->state, HEALTH_UP);
	ck_assert_int_eq(unit("claude:new")->state, HEALTH_UP);
}
END_TEST

START_TEST(no_key_stands_in_the_file)
{
	struct table *table = table_new();
	struct bytes text;
	struct err err;
	rig_add(table, GROUP_CLAUDE, "claude:c", "https://two.test", "sk-secretcanary");
	health_sync(&health, table);
	table_unref(table);
	fails("claude:c", BLAME_KEY, 401, 7000);
	write_at(7000, OFFSET);
	bytes_init(&text, 1 << 20);
	ck_assert(fileio_read(path, &text, &err));
	ck_assert_int_ge(view_find(bytes_view(&text), "status_401"), 0);
	ck_assert_int_lt(view_find(bytes_view(&text), "canary"), 0);
	bytes_fini(&text);
}
END_TEST

START_TEST(no_file_is_fine_and_a_bad_one_is_refused)
{
	static const char *const bad[] = {"", "[]", "{",
	    "{\"v\": 2, \"saved_ms\": 1, \"units\": []}", "{\"v\": 1, \"saved_ms\": 1}",
	    "{\"v\": 1, \"saved_ms\": 1, \"units\": [{}]}",
	    "{\"v\": 1, \"saved_ms\": 9223372036854775807, \"units\": []}",
	    "{\"v\": 1, \"saved_ms\": 1, \"units\": {}, \"more\": 1}"};
	struct err err;
	read_at(7000, OFFSET);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert(fileio_write(path, view_of(bad[i]), 0600, &err));
		ck_assert_msg(!health_file_read(&again, dir, 7000, OFFSET, &err), "%s", bad[i]);
	}
	ck_assert(!health_file_write(&health, "/no/such/folder", 7000, OFFSET, &err));
}
END_TEST

/* Every member of a unit wrong in some way: refused, or harmless. */
START_TEST(odd_units_do_no_harm)
{
	struct bytes text;
	struct err err;
	json_t *whole;
	fails("claude:c", BLAME_UPSTREAM, 500, 7000);
	write_at(7000, OFFSET);
	bytes_init(&text, 1 << 20);
	ck_assert(fileio_read(path, &text, &err));
	ck_assert(jget_parse(bytes_view(&text), &whole, &err));
	bytes_fini(&text);
	json_t *first = json_array_get(json_object_get(whole, "units"), 0);
	static const json_int_t numbers[] = {INT64_MIN, -1, 0, 1, 1ll << 53, INT64_MAX};
	const char *key;
	json_t *value;
	json_object_foreach(first, key, value)
	{
		for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
			json_t *copy = json_deep_copy(whole);
			json_t *odd = json_array_get(json_object_get(copy, "units"), 0);
			json_object_set_new(odd, key, json_integer(numbers[i]));
			char *dump = jget_dump(copy, NULL);
			ck_assert(fileio_write(path, view_of(dump), 0600, &err));
			mem_free(dump);
			json_decref(copy);
			(void)!health_file_read(&again, dir, 7000, OFFSET, &err);
			health_tick(&again, 7000 + rig_limits.max_ms);
			ck_assert_int_lt(unit("claude:c")->state, HEALTH_COOLING);
			health_clear(&again, GROUP_COUNT, NULL, 7000);
		}
	}
	json_decref(whole);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("health_file");
	TCase *tcase = tcase_create("health_file");
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_rests_rests_on);
	tcase_add_test(tcase, a_clock_that_was_set_makes_no_rest_longer);
	tcase_add_test(tcase, only_who_is_the_same_is_restored);
	tcase_add_test(tcase, no_key_stands_in_the_file);
	tcase_add_test(tcase, no_file_is_fine_and_a_bad_one_is_refused);
	tcase_add_test(tcase, odd_units_do_no_harm);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
