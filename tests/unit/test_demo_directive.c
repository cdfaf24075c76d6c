/* What a prompt orders, and which text of a conversation is in force. */
#include "ask.h"
#include "directive.h"
#include <check.h>
#include <stdio.h>

static struct arena arena;

static void
setup(void)
{
	arena_init(&arena, 4096, 1u << 20);
}

static void
teardown(void)
{
	arena_fini(&arena);
}

static struct directives
read_step(const char *text, unsigned step)
{
	struct directives out;
	directive_parse(view_of(text), step, &arena, &out);
	return out;
}

static void
assert_view(struct view v, const char *expected)
{
	ck_assert_msg(view_eq_str(v, expected), "%.*s != %s", VIEW_ARGS(v), expected);
}

START_TEST(test_calls)
{
	struct directives d =
	    read_step("Please [demo:tool Bash {\"command\":\"echo ]} \\\"x\\\"\"}]"
		      " and [demo:custom apply_patch \"a]\\nb\"] [demo:shell ls -l]",
		0);
	ck_assert_uint_eq(d.call_count, 3);
	ck_assert_uint_eq(d.bad.len, 0);
	assert_view(d.calls[0].name, "Bash");
	assert_view(d.calls[0].text, "{\"command\":\"echo ]} \\\"x\\\"\"}");
	ck_assert_int_eq(d.calls[1].kind, DIRECTIVE_CUSTOM);
	assert_view(d.calls[1].name, "apply_patch");
	assert_view(d.calls[1].text, "a]\nb");
	ck_assert_int_eq(d.calls[2].kind, DIRECTIVE_SHELL);
	assert_view(d.calls[2].text, "ls -l");
	d = read_step("[demo:tools 3 f {}]", 0);
	ck_assert_uint_eq(d.call_count, 3);
	d = read_step("[demo:tools 16 f {}][demo:tools 16 f {}]", 0);
	ck_assert_uint_eq(d.call_count, DIRECTIVE_CALLS_MAX);
}
END_TEST

START_TEST(test_others)
{
	struct directives d = read_step("[demo:say hi there][demo:think hm][demo:stop refusal]"
					"[demo:fault cut:after=2][demo:words 12]",
	    0);
	assert_view(d.say, "hi there");
	assert_view(d.think, "hm");
	assert_view(d.stop, "refusal");
	assert_view(d.fault, "cut:after=2");
	ck_assert_uint_eq(d.words, 12);
	ck_assert_uint_eq(d.steps, 1);
}
END_TEST

START_TEST(test_steps)
{
	const char *text =
	    "[demo:tool a {}] [demo:then] [demo:tool b {}] [demo:then][demo:say end]";
	ck_assert_uint_eq(read_step(text, 0).steps, 3);
	assert_view(read_step(text, 0).calls[0].name, "a");
	ck_assert_uint_eq(read_step(text, 0).call_count, 1);
	assert_view(read_step(text, 1).calls[0].name, "b");
	assert_view(read_step(text, 2).say, "end");
	ck_assert_uint_eq(read_step(text, 3).call_count, 0);
}
END_TEST

START_TEST(test_bad)
{
	static const char *const bad[] = {"[demo:", "[demo:tool", "[demo:tool x", "[demo:tool x {",
	    "[demo:tool x {} ", "[demo:tool x {a}]", "[demo:tool x []]", "[demo:custom x \"abc]",
	    "[demo:tools 0 x {}]", "[demo:tools 99 x {}]", "[demo:what]", "[demo:say x",
	    "[demo:tool {}]", "[demo:words x]", "[demo:custom x \"\\"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct directives d = read_step(bad[i], 0);
		ck_assert_msg(d.bad.len > 0 && d.call_count == 0, "%s", bad[i]);
	}
	ck_assert_uint_eq(read_step("no order [demo] at all", 0).bad.len, 0);
}
END_TEST

static struct ask
parsed(enum protocol protocol, const char *body)
{
	struct ask ask;
	struct err err = {0};
	ck_assert_msg(ask_parse(&ask, protocol, view_of(body), VIEW("/u/A"), &arena, &err),
	    "%s: %s", err.at, err.msg);
	return ask;
}

static void
assert_user(const struct ask *ask, const char *expected)
{
	struct bytes text;
	bytes_init(&text, 1000);
	ask_text(ask->user, &text);
	assert_view(bytes_view(&text), expected);
	bytes_fini(&text);
}

#define CALL "[demo:tool Bash {\\\"c\\\":1}]"

/* Reminders that a client adds hide neither the text nor the order in it. */
START_TEST(test_messages)
{
	struct ask ask = parsed(PROTOCOL_MESSAGES,
	    "{\"model\":\"m\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":["
	    "{\"type\":\"text\",\"text\":\"" CALL "\"},"
	    "{\"type\":\"text\",\"text\":\"<system-reminder>x</system-reminder>\"}]},"
	    "{\"role\":\"system\",\"content\":\"env\"}]}");
	assert_view(ask.directive, "[demo:tool Bash {\"c\":1}]");
	assert_user(&ask, "[demo:tool Bash {\"c\":1}]");
	ck_assert_uint_eq(ask.step, 0);
	ask = parsed(PROTOCOL_MESSAGES,
	    "{\"model\":\"m\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"" CALL
	    "\"},{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
	    "{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"Bash\",\"input\":{}}]},"
	    "{\"role\":\"user\",\"content\":[{\"tool_use_id\":\"t1\",\"type\":\"tool_result\","
	    "\"content\":[{\"type\":\"text\",\"text\":\"out\"}]},"
	    "{\"type\":\"text\",\"text\":\"<system-reminder>\"}]}]}");
	ck_assert_uint_eq(ask.step, 1);
	ck_assert_uint_eq(ask.result_count, 1);
	ck_assert(ask.follows);
}
END_TEST

START_TEST(test_answered)
{
	/* A plain answer ends what was ordered before it. */
	struct ask ask = parsed(PROTOCOL_CHAT,
	    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"" CALL "\"},"
	    "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c1\"}]},"
	    "{\"role\":\"assistant\",\"content\":\"said\"},"
	    "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"out\"},"
	    "{\"role\":\"assistant\",\"content\":\"done\"},"
	    "{\"role\":\"user\",\"content\":\"thanks\"}]}");
	ck_assert_uint_eq(ask.directive.len, 0);
	ck_assert_uint_eq(ask.result_count, 0);
	assert_user(&ask, "thanks");
}
END_TEST

#define ASKED "{\"role\":\"user\",\"content\":\"" CALL "\"}"
#define BEGUN "{\"role\":\"assistant\",\"content\":\"I wi\"}"
#define CALLED                                                                                     \
	"{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c1\"}]},"              \
	"{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"out\"}"
#define RESUME "{\"role\":\"user\",\"content\":\"Your response above was cut off mid-stream.\"}"

/* What a client asks for after an answer that broke off: the same again. */
START_TEST(test_broken_off)
{
	static const struct {
		const char *messages;
		unsigned step, results;
	} rows[] = {
	    {ASKED "," BEGUN, 0, 0},
	    {ASKED "," BEGUN "," RESUME, 0, 0},
	    {ASKED "," BEGUN "," RESUME "," CALLED, 1, 1},
	    {ASKED "," CALLED "," BEGUN, 1, 1},
	    {ASKED "," CALLED "," BEGUN "," RESUME, 1, 1},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char body[2000];
		snprintf(
		    body, sizeof(body), "{\"model\":\"m\",\"messages\":[%s]}", rows[i].messages);
		struct ask ask = parsed(PROTOCOL_CHAT, body);
		assert_view(ask.directive, "[demo:tool Bash {\"c\":1}]");
		ck_assert_uint_eq(ask.step, rows[i].step);
		ck_assert_uint_eq(ask.result_count, rows[i].results);
	}
}
END_TEST

START_TEST(test_responses)
{
	struct ask ask = parsed(PROTOCOL_RESPONSES,
	    "{\"model\":\"m\",\"input\":["
	    "{\"type\":\"additional_tools\",\"tools\":[{\"type\":\"namespace\",\"name\":"
	    "\"functions\","
	    "\"tools\":[{\"type\":\"custom\",\"name\":\"exec\"}]},{\"type\":\"namespace\","
	    "\"name\":\"team\",\"tools\":[{\"type\":\"function\",\"name\":\"list\"}]}]},"
	    "{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"" CALL "\"}]},"
	    "{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[],\"encrypted_content\":\"x\"},"
	    "{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":\"Bash\",\"arguments\":\"{}\"}"
	    ","
	    "{\"type\":\"custom_tool_call\",\"call_id\":\"c2\",\"name\":\"exec\",\"input\":\"\"},"
	    "{\"type\":\"function_call_output\",\"call_id\":\"c1\",\"output\":\"one\"},"
	    "{\"type\":\"custom_tool_call_output\",\"call_id\":\"c2\",\"output\":\"two\"}]}");
	struct ask_tool tool;
	ck_assert_uint_eq(ask.step, 1);
	ck_assert_uint_eq(ask.result_count, 2);
	ck_assert_uint_eq(ask.seals_foreign, 1);
	ck_assert(ask_tool_find(&ask, VIEW("exec"), &tool));
	ck_assert(tool.custom && tool.space.len == 0);
	ck_assert(ask_tool_find(&ask, VIEW("list"), &tool));
	assert_view(tool.space, "team");
	ck_assert(!ask_tool_find(&ask, VIEW("nothing"), &tool));
}
END_TEST

START_TEST(test_surrogate)
{
	struct ask ask =
	    parsed(PROTOCOL_RESPONSES, "{\"model\":\"m\",\"input\":\"a\\ud83db \\ud83d\\ude00\"}");
	assert_user(&ask, "a\xef\xbf\xbd"
			  "b \xf0\x9f\x98\x80");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("demo_directive");
	TCase *tcase = tcase_create("all");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_calls);
	tcase_add_test(tcase, test_others);
	tcase_add_test(tcase, test_steps);
	tcase_add_test(tcase, test_bad);
	tcase_add_test(tcase, test_messages);
	tcase_add_test(tcase, test_answered);
	tcase_add_test(tcase, test_broken_off);
	tcase_add_test(tcase, test_responses);
	tcase_add_test(tcase, test_surrogate);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
