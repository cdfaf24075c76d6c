/* Which headers may pass, and whose key is presented. */
#include "headers.h"
#include <check.h>
#include <stdlib.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static const struct {
	const char *name, *connection;
	bool passes;
} upward[] = {
    {"anthropic-version", "", true},
    {"Anthropic-Beta", "keep-alive", true},
    {"anthropic-dangerous-direct-browser-access", "", true},
    {"openai-beta", "", true},
    {"OpenAI-Organization", "", false},
    {"openai-project", "", false},
    {"x-openai-internal-codex-responses-lite", "", true},
    {"X-Stainless-Timeout", "", true},
    {"X-Claude-Code-Session-Id", "", true},
    {"x-codex-turn-metadata", "", true},
    {"originator", "", true},
    {"session_id", "", true},
    {"session-id", "", true},
    {"thread-id", "", true},
    {"conversation_id", "", true},
    {"version", "", true},
    {"User-Agent", "", true},
    {"accept", "", true},
    {"accept-language", "", true},
    {"Content-Type", "", true},
    {"x-app", "", true},
    {"x-client-request-id", "", true},
    {"idempotency-key", "", true},
    {"traceparent", "", true},
    {"tracestate", "", true},
    {"", "", false},
    {"a", "", false},
    {"authorization", "", false},
    {"x-api-key", "", false},
    {"api-key", "", false},
    {"x-goog-api-key", "", false},
    {"cookie", "", false},
    {"proxy-authorization", "", false},
    {"host", "", false},
    {"connection", "", false},
    {"keep-alive", "", false},
    {"te", "", false},
    {"trailer", "", false},
    {"upgrade", "", false},
    {"expect", "", false},
    {"content-length", "", false},
    {"transfer-encoding", "", false},
    {"accept-encoding", "", false},
    {"content-encoding", "", false},
    {"x-forwarded-for", "", false},
    {"forwarded", "", false},
    {"x-real-ip", "", false},
    {"via", "", false},
    {"origin", "", false},
    {"referer", "", false},
    {"chatgpt-account-id", "", false},
    {"versions", "", false},
    {"accept-charset", "", false},
    {"anthropic-beta", "close, Anthropic-Beta", false},
    {"anthropic-beta", "anthropic-bet,xanthropic-beta", true},
    {"user-agent", " ,user-agent ,", false},
};

START_TEST(only_known_client_headers_go_up)
{
	bool passes = headers_to_upstream(view_of(upward[_i].name), view_of(upward[_i].connection));
	ck_assert_int_eq(passes, upward[_i].passes);
}
END_TEST

static const struct {
	const char *name, *connection;
	bool passes;
} downward[] = {
    {"content-type", "", true},
    {"Request-Id", "", true},
    {"x-request-id", "", true},
    {"anthropic-ratelimit-requests-remaining", "", true},
    {"x-ratelimit-reset-tokens", "", true},
    {"retry-after", "", true},
    {"retry-after-ms", "", true},
    {"x-should-retry", "", true},
    {"openai-processing-ms", "", true},
    {"x-codex-turn-state", "", true},
    {"cache-control", "", true},
    {"te-x", "", true},
    {"", "", false},
    {"Set-Cookie", "", false},
    {"connection", "", false},
    {"Content-Encoding", "", false},
    {"Content-Length", "", false},
    {"transfer-encoding", "", false},
    {"keep-alive", "", false},
    {"trailer", "", false},
    {"te", "", false},
    {"upgrade", "", false},
    {"proxy-authenticate", "", false},
    {"alt-svc", "", false},
    {"strict-transport-security", "", false},
    {"Server", "", false},
    {"Date", "", false},
    {"location", "", false},
    {"Access-Control-Allow-Origin", "", false},
    {"content-security-policy", "", false},
    {"content-security-policy-report-only", "", false},
    {"www-authenticate", "", false},
    {"X-Pointsman-Loss", "", false},
    {"x-hop", "close, X-Hop", false},
};

START_TEST(upstream_headers_come_down_but_for_some)
{
	bool passes =
	    headers_to_client(view_of(downward[_i].name), view_of(downward[_i].connection));
	ck_assert_int_eq(passes, downward[_i].passes);
}
END_TEST

START_TEST(a_key_goes_where_its_owner_looks)
{
	static const struct {
		enum protocol protocol;
		const char *key, *name;
		bool bearer;
	} rows[] = {
	    {PROTOCOL_ANTHROPIC, "sk-ant-api03-x", "x-api-key", false},
	    {PROTOCOL_ANTHROPIC, "sk-ant-oat01-x", "authorization", true},
	    {PROTOCOL_ANTHROPIC, "cr_123", "authorization", true},
	    {PROTOCOL_CHAT, "sk-ant-api03-x", "authorization", true},
	    {PROTOCOL_RESPONSES, "sk-1", "authorization", true},
	};
	for (int i = 0; i < COUNT(rows); i++) {
		bool bearer;
		const char *name =
		    headers_key_name(rows[i].protocol, view_of(rows[i].key), &bearer);
		ck_assert_str_eq(name, rows[i].name);
		ck_assert_int_eq(bearer, rows[i].bearer);
	}
}
END_TEST

static const struct {
	const char *pairs[6]; /* name, value, ... */
	enum headers_key found;
	const char *key;
} presented[] = {
    {{"accept", "Bearer x"}, HEADERS_KEY_NONE, ""},
    {{"Authorization", "Bearer k1"}, HEADERS_KEY_ONE, "k1"},
    {{"authorization", "bEARER   k1 "}, HEADERS_KEY_ONE, "k1"},
    {{"authorization", "Bearer"}, HEADERS_KEY_NONE, ""},
    {{"authorization", "Bearer "}, HEADERS_KEY_NONE, ""},
    {{"authorization", "Bearerk1"}, HEADERS_KEY_NONE, ""},
    {{"authorization", "Basic abc"}, HEADERS_KEY_NONE, ""},
    {{"authorization", "k1"}, HEADERS_KEY_NONE, ""},
    {{"X-Api-Key", "k1"}, HEADERS_KEY_ONE, "k1"},
    {{"api-key", "k1"}, HEADERS_KEY_ONE, "k1"},
    {{"x-api-key", ""}, HEADERS_KEY_NONE, ""},
    {{"x-api-key", "k1", "authorization", "Bearer k1"}, HEADERS_KEY_ONE, "k1"},
    {{"x-api-key", "k1", "authorization", "Basic abc"}, HEADERS_KEY_ONE, "k1"},
    {{"x-api-key", "k1", "authorization", "Bearer k2"}, HEADERS_KEY_CONFLICT, NULL},
    {{"x-api-key", "k1", "X-API-KEY", "k2"}, HEADERS_KEY_CONFLICT, NULL},
    {{"x-api-key", "k1", "api-key", "k1", "authorization", "Bearer K1"}, HEADERS_KEY_CONFLICT,
	NULL},
};

START_TEST(a_client_presents_one_key)
{
	struct http_header headers[3];
	struct view key;
	size_t count = 0;
	for (size_t i = 0; i < 6 && presented[_i].pairs[i] != NULL; i += 2, count++)
		headers[count] = (struct http_header){
		    view_of(presented[_i].pairs[i]), view_of(presented[_i].pairs[i + 1])};
	ck_assert_int_eq(headers_client_key(headers, count, &key), presented[_i].found);
	if (presented[_i].key != NULL)
		ck_assert(view_eq_str(key, presented[_i].key));
}
END_TEST

static const struct {
	const char *value, *coding;
	bool accepted;
} codings[] = {
    {NULL, "gzip", false},
    {NULL, "identity", true},
    {"", "gzip", false},
    {"", "identity", true},
    {"gzip", "gzip", true},
    {"gzip", "identity", true},
    {"gzip, deflate, br, zstd", "zstd", true},
    {"GZIP", "gzip", true},
    {"gzipx", "gzip", false},
    {"br;q=1.0, gzip;q=0.8", "gzip", true},
    {"gzip;q=0", "gzip", false},
    {"gzip;q=0.000", "gzip", false},
    {"gzip;q=0.001", "gzip", true},
    {"gzip ; Q = 0.5", "gzip", true},
    {"gzip;q=1.", "gzip", true},
    {"gzip;q=2", "gzip", false},
    {"gzip;q=0.0001", "gzip", false},
    {"gzip;q=abc", "gzip", false},
    {"gzip;q=", "gzip", false},
    {"gzip;x=1", "gzip", false},
    {"*", "gzip", true},
    {"*;q=0", "gzip", false},
    {"*;q=0", "identity", false},
    {"*;q=0, identity", "identity", true},
    {"identity;q=0", "identity", false},
    {"gzip;q=0, *", "gzip", false},
    {"*, gzip;q=0", "gzip", false},
    {", ,gzip,", "gzip", true},
};

START_TEST(codings_are_accepted_as_the_standard_says)
{
	bool accepted = headers_accepts(view_of(codings[_i].value), codings[_i].coding);
	ck_assert_int_eq(accepted, codings[_i].accepted);
}
END_TEST

START_TEST(a_list_is_searched_by_element)
{
	ck_assert(headers_list_has(VIEW("keep-alive, Upgrade"), "upgrade"));
	ck_assert(headers_list_has(VIEW("a,\tb ,c"), "b"));
	ck_assert(!headers_list_has(VIEW("upgraded, up"), "upgrade"));
	ck_assert(!headers_list_has(VIEW(""), "upgrade"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("headers");
	TCase *tests = tcase_create("headers");
	tcase_add_loop_test(tests, only_known_client_headers_go_up, 0, COUNT(upward));
	tcase_add_loop_test(tests, upstream_headers_come_down_but_for_some, 0, COUNT(downward));
	tcase_add_test(tests, a_key_goes_where_its_owner_looks);
	tcase_add_loop_test(tests, a_client_presents_one_key, 0, COUNT(presented));
	tcase_add_loop_test(tests, codings_are_accepted_as_the_standard_says, 0, COUNT(codings));
	tcase_add_test(tests, a_list_is_searched_by_element);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
