/* Who failed. */
#include "outcome.h"
#include <check.h>
#include <stdlib.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define FACTS(...)                                                                                 \
	{                                                                                          \
		.transport = TRANSPORT_OK, __VA_ARGS__                                             \
	}

static const struct {
	struct outcome_facts facts;
	enum blame blame;
	bool try_next;
	const char *reason;
} rows[] = {
    /* success is the terminal event, however the connection ended then */
    {FACTS(.status = 200, .terminal = true), BLAME_NOBODY, false, "ok"},
    {FACTS(.status = 204, .terminal = true, .committed = true), BLAME_NOBODY, false, "ok"},
    {{.transport = TRANSPORT_RECEIVE, .status = 200, .terminal = true, .committed = true},
	BLAME_NOBODY, false, "ok"},
    {FACTS(.status = 200, .terminal = true, .committed = true, .client_gone = true), BLAME_NOBODY,
	false, "ok"},
    /* a closed connection is none */
    {FACTS(.status = 200), BLAME_UPSTREAM, true, "ended_early"},
    {FACTS(.status = 200, .committed = true), BLAME_UPSTREAM, false, "ended_early"},
    {FACTS(.status = 200, .committed = true, .fault = WALL_ENDED_EARLY), BLAME_UPSTREAM, false,
	"ended_early"},
    {{.transport = TRANSPORT_RECEIVE, .status = 200, .committed = true}, BLAME_NETWORK, false,
	"receive"},
    {{.transport = TRANSPORT_TIMEOUT_IDLE, .status = 200, .fault = WALL_ENDED_EARLY},
	BLAME_UPSTREAM, true, "timeout_idle"},
    /* 2xx that are none */
    {FACTS(.status = 200, .fault = WALL_ERROR_EVENT), BLAME_UPSTREAM, true, "error_event"},
    {FACTS(.status = 200, .fault = WALL_ERROR_EVENT, .error_type = "overloaded_error"),
	BLAME_UPSTREAM, true, "error_event"},
    {FACTS(.status = 200, .fault = WALL_ERROR_EVENT, .error_type = "rate_limit_error"), BLAME_KEY,
	true, "error_event_key"},
    {FACTS(.status = 200, .fault = WALL_ERROR_EVENT, .error_type = "context_length_exceeded"),
	BLAME_REQUEST, false, "error_event_request"},
    {FACTS(.status = 200, .fault = WALL_ERROR_EVENT, .error_type = "model_not_found"), BLAME_MODEL,
	false, "error_event_model"},
    {FACTS(.status = 200, .fault = WALL_ERROR_EVENT, .terminal = true, .committed = true),
	BLAME_UPSTREAM, false, "error_event"},
    {{.transport = TRANSPORT_CANCELLED, .status = 200, .fault = WALL_NOT_SSE}, BLAME_UPSTREAM, true,
	"not_sse"},
    {FACTS(.status = 200, .fault = WALL_EMPTY), BLAME_UPSTREAM, true, "empty"},
    /* an end that we need not wait for, and one that its connection explains */
    {{.transport = TRANSPORT_CANCELLED, .status = 200, .fault = WALL_EMPTY}, BLAME_UPSTREAM, true,
	"empty"},
    {{.transport = TRANSPORT_RECEIVE, .status = 200, .fault = WALL_EMPTY}, BLAME_NETWORK, true,
	"receive"},
    {FACTS(.status = 200, .fault = WALL_NOT_JSON), BLAME_UPSTREAM, true, "not_json"},
    /* statuses */
    {FACTS(.status = 101), BLAME_UPSTREAM, true, "status_odd"},
    {FACTS(.status = 302), BLAME_UPSTREAM, true, "status_3xx"},
    {FACTS(.status = 400), BLAME_REQUEST, false, "status_400"},
    {FACTS(.status = 401), BLAME_KEY, true, "status_401"},
    {FACTS(.status = 402), BLAME_KEY, true, "status_402"},
    {FACTS(.status = 403), BLAME_KEY, true, "status_403"},
    {FACTS(.status = 404), BLAME_MODEL, false, "status_404"},
    {FACTS(.status = 405), BLAME_REQUEST, false, "status_405"},
    {FACTS(.status = 408), BLAME_UPSTREAM, true, "status_408"},
    {FACTS(.status = 409), BLAME_REQUEST, false, "status_4xx"},
    {FACTS(.status = 413), BLAME_REQUEST, false, "status_413"},
    {FACTS(.status = 415), BLAME_REQUEST, false, "status_415"},
    {FACTS(.status = 422), BLAME_REQUEST, false, "status_422"},
    {FACTS(.status = 429), BLAME_KEY, true, "status_429"},
    {FACTS(.status = 500), BLAME_UPSTREAM, true, "status_500"},
    {FACTS(.status = 501), BLAME_UPSTREAM, true, "status_5xx"},
    {FACTS(.status = 502), BLAME_UPSTREAM, true, "status_502"},
    {FACTS(.status = 503), BLAME_UPSTREAM, true, "status_503"},
    {FACTS(.status = 504), BLAME_UPSTREAM, true, "status_504"},
    {FACTS(.status = 520), BLAME_UPSTREAM, true, "status_520"},
    {FACTS(.status = 521), BLAME_UPSTREAM, true, "status_521"},
    {FACTS(.status = 522), BLAME_UPSTREAM, true, "status_522"},
    {FACTS(.status = 523), BLAME_UPSTREAM, true, "status_523"},
    {FACTS(.status = 524), BLAME_UPSTREAM, true, "status_524"},
    {FACTS(.status = 529), BLAME_UPSTREAM, true, "status_529"},
    {FACTS(.status = 999), BLAME_UPSTREAM, true, "status_odd"},
    {{.transport = TRANSPORT_RECEIVE, .status = 429}, BLAME_KEY, true, "status_429"},
    /* transports */
    {{.transport = TRANSPORT_RESOLVE}, BLAME_NETWORK, true, "resolve"},
    {{.transport = TRANSPORT_CONNECT}, BLAME_NETWORK, true, "connect"},
    {{.transport = TRANSPORT_TLS}, BLAME_UPSTREAM, true, "tls"},
    {{.transport = TRANSPORT_SEND}, BLAME_NETWORK, true, "send"},
    {{.transport = TRANSPORT_STALE}, BLAME_NOBODY, true, "stale"},
    {{.transport = TRANSPORT_HEAD_TOO_BIG}, BLAME_UPSTREAM, true, "head_too_big"},
    {{.transport = TRANSPORT_BAD_ANSWER}, BLAME_UPSTREAM, true, "bad_answer"},
    {{.transport = TRANSPORT_CANCELLED}, BLAME_NOBODY, false, "cancelled"},
    {{.transport = TRANSPORT_DENIED}, BLAME_UPSTREAM, true, "denied"},
    {{.transport = TRANSPORT_TIMEOUT_CONNECT}, BLAME_NETWORK, true, "timeout_connect"},
    {{.transport = TRANSPORT_TIMEOUT_WRITE}, BLAME_NETWORK, true, "timeout_write"},
    {{.transport = TRANSPORT_TIMEOUT_FIRST_BYTE}, BLAME_UPSTREAM, true, "timeout_first_byte"},
    {{.transport = TRANSPORT_TIMEOUT_TOTAL}, BLAME_UPSTREAM, true, "timeout_total"},
    {{.transport = TRANSPORT_INTERNAL}, BLAME_US, true, "internal"},
    {FACTS(.status = 0), BLAME_UPSTREAM, true, "bad_answer"},
    /* a client that hangs up blames nobody else */
    {{.transport = TRANSPORT_CANCELLED, .client_gone = true}, BLAME_CLIENT, false, "client_gone"},
    {FACTS(.status = 500, .client_gone = true), BLAME_CLIENT, false, "client_gone"},
    {FACTS(.status = 200, .committed = true, .client_gone = true), BLAME_CLIENT, false,
	"client_gone"},
    {FACTS(.status = 200, .fault = WALL_ERROR_EVENT, .client_gone = true), BLAME_CLIENT, false,
	"client_gone"},
    /* but for one that was told an error */
    {{.transport = TRANSPORT_CANCELLED,
	 .status = 200,
	 .committed = true,
	 .fault = WALL_ERROR_EVENT,
	 .client_gone = true},
	BLAME_UPSTREAM, false, "error_event"},
};

START_TEST(the_right_one_is_blamed)
{
	struct outcome outcome = outcome_classify(&rows[_i].facts, NULL);
	ck_assert_str_eq(outcome.reason, rows[_i].reason);
	ck_assert_str_eq(blame_words[outcome.blame], blame_words[rows[_i].blame]);
	ck_assert_int_eq(outcome.try_next, rows[_i].try_next);
	ck_assert_int_eq(outcome.success, outcome.reason[0] == 'o');
}
END_TEST

START_TEST(no_transport_and_no_fault_is_left_out)
{
	unsigned transports = 0, faults = 0;
	for (int i = 0; i < COUNT(rows); i++) {
		transports |= 1u << rows[i].facts.transport;
		faults |= 1u << rows[i].facts.fault;
	}
	ck_assert_uint_eq(transports, (2u << TRANSPORT_INTERNAL) - 1);
	ck_assert_uint_eq(faults, (2u << WALL_ENDED_EARLY) - 1);
}
END_TEST

/* Each type of an error event, with the status that says the same. */
static const struct {
	const char *type;
	enum blame blame;
	int status;
} types[] = {
    {"invalid_request_error", BLAME_REQUEST, 400},
    {"request_too_large", BLAME_REQUEST, 413},
    {"context_length_exceeded", BLAME_REQUEST, 400},
    {"invalid_prompt", BLAME_REQUEST, 400},
    {"cyber_policy", BLAME_REQUEST, 400},
    {"not_found_error", BLAME_MODEL, 404},
    {"model_not_found", BLAME_MODEL, 404},
    {"authentication_error", BLAME_KEY, 401},
    {"invalid_api_key", BLAME_KEY, 401},
    {"permission_error", BLAME_KEY, 403},
    {"billing_error", BLAME_KEY, 402},
    {"insufficient_quota", BLAME_KEY, 429},
    {"usage_limit_reached", BLAME_KEY, 429},
    {"usage_not_included", BLAME_KEY, 429},
    {"rate_limit_error", BLAME_KEY, 429},
    {"rate_limit_exceeded", BLAME_KEY, 429},
    {"overloaded_error", BLAME_UPSTREAM, 529},
    {"server_is_overloaded", BLAME_UPSTREAM, 529},
    {"slow_down", BLAME_UPSTREAM, 529},
    {"api_error", BLAME_UPSTREAM, 500},
    {"", BLAME_UPSTREAM, 500},
};

START_TEST(an_error_event_is_blamed_by_its_type)
{
	const struct outcome_facts facts = {
	    .status = 200, .fault = WALL_ERROR_EVENT, .error_type = types[_i].type};
	struct outcome outcome = outcome_classify(&facts, NULL);
	ck_assert_str_eq(blame_words[outcome.blame], blame_words[types[_i].blame]);
	ck_assert_int_eq(outcome.status, types[_i].status);
	bool final = outcome.blame == BLAME_REQUEST || outcome.blame == BLAME_MODEL;
	ck_assert_int_eq(outcome.try_next, !final);
}
END_TEST

START_TEST(nothing_is_tried_again_once_committed)
{
	for (int transport = 0; transport <= TRANSPORT_INTERNAL; transport++) {
		for (int fault = 0; fault <= WALL_ENDED_EARLY; fault++) {
			for (int status = 0; status < 600; status += 100) {
				const struct outcome_facts facts = {
				    .transport = (enum transport)transport,
				    .fault = (enum wall_fault)fault,
				    .status = status,
				    .committed = true,
				};
				struct outcome outcome = outcome_classify(&facts, NULL);
				if (outcome.try_next || outcome.success || !outcome.reason[0])
					ck_abort_msg("%d %d %d", transport, fault, status);
			}
		}
	}
}
END_TEST

/* What the owner has set decides how to go on; who is blamed does not change by that. */
START_TEST(strategies_say_how_to_go_on)
{
	struct strategy_range ranges[] = {{400, 400, STRATEGY_SWITCH_API},
	    {401, 428, STRATEGY_NORMAL}, {429, 499, STRATEGY_RETRY_NODE},
	    {500, 529, STRATEGY_NORMAL}};
	struct strategies all = {.ranges = ranges, .count = 4};
	all.network[NETWORK_CONNECT_ERROR] = STRATEGY_NORMAL;
	all.network[NETWORK_READ_TIMEOUT] = STRATEGY_RETRY_NODE;
	static const struct {
		struct outcome_facts facts;
		enum blame blame;
		bool try_next;
		enum strategy strategy;
	} set[] = {
	    {FACTS(.status = 400), BLAME_REQUEST, true, STRATEGY_SWITCH_API},
	    {FACTS(.status = 401), BLAME_KEY, false, STRATEGY_NORMAL},
	    {FACTS(.status = 429), BLAME_KEY, true, STRATEGY_RETRY_NODE},
	    {FACTS(.status = 503), BLAME_UPSTREAM, false, STRATEGY_NORMAL},
	    {FACTS(.status = 530), BLAME_UPSTREAM, true, STRATEGY_SWITCH_API},
	    {FACTS(.status = 200, .fault = WALL_ERROR_EVENT, .error_type = "overloaded_error"),
		BLAME_UPSTREAM, false, STRATEGY_NORMAL},
	    {FACTS(.status = 200, .fault = WALL_ERROR_EVENT, .error_type = "rate_limit_error"),
		BLAME_KEY, true, STRATEGY_RETRY_NODE},
	    {{.transport = TRANSPORT_CONNECT}, BLAME_NETWORK, true, STRATEGY_NORMAL},
	    {{.transport = TRANSPORT_TIMEOUT_FIRST_BYTE}, BLAME_UPSTREAM, true,
		STRATEGY_RETRY_NODE},
	    {{.transport = TRANSPORT_RECEIVE}, BLAME_NETWORK, true, STRATEGY_SWITCH_API},
	};
	for (int i = 0; i < COUNT(set); i++) {
		struct outcome outcome = outcome_classify(&set[i].facts, &all);
		ck_assert_msg(outcome.blame == set[i].blame &&
				  outcome.try_next == set[i].try_next &&
				  outcome.strategy == set[i].strategy,
		    "row %d: %s %d %d", i, blame_words[outcome.blame], outcome.try_next,
		    (int)outcome.strategy);
	}
	ck_assert(outcome_is_final(401, &all) && !outcome_is_final(400, &all));
	ck_assert(outcome_is_final(400, NULL) && !outcome_is_final(529, NULL));
}
END_TEST

START_TEST(two_that_fail_alike_may_blame_the_request)
{
	static const struct {
		int one, other;
		bool blames;
	} pairs[] = {{403, 403, true}, {404, 404, true}, {500, 500, true}, {400, 400, true},
	    {403, 404, false}, {401, 401, false}, {429, 429, false}, {529, 529, false},
	    {503, 503, false}, {502, 502, false}};
	for (int i = 0; i < COUNT(pairs); i++) {
		const struct outcome_facts a = {.status = pairs[i].one};
		const struct outcome_facts b = {.status = pairs[i].other};
		struct outcome one = outcome_classify(&a, NULL), other = outcome_classify(&b, NULL);
		ck_assert_int_eq(outcome_blames_request(&one, &other), pairs[i].blames);
	}
}
END_TEST

START_TEST(every_name_is_there)
{
	for (int i = 0; i <= BLAME_CLIENT; i++)
		ck_assert_ptr_nonnull(blame_words[i]);
	for (int i = 0; i <= TRANSPORT_INTERNAL; i++)
		ck_assert_ptr_nonnull(transport_name((enum transport)i));
	for (int i = 0; i <= WALL_ENDED_EARLY; i++)
		ck_assert_ptr_nonnull(wall_fault_name((enum wall_fault)i));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("outcome");
	TCase *tests = tcase_create("outcome");
	tcase_add_loop_test(tests, the_right_one_is_blamed, 0, COUNT(rows));
	tcase_add_test(tests, no_transport_and_no_fault_is_left_out);
	tcase_add_loop_test(tests, an_error_event_is_blamed_by_its_type, 0, COUNT(types));
	tcase_add_test(tests, nothing_is_tried_again_once_committed);
	tcase_add_test(tests, strategies_say_how_to_go_on);
	tcase_add_test(tests, two_that_fail_alike_may_blame_the_request);
	tcase_add_test(tests, every_name_is_there);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
