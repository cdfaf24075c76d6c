/* One plan, two forms: what is streamed must fold to what is answered whole. */
#include "jget.h"
#include "render.h"
#include "verify.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct answer {
	struct arena arena;
	struct ask ask;
	struct directives directives;
	struct fault fault;
	struct plan plan;
	struct tape tape;
	json_t *whole;
};

static json_t *
json_of(struct view text)
{
	json_t *value = NULL;
	struct err err = {0};
	ck_assert_msg(
	    jget_parse(text, &value, &err), "%s %s: %.*s", err.at, err.msg, VIEW_ARGS(text));
	return value;
}

static void
answer_make(struct answer *a, enum protocol protocol, const char *body, const char *spec)
{
	struct err err = {0};
	uint64_t serial = 7;
	struct writer out;
	memset(a, 0, sizeof(*a));
	arena_init(&a->arena, 4096, 1u << 24);
	ck_assert(fault_parse(view_of(spec), &a->fault, &err));
	ck_assert_msg(ask_parse(&a->ask, protocol, view_of(body), VIEW("/u/A"), &a->arena, &err),
	    "%s: %s", err.at, err.msg);
	ck_assert_msg(verify_request(&a->ask, view_of(body), VIEW("2023-06-01"), &err), "%s: %s",
	    err.at, err.msg);
	if (a->ask.directive.len > 0)
		directive_parse(a->ask.directive, a->ask.step, &a->arena, &a->directives);
	const struct plan_input in = {
	    &a->ask, &a->directives, &a->fault, VIEW("/u/A"), 1700000000, &serial, &a->arena};
	ck_assert(plan_build(&a->plan, &in, &err));
	writer_init(&out, 1u << 24);
	render_json(&a->plan, &out);
	ck_assert(!out.full);
	a->whole = json_of(writer_text(&out));
	writer_fini(&out);
	tape_init(&a->tape, 1u << 24);
	render_stream(&a->plan, &a->tape);
	ck_assert(!a->tape.out.full);
}

static void
answer_free(struct answer *a)
{
	json_decref(a->whole);
	tape_fini(&a->tape);
	arena_fini(&a->arena);
}

/* The data of a played event; NULL for [DONE]. */
static json_t *
event_json(struct tape *tape, uint64_t play)
{
	struct view text = tape_play(tape, play);
	ck_assert(view_ends(text, "\n\n"));
	ptrdiff_t at = view_find(text, "data: ");
	ck_assert(at == 0 || (at > 0 && view_starts(text, "event: ")));
	struct view data = view_trim(view_from(text, (size_t)at + 6));
	data.len -= 2;
	if (view_eq_str(data, "[DONE]"))
		return NULL;
	json_t *value = json_of(data);
	const char *type = json_string_value(json_object_get(value, "type"));
	if (at > 0)
		ck_assert(view_starts(view_from(text, 7), type));
	return value;
}

static void
append(json_t *object, const char *key, const char *more)
{
	char text[65536];
	const char *before = json_string_value(json_object_get(object, key));
	snprintf(text, sizeof(text), "%s%s", before ? before : "", more);
	json_object_set_new(object, key, json_string(text));
}

static const char *
str(json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void
assert_same(json_t *a, json_t *b, const char *key)
{
	char *one = json_dumps(json_object_get(a, key), JSON_ENCODE_ANY);
	char *two = json_dumps(json_object_get(b, key), JSON_ENCODE_ANY);
	ck_assert_msg(json_equal(json_object_get(a, key), json_object_get(b, key)), "%s: %s != %s",
	    key, one, two);
	free(one);
	free(two);
}

/* ---- folds ---- */

static void
fold_messages_event(json_t *message, json_t *event)
{
	json_t *content = json_object_get(message, "content");
	json_t *block =
	    json_array_get(content, (size_t)json_integer_value(json_object_get(event, "index")));
	json_t *delta = json_object_get(event, "delta");
	if (strcmp(str(event, "type"), "content_block_start") == 0) {
		json_t *start = json_deep_copy(json_object_get(event, "content_block"));
		ck_assert_int_eq(json_integer_value(json_object_get(event, "index")),
		    (json_int_t)json_array_size(content));
		if (json_object_get(start, "input"))
			json_object_set_new(start, "input", json_string(""));
		json_array_append_new(content, start);
	} else if (strcmp(str(event, "type"), "message_delta") == 0) {
		json_object_update(message, delta);
		json_object_set(message, "usage", json_object_get(event, "usage"));
	} else if (strcmp(str(event, "type"), "content_block_delta") == 0) {
		if (str(delta, "partial_json"))
			append(block, "input", str(delta, "partial_json"));
		else if (str(delta, "signature"))
			json_object_set(block, "signature", json_object_get(delta, "signature"));
		else if (str(delta, "thinking"))
			append(block, "thinking", str(delta, "thinking"));
		else
			append(block, "text", str(delta, "text"));
	} else if (strcmp(str(event, "type"), "content_block_stop") == 0) {
		if (str(block, "input"))
			json_object_set_new(block, "input", json_of(view_of(str(block, "input"))));
	}
}

static json_t *
fold_messages(struct tape *tape)
{
	json_t *message = NULL;
	for (uint64_t i = 0; i < tape_plays(tape); i++) {
		json_t *event = event_json(tape, i);
		if (strcmp(str(event, "type"), "message_start") == 0)
			message = json_deep_copy(json_object_get(event, "message"));
		else
			fold_messages_event(message, event);
		json_decref(event);
	}
	return message;
}

static void
fold_chat_calls(json_t *message, json_t *deltas)
{
	size_t i;
	json_t *delta;
	json_array_foreach(deltas, i, delta)
	{
		json_t *calls = json_object_get(message, "tool_calls");
		size_t index = (size_t)json_integer_value(json_object_get(delta, "index"));
		if (calls == NULL)
			json_object_set_new(message, "tool_calls", calls = json_array());
		if (str(delta, "id")) {
			json_t *call = json_deep_copy(delta);
			ck_assert_uint_eq(index, json_array_size(calls));
			json_object_del(call, "index");
			json_array_append_new(calls, call);
			continue;
		}
		json_t *call = json_array_get(calls, index);
		if (json_object_get(delta, "function"))
			append(json_object_get(call, "function"), "arguments",
			    str(json_object_get(delta, "function"), "arguments"));
		else
			append(json_object_get(call, "custom"), "input",
			    str(json_object_get(delta, "custom"), "input"));
	}
}

static json_t *
fold_chat(struct tape *tape)
{
	json_t *message = json_object(), *usage = json_null();
	for (uint64_t i = 0; i < tape_plays(tape); i++) {
		json_t *event = event_json(tape, i);
		if (event == NULL) {
			ck_assert_uint_eq(i + 1, tape_plays(tape));
			break;
		}
		json_t *choice = json_array_get(json_object_get(event, "choices"), 0);
		json_t *delta = json_object_get(choice, "delta");
		if (i == 0)
			ck_assert_str_eq(str(delta, "role"), "assistant");
		if (str(delta, "content"))
			append(message, "content", str(delta, "content"));
		if (str(delta, "reasoning_content"))
			append(message, "reasoning_content", str(delta, "reasoning_content"));
		fold_chat_calls(message, json_object_get(delta, "tool_calls"));
		if (str(choice, "finish_reason"))
			json_object_set(
			    message, "finish_reason", json_object_get(choice, "finish_reason"));
		if (choice == NULL)
			usage = json_deep_copy(json_object_get(event, "usage"));
		json_decref(event);
	}
	json_object_set_new(message, "usage", usage);
	return message;
}

/* Checks the numbers and that deltas add up to what the done events say; returns the last
 * response. */
static json_t *
fold_responses(struct tape *tape)
{
	json_t *last = NULL, *sums = json_object();
	for (uint64_t i = 0; i < tape_plays(tape); i++) {
		json_t *event = event_json(tape, i);
		const char *type = str(event, "type"), *item = str(event, "item_id");
		ck_assert_uint_eq(
		    (uint64_t)json_integer_value(json_object_get(event, "sequence_number")), i);
		if (str(event, "delta"))
			append(sums, item, str(event, "delta"));
		else if (view_ends(view_of(type), "_text.done"))
			ck_assert_str_eq(str(event, "text"), str(sums, item));
		else if (view_ends(view_of(type), "arguments.done"))
			ck_assert_str_eq(str(event, "arguments"), str(sums, item));
		else if (view_ends(view_of(type), "input.done"))
			ck_assert_str_eq(str(event, "input"), str(sums, item));
		if (i + 1 == tape_plays(tape))
			last = json_deep_copy(json_object_get(event, "response"));
		json_decref(event);
	}
	json_decref(sums);
	return last;
}

/* ---- the three protocols ---- */

#define ORDER                                                                                      \
	"[demo:think Gr\\u00fc\\u00dfe first][demo:say "                                           \
	"\\u4e16\\u754c\\u4e16\\u754c\\u4e16\\u754c \\ud83c\\udf0d and a "                         \
	"longer "                                                                                  \
	"text of many pieces][demo:tool f {\\\"a\\\":\\\"x y\\\"}][demo:tools 2 g {}]"

START_TEST(test_messages)
{
	struct answer a;
	answer_make(&a, PROTOCOL_MESSAGES,
	    "{\"model\":\"m\",\"max_tokens\":100,\"thinking\":{\"type\":\"adaptive\"},\"tools\":["
	    "{\"name\":\"f\",\"input_schema\":{}},{\"name\":\"x__g\",\"input_schema\":{}}],"
	    "\"messages\":[{\"role\":\"user\",\"content\":\"" ORDER "\"}]}",
	    "");
	json_t *folded = fold_messages(&a.tape);
	assert_same(a.whole, folded, "content");
	assert_same(a.whole, folded, "stop_reason");
	assert_same(a.whole, folded, "usage");
	assert_same(a.whole, folded, "id");
	ck_assert_uint_eq(json_array_size(json_object_get(a.whole, "content")), 5);
	ck_assert_str_eq(str(a.whole, "stop_reason"), "tool_use");
	ck_assert_uint_eq(a.tape.marks[TAPE_USAGE_FIRST], 0);
	ck_assert_uint_eq(a.tape.marks[TAPE_TERMINAL], a.tape.count - 2);
	json_decref(folded);
	answer_free(&a);
}
END_TEST

START_TEST(test_chat)
{
	struct answer a;
	answer_make(&a, PROTOCOL_CHAT,
	    "{\"model\":\"m\",\"stream_options\":{\"include_usage\":true},\"tools\":["
	    "{\"type\":\"function\",\"function\":{\"name\":\"f\"}},"
	    "{\"type\":\"custom\",\"custom\":{\"name\":\"g\"}}],"
	    "\"messages\":[{\"role\":\"user\",\"content\":\"" ORDER "\"}]}",
	    "");
	json_t *folded = fold_chat(&a.tape);
	json_t *choice = json_array_get(json_object_get(a.whole, "choices"), 0);
	json_t *message = json_object_get(choice, "message");
	assert_same(message, folded, "content");
	assert_same(message, folded, "reasoning_content");
	assert_same(message, folded, "tool_calls");
	assert_same(choice, folded, "finish_reason");
	assert_same(a.whole, folded, "usage");
	ck_assert_uint_eq(json_array_size(json_object_get(message, "tool_calls")), 3);
	json_decref(folded);
	answer_free(&a);
}
END_TEST

START_TEST(test_responses)
{
	struct answer a;
	answer_make(&a, PROTOCOL_RESPONSES,
	    "{\"model\":\"m\",\"reasoning\":{\"effort\":\"low\",\"summary\":\"auto\"},"
	    "\"include\":[\"reasoning.encrypted_content\"],\"tools\":["
	    "{\"type\":\"function\",\"name\":\"f\"},{\"type\":\"namespace\",\"name\":\"n\","
	    "\"tools\":[{\"type\":\"custom\",\"name\":\"g\"}]}],\"input\":\"" ORDER "\"}",
	    "");
	json_t *folded = fold_responses(&a.tape);
	assert_same(a.whole, folded, "output");
	assert_same(a.whole, folded, "usage");
	assert_same(a.whole, folded, "status");
	ck_assert(json_equal(a.whole, folded));
	json_t *output = json_object_get(a.whole, "output");
	ck_assert_uint_eq(json_array_size(output), 5);
	ck_assert_str_eq(str(json_array_get(output, 4), "namespace"), "n");
	ck_assert_str_eq(str(json_array_get(output, 4), "type"), "custom_tool_call");
	json_decref(folded);
	answer_free(&a);
}
END_TEST

/* A loop plays one event many times, numbered where the protocol numbers. */
START_TEST(test_events)
{
	static const char *const bodies[] = {
	    [PROTOCOL_MESSAGES] = ("{\"model\":\"m\",\"max_tokens\":1,\"messages\":"
				   "[{\"role\":\"user\",\"content\":\"x\"}]}"),
	    [PROTOCOL_CHAT] =
		"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}",
	    [PROTOCOL_RESPONSES] = "{\"model\":\"m\",\"input\":\"x\"}",
	};
	struct answer a;
	json_t *folded;
	answer_make(&a, PROTOCOL_MESSAGES, bodies[0], "events=500;bytes=3");
	folded = fold_messages(&a.tape);
	assert_same(a.whole, folded, "content");
	json_decref(folded);
	answer_free(&a);
	answer_make(&a, PROTOCOL_CHAT, bodies[1], "events=500;bytes=3");
	folded = fold_chat(&a.tape);
	ck_assert_uint_eq(strlen(str(folded, "content")), 1500);
	json_decref(folded);
	answer_free(&a);
	answer_make(&a, PROTOCOL_RESPONSES, bodies[2], "events=500;bytes=3");
	folded = fold_responses(&a.tape);
	ck_assert(json_equal(a.whole, folded));
	json_decref(folded);
	tape_truncate(&a.tape, 104);
	ck_assert_uint_eq(tape_plays(&a.tape), 104);
	const struct render_error error = {.status = 500};
	render_error_event(PROTOCOL_RESPONSES, &a.plan, &error, &a.tape);
	folded = fold_responses(&a.tape);
	ck_assert_str_eq(str(folded, "status"), "failed");
	json_decref(folded);
	answer_free(&a);
}
END_TEST

START_TEST(test_results)
{
	struct answer a;
	answer_make(&a, PROTOCOL_MESSAGES,
	    "{\"model\":\"m\",\"max_tokens\":100,\"messages\":["
	    "{\"role\":\"user\",\"content\":\"[demo:tool f {}]\"},{\"role\":\"assistant\","
	    "\"content\":[{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{}}]},"
	    "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"a\","
	    "\"content\":\"hi-from-tool-42\"}]}]}",
	    "");
	ck_assert_uint_eq(a.plan.count, 1);
	ck_assert(view_eq_str(a.plan.items[0].text, "The tool said: hi-from-tool-42"));
	ck_assert_int_eq(a.plan.stop, PLAN_STOP_END);
	answer_free(&a);
}
END_TEST

START_TEST(test_limits)
{
	struct answer a;
	answer_make(&a, PROTOCOL_MESSAGES,
	    "{\"model\":\"m\",\"max_tokens\":2,\"messages\":[{\"role\":\"user\",\"content\":"
	    "\"[demo:say one two three]\"}]}",
	    "usage:in=7;read=8;write=9;out=10");
	ck_assert(view_eq_str(a.plan.items[0].text, "one two "));
	ck_assert_str_eq(str(a.whole, "stop_reason"), "max_tokens");
	json_t *usage = json_object_get(a.whole, "usage");
	ck_assert_int_eq(json_integer_value(json_object_get(usage, "input_tokens")), 7);
	ck_assert_int_eq(json_integer_value(json_object_get(usage, "cache_read_input_tokens")), 8);
	ck_assert_int_eq(json_integer_value(json_object_get(usage, "output_tokens")), 10);
	answer_free(&a);
	answer_make(&a, PROTOCOL_RESPONSES,
	    "{\"model\":\"m\",\"input\":\"x\",\"text\":{\"format\":{\"type\":\"json_schema\","
	    "\"schema\":{\"type\":\"object\",\"properties\":{\"t\":{\"type\":\"string\"},"
	    "\"k\":{\"enum\":[3,4]},\"o\":{\"type\":\"object\",\"properties\":{\"b\":{\"type\":"
	    "[\"boolean\",\"null\"]}}}}}}}}",
	    "");
	ck_assert(view_eq_str(a.plan.items[0].text, "{\"t\":\"demo\",\"k\":3,\"o\":{\"b\":true}}"));
	answer_free(&a);
}
END_TEST

START_TEST(test_framing)
{
	struct tape tape;
	tape_init(&tape, 1000);
	tape.crlf = true;
	tape_open(&tape, "ping");
	tape_close(&tape);
	tape.event_lines = false;
	tape_open(&tape, "ping");
	tape_close(&tape);
	ck_assert(view_eq_str(tape_play(&tape, 0), "event: ping\r\ndata: \r\n\r\n"));
	ck_assert(view_eq_str(tape_play(&tape, 1), "data: \r\n\r\n"));
	ck_assert(tape_gzip(&tape));
	ck_assert_uint_eq(tape_plays(&tape), 2);
	ck_assert(view_starts(tape_play(&tape, 0), "\x1f\x8b"));
	tape_fini(&tape);
}
END_TEST

/* What the services refuse. */
START_TEST(test_refused)
{
	static const struct {
		enum protocol protocol;
		const char *at, *body;
	} bad[] = {
	    {PROTOCOL_MESSAGES, "max_tokens",
		"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}"},
	    {PROTOCOL_MESSAGES, "messages.0",
		"{\"model\":\"m\",\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":[{"
		"\"type\":\"text\",\"text\":\" \"}]}]}"},
	    {PROTOCOL_MESSAGES, "messages.1",
		"{\"model\":\"m\",\"max_tokens\":1,\"messages\":[{\"role\":\"assistant\","
		"\"content\":[{"
		"\"type\":\"tool_use\",\"id\":\"a\"}]},{\"role\":\"user\",\"content\":\"x\"}]}"},
	    {PROTOCOL_MESSAGES, "messages.0",
		"{\"model\":\"m\",\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":[{"
		"\"type\":\"tool_result\",\"tool_use_id\":\"a\"}]}]}"},
	    {PROTOCOL_CHAT, "messages.0",
		"{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":"
		"\"c23456789012345678901234567890123456789012345\"}]}]}"},
	    {PROTOCOL_CHAT, "messages.0.role",
		"{\"model\":\"m\",\"messages\":[{\"role\":\"robot\",\"content\":\"x\"}]}"},
	    {PROTOCOL_CHAT, "tools.0.name",
		"{\"model\":\"m\",\"tools\":[{\"function\":{\"name\":\"a "
		"b\"}}],\"messages\":[{\"role\":"
		"\"user\",\"content\":\"x\"}]}"},
	    {PROTOCOL_RESPONSES, "input.0",
		"{\"model\":\"m\",\"input\":[{\"type\":\"function_call\",\"call_id\":\"c\"}]}"},
	    {PROTOCOL_RESPONSES, "input", "{\"model\":\"m\",\"input\":[]}"},
	    {PROTOCOL_RESPONSES, "model", "{\"input\":\"x\"}"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arena arena;
		struct ask ask;
		struct err err = {0};
		struct view body = view_of(bad[i].body);
		arena_init(&arena, 4096, 1u << 20);
		ck_assert_msg(!ask_parse(&ask, bad[i].protocol, body, VIEW(""), &arena, &err) ||
				  !verify_request(&ask, body, VIEW("2023-06-01"), &err),
		    "%zu", i);
		ck_assert_str_eq(err.at, bad[i].at);
		arena_fini(&arena);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("demo_plan");
	TCase *tcase = tcase_create("all");
	tcase_add_test(tcase, test_messages);
	tcase_add_test(tcase, test_chat);
	tcase_add_test(tcase, test_responses);
	tcase_add_test(tcase, test_events);
	tcase_add_test(tcase, test_results);
	tcase_add_test(tcase, test_limits);
	tcase_add_test(tcase, test_framing);
	tcase_add_test(tcase, test_refused);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
