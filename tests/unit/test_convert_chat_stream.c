/* The Chat Completions decoder: streams, at any split, and documents as events. */
#include "codec.h"
#include <check.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define LIMIT (16u << 20)

static const struct upstream_flags no_flags;

/* ---- events as text ---- */

static void
put(struct bytes *out, const char *before, struct view text, const char *behind)
{
	ck_assert(bytes_append_str(out, before) && bytes_append_view(out, text) &&
		  bytes_append_str(out, behind));
}

static void
put_begin(struct bytes *out, const struct part *part)
{
	static const char *const kinds[] = {[PART_TEXT] = "text",
	    [PART_REFUSAL] = "refusal",
	    [PART_THINKING] = "think",
	    [PART_CALL] = "call"};
	put(out, "[", view_of(kinds[part->kind]), "");
	if (part->kind == PART_CALL) {
		put(out, part->form == CALL_CUSTOM ? "*" : "", part->name_plain, "#");
		put(out, "", part->id_plain, "");
	}
	put(out, " ", VIEW(""), "");
}

static bool
on_event(const struct event *event, void *ctx, struct err *err)
{
	static const char *const stops[] = {"end_turn", "max_tokens", "sequence", "tool_use",
	    "refusal", "pause", "context", "unknown"};
	struct bytes *out = ctx;
	(void)err;
	switch (event->kind) {
	case EVENT_START:
		put(out, "<", event->model_text, " ");
		break;
	case EVENT_PART_BEGIN:
		put_begin(out, event->part);
		break;
	case EVENT_PART_DELTA:
		if (event->delta == DELTA_CITATION)
			put(out, "@", event->citation.url_text, "");
		else
			put(out, "", event->text, "|");
		break;
	case EVENT_PART_FINISH:
		put(out, "", VIEW("] "), "");
		break;
	case EVENT_USAGE:
		ck_assert(bytes_printf(out, "u%lld,%lld,%lld,%lld,%lld ",
		    (long long)event->usage.input_new, (long long)event->usage.cache_read,
		    (long long)event->usage.cache_write, (long long)event->usage.output,
		    (long long)event->usage.reasoning));
		break;
	case EVENT_STOP:
		put(out, stops[event->stop], event->stop_text, " ");
		break;
	case EVENT_ERROR:
		ck_assert(bytes_printf(out, "!%d ", event->status));
		put(out, "", event->error_message_text, "");
		break;
	case EVENT_END:
		put(out, ">", VIEW(""), "");
		break;
	case EVENT_PING:
		break;
	}
	return true;
}

/* ---- streams and documents -> events ---- */

#define CHUNK(choice) "data: {\"model\":\"m\",\"choices\":[" choice "]}\n\n"
#define DELTA(members) CHUNK("{\"index\":0,\"delta\":{" members "}}")
#define FINISH(word) CHUNK("{\"index\":0,\"delta\":{},\"finish_reason\":\"" word "\"}")
#define DONE "data: [DONE]\n\n"
#define CALL(members) DELTA("\"tool_calls\":[{" members "}]")

static const struct {
	const char *sse, *events;
} streams[] = {
    {DELTA("\"role\":\"assistant\",\"content\":\"\"") DELTA("\"content\":\"a\"")
	    DELTA("\"content\":\"\\ud83d\"") DELTA("\"content\":null") FINISH("stop") DONE,
	"<m [text a|\\ud83d|] end_turn >"},
    /* two calls, interleaved, with a text between */
    {CALL("\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}") CALL(
	 "\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"{\\\"y\"}")
	    CALL("\"index\":0,\"function\":{\"arguments\":\"{\\\"x\\\":\"}") DELTA(
		"\"content\":\"hm\"") CALL("\"index\":1,\"function\":{\"arguments\":\"\\\":2}\"}")
		CALL("\"index\":0,\"function\":{\"arguments\":\"1}\"}") FINISH("tool_calls") DONE,
	"<m [callf#a {\"x\":|1}|] [callg#b {\"y\":2}|] [text hm|] tool_use >"},
    /* arguments first, the id later, the name last; a name twice; null */
    {CALL("\"index\":0,\"function\":{\"name\":null,\"arguments\":\"{\"}")
	    CALL("\"index\":0,\"id\":\"a\"") CALL("\"index\":0,\"function\":{\"name\":\"\"}")
		CALL("\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"}\"}")
		    CALL("\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\"}")
			FINISH("tool_calls") DONE,
	"<m [callf#a {}|] tool_use >"},
    /* no index, each call whole; the same index for two calls; indexes from one */
    {CALL("\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}")
	    CALL("\"id\":\"b\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"z\\\":1}\"}")
		FINISH("tool_calls"),
	"<m [callf#a {}|] [callf#b {\"z\":1}|] tool_use >"},
    {CALL("\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}")
	    CALL("\"index\":0,\"id\":\"b\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}")
		FINISH("tool_calls"),
	"<m [callf#a {}|] [callf#b {}|] tool_use >"},
    {CALL("\"index\":1,\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}") FINISH("stop"),
	"<m [callf#call_0 {}|] end_turn >"},
    /* empty content does not close a call; blanks and what follows the object are dropped */
    {CALL("\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\" \\n{\"}")
	    DELTA("\"content\":\"\"") CALL("\"index\":0,\"function\":{\"arguments\":\"} {}\"}")
		FINISH("tool_calls"),
	"<m [callf#a {}|] tool_use >"},
    /* input that is no object; none at all; "null" */
    {CALL("\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"[\"}")
	    CALL("\"index\":0,\"function\":{\"arguments\":\"\\\"]\"}")
		CALL("\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"f\"}") CALL(
		    "\"index\":2,\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"null\"}")
		    FINISH("tool_calls"),
	"<m [callf#a {\"_raw\":\"[\\\"]\"}|] [callf#b ] [callf#c ] tool_use >"},
    /* cut by the length limit; half a surrogate pair in each delta */
    {CALL("\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"\\ud83d\"}")
	    CALL("\"index\":0,\"function\":{\"arguments\":\"\\ude00\"}") FINISH("length") DONE,
	"<m [callf#a {\"\\ud83d|\\ude00|] max_tokens >"},
    {CALL("\"index\":0,\"id\":\"a\",\"type\":\"custom\",\"custom\":{\"name\":\"f\",\"input\":\"\"}")
	    CALL("\"index\":0,\"custom\":{\"input\":\"*** \\\"x\"}") FINISH("tool_calls"),
	"<m [call*f#a *** \\\"x|] tool_use >"},
    {DELTA("\"function_call\":{\"name\":\"f\",\"arguments\":\"{\"}")
	    DELTA("\"function_call\":{\"arguments\":\"}\"}") FINISH("function_call"),
	"<m [callf#call_0 {}|] tool_use >"},
    /* thinking by its names, then text, then a call */
    {DELTA("\"reasoning_content\":\"r\",\"reasoning\":\"r\"") DELTA("\"reasoning\":\"s\"")
	    DELTA("\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":"
		  "\"t\"}]},{\"type\":\"text\",\"text\":\"u\"}]") FINISH("stop") DONE,
	"<m [think r|s|t|] [text u|] end_turn >"},
    {DELTA("\"refusal\":\"no\"") FINISH("stop") DONE, "<m [refusal no|] refusal >"},
    {DELTA("\"content\":\"a\"")
	    CHUNK("{\"delta\":{},\"finish_reason\":\"stop\",\"stop_reason\":\"END\"}"),
	"<m [text a|] sequenceEND >"},
    /* usage: late, in the finish chunk, with sums of another kind, more cached than read */
    {CHUNK("") DELTA("\"content\":\"a\"") FINISH(
	 "stop") "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,"
		 "\"prompt_tokens_details\":{\"cached_tokens\":3,\"cache_write_tokens\":1}}}"
		 "\n\n" DONE,
	"<m [text a|] u5,3,1,2,-1 end_turn >"},
    {DELTA(
	 "\"content\":\"a\"") "data: "
			      "{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{"
			      "\"prompt_tokens\":12,\"completion_tokens\":1,\"total_tokens\":241,"
			      "\"completion_tokens_details\":{\"reasoning_tokens\":228}}}\n\n",
	"<m [text a|] u12,-1,-1,229,228 end_turn >"},
    {DELTA("\"content\":\"a\"") FINISH(
	 "stop") "data: {\"usage\":{\"prompt_tokens\":4,\"prompt_cache_hit_tokens\":6}}\n\n",
	"<m [text a|] u0,6,-1,-1,-1 end_turn >"},
    /* ends: by [DONE] alone, twice, by nothing, with nothing, by an error, by a failure word */
    {DELTA("\"content\":\"a\"") DONE DONE DELTA("\"content\":\"b\""), "<m [text a|] end_turn >"},
    {DELTA("\"content\":\"a\""), "<m [text a|!502 the upstream's answer was cut"},
    {DELTA("\"reasoning\":\"a\"") DONE, "<m [think a|!502 the upstream's answer holds nothing"},
    {DELTA("\"content\":\"a\"") "data: {\"error\":{\"message\":\"m\",\"code\":429}}\n\n" DONE,
	"<m [text a|!429 m"},
    {DELTA("\"content\":\"a\"") FINISH("insufficient_system_resource"),
	"<m [text a|!503 the upstream broke off its answer"},
};

static void
on_sse(const struct sse_event *event, void *ctx)
{
	struct err err = {0};
	ck_assert_msg(codec_chat.decoder_event(ctx, event, &err), "%s", err.msg);
}

static void
read_stream(struct view sse, size_t step, const struct upstream_flags *flags, struct bytes *out)
{
	struct arena arena;
	struct sse_reader reader;
	struct err err;
	arena_init(&arena, 4096, LIMIT);
	struct decoder *decoder = codec_chat.decoder_new(&arena, flags, on_event, out);
	sse_init(&reader, LIMIT, on_sse, decoder);
	for (size_t at = 0; at < sse.len; at += step)
		sse_feed(&reader, view_sub(sse, at, step));
	sse_feed(&reader, VIEW("\n\n"));
	ck_assert(codec_chat.decoder_end(decoder, &err));
	sse_fini(&reader);
	codec_chat.decoder_free(decoder);
	arena_fini(&arena);
}

static void
check_stream(const char *sse, const struct upstream_flags *flags, const char *expected)
{
	for (size_t step = 1; step <= strlen(sse); step = step < 9 ? step + 1 : step * 3) {
		struct bytes out;
		bytes_init(&out, LIMIT);
		read_stream(view_of(sse), step, flags, &out);
		ck_assert_str_eq(bytes_str(&out), expected);
		bytes_fini(&out);
	}
}

START_TEST(test_stream)
{
	check_stream(streams[_i].sse, &no_flags, streams[_i].events);
}
END_TEST

static const struct {
	const char *sse, *on, *off;
} inline_cases[] = {
    {DELTA("\"content\":\"<thi\"") DELTA("\"content\":\"nk>x</think>y\"") FINISH("stop"),
	"<m [think x|] [text y|] end_turn >", "<m [text <thi|nk>x</think>y|] end_turn >"},
    {DELTA("\"content\":\"\\n\\u003cthink\\u003ea <b\"") DELTA("\"content\":\"</\"")
	    DELTA("\"content\":\"think\\u003ec</think>\"") FINISH("stop"),
	"<m [think a |<|b|] [text c</think>|] end_turn >",
	"<m [text \\n\\u003cthink\\u003ea <b|</|think\\u003ec</think>|] end_turn >"},
    {DELTA("\"content\":\" <this\"") FINISH("stop"), "<m [text  <thi|s|] end_turn >",
	"<m [text  <this|] end_turn >"},
    {DELTA("\"content\":\"<think>a</thin\"") DELTA("\"content\":\"g>b</th\"") FINISH("stop"),
	"<m [think a|</thin|g>b|</th|] end_turn >", "<m [text <think>a</thin|g>b</th|] end_turn >"},
};

START_TEST(test_inline_think)
{
	static const struct upstream_flags flags = {.inline_think = true};
	check_stream(inline_cases[_i].sse, &no_flags, inline_cases[_i].off);
	check_stream(inline_cases[_i].sse, &flags, inline_cases[_i].on);
}
END_TEST

#define WHOLE(members) "{\"model\":\"m\",\"choices\":[{\"index\":0," members "}]}"

static const struct {
	const char *json, *events;
} documents[] = {
    {WHOLE("\"message\":{\"content\":\"a\",\"reasoning_content\":\"r\",\"annotations\":[{\"type\":"
	   "\"url_citation\",\"url_citation\":{\"url\":\"u\",\"start_index\":0,\"end_index\":1}}]},"
	   "\"finish_reason\":\"stop\""),
	"<m [think r|] [text a|@u] end_turn >"},
    {WHOLE("\"message\":{\"content\":null,\"refusal\":null},\"finish_reason\":\"stop\""),
	"<m end_turn >"},
    {WHOLE("\"message\":{\"content\":\"\",\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":"
	   "\"f\",\"arguments\":\"{\\\"n\\\":9007199254740993}\"}},{\"id\":\"a\",\"function\":{"
	   "\"name\":\"f\",\"arguments\":{\"o\":1}}}]},\"finish_reason\":\"tool_calls\""),
	"<m [callf#a {\"n\":9007199254740993}|] [callf#a {\"o\":1}|] tool_use >"},
    {"{\"model\":\"m\",\"choices\":[]}", "!502 the upstream's answer holds no choice"},
    {"{\"error\":{\"message\":\"x\",\"type\":\"server_error\"}}", "!500 x"},
};

START_TEST(test_document)
{
	struct arena arena;
	struct bytes out;
	struct err err;
	arena_init(&arena, 4096, LIMIT);
	bytes_init(&out, LIMIT);
	struct decoder *decoder = codec_chat.decoder_new(&arena, &no_flags, on_event, &out);
	ck_assert(codec_chat.decoder_whole(decoder, view_of(documents[_i].json), &err));
	ck_assert_str_eq(bytes_str(&out), documents[_i].events);
	codec_chat.decoder_free(decoder);
	bytes_fini(&out);
	arena_fini(&arena);
}
END_TEST

START_TEST(test_broken_chunk)
{
	static const char *const chunks[] = {"{", "[]", "x", "{\"choices\":\"\xff\"}"};
	struct arena arena;
	struct bytes out;
	struct err err = {0};
	arena_init(&arena, 4096, LIMIT);
	bytes_init(&out, LIMIT);
	struct decoder *decoder = codec_chat.decoder_new(&arena, &no_flags, on_event, &out);
	const struct sse_event event = {.data = view_of(chunks[_i])};
	ck_assert(!codec_chat.decoder_event(decoder, &event, &err));
	ck_assert_int_eq(err.kind, ERR_PEER);
	codec_chat.decoder_free(decoder);
	bytes_fini(&out);
	arena_fini(&arena);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("convert_chat_stream");
	TCase *tcase = tcase_create("all");
	tcase_add_loop_test(tcase, test_stream, 0, COUNT(streams));
	tcase_add_loop_test(tcase, test_inline_think, 0, COUNT(inline_cases));
	tcase_add_loop_test(tcase, test_document, 0, COUNT(documents));
	tcase_add_loop_test(tcase, test_broken_chunk, 0, 4);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
