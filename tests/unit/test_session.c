/* Which conversation a request belongs to. */
#include "choose.h"
#include "session.h"
#include "suite.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static struct session
find(enum protocol protocol, const char *body, const char *name, const char *value)
{
	struct request_facts facts;
	struct http_header header = {view_of(name), view_of(value)};
	ck_assert(request_facts_read(view_of(body), &facts, NULL));
	return session_find(protocol, &header, name[0] != '\0' ? 1 : 0, &facts);
}

static struct session
of_body(enum protocol protocol, const char *body)
{
	return find(protocol, body, "", "");
}

START_TEST(the_name_that_comes_first_counts)
{
	const char *all = "{\"prompt_cache_key\":\"k\",\"metadata\":{\"user_id\":\"u\"},"
			  "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
	static const char *const names[] = {"session_id", "Session-Id", "X-Claude-Code-Session-Id",
	    "x-session-id", "conversation_id", "x-session-affinity", "thread-id"};
	for (int i = 0; i < COUNT(names); i++) {
		struct session session = find(PROTOCOL_ANTHROPIC, all, names[i], "s1");
		ck_assert_int_eq(session.source, SESSION_HEADER);
		ck_assert(session.key != find(PROTOCOL_ANTHROPIC, all, names[i], "s2").key);
	}
	ck_assert_int_eq(find(PROTOCOL_CHAT, all, "user-agent", "x").source, SESSION_CACHE_KEY);
	ck_assert_int_eq(of_body(PROTOCOL_ANTHROPIC,
			     "{\"metadata\":{\"user_id\":\"user_1_account__session_2\"}}")
			     .source,
	    SESSION_USER);
	ck_assert_int_eq(
	    of_body(PROTOCOL_CHAT, "{\"prompt_cache_key\":\"\"}").source, SESSION_NONE);
	ck_assert_uint_eq(of_body(PROTOCOL_CHAT, "{}").key, 0);
}
END_TEST

/* A name is the same wherever it stands, and as a person would give it to explain. */
START_TEST(a_name_is_a_name)
{
	static const struct {
		const char *name, *body;
	} names[] = {
	    {"k-1", "{\"prompt_cache_key\":\"k-1\"}"},
	    {"k-1", "{\"prompt_cache_key\":\"k\\u002d1\"}"},
	    {"u 1", "{\"metadata\":{\"user_id\":\"u 1\"}}"},
	    {"{\"session_id\":\"s\"}",
		"{\"metadata\":{\"user_id\":\"{\\\"session_id\\\":\\\"s\\\"}\"}}"},
	};
	for (int i = 0; i < COUNT(names); i++) {
		uint64_t key = choose_session(view_of(names[i].name));
		ck_assert(of_body(PROTOCOL_CHAT, names[i].body).key == key);
		ck_assert(find(PROTOCOL_CHAT, "{}", "session_id", names[i].name).key == key);
	}
}
END_TEST

/* Two turns of one conversation, and another one. */
static const struct {
	enum protocol protocol;
	const char *first, *second, *other;
} talks[] = {
    {PROTOCOL_ANTHROPIC,
	"{\"system\":[{\"type\":\"text\",\"text\":\"s\",\"cache_control\":{}}],\"messages\":["
	"{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\",\"cache_control\":{}}]}]"
	",\"max_tokens\":5}",
	"{\"max_tokens\":9,\"system\":[{\"type\":\"text\",\"text\":\"s\"}],\"messages\":["
	"{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]},"
	"{\"role\":\"assistant\",\"content\":\"b\"},{\"role\":\"user\",\"content\":\"c\"}]}",
	"{\"system\":[{\"type\":\"text\",\"text\":\"s\"}],\"messages\":["
	"{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}"},
    {PROTOCOL_CHAT,
	"{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":"
	"\"a\"}"
	"],\"tools\":[{\"function\":{\"name\":\"t\",\"parameters\":{}}}]}",
	"{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":"
	"\"a\"}"
	",{\"role\":\"assistant\",\"content\":\"b\"}],\"tools\":[{\"function\":{\"name\":\"t\"}}]}",
	"{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":"
	"\"a\"}"
	"],\"tools\":[{\"function\":{\"name\":\"u\"}}]}"},
    {PROTOCOL_RESPONSES,
	"{\"instructions\":\"s\",\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_"
	"text\","
	"\"text\":\"a\"}]}]}",
	"{\"instructions\":\"s\",\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_"
	"text\","
	"\"text\":\"a\"}]},{\"type\":\"reasoning\"}]}",
	"{\"instructions\":\"t\",\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_"
	"text\","
	"\"text\":\"a\"}]}]}"},
    {PROTOCOL_RESPONSES, "{\"input\":\"a\"}", "{\"input\":\"a\",\"stream\":true}",
	"{\"input\":\"b\"}"},
};

START_TEST(what_stays_the_same_tells_the_conversation)
{
	struct session first = of_body(talks[_i].protocol, talks[_i].first);
	ck_assert_int_eq(first.source, SESSION_PREFIX);
	ck_assert(first.key != 0);
	ck_assert(first.key == of_body(talks[_i].protocol, talks[_i].second).key);
	ck_assert(first.key != of_body(talks[_i].protocol, talks[_i].other).key);
}
END_TEST

static uint64_t
previous(enum protocol protocol, const char *body)
{
	struct request_facts facts;
	ck_assert(request_facts_read(view_of(body), &facts, NULL));
	return session_previous(protocol, &facts);
}

START_TEST(an_answer_is_known_by_its_id)
{
	const char *body = "{\"previous_response_id\":\"resp_1\"}";
	ck_assert(previous(PROTOCOL_RESPONSES, body) == session_answer(VIEW("resp_1")));
	ck_assert(previous(PROTOCOL_RESPONSES, body) != session_answer(VIEW("resp_2")));
	ck_assert_uint_eq(previous(PROTOCOL_CHAT, body), 0);
	ck_assert_uint_eq(previous(PROTOCOL_RESPONSES, "{\"previous_response_id\":null}"), 0);
	ck_assert_uint_eq(previous(PROTOCOL_RESPONSES, "{\"previous_response_id\":\"\"}"), 0);
	ck_assert_uint_eq(previous(PROTOCOL_RESPONSES, "{\"previous_response_id\":12}"), 0);
	ck_assert_uint_eq(previous(PROTOCOL_RESPONSES, "{}"), 0);
	ck_assert_str_eq(session_source_name(SESSION_RESPONSE), "response");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("session");
	TCase *tests = tcase_create("session");
	tcase_add_test(tests, the_name_that_comes_first_counts);
	tcase_add_test(tests, a_name_is_a_name);
	tcase_add_test(tests, an_answer_is_known_by_its_id);
	tcase_add_loop_test(tests, what_stays_the_same_tells_the_conversation, 0, COUNT(talks));
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
