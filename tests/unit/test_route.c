/* From method and path to what is wanted, and from a table to the candidates. */
#include "route.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define A PROTOCOL_ANTHROPIC
#define C PROTOCOL_CHAT
#define R PROTOCOL_RESPONSES
#define GENERATE ENDPOINT_GENERATE
#define COUNT_TOKENS ENDPOINT_COUNT_TOKENS
#define MODELS ENDPOINT_MODELS
#define OTHER ENDPOINT_OTHER

static const struct {
	enum http_method method;
	const char *path;
	enum protocol protocol;
	enum endpoint endpoint;
	enum group group;
	const char *upstream;
} llm[] = {
    {HTTP_POST, "/v1/messages", A, GENERATE, GROUP_CLAUDE, "/v1/messages"},
    {HTTP_POST, "/api/v1/messages", A, GENERATE, GROUP_CLAUDE, "/v1/messages"},
    {HTTP_POST, "/ao/api2/v1/messages", A, GENERATE, GROUP_CLAUDE, "/v1/messages"},
    {HTTP_POST, "/openai/v1/messages", A, GENERATE, GROUP_CLAUDE, "/v1/messages"},
    {HTTP_POST, "//v1/messages", A, GENERATE, GROUP_CLAUDE, "/v1/messages"},
    {HTTP_POST, "/a/../%2e/v1/messages", A, GENERATE, GROUP_CLAUDE, "/v1/messages"},
    {HTTP_POST, "/assets/v1/messages", A, GENERATE, GROUP_CLAUDE, "/v1/messages"},
    {HTTP_POST, "/v1/messages/count_tokens", A, COUNT_TOKENS, GROUP_CLAUDE,
	"/v1/messages/count_tokens"},
    {HTTP_POST, "/api/v1/messages/count_tokens", A, COUNT_TOKENS, GROUP_CLAUDE,
	"/v1/messages/count_tokens"},
    {HTTP_POST, "/v1/messages/batches", A, OTHER, GROUP_CLAUDE, "/v1/messages/batches"},
    {HTTP_GET, "/v1/messages/batches/b1/results", A, OTHER, GROUP_CLAUDE,
	"/v1/messages/batches/b1/results"},
    {HTTP_POST, "/v1/messages/", A, OTHER, GROUP_CLAUDE, "/v1/messages/"},
    {HTTP_POST, "/v1/messages/v1/chat/completions", A, OTHER, GROUP_CLAUDE,
	"/v1/messages/v1/chat/completions"},
    {HTTP_POST, "/openai/responses", R, GENERATE, GROUP_CODEX, "/responses"},
    {HTTP_POST, "/openai/v1/responses", R, GENERATE, GROUP_CODEX, "/v1/responses"},
    {HTTP_POST, "/v1/responses", R, GENERATE, GROUP_CODEX, "/v1/responses"},
    {HTTP_POST, "/responses", R, GENERATE, GROUP_CODEX, "/responses"},
    {HTTP_POST, "/v1/responses/compact", R, OTHER, GROUP_CODEX, "/v1/responses/compact"},
    {HTTP_POST, "/openai/responses/compact", R, OTHER, GROUP_CODEX, "/responses/compact"},
    {HTTP_GET, "/v1/responses/resp_1", R, OTHER, GROUP_CODEX, "/v1/responses/resp_1"},
    {HTTP_DELETE, "/v1/responses/resp_1", R, OTHER, GROUP_CODEX, "/v1/responses/resp_1"},
    {HTTP_POST, "/v1/chat/completions", C, GENERATE, GROUP_CHAT, "/v1/chat/completions"},
    {HTTP_POST, "/api/v1/chat/completions", C, GENERATE, GROUP_CHAT, "/v1/chat/completions"},
    {HTTP_POST, "/openai/v1/chat/completions", C, GENERATE, GROUP_CHAT, "/v1/chat/completions"},
    {HTTP_POST, "/openai/chat/completions", C, GENERATE, GROUP_CHAT, "/chat/completions"},
    {HTTP_POST, "/chat/completions", C, GENERATE, GROUP_CHAT, "/chat/completions"},
    {HTTP_GET, "/v1/chat/completions/id", C, OTHER, GROUP_CHAT, "/v1/chat/completions/id"},
    {HTTP_GET, "/v1/models", C, MODELS, GROUP_CHAT, "/v1/models"},
    {HTTP_GET, "/v1/models/gpt-5", C, MODELS, GROUP_CHAT, "/v1/models/gpt-5"},
    {HTTP_GET, "/api/v1/models", C, MODELS, GROUP_CHAT, "/v1/models"},
    {HTTP_GET, "/models", C, MODELS, GROUP_CHAT, "/models"},
    {HTTP_GET, "/openai/models", R, MODELS, GROUP_CODEX, "/models"},
    {HTTP_GET, "/openai/v1/models", R, MODELS, GROUP_CODEX, "/v1/models"},
    {HTTP_POST, "/openai/embeddings", R, OTHER, GROUP_CODEX, "/embeddings"},
    {HTTP_POST, "/openai/v1/files", R, OTHER, GROUP_CODEX, "/v1/files"},
    {HTTP_POST, "/v1/files/a%2Fb", A, OTHER, GROUP_CLAUDE, "/v1/files/a%2Fb"},
    {HTTP_PUT, "/x/v1/files/v1/y", A, OTHER, GROUP_CLAUDE, "/v1/files/v1/y"},
    {HTTP_GET, "/api/v1/organizations", A, OTHER, GROUP_CLAUDE, "/v1/organizations"},
    {HTTP_POST, "/v1/messagesx", A, OTHER, GROUP_CLAUDE, "/v1/messagesx"},
};

START_TEST(the_protocols_paths_go_to_their_groups)
{
	struct view path = view_of(llm[_i].path);
	struct route route = route_match(llm[_i].method, path, false);
	ck_assert_int_eq(route.kind, ROUTE_LLM);
	ck_assert_int_eq(route.protocol, llm[_i].protocol);
	ck_assert_int_eq(route.endpoint, llm[_i].endpoint);
	ck_assert_int_eq(route.group, llm[_i].group);
	ck_assert(view_eq_str(route.path, llm[_i].upstream));
	ck_assert_ptr_eq(route.path.data + route.path.len, path.data + path.len);
	ck_assert_int_eq(route_match(HTTP_HEAD, path, false).kind, ROUTE_PROBE);
	ck_assert_int_eq(route_match(HTTP_OPTIONS, path, false).kind, ROUTE_BAD_METHOD);
}
END_TEST

START_TEST(an_anthropic_client_asks_for_the_models_of_claude)
{
	const char *const paths[] = {"/v1/models", "/api/v1/models/x", "/models", "/openai/models"};
	for (int i = 0; i < COUNT(paths); i++) {
		struct route route = route_match(HTTP_GET, view_of(paths[i]), true);
		ck_assert_int_eq(route.kind, ROUTE_LLM);
		ck_assert_int_eq(route.protocol, A);
		ck_assert_int_eq(route.group, GROUP_CLAUDE);
	}
	ck_assert_int_eq(route_match(HTTP_POST, VIEW("/v1/responses"), true).protocol, R);
}
END_TEST

static const struct {
	enum http_method method;
	const char *path;
	enum route_kind kind;
} rest[] = {
    {HTTP_HEAD, "/", ROUTE_PROBE},
    {HTTP_HEAD, "/api", ROUTE_PROBE},
    {HTTP_HEAD, "/v1", ROUTE_PROBE},
    {HTTP_HEAD, "/api/hello", ROUTE_PROBE},
    {HTTP_HEAD, "/api/api/hello", ROUTE_PROBE},
    {HTTP_HEAD, "/anything", ROUTE_PROBE},
    {HTTP_HEAD, "/favicon.ico", ROUTE_PROBE},
    {HTTP_GET, "/health", ROUTE_PROBE},
    {HTTP_GET, "/healthz", ROUTE_PROBE},
    {HTTP_GET, "/api/hello", ROUTE_PROBE},
    {HTTP_GET, "/api/api/hello", ROUTE_PROBE},
    {HTTP_GET, "/api", ROUTE_PROBE},
    {HTTP_POST, "/health", ROUTE_BAD_METHOD},
    {HTTP_GET, "/", ROUTE_ADMIN},
    {HTTP_GET, "/index.html", ROUTE_ADMIN},
    {HTTP_GET, "/token-stats.html", ROUTE_ADMIN},
    {HTTP_GET, "/login", ROUTE_ADMIN},
    {HTTP_POST, "/logout", ROUTE_ADMIN},
    {HTTP_GET, "/chart.min.js", ROUTE_ADMIN},
    {HTTP_GET, "/assets/app.js", ROUTE_ADMIN},
    {HTTP_GET, "/assets/favicon.ico", ROUTE_ADMIN},
    {HTTP_HEAD, "/assets/app.js", ROUTE_ADMIN},
    {HTTP_HEAD, "/api/state", ROUTE_ADMIN},
    {HTTP_GET, "/api/v1/upstreams", ROUTE_ADMIN},
    {HTTP_PATCH, "/api/v1/upstreams/claude:7f3a", ROUTE_ADMIN},
    {HTTP_GET, "/api/v1/events", ROUTE_ADMIN},
    {HTTP_GET, "/api/v1/upstreamsx", ROUTE_LLM},
    {HTTP_GET, "/x/api/v1/upstreams", ROUTE_LLM},
    {HTTP_GET, "/api/state", ROUTE_ADMIN},
    {HTTP_POST, "/api/login", ROUTE_ADMIN},
    {HTTP_DELETE, "/api/configs/v1", ROUTE_ADMIN},
    {HTTP_PUT, "/api/configs/v1/toggle", ROUTE_ADMIN},
    {HTTP_PUT, "/api/configs/a%20b", ROUTE_ADMIN},
    {HTTP_GET, "/api//state", ROUTE_NOT_FOUND},
    {HTTP_GET, "/api/./state", ROUTE_NOT_FOUND},
    {HTTP_GET, "/api/../state", ROUTE_NOT_FOUND},
    {HTTP_GET, "/api/.", ROUTE_NOT_FOUND},
    {HTTP_GET, "/api/%2E%2e/state", ROUTE_NOT_FOUND},
    {HTTP_GET, "/assets/..%2fapi", ROUTE_NOT_FOUND},
    {HTTP_GET, "/assets/a%2fb", ROUTE_NOT_FOUND},
    {HTTP_GET, "/assets/a%5Cb", ROUTE_NOT_FOUND},
    {HTTP_GET, "/assets/a\\b", ROUTE_NOT_FOUND},
    {HTTP_GET, "/assets//a", ROUTE_NOT_FOUND},
    {HTTP_HEAD, "/assets/../a", ROUTE_NOT_FOUND},
    {HTTP_GET, "/favicon.ico", ROUTE_NOT_FOUND},
    {HTTP_GET, "/robots.txt", ROUTE_NOT_FOUND},
    {HTTP_GET, "/sitemap.xml", ROUTE_NOT_FOUND},
    {HTTP_GET, "/apple-touch-icon-120x120.png", ROUTE_NOT_FOUND},
    {HTTP_GET, "/.well-known/openid-configuration", ROUTE_NOT_FOUND},
    {HTTP_GET, "/api/.well-known/oauth", ROUTE_NOT_FOUND},
    {HTTP_GET, "/v1/.well-known/oauth", ROUTE_NOT_FOUND},
    {HTTP_GET, "/apix", ROUTE_NOT_FOUND},
    {HTTP_GET, "/API/state", ROUTE_NOT_FOUND},
    {HTTP_POST, "/V1/messages", ROUTE_NOT_FOUND},
    {HTTP_POST, "/messages", ROUTE_NOT_FOUND},
    {HTTP_GET, "/v1", ROUTE_NOT_FOUND},
    {HTTP_GET, "/v1/", ROUTE_NOT_FOUND},
    {HTTP_GET, "/openai", ROUTE_NOT_FOUND},
    {HTTP_GET, "/openai/", ROUTE_NOT_FOUND},
    {HTTP_GET, "/openaix/responses", ROUTE_NOT_FOUND},
    {HTTP_POST, "/v1beta/models/m:generateContent", ROUTE_NOT_FOUND},
    {HTTP_POST, "/v1/messages/../../admin", ROUTE_NOT_FOUND},
    {HTTP_POST, "/v1/messages/%2e%2E/x", ROUTE_NOT_FOUND},
    {HTTP_POST, "/v1/messages/%2e.%2fx", ROUTE_NOT_FOUND},
    {HTTP_GET, "/v1/models/..", ROUTE_NOT_FOUND},
    {HTTP_POST, "/v1/files/..\\x", ROUTE_NOT_FOUND},
    {HTTP_POST, "/v1/./files", ROUTE_NOT_FOUND},
    {HTTP_POST, "/v1//files", ROUTE_NOT_FOUND},
    {HTTP_POST, "/openai/../x", ROUTE_NOT_FOUND},
    {HTTP_OPTIONS, "/", ROUTE_BAD_METHOD},
    {HTTP_OPTIONS, "/api/state", ROUTE_BAD_METHOD},
    {HTTP_OPTIONS, "/nothing", ROUTE_BAD_METHOD},
};

START_TEST(other_paths_are_probes_pages_or_nothing)
{
	struct route route = route_match(rest[_i].method, view_of(rest[_i].path), false);
	ck_assert_int_eq(route.kind, rest[_i].kind);
	ck_assert(route.kind != ROUTE_BAD_METHOD || route.allow != NULL);
}
END_TEST

static const struct {
	enum http_method method;
	const char *path, *allow;
	enum protocol protocol;
} wrong_methods[] = {
    {HTTP_GET, "/v1/messages", "POST", A},
    {HTTP_PUT, "/api/v1/messages", "POST", A},
    {HTTP_GET, "/v1/messages/count_tokens", "POST", A},
    {HTTP_GET, "/v1/chat/completions", "POST", C},
    {HTTP_GET, "/v1/responses", "POST", R},
    {HTTP_DELETE, "/openai/responses", "POST", R},
    {HTTP_POST, "/v1/models", "GET", C},
    {HTTP_DELETE, "/v1/models/x", "GET", C},
    {HTTP_OPTIONS, "/v1/messages", "POST", A},
    {HTTP_OPTIONS, "/nothing", "GET, HEAD, POST", C},
    {HTTP_POST, "/healthz", "GET, HEAD", C},
};

START_TEST(a_wrong_method_is_told_what_would_do)
{
	struct route route =
	    route_match(wrong_methods[_i].method, view_of(wrong_methods[_i].path), false);
	ck_assert_int_eq(route.kind, ROUTE_BAD_METHOD);
	ck_assert_str_eq(route.allow, wrong_methods[_i].allow);
	ck_assert_int_eq(route.protocol, wrong_methods[_i].protocol);
}
END_TEST

START_TEST(refusals_speak_the_likely_protocol)
{
	ck_assert_int_eq(route_match(HTTP_GET, VIEW("/x"), false).protocol, C);
	ck_assert_int_eq(route_match(HTTP_GET, VIEW("/x"), true).protocol, A);
	ck_assert_int_eq(route_match(HTTP_GET, VIEW("/openai"), true).protocol, R);
	ck_assert_int_eq(route_match(HTTP_GET, VIEW("/v1/messages/.."), false).protocol, A);
}
END_TEST

static uint32_t
next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 16;
}

START_TEST(no_path_climbs_out)
{
	static const char *const parts[] = {"/", "/v1", "/messages", "/responses", "/models", "/..",
	    "/.", "%2e", "%2F", "\\", "/api", "/openai", "/assets", "/count_tokens", ".", "a",
	    "/chat/completions", "%5c"};
	uint32_t state = 1;
	for (int i = 0; i < 100000; i++) {
		char path[256] = "/";
		size_t len = next_random(&state) % 2;
		for (unsigned k = next_random(&state) % 8; k > 0; k--) {
			const char *part = parts[next_random(&state) % COUNT(parts)];
			memcpy(path + len, part, strlen(part) + 1);
			len += strlen(part);
		}
		if (path[0] != '/')
			continue;
		enum http_method method = next_random(&state) % 2 ? HTTP_POST : HTTP_GET;
		struct route route = route_match(method, view_of(path), false);
		struct view upstream = route.path;
		bool climbs = view_find(upstream, "..") >= 0 || view_find(upstream, "%2e.") >= 0 ||
			      view_find(upstream, ".%2e") >= 0 ||
			      view_find(upstream, "%2e%2e") >= 0 ||
			      view_find(upstream, "/./") >= 0 || view_find(upstream, "//") >= 0;
		bool used = route.kind == ROUTE_LLM || route.kind == ROUTE_ADMIN;
		if (used && (climbs || !view_starts(upstream, "/")))
			ck_abort_msg("%s becomes %.*s", path, VIEW_ARGS(upstream));
		if (route.kind == ROUTE_ADMIN && view_find(upstream, "%") >= 0)
			ck_abort_msg("%s is a page", path);
	}
}
END_TEST

static struct upstream_entry *
add(struct table *table, enum group group, enum protocol protocol, enum tier tier, bool available)
{
	struct upstream_entry *entry = table_add_upstream(table, group);
	entry->protocol = protocol;
	entry->tier = tier;
	entry->available = available;
	return entry;
}

/* The groups that have upstreams (of their usual protocol), a request, and the groups it may use.
 */
static const struct {
	const char *path;
	bool anthropic;
	const char *have, *may; /* group names */
	bool conversion;
} groups[] = {
    {"/v1/messages", true, "claude codex chat", "claude", true},
    {"/v1/messages", true, "claude retry", "claude retry", false},
    {"/v1/messages", true, "codex", "codex", false},
    {"/v1/messages", true, "codex chat retry", "codex chat retry", false},
    {"/v1/messages/batches", true, "codex", "", true},
    {"/v1/responses", false, "claude codex", "codex", true},
    {"/v1/responses", false, "claude chat", "claude chat", false},
    {"/v1/chat/completions", false, "chat claude", "chat", true},
    {"/v1/chat/completions", false, "chat chat_via_claude retry", "chat chat_via_claude retry",
	false},
    {"/v1/chat/completions", false, "chat_via_claude retry", "chat_via_claude retry", false},
    {"/v1/chat/completions", false, "codex claude", "codex claude", false},
    {"/v1/chat/completions", false, "retry", "retry", false},
    {"/v1/models", false, "claude codex chat", "chat", true},
    {"/v1/models", false, "claude", "claude", false},
    {"/v1/models", false, "chat_via_claude", "chat_via_claude", false},
    {"/v1/models", true, "claude codex chat", "claude", true},
    {"/openai/models", false, "claude codex chat", "codex", true},
    {"/openai/models", false, "claude", "claude", false},
};

START_TEST(groups_are_the_clients_own_or_those_that_can_help)
{
	static const enum protocol usual[GROUP_COUNT] = {
	    [GROUP_CLAUDE] = A,
	    [GROUP_CODEX] = R,
	    [GROUP_CHAT] = C,
	    [GROUP_CHAT_VIA_CLAUDE] = A,
	    [GROUP_RETRY] = A,
	};
	struct table *table = table_new();
	struct view have = view_of(groups[_i].have), may = view_of(groups[_i].may), name;
	while (view_split(&have, ' ', &name)) {
		enum group group;
		ck_assert(group_parse(name, &group));
		add(table, group, usual[group], TIER_PRIMARY, false);
	}
	struct view path = view_of(groups[_i].path);
	bool models = view_ends(path, "models"), conversion;
	struct route route = route_match(models ? HTTP_GET : HTTP_POST, path, groups[_i].anthropic);
	struct choose_group out[GROUP_COUNT];
	size_t count = route_groups(&route, table, out, &conversion);
	for (size_t i = 0; i < count; i++) {
		ck_assert(view_split(&may, ' ', &name));
		ck_assert(view_eq_str(name, group_name(out[i].group)));
	}
	ck_assert_uint_eq(may.len, 0);
	ck_assert_int_eq(conversion, groups[_i].conversion);
	table_unref(table);
}
END_TEST

/* "alone" (above), "backup" and "off". */
START_TEST(the_owner_says_when_others_help)
{
	struct table *table = table_new();
	struct choose_group out[GROUP_COUNT];
	bool conversion;
	struct route route = route_match(HTTP_POST, VIEW("/v1/responses"), false);
	add(table, GROUP_CODEX, C, TIER_PRIMARY, true);
	add(table, GROUP_CLAUDE, A, TIER_PRIMARY, true);
	ck_assert_uint_eq(route_groups(&route, table, out, &conversion), 1);
	ck_assert_int_eq(out[0].group, GROUP_CODEX);
	table->policies[GROUP_CODEX].convert = CONVERT_BACKUP;
	ck_assert_uint_eq(route_groups(&route, table, out, &conversion), 2);
	ck_assert_int_eq(out[1].group, GROUP_CLAUDE);
	ck_assert(out[0].own && !out[1].own);
	table->policies[GROUP_CODEX].convert = CONVERT_OFF;
	ck_assert_uint_eq(route_groups(&route, table, out, &conversion), 0);
	ck_assert(conversion);
	table_unref(table);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("route");
	TCase *tests = tcase_create("route");
	tcase_add_loop_test(tests, the_protocols_paths_go_to_their_groups, 0, COUNT(llm));
	tcase_add_test(tests, an_anthropic_client_asks_for_the_models_of_claude);
	tcase_add_loop_test(tests, other_paths_are_probes_pages_or_nothing, 0, COUNT(rest));
	tcase_add_loop_test(tests, a_wrong_method_is_told_what_would_do, 0, COUNT(wrong_methods));
	tcase_add_test(tests, refusals_speak_the_likely_protocol);
	tcase_add_test(tests, no_path_climbs_out);
	tcase_add_loop_test(
	    tests, groups_are_the_clients_own_or_those_that_can_help, 0, COUNT(groups));
	tcase_add_test(tests, the_owner_says_when_others_help);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
