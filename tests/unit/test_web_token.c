/* Scripts with the admin token, guesses at it, and a control plane that comes and goes. */
#include "web_rig.h"

/* ---- scripts ---- */

START_TEST(a_bearer_needs_no_session)
{
	static const char bearer[] = "Authorization: Bearer " TOKEN "\r\n";
	ck_assert_int_eq(ask("GET /api/state", bearer, ""), 200);
	ck_assert_int_eq(ask("POST /api/reload", bearer, ""), 200);
	ck_assert_uint_eq(checks, 1);
	skipped_ms = AUTH_BEARER_MS + 1;
	ck_assert_int_eq(ask("POST /api/reload", bearer, ""), 200);
	ck_assert_uint_eq(checks, 2);
}
END_TEST

START_TEST(a_wrong_bearer_is_nobody)
{
	struct login login = log_in();
	char headers[1024];
	ck_assert_int_eq(ask("GET /api/state", "Authorization: Bearer pma-another\r\n", ""), 401);
	ck_assert_int_eq(ask("GET /api/state", "Authorization: Bearer \r\n", ""), 401);
	(void)snprintf(
	    headers, sizeof(headers), "%sAuthorization: Bearer pma-another\r\n", login.cookie);
	ck_assert_int_eq(ask("GET /api/state", headers, ""), 401);
}
END_TEST

/* ---- /metrics ---- */

#define METRICS_BEARER "Authorization: Bearer " METRICS_TOKEN "\r\n"

START_TEST(metrics_open_to_tokens_and_sessions_alone)
{
	struct login login = log_in();
	static const char bearer[] = "Authorization: Bearer " TOKEN "\r\n";
	ck_assert_int_eq(ask("GET /metrics", "", ""), 401);
	ck_assert_int_eq(ask("GET /metrics", "Authorization: Bearer pma-another\r\n", ""), 401);
	ck_assert_int_eq(ask("GET /metrics", "Host: evil.test\r\n", ""), 421);
	ck_assert_int_eq(ask("POST /metrics", bearer, ""), 405);
	ck_assert_int_eq(ask("GET /metrics/", bearer, ""), 404);
	ck_assert_int_eq(ask("GET /metrics", login.cookie, ""), 200);
	ck_assert_int_eq(ask("GET /metrics", bearer, ""), 200);
	ck_assert(told("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	ck_assert(told("\npointsman_controlplane_up 1\n"));
	ck_assert(told("\npointsman_table_version 12\n"));
	ck_assert(told("\npointsman_process_cpu_seconds_total{program=\"webadmin\"} "));
	ck_assert(!told("odd"));
	ck_assert_int_eq(ask("GET /api/v1/metrics/describe", bearer, ""), 200);
	ck_assert(told("{\"name\":\"pointsman_tokens_total\",\"type\":\"counter\","));
}
END_TEST

START_TEST(the_token_for_metrics_opens_nothing_else)
{
	unsigned before = checks;
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(ask("GET /metrics", METRICS_BEARER, ""), 200);
		ck_assert_int_eq(ask("GET /api/state", METRICS_BEARER, ""), 401);
		ck_assert_int_eq(ask("POST /api/reload", METRICS_BEARER, ""), 401);
	}
	ck_assert_int_eq(ask("POST /api/login", JSON, "{\"token\":\"" METRICS_TOKEN "\"}"), 401);
	/* It was asked about once for /metrics, and each time for the rest. */
	ck_assert_uint_eq(checks, before + 6);
}
END_TEST

START_TEST(without_controlplane_only_own_figures_are_told)
{
	mute = true;
	ck_assert_int_eq(ask("GET /metrics", METRICS_BEARER, ""), 200);
	ck_assert(told("\npointsman_controlplane_up 0\n"));
	ck_assert(told("\npointsman_process_open_fds{program=\"webadmin\"} "));
	ck_assert(!told("pointsman_table_version"));
}
END_TEST

START_TEST(wrong_tokens_are_slowed_down)
{
	static const char bearer[] = "Authorization: Bearer pma-another\r\n";
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(ask("POST /api/login", JSON, "{\"token\":\"pma-another\"}"), 401);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(ask("GET /api/state", bearer, ""), 401);
	ck_assert_int_eq(ask("GET /api/state", bearer, ""), 429);
	ck_assert_int_eq(ask("POST /api/login", JSON, "{\"token\":\"" TOKEN "\"}"), 429);
	ck_assert(told("\r\nRetry-After: 2\r\n") || told("\r\nRetry-After: 1\r\n"));
	ck_assert_uint_eq(checks, 5);
	skipped_ms = 2000;
	ck_assert_int_eq(ask("POST /api/login", JSON, "{\"token\":\"" TOKEN "\"}"), 200);
}
END_TEST

/* This one might be guessed, as it is not of ours: who tries out many does not find it among those
 * that are remembered. */
START_TEST(what_is_remembered_is_not_tried_out)
{
	static const char bearer[] = "Authorization: Bearer " TOKEN "\r\n";
	static const char guess[] = "Authorization: Bearer pma-another\r\n";
	ck_assert_int_eq(ask("GET /api/state", bearer, ""), 200);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(ask("GET /api/state", guess, ""), 401);
	ck_assert_int_eq(ask("GET /api/state", bearer, ""), 200);
	for (unsigned i = 0; i < LIMITER_REFUSED_BURST + 5; i++)
		ck_assert_int_eq(ask("GET /api/state", guess, ""), 429);
	ck_assert_int_eq(ask("GET /api/state", bearer, ""), 429);
	skipped_ms = 2000;
	ck_assert_int_eq(ask("GET /api/state", bearer, ""), 200);
}
END_TEST

START_TEST(good_tokens_are_not)
{
	for (int i = 0; i < 25; i++)
		(void)log_in();
}
END_TEST

START_TEST(peers_behind_a_data_plane_are_told_apart)
{
	static const char bearer[] = "Authorization: Bearer pma-another\r\n";
	static const char other[] = "Authorization: Bearer pma-another\r\n"
				    "X-Forwarded-For: 127.0.0.9:4242\r\n";
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(ask_unix("GET /api/state", bearer, ""), 401);
	ck_assert_int_eq(ask_unix("GET /api/state", bearer, ""), 429);
	ck_assert_int_eq(ask_unix("GET /api/state", other, ""), 401);
	/* On the TCP socket nobody may choose a name. */
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(ask("GET /api/state", other, ""), 401);
	ck_assert_int_eq(ask("GET /api/state", bearer, ""), 429);
}
END_TEST

/* ---- the control plane comes and goes ---- */

START_TEST(the_state_comes_by_itself_too)
{
	struct login login = log_in();
	mute = true;
	do {
		publish_state(9);
		ck_assert_int_eq(ask("GET /api/state", login.cookie, ""), 200);
	} while (!told("\"revision\":9"));
}
END_TEST

START_TEST(an_old_state_is_not_shown)
{
	struct login login = log_in();
	ck_assert_int_eq(ask("GET /api/state", login.cookie, ""), 200);
	control_stop();
	skipped_ms = 6000;
	ck_assert_int_eq(ask("GET /api/state", login.cookie, ""), 503);
	ck_assert(told("\"success\":false"));
	ck_assert(told("\"age_ms\":6") || told("\"age_ms\":7"));
	ck_assert(!told("revision"));
	control_start();
	do {
		ck_assert_int_ge(ask("GET /api/state", login.cookie, ""), 200);
	} while (status_of(&first) != 200);
}
END_TEST

START_TEST(who_waits_in_vain_is_told_in_time)
{
	char text[4096];
	struct client second = {0}, leaves = {0};
	control_stop();
	make_request(text, "POST /api/login", JSON, "{\"token\":\"" TOKEN "\"}");
	send_tcp(&second, text);
	send_tcp(&leaves, text);
	send_tcp(&first, text);
	uint64_t start_ms = clock_mono_ms();
	(void)shutdown(leaves.fd, SHUT_RDWR);
	ck_assert_int_eq(wait_for(&first), 503);
	ck_assert_int_eq(wait_for(&second), 503);
	ck_assert_uint_lt(clock_mono_ms() - start_ms, ADMINLINK_ANSWER_MS + 1500);
	client_close(&second);
	client_close(&leaves);
}
END_TEST

START_TEST(an_end_in_mid_question_leaves_nothing)
{
	char text[4096];
	control_stop();
	make_request(text, "POST /api/login", JSON, "{\"token\":\"" TOKEN "\"}");
	send_tcp(&first, text);
	struct httpd_counts counts = {0};
	while (counts.in_work == 0) {
		struct client other = {0};
		send_tcp(&other, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
		ck_assert_int_eq(wait_for(&other), 200);
		client_close(&other);
		httpd_counts_get(httpd, &counts);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("web_token");
	TCase *tcase = tcase_create("web_token");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, a_bearer_needs_no_session);
	tcase_add_test(tcase, a_wrong_bearer_is_nobody);
	tcase_add_test(tcase, metrics_open_to_tokens_and_sessions_alone);
	tcase_add_test(tcase, the_token_for_metrics_opens_nothing_else);
	tcase_add_test(tcase, without_controlplane_only_own_figures_are_told);
	tcase_add_test(tcase, wrong_tokens_are_slowed_down);
	tcase_add_test(tcase, what_is_remembered_is_not_tried_out);
	tcase_add_test(tcase, good_tokens_are_not);
	tcase_add_test(tcase, peers_behind_a_data_plane_are_told_apart);
	tcase_add_test(tcase, the_state_comes_by_itself_too);
	tcase_add_test(tcase, an_old_state_is_not_shown);
	tcase_add_test(tcase, who_waits_in_vain_is_told_in_time);
	tcase_add_test(tcase, an_end_in_mid_question_leaves_nothing);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
