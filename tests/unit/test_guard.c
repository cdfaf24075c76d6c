#include "guard.h"
#include <check.h>
#include <stdlib.h>

START_TEST(own_names_are_heard)
{
	static const char *const good[] = {"localhost", "localhost:5102", "LocalHost:1",
	    "127.0.0.1", "127.0.0.1:65535", "[::1]", "[::1]:5101"};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(guard_host(view_of(good[i])), "%s", good[i]);
}
END_TEST

START_TEST(other_names_are_not)
{
	static const char *const bad[] = {"", ":", ":80", "evil.test", "localhost.evil.test",
	    "evil.test:5102", "localhost:", "localhost:65536", "localhost:99999999999999999999",
	    "localhost:80:80", "localhost:a", "localhost.", "127.0.0.1.nip.io", "127.0.0.2", "::1",
	    "[::1", "[::1]x", "[::1]x:80", "[::2]", "localhost@evil.test", "evil@localhost",
	    "localhost:-1", "localhost/", "0.0.0.0"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!guard_host(view_of(bad[i])), "%s", bad[i]);
}
END_TEST

START_TEST(only_the_own_origin_may_change_things)
{
	struct view host = VIEW("localhost:5102");
	static const char *const bad[] = {"", "null", "localhost:5102", "http://localhost",
	    "http://localhost:5101", "http://localhost:5102/", "http://localhost:51020",
	    "http://evil.test", "ftp://localhost:5102", "http://evil.test?http://localhost:5102"};
	ck_assert(guard_origin((struct view){0}, host));
	ck_assert(guard_origin(VIEW("http://localhost:5102"), host));
	ck_assert(guard_origin(VIEW("https://localhost:5102"), host));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!guard_origin(view_of(bad[i]), host), "%s", bad[i]);
}
END_TEST

START_TEST(no_form_can_send_json)
{
	ck_assert(guard_json(VIEW("application/json")));
	ck_assert(guard_json(VIEW("Application/JSON ; charset=utf-8")));
	ck_assert(!guard_json((struct view){0}));
	ck_assert(!guard_json(VIEW("")));
	ck_assert(!guard_json(VIEW("text/plain")));
	ck_assert(!guard_json(VIEW("text/plain; application/json")));
	ck_assert(!guard_json(VIEW("application/jsonp")));
}
END_TEST

START_TEST(cookies_are_found_by_their_whole_name)
{
	struct view cookies = VIEW("a=1; session=abc=; xsession=no;b; session=second");
	ck_assert(view_eq_str(guard_cookie(cookies, "session"), "abc="));
	ck_assert(view_eq_str(guard_cookie(cookies, "a"), "1"));
	ck_assert_uint_eq(guard_cookie(cookies, "b").len, 0);
	ck_assert_ptr_null(guard_cookie(cookies, "sess").data);
	ck_assert_ptr_null(guard_cookie((struct view){0}, "a").data);
}
END_TEST

START_TEST(a_bearer_is_told_from_other_schemes)
{
	ck_assert(view_eq_str(guard_bearer(VIEW("Bearer abc")), "abc"));
	ck_assert(view_eq_str(guard_bearer(VIEW("bearer  abc")), "abc"));
	ck_assert_ptr_null(guard_bearer(VIEW("Basic abc")).data);
	ck_assert_ptr_null(guard_bearer(VIEW("Bearer")).data);
	ck_assert_ptr_null(guard_bearer((struct view){0}).data);
}
END_TEST

START_TEST(a_peer_loses_its_port)
{
	ck_assert(view_eq_str(guard_peer(VIEW("127.0.0.1:5012")), "127.0.0.1"));
	ck_assert(view_eq_str(guard_peer(VIEW("[::1]:5012")), "[::1]"));
	ck_assert(view_eq_str(guard_peer(VIEW("[::1]")), "[::1]"));
	ck_assert(view_eq_str(guard_peer(VIEW("unix")), "unix"));
	ck_assert_uint_eq(guard_peer((struct view){0}).len, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("guard");
	TCase *tcase = tcase_create("guard");
	tcase_add_test(tcase, own_names_are_heard);
	tcase_add_test(tcase, other_names_are_not);
	tcase_add_test(tcase, only_the_own_origin_may_change_things);
	tcase_add_test(tcase, no_form_can_send_json);
	tcase_add_test(tcase, cookies_are_found_by_their_whole_name);
	tcase_add_test(tcase, a_bearer_is_told_from_other_schemes);
	tcase_add_test(tcase, a_peer_loses_its_port);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
