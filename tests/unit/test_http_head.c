/* http_head: what is refused, with which status, and that the split of the bytes changes nothing.
 */
#include "http_head.h"

#include "http_body.h"
#include "http_messages.h"
#include "mem.h"
#include <check.h>
#include <stdlib.h>

#define HEADERS_MAX 128
#define BODY_MAX (64u << 20)

static const struct http_head_limits limits = {64u << 10, 16u << 10};

struct result {
	int status; /* 0 = more bytes are wanted */
	struct http_head head;
	struct http_header headers[HEADERS_MAX];
};

static int
status_of(enum http_head_state state, const struct http_head *head)
{
	return state == HTTP_HEAD_MORE ? 0 : state == HTTP_HEAD_DONE ? 200 : head->status;
}

/* A copy of exact size, so that a read behind the end is found. */
static char *
exact(struct view text)
{
	char *copy = mem_alloc(text.len);
	for (size_t i = 0; i < text.len; i++)
		copy[i] = text.data[i];
	return copy;
}

/* Parses the first `cut` bytes, then the whole. The result points into the copy that is returned.
 */
static char *
parse_split(struct view text, size_t cut, struct result *out)
{
	size_t seen = 0;
	*out = (struct result){.head = {.headers = out->headers, .headers_max = HEADERS_MAX}};
	for (size_t len = cut > 0 ? cut : text.len;; len = text.len) {
		char *copy = exact(view_sub(text, 0, len));
		enum http_head_state state =
		    http_head_parse(&out->head, view_make(copy, len), &seen, &limits);
		out->status = status_of(state, &out->head);
		if (state != HTTP_HEAD_MORE || len == text.len)
			return copy;
		mem_free(copy);
	}
}

/* The verdict over head and chunked framing, as the server would give it. */
static int
judge(struct view text)
{
	struct result result;
	char *copy = parse_split(text, 0, &result);
	int status = result.status;
	if (status == 200 && result.head.length > BODY_MAX)
		status = 413;
	if (status == 200 && result.head.chunked) {
		struct http_chunks chunks;
		struct bytes body;
		size_t used;
		bytes_init(&body, BODY_MAX);
		http_chunks_init(&chunks);
		enum http_chunk_result end =
		    http_chunks_feed(&chunks, view_from(text, result.head.head_len), &used, &body);
		status = end == HTTP_CHUNK_DONE ? 200 : end == HTTP_CHUNK_LIMIT ? 413 : 400;
		bytes_fini(&body);
	}
	mem_free(copy);
	return status;
}

START_TEST(every_message_gets_its_status)
{
	for (size_t i = 0; i < HTTP_MESSAGES; i++) {
		struct view text = http_message_text(&http_messages[i]);
		int status = judge(text);
		http_message_free(text);
		ck_assert_msg(status == http_messages[i].status,
		    "message %zu: %d instead of %d: %.*s", i, status, http_messages[i].status,
		    VIEW_ARGS(view_sub(http_messages[i].text, 0, 200)));
	}
}
END_TEST

static void
assert_same(const struct result *a, const struct result *b, size_t message, size_t cut)
{
	ck_assert_msg(a->status == b->status, "message %zu cut at %zu: %d, whole: %d", message, cut,
	    b->status, a->status);
	if (a->status != 200) {
		ck_assert_str_eq(a->head.why, b->head.why);
		return;
	}
	ck_assert_uint_eq(a->head.head_len, b->head.head_len);
	ck_assert_uint_eq(a->head.length, b->head.length);
	ck_assert(a->head.method == b->head.method && a->head.minor == b->head.minor);
	ck_assert(a->head.chunked == b->head.chunked && a->head.keep_alive == b->head.keep_alive);
	ck_assert(a->head.expect_continue == b->head.expect_continue);
	ck_assert(view_eq(a->head.path, b->head.path) && view_eq(a->head.query, b->head.query));
	ck_assert_uint_eq(a->head.header_count, b->head.header_count);
	for (unsigned i = 0; i < a->head.header_count; i++)
		ck_assert(view_eq(a->headers[i].name, b->headers[i].name) &&
			  view_eq(a->headers[i].value, b->headers[i].value));
}

START_TEST(every_split_gives_the_same)
{
	static struct result whole, cut;
	for (size_t i = 0; i < HTTP_MESSAGES; i++) {
		struct view text = http_message_text(&http_messages[i]);
		/* The long ones hold nothing but filler in their midst. */
		size_t step = text.len > 4096 ? 1021 : text.len > 400 ? 13 : 1;
		char *first = parse_split(text, 0, &whole);
		for (size_t at = 1; at < text.len; at += step) {
			char *second = parse_split(text, at, &cut);
			if (cut.status != 0 || whole.status == 0)
				assert_same(&whole, &cut, i, at);
			mem_free(second);
		}
		mem_free(first);
		http_message_free(text);
	}
}
END_TEST

START_TEST(byte_by_byte_gives_the_same)
{
	static struct result whole, drip;
	for (size_t i = 0; i < HTTP_MESSAGES; i++) {
		struct view text = http_message_text(&http_messages[i]);
		char *copy = parse_split(text, 0, &whole);
		size_t seen = 0;
		enum http_head_state state = HTTP_HEAD_MORE;
		drip =
		    (struct result){.head = {.headers = drip.headers, .headers_max = HEADERS_MAX}};
		for (size_t len = 1; len <= text.len && state == HTTP_HEAD_MORE; len++)
			state = http_head_parse(&drip.head, view_sub(text, 0, len), &seen, &limits);
		drip.status = status_of(state, &drip.head);
		assert_same(&whole, &drip, i, 1);
		mem_free(copy);
		http_message_free(text);
	}
}
END_TEST

static void
parse(const char *text, struct result *out)
{
	size_t seen = 0;
	*out = (struct result){0};
	out->head.headers = out->headers;
	out->head.headers_max = HEADERS_MAX;
	out->status =
	    status_of(http_head_parse(&out->head, view_of(text), &seen, &limits), &out->head);
}

START_TEST(fields_are_found)
{
	struct result r;
	parse("POST /a/b?c=d HTTP/1.1\r\nHost: h:1\r\nX-Y:  z \r\nE:\r\nContent-Length: 12\r\n"
	      "Expect: 100-continue\r\n\r\nrest",
	    &r);
	ck_assert_int_eq(r.status, 200);
	ck_assert(r.head.method == HTTP_POST && view_eq_str(r.head.method_name, "POST"));
	ck_assert(view_eq_str(r.head.path, "/a/b") && view_eq_str(r.head.query, "c=d"));
	ck_assert_uint_eq(r.head.header_count, 5);
	ck_assert(view_eq_str(r.headers[1].name, "X-Y") && view_eq_str(r.headers[1].value, "z"));
	ck_assert(view_eq_str(r.headers[2].name, "E") && r.headers[2].value.len == 0);
	ck_assert(r.head.has_length && r.head.length == 12 && !r.head.chunked);
	ck_assert(r.head.expect_continue && r.head.keep_alive && r.head.minor == 1);
	parse("GET http://h/a?b HTTP/1.1\r\nHost: H\r\n\r\n", &r);
	ck_assert(view_eq_str(r.head.path, "/a") && view_eq_str(r.head.query, "b"));
	parse("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", &r);
	ck_assert(r.head.method == HTTP_OPTIONS && view_eq_str(r.head.path, "*"));
}
END_TEST

START_TEST(connection_options)
{
	static const struct {
		const char *text;
		bool keep;
	} cases[] = {
	    {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
	    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false},
	    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: foo, CLOSE\r\n\r\n", false},
	    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: foo\r\nConnection: close\r\n\r\n", false},
	    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, close\r\n\r\n", false},
	    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n\r\n", true},
	    {"GET / HTTP/1.0\r\n\r\n", false},
	    {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
	    {"GET / HTTP/1.0\r\nConnection: keep-alive,close\r\n\r\n", false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct result r;
		parse(cases[i].text, &r);
		ck_assert_int_eq(r.status, 200);
		ck_assert_msg(r.head.keep_alive == cases[i].keep, "%s", cases[i].text);
	}
	struct result r;
	parse("POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n", &r);
	ck_assert(r.status == 200 && !r.head.expect_continue);
}
END_TEST

/* What is no HTTP at all is refused before the head is complete. */
START_TEST(refused_early)
{
	static const char *const texts[] = {"GET /\r\n", "\x16\x03\x01", "SSH-2.0-x\r\n",
	    "GET / HTTP/2.0\r\n", "BREW / HTTP/1.1\r\n", "GET / HTTP/1.1\n", "\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: a\r\nb: \x01"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct result r;
		parse(texts[i], &r);
		ck_assert_msg(r.status >= 400, "%s", texts[i]);
	}
	struct result r;
	parse("\r\nGET / HTTP/1.1\r\nHost: a\r\n", &r);
	ck_assert_int_eq(r.status, 0);
	parse("", &r);
	ck_assert_int_eq(r.status, 0);
}
END_TEST

/* The limits hold to the byte. */
START_TEST(limits_are_exact)
{
	static const char text[] = "GET /12345678 HTTP/1.1\r\nHost: a\r\n\r\n";
	const size_t len = sizeof(text) - 1;
	struct http_header headers[2];
	for (size_t off = 0; off < 2; off++) {
		const struct http_head_limits by_head = {len - off, 100},
					      by_target = {1000, 9 - off};
		struct http_head head = {.headers = headers, .headers_max = 1};
		size_t seen = 0;
		enum http_head_state want = off == 0 ? HTTP_HEAD_DONE : HTTP_HEAD_BAD;
		ck_assert_int_eq(
		    http_head_parse(&head, view_make(text, len), &seen, &by_head), want);
		ck_assert(off == 0 || head.status == 431);
		seen = 0;
		ck_assert_int_eq(
		    http_head_parse(&head, view_make(text, len), &seen, &by_target), want);
		ck_assert(off == 0 || head.status == 414);
		seen = 0;
		head.headers_max = (unsigned)(1 - off);
		const struct http_head_limits wide = {1000, 1000};
		ck_assert_int_eq(http_head_parse(&head, view_make(text, len), &seen, &wide), want);
		ck_assert(off == 0 || head.status == 431);
	}
}
END_TEST

/* The lists are as long as they claim to be. */
START_TEST(lists_are_long)
{
	size_t refused = 0;
	for (size_t i = 0; i < HTTP_MESSAGES; i++)
		refused += http_messages[i].status != 200;
	ck_assert_uint_ge(refused, 120);
	ck_assert_uint_ge(HTTP_MESSAGES - refused, 40);
}
END_TEST

int
main(void)
{
	TCase *tcase = tcase_create("http_head");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, every_message_gets_its_status);
	tcase_add_test(tcase, every_split_gives_the_same);
	tcase_add_test(tcase, byte_by_byte_gives_the_same);
	tcase_add_test(tcase, fields_are_found);
	tcase_add_test(tcase, connection_options);
	tcase_add_test(tcase, refused_early);
	tcase_add_test(tcase, limits_are_exact);
	tcase_add_test(tcase, lists_are_long);
	Suite *suite = suite_create("http_head");
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
