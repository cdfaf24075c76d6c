/* The Chat Completions codec: requests through our model and back, the answers that its own encoder
 * makes of its streams, and errors. */
#include "codec.h"
#include "convert.h"
#include <check.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define LIMIT (16u << 20)

static const struct upstream_flags no_flags;

#define CHUNK(choice) "data: {\"model\":\"m\",\"choices\":[" choice "]}\n\n"
#define DELTA(members) CHUNK("{\"index\":0,\"delta\":{" members "}}")
#define FINISH(word) CHUNK("{\"index\":0,\"delta\":{},\"finish_reason\":\"" word "\"}")
#define DONE "data: [DONE]\n\n"
#define CALL(members) DELTA("\"tool_calls\":[{" members "}]")

/* ---- requests ---- */

static struct convert *
open_convert(struct upstream_flags flags, bool strict)
{
	const struct convert_options options = {
	    .client = WIRE_CHAT,
	    .upstream = WIRE_CHAT,
	    .strict = strict,
	    .flags = flags,
	    .upstream_plain = VIEW("up"),
	    .request_id_plain = VIEW("r1"),
	    .created_s = 1700000000,
	    .memory_max = LIMIT,
	};
	return convert_new(&options);
}

#define BODY(messages, members) "{\"model\":\"m\",\"messages\":[" messages "]" members "}"
#define USER "{\"role\":\"user\",\"content\":\"hi\"}"
#define ASKS(id)                                                                                   \
	"{\"id\":\"" id                                                                            \
	"\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}"
#define SAYS(calls) "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[" calls "]}"
#define TOOL(id, text) "{\"role\":\"tool\",\"tool_call_id\":\"" id "\",\"content\":\"" text "\"}"
#define SCHEMA "{\"type\":\"object\",\"properties\":{}}"
#define FUNCTION(name, members)                                                                    \
	"{\"type\":\"function\",\"function\":{\"name\":\"" name "\"" members "}}"

static const struct {
	const char *in, *out, *loss;
} requests[] = {
    {BODY("{\"role\":\"developer\",\"content\":\"d\"},{\"role\":\"system\",\"content\":[{\"type\":"
	  "\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]}," USER,
	 ""),
	BODY("{\"role\":\"system\",\"content\":\"d\"},{\"role\":\"system\",\"content\":[{\"type\":"
	     "\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]}," USER,
	    ""),
	""},
    {BODY(USER, ",\"max_tokens\":5,\"max_completion_tokens\":7,\"temperature\":1.10,\"top_p\":0.9,"
		"\"top_k\":null,\"stop\":\"x\",\"n\":1,\"logprobs\":false,\"seed\":null,"
		"\"presence_penalty\":0,\"tools\":[],\"tool_choice\":\"auto\",\"stream\":true"),
	BODY(USER,
	    ",\"max_completion_tokens\":7,\"temperature\":1.10,\"top_p\":0.9,\"stop\":[\"x\"]"
	    ",\"stream\":true,\"stream_options\":{\"include_usage\":true}"),
	""},
    {BODY(USER, ",\"reasoning_effort\":\"minimal\",\"seed\":9007199254740993,\"top_k\":3"),
	BODY(USER, ",\"reasoning_effort\":\"minimal\",\"seed\":9007199254740993"), "top_k"},
    {BODY(USER, ",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":9000}"),
	BODY(USER, ",\"reasoning_effort\":\"high\""), ""},
    /* results go behind their calls, in their order; the last of two counts; one is missing */
    {BODY(SAYS(ASKS("a") "," ASKS("b") "," ASKS(
	      "c")) ","
		    "{\"role\":\"assistant\",\"content\":\"t\"}," TOOL("c", "1") "," TOOL(
			"a", "2") "," USER "," TOOL("a", "3") "," TOOL("z", "4"),
	 ""),
	BODY("{\"role\":\"assistant\",\"content\":\"t\",\"tool_calls\":[" ASKS("a") "," ASKS(
		 "b") "," ASKS("c") "]}," TOOL("c", "1") "," TOOL("a", "3") "," TOOL("b",
		 "[tool error] (no result)") "," USER ",{\"role\":\"user\",\"content\":[{"
					     "\"type\":\"text\",\"text\":\"4\"}]}",
	    ""),
	"messages[1].content, messages[0].tool_calls[1], messages[3], messages[6]"},
    /* the same id in two rounds; ids that are too long, foreign or missing */
    {BODY(SAYS(ASKS("a")) "," TOOL("a", "1") "," SAYS(ASKS("a")) "," TOOL("a", "2"), ""),
	BODY(SAYS(ASKS("a")) "," TOOL("a", "1") "," SAYS(ASKS("a")) "," TOOL("a", "2"), ""), ""},
    /* the old functions */
    {BODY("{\"role\":\"assistant\",\"content\":null,\"function_call\":{\"name\":\"f\","
	  "\"arguments\":\"{}\"}},{\"role\":\"function\",\"name\":\"f\",\"content\":\"r\"}",
	 ",\"functions\":[{\"name\":\"f\",\"parameters\":{\"type\":\"object\"}}],\"function_call\":"
	 "{\"name\":\"f\"}"),
	BODY(SAYS(ASKS("fc_0")) "," TOOL("fc_0", "r"),
	    ",\"tools\":[" FUNCTION(
		"f", ",\"parameters\":" SCHEMA) "],\"tool_choice\":{\"type\":"
						"\"function\",\"function\":{\"name\":\"f\"}}"),
	""},
    /* tools: custom ones become functions, repeated and hosted ones go */
    {BODY(USER, ",\"tools\":[" FUNCTION("f", ",\"parameters\":{},\"strict\":true") "," FUNCTION(
		    "f", "") ",{\"type\":\"magic\"}],\"tool_choice\":\"required\","
			     "\"parallel_tool_calls\":false"),
	BODY(USER,
	    ",\"tools\":[" FUNCTION("f",
		",\"parameters\":" SCHEMA
		",\"strict\":true") "],\"tool_choice\":\"required\",\"parallel_tool_calls\":false"),
	"tools[2]"},
    {BODY(USER,
	 ",\"tools\":[" FUNCTION(
	     "f", "") "],\"tool_choice\":{\"type\":\"allowed_tools\","
		      "\"allowed_tools\":{\"mode\":\"required\",\"tools\":[{\"type\":\"function\","
		      "\"function\":{\"name\":\"f\"}}]}}"),
	BODY(USER, ",\"tools\":[" FUNCTION(
		       "f", ",\"parameters\":" SCHEMA) "],\"tool_choice\":{"
						       "\"type\":\"allowed_tools\",\"allowed_"
						       "tools\":{\"mode\":\"required\",\"tools\":[{"
						       "\"type\":\"function\",\"function\":{"
						       "\"name\":\"f\"}}]}}"),
	""},
    {BODY(USER, ",\"tool_choice\":\"none\",\"parallel_tool_calls\":false"), BODY(USER, ""), ""},
    /* media */
    {BODY("{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":"
	  "\"DATA:image\\/png;charset=x;base64,AA\\/"
	  "+\",\"detail\":\"low\"}},{\"type\":\"image_url\","
	  "\"image_url\":{\"url\":\"https://h/i\"}},{\"type\":\"file\",\"file\":{\"file_data\":"
	  "\"data:application/pdf;base64,AAAA\"}},{\"type\":\"input_audio\",\"input_audio\":{"
	  "\"data\":\"AAAA\",\"format\":\"wav\"}}]}",
	 ""),
	BODY("{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":"
	     "\"data:image/png;base64,AA/+\",\"detail\":\"low\"}},{\"type\":\"image_url\","
	     "\"image_url\":{\"url\":\"https://h/i\"}},{\"type\":\"file\",\"file\":{\"file_data\":"
	     "\"data:application/pdf;base64,AAAA\",\"filename\":\"document.pdf\"}},{\"type\":"
	     "\"input_audio\",\"input_audio\":{\"data\":\"AAAA\",\"format\":\"wav\"}}]}",
	    ""),
	""},
    {BODY(USER, ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\","
		"\"schema\":{\"b\":1,\"a\":1.0},\"strict\":true}}"),
	BODY(USER, ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\","
		   "\"schema\":{\"b\":1,\"a\":1.0},\"strict\":true}}"),
	""},
    /* arguments: empty, blank, null, an object, broken */
    {BODY(SAYS("{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}},{\"id\":\"b\","
	       "\"function\":{\"name\":\"f\",\"arguments\":\" \"}},{\"id\":\"c\",\"function\":{"
	       "\"name\":\"f\",\"arguments\":\"{\"}},{\"id\":\"d\",\"function\":{\"name\":\"f\","
	       "\"arguments\":{}}}") "," TOOL("a", "") "," TOOL("b", "") "," TOOL("c",
	      "") "," TOOL("d", ""),
	 ""),
	BODY(SAYS(ASKS("a") "," ASKS("b") ",{\"id\":\"c\",\"type\":\"function\",\"function\":{"
					  "\"name\":\"f\",\"arguments\":\"{\"}}," ASKS(
					      "d")) "," TOOL("a", "") "," TOOL("b",
		 "") "," TOOL("c", "") "," TOOL("d", ""),
	    ""),
	""},
};

START_TEST(test_request)
{
	struct convert *convert = open_convert(no_flags, false);
	struct bytes out, loss;
	struct err err = {0};
	bytes_init(&out, LIMIT);
	bytes_init(&loss, LIMIT);
	bool ok = convert_request(convert, view_of(requests[_i].in), &out, &err);
	ck_assert_msg(ok, "%s: %s", err.at, err.msg);
	ck_assert_str_eq(bytes_str(&out), requests[_i].out);
	ck_assert(ledger_header(convert_ledger(convert), &loss));
	ck_assert_str_eq(bytes_str(&loss), requests[_i].loss);
	convert_free(convert);

	/* Strict: whatever is lost is refused. */
	convert = open_convert(no_flags, true);
	bytes_clear(&out);
	ck_assert_int_eq(convert_request(convert, view_of(requests[_i].in), &out, &err),
	    requests[_i].loss[0] == '\0');
	convert_free(convert);
	bytes_fini(&out);
	bytes_fini(&loss);
}
END_TEST

static const struct {
	const char *in, *at;
	enum err_kind kind;
} refusals[] = {
    {"{\"messages\":[]}", "model", ERR_PARSE},
    {"{\"model\":\"m\"}", "messages", ERR_PARSE},
    {BODY("{\"role\":\"king\"}", ""), "messages[0].role", ERR_PARSE},
    {BODY("{\"role\":\"user\",\"content\":7}", ""), "messages[0].content", ERR_PARSE},
    {BODY("{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":"
	  "\"data:image/png;base64,A*\"}}]}",
	 ""),
	"messages[0].content[0].image_url.url", ERR_PARSE},
    {BODY("{\"role\":\"user\",\"content\":[{\"type\":\"video\"}]}", ""),
	"messages[0].content[0].type", ERR_PARSE},
    {BODY(USER, ",\"max_tokens\":\"7\""), "max_tokens", ERR_PARSE},
    {BODY(USER, ",\"max_tokens\":0"), "max_tokens", ERR_PEER},
    {BODY(USER, ",\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"]"), "stop", ERR_PEER},
    {BODY(USER, ",\"stop\":[1]"), "stop", ERR_PARSE},
    {BODY(USER, ",\"reasoning_effort\":\"huge\""), "reasoning_effort", ERR_PARSE},
    {BODY(USER, ",\"tool_choice\":\"maybe\""), "tool_choice", ERR_PARSE},
    {BODY(USER, ",\"tools\":[{\"type\":\"function\"}]"), "tools[0].function", ERR_PARSE},
    {BODY(USER, ",\"response_format\":{\"type\":\"json_schema\"}"),
	"response_format.json_schema.schema", ERR_PARSE},
};

START_TEST(test_refusal)
{
	struct convert *convert = open_convert(no_flags, false);
	struct bytes out;
	struct err err = {0};
	bytes_init(&out, LIMIT);
	ck_assert(!convert_request(convert, view_of(refusals[_i].in), &out, &err));
	ck_assert_str_eq(err.at, refusals[_i].at);
	ck_assert_int_eq(err.kind, refusals[_i].kind);
	convert_free(convert);
	bytes_fini(&out);
}
END_TEST

START_TEST(test_flags)
{
	static const char in[] =
	    BODY("{\"role\":\"system\",\"content\":[{\"type\":\"text\",\"text\":"
		 "\"s\",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}}]},{\"role\":"
		 "\"assistant\",\"reasoning_content\":\"r\",\"content\":\"a\",\"tool_calls\":[{"
		 "\"id\":\"c\","
		 "\"type\":\"custom\",\"custom\":{\"name\":\"p\",\"input\":\"x\\\"y\"}}]}," TOOL(
		     "c", "1"),
		",\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":\"p\",\"description\":\"d\","
		"\"format\":{\"type\":\"grammar\",\"grammar\":{\"definition\":\"g\",\"syntax\":"
		"\"lark\"}"
		"}}}],\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"],\"top_k\":3,\"max_completion_"
		"tokens\":9");
	static const char expected[] = BODY(
	    "{\"role\":\"developer\",\"content\":[{\"type\":\"text\","
	    "\"text\":\"s\",\"prompt_cache_breakpoint\":{\"mode\":\"explicit\",\"ttl\":\"30m\"}}]},"
	    "{"
	    "\"role\":\"assistant\",\"reasoning_content\":\"r\",\"content\":\"a\",\"tool_calls\":[{"
	    "\"id\":\"c\",\"type\":\"custom\",\"custom\":{\"name\":\"p\",\"input\":\"x\\\"y\"}}]}"
	    "," TOOL("c", "1"),
	    ",\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":\"p\","
	    "\"description\":\"d\",\"format\":{\"type\":\"grammar\",\"grammar\":{\"syntax\":"
	    "\"lark\","
	    "\"definition\":\"g\"}}}}],\"max_tokens\":9,\"top_k\":3,\"stop\":[\"a\",\"b\",\"c\","
	    "\"d\",\"e\"]");
	const struct upstream_flags flags = {.max_tokens_old_name = true,
	    .top_k = true,
	    .cache_breakpoints = true,
	    .reasoning_content = true,
	    .developer_role = true,
	    .custom_tools = true,
	    .stop_over_four = true};
	struct convert *convert = open_convert(flags, true);
	struct bytes out;
	struct err err = {0};
	bytes_init(&out, LIMIT);
	ck_assert_msg(convert_request(convert, VIEW(in), &out, &err), "%s: %s", err.at, err.msg);
	ck_assert_str_eq(bytes_str(&out), expected);
	convert_free(convert);
	bytes_fini(&out);
}
END_TEST

/* ---- answers ---- */

#define HEAD                                                                                       \
	"\"id\":\"chatcmpl-r1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"      \
	"\"model\":\"m\""
#define OUT(delta, finish, usage)                                                                  \
	"data: {" HEAD ",\"choices\":[{\"index\":0,\"delta\":{" delta                              \
	"},\"logprobs\":null,\"finish_reason\":" finish "}]" usage "}\n\n"
#define ROLE "\"role\":\"assistant\",\"content\":\"\",\"refusal\":null"
#define TOLD                                                                                       \
	"{\"prompt_tokens\":9,\"completion_tokens\":2,\"total_tokens\":11,"                        \
	"\"prompt_tokens_details\":{\"cached_tokens\":3,\"cache_write_tokens\":0},"                \
	"\"completion_tokens_details\":{\"reasoning_tokens\":0}}"
#define USAGE "data: {\"choices\":[],\"usage\":" TOLD "}\n\n"

static const char stream_in[] = DELTA("\"content\":\"a\\u00fc\"")
    CALL("\"index\":3,\"id\":\"x\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"k\\\"\"}")
	CALL("\"index\":3,\"function\":{\"arguments\":\":\\\"\\\\u00fc\\\"}\"}")
	    CALL("\"index\":4,\"id\":\"y\",\"function\":{\"name\":\"g\"}") FINISH("stop")
		USAGE DONE;
static const char stream_out[] = OUT(ROLE, "null", "") OUT("\"content\":\"a\\u00fc\"", "null", "")
    OUT("\"tool_calls\":[{\"index\":0,\"id\":\"x\",\"type\":\"function\",\"function\":{\"name\":"
	"\"f\",\"arguments\":\"\"}}]",
	"null",
	"") OUT("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"k\\\"\"}}]",
	"null", "")
	OUT("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\":\\\"\\\\u00fc\\\"}\"}}]",
	    "null", "") OUT("\"tool_calls\":[{\"index\":1,\"id\":\"y\",\"type\":\"function\","
			    "\"function\":{\"name\":"
			    "\"g\",\"arguments\":\"\"}}]",
	    "null", "")
	    OUT("\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":\"{}\"}}]", "null", "")
		OUT("", "\"tool_calls\"", "") DONE;
static const char whole_out[] =
    "{\"id\":\"chatcmpl-r1\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"m\","
    "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"a\\u00fc\","
    "\"refusal\":null,\"annotations\":[],\"tool_calls\":[{\"id\":\"x\",\"type\":\"function\","
    "\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"k\\\":\\\"\\\\u00fc\\\"}\"}},{\"id\":\"y\","
    "\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]},\"logprobs\":null,"
    "\"finish_reason\":\"tool_calls\"}],\"usage\":" TOLD "}";

static void
check_answer(const char *request, const char *sse, size_t step, bool cut, const char *expected)
{
	struct convert *convert = open_convert(no_flags, false);
	struct bytes sent, out;
	struct err err = {0};
	bool complete = false;
	bytes_init(&sent, LIMIT);
	bytes_init(&out, LIMIT);
	ck_assert(convert_request(convert, view_of(request), &sent, &err));
	for (size_t at = 0; at < strlen(sse); at += step)
		ck_assert_msg(
		    convert_feed(convert, true, view_sub(view_of(sse), at, step), &out, &err), "%s",
		    err.msg);
	ck_assert(convert_end(convert, !cut, &out, &complete, &err));
	ck_assert_str_eq(bytes_str(&out), expected);
	ck_assert_int_eq(complete, !cut);
	convert_free(convert);
	bytes_fini(&sent);
	bytes_fini(&out);
}

START_TEST(test_answer)
{
	for (size_t step = 1; step < sizeof(stream_in); step = step < 9 ? step + 1 : step * 3) {
		check_answer(BODY(USER, ",\"stream\":true"), stream_in, step, false, stream_out);
		check_answer(BODY(USER, ""), stream_in, step, false, whole_out);
	}
}
END_TEST

START_TEST(test_answer_usage)
{
	check_answer(BODY(USER, ",\"stream\":true,\"stream_options\":{\"include_usage\":true}"),
	    DELTA("\"content\":\"a\"") FINISH("length") USAGE DONE, 1000, false,
	    OUT(ROLE, "null", ",\"usage\":null") OUT("\"content\":\"a\"", "null", ",\"usage\":null")
		OUT("", "\"length\"", ",\"usage\":null") "data: {" HEAD
							 ",\"choices\":[],\"usage\":" TOLD
							 "}\n\n" DONE);
}
END_TEST

/* A cut answer ends with the error, and nothing says that it was whole. */
START_TEST(test_answer_cut)
{
	check_answer(BODY(USER, ",\"stream\":true"),
	    CALL("\"index\":0,\"id\":\"x\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"k\"}"),
	    1000, true,
	    OUT(ROLE, "null", "") OUT(
		"\"tool_calls\":[{\"index\":0,\"id\":\"x\",\"type\":"
		"\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]",
		"null", "")
		OUT("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"k\"}}]",
		    "null",
		    "") "data: {\"error\":{\"message\":\"the upstream's answer was cut\",\"type\":"
			"\"server_error\",\"param\":null,\"code\":\"server_error\"}}\n\n");
}
END_TEST

/* A custom tool that the upstream knows as a function: its text comes out of the JSON. */
START_TEST(test_answer_custom)
{
	check_answer(BODY(USER, ",\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":\"p\"}}]"),
	    CALL("\"index\":0,\"id\":\"x\",\"function\":{\"name\":\"p\",\"arguments\":"
		 "\"{\\\"input\\\":\\\"a\\\\n\\\\\"}")
		CALL("\"index\":0,\"function\":{\"arguments\":\"\\\"b\\\"}\"}")
		    FINISH("tool_calls"),
	    1000, false,
	    "{\"id\":\"chatcmpl-r1\",\"object\":\"chat.completion\",\"created\":1700000000,"
	    "\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
	    "\"content\":null,\"refusal\":null,\"annotations\":[],\"tool_calls\":[{\"id\":\"x\","
	    "\"type\":\"custom\",\"custom\":{\"name\":\"p\",\"input\":\"a\\n\\\"b\"}}]},"
	    "\"logprobs\":null,\"finish_reason\":\"tool_calls\"}],\"usage\":{\"prompt_tokens\":0,"
	    "\"completion_tokens\":0,\"total_tokens\":0,\"prompt_tokens_details\":{\"cached_"
	    "tokens\":"
	    "0,\"cache_write_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0}}}");
}
END_TEST

/* ---- errors ---- */

static const struct {
	int status;
	const char *body;
	int answer;
	const char *type, *code;
} errors[] = {
    {400, "{\"error\":{\"message\":\"m\",\"type\":\"invalid_request_error\"}}", 400,
	"invalid_request_error", NULL},
    {400, "{\"error\":{\"message\":\"m\",\"code\":\"context_length_exceeded\"}}", 400,
	"invalid_request_error", "context_length_exceeded"},
    {401, "{\"message\":\"m\"}", 401, "invalid_request_error", "invalid_api_key"},
    {402, "{\"detail\":\"m\"}", 429, "insufficient_quota", "insufficient_quota"},
    {429, "[{\"error\":{\"message\":\"m\"}}]", 429, "rate_limit_error", "rate_limit_exceeded"},
    {429, "data: {\"error\":{\"message\":\"m\",\"code\":\"insufficient_quota\"}}\n\n", 429,
	"rate_limit_error", "insufficient_quota"},
    {529, "{\"error\":\"m\"}", 503, "server_error", "server_is_overloaded"},
    {502, "<html>", 502, "server_error", "server_error"},
    {500, "", 500, "server_error", "server_error"},
};

START_TEST(test_error)
{
	struct event event;
	struct bytes out;
	char expected[256];
	int status = 0;
	bytes_init(&out, LIMIT);
	codec_chat.error_decode(errors[_i].status, view_of(errors[_i].body), &event);
	ck_assert_int_eq(event.status, errors[_i].status);
	ck_assert(codec_chat.error_encode(&event, VIEW("r1"), &out, &status));
	ck_assert_int_eq(status, errors[_i].answer);
	bool said = strstr(errors[_i].body, "\"m\"") != NULL;
	const char *code = errors[_i].code;
	snprintf(expected, sizeof(expected),
	    "{\"error\":{\"message\":\"%s\",\"type\":\"%s\",\"param\":null,\"code\":%s%s%s}}",
	    said ? "m" : "the upstream answered with an error", errors[_i].type, code ? "\"" : "",
	    code ? code : "null", code ? "\"" : "");
	ck_assert_str_eq(bytes_str(&out), expected);
	bytes_fini(&out);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("convert_chat");
	TCase *tcase = tcase_create("all");
	tcase_add_loop_test(tcase, test_request, 0, COUNT(requests));
	tcase_add_loop_test(tcase, test_refusal, 0, COUNT(refusals));
	tcase_add_test(tcase, test_flags);
	tcase_add_test(tcase, test_answer);
	tcase_add_test(tcase, test_answer_usage);
	tcase_add_test(tcase, test_answer_cut);
	tcase_add_test(tcase, test_answer_custom);
	tcase_add_loop_test(tcase, test_error, 0, COUNT(errors));
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
