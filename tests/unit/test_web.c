/* Pages, headers, sessions, and what another site could make a browser send. */
#include "assets.h"
#include "web_rig.h"

/* ---- pages and headers ---- */

START_TEST(every_answer_has_the_security_headers)
{
	static const struct {
		const char *line, *headers;
		int status;
	} asked[] = {
	    {"GET /", "", 200},
	    {"GET /assets/app.js", "", 404},
	    {"GET /nowhere", "", 404},
	    {"POST /", "", 405},
	    {"GET /", "Host: evil.test\r\n", 421},
	    {"GET /api/session", "", 200},
	    {"GET /api/state", "", 401},
	    {"GET /api/nowhere", "", 404},
	    {"PUT /api/state", "", 405},
	    {"POST /api/reload", "", 403},
	};
	static const char *const headers[] = {
	    "\r\nContent-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
	    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
	    "form-action 'self'\r\n",
	    "\r\nX-Frame-Options: DENY\r\n", "\r\nX-Content-Type-Options: nosniff\r\n",
	    "\r\nReferrer-Policy: no-referrer\r\n",
	    "\r\nCross-Origin-Opener-Policy: same-origin\r\n",
	    "\r\nCross-Origin-Resource-Policy: same-origin\r\n", "\r\nCache-Control: no-"};
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		ck_assert_int_eq(ask(asked[i].line, asked[i].headers, ""), asked[i].status);
		for (size_t j = 0; j < sizeof(headers) / sizeof(headers[0]); j++)
			ck_assert_msg(told(headers[j]), "%s:%s", asked[i].line, headers[j]);
		ck_assert(!told("Access-Control-"));
	}
}
END_TEST

static const char *
asset_line(const char *method, const char *name)
{
	static char line[160];
	(void)snprintf(line, sizeof(line), "%s %s/%s", method, assets_folder, name);
	return line;
}

START_TEST(pages_are_asked_again_and_files_kept)
{
	char tag[64], header[128];
	ck_assert_int_eq(ask("GET /index.html", "", ""), 200);
	ck_assert(told("Cache-Control: no-cache\r\n"));
	ck_assert_int_eq(ask(asset_line("GET", "style.css"), "", ""), 200);
	ck_assert(told("Cache-Control: public, max-age=31536000, immutable\r\n"));
	ck_assert(told("X-Content-Type-Options: nosniff\r\n"));
	copy_between("ETag: ", '\r', tag, sizeof(tag));
	(void)snprintf(header, sizeof(header), "If-None-Match: %s\r\n", tag);
	ck_assert_int_eq(ask(asset_line("GET", "style.css"), header, ""), 304);
	ck_assert(told("ETag: ") && told("Vary: Accept-Encoding\r\n"));
	ck_assert_int_eq(ask(asset_line("GET", "words/base.js"), header, ""), 200);
	ck_assert_int_eq(ask(asset_line("HEAD", "words/base.js"), "", ""), 200);
	ck_assert_str_eq(strstr(first.text, "\r\n\r\n"), "\r\n\r\n");
}
END_TEST

START_TEST(files_come_compressed_to_who_takes_it)
{
	char plain[64], packed[64], header[128];
	ck_assert_int_eq(ask(asset_line("HEAD", "app.js"), "Accept-Encoding: br\r\n", ""), 200);
	ck_assert(!told("Content-Encoding") && told("Vary: Accept-Encoding\r\n"));
	copy_between("ETag: ", '\r', plain, sizeof(plain));
	ck_assert_int_eq(
	    ask(asset_line("HEAD", "app.js"), "Accept-Encoding: gzip, br\r\n", ""), 200);
	ck_assert(told("Content-Encoding: gzip\r\n"));
	copy_between("ETag: ", '\r', packed, sizeof(packed));
	ck_assert_str_ne(plain, packed);
	(void)snprintf(
	    header, sizeof(header), "Accept-Encoding: gzip\r\nIf-None-Match: %s\r\n", plain);
	ck_assert_int_eq(ask(asset_line("HEAD", "app.js"), header, ""), 200);
}
END_TEST

START_TEST(foreign_hosts_are_sent_away_on_both_sockets)
{
	ck_assert_int_eq(ask_unix("GET /", "", ""), 200);
	ck_assert_int_eq(ask_unix("GET /", "Host: gateway.evil.test:5101\r\n", ""), 421);
	ck_assert_int_eq(
	    ask("POST /api/login", "Host: evil.test\r\n" JSON, "{\"token\":\"" TOKEN "\"}"), 421);
	ck_assert_uint_eq(checks, 0);
}
END_TEST

START_TEST(methods_are_told)
{
	ck_assert_int_eq(ask("DELETE /api/session", "", ""), 405);
	ck_assert(told("Allow: GET, HEAD\r\n"));
	ck_assert_int_eq(ask("GET /api/login", "", ""), 405);
	ck_assert(told("Allow: POST\r\n"));
	ck_assert(told("{\"success\":false,\"message\":"));
}
END_TEST

START_TEST(big_bodies_are_not_read)
{
	ck_assert_int_eq(ask("POST /api/login", JSON "Content-Length: 1\r\n", ""), 400);
	send_tcp(&first,
	    "POST /api/login HTTP/1.1\r\nHost: localhost\r\n" JSON "Content-Length: 65537\r\n\r\n");
	ck_assert_int_eq(wait_for(&first), 413);
}
END_TEST

/* ---- sessions ---- */

START_TEST(a_login_gives_a_session)
{
	struct login login = log_in();
	ck_assert(told("; Path=/; HttpOnly; SameSite=Strict\r\n"));
	ck_assert(!told(TOKEN));
	ck_assert_int_eq(ask("GET /api/state", login.cookie, ""), 200);
	ck_assert(told("\"revision\":3"));
	ck_assert(told("\"age_ms\":"));
	ck_assert_int_eq(ask_unix("GET /api/state", login.cookie, ""), 200);
	ck_assert_int_eq(ask("GET /api/session", login.cookie, ""), 200);
	ck_assert(told("\"logged_in\":true"));
	ck_assert(told("\"api_port\":5101"));
	ck_assert_uint_eq(checks, 1);
}
END_TEST

START_TEST(without_one_nothing_is_told)
{
	ck_assert_int_eq(ask("GET /api/state", "", ""), 401);
	ck_assert(!told("revision"));
	ck_assert_int_eq(ask("GET /api/state",
			     "Cookie: "
			     "pointsman_00000000=0123456789012345678901234567890123456789012\r\n",
			     ""),
	    401);
	ck_assert_int_eq(ask("GET /api/session", "", ""), 200);
	ck_assert(told("\"logged_in\":false,\"user\":null,\"role\":null,\"csrf_token\":null,"));
}
END_TEST

START_TEST(a_wrong_token_gives_none)
{
	static const char *const bodies[] = {"", "{", "[]", "{}", "{\"token\":\"\"}",
	    "{\"token\":7}", "{\"token\":\"" TOKEN "\"} x"};
	ck_assert_int_eq(ask("POST /api/login", JSON, "{\"token\":\"pma-another\"}"), 401);
	ck_assert(!told("Set-Cookie"));
	ck_assert(told("{\"success\":false,\"kind\":\"auth\",\"message\":\""));
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		ck_assert_int_eq(ask("POST /api/login", JSON, bodies[i]), 400);
	ck_assert_uint_eq(checks, 1);
}
END_TEST

START_TEST(a_logout_ends_it)
{
	struct login login = log_in();
	ck_assert_int_eq(ask("POST /api/logout", login.cookie, ""), 403);
	ck_assert_int_eq(ask("POST /api/logout", login.headers, "{}"), 200);
	ck_assert(told("Max-Age=0"));
	ck_assert_int_eq(ask("GET /api/state", login.cookie, ""), 401);
}
END_TEST

START_TEST(a_new_login_ends_the_session_that_came_with_it)
{
	struct login login = log_in();
	ck_assert_int_eq(ask("POST /api/login", login.headers, "{\"token\":\"" TOKEN "\"}"), 200);
	ck_assert_int_eq(ask("GET /api/state", login.cookie, ""), 401);
}
END_TEST

START_TEST(a_session_left_alone_ends)
{
	struct login login = log_in();
	skipped_ms = AUTH_IDLE_MS + 1;
	ck_assert_int_eq(ask("GET /api/state", login.cookie, ""), 401);
}
END_TEST

/* ---- what another site could make a browser send ---- */

START_TEST(changes_need_the_csrf_token)
{
	struct login login = log_in();
	char headers[1024];
	ck_assert_int_eq(ask("POST /api/reload", login.headers, "{}"), 200);
	ck_assert(told("\"revision\":4,\"changed\":true}"));
	(void)snprintf(headers, sizeof(headers), "%s" JSON, login.cookie);
	ck_assert_int_eq(ask("POST /api/reload", headers, "{}"), 403);
	(void)snprintf(headers, sizeof(headers), "%sX-CSRF-Token: 0\r\n" JSON, login.cookie);
	ck_assert_int_eq(ask("POST /api/reload", headers, "{}"), 403);
	ck_assert_uint_eq(reloads, 1);
}
END_TEST

START_TEST(changes_need_json_and_the_own_origin)
{
	struct login login = log_in();
	char headers[1024], *type;
	(void)snprintf(
	    headers, sizeof(headers), "%sOrigin: http://localhost:5102\r\n", login.headers);
	ck_assert_int_eq(ask("POST /api/reload", headers, "{}"), 200);
	(void)snprintf(
	    headers, sizeof(headers), "%sOrigin: http://localhost:3000\r\n", login.headers);
	ck_assert_int_eq(ask("POST /api/reload", headers, "{}"), 403);
	(void)snprintf(headers, sizeof(headers), "%s", login.headers);
	type = strstr(headers, "application/json");
	memcpy(type, "text/plain; abcd", 16);
	ck_assert_int_eq(ask("POST /api/reload", headers, "{}"), 403);
	ck_assert_int_eq(ask("POST /api/login", "Origin: http://evil.test\r\n" JSON,
			     "{\"token\":\"" TOKEN "\"}"),
	    403);
	ck_assert_uint_eq(reloads, 1);
	ck_assert_uint_eq(checks, 1);
}
END_TEST

START_TEST(a_refused_reload_says_why)
{
	struct login login = log_in();
	reload_said = MSG_ERROR;
	ck_assert_int_eq(ask("POST /api/reload", login.headers, "{}"), 422);
	ck_assert(told("\"success\":false"));
	ck_assert(told("\"path\":\"api_configs[0].key\""));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("web");
	TCase *tcase = tcase_create("web");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, every_answer_has_the_security_headers);
	tcase_add_test(tcase, pages_are_asked_again_and_files_kept);
	tcase_add_test(tcase, files_come_compressed_to_who_takes_it);
	tcase_add_test(tcase, foreign_hosts_are_sent_away_on_both_sockets);
	tcase_add_test(tcase, methods_are_told);
	tcase_add_test(tcase, big_bodies_are_not_read);
	tcase_add_test(tcase, a_login_gives_a_session);
	tcase_add_test(tcase, without_one_nothing_is_told);
	tcase_add_test(tcase, a_wrong_token_gives_none);
	tcase_add_test(tcase, a_logout_ends_it);
	tcase_add_test(tcase, a_new_login_ends_the_session_that_came_with_it);
	tcase_add_test(tcase, a_session_left_alone_ends);
	tcase_add_test(tcase, changes_need_the_csrf_token);
	tcase_add_test(tcase, changes_need_json_and_the_own_origin);
	tcase_add_test(tcase, a_refused_reload_says_why);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
