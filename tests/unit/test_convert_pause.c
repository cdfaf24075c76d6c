/* pause: an answer in pieces, each asked for with what the ones before have said; one answer for
 * the client. */
#include "convert.h"
#include "jsonspan.h"
#include "must.h"
#include "usage.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_BYTES ((size_t)8 << 20)
#define OUT_BYTES ((size_t)1 << 20)

#define ASKED(stream)                                                                              \
	"{\"model\":\"m\",\"stream\":" stream ",\"input\":\"look it up\",\"tools\":[{\"type\":"    \
	"\"web_search\"}]}"
#define MESSAGES                                                                                   \
	"\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"               \
	"\"look it up\"}]}"
#define START                                                                                      \
	"data: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\","    \
	"\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"usage\":{\"input_tokens\":10,"    \
	"\"output_tokens\":1}}}\n\n"
#define BLOCK(index, block)                                                                        \
	"data: {\"type\":\"content_block_start\",\"index\":" index ",\"content_block\":" block     \
	"}\n\n"
#define DELTA(index, delta)                                                                        \
	"data: {\"type\":\"content_block_delta\",\"index\":" index ",\"delta\":" delta "}\n\n"
#define STOP(index) "data: {\"type\":\"content_block_stop\",\"index\":" index "}\n\n"
#define END(reason)                                                                                \
	"data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"" reason "\"},"            \
	"\"usage\":{\"output_tokens\":20}}\n\ndata: {\"type\":\"message_stop\"}\n\n"

static const char first[] =
    START BLOCK("0", "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}")
	DELTA("0", "{\"type\":\"thinking_delta\",\"thinking\":\"h\\u00e9\"}")
	    DELTA("0", "{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}")
		DELTA("0", "{\"type\":\"signature_delta\",\"signature\":\"sig==\"}") STOP("0")
		    BLOCK("1", "{\"type\":\"text\",\"text\":\"\"}")
			DELTA("1", "{\"type\":\"text_delta\",\"text\":\"First \\\"\"}") STOP("1")
			    BLOCK("2", "{\"type\":\"server_tool_use\",\"id\":\"srvtoolu_1\","
				       "\"name\":\"web_search\",\"input\":{}}") DELTA("2",
				"{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"qu\"}")
				DELTA("2", "{\"type\":\"input_json_delta\",\"partial_json\":"
					   "\"ery\\\":\\\"x\\\"}\"}") STOP("2") END("pause_turn");
#define SAID_FIRST                                                                                 \
	"{\"type\":\"thinking\",\"thinking\":\"h\\u00e9hm\",\"signature\":\"sig==\"},"             \
	"{\"type\":\"text\",\"text\":\"First \\\"\"},{\"type\":\"server_tool_use\",\"id\":"        \
	"\"srvtoolu_1\",\"name\":\"web_search\",\"input\":{\"query\":\"x\"}}"

#define FOUND                                                                                      \
	"{\"type\":\"web_search_tool_result\",\"tool_use_id\":\"srvtoolu_1\",\"content\":[{"       \
	"\"type\":\"web_search_result\",\"url\":\"http://a.example/\",\"title\":\"A\","            \
	"\"encrypted_content\":\"abc\"}]}"
static const char second[] =
    START BLOCK("0", FOUND) STOP("0") BLOCK("1", "{\"type\":\"text\",\"text\":\"\"}") STOP("1")
	BLOCK("2", "{\"citations\":[],\"type\":\"text\",\"text\":\"\"}") DELTA("2",
	    "{\"type\":\"citations_delta\",\"citation\":{\"type\":\"web_search_result_location\","
	    "\"url\":\"http://a.example/\",\"title\":\"A\",\"cited_text\":\"q\"}}")
	    DELTA("2", "{\"type\":\"text_delta\",\"text\":\"second \"}") STOP("2")
		END("pause_turn");
#define SAID_SECOND                                                                                \
	FOUND                                                                                      \
	",{\"type\":\"text\",\"text\":\"second \",\"citations\":[{\"type\":"                       \
	"\"web_search_result_location\",\"url\":\"http://a.example/\",\"title\":\"A\","            \
	"\"cited_text\":\"q\"}]}"

static const char third[] = START BLOCK("0", "{\"type\":\"text\",\"text\":\"\"}")
    DELTA("0", "{\"type\":\"text_delta\",\"text\":\"third\"}") STOP("0") END("end_turn");

static struct convert *convert;
static struct bytes body, out;
static struct err err;

static void
open(enum wire client, const char *asked)
{
	struct convert_options options = {.client = client,
	    .upstream = WIRE_ANTHROPIC,
	    .upstream_plain = VIEW("u"),
	    .request_id_plain = VIEW("req1"),
	    .memory_max = MEMORY_BYTES};
	convert_free(convert);
	bytes_clear(&body);
	bytes_clear(&out);
	convert = convert_new(&options);
	ck_assert_msg(convert_request(convert, view_of(asked), &body, &err), "%s", err.msg);
}

static void
setup(void)
{
	bytes_init(&body, OUT_BYTES);
	bytes_init(&out, OUT_BYTES);
}

static void
teardown(void)
{
	convert_free(convert);
	convert = NULL;
	bytes_fini(&body);
	bytes_fini(&out);
}

/* One piece of the answer; true when it was the last. */
static bool
hear(const char *piece)
{
	bool complete = true;
	for (size_t i = 0; piece[i] != '\0'; i++) /* at every cut */
		ck_assert_msg(convert_feed(convert, true, view_make(piece + i, 1), &out, &err),
		    "%s", err.msg);
	ck_assert_msg(convert_end(convert, true, &out, &complete, &err), "%s", err.msg);
	ck_assert_int_eq(complete, !convert_is_paused(convert));
	return complete;
}

static void
ask_on(void)
{
	bytes_clear(&body);
	ck_assert_msg(convert_continue(convert, &body, &err), "%s", err.msg);
	ck_assert(!convert_is_paused(convert));
}

static size_t
count(const struct bytes *text, const char *word)
{
	size_t found = 0;
	struct view rest = bytes_view(text);
	for (ptrdiff_t at; (at = view_find(rest, word)) >= 0; found++)
		rest = view_from(rest, (size_t)at + 1);
	return found;
}

static bool
is_lost(const char *path)
{
	struct bytes text;
	bytes_init(&text, OUT_BYTES);
	bool lost = ledger_header(convert_ledger(convert), &text) && count(&text, path) > 0;
	bytes_fini(&text);
	return lost;
}

#define HAS(text, word) ck_assert_msg(count(text, word) == 1, "%s\nin %s", word, bytes_str(text))

static void
check_spliced(void)
{
	ck_assert(!hear(first));
	ask_on();
	HAS(&body, MESSAGES ",{\"role\":\"assistant\",\"content\":[" SAID_FIRST "]}]");
	ck_assert(!hear(second));
	ask_on();
	HAS(&body,
	    MESSAGES ",{\"role\":\"assistant\",\"content\":[" SAID_FIRST "," SAID_SECOND "]}]");
	ck_assert(jsonspan_scan(bytes_view(&body), NULL, 0, NULL, &err));
	ck_assert(hear(third));
	ck_assert_int_eq(convert_usage(convert)->output, 60);
	ck_assert_int_eq(convert_usage(convert)->input_new, 30);
}

START_TEST(pieces_become_one_answer)
{
	open(WIRE_RESPONSES, ASKED("true"));
	check_spliced();
	ck_assert_uint_eq(count(&out, "event: response.created"), 1);
	ck_assert_uint_eq(count(&out, "event: response.completed"), 1);
	ck_assert_uint_eq(count(&out, "\"total_tokens\":90"), 1);
	ck_assert_uint_eq(count(&out, "\"delta\":\"First \\\"\""), 1);
	ck_assert_uint_eq(count(&out, "\"delta\":\"second \""), 1);
	ck_assert_uint_eq(count(&out, "\"delta\":\"third\""), 1);
	ck_assert_str_eq(bytes_str(&out) + out.len - 2, "\n\n");
	ck_assert(!is_lost("stop_reason"));
}
END_TEST

#define ASKED_CHAT(stream)                                                                         \
	"{\"model\":\"m\",\"stream\":" stream ",\"web_search_options\":{},\"messages\":[{"         \
	"\"role\":\"user\",\"content\":\"look it up\"}]}"

START_TEST(so_they_do_for_chat)
{
	open(WIRE_CHAT, ASKED_CHAT("true"));
	check_spliced();
	ck_assert_uint_eq(count(&out, "\"role\":\"assistant\""), 1);
	ck_assert_uint_eq(count(&out, "\"finish_reason\":\"stop\""), 1);
	ck_assert_uint_eq(count(&out, "data: [DONE]"), 1);
	open(WIRE_CHAT, ASKED_CHAT("false"));
	check_spliced();
	HAS(&out, "\"content\":\"First \\\"second third\"");
	HAS(&out, "\"total_tokens\":90");
}
END_TEST

static void
hear_whole(const char *message)
{
	bool complete;
	ck_assert(convert_feed(convert, false, view_of(message), &out, &err));
	ck_assert_msg(convert_end(convert, true, &out, &complete, &err), "%s", err.msg);
	ck_assert_int_eq(complete, !convert_is_paused(convert));
}

#define MESSAGE(text, reason)                                                                      \
	"{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\","           \
	"\"content\":[{\"type\":\"text\",\"text\":\"" text "\"}],\"stop_reason\":\"" reason "\","  \
	"\"usage\":{\"input_tokens\":10,\"output_tokens\":20}}"

START_TEST(whole_answers_are_continued)
{
	open(WIRE_RESPONSES, ASKED("false"));
	hear_whole(MESSAGE("one, ", "pause_turn"));
	ask_on();
	HAS(&body, "\"content\":[{\"type\":\"text\",\"text\":\"one, \"}]}]");
	hear_whole(MESSAGE("two", "end_turn"));
	HAS(&out, "\"text\":\"one, two\"");
	HAS(&out, "\"total_tokens\":60");
}
END_TEST

START_TEST(it_ends_after_some_rounds)
{
	open(WIRE_RESPONSES, ASKED("true"));
	for (int i = 0; i < 5; i++) {
		ck_assert(!hear(second));
		ask_on();
	}
	ck_assert(hear(second));
	ck_assert_uint_eq(count(&out, "event: response.completed"), 1);
	ck_assert(is_lost("stop_reason"));
}
END_TEST

START_TEST(a_call_for_the_client_ends_it)
{
	open(WIRE_RESPONSES, ASKED("true"));
	ck_assert(hear(START BLOCK("0", "{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"look\","
					"\"input\":{}}") STOP("0") END("pause_turn")));
	HAS(&out, "event: response.completed");
}
END_TEST

START_TEST(a_failing_piece_fails_all)
{
	open(WIRE_RESPONSES, ASKED("true"));
	ck_assert(!hear(first));
	ask_on();
	ck_assert(convert_feed(convert, true, VIEW(START), &out, &err));
	ck_assert(convert_fail(convert, 502, "it broke", &out));
	HAS(&out, "event: response.failed");
	ck_assert_uint_eq(count(&out, "response.completed"), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("convert_pause");
	TCase *tests = tcase_create("all");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, pieces_become_one_answer);
	tcase_add_test(tests, so_they_do_for_chat);
	tcase_add_test(tests, whole_answers_are_continued);
	tcase_add_test(tests, it_ends_after_some_rounds);
	tcase_add_test(tests, a_call_for_the_client_ends_it);
	tcase_add_test(tests, a_failing_piece_fails_all);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
