/* What is changed in a request on its way up, and that nothing else is. */
#include "jsonspan.h"
#include "mem.h"
#include "rewrite.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static struct table *table;
static struct upstream_entry *entry;
static struct lessons *lessons;
static enum protocol protocol;
static bool streams;

static void
setup(void)
{
	table = table_new();
	entry = table_add_upstream(table, GROUP_CLAUDE);
	entry->id = mem_dup_str("claude:a");
	entry->protocol = PROTOCOL_ANTHROPIC;
	lessons = lessons_new();
	protocol = PROTOCOL_ANTHROPIC;
	streams = false;
}

static void
teardown(void)
{
	lessons_free(lessons);
	table_unref(table);
}

static void
add_rule(const char *source, const char *target, bool full_format)
{
	struct model_rule *rule = table_add_model_rule(table);
	rule->source = mem_dup_str(source);
	rule->target = mem_dup_str(target);
	rule->full_format = full_format;
}

static void
add_lesson(enum lesson_kind kind, const char *name)
{
	struct lesson lesson = {.kind = kind};
	snprintf(lesson.name, sizeof(lesson.name), "%s", name);
	ck_assert(lessons_learn(lessons, table, "claude:a", "m", &lesson, 1000));
}

static void
read_all(const struct splice *splice, size_t step, struct bytes *out)
{
	char piece[64];
	size_t len;
	while ((len = splice_read(splice, out->len, piece, step)) > 0)
		ck_assert(bytes_append(out, piece, len));
	ck_assert_uint_eq(out->len, splice->total_bytes);
}

/* `body` becomes `sent`, which is JSON, and the model is `model`. */
static void
check(const char *body, const char *sent, const char *model)
{
	struct request_facts facts;
	struct rewrite rewrite;
	struct err err;
	ck_assert(request_facts_read(view_of(body), &facts, &err));
	struct rewrite_call call = {
	    table, entry, protocol, lessons, view_of(body), &facts, true, 2000, streams};
	ck_assert(rewrite_init(&rewrite, &call, &err));
	for (size_t step = 1; step < 64; step += 7) {
		struct bytes out;
		bytes_init(&out, 65536);
		read_all(&rewrite.splice, step, &out);
		ck_assert_str_eq(bytes_str(&out), sent);
		ck_assert(jsonspan_scan(bytes_view(&out), NULL, 0, NULL, NULL));
		bytes_fini(&out);
	}
	ck_assert_uint_eq(splice_read(&rewrite.splice, UINT64_MAX, (char[1]){0}, 1), 0);
	ck_assert_str_eq(rewrite.model, model);
	rewrite_fini(&rewrite);
}

START_TEST(simple_rename_changes_the_models_bytes_only)
{
	add_rule("a", "x-long-name", false);
	add_rule("a", "b", false);
	add_rule("b", "\"\\\x01\xe4\xb8\x96", true);
	add_rule("x-long-name", "a", false);
	check("{\"model\":\"a\"}", "{\"model\":\"x-long-name\"}", "x-long-name");
	check("{\"n\":1.10,\"model\" : \"\\u0061\" , \"x\":\"a\"}",
	    "{\"n\":1.10,\"model\" : \"x-long-name\" , \"x\":\"a\"}", "x-long-name");
	check(" {\"model\":\"b\"}", " {\"model\":\"\\\"\\\\\\u0001\xe4\xb8\x96\"}",
	    "\"\\\x01\xe4\xb8\x96");
	check("{\"model\":\"x-long-name\",\"f\":1E5}\r\n", "{\"model\":\"a\",\"f\":1E5}\r\n", "a");
	check("{\"model\":\"A\",\"s\":\"\\ud83d\"}", "{\"model\":\"A\",\"s\":\"\\ud83d\"}", "A");
	check("{\"other\":\"a\"}", "{\"other\":\"a\"}", "");
}
END_TEST

START_TEST(an_alias_may_have_a_wildcard)
{
	add_rule("gpt-4*", "claude-sonnet-5", false);
	add_rule("my-*-model", "theirs-*", false);
	check("{\"model\":\"gpt-4o-mini\"}", "{\"model\":\"claude-sonnet-5\"}", "claude-sonnet-5");
	check("{\"model\":\"my-big-model\"}", "{\"model\":\"theirs-big\"}", "theirs-big");
	check("{\"model\":\"gpt-5\"}", "{\"model\":\"gpt-5\"}", "gpt-5");
}
END_TEST

START_TEST(the_upstreams_own_map_comes_after_the_rules)
{
	struct model_rename *rename = table_add_rename(entry);
	rename->from = mem_dup_str("b");
	rename->to = mem_dup_str("vendor/b");
	add_rule("a", "b", false);
	check("{\"model\":\"a\"}", "{\"model\":\"vendor/b\"}", "vendor/b");
	check("{\"model\":\"b\"}", "{\"model\":\"vendor/b\"}", "vendor/b");
}
END_TEST

/* All fields stay; only the plain system text becomes a block. */
START_TEST(full_format_wraps_the_system_text)
{
	add_rule("a", "b", true);
	check("{\"model\":\"a\",\"system\":\"be \\\"kind\\\"\",\"tools\":[],\"thinking\":{}}",
	    "{\"model\":\"b\",\"system\":[{\"type\":\"text\",\"text\":\"be \\\"kind\\\"\"}],"
	    "\"tools\":[],\"thinking\":{}}",
	    "b");
	check("{\"model\":\"a\",\"system\":[]}", "{\"model\":\"b\",\"system\":[]}", "b");
}
END_TEST

START_TEST(the_thinking_suffix_is_a_wish)
{
	check("{\"model\":\"claude-sonnet-4-5-thinking\",\"max_tokens\":32000}",
	    "{\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":10000},"
	    "\"model\":\"claude-sonnet-4-5\",\"max_tokens\":32000}",
	    "claude-sonnet-4-5");
	check("{\"model\":\"claude-sonnet-4-5-thinking\",\"max_tokens\":2000}",
	    "{\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1999},"
	    "\"model\":\"claude-sonnet-4-5\",\"max_tokens\":2000}",
	    "claude-sonnet-4-5");
	check("{\"model\":\"claude-sonnet-4-5-thinking\",\"max_tokens\":500}",
	    "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":500}", "claude-sonnet-4-5");
	check(
	    "{\"model\":\"claude-sonnet-4-5-thinking\",\"max_tokens\":9000,\"thinking\":{\"type\":"
	    "\"disabled\"}}",
	    "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":9000,\"thinking\":{\"type\":"
	    "\"disabled\"}}",
	    "claude-sonnet-4-5");
	check("{\"model\":\"foo-thinking\"}", "{\"model\":\"foo-thinking\"}", "foo-thinking");
}
END_TEST

/* What the API refuses beside thinking leaves, where thinking is our doing; the rest stays as it
 * was written. */
START_TEST(thinking_that_is_switched_on_mends_the_sampling)
{
	static const char on[] = "{\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":10000},";
	static const struct {
		const char *sampling, *left; /* behind max_tokens */
	} rows[] = {
	    {",\"temperature\":0.7,\"top_p\":0.9,\"top_k\":5", ""},
	    {",\"temperature\":1.0", ",\"temperature\":1.0"},
	    {",\"top_p\" : 0.950", ",\"top_p\" : 0.950"},
	    {",\"temperature\":1,\"top_p\":0.99", ",\"top_p\":0.99"},
	    {",\"top_k\":1,\"x\":1e2", ",\"x\":1e2"},
	    {",\"tool_choice\":{\"type\":\"auto\"},\"temperature\":null",
		",\"tool_choice\":{\"type\":\"auto\"}"},
	};
	char body[512], sent[512];
	for (int i = 0; i < COUNT(rows); i++) {
		snprintf(body, sizeof(body),
		    "{\"model\":\"claude-sonnet-4-5-thinking\",\"max_tokens\":32000%s}",
		    rows[i].sampling);
		snprintf(sent, sizeof(sent),
		    "%s\"model\":\"claude-sonnet-4-5\",\"max_tokens\":32000%s}", on, rows[i].left);
		check(body, sent, "claude-sonnet-4-5");
	}
	check("{\"temperature\":0,\"model\":\"claude-opus-4-8-thinking\",\"top_p\":0.98}",
	    "{\"thinking\":{\"type\":\"adaptive\"},\"model\":\"claude-opus-4-8\"}",
	    "claude-opus-4-8");
	check("{\"model\":\"claude-opus-4-8-thinking\",\"top_p\":0.99}",
	    "{\"thinking\":{\"type\":\"adaptive\"},\"model\":\"claude-opus-4-8\",\"top_p\":0.99}",
	    "claude-opus-4-8");
	/* Without the suffix it is the client's own affair, and so is a call that it wants made. */
	check("{\"model\":\"claude-opus-4-8\",\"temperature\":0.2,\"top_k\":5}",
	    "{\"model\":\"claude-opus-4-8\",\"temperature\":0.2,\"top_k\":5}", "claude-opus-4-8");
	check("{\"model\":\"claude-sonnet-4-5-thinking\",\"max_tokens\":9000,\"temperature\":0,"
	      "\"tool_choice\":{\"type\":\"any\"}}",
	    "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":9000,\"temperature\":0,"
	    "\"tool_choice\":{\"type\":\"any\"}}",
	    "claude-sonnet-4-5");
}
END_TEST

START_TEST(the_owners_row_says_how_a_model_thinks)
{
	*table_add_capability(table) = (struct model_capability){.pattern = "claude-sonnet-*",
	    .thinking = THINKING_FORM_ADAPTIVE,
	    .sampling_both = TOGGLE_ON};
	*table_add_capability(table) =
	    (struct model_capability){.pattern = "claude-haiku-*", .thinking = THINKING_FORM_NONE};
	check("{\"model\":\"claude-sonnet-4-5-thinking\",\"temperature\":1,\"top_p\":0.95}",
	    "{\"thinking\":{\"type\":\"adaptive\"},\"model\":\"claude-sonnet-4-5\","
	    "\"temperature\":1,\"top_p\":0.95}",
	    "claude-sonnet-4-5");
	check("{\"model\":\"claude-haiku-4-5-thinking\",\"max_tokens\":9000,\"temperature\":0}",
	    "{\"model\":\"claude-haiku-4-5\",\"max_tokens\":9000,\"temperature\":0}",
	    "claude-haiku-4-5");
	/* As many lessons as one upstream can have leave room for what we take out ourselves. */
	for (int i = 0; i < LESSONS_FOR_MAX; i++) {
		char name[16];
		struct lesson lesson = {.kind = LESSON_FIELD};
		snprintf(name, sizeof(name), "x%d", i);
		snprintf(lesson.name, sizeof(lesson.name), "%s", name);
		ck_assert(
		    lessons_learn(lessons, table, "claude:a", "claude-sonnet-4-5", &lesson, 1000));
	}
	check("{\"model\":\"claude-sonnet-4-5-thinking\",\"x3\":1,\"temperature\":0,\"top_p\":0,"
	      "\"top_k\":0}",
	    "{\"thinking\":{\"type\":\"adaptive\"},\"model\":\"claude-sonnet-4-5\"}",
	    "claude-sonnet-4-5");
}
END_TEST

START_TEST(a_stream_is_asked_for_in_place_of_a_whole_answer)
{
	streams = true;
	check("{\"model\":\"m\",\"stream\" : false}", "{\"model\":\"m\",\"stream\" : true}", "m");
	check("{\"model\":\"m\",\"stream\":null}", "{\"model\":\"m\",\"stream\":true}", "m");
	check("{\"model\":\"claude-opus-4-8-thinking\"}",
	    "{\"thinking\":{\"type\":\"adaptive\"},\"stream\":true,\"model\":\"claude-opus-4-8\"}",
	    "claude-opus-4-8");
	protocol = PROTOCOL_CHAT;
	check("{\"model\":\"m\"}",
	    "{\"stream\":true,\"stream_options\":{\"include_usage\":true},\"model\":\"m\"}", "m");
}
END_TEST

#define MARK "\"cache_control\":{\"type\":\"ephemeral\"}"
#define TEXT(text, mark) "{\"type\":\"text\",\"text\":\"" text "\"" mark "}"

START_TEST(enable_cache_control_limit_keeps_system_and_the_last)
{
	table->cache_marks_max = 4;
	check("{\"model\":\"m\",\"tools\":[{\"name\":\"t\"," MARK
	      "}],\"system\":[" TEXT("s", "," MARK) "],\"messages\":[{\"content\":[" TEXT(
		  "1", "," MARK) "]},{\"content\":["
				 "{" MARK ",\"type\":\"tool_result\","
				 "\"content\":[" TEXT("2", "," MARK) "]}]},"
								     "{\"content\":[" TEXT(
									 "3", "," MARK) "]}]}",
	    "{\"model\":\"m\",\"tools\":[{\"name\":\"t\"," MARK
	    "}],\"system\":[" TEXT("s", "," MARK) "],\"messages\":[{\"content\":[" TEXT(
		"1", "") "]},{\"content\":["
			 "{" MARK ",\"type\":\"tool_result\","
			 "\"content\":[" TEXT("2", "") "]}]},"
						       "{\"content\":[" TEXT("3", "," MARK) "]}]}",
	    "m");
	/* four are fine, a text that speaks of them is none, a plain string stays one */
	check("{\"model\":\"m\",\"system\":\"\\\"cache_control\\\" \\\"cache_control\\\" "
	      "\\\"cache_control\\\" \\\"cache_control\\\" \\\"cache_control\\\"\"}",
	    "{\"model\":\"m\",\"system\":\"\\\"cache_control\\\" \\\"cache_control\\\" "
	    "\\\"cache_control\\\" \\\"cache_control\\\" \\\"cache_control\\\"\"}",
	    "m");
	check("{\"model\":\"m\",\"system\":[" TEXT("1", "," MARK) "," TEXT("2", "," MARK) "," TEXT(
		  "3", "," MARK) "," TEXT("4", "," MARK) "," TEXT("5", "," MARK) "]}",
	    "{\"model\":\"m\",\"system\":[" TEXT("1", "," MARK) "," TEXT("2", "," MARK) "," TEXT(
		"3", "," MARK) "," TEXT("4", "," MARK) "," TEXT("5", "") "]}",
	    "m");
	table->cache_marks_max = 0;
	check("{\"model\":\"m\",\"tools\":[{" MARK "},{" MARK "},{" MARK "},{" MARK "},{" MARK
	      "}]}",
	    "{\"model\":\"m\",\"tools\":[{" MARK "},{" MARK "},{" MARK "},{" MARK "},{" MARK "}]}",
	    "m");
}
END_TEST

START_TEST(chat_streams_are_asked_for_their_use_of_tokens)
{
	protocol = PROTOCOL_CHAT;
	check("{\"model\":\"m\",\"stream\":true}", "{\"model\":\"m\",\"stream\":true}", "m");
	table->ask_usage = true;
	check("{\"model\":\"m\",\"stream\":true}",
	    "{\"stream_options\":{\"include_usage\":true},\"model\":\"m\",\"stream\":true}", "m");
	check("{\"model\":\"m\",\"stream\":true,\"stream_options\":null}",
	    "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true}}", "m");
	check("{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\": "
	      "false,\"x\":1}}",
	    "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\": "
	    "true,\"x\":1}}",
	    "m");
	/* Who asks for it himself, or wants no stream, gets what he asked for. */
	check("{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true}}",
	    "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true}}", "m");
	check("{\"model\":\"m\"}", "{\"model\":\"m\"}", "m");
	protocol = PROTOCOL_ANTHROPIC;
	check("{\"model\":\"m\",\"stream\":true}", "{\"model\":\"m\",\"stream\":true}", "m");
	protocol = PROTOCOL_CHAT;
	/* An upstream that does not know the word is not asked again. */
	add_lesson(LESSON_FIELD, "stream_options");
	check("{\"model\":\"m\",\"stream\":true}", "{\"model\":\"m\",\"stream\":true}", "m");
}
END_TEST

START_TEST(refused_fields_leave_with_their_commas)
{
	add_lesson(LESSON_FIELD, "x");
	add_lesson(LESSON_FIELD, "y");
	add_lesson(LESSON_FIELD, "tools.strict");
	add_lesson(LESSON_FIELD, "tools.defer");
	add_lesson(LESSON_FIELD, "metadata.z");
	check("{\"x\":1,\"y\":2,\"model\":\"m\"}", "{\"model\":\"m\"}", "m");
	check("{ \"x\" : 1 , \"model\":\"m\" , \"y\" : [2] }", "{ \"model\":\"m\" }", "m");
	check("{\"model\":\"m\",\"x\":1,\"y\":2}", "{\"model\":\"m\"}", "m");
	check("{\"model\":\"m\",\"x\":1,\"k\":0,\"y\":2}", "{\"model\":\"m\",\"k\":0}", "m");
	check("{\"model\":\"m\",\"tools\":[{\"strict\":true,\"name\":\"a\"},{\"name\":\"b\","
	      "\"defer\":1,\"strict\":false},{\"defer\":1}],\"metadata\":{\"z\":0}}",
	    "{\"model\":\"m\",\"tools\":[{\"name\":\"a\"},{\"name\":\"b\"},{}],"
	    "\"metadata\":{}}",
	    "m");
	check("{\"model\":\"other\",\"x\":1}", "{\"model\":\"other\",\"x\":1}", "other");
}
END_TEST

START_TEST(thinking_of_others_leaves_and_no_turn_gets_empty)
{
	add_lesson(LESSON_THINKING, "");
	check("{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":"
	      "\"thinking\",\"signature\":\"s\"},{\"type\":\"text\",\"text\":\"t\"},{\"type\":"
	      "\"redacted_thinking\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":"
	      "\"thinking\"}]},{\"role\":\"user\",\"content\":\"thinking\"}]}",
	    "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":"
	    "\"text\",\"text\":\"t\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"text\","
	    "\"text\":\"(thinking)\"}]},{\"role\":\"user\",\"content\":\"thinking\"}]}",
	    "m");
}
END_TEST

START_TEST(encrypted_reasoning_of_others_leaves)
{
	protocol = PROTOCOL_RESPONSES;
	entry->protocol = PROTOCOL_RESPONSES;
	add_lesson(LESSON_ENCRYPTED, "");
	check("{\"model\":\"m\",\"input\":[{\"type\":\"message\"},{\"type\":\"reasoning\","
	      "\"encrypted_content\":\"e\"},{\"type\":\"reasoning\"}]}",
	    "{\"model\":\"m\",\"input\":[{\"type\":\"message\"}]}", "m");
}
END_TEST

START_TEST(refused_betas_leave_the_header)
{
	static const struct {
		const char *value, *sent; /* NULL = the header goes */
	} rows[] = {{"a,bad,b", "a,b"}, {"bad", NULL}, {"a, b", "a, b"}, {" bad ,a", "a"},
	    {"bad,worse", NULL}, {"badder", "badder"}};
	struct request_facts facts;
	struct rewrite rewrite;
	struct view body = VIEW("{\"model\":\"m\"}");
	add_lesson(LESSON_BETA, "bad");
	add_lesson(LESSON_BETA, "worse");
	ck_assert(request_facts_read(body, &facts, NULL));
	struct rewrite_call call = {
	    table, entry, protocol, lessons, body, &facts, true, 2000, false};
	ck_assert(rewrite_init(&rewrite, &call, NULL));
	for (int i = 0; i < COUNT(rows); i++) {
		struct bytes room;
		struct view value = view_of(rows[i].value);
		bytes_init(&room, 256);
		bool kept = rewrite_header(&rewrite, VIEW("Anthropic-Beta"), &value, &room);
		ck_assert_int_eq(kept, rows[i].sent != NULL);
		if (kept)
			ck_assert(view_eq_str(value, rows[i].sent));
		bytes_fini(&room);
	}
	rewrite_fini(&rewrite);
}
END_TEST

START_TEST(without_a_reason_nothing_is_copied)
{
	struct request_facts facts;
	struct rewrite rewrite;
	struct view body = VIEW("{\"model\":\"c\"}");
	ck_assert(request_facts_read(body, &facts, NULL));
	struct rewrite_call call = {
	    table, entry, protocol, lessons, body, &facts, true, 2000, false};
	ck_assert(rewrite_init(&rewrite, &call, NULL));
	ck_assert_uint_eq(rewrite.splice.count, 1);
	ck_assert_ptr_eq(rewrite.splice.pieces[0].data, body.data);
	ck_assert_ptr_null(rewrite.splice.edits);
	rewrite_fini(&rewrite);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("rewrite");
	TCase *tests = tcase_create("rewrite");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, simple_rename_changes_the_models_bytes_only);
	tcase_add_test(tests, an_alias_may_have_a_wildcard);
	tcase_add_test(tests, the_upstreams_own_map_comes_after_the_rules);
	tcase_add_test(tests, full_format_wraps_the_system_text);
	tcase_add_test(tests, the_thinking_suffix_is_a_wish);
	tcase_add_test(tests, thinking_that_is_switched_on_mends_the_sampling);
	tcase_add_test(tests, the_owners_row_says_how_a_model_thinks);
	tcase_add_test(tests, a_stream_is_asked_for_in_place_of_a_whole_answer);
	tcase_add_test(tests, enable_cache_control_limit_keeps_system_and_the_last);
	tcase_add_test(tests, chat_streams_are_asked_for_their_use_of_tokens);
	tcase_add_test(tests, refused_fields_leave_with_their_commas);
	tcase_add_test(tests, thinking_of_others_leaves_and_no_turn_gets_empty);
	tcase_add_test(tests, encrypted_reasoning_of_others_leaves);
	tcase_add_test(tests, refused_betas_leave_the_header);
	tcase_add_test(tests, without_a_reason_nothing_is_copied);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
