/* The way of an answer: what is put right between decoder and encoder, the grammar there, and the
 * calls that the data plane makes. */
#include "convert.h"
#include "settle.h"
#include <check.h>
#include <stdio.h>
#include <string.h>

#define LIMIT (1u << 20)

static struct bytes out;
static struct err err;

static void
setup(void)
{
	bytes_init(&out, LIMIT);
	err = (struct err){.kind = ERR_NONE};
}

static void
teardown(void)
{
	bytes_fini(&out);
}

/* ---- settle ---- */

static const struct part call = {.kind = PART_CALL, .form = CALL_FUNCTION, .name_plain = {"f", 1}};
static const struct part custom = {.kind = PART_CALL, .form = CALL_CUSTOM, .name_plain = {"c", 1}};
static const struct part text = {.kind = PART_TEXT};

/* What passes, in letters. */
static bool
on_passed(const struct event *event, void *ctx, struct err *unused)
{
	(void)unused;
	struct bytes *told = ctx;
	switch (event->kind) {
	case EVENT_PART_BEGIN:
		return bytes_append_char(told, 'b');
	case EVENT_PART_DELTA:
		return bytes_append_view(told, event->text);
	case EVENT_PART_FINISH:
		return bytes_append_char(told, event->incomplete ? '!' : 'f');
	case EVENT_STOP:
		return bytes_printf(told, "s%d", event->stop);
	case EVENT_START:
	case EVENT_USAGE:
	case EVENT_PING:
	case EVENT_ERROR:
	case EVENT_END:
		break;
	}
	return true;
}

static void
feed(struct settle *settle, struct event event)
{
	ck_assert(settle_feed(settle, &event, on_passed, &out, &err));
}

static void
feed_call(struct settle *settle, const struct part *part, const char *input)
{
	feed(settle, (struct event){.kind = EVENT_PART_BEGIN, .part = part});
	if (input != NULL)
		feed(settle, (struct event){.kind = EVENT_PART_DELTA,
				 .delta = part == &call ? DELTA_INPUT : DELTA_TEXT,
				 .text = view_of(input)});
	feed(settle, (struct event){.kind = EVENT_PART_FINISH});
}

static const struct {
	const struct part *part;
	const char *input, *passed;
} settled[] = {
    {&call, NULL, "b{}f"},
    {&call, "", "b{}f"},
    {&call, " ", "b {}f"},
    {&call, "{\"a\":1}", "b{\"a\":1}f"},
    {&call, "{\"a\":", "b{\"a\":!"},
    {&call, "[1]", "b[1]f"},
    {&call, "{\"a\":\"\xed\xa0\xbd\"}", "b{\"a\":\"\xed\xa0\xbd\"}f"},
    {&custom, "free", "bfreef"},
    {&custom, NULL, "bf"},
    {&text, NULL, "bf"},
};

/* No client can make a call of nothing. */
START_TEST(calls_have_a_name)
{
	const struct part nameless = {.kind = PART_CALL, .form = CALL_FUNCTION};
	const struct event begin = {.kind = EVENT_PART_BEGIN, .part = &nameless};
	struct settle settle;
	settle_init(&settle, LIMIT);
	ck_assert(!settle_feed(&settle, &begin, on_passed, &out, &err));
	ck_assert_int_eq(err.kind, ERR_PEER);
	settle_fini(&settle);
}
END_TEST

START_TEST(calls_get_an_input)
{
	struct settle settle;
	settle_init(&settle, LIMIT);
	feed_call(&settle, settled[_i].part, settled[_i].input);
	ck_assert_str_eq(bytes_str(&out), settled[_i].passed);
	settle_fini(&settle);
}
END_TEST

static const struct {
	bool with_call;
	enum stop_reason told, passed;
} stops[] = {
    {true, STOP_END_TURN, STOP_TOOL_USE},
    {true, STOP_UNKNOWN, STOP_TOOL_USE},
    {true, STOP_MAX_TOKENS, STOP_MAX_TOKENS},
    {true, STOP_REFUSAL, STOP_REFUSAL},
    {true, STOP_TOOL_USE, STOP_TOOL_USE},
    {false, STOP_TOOL_USE, STOP_END_TURN},
    {false, STOP_END_TURN, STOP_END_TURN},
    {false, STOP_SEQUENCE, STOP_SEQUENCE},
};

START_TEST(stops_agree_with_the_content)
{
	struct settle settle;
	char wanted[8];
	settle_init(&settle, LIMIT);
	if (stops[_i].with_call)
		feed_call(&settle, &call, "{}");
	bytes_clear(&out);
	feed(&settle, (struct event){.kind = EVENT_STOP, .stop = stops[_i].told});
	snprintf(wanted, sizeof(wanted), "s%d", stops[_i].passed);
	ck_assert_str_eq(bytes_str(&out), wanted);
	settle_fini(&settle);
}
END_TEST

START_TEST(an_input_has_a_limit)
{
	struct settle settle;
	settle_init(&settle, 8);
	const struct event begin = {.kind = EVENT_PART_BEGIN, .part = &call};
	const struct event delta = {
	    .kind = EVENT_PART_DELTA, .delta = DELTA_INPUT, .text = VIEW("{\"a\":12345}")};
	ck_assert(settle_feed(&settle, &begin, on_passed, &out, &err));
	ck_assert(!settle_feed(&settle, &delta, on_passed, &out, &err));
	ck_assert_int_eq(err.kind, ERR_LIMIT);
	settle_fini(&settle);
}
END_TEST

/* ---- the grammar ---- */

/* S start, b/t/f text part, c call, i its input, u usage, p ping, s stop, e end, x error. */
static struct event
event_of(char letter)
{
	switch (letter) {
	case 'b':
		return (struct event){.kind = EVENT_PART_BEGIN, .part = &text};
	case 'c':
		return (struct event){.kind = EVENT_PART_BEGIN, .part = &call};
	case 't':
		return (struct event){.kind = EVENT_PART_DELTA, .delta = DELTA_TEXT};
	case 'i':
		return (struct event){.kind = EVENT_PART_DELTA, .delta = DELTA_INPUT};
	case 'g':
		return (struct event){.kind = EVENT_PART_DELTA, .delta = DELTA_SIGNATURE};
	case 'f':
		return (struct event){.kind = EVENT_PART_FINISH};
	case 'u':
		return (struct event){.kind = EVENT_USAGE};
	case 'p':
		return (struct event){.kind = EVENT_PING};
	case 's':
		return (struct event){.kind = EVENT_STOP};
	case 'e':
		return (struct event){.kind = EVENT_END};
	case 'x':
		return (struct event){.kind = EVENT_ERROR};
	default:
		return (struct event){.kind = EVENT_START};
	}
}

static const struct {
	const char *events;
	bool fits; /* else the last one is the wrong one */
} grammar[] = {
    {"Ssue", true},
    {"SpbptutfpcifSue", false},
    {"Sbttfcifpsue", true},
    {"x", true},
    {"Sbtx", true},
    {"b", false},
    {"p", false},
    {"SS", false},
    {"Sbb", false},
    {"St", false},
    {"Sf", false},
    {"Sbi", false},
    {"Scg", false},
    {"Sbs", false},
    {"Sss", false},
    {"Ssb", false},
    {"Se", false},
    {"Ssep", false},
    {"Ssex", false},
    {"xx", false},
};

START_TEST(the_grammar_is_held)
{
	struct event_check check;
	const char *letters = grammar[_i].events;
	event_check_init(&check);
	for (; letters[1] != '\0'; letters++) {
		struct event event = event_of(*letters);
		if (!event_check_feed(&check, &event, &err)) {
			ck_assert_msg(!grammar[_i].fits, "%s", grammar[_i].events);
			return;
		}
	}
	struct event last = event_of(*letters);
	ck_assert_int_eq(event_check_feed(&check, &last, &err), grammar[_i].fits);
}
END_TEST

START_TEST(usage_replaces_what_is_told)
{
	struct usage all;
	struct usage more;
	usage_init(&all);
	usage_init(&more);
	more.input_new = 5;
	more.output = 1;
	usage_merge(&all, &more);
	usage_init(&more);
	more.output = 9;
	usage_merge(&all, &more);
	ck_assert_int_eq(all.input_new, 5);
	ck_assert_int_eq(all.output, 9);
	ck_assert_int_eq(all.cache_read, -1);
}
END_TEST

/* ---- convert ---- */

static struct convert *
open_convert(enum wire client, size_t memory_max, bool stream)
{
	const struct convert_options options = {
	    .client = client,
	    .upstream = WIRE_ANTHROPIC,
	    .upstream_plain = VIEW("up"),
	    .request_id_plain = VIEW("r1"),
	    .upstream_model_plain = VIEW("a\"b"),
	    .memory_max = memory_max,
	};
	struct convert *convert = convert_new(&options);
	struct bytes sent;
	bytes_init(&sent, LIMIT);
	ck_assert(convert_request(convert,
	    view_of(stream ? "{\"model\":\"m\",\"max_tokens\":9,\"stream\":true,\"messages\":"
			     "[{\"role\":\"user\",\"content\":\"hi\"}]}"
			   : "{\"model\":\"m\",\"max_tokens\":9,\"messages\":"
			     "[{\"role\":\"user\",\"content\":\"hi\"}]}"),
	    &sent, &err));
	ck_assert_ptr_nonnull(strstr(bytes_str(&sent), "\"model\":\"a\\\"b\""));
	ck_assert_int_eq(convert_wants_stream(convert), stream);
	bytes_fini(&sent);
	return convert;
}

#define EVENT(type, members) "data: {\"type\":\"" type "\"" members "}\n\n"
#define BEGIN                                                                                      \
	EVENT("message_start", ",\"message\":{\"id\":\"m1\",\"content\":[],\"usage\":"             \
			       "{\"input_tokens\":7,\"output_tokens\":1}}")                        \
	EVENT("content_block_start", ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":" \
				     "\"\"}")
#define WORDS(words)                                                                               \
	EVENT("content_block_delta",                                                               \
	    ",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"" words "\"}")
#define FINISH                                                                                     \
	EVENT("content_block_stop", ",\"index\":0")                                                \
	EVENT("message_delta", ",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":"              \
			       "{\"output_tokens\":3}")                                            \
	EVENT("message_stop", "")

static bool
out_has(const char *words)
{
	return strstr(bytes_str(&out), words) != NULL;
}

START_TEST(a_whole_stream_is_complete)
{
	struct convert *convert = open_convert(WIRE_ANTHROPIC, LIMIT, true);
	bool complete = false;
	ck_assert(!convert_has_content(convert));
	ck_assert(convert_feed(convert, true, VIEW(BEGIN WORDS("hello")), &out, &err));
	ck_assert(convert_has_content(convert));
	ck_assert(out_has("hello")); /* what came is told at once */
	ck_assert(convert_feed(convert, true, VIEW(FINISH), &out, &err));
	ck_assert(convert_end(convert, true, &out, &complete, &err));
	ck_assert(complete && out_has("message_stop"));
	ck_assert_int_eq(convert_usage(convert)->input_new, 7);
	ck_assert_int_eq(convert_usage(convert)->output, 3);
	convert_free(convert);
}
END_TEST

START_TEST(what_comes_after_the_end_is_dropped)
{
	struct convert *convert = open_convert(WIRE_ANTHROPIC, LIMIT, true);
	bool complete = false;
	ck_assert(convert_feed(convert, true, VIEW(BEGIN WORDS("a") FINISH), &out, &err));
	size_t len = out.len;
	ck_assert(convert_feed(convert, true, VIEW(BEGIN "data: {broken\n\n"), &out, &err));
	ck_assert(convert_ping(convert, &out));
	ck_assert(convert_end(convert, false, &out, &complete, &err));
	ck_assert_uint_eq(out.len, len);
	ck_assert(complete);
	convert_free(convert);
}
END_TEST

static const struct {
	bool whole; /* as the transport says */
	const char *words;
} cuts[] = {{true, ""}, {true, BEGIN WORDS("half")}, {false, BEGIN WORDS("half")}};

START_TEST(a_cut_stream_ends_with_an_error)
{
	static const struct {
		enum wire client;
		const char *error;
	} clients[] = {{WIRE_ANTHROPIC, "event: error\n"}, {WIRE_CHAT, "data: {\"error\":"}};
	for (int i = 0; i < 2; i++) {
		struct convert *convert = open_convert(clients[i].client, LIMIT, true);
		bool complete = true;
		bytes_clear(&out);
		ck_assert(convert_feed(convert, true, view_of(cuts[_i].words), &out, &err));
		ck_assert(convert_end(convert, cuts[_i].whole, &out, &complete, &err));
		ck_assert(!complete && out_has(clients[i].error));
		ck_assert(!out_has("message_stop"));
		convert_free(convert);
	}
}
END_TEST

START_TEST(a_dead_upstream_is_told_once)
{
	struct convert *convert = open_convert(WIRE_ANTHROPIC, LIMIT, true);
	bool complete = true;
	ck_assert(convert_feed(convert, true, VIEW(BEGIN), &out, &err));
	ck_assert(convert_fail(convert, 529, "gone", &out));
	ck_assert(out_has("overloaded_error") && out_has("gone"));
	size_t len = out.len;
	ck_assert(convert_fail(convert, 500, "again", &out));
	ck_assert(convert_end(convert, false, &out, &complete, &err));
	ck_assert_uint_eq(out.len, len);
	ck_assert(!complete);
	convert_free(convert);
}
END_TEST

START_TEST(a_whole_answer_comes_at_the_end)
{
	struct convert *convert = open_convert(WIRE_CHAT, LIMIT, false);
	bool complete = false;
	ck_assert(convert_feed(convert, true, VIEW(BEGIN WORDS("hello")), &out, &err));
	ck_assert(convert_ping(convert, &out));
	ck_assert_uint_eq(out.len, 0);
	ck_assert(convert_feed(convert, true, VIEW(FINISH), &out, &err));
	ck_assert(convert_end(convert, true, &out, &complete, &err));
	ck_assert(complete && out_has("\"content\":\"hello\""));
	convert_free(convert);
}
END_TEST

START_TEST(a_ping_keeps_the_grammar)
{
	struct convert *convert = open_convert(WIRE_ANTHROPIC, LIMIT, true);
	ck_assert(convert_ping(convert, &out)); /* nothing has begun */
	ck_assert_uint_eq(out.len, 0);
	ck_assert(convert_feed(convert, true, VIEW(BEGIN), &out, &err));
	ck_assert(convert_ping(convert, &out));
	ck_assert(view_starts(bytes_view(&out), "event: message_start\n"));
	ck_assert(view_ends(bytes_view(&out), "event: ping\ndata: {\"type\":\"ping\"}\n\n"));
	convert_free(convert);
}
END_TEST

START_TEST(broken_events_are_the_peers_fault)
{
	struct convert *convert = open_convert(WIRE_ANTHROPIC, LIMIT, true);
	ck_assert(!convert_feed(convert, true, VIEW(BEGIN "data: {broken\n\n"), &out, &err));
	ck_assert_int_eq(err.kind, ERR_PEER);
	convert_free(convert);
}
END_TEST

/* Two streams side by side, a piece of one and a piece of the other. */
START_TEST(streams_share_nothing)
{
	struct convert *converts[2];
	struct bytes outs[2];
	bool complete = false;
	for (int i = 0; i < 2; i++) {
		converts[i] = open_convert(WIRE_ANTHROPIC, LIMIT, true);
		bytes_init(&outs[i], LIMIT);
		ck_assert(convert_feed(converts[i], true, VIEW(BEGIN), &outs[i], &err));
	}
	ck_assert(convert_feed(converts[0], true, VIEW(WORDS("one")), &outs[0], &err));
	ck_assert(convert_feed(converts[1], true, VIEW(WORDS("two")), &outs[1], &err));
	for (int i = 0; i < 2; i++) {
		ck_assert(convert_feed(converts[i], true, VIEW(FINISH), &outs[i], &err));
		ck_assert(convert_end(converts[i], true, &outs[i], &complete, &err) && complete);
		ck_assert((view_find(bytes_view(&outs[i]), "one") >= 0) == (i == 0));
		ck_assert((view_find(bytes_view(&outs[i]), "two") >= 0) == (i == 1));
		convert_free(converts[i]);
		bytes_fini(&outs[i]);
	}
}
END_TEST

/* A byte that is no UTF-8, a character cut by the end of a string: never passed on, never guessed.
 */
START_TEST(bytes_that_are_no_text_are_the_peers_fault)
{
	static const char *const texts[] = {"a\xff", "\xe2\x98", "\xed\xa0\x80", "\xc0\xaf"};
	struct convert *convert = open_convert(WIRE_ANTHROPIC, LIMIT, true);
	struct bytes event;
	bytes_init(&event, LIMIT);
	ck_assert(bytes_printf(&event,
	    BEGIN "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
		  "{\"type\":\"text_delta\",\"text\":\"%s\"}}\n\n",
	    texts[_i]));
	ck_assert(!convert_feed(convert, true, bytes_view(&event), &out, &err));
	ck_assert_int_eq(err.kind, ERR_PEER);
	bytes_fini(&event);
	convert_free(convert);
}
END_TEST

/* Far more than the limit: refused, never grown. */
START_TEST(memory_has_a_limit)
{
	static char words[4096];
	struct convert *convert = open_convert(WIRE_ANTHROPIC, 32768, false);
	bool ok = convert_feed(convert, true, VIEW(BEGIN), &out, &err);
	memset(words, 'x', sizeof(words) - 1);
	for (int i = 0; i < 100 && ok; i++) {
		struct bytes event;
		bytes_init(&event, LIMIT);
		ck_assert(bytes_printf(&event,
		    "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
		    "{\"type\":\"text_delta\",\"text\":\"%s\"}}\n\n",
		    words));
		ok = convert_feed(convert, true, bytes_view(&event), &out, &err);
		bytes_fini(&event);
	}
	ck_assert(!ok);
	ck_assert_int_eq(err.kind, ERR_LIMIT);
	convert_free(convert);
	convert = open_convert(WIRE_ANTHROPIC, 32768, false);
	ok = true;
	for (int i = 0; i < 100 && ok; i++)
		ok = convert_feed(convert, false, view_of(words), &out, &err);
	ck_assert(!ok);
	convert_free(convert);
}
END_TEST

START_TEST(errors_hide_keys)
{
	struct convert *convert = open_convert(WIRE_CHAT, LIMIT, true);
	int status = 401;
	ck_assert(convert_error(convert,
	    VIEW("{\"type\":\"error\",\"error\":{\"type\":\"authentication_error\",\"message\":"
		 "\"bad key sk-ant-1234567890abcdef given\"}}"),
	    &status, &out));
	ck_assert(!out_has("1234567890") && out_has("bad key *** given"));
	bytes_clear(&out);
	ck_assert(convert_error(convert, VIEW("<html>proxy at 10.0.0.1</html>"), &status, &out));
	ck_assert(!out_has("10.0.0.1"));
	convert_free(convert);
}
END_TEST

static const char *const bad_bodies[] = {"", "[]", "{", "{\"model\":1}", "{\"model\":\"m\"}x",
    "{\"model\":\"m\",\"messages\":{}}", "\xef\xbb\xbf{\"model\":\"m\",\"messages\":[]}",
    "{\"model\":\"m\",\"temperature\":NaN}"};

START_TEST(bad_requests_are_refused)
{
	const struct convert_options options = {
	    .client = WIRE_ANTHROPIC, .upstream = WIRE_CHAT, .memory_max = LIMIT};
	struct convert *convert = convert_new(&options);
	ck_assert(!convert_request(convert, view_of(bad_bodies[_i]), &out, &err));
	ck_assert_int_eq(err.kind, ERR_PARSE);
	convert_free(convert);
}
END_TEST

static void
add_tests(TCase *tcase)
{
	tcase_add_test(tcase, calls_have_a_name);
	tcase_add_loop_test(tcase, calls_get_an_input, 0, 10);
	tcase_add_loop_test(tcase, stops_agree_with_the_content, 0, 8);
	tcase_add_test(tcase, an_input_has_a_limit);
	tcase_add_loop_test(tcase, the_grammar_is_held, 0, 20);
	tcase_add_test(tcase, usage_replaces_what_is_told);
	tcase_add_test(tcase, a_whole_stream_is_complete);
	tcase_add_test(tcase, what_comes_after_the_end_is_dropped);
	tcase_add_loop_test(tcase, a_cut_stream_ends_with_an_error, 0, 3);
	tcase_add_test(tcase, a_dead_upstream_is_told_once);
	tcase_add_test(tcase, a_whole_answer_comes_at_the_end);
	tcase_add_test(tcase, a_ping_keeps_the_grammar);
	tcase_add_test(tcase, broken_events_are_the_peers_fault);
	tcase_add_test(tcase, streams_share_nothing);
	tcase_add_loop_test(tcase, bytes_that_are_no_text_are_the_peers_fault, 0, 4);
	tcase_add_test(tcase, memory_has_a_limit);
	tcase_add_test(tcase, errors_hide_keys);
	tcase_add_loop_test(tcase, bad_requests_are_refused, 0, 8);
}

int
main(void)
{
	TCase *tcase = tcase_create("stream");
	tcase_add_checked_fixture(tcase, setup, teardown);
	add_tests(tcase);
	Suite *suite = suite_create("convert_stream");
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
