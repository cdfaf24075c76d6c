/* Earlier configurations and the audit: kept over starts, bounded, and done once. */
#include "audit.h"
#include "history.h"
#include "jget.h"
#include "log.h"
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static struct history history;
static struct audit audit;
static struct err err;

static void
setup(void)
{
	log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	(void)snprintf(dir, sizeof(dir), "/tmp/pm-history-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert(history_open(&history, dir, &err));
	audit_open(&audit, dir);
}

static void
teardown(void)
{
	char command[128], path[128];
	for (unsigned i = 1; i <= HISTORY_KEPT_MAX + 20; i++) {
		(void)snprintf(path, sizeof(path), "%s/history/%u.json", dir, i);
		(void)unlink(path);
	}
	static const char *const names[] = {
	    "history/x.json", "history", "audit.jsonl", "audit.jsonl.1"};
	for (size_t i = 0; i < 4; i++) {
		(void)snprintf(command, sizeof(command), "%s/%s", dir, names[i]);
		if (unlink(command) != 0)
			(void)rmdir(command);
	}
	(void)rmdir(dir);
}

static void
add(uint64_t revision, const char *text, const char *request)
{
	struct history_who who = {.who = "ann", .via = "page", .what = "merge x"};
	(void)snprintf(who.request, sizeof(who.request), "%s", request);
	ck_assert_msg(history_add(&history, revision, view_of(text), &who, &err), "%s", err.msg);
}

START_TEST(what_was_kept_is_there_after_a_start)
{
	char path[128];
	struct stat st;
	add(1, "{\"a\": 1}\n", "q1");
	add(2, "{\"a\": 2}\n", "q2");
	(void)snprintf(path, sizeof(path), "%s/history/2.json", dir);
	ck_assert(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
	ck_assert(history_open(&history, dir, &err));
	ck_assert_uint_eq(history.count, 2);
	ck_assert_uint_eq(history_newest(&history)->revision, 2);
	ck_assert_str_eq(history_newest(&history)->who.who, "ann");
	ck_assert_uint_eq(history_asked(&history, "q1")->revision, 1);
	ck_assert_ptr_null(history_asked(&history, "q3"));
	ck_assert_ptr_null(history_asked(&history, ""));
	json_t *document = history_read(&history, 1, &err);
	ck_assert_int_eq(json_integer_value(json_object_get(document, "a")), 1);
	json_decref(document);
	ck_assert_ptr_null(history_read(&history, 7, &err));
	ck_assert_int_eq(err.kind, ERR_ABSENT);
}
END_TEST

START_TEST(the_oldest_give_way)
{
	for (unsigned i = 1; i <= HISTORY_KEPT_MAX + 5; i++)
		add(i, "{}\n", "");
	ck_assert_uint_eq(history.count, HISTORY_KEPT_MAX);
	ck_assert_ptr_null(history_find(&history, 5));
	ck_assert(history_open(&history, dir, &err));
	ck_assert_uint_eq(history.count, HISTORY_KEPT_MAX);
	ck_assert_uint_eq(history.items[0].revision, 6);
}
END_TEST

START_TEST(a_damaged_file_is_left_out)
{
	char path[128];
	add(1, "{}\n", "");
	add(2, "{}\n", "");
	(void)snprintf(path, sizeof(path), "%s/history/1.json", dir);
	ck_assert(truncate(path, 5) == 0);
	(void)snprintf(path, sizeof(path), "%s/history/x.json", dir);
	close(open(path, O_WRONLY | O_CREAT, 0600));
	ck_assert(history_open(&history, dir, &err));
	ck_assert_uint_eq(history.count, 1);
	ck_assert_uint_eq(history.items[0].revision, 2);
}
END_TEST

/* ---- the audit ---- */

static json_t *
query(const char *asked)
{
	json_t *body = json_loads(asked, 0, NULL);
	json_t *answer = audit_query(&audit, body, &err);
	json_decref(body);
	return answer;
}

static size_t
count_of(const char *asked)
{
	json_t *answer = query(asked);
	size_t count = json_array_size(json_object_get(answer, "entries"));
	json_decref(answer);
	return count;
}

static void
note(const char *who, const char *action)
{
	struct history_who by = {.via = "page", .what = "x"};
	(void)snprintf(by.who, sizeof(by.who), "%s", who);
	json_t *changes = json_pack("[{s:s, s:n, s:s}]", "path", "a.b", "from", "to", "c");
	audit_add(&audit, &by, action, 3, changes);
	json_decref(changes);
}

START_TEST(the_audit_goes_on_and_can_be_asked)
{
	note("ann", "merge");
	note("bob", "add");
	audit_open(&audit, dir);
	note("ann", "add");
	ck_assert_uint_eq(audit.last_seq, 3);
	ck_assert_uint_eq(count_of("{}"), 3);
	ck_assert_uint_eq(count_of("{\"who\": \"ann\"}"), 2);
	ck_assert_uint_eq(count_of("{\"who\": \"ann\", \"action\": \"add\"}"), 1);
	ck_assert_uint_eq(count_of("{\"before\": 3}"), 2);
	ck_assert_uint_eq(count_of("{\"limit\": 1}"), 1);
	ck_assert_ptr_null(query("{\"limit\": 0}"));
}
END_TEST

START_TEST(the_audit_is_bounded_and_survives_a_cut_line)
{
	char path[128], old[128];
	struct stat st, old_st;
	(void)snprintf(path, sizeof(path), "%s/audit.jsonl", dir);
	(void)snprintf(old, sizeof(old), "%s/audit.jsonl.1", dir);
	for (unsigned i = 0; i < 16000; i++)
		note("ann", "merge");
	ck_assert(stat(path, &st) == 0 && stat(old, &old_st) == 0);
	ck_assert_uint_le((uint64_t)st.st_size, AUDIT_BYTES_MAX);
	ck_assert_uint_le((uint64_t)old_st.st_size, AUDIT_BYTES_MAX);
	ck_assert_uint_eq(count_of("{\"limit\": 1000}"), 1000);
	ck_assert(truncate(path, st.st_size - 20) == 0);
	audit_open(&audit, dir);
	note("bob", "add");
	ck_assert_uint_eq(count_of("{\"who\": \"bob\"}"), 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("history");
	TCase *tcase = tcase_create("history");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, what_was_kept_is_there_after_a_start);
	tcase_add_test(tcase, the_oldest_give_way);
	tcase_add_test(tcase, a_damaged_file_is_left_out);
	tcase_add_test(tcase, the_audit_goes_on_and_can_be_asked);
	tcase_add_test(tcase, the_audit_is_bounded_and_survives_a_cut_line);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
