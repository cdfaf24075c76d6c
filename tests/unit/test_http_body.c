/* http_body: decoded bytes, limits, and that the split of the bytes changes nothing. */
#include "http_body.h"

#include "http_messages.h"
#include "mem.h"
#include <check.h>
#include <string.h>

#define BODY_MAX (64u << 20)

struct result {
	enum http_chunk_result end;
	size_t used;
	struct bytes body;
};

/* Feeds pieces of `step` bytes, the first of `first`, each an exact copy. */
static void
decode(struct view text, size_t first, size_t step, size_t max, struct result *out)
{
	struct http_chunks chunks;
	http_chunks_init(&chunks);
	*out = (struct result){0};
	bytes_init(&out->body, max);
	for (size_t len = first; out->used < text.len && out->end == HTTP_CHUNK_MORE; len = step) {
		struct view part = view_sub(text, out->used, len);
		char *copy = mem_alloc(part.len);
		memcpy(copy, part.data, part.len);
		size_t used = 0;
		out->end = http_chunks_feed(&chunks, view_make(copy, part.len), &used, &out->body);
		out->used += used;
		ck_assert(out->end != HTTP_CHUNK_MORE || used == part.len);
		mem_free(copy);
	}
}

/* The body of a message with chunks; empty for all others. */
static struct view
chunked_part(struct view text)
{
	if (!view_starts(text, CHUNKED))
		return (struct view){0};
	return view_from(text, strlen(CHUNKED));
}

START_TEST(every_split_gives_the_same)
{
	unsigned seen = 0;
	for (size_t i = 0; i < HTTP_MESSAGES; i++) {
		struct view text = http_message_text(&http_messages[i]);
		struct view part = chunked_part(text);
		struct result whole, cut;
		if (part.len > 0) {
			decode(part, part.len, 1, BODY_MAX, &whole);
			int status = whole.end == HTTP_CHUNK_DONE    ? 200
				     : whole.end == HTTP_CHUNK_LIMIT ? 413
								     : 400;
			ck_assert_msg(status == http_messages[i].status, "message %zu", i);
			for (size_t at = 0; at<part.len; at += part.len> 1000 ? 97 : 1) {
				decode(
				    part, at > 0 ? at : 1, at > 0 ? part.len : 1, BODY_MAX, &cut);
				ck_assert_msg(
				    cut.end == whole.end, "message %zu cut at %zu", i, at);
				ck_assert_uint_eq(cut.used, whole.used);
				ck_assert(view_eq(bytes_view(&cut.body), bytes_view(&whole.body)));
				bytes_fini(&cut.body);
			}
			bytes_fini(&whole.body);
			seen++;
		}
		http_message_free(text);
	}
	ck_assert_uint_gt(seen, 50);
}
END_TEST

START_TEST(the_next_request_is_left)
{
	struct result result;
	decode(VIEW("3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\n"), 100, 1, BODY_MAX, &result);
	ck_assert_int_eq(result.end, HTTP_CHUNK_DONE);
	ck_assert_uint_eq(result.used, 13);
	ck_assert(view_eq_str(bytes_view(&result.body), "abc"));
	bytes_fini(&result.body);
}
END_TEST

/* A chunk above the limit is refused at its size line, before its bytes come. */
START_TEST(the_limit_is_exact)
{
	struct result result;
	decode(VIEW("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), 100, 1, 5, &result);
	ck_assert_int_eq(result.end, HTTP_CHUNK_DONE);
	ck_assert_uint_eq(result.body.len, 5);
	bytes_fini(&result.body);
	decode(VIEW("3\r\nabc\r\n3\r\n"), 100, 1, 5, &result);
	ck_assert_int_eq(result.end, HTTP_CHUNK_LIMIT);
	ck_assert_uint_eq(result.body.len, 3);
	bytes_fini(&result.body);
}
END_TEST

/* Extensions and trailers together: 4096 bytes, counted over all chunks. */
START_TEST(extras_are_limited)
{
	for (unsigned over = 0; over < 2; over++) {
		struct bytes text;
		struct result result;
		bytes_init(&text, 1u << 16);
		/* 64 chunks with 60 bytes each: 3840; the end takes "t: " + filler + 4. */
		for (unsigned i = 0; i < 64; i++) {
			ck_assert(bytes_append_str(&text, "1;"));
			for (unsigned k = 0; k < 59; k++)
				ck_assert(bytes_append_char(&text, 'e'));
			ck_assert(bytes_append_str(&text, "\r\nx\r\n"));
		}
		ck_assert(bytes_append_str(&text, "0\r\nt: "));
		for (unsigned k = 0; k < 4096 - 3840 - 3 - 4 + over; k++)
			ck_assert(bytes_append_char(&text, 'v'));
		ck_assert(bytes_append_str(&text, "\r\n\r\n"));
		decode(bytes_view(&text), 1000, 1000, BODY_MAX, &result);
		ck_assert_int_eq(result.end, over ? HTTP_CHUNK_BAD : HTTP_CHUNK_DONE);
		bytes_fini(&result.body);
		bytes_fini(&text);
	}
}
END_TEST

int
main(void)
{
	TCase *tcase = tcase_create("http_body");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, every_split_gives_the_same);
	tcase_add_test(tcase, the_next_request_is_left);
	tcase_add_test(tcase, the_limit_is_exact);
	tcase_add_test(tcase, extras_are_limited);
	Suite *suite = suite_create("http_body");
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
