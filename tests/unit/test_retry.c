/* Which candidate is next, or none. */
#include "retry.h"
#include <check.h>
#include <stdlib.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static const struct {
	const char *name;
	struct retry_state state;
	bool success, try_next;
	enum transport transport;
	uint64_t now_ms;
	enum retry_what what;
} rows[] = {
    {"the next of two", {2, 0, 1, 4, false, 0}, false, true, TRANSPORT_CONNECT, 9, RETRY_NEXT},
    {"the last", {2, 1, 2, 4, false, 0}, false, true, TRANSPORT_CONNECT, 9, RETRY_GIVE_UP},
    {"no candidate", {0, 0, 0, 4, false, 0}, false, true, TRANSPORT_CONNECT, 9, RETRY_GIVE_UP},
    {"all calls made", {9, 3, 4, 4, false, 0}, false, true, TRANSPORT_OK, 9, RETRY_GIVE_UP},
    {"one call left", {9, 2, 3, 4, false, 0}, false, true, TRANSPORT_OK, 9, RETRY_NEXT},
    {"not to be tried", {2, 0, 1, 4, false, 0}, false, false, TRANSPORT_OK, 9, RETRY_GIVE_UP},
    {"success", {2, 0, 1, 4, false, 0}, true, true, TRANSPORT_OK, 9, RETRY_GIVE_UP},
    {"before the deadline", {2, 0, 1, 4, false, 10}, false, true, TRANSPORT_OK, 9, RETRY_NEXT},
    {"at the deadline", {2, 0, 1, 4, false, 9}, false, true, TRANSPORT_OK, 9, RETRY_GIVE_UP},
    {"stale", {1, 0, 1, 1, false, 0}, false, true, TRANSPORT_STALE, 9, RETRY_SAME},
    {"stale again", {2, 0, 1, 4, true, 0}, false, true, TRANSPORT_STALE, 9, RETRY_NEXT},
    {"stale, too late", {2, 0, 1, 4, false, 9}, false, true, TRANSPORT_STALE, 9, RETRY_GIVE_UP},
    {"stale, client gone", {2, 0, 1, 4, false, 0}, false, false, TRANSPORT_STALE, 9, RETRY_GIVE_UP},
};

START_TEST(it_decides)
{
	const struct outcome outcome = {
	    .success = rows[_i].success, .try_next = rows[_i].try_next, .reason = "x"};
	enum retry_what what =
	    retry_decide(&rows[_i].state, &outcome, rows[_i].transport, rows[_i].now_ms);
	ck_assert_msg(what == rows[_i].what, "%s: %d", rows[_i].name, (int)what);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("retry");
	TCase *tests = tcase_create("retry");
	tcase_add_loop_test(tests, it_decides, 0, COUNT(rows));
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
