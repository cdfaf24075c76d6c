/* The commit wall: what is useful, what is a failure in disguise, what is the end; at any split. */
#include "suite.h"
#include "wall.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* Events with and without their name. */
#define EVENT(type, more) "event: " type "\ndata: {\"type\":\"" type "\"" more "}\n\n"
#define DATA(json) "data: " json "\n\n"

#define A_START EVENT("message_start", ",\"message\":{\"content\":[],\"stop_reason\":null}")
#define A_PING EVENT("ping", "")
#define A_BLOCK                                                                                    \
	EVENT("content_block_start",                                                               \
	    ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}")
#define A_DELTA                                                                                    \
	EVENT("content_block_delta",                                                               \
	    ",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Gr\xc3\xbc\xc3\x9f \"}")
#define A_STOP EVENT("content_block_stop", ",\"index\":0")
#define A_REASON EVENT("message_delta", ",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{}")
#define A_NO_REASON EVENT("message_delta", ",\"delta\":{\"stop_reason\":null},\"usage\":{}")
#define A_END EVENT("message_stop", "")
#define A_ERROR                                                                                    \
	EVENT("error", ",\"error\":{\"type\":\"overloaded_error\",\"message\":"                    \
		       "\"Over\\u006coad\"}")

#define CHUNK(choices)                                                                             \
	DATA("{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"choices\":[" choices           \
	     "],\"usage\":null}")
#define CHOICE(delta, finish) "{\"index\":0,\"delta\":{" delta "},\"finish_reason\":" finish "}"
#define C_ROLE CHUNK(CHOICE("\"role\":\"assistant\",\"content\":\"\",\"refusal\":null", "null"))
#define C_TEXT CHUNK(CHOICE("\"content\":\"a \\\"finish_reason\\\":\\\"x\\\"\"", "null"))
#define C_FINISH CHUNK(CHOICE("", "\"stop\""))
#define C_USAGE CHUNK("")
#define C_DONE DATA("[DONE]")
#define C_ERROR                                                                                    \
	DATA("{\"error\":{\"message\":\"slow\",\"type\":\"server_error\",\"code\":\"slow_down\"}"  \
	     "}")

#define R_EVENT(type, number, more) EVENT("response." type, ",\"sequence_number\":" number more)
#define R_CREATED R_EVENT("created", "0", ",\"response\":{\"id\":\"r1\",\"error\":null}")
#define R_PROGRESS R_EVENT("in_progress", "1", ",\"response\":{\"id\":\"r1\"}")
#define R_ITEM R_EVENT("output_item.added", "2", ",\"item\":{\"type\":\"message\"}")
#define R_TEXT R_EVENT("output_text.delta", "3", ",\"delta\":\"response.failed\"")
#define R_DONE R_EVENT("completed", "4", ",\"response\":{\"id\":\"r1\",\"error\":null}")
#define R_CUT "data: {\"type\":\"response.completed\""
#define R_FAILED                                                                                   \
	R_EVENT("failed", "4",                                                                     \
	    ",\"response\":{\"id\":\"r1\",\"error\":{\"code\":\"server_error\",\"message\":"       \
	    "\"no\"}}")
#define R_ERROR                                                                                    \
	EVENT("error",                                                                             \
	    ",\"sequence_number\":4,\"error\":{\"type\":\"t\",\"code\":\"k\",\"message\":\"m\"}")

#define A PROTOCOL_ANTHROPIC
#define C PROTOCOL_CHAT
#define R PROTOCOL_RESPONSES

#define SEEN(who, text, how, what)                                                                 \
	.protocol = who, .in = text, .verdict = WALL_##how, .fault = WALL_##what
#define ERROR(kind, text) .type = kind, .message = text

static const struct stream_case {
	enum protocol protocol;
	const char *in;
	enum wall_verdict verdict; /* after the end */
	enum wall_fault fault;
	bool terminal, opened;
	const char *type, *message; /* of the error */
	uint64_t sequence;
	bool named; /* means nothing without its event names */
} streams[] = {
    /* anthropic */
    {SEEN(A, A_START A_BLOCK A_DELTA A_STOP A_REASON A_END, COMMIT, FINE), .terminal = true,
	.opened = true},
    {SEEN(A, A_START A_PING A_BLOCK A_DELTA A_STOP A_REASON, COMMIT, FINE), .terminal = true,
	.opened = true},
    {SEEN(A, A_START A_BLOCK A_DELTA A_STOP A_NO_REASON A_END, COMMIT, FINE), .terminal = true,
	.opened = true},
    {SEEN(A, A_START A_BLOCK A_DELTA A_STOP A_NO_REASON, COMMIT, ENDED_EARLY), .opened = true},
    {SEEN(A, A_START A_BLOCK A_DELTA A_STOP, COMMIT, ENDED_EARLY), .opened = true},
    {SEEN(A,
	 A_START A_BLOCK A_DELTA A_STOP "event: message_stop\ndata: {\"type\":\"message_stop\"}\n",
	 COMMIT, ENDED_EARLY),
	.opened = true},
    {SEEN(A, A_START A_REASON A_END, COMMIT, FINE), .terminal = true, .opened = true},
    {SEEN(A, A_START A_END, FAILED, EMPTY), .opened = true},
    {SEEN(A, A_START A_PING, FAILED, ENDED_EARLY), .opened = true},
    {SEEN(A, A_PING, FAILED, ENDED_EARLY)},
    {SEEN(A, A_ERROR, FAILED, ERROR_EVENT), ERROR("overloaded_error", "Overload")},
    {SEEN(A, A_START A_PING A_ERROR A_BLOCK, FAILED, ERROR_EVENT), .opened = true,
	ERROR("overloaded_error", "Overload")},
    {SEEN(A, A_START A_BLOCK A_DELTA A_ERROR, COMMIT, ERROR_EVENT), .terminal = true,
	.opened = true, ERROR("overloaded_error", "Overload")},
    {SEEN(A, A_START A_BLOCK A_DELTA A_STOP A_REASON A_END A_ERROR, COMMIT, FINE), .terminal = true,
	.opened = true},
    {SEEN(A, "event: error\ndata: not json\n\n", FAILED, ERROR_EVENT), ERROR("", ""),
	.named = true},
    {SEEN(
	 A, "event: error\ndata: {\"error\":\"plain \\ud83d\\n\\ttext\"}\n\n", FAILED, ERROR_EVENT),
	ERROR("", "plain      text")},
    {SEEN(A, "data: {\"error\":{\"message\":\"m\",\"type\":\"t\"}}\n\n", FAILED, ERROR_EVENT),
	ERROR("t", "m")},
    {SEEN(A, "event: message_start\ndata: not json\n\n" A_BLOCK A_END, COMMIT, FINE),
	.terminal = true, .opened = true, .named = true},
    {SEEN(A,
	 "event: message\ndata: {\"index\":0,\"type\":\"content_block_start\"}\n\n"
	 "event: message\ndata: {\"type\" : \"message_stop\" }\n\n",
	 COMMIT, FINE),
	.terminal = true},
    {SEEN(A,
	EVENT("content_block_delta", ",\"delta\":{\"text\":\"{\\\"type\\\":\\\"error\\\"}\"}")
	    EVENT("content_block_delta", ",\"delta\":{\"text\":\"message_stop\"}"),
	COMMIT, ENDED_EARLY)},
    {SEEN(A, EVENT("new_event", "") A_END, FAILED, EMPTY)},
    /* chat */
    {SEEN(C, C_ROLE C_TEXT C_TEXT C_FINISH C_USAGE C_DONE, COMMIT, FINE), .terminal = true},
    {SEEN(C, C_ROLE C_TEXT C_DONE, COMMIT, FINE), .terminal = true},
    {SEEN(C, C_ROLE C_TEXT C_TEXT, COMMIT, ENDED_EARLY)},
    {SEEN(C, C_ROLE C_FINISH C_DONE, COMMIT, FINE), .terminal = true},
    {SEEN(C, C_ROLE C_USAGE, FAILED, ENDED_EARLY)},
    {SEEN(C, C_ROLE C_DONE, FAILED, EMPTY)},
    {SEEN(C, C_DONE, FAILED, EMPTY)},
    {SEEN(C, C_ERROR C_DONE, FAILED, ERROR_EVENT), ERROR("slow_down", "slow")},
    {SEEN(C, C_ROLE C_TEXT C_ERROR, COMMIT, ERROR_EVENT), .terminal = true,
	ERROR("slow_down", "slow")},
    {SEEN(C,
	 C_ROLE C_TEXT DATA(
	     "{\"choices\":[" CHOICE("", "\"error\"") "],\"error\":{\"code\":502,"
						      "\"type\":\"t\",\"message\":\"m\"}}"),
	 COMMIT, ERROR_EVENT),
	.terminal = true, ERROR("t", "m")},
    {SEEN(C,
	 C_ROLE C_TEXT DATA("{\"choices\":[" CHOICE("", "null") "],\"error\":{\"message\":\"m\"}}"),
	 COMMIT, ERROR_EVENT),
	.terminal = true, ERROR("", "m")},
    {SEEN(C, "event:error\ndata:{\"code\":\"InvalidApiKey\",\"message\":\"m\"}\n\n", FAILED,
	 ERROR_EVENT),
	ERROR("InvalidApiKey", "m"), .named = true},
    {SEEN(C, DATA("{\"choices\":[" CHOICE("\"content\":\"x\"", "\"\"") "],\"error\":null}"), COMMIT,
	ENDED_EARLY)},
    {SEEN(C, CHUNK(CHOICE("\"reasoning_content\":\"x\"", "null")) C_DONE, COMMIT, FINE),
	.terminal = true},
    {SEEN(C, CHUNK(CHOICE("\"content\":[{\"type\":\"thinking\"}]", "null")) C_DONE, COMMIT, FINE),
	.terminal = true},
    {SEEN(C, CHUNK(CHOICE("\"refusal\":\"no\"", "null")) C_DONE, COMMIT, FINE), .terminal = true},
    {SEEN(C, CHUNK(CHOICE("\"tool_calls\":[{\"index\":0}]", "null")) C_DONE, COMMIT, FINE),
	.terminal = true},
    {SEEN(C,
	CHUNK(CHOICE("\"role\":\"assistant\",\"content\":null,\"tool_calls\":[]", "null")) C_DONE,
	FAILED, EMPTY)},
    {SEEN(
	 C, CHUNK(CHOICE("", "null") "," CHOICE("\"content\":\"b\"", "null")) C_DONE, COMMIT, FINE),
	.terminal = true},
    {SEEN(C, C_TEXT CHUNK(CHOICE("\"content\":\"b\"", "null") "," CHOICE("", "\"stop\"")), COMMIT,
	 FINE),
	.terminal = true},
    {SEEN(C, C_TEXT DATA("{\"choices\":[{\"delta\":{},\"finish_reason\" : \"stop\"}]}"), COMMIT,
	 FINE),
	.terminal = true},
    {SEEN(C, C_TEXT DATA("{\"choices\":[{\"delta\":{\"content\":\"z\"}}]}"), COMMIT, ENDED_EARLY)},
    {SEEN(C, DATA("not json") C_TEXT C_FINISH, COMMIT, FINE), .terminal = true},
    {SEEN(C, DATA("not json"), FAILED, ENDED_EARLY)},
    /* responses */
    {SEEN(R, R_CREATED R_PROGRESS R_ITEM R_TEXT R_DONE, COMMIT, FINE), .terminal = true,
	.opened = true, .sequence = 5},
    {SEEN(R, R_CREATED R_PROGRESS R_ITEM R_TEXT, COMMIT, ENDED_EARLY), .opened = true,
	.sequence = 4},
    {SEEN(R, R_TEXT R_CUT "}", COMMIT, FINE), .terminal = true, .named = true},
    {SEEN(R, R_CREATED R_TEXT R_CUT, COMMIT, ENDED_EARLY), .opened = true},
    {SEEN(R, R_CREATED R_PROGRESS, FAILED, ENDED_EARLY), .opened = true, .sequence = 2},
    {SEEN(R, R_CREATED R_FAILED, FAILED, ERROR_EVENT), .opened = true, ERROR("server_error", "no"),
	.sequence = 5},
    {SEEN(R, R_CREATED R_ITEM R_FAILED, COMMIT, ERROR_EVENT), .terminal = true, .opened = true,
	ERROR("server_error", "no"), .sequence = 5},
    {SEEN(R, R_CREATED R_ERROR, FAILED, ERROR_EVENT), .opened = true, ERROR("k", "m"),
	.sequence = 5},
    {SEEN(R, R_EVENT("completed", "4", ",\"response\":{\"status\":\"failed\"}"), FAILED,
	 ERROR_EVENT),
	ERROR("response.completed", ""), .sequence = 5},
    {SEEN(R, EVENT("response.error", ""), FAILED, ERROR_EVENT), ERROR("response.error", ""),
	.sequence = 1},
    {SEEN(R, R_CREATED R_ITEM R_ERROR, COMMIT, ERROR_EVENT), .opened = true, ERROR("k", "m"),
	.sequence = 5},
    {SEEN(R, R_CREATED R_ITEM R_ERROR R_FAILED, COMMIT, ERROR_EVENT), .terminal = true,
	.opened = true, ERROR("server_error", "no"), .sequence = 5},
    {SEEN(R, EVENT("error", ",\"code\":\"k\",\"message\":\"m\",\"sequence_number\":7"), FAILED,
	 ERROR_EVENT),
	ERROR("k", "m"), .sequence = 8},
    {SEEN(R, R_CREATED R_EVENT("incomplete", "9", ",\"response\":{}"), COMMIT, FINE),
	.terminal = true, .opened = true, .sequence = 10},
    {SEEN(R, R_ITEM EVENT("response.done", ""), COMMIT, FINE), .terminal = true, .sequence = 4},
    {SEEN(R, R_CREATED EVENT("keepalive", ",\"sequence_number\":1") EVENT("codex.rate_limits", ""),
	 FAILED, ENDED_EARLY),
	.opened = true, .sequence = 3},
    {SEEN(R,
	 DATA("{\"response\":{\"id\":1},\"type\":\"response.created\"}")
	     DATA("{\"item\":{},\"type\":\"response.output_item.added\"}")
		 DATA("{\"response\":{\"output\":[]},\"type\":\"response.completed\"}"),
	 COMMIT, FINE),
	.terminal = true, .opened = true, .sequence = 3},
    /* no event stream, whatever its content-type says */
    {SEEN(A, "", FAILED, EMPTY)},
    {SEEN(C, "\n\n", FAILED, EMPTY)},
    {SEEN(R, ": keep-alive\n\n", FAILED, EMPTY)},
    {SEEN(A, "Service unavailable\n\n", FAILED, NOT_SSE)},
    {SEEN(A, "\xef\xbb\xbf\n <!DOCTYPE html><html>data: x\n\n</html>", FAILED, NOT_SSE)},
    {SEEN(A, " {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"x\"}}\n", FAILED,
	 ERROR_EVENT),
	ERROR("api_error", "x")},
    {SEEN(C, "{\"choices\":[]}", FAILED, NOT_SSE)},
    {SEEN(C, "{\"error\":{\"mess", FAILED, NOT_SSE)},
    {SEEN(R, "[1]", FAILED, NOT_SSE)},
};

static const struct {
	enum protocol protocol;
	const char *in;
	enum wall_verdict verdict;
	enum wall_fault fault;
	const char *type, *message;
} wholes[] = {
    {SEEN(A, "{\"type\":\"message\",\"content\":[],\"stop_reason\":\"end_turn\"}", COMMIT, FINE)},
    {SEEN(A, " \r\n{\"input_tokens\":12}\n", COMMIT, FINE)},
    {SEEN(A, "{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"x\"}}", FAILED,
	 ERROR_EVENT),
	ERROR("api_error", "x")},
    {SEEN(A, "{\"type\":\"error\",\"message\":\"x\"}", FAILED, ERROR_EVENT), ERROR("error", "x")},
    {SEEN(A, "{\"success\":false,\"message\":\"x\"}", FAILED, NOT_JSON)},
    {SEEN(A, "{\"type\":\"message\",\"content\":\"x\"}", FAILED, NOT_JSON)},
    {SEEN(C, "{\"choices\":[{\"message\":{\"content\":\"error\"}}],\"error\":null}", COMMIT, FINE)},
    {SEEN(C, "{\"error\":{\"message\":\"m\",\"type\":\"t\",\"code\":null}}", FAILED, ERROR_EVENT),
	ERROR("t", "m")},
    {SEEN(C, "{\"error\":\"m\"}", FAILED, ERROR_EVENT), ERROR("", "m")},
    {SEEN(C, "{\"content\":[]}", FAILED, NOT_JSON)},
    {SEEN(C, "{\"choices\":[]}", FAILED, EMPTY)}, /* no client can read that */
    {SEEN(R, "{\"output\":[],\"status\":\"failed\"}", FAILED, ERROR_EVENT), ERROR("", "")},
    {SEEN(R, "{\"output\":[],\"status\":\"completed\",\"error\":null}", COMMIT, FINE)},
    {SEEN(R, "{\"output\":[],\"error\":{\"code\":\"k\",\"message\":\"m\"}}", FAILED, ERROR_EVENT),
	ERROR("k", "m")},
    {SEEN(R, "", FAILED, EMPTY)},
    {SEEN(R, " \n\t\r\n", FAILED, EMPTY)},
    {SEEN(C, "<html>502</html>", FAILED, NOT_JSON)},
    {SEEN(C, "{\"choices\":[]", FAILED, NOT_JSON)},
    {SEEN(C, "{\"choices\":[]}}", FAILED, NOT_JSON)},
    {SEEN(C, "[]", FAILED, NOT_JSON)},
    {SEEN(C, "null", FAILED, NOT_JSON)},
};

/* Feeds `in` in pieces that end at `first` and then every `step` bytes; each piece is a copy that
 * is gone afterwards. */
static void
watch(struct wall *wall, enum protocol protocol, enum wall_shape shape, struct view in,
    size_t first, size_t step)
{
	wall_init(wall, protocol, shape);
	for (size_t at = 0, len = first; at < in.len; at += len, len = step) {
		struct view piece = view_sub(in, at, len);
		char *copy = malloc(piece.len + 1);
		if (copy == NULL)
			ck_abort();
		memcpy(copy, piece.data, piece.len);
		enum wall_verdict before = wall->verdict;
		enum wall_verdict after = wall_feed(wall, view_make(copy, piece.len));
		/* No ck_assert for each piece: that costs a system call. */
		if (after != wall->verdict || (before != WALL_WAIT && before != after))
			ck_abort_msg("the verdict went from %d to %d", (int)before, (int)after);
		free(copy);
	}
	enum wall_verdict before = wall->verdict;
	enum wall_verdict after = wall_end(wall);
	ck_assert(after != WALL_WAIT && (before == WALL_WAIT || before == after));
}

/* One line with all that was found, so that one comparison shows every difference. */
static void
describe(char out[512], enum wall_verdict verdict, enum wall_fault fault, bool terminal,
    bool opened, const char *type, const char *message)
{
	snprintf(out, 512, "verdict=%d fault=%s terminal=%d opened=%d type=%s message=%s",
	    (int)verdict, wall_fault_name(fault), terminal, opened, type ? type : "",
	    message ? message : "");
}

static void
check_stream(const struct stream_case *row, struct view in, size_t first, size_t step)
{
	struct wall wall;
	char expected[512], found[512];
	watch(&wall, row->protocol, WALL_STREAM, in, first, step);
	describe(expected, row->verdict, row->fault, row->terminal, row->opened, row->type,
	    row->message);
	describe(found, wall.verdict, wall.fault, wall.terminal, wall.opened, wall.error_type,
	    wall.error_message);
	ck_assert_str_eq(found, expected);
	if ((row->sequence > 0 && wall.sequence_next != row->sequence) || wall.seen_bytes != in.len)
		ck_abort_msg("sequence %d", (int)wall.sequence_next);
	wall_fini(&wall);
}

static void
check_every_split(const struct stream_case *row, struct view in)
{
	check_stream(row, in, in.len, in.len);
	for (size_t step = 1; step <= 3; step++)
		check_stream(row, in, step, step);
	for (size_t first = 1; first < in.len; first++)
		check_stream(row, in, first, in.len);
}

START_TEST(a_stream_is_judged_alike_at_every_split)
{
	check_every_split(&streams[_i], view_of(streams[_i].in));
}
END_TEST

START_TEST(line_ends_do_not_matter)
{
	const char *const ends[] = {"\r", "\r\n"};
	for (int k = 0; k < COUNT(ends); k++) {
		struct bytes in;
		bytes_init(&in, 65536);
		for (const char *p = streams[_i].in; *p != '\0'; p++) {
			if (*p == '\n')
				ck_assert(bytes_append_str(&in, ends[k]));
			else
				ck_assert(bytes_append_char(&in, *p));
		}
		check_stream(&streams[_i], bytes_view(&in), in.len, in.len);
		check_stream(&streams[_i], bytes_view(&in), 1, 1);
		check_stream(&streams[_i], bytes_view(&in), in.len / 2, 7);
		bytes_fini(&in);
	}
}
END_TEST

START_TEST(event_names_are_not_needed)
{
	struct bytes in;
	struct view rest = view_of(streams[_i].in), line;
	if (streams[_i].named)
		return;
	bytes_init(&in, 65536);
	while (view_split(&rest, '\n', &line)) {
		if (view_starts(line, "event:"))
			continue;
		ck_assert(bytes_append_view(&in, line));
		if (rest.data > line.data + line.len)
			ck_assert(bytes_append_char(&in, '\n'));
	}
	if (in.len > 0 && streams[_i].in[strlen(streams[_i].in) - 1] != '\n')
		in.len--;
	check_stream(&streams[_i], bytes_view(&in), in.len, in.len);
	check_stream(&streams[_i], bytes_view(&in), 1, 1);
	bytes_fini(&in);
}
END_TEST

START_TEST(a_whole_answer_is_judged_at_its_end)
{
	struct view in = view_of(wholes[_i].in);
	for (size_t first = 0; first <= in.len; first++) {
		struct wall wall;
		watch(&wall, wholes[_i].protocol, WALL_WHOLE, in, first, first % 2 ? 1 : in.len);
		ck_assert_int_eq(wall.verdict, wholes[_i].verdict);
		ck_assert_str_eq(wall_fault_name(wall.fault), wall_fault_name(wholes[_i].fault));
		ck_assert_int_eq(wall.terminal, wholes[_i].verdict == WALL_COMMIT);
		ck_assert_str_eq(wall.error_type, wholes[_i].type ? wholes[_i].type : "");
		ck_assert_str_eq(wall.error_message, wholes[_i].message ? wholes[_i].message : "");
		wall_fini(&wall);
	}
}
END_TEST

/* The event that commits, and the ones before it that must not. */
static const struct {
	enum protocol protocol;
	const char *events[4];
} firsts[] = {
    {A, {A_START, A_PING, A_BLOCK}},
    {A, {A_START, A_DELTA}},
    {A, {A_START, A_REASON}},
    {C, {C_ROLE, C_USAGE, C_TEXT}},
    {C, {C_ROLE, C_FINISH}},
    {C, {CHUNK(CHOICE("\"role\":\"assistant\",\"content\":null", "null")), C_TEXT}},
    {R, {R_CREATED, R_PROGRESS, EVENT("response.queued", ""), R_ITEM}},
    {R, {R_CREATED, EVENT("keepalive", ""), R_TEXT}},
    {R, {R_CREATED, R_DONE}},
};

START_TEST(the_first_useful_event_commits)
{
	struct wall wall;
	wall_init(&wall, firsts[_i].protocol, WALL_STREAM);
	for (int k = 0; k < 4 && firsts[_i].events[k] != NULL; k++) {
		bool last = k == 3 || firsts[_i].events[k + 1] == NULL;
		enum wall_verdict verdict = wall_feed(&wall, view_of(firsts[_i].events[k]));
		ck_assert_int_eq(verdict, last ? WALL_COMMIT : WALL_WAIT);
	}
	wall_fini(&wall);
}
END_TEST

START_TEST(html_fails_at_its_first_byte)
{
	struct wall wall;
	wall_init(&wall, A, WALL_STREAM);
	ck_assert_int_eq(wall_feed(&wall, VIEW("\r\n")), WALL_WAIT);
	ck_assert_int_eq(wall_feed(&wall, VIEW("<")), WALL_FAILED);
	ck_assert_int_eq(wall.fault, WALL_NOT_SSE);
	wall_fini(&wall);
}
END_TEST

START_TEST(any_byte_commits_what_is_opaque)
{
	struct wall wall;
	wall_init(&wall, A, WALL_OPAQUE);
	ck_assert_int_eq(wall_feed(&wall, VIEW("")), WALL_WAIT);
	ck_assert_int_eq(wall_feed(&wall, VIEW("<")), WALL_COMMIT);
	ck_assert(!wall.terminal);
	ck_assert_int_eq(wall_end(&wall), WALL_COMMIT);
	ck_assert(wall.terminal);
	wall_fini(&wall);
	wall_init(&wall, A, WALL_OPAQUE);
	ck_assert_int_eq(wall_end(&wall), WALL_COMMIT);
	ck_assert(wall.terminal);
	wall_fini(&wall);
}
END_TEST

/* Feeds `total` bytes of `fill` in pieces of `step`; returns how many went in before the verdict.
 */
static size_t
flood(struct wall *wall, char fill, size_t total, size_t step)
{
	static char block[4096];
	size_t fed = 0;
	memset(block, fill, sizeof(block));
	ck_assert_uint_le(step, sizeof(block));
	while (fed < total && wall->verdict == WALL_WAIT) {
		size_t len = total - fed < step ? total - fed : step;
		wall_feed(wall, view_make(block, len));
		fed += len;
		size_t held = wall->sse.line.cap + wall->sse.data.cap + wall->whole.cap;
		if (held > WALL_HOLD_BYTES + 4096)
			ck_abort_msg("%zu bytes are held", held);
	}
	return fed;
}

static const struct {
	const char *name;
	enum wall_shape shape;
	const char *head;
	char fill;
	enum wall_verdict verdict;
	enum wall_fault fault;
} floods[] = {
    {"a huge first event", WALL_STREAM, "event: message_start\ndata: ", 'x', WALL_COMMIT,
	WALL_FINE},
    {"the same without its name", WALL_STREAM, "data: ", 'x', WALL_COMMIT, WALL_FINE},
    {"text without lines", WALL_STREAM, "x", 'x', WALL_FAILED, WALL_NOT_SSE},
    {"blank lines", WALL_STREAM, "", '\n', WALL_FAILED, WALL_NOT_SSE},
    {"comments", WALL_STREAM, ":\n", '\n', WALL_COMMIT, WALL_FINE},
    {"JSON that says to be a stream", WALL_STREAM, "{", ' ', WALL_FAILED, WALL_NOT_SSE},
    {"a long page", WALL_WHOLE, "\n<", ' ', WALL_FAILED, WALL_NOT_JSON},
    {"a long answer", WALL_WHOLE, "{", ' ', WALL_COMMIT, WALL_FINE},
};

START_TEST(what_is_held_is_bounded)
{
	const size_t steps[] = {7, 1000, 4096};
	for (int k = 0; k < COUNT(steps); k++) {
		struct wall wall;
		wall_init(&wall, A, floods[_i].shape);
		struct view head = view_of(floods[_i].head);
		ck_assert_int_eq(wall_feed(&wall, head), WALL_WAIT);
		size_t room = WALL_HOLD_BYTES - head.len;
		ck_assert_uint_eq(flood(&wall, floods[_i].fill, room, steps[k]), room);
		ck_assert_int_eq(wall.verdict, WALL_WAIT);
		flood(&wall, floods[_i].fill, 1, 1);
		ck_assert_int_eq(wall.verdict, floods[_i].verdict);
		ck_assert_int_eq(wall.fault, floods[_i].fault);
		ck_assert_ptr_null(wall.whole.data);
		wall_fini(&wall);
	}
}
END_TEST

START_TEST(the_bound_is_the_same_at_any_split)
{
	static char in[WALL_HOLD_BYTES + 1024];
	const char *error = A_ERROR;
	const size_t steps[] = {7, 333, 65536, sizeof(in)};
	memset(in, '\n', sizeof(in));
	memcpy(in, ":\n", 2);
	memcpy(in + sizeof(in) - strlen(error), error, strlen(error));
	for (int k = 0; k < COUNT(steps); k++) {
		struct wall wall;
		watch(&wall, A, WALL_STREAM, view_make(in, sizeof(in)), steps[k], steps[k]);
		ck_assert_int_eq(wall.verdict, WALL_COMMIT);
		ck_assert_int_eq(wall.fault, WALL_ERROR_EVENT);
		ck_assert(wall.terminal);
		wall_fini(&wall);
	}
}
END_TEST

START_TEST(a_long_whole_answer_must_end_like_json)
{
	for (int whole = 0; whole <= 1; whole++) {
		static char block[WALL_HOLD_BYTES + 1];
		struct wall wall;
		memset(block, ' ', sizeof(block));
		block[1] = '{';
		wall_init(&wall, C, WALL_WHOLE);
		ck_assert_int_eq(wall_feed(&wall, view_make(block, sizeof(block))), WALL_COMMIT);
		wall_feed(&wall, whole ? VIEW("\"choices\":[]}") : VIEW("\"choices\":["));
		wall_feed(&wall, VIEW(" \n"));
		wall_end(&wall);
		ck_assert_int_eq(wall.terminal, whole);
		ck_assert_int_eq(wall.fault, whole ? WALL_FINE : WALL_ENDED_EARLY);
		wall_fini(&wall);
	}
}
END_TEST

START_TEST(an_event_too_long_to_read_is_known_by_its_type)
{
	static const struct {
		enum protocol protocol;
		const char *head;
		bool terminal;
	} rows[] = {
	    {R, "event: response.completed\ndata: {\"a\":\"", true},
	    {R, "data: {\"type\":\"response.completed\",\"a\":\"", true},
	    {R, "data: {\"type\":\"response.image.partial\",\"a\":\"", false},
	    {R, "data: {\"a\":\"", false},
	    {C, "data: {\"a\":\"", false},
	};
	for (int k = 0; k < COUNT(rows); k++) {
		struct wall wall;
		wall_init(&wall, rows[k].protocol, WALL_STREAM);
		wall_feed(&wall, view_of(rows[k].head));
		flood(&wall, 'x', WALL_HOLD_BYTES / 2 + 1, 4096);
		wall_feed(&wall, VIEW("\"}\n\n"));
		ck_assert_int_eq(wall.verdict, WALL_COMMIT);
		ck_assert_int_eq(wall.terminal, rows[k].terminal);
		ck_assert_uint_eq(wall.events, 1);
		wall_fini(&wall);
	}
}
END_TEST

START_TEST(the_error_text_is_cut_between_characters)
{
	struct bytes in;
	struct wall wall;
	bytes_init(&in, 65536);
	ck_assert(bytes_append_str(&in, "data: {\"error\":{\"type\":\"t\",\"message\":\"a"));
	for (int i = 0; i < 300; i++)
		ck_assert(bytes_append_str(&in, "\\u4e16\xe4\xb8\x96"));
	ck_assert(bytes_append_str(&in, "\"}}\n\n"));
	wall_init(&wall, A, WALL_STREAM);
	ck_assert_int_eq(wall_feed(&wall, bytes_view(&in)), WALL_FAILED);
	ck_assert_uint_eq(strlen(wall.error_message), 253);
	struct view rest = view_from(view_of(wall.error_message), 1);
	for (; rest.len > 0; rest = view_from(rest, 3))
		ck_assert(view_starts(rest, "\xe4\xb8\x96"));
	wall_fini(&wall);
	bytes_fini(&in);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("wall");
	TCase *tests = tcase_create("wall");
	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, a_stream_is_judged_alike_at_every_split, 0, COUNT(streams));
	tcase_add_loop_test(tests, line_ends_do_not_matter, 0, COUNT(streams));
	tcase_add_loop_test(tests, event_names_are_not_needed, 0, COUNT(streams));
	tcase_add_loop_test(tests, a_whole_answer_is_judged_at_its_end, 0, COUNT(wholes));
	tcase_add_loop_test(tests, the_first_useful_event_commits, 0, COUNT(firsts));
	tcase_add_test(tests, html_fails_at_its_first_byte);
	tcase_add_test(tests, any_byte_commits_what_is_opaque);
	tcase_add_loop_test(tests, what_is_held_is_bounded, 0, COUNT(floods));
	tcase_add_test(tests, the_bound_is_the_same_at_any_split);
	tcase_add_test(tests, a_long_whole_answer_must_end_like_json);
	tcase_add_test(tests, an_event_too_long_to_read_is_known_by_its_type);
	tcase_add_test(tests, the_error_text_is_cut_between_characters);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
