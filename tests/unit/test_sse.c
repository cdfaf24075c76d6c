/* The reader of server-sent events: the rules of the standard, at any split, bounded. */
#include "sse.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define KEEP_BYTES 20

/* Events as text: name|data; with * where cut, and LF written as ~. */
static void
on_event(const struct sse_event *event, void *ctx)
{
	struct bytes *out = ctx;
	ck_assert(bytes_append_view(out, event->name));
	ck_assert(bytes_append_char(out, '|'));
	for (size_t i = 0; i < event->data.len; i++) {
		char c = event->data.data[i];
		ck_assert(bytes_append_char(out, c == '\n' ? '~' : c));
	}
	ck_assert(bytes_append_str(out, event->cut ? "*;" : ";"));
}

/* Reads `in` in pieces that end at `first` and then every `step` bytes. Each piece is a copy of its
 * own that is gone before the next, so that nothing borrowed can outlive its feed. */
static void
read_split(struct view in, size_t first, size_t step, struct bytes *out)
{
	struct sse_reader reader;
	sse_init(&reader, KEEP_BYTES, on_event, out);
	for (size_t at = 0, len = first; at < in.len; at += len, len = step) {
		struct view piece = view_sub(in, at, len);
		char *copy = malloc(piece.len + 1);
		ck_assert_ptr_nonnull(copy);
		memcpy(copy, piece.data, piece.len);
		sse_feed(&reader, view_make(copy, piece.len));
		free(copy);
	}
	ck_assert_uint_le(reader.line.len, KEEP_BYTES + SSE_NAME_BYTES_MAX + 16);
	ck_assert_uint_le(reader.data.cap, 256);
	sse_fini(&reader);
}

#define LONG_40 "0123456789012345678901234567890123456789"
#define LONG_160 LONG_40 LONG_40 LONG_40 LONG_40

static const struct {
	const char *in, *events;
} cases[] = {
    {"", ""},
    {"data: a\n\n", "|a;"},
    {"data:a\n\n", "|a;"},
    {"data:  a\n\n", "| a;"},
    {"data: a\r\n\r\n", "|a;"},
    {"data: a\r\rdata: b\r\r", "|a;|b;"},
    {"event: x\r\ndata: a\r\ndata: b\r\n\r\n", "x|a~b;"},
    {"data: a\r\n\ndata: b\n\r\n", "|a;|b;"},
    {"data: a\n\r\n\r\r\ndata: b\r\r", "|a;|b;"},
    {"event: x\ndata: a\n\n", "x|a;"},
    {"data: a\nevent: x\n\n", "x|a;"},
    {"event: name\ndata: longer than that\n\n", "name|longer than that;"},
    {"event: x\nevent: y\ndata: a\n\ndata: b\n\n", "y|a;|b;"},
    {"event: x\nevent:\ndata: a\n\n", "|a;"},
    {"event: x\n\ndata: a\n\n", "|a;"},
    {"data: a\ndata: b\ndata:\ndata: c\n\n", "|a~b~~c;"},
    {"data:\n\n", "|;"},
    {"data\n\n", "|;"},
    {"data\ndata\n\n", "|~;"},
    {":comment\n\n: c\ndata: a\n:\n\n", "|a;"},
    {"id: 1\nretry: 10\ndata: a\n\n", "|a;"},
    {"dat: a\ndataa: b\n data: c\nDATA: d\n\n", ""},
    {"data : a\n\n", ""},
    {"\xef\xbb\xbf"
     "data: a\n\n",
	"|a;"},
    {"\xef\xbb\xbf\xef\xbb\xbf"
     "data: a\n\ndata: b\n\n",
	"|b;"},
    {"\n\xef\xbb\xbf"
     "data: a\n\n",
	""},
    {"data: a\n", ""},
    {"data: a", ""},
    {"data: a\n\ndata: b\n", "|a;"},
    {"data: a:b: c\n\n", "|a:b: c;"},
    {"data: \xc3\xa4\xe4\xb8\x96\xf0\x9f\x8c\x8d\n\n", "|\xc3\xa4\xe4\xb8\x96\xf0\x9f\x8c\x8d;"},
    {"data: 01234567890123456789\n\n", "|01234567890123456789;"},
    {"data: 012345678901234567890\n\ndata: b\n\n", "|01234567890123456789*;|b;"},
    {"data: 0123456789\ndata: 012345678\n\n", "|0123456789~012345678;"},
    {"data: 0123456789\ndata: 0123456789\n\n", "|0123456789~012345678*;"},
    {"data: 01234567890123456789\ndata:\n\n", "|01234567890123456789*;"},
    {"data: " LONG_160 LONG_160 "\nevent: x\n\ndata: b\n\n", "x|01234567890123456789*;|b;"},
    {"x" LONG_160 LONG_160 ": data\ndata: b\n\n", "|b;"},
    {"event: " LONG_160 "\ndata: b\n\n", LONG_40 LONG_40 LONG_40 "01234567|b;"},
};

START_TEST(events_are_those_of_the_standard_at_any_split)
{
	struct view in = view_of(cases[_i].in);
	struct bytes out;
	bytes_init(&out, 4096);
	read_split(in, in.len, in.len, &out);
	ck_assert_str_eq(bytes_str(&out), cases[_i].events);
	for (size_t step = 1; step < 20; step++) {
		bytes_clear(&out);
		read_split(in, step, step, &out);
		ck_assert_str_eq(bytes_str(&out), cases[_i].events);
	}
	for (size_t first = 0; first < in.len; first++) {
		bytes_clear(&out);
		read_split(in, first, in.len, &out);
		ck_assert_str_eq(bytes_str(&out), cases[_i].events);
	}
	bytes_fini(&out);
}
END_TEST

struct borrowed {
	struct view in;
	unsigned inside, events;
};

static void
on_borrowed(const struct sse_event *event, void *ctx)
{
	struct borrowed *seen = ctx;
	const char *end = seen->in.data + seen->in.len;
	seen->events++;
	seen->inside += event->data.data >= seen->in.data && event->data.data < end &&
			event->name.data >= seen->in.data && event->name.data < end;
}

START_TEST(a_whole_event_is_not_copied)
{
	struct borrowed seen = {.in = VIEW("event: a\ndata: b\n\nevent: c\ndata: d\n\n")};
	struct sse_reader reader;
	sse_init(&reader, 1024, on_borrowed, &seen);
	sse_feed(&reader, seen.in);
	ck_assert_uint_eq(seen.events, 2);
	ck_assert_uint_eq(seen.inside, 2);
	ck_assert_ptr_null(reader.data.data);
	ck_assert_ptr_null(reader.line.data);
	sse_fini(&reader);
}
END_TEST

START_TEST(it_knows_an_event_stream_from_another_text)
{
	static const struct {
		const char *in;
		bool recognised;
	} rows[] = {{"hello\nworld: x\n", false}, {"\n\n", false}, {":\n", true}, {"id\n", true},
	    {"retry: 1\n", true}, {"data\n", true}, {"event: a\n", true}, {"data", false}};
	for (int i = 0; i < COUNT(rows); i++) {
		struct bytes out;
		struct sse_reader reader;
		bytes_init(&out, 64);
		sse_init(&reader, 16, on_event, &out);
		sse_feed(&reader, view_of(rows[i].in));
		ck_assert_int_eq(reader.recognised, rows[i].recognised);
		sse_fini(&reader);
		bytes_fini(&out);
	}
}
END_TEST

static void
on_any(const struct sse_event *event, void *ctx)
{
	*(size_t *)ctx += event->data.len;
}

START_TEST(a_big_event_gives_its_memory_back)
{
	static char big[100000];
	size_t total = 0;
	struct sse_reader reader;
	memset(big, 'x', sizeof(big));
	sse_init(&reader, 65536, on_any, &total);
	sse_feed(&reader, VIEW("data: "));
	sse_feed(&reader, view_make(big, sizeof(big)));
	ck_assert_uint_gt(reader.line.cap, 60000);
	ck_assert_uint_le(reader.line.cap, 65536 + 1024);
	sse_feed(&reader, VIEW("\n\ndata: y\n\n"));
	ck_assert_uint_eq(total, 65536 + 1);
	ck_assert_uint_le(reader.line.cap + reader.data.cap, 8192);
	sse_fini(&reader);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sse");
	TCase *tests = tcase_create("sse");
	tcase_add_loop_test(tests, events_are_those_of_the_standard_at_any_split, 0, COUNT(cases));
	tcase_add_test(tests, a_whole_event_is_not_copied);
	tcase_add_test(tests, it_knows_an_event_stream_from_another_text);
	tcase_add_test(tests, a_big_event_gives_its_memory_back);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
