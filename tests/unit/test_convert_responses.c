/* The Responses codec by itself: what golden conversions do not show, which is its limits, its
 * refusals and the events that a strict client counts. */
#include "convert.h"
#include "responses_strict.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define BYTES_MAX (64u << 20)

static struct convert *
open_convert(enum wire client, enum wire upstream, size_t memory_max, bool strict)
{
	const struct convert_options options = {
	    .client = client,
	    .upstream = upstream,
	    .strict = strict,
	    .upstream_plain = VIEW("up1"),
	    .request_id_plain = VIEW("req1"),
	    .created_s = 1700000000,
	    .memory_max = memory_max,
	};
	return convert_new(&options);
}

/* ---- requests ---- */

/* Translates a request; on failure `err` tells. */
static bool
translate(const char *request, enum wire upstream, bool strict, struct bytes *out, struct err *err)
{
	struct convert *convert = open_convert(WIRE_RESPONSES, upstream, BYTES_MAX, strict);
	bytes_init(out, BYTES_MAX);
	*err = (struct err){.kind = ERR_NONE};
	bool ok = convert_request(convert, view_of(request), out, err);
	convert_free(convert);
	return ok;
}

static const struct {
	const char *request, *at;
	enum err_kind kind;
} wrong[] = {
    {"{}", "model", ERR_PARSE},
    {"{\"model\":1}", "model", ERR_PARSE},
    {"{\"model\":\"m\",\"input\":1}", "input", ERR_PARSE},
    {"{\"model\":\"m\",\"input\":[1]}", "input[0]", ERR_PARSE},
    {"{\"model\":\"m\",\"input\":[{\"content\":\"x\"}]}", "input[0].role", ERR_PARSE},
    {"{\"model\":\"m\",\"input\":[{\"role\":\"tool\",\"content\":\"x\"}]}", "input[0].role",
	ERR_PARSE},
    {"{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":[{\"text\":\"x\"}]}]}",
	"input[0].content[0].type", ERR_PARSE},
    {"{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_image\","
     "\"image_url\":\"ftp://x\"}]}]}",
	"input[0].content[0].image_url", ERR_PARSE},
    {"{\"model\":\"m\",\"input\":[{\"type\":\"function_call\",\"call_id\":\"c\"}]}",
	"input[0].name", ERR_PARSE},
    {"{\"model\":\"m\",\"tools\":[{\"name\":\"f\"}]}", "tools[0].type", ERR_PARSE},
    {"{\"model\":\"m\",\"tools\":[{\"type\":\"namespace\",\"name\":\"n\",\"tools\":[{\"type\":"
     "\"function\"}]}]}",
	"tools[0].tools[0].name", ERR_PARSE},
    {"{\"model\":\"m\",\"tool_choice\":\"some\"}", "tool_choice", ERR_PARSE},
    {"{\"model\":\"m\",\"reasoning\":{\"effort\":\"huge\"}}", "reasoning.effort", ERR_PARSE},
    {"{\"model\":\"m\",\"text\":{\"format\":{\"type\":\"json_schema\"}}}", "text.format.schema",
	ERR_PARSE},
    {"{\"model\":\"m\",\"max_output_tokens\":-1}", "max_output_tokens", ERR_PARSE},
    {"{\"model\":\"m\",\"instructions\":{}}", "instructions", ERR_PARSE},
};

START_TEST(test_wrong)
{
	struct bytes out;
	struct err err;
	ck_assert(!translate(wrong[_i].request, WIRE_RESPONSES, false, &out, &err));
	ck_assert_str_eq(err.at, wrong[_i].at);
	ck_assert_int_eq(err.kind, wrong[_i].kind);
	bytes_fini(&out);
}
END_TEST

/* What other families can't do is refused when it changes the answer, else only in strict mode. */
static const struct {
	const char *request, *at;
	bool strict_only;
} refused[] = {
    {"{\"model\":\"m\",\"input\":\"x\",\"previous_response_id\":\"r\"}", "previous_response_id",
	false},
    {"{\"model\":\"m\",\"input\":\"x\",\"background\":true}", "background", false},
    {"{\"model\":\"m\",\"input\":[{\"type\":\"item_reference\",\"id\":\"x\"}]}", "input[0]", false},
    {"{\"model\":\"m\",\"input\":\"x\",\"truncation\":\"auto\"}", "truncation", true},
    {"{\"model\":\"m\",\"input\":\"x\",\"include\":[\"web_search_call.action.sources\"]}",
	"include", true},
    {"{\"model\":\"m\",\"input\":\"x\",\"reasoning\":{\"mode\":\"pro\"}}", "reasoning.mode", true},
    {"{\"model\":\"m\",\"input\":\"x\",\"tools\":[{\"type\":\"code_interpreter\"}]}", "tools[0]",
	true},
};

START_TEST(test_refused)
{
	struct bytes out;
	struct err err;
	bool strict = refused[_i].strict_only;
	ck_assert(!translate(refused[_i].request, WIRE_CHAT, strict, &out, &err));
	ck_assert_str_eq(err.at, refused[_i].at);
	ck_assert_int_eq(err.kind, ERR_PEER);
	bytes_fini(&out);
	ck_assert(translate(refused[_i].request, WIRE_CHAT, false, &out, &err) == strict);
	bytes_fini(&out);
	/* Its own family has a place for it. */
	ck_assert(translate(refused[_i].request, WIRE_RESPONSES, true, &out, &err));
	bytes_fini(&out);
}
END_TEST

/* Members that say nothing cost nothing, even in strict mode. */
START_TEST(test_silent)
{
	struct bytes out;
	struct err err;
	ck_assert(translate("{\"model\":\"m\",\"input\":\"x\",\"background\":false,\"truncation\":"
			    "\"disabled\",\"stream_options\":{\"include_obfuscation\":true},"
			    "\"client_metadata\":{\"a\":\"b\"},\"previous_response_id\":null,"
			    "\"top_logprobs\":0,\"tools\":[{\"type\":\"tool_search\"}],\"include\":"
			    "[\"reasoning.encrypted_content\"],\"reasoning\":{\"context\":"
			    "\"all_turns\"},\"store\":false}",
	    WIRE_CHAT, true, &out, &err));
	bytes_fini(&out);
}
END_TEST

START_TEST(test_too_many_tools)
{
	struct bytes request, out;
	struct err err;
	bytes_init(&request, BYTES_MAX);
	ck_assert(bytes_append_str(&request, "{\"model\":\"m\",\"input\":\"x\",\"tools\":["));
	for (int i = 0; i < 2049; i++)
		ck_assert(bytes_printf(
		    &request, "%s{\"type\":\"function\",\"name\":\"f%d\"}", i > 0 ? "," : "", i));
	ck_assert(bytes_append_str(&request, "]}"));
	ck_assert(!translate(bytes_str(&request), WIRE_RESPONSES, false, &out, &err));
	ck_assert_str_eq(err.at, "tools[2048]");
	bytes_fini(&out);
	bytes_fini(&request);
}
END_TEST

/* At every size of memory a request is translated or refused as too big. */
START_TEST(test_memory)
{
	static const char request[] =
	    "{\"model\":\"m\",\"instructions\":\"i\",\"input\":[{\"role\":\"user\",\"content\":"
	    "\"x\"},"
	    "{\"type\":\"reasoning\",\"id\":\"rs\",\"summary\":[{\"text\":\"a\"},{\"text\":\"b\"}],"
	    "\"encrypted_content\":\"e\"},{\"type\":\"function_call\",\"call_id\":\"c\\u0020\","
	    "\"name\":"
	    "\"f\",\"arguments\":\"{\\\"a\\\":1}\"},{\"type\":\"local_shell_call\",\"call_id\":"
	    "\"d\","
	    "\"action\":{\"type\":\"exec\",\"command\":[]}}],\"tools\":[{\"type\":\"function\","
	    "\"name\":"
	    "\"f\"}],\"tool_choice\":{\"type\":\"allowed_tools\",\"tools\":[{\"name\":\"f\"}]}}";
	bool fitted = false;
	for (size_t size = 4096; !fitted; size += 256) {
		struct err err = {.kind = ERR_NONE};
		struct bytes out;
		struct convert *convert = open_convert(WIRE_RESPONSES, WIRE_RESPONSES, size, false);
		ck_assert_uint_lt(size, 1u << 20);
		bytes_init(&out, BYTES_MAX);
		fitted = convert_request(convert, VIEW(request), &out, &err);
		ck_assert(fitted || err.kind == ERR_LIMIT);
		convert_free(convert);
		bytes_fini(&out);
	}
}
END_TEST

/* ---- answers ---- */

struct answer {
	struct convert *convert;
	struct bytes out;
	struct err err;
	bool complete;
};

static void
begin(struct answer *answer, const char *request)
{
	struct bytes sent;
	*answer = (struct answer){0};
	answer->convert = open_convert(WIRE_RESPONSES, WIRE_RESPONSES, BYTES_MAX, false);
	bytes_init(&answer->out, BYTES_MAX);
	bytes_init(&sent, BYTES_MAX);
	ck_assert(convert_request(answer->convert, view_of(request), &sent, &answer->err));
	bytes_fini(&sent);
}

static bool
feed(struct answer *answer, const char *text)
{
	return convert_feed(answer->convert, true, view_of(text), &answer->out, &answer->err);
}

static bool
end(struct answer *answer)
{
	return convert_end(answer->convert, true, &answer->out, &answer->complete, &answer->err);
}

static void
fini(struct answer *answer)
{
	convert_free(answer->convert);
	bytes_fini(&answer->out);
}

static bool
said(const struct answer *answer, const char *text)
{
	return view_find(bytes_view(&answer->out), text) >= 0;
}

#define STREAM "{\"model\":\"m\",\"stream\":true,\"input\":\"x\"}"
#define EVENT(type, rest) "data: {\"type\":\"" type "\"" rest "}\n\n"
#define CREATED EVENT("response.created", ",\"response\":{\"id\":\"r\",\"model\":\"u\"}")
#define COMPLETED                                                                                  \
	EVENT("response.completed",                                                                \
	    ",\"response\":{\"id\":\"r\",\"status\":\"completed\",\"output\":[]}")

/* Two calls and a text at once, each by halves: they come out one after the other. */
START_TEST(test_interleaved)
{
	struct answer answer;
	begin(&answer, STREAM);
	ck_assert(feed(&answer, CREATED));
	for (int i = 0; i < 3; i++) {
		char text[400];
		snprintf(text, sizeof(text),
		    i < 2
			? EVENT("response.output_item.added",
			      ",\"output_index\":%d,\"item\":{\"type\":\"function_call\",\"id\":"
			      "\"i\","
			      "\"call_id\":\"c%d\",\"name\":\"f\"}")
			: EVENT("response.output_item.added",
			      ",\"output_index\":%d,\"item\":{\"type\":\"message\",\"id\":\"%d\"}"),
		    i, i);
		ck_assert(feed(&answer, text));
	}
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 2; i++) {
			char text[400];
			snprintf(text, sizeof(text),
			    EVENT("response.function_call_arguments.delta",
				",\"output_index\":%d,\"delta\":\"%s\""),
			    i,
			    round == 0 ? "{\\\"a\\\":"
			    : i == 0   ? "10}"
				       : "11}");
			ck_assert(feed(&answer, text));
		}
		ck_assert(feed(&answer,
		    EVENT("response.output_text.delta", ",\"output_index\":2,\"delta\":\"t\"")));
	}
	ck_assert(feed(&answer, COMPLETED) && end(&answer) && answer.complete);
	ck_assert(strict_read(bytes_view(&answer.out)));
	ck_assert(said(&answer, "\"arguments\":\"{\\\"a\\\":10}\""));
	ck_assert(said(&answer, "\"arguments\":\"{\\\"a\\\":11}\""));
	ck_assert(said(&answer, "\"text\":\"tt\""));
	fini(&answer);
}
END_TEST

/* Escapes that differ between pieces and whole do not make the whole come twice. */
START_TEST(test_missing_suffix)
{
	struct answer answer;
	begin(&answer, STREAM);
	ck_assert(feed(&answer,
	    CREATED EVENT("response.output_item.added",
		",\"output_index\":0,\"item\":{\"type\":\"message\",\"id\":\"i\"}")
		EVENT("response.output_text.delta",
		    ",\"output_index\":0,\"delta\":\"\\u00e9\\ud83d\\ude00\\/\"")
		    EVENT("response.output_item.done",
			",\"output_index\":0,\"item\":{\"type\":\"message\",\"content\":[{\"type\":"
			"\"output_text\",\"text\":\"\u00e9\U0001F600/ end\"}]}") COMPLETED));
	ck_assert(end(&answer) && strict_read(bytes_view(&answer.out)));
	ck_assert(said(&answer, "\"delta\":\" end\""));
	fini(&answer);
}
END_TEST

START_TEST(test_ping)
{
	struct answer answer;
	begin(&answer, STREAM);
	ck_assert(convert_ping(answer.convert, &answer.out) && answer.out.len == 0);
	ck_assert(feed(&answer, CREATED));
	ck_assert(convert_ping(answer.convert, &answer.out));
	ck_assert(said(
	    &answer, "event: keepalive\ndata: {\"type\":\"keepalive\",\"sequence_number\":2}\n\n"));
	ck_assert(feed(&answer, COMPLETED));
	size_t len = answer.out.len;
	ck_assert(convert_ping(answer.convert, &answer.out) && answer.out.len == len);
	ck_assert(end(&answer) && answer.complete && strict_read(bytes_view(&answer.out)));
	fini(&answer);
}
END_TEST

/* An upstream that dies tells the client so, in an open item or before anything. */
START_TEST(test_fail)
{
	static const struct {
		int status;
		const char *code;
	} rows[] = {{429, "rate_limit_exceeded"}, {529, "slow_down"}, {502, "server_error"},
	    {400, "invalid_prompt"}, {402, "insufficient_quota"}};
	for (int i = 0; i < 2 * COUNT(rows); i++) {
		struct answer answer;
		char code[80];
		begin(&answer, STREAM);
		if (i % 2 > 0)
			ck_assert(feed(&answer,
			    CREATED EVENT("response.output_text.delta", "") EVENT(
				"response.output_item.added",
				",\"output_index\":0,\"item\":{\"type\":\"message\",\"id\":\"i\"}")
				EVENT("response.output_text.delta",
				    ",\"output_index\":0,\"delta\":\"half\"")));
		ck_assert(
		    convert_fail(answer.convert, rows[i / 2].status, "it \"died\"", &answer.out));
		ck_assert(strict_read(bytes_view(&answer.out)));
		snprintf(code, sizeof(code), "\"error\":{\"code\":\"%s\",\"message\":\"it",
		    rows[i / 2].code);
		ck_assert_msg(said(&answer, code), "%s", bytes_str(&answer.out));
		fini(&answer);
	}
}
END_TEST

/* A stream that stops without its last event is no answer. */
START_TEST(test_cut)
{
	struct answer answer;
	begin(&answer, STREAM);
	ck_assert(feed(&answer, CREATED) && end(&answer) && !answer.complete);
	ck_assert(said(&answer, "response.failed"));
	fini(&answer);
}
END_TEST

/* What waits for its turn is bounded, and so is the number of items. */
START_TEST(test_limits)
{
	struct answer answer;
	struct bytes big;
	bool ok = true;
	begin(&answer, STREAM);
	ck_assert(
	    feed(&answer, CREATED EVENT("response.output_item.added",
			      ",\"output_index\":0,\"item\":{\"type\":\"function_call\",\"call_"
			      "id\":\"c\",\"name\":"
			      "\"f\"}") EVENT("response.output_item.added",
			      ",\"output_index\":1,\"item\":{\"type\":\"message\",\"id\":\"i\"}")));
	bytes_init(&big, BYTES_MAX);
	ck_assert(bytes_append_str(&big,
	    "data: {\"type\":\"response.output_text.delta\",\"output_index\":1,\"delta\":\""));
	for (int i = 0; i < 1 << 20; i++)
		ck_assert(bytes_append_char(&big, 'x'));
	ck_assert(bytes_append_str(&big, "\"}\n\n"));
	for (int i = 0; ok && i < 40; i++)
		ok = feed(&answer, bytes_str(&big));
	ck_assert(!ok && answer.err.kind == ERR_LIMIT);
	bytes_fini(&big);
	fini(&answer);

	begin(&answer, STREAM);
	ok = feed(&answer, CREATED);
	for (int i = 0; ok && i < 5000; i++) {
		char text[200];
		snprintf(text, sizeof(text),
		    EVENT("response.output_item.added",
			",\"output_index\":%d,\"item\":{\"type\":\"message\"}"),
		    i);
		ok = feed(&answer, text);
	}
	ck_assert(!ok && answer.err.kind == ERR_LIMIT);
	fini(&answer);
}
END_TEST

/* The answer says the request back, on one line however it was written. */
START_TEST(test_echo)
{
	struct answer answer;
	begin(&answer,
	    "{\"model\":\"m\",\r\n\"stream\":true,\"input\":\"x\",\"metadata\":{\n\"k\" :\"v\"},"
	    "\"tools\":[{\"type\":\"function\",\n\"name\":\"f\"}],\"temperature\":0.10}");
	ck_assert(feed(&answer, CREATED COMPLETED) && end(&answer));
	ck_assert(strict_read(bytes_view(&answer.out)));
	ck_assert(said(&answer, "\"metadata\":{ \"k\" :\"v\"}"));
	ck_assert(said(&answer, "\"temperature\":0.10,"));
	ck_assert(said(&answer, "\"tools\":[{\"type\":\"function\", \"name\":\"f\"}]"));
	fini(&answer);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("convert_responses");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, test_wrong, 0, COUNT(wrong));
	tcase_add_loop_test(tcase, test_refused, 0, COUNT(refused));
	tcase_add_test(tcase, test_silent);
	tcase_add_test(tcase, test_too_many_tools);
	tcase_add_test(tcase, test_memory);
	tcase_add_test(tcase, test_interleaved);
	tcase_add_test(tcase, test_missing_suffix);
	tcase_add_test(tcase, test_ping);
	tcase_add_test(tcase, test_fail);
	tcase_add_test(tcase, test_cut);
	tcase_add_test(tcase, test_limits);
	tcase_add_test(tcase, test_echo);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
