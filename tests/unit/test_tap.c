/* The tap: what three protocols tell of tokens, at every split, of every size, and what is odd. */
#include "mem.h"
#include "must.h"
#include "suite.h"
#include "tap.h"
#include <stdio.h>
#include <string.h>

static const char anthropic_stream[] =
    "event: message_start\n"
    "data: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude-x\","
    "\"content\":[],\"usage\":{\"input_tokens\":25,\"cache_creation_input_tokens\":11,"
    "\"cache_read_input_tokens\":7,\"cache_creation\":{\"ephemeral_5m_input_tokens\":8,"
    "\"ephemeral_1h_input_tokens\":3},\"output_tokens\":1}}}\n\n"
    "event: ping\ndata: {\"type\": \"ping\"}\n\n"
    "event: content_block_delta\n"
    "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\","
    "\"text\":\"{\\\"usage\\\":{\\\"output_tokens\\\":999}}\"}}\n\n"
    "event: message_delta\n"
    "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},"
    "\"usage\":{\"output_tokens\":15,\"output_tokens_details\":{\"thinking_tokens\":4},"
    "\"server_tool_use\":{\"web_search_requests\":2}}}\n\n"
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

static const char chat_stream[] =
    ": hello\n\n"
    "data: {\"id\":\"c\",\"model\":\"gpt-x\",\"choices\":[{\"index\":0,\"delta\":"
    "{\"role\":\"assistant\"}}],\"usage\":null}\n\n"
    "data: {\"id\":\"c\",\"model\":\"gpt-x\",\"choices\":[{\"index\":0,\"delta\":"
    "{\"content\":\"the word \\\"usage\\\" is no \\\"usage\\\":{}\"}}],\"usage\":null}\n\n"
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
    "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":20,"
    "\"total_tokens\":120,\"prompt_tokens_details\":{\"cached_tokens\":60},"
    "\"completion_tokens_details\":{\"reasoning_tokens\":5}}}\n\n"
    "data: [DONE]\n\n";

static const char responses_stream[] =
    "event: response.created\n"
    "data: {\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"model\":\"gpt-y\","
    "\"usage\":null}}\n\n"
    "event: response.output_text.delta\n"
    "data: {\"type\":\"response.output_text.delta\",\"delta\":\"x\",\"usage\":{"
    "\"input_tokens\":7}}\n\n"
    "event: response.completed\n"
    "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"output\":[{\"usage\":{"
    "\"input_tokens\":1,\"output_tokens\":1}},\"usage\",{\"model\":\"bait\"}],"
    "\"tools\":[{\"parameters\":{\"usage\":{\"output_tokens\":77}}}],"
    "\"usage\":{\"input_tokens\":50,\"input_tokens_details\":{\"cached_tokens\":20},"
    "\"output_tokens\":9,\"output_tokens_details\":{\"reasoning_tokens\":3},"
    "\"total_tokens\":59},\"user\":null},\"sequence_number\":4}\n\n";

struct wanted {
	int64_t input, write, read, output, reasoning;
	const char *model;
	bool last_word, odd;
	const char *id;
};

static void
check(const struct tap *tap, const struct wanted *wanted, const char *at)
{
	const struct usage *usage = &tap->found.usage;
	ck_assert_msg(usage->input_new == wanted->input && usage->cache_write == wanted->write &&
			  usage->cache_read == wanted->read && usage->output == wanted->output &&
			  usage->reasoning == wanted->reasoning,
	    "%s: %lld %lld %lld %lld %lld", at, (long long)usage->input_new,
	    (long long)usage->cache_write, (long long)usage->cache_read, (long long)usage->output,
	    (long long)usage->reasoning);
	ck_assert_msg(tap->found.last_word == wanted->last_word, "%s: last word", at);
	ck_assert_msg(tap->found.odd == wanted->odd, "%s: odd", at);
	ck_assert_str_eq(tap->found.model, wanted->model);
	if (wanted->id != NULL)
		ck_assert_str_eq(tap->found.id, wanted->id);
}

static void
feed_by(struct tap *tap, struct view text, size_t step)
{
	for (size_t at = 0; at < text.len; at += step)
		tap_feed(tap, view_sub(text, at, step));
}

/* In one piece, in two at every place, in equal small pieces. */
static void
check_splits(enum protocol protocol, bool stream, struct view text, const struct wanted *wanted)
{
	for (size_t cut = 0; cut <= text.len; cut++) {
		struct tap tap;
		char at[32];
		(void)snprintf(at, sizeof(at), "cut at %zu", cut);
		tap_init(&tap, protocol, stream);
		tap_feed(&tap, view_sub(text, 0, cut));
		tap_feed(&tap, view_from(text, cut));
		check(&tap, wanted, at);
		tap_fini(&tap);
	}
	for (size_t step = 1; step < 100; step++) {
		struct tap tap;
		char at[32];
		(void)snprintf(at, sizeof(at), "step %zu", step);
		tap_init(&tap, protocol, stream);
		feed_by(&tap, text, step);
		check(&tap, wanted, at);
		tap_fini(&tap);
	}
}

/* The same with each LF as CR LF or CR. */
static struct view
with_ends(const char *text, const char *end, char *out)
{
	size_t len = 0;
	for (; *text != '\0'; text++) {
		const char *put = *text == '\n' ? end : (char[]){*text, '\0'};
		memcpy(out + len, put, strlen(put));
		len += strlen(put);
	}
	return view_make(out, len);
}

static const struct wanted anthropic_wanted = {25, 11, 7, 15, 4, "claude-x", true, false, "msg_1"};
static const struct wanted chat_wanted = {40, -1, 60, 20, 5, "gpt-x", true, false, "c"};
static const struct wanted responses_wanted = {30, -1, 20, 9, 3, "gpt-y", true, false, "r"};

START_TEST(streams_tell_at_every_split)
{
	static char text[8192];
	static const char *const ends[] = {"\n", "\r\n", "\r"};
	for (size_t i = 0; i < 3; i++) {
		check_splits(PROTOCOL_ANTHROPIC, true, with_ends(anthropic_stream, ends[i], text),
		    &anthropic_wanted);
		check_splits(
		    PROTOCOL_CHAT, true, with_ends(chat_stream, ends[i], text), &chat_wanted);
		check_splits(PROTOCOL_RESPONSES, true, with_ends(responses_stream, ends[i], text),
		    &responses_wanted);
	}
	struct tap tap;
	tap_init(&tap, PROTOCOL_ANTHROPIC, true);
	tap_feed(&tap, view_of(anthropic_stream));
	ck_assert_int_eq(tap.found.usage.cache_write_5m, 8);
	ck_assert_int_eq(tap.found.usage.cache_write_1h, 3);
	ck_assert_int_eq(tap.found.usage.web_searches, 2);
	tap_fini(&tap);
}
END_TEST

START_TEST(an_answer_cut_off_tells_what_came)
{
	struct view text = view_of(anthropic_stream);
	size_t cut = (size_t)view_find(text, "event: message_delta");
	struct tap tap;
	tap_init(&tap, PROTOCOL_ANTHROPIC, true);
	tap_feed(&tap, view_sub(text, 0, cut));
	check(&tap, &(struct wanted){25, 11, 7, 1, -1, "claude-x", false, false, "msg_1"}, "cut");
	ck_assert(tap.found.told);
	tap_fini(&tap);
	tap_init(&tap, PROTOCOL_CHAT, true);
	tap_feed(&tap, view_sub(view_of(chat_stream), 0, 200));
	ck_assert(!tap.found.told);
	tap_fini(&tap);
}
END_TEST

START_TEST(whole_answers_tell)
{
	static const char chat[] =
	    "{\"id\":\"c\",\"model\":\"deep\",\"choices\":[{\"message\":{\"content\":\"\\\\\"}}],"
	    "\"usage\":{\"prompt_tokens\":16,\"completion_tokens\":1,\"total_tokens\":245,"
	    "\"prompt_cache_hit_tokens\":6,\"completion_tokens_details\":{\"reasoning_tokens\":228}"
	    "}}";
	static const char message[] =
	    "{\"model\":\"m\",\"content\":[{\"type\":\"text\",\"text\":\"}\\\"{\"}],\"usage\": {"
	    " \"input_tokens\" : 3 , \"cache_creation_input_tokens\": null,\"output_tokens\":4 } }";
	static const char response[] = "{\"id\":\"resp_1\",\"object\":\"response\",\"output\":[{"
				       "\"id\":\"msg_1\"}],\"usage\":{\"input_tokens\":3,"
				       "\"output_tokens\":4,\"total_tokens\":7}}";
	/* Reasoning beside the completion: the total shows it. */
	check_splits(PROTOCOL_CHAT, false, view_of(chat),
	    &(struct wanted){10, -1, 6, 229, 228, "deep", true, false, "c"});
	check_splits(PROTOCOL_ANTHROPIC, false, view_of(message),
	    &(struct wanted){3, -1, -1, 4, -1, "m", true, false, ""});
	check_splits(PROTOCOL_RESPONSES, false, view_of(response),
	    &(struct wanted){3, -1, -1, 4, -1, "", true, false, "resp_1"});
}
END_TEST

START_TEST(what_cannot_be_is_odd)
{
	static const struct {
		const char *usage;
		bool odd;
	} rows[] = {
	    {"{\"prompt_tokens\":5,\"completion_tokens\":2}", false},
	    {"{\"prompt_tokens\":-5,\"completion_tokens\":2}", true},
	    {"{\"prompt_tokens\":\"5\",\"completion_tokens\":2}", true},
	    {"{\"prompt_tokens\":5.5,\"completion_tokens\":2}", true},
	    {"{\"prompt_tokens\":5,\"completion_tokens\":99999999999999999999}", true},
	    {"{\"prompt_tokens\":5,\"completion_tokens\":1000000001}", true},
	    {"{\"prompt_tokens\":5,\"completion_tokens\":null}", false},
	    {"{\"prompt_tokens\":5,\"completion_tokens\":2,"
	     "\"prompt_tokens_details\":{\"cached_tokens\":6}}",
		true},
	    {"{\"prompt_tokens\":5,\"completion_tokens\":2,"
	     "\"prompt_tokens_details\":{\"cached_tokens\":\"x\"}}",
		true},
	    {"{\"prompt_tokens\":5,\"completion_tokens\":2,"
	     "\"completion_tokens_details\":{\"reasoning_tokens\":3}}",
		true},
	    {"{\"prompt_tokens\":5,\"completion_tokens\":2,\"total_tokens\":7}", false},
	    {"{\"prompt_tokens\":5,\"completion_tokens\":2,\"total_tokens\":107}", true},
	    /* Sums of these do not fit. */
	    {"{\"prompt_tokens\":9223372036854775807,\"completion_tokens\":9223372036854775807,"
	     "\"total_tokens\":9223372036854775807,"
	     "\"completion_tokens_details\":{\"reasoning_tokens\":9223372036854775807}}",
		true},
	    {"{\"prompt_tokens\":0,\"completion_tokens\":0,\"prompt_tokens_details\":{"
	     "\"cached_tokens\":9223372036854775807,\"cache_write_tokens\":9223372036854775807}}",
		true},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tap tap;
		char text[512];
		(void)snprintf(text, sizeof(text), "{\"choices\":[],\"usage\":%s}", rows[i].usage);
		tap_init(&tap, PROTOCOL_CHAT, false);
		tap_feed(&tap, view_of(text));
		ck_assert_msg(tap.found.odd == rows[i].odd, "%s", rows[i].usage);
		ck_assert_int_le(tap.found.usage.output, 1000000000);
		tap_fini(&tap);
	}
	/* One that goes back. */
	struct tap tap;
	tap_init(&tap, PROTOCOL_CHAT, true);
	tap_feed(&tap, VIEW("data: {\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":9}}\n\n"
			    "data: {\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":4}}\n\n"));
	ck_assert(tap.found.odd);
	ck_assert_int_eq(tap.found.usage.output, 4);
	tap_fini(&tap);
}
END_TEST

/* One that is too long is none, and not a piece of it. */
START_TEST(names_are_bounded)
{
	static const unsigned lengths[] = {96, 97, 128, 129, 4000};
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		char text[8192];
		struct tap tap;
		tap_init(&tap, PROTOCOL_RESPONSES, false);
		(void)snprintf(text, sizeof(text), "{\"id\":\"%0*u\",\"model\":\"%0*u\"}",
		    (int)lengths[i], 1u, (int)lengths[i], 1u);
		tap_feed(&tap, view_of(text));
		ck_assert_uint_eq(strlen(tap.found.id), lengths[i] == 96 ? 96 : 0);
		ck_assert_uint_eq(strlen(tap.found.model), lengths[i] == 96 ? 96 : 0);
		tap_fini(&tap);
	}
}
END_TEST

/* An event of megabytes repeats the whole conversation before it tells. */
START_TEST(big_events_tell)
{
	static const char head[] =
	    "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{"
	    "\"model\":\"big\",\"instructions\":\"";
	static const char tail[] =
	    "\",\"usage\":{\"input_tokens\":5,\"output_tokens\":6,\"total_tokens\":11}}}\n\n";
	struct bytes text;
	bytes_init(&text, (size_t)4 << 20);
	ck_assert(bytes_append_str(&text, head));
	for (unsigned i = 0; i < 60000; i++)
		ck_assert(bytes_append_str(&text, "\\\"usage\\\":{\\\"output_tokens\\\":1},"));
	ck_assert(bytes_append_str(&text, tail));
	for (size_t step = 1000; step < 200000; step = step * 3 + 1) {
		struct tap tap;
		tap_init(&tap, PROTOCOL_RESPONSES, true);
		feed_by(&tap, bytes_view(&text), step);
		check(&tap, &(struct wanted){5, -1, -1, 6, -1, "big", true, false, ""}, "big");
		ck_assert_uint_le(tap.watch.captured.cap, JSON_WATCH_BYTES_MAX + 1);
		tap_fini(&tap);
	}
	bytes_fini(&text);
	/* A usage object without end is not kept. */
	struct tap tap;
	tap_init(&tap, PROTOCOL_CHAT, false);
	tap_feed(&tap, VIEW("{\"usage\":{\"x\":\""));
	for (unsigned i = 0; i < 5000; i++)
		tap_feed(&tap, VIEW("aaaaaaaaaa"));
	tap_feed(&tap, VIEW("\"},\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}"));
	ck_assert_int_eq(tap.found.usage.output, 2);
	tap_fini(&tap);
}
END_TEST

START_TEST(noise_tells_nothing)
{
	static const char *const texts[] = {"", "<html>usage</html>", "]]]}}}}\"usage\":{",
	    "{\"usage\":7,\"model\":7}", "data: {\"usage\"",
	    "[\"usage\",{\"usage\":{\"output_tokens\":1}}]",
	    "{\"a\":{\"usage\":{\"output_tokens\":1}}}", "{\"message\":[{\"usage\":{}}]}"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (int stream = 0; stream < 2; stream++) {
			struct tap tap;
			tap_init(&tap, PROTOCOL_ANTHROPIC, stream != 0);
			feed_by(&tap, view_of(texts[i]), 1);
			ck_assert_msg(tap.found.usage.output == -1, "%s", texts[i]);
			tap_fini(&tap);
		}
	}
}
END_TEST

/* Feeds `text` in one piece; the caller calls tap_fini. */
static struct tap
listen(enum protocol protocol, bool stream, const char *text)
{
	struct tap tap;
	tap_init(&tap, protocol, stream);
	tap_feed(&tap, view_of(text));
	return tap;
}

#define CHUNK "data: {\"id\":\"c\",\"model\":\"m\",\"choices\":[]}\n\n"

START_TEST(the_word_is_found_wherever_it_stands)
{
	for (int pad = 0; pad < 150; pad++) {
		struct tap tap;
		char text[512];
		(void)snprintf(text, sizeof(text),
		    CHUNK "data: {\"id\":\"%0*d\",\"choices\":[],\"usage\":{\"prompt_tokens\":1,"
			  "\"completion_tokens\":2}}\n\n",
		    pad, 0);
		tap = listen(PROTOCOL_CHAT, true, text);
		check(&tap, &(struct wanted){1, -1, -1, 2, -1, "m", true, false, NULL}, text);
		tap_fini(&tap);
	}
}
END_TEST

/* An event's data may be several lines, and the stream begin with a mark. */
START_TEST(data_of_several_lines_tells)
{
	static const char chat[] = CHUNK "data: {\"id\":\"c\",\ndata: \"choices\":[{}],\n"
					 "data: \"usage\":\ndata: {\"prompt_tokens\":3,\n"
					 "id: 7\ndata:\ndata:\"completion_tokens\":4}\ndata: }\n\n";
	static const char message[] =
	    "\xef\xbb\xbf"
	    "data: {\"type\":\"message_start\",\ndata: \"message\":{\"model\":\"m\","
	    "\"usage\":{\"input_tokens\":3}}}\n\n"
	    "data: {\ndata:\"type\":\"message_delta\",\ndata:\"usage\"\ndata::\n"
	    "data:{\"output_tokens\":4}}\nevent: message_delta\n\n";
	const struct wanted wanted = {3, -1, -1, 4, -1, "m", true, false, NULL};
	static char text[1024];
	static const char *const ends[] = {"\n", "\r\n", "\r"};
	for (size_t i = 0; i < 3; i++) {
		check_splits(PROTOCOL_CHAT, true, with_ends(chat, ends[i], text), &wanted);
		check_splits(PROTOCOL_ANTHROPIC, true, with_ends(message, ends[i], text), &wanted);
	}
}
END_TEST

START_TEST(vendors_have_their_own_places)
{
	/* In the choice; as running sums in each chunk; a slash with a backslash. */
	static const char choice[] =
	    CHUNK "data: {\"choices\":[{\"index\":0,\"delta\":{\"usage\":{\"prompt_tokens\":9}},"
		  "\"finish_reason\":\"stop\",\"usage\":{\"prompt_tokens\":19,"
		  "\"completion_tokens\":13,\"total_tokens\":32}}]}\n\ndata: [DONE]\n\n";
	static const char running[] =
	    "data: {\"model\":\"a\\/b\",\"choices\":[],\"usage\":{\"prompt_tokens\":7,"
	    "\"completion_tokens\":0}}\n\n"
	    "data: {\"model\":\"x\",\"choices\":[],\"usage\":{\"prompt_tokens\":7,"
	    "\"completion_tokens\":1}}\n\n"
	    "data: {\"model\":\"x\",\"choices\":[],\"usage\":{\"prompt_tokens\":7,"
	    "\"completion_tokens\":2,\"prompt_tokens_details\":{\"cached_tokens\":7}}}\n\n";
	check_splits(PROTOCOL_CHAT, true, view_of(choice),
	    &(struct wanted){19, -1, -1, 13, -1, "m", true, false, NULL});
	check_splits(PROTOCOL_CHAT, true, view_of(running),
	    &(struct wanted){0, -1, 7, 2, -1, "a/b", true, false, NULL});
}
END_TEST

START_TEST(placeholders_are_no_usage)
{
	static const char *const rows[] = {
	    "data: {\"choices\":[],\"usage\":{}}\n\n",
	    "data: {\"choices\":[],\"usage\":null}\n\n",
	    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":null}}\n\n",
	    "event: response.created\ndata: {\"response\":{\"usage\":{\"input_tokens\":0,"
	    "\"output_tokens\":0}}}\n\n",
	    "data: {\"type\":\"response.in_progress\",\"response\":{\"usage\":{\"input_tokens\":0,"
	    "\"output_tokens\":0}}}\n\n",
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tap tap = listen(i < 3 ? PROTOCOL_CHAT : PROTOCOL_RESPONSES, true, rows[i]);
		ck_assert_msg(!tap.found.told && !tap.found.last_word, "%s", rows[i]);
		ck_assert(!tap.found.odd && tap.found.usage.output == -1);
		tap_fini(&tap);
	}
}
END_TEST

START_TEST(later_counts_replace)
{
#define START                                                                                      \
	"{\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":5,"                  \
	"\"cache_read_input_tokens\":1000,\"output_tokens\":1}}}"
	static const struct {
		const char *usage;
		struct wanted wanted;
	} rows[] = {
	    /* Zeros say that it is not told again; less is a contradiction. */
	    {"{\"input_tokens\":0,\"cache_read_input_tokens\":0,\"output_tokens\":9}",
		{5, -1, 1000, 9, -1, "", true, false, NULL}},
	    {"{\"input_tokens\":50,\"cache_read_input_tokens\":1000,\"output_tokens\":9}",
		{50, -1, 1000, 9, -1, "", true, false, NULL}},
	    {"{\"input_tokens\":1005,\"cache_read_input_tokens\":0,\"output_tokens\":9}",
		{1005, -1, 0, 9, -1, "", true, false, NULL}},
	    {"{\"input_tokens\":4,\"output_tokens\":9}",
		{4, -1, 1000, 9, -1, "", true, true, NULL}},
	    {"{\"output_tokens\":0}", {5, -1, 1000, 0, -1, "", true, true, NULL}},
	    {"{\"output_tokens\":9,\"server_tool_use\":{\"web_search_requests\":-1}}",
		{5, -1, 1000, 9, -1, "", true, true, NULL}},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[512];
		(void)snprintf(text, sizeof(text),
		    "data: " START "\n\ndata: {\"type\":\"message_delta\",\"usage\":%s}\n\n",
		    rows[i].usage);
		struct tap tap = listen(PROTOCOL_ANTHROPIC, true, text);
		check(&tap, &rows[i].wanted, rows[i].usage);
		tap_fini(&tap);
	}
}
END_TEST

/* Each item once, be it told when it is done, in the whole output, or both. */
/* A later prompt that does not tell its cached part again still holds it. */
START_TEST(a_cached_part_is_counted_once)
{
	const struct wanted wanted = {20, -1, 80, 2, -1, "", true, false, NULL};
	struct tap tap = listen(PROTOCOL_CHAT, true,
	    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":1,"
	    "\"prompt_tokens_details\":{\"cached_tokens\":80}}}\n\n"
	    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":2}}\n\n");
	check(&tap, &wanted, "twice");
	tap_fini(&tap);
}
END_TEST

START_TEST(searches_are_counted)
{
#define SEARCH "{\"id\":\"ws_1\",\"type\":\"web_search_call\",\"action\":{\"type\":\"search\"}}"
#define ADDED "data: {\"type\":\"response.output_item.added\",\"item\":" SEARCH "}\n\n"
#define ITEM "data: {\"type\":\"response.output_item.done\",\"item\":" SEARCH "}\n\n"
#define LAST(output)                                                                               \
	"data: {\"type\":\"response.completed\",\"response\":{\"output\":[" output "],\"tools\":[" \
	"{\"type\":\"web_search_call\"}],\"usage\":{\"input_tokens\":1,\"output_tokens\":2}}}\n\n"
	static const struct {
		const char *text;
		int64_t searches;
	} rows[] = {
	    {ADDED ITEM ADDED ITEM LAST(SEARCH "," SEARCH), 2},
	    {ADDED ITEM ADDED ITEM LAST(""), 2},
	    {LAST(SEARCH ",{\"type\":\"message\",\"content\":[" SEARCH "]}"), 1},
	    {LAST("{\"type\":\"web_search_calls\"},{\"type\":\"web_search\"}"), -1},
	    {"{\"output\":[" SEARCH "],\"usage\":{\"input_tokens\":1,\"output_tokens\":2}}", 1},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct view text = view_of(rows[i].text);
		for (size_t step = 1; step <= text.len; step += 1 + step / 4) {
			struct tap tap;
			tap_init(&tap, PROTOCOL_RESPONSES, !view_starts(text, "{"));
			feed_by(&tap, text, step);
			ck_assert_msg(tap.found.usage.web_searches == rows[i].searches &&
					  tap.found.usage.output == 2,
			    "step %zu: %lld of %s", step, (long long)tap.found.usage.web_searches,
			    rows[i].text);
			tap_fini(&tap);
		}
	}
}
END_TEST

/* A body of a megabyte, full of bait, its beginning and end in pieces of every small size. */
START_TEST(whole_bodies_tell_in_small_pieces)
{
	static const struct {
		enum protocol protocol;
		const char *head, *tail;
	} rows[] = {
	    {PROTOCOL_ANTHROPIC, "{\"model\":\"m\",\"content\":[{\"text\":\"",
		"\"}],\"usage\":{\"input_tokens\":1,\"output_tokens\":2}}"},
	    {PROTOCOL_CHAT, "{\"model\":\"m\",\"choices\":[{\"message\":{\"content\":\"",
		"\"}}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}"},
	    {PROTOCOL_RESPONSES, "{\"model\":\"m\",\"output\":[{\"content\":[{\"text\":\"",
		"\"}]}],\"usage\":{\"input_tokens\":1,\"output_tokens\":2}}"},
	};
	const size_t small = (size_t)32 << 10;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes text;
		bytes_init(&text, (size_t)2 << 20);
		ck_assert(bytes_append_str(&text, rows[i].head));
		while (text.len < (size_t)1 << 20)
			MUST(bytes_append_str(&text,
			    "\\\\\\\"},\\\"usage\\\":{\\\"output_tokens\\\":9},\\n words \\\\"));
		ck_assert(bytes_append_str(&text, rows[i].tail));
		for (size_t step = 1; step <= 64; step++) {
			struct tap tap;
			tap_init(&tap, rows[i].protocol, false);
			struct view all = bytes_view(&text);
			feed_by(&tap, view_sub(all, 0, small), step);
			tap_feed(&tap, view_sub(all, small, all.len - 2 * small));
			feed_by(&tap, view_from(all, all.len - small), step);
			check(&tap, &(struct wanted){1, -1, -1, 2, -1, "m", true, false, NULL},
			    "whole");
			tap_fini(&tap);
		}
		bytes_fini(&text);
	}
}
END_TEST

/* Lines that end in CR cost no search for an LF each. */
START_TEST(many_short_lines_are_cheap)
{
	struct bytes text;
	bytes_init(&text, (size_t)4 << 20);
	while (text.len + 2 < (size_t)4 << 20)
		MUST(bytes_append_str(&text, "x\r"));
	struct tap tap;
	tap_init(&tap, PROTOCOL_CHAT, true);
	tap_feed(&tap, bytes_view(&text));
	tap_feed(&tap, VIEW("\r" CHUNK));
	ck_assert_str_eq(tap.found.model, "m");
	tap_fini(&tap);
	bytes_fini(&text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("tap");
	TCase *tests = tcase_create("tap");
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, streams_tell_at_every_split);
	tcase_add_test(tests, an_answer_cut_off_tells_what_came);
	tcase_add_test(tests, whole_answers_tell);
	tcase_add_test(tests, what_cannot_be_is_odd);
	tcase_add_test(tests, names_are_bounded);
	tcase_add_test(tests, big_events_tell);
	tcase_add_test(tests, noise_tells_nothing);
	tcase_add_test(tests, the_word_is_found_wherever_it_stands);
	tcase_add_test(tests, data_of_several_lines_tells);
	tcase_add_test(tests, vendors_have_their_own_places);
	tcase_add_test(tests, placeholders_are_no_usage);
	tcase_add_test(tests, later_counts_replace);
	tcase_add_test(tests, a_cached_part_is_counted_once);
	tcase_add_test(tests, searches_are_counted);
	tcase_add_test(tests, whole_bodies_tell_in_small_pieces);
	tcase_add_test(tests, many_short_lines_are_cheap);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
