/* stops: an answer cut where a stop sequence begins, whatever the pieces that it comes in. */
#include "must.h"
#include "stops.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT 4096

static struct arena arena;
static struct bytes told; /* the text, then "|" and what matched */
static struct err err;

static void
setup(void)
{
	arena_init(&arena, 1024, 1u << 20);
	bytes_init(&told, LIMIT);
}

static void
teardown(void)
{
	bytes_fini(&told);
	arena_fini(&arena);
}

static bool
listen(const struct event *event, void *ctx, struct err *why)
{
	(void)ctx;
	(void)why;
	if (event->kind == EVENT_PART_DELTA)
		return bytes_append_view(&told, event->text);
	if (event->kind == EVENT_PART_FINISH)
		return bytes_append_char(&told, '|');
	if (event->kind == EVENT_STOP)
		return bytes_append_view(&told, event->stop_text);
	return true;
}

static void
feed(struct stops *stops, struct event event)
{
	ck_assert(stops_feed(stops, &event, listen, NULL, &err));
}

static const struct row {
	const char *text; /* plain: each byte may be a piece of its own */
	const char *stops[3];
	const char *told;
} rows[] = {
    {"foo END bar", {"END"}, "foo |END"},
    {"foo EN", {"END"}, "foo EN|"},
    {"ENEND", {"END"}, "EN|END"},
    {"ababac", {"abac"}, "ab|abac"},
    {"xEND", {"D", "END"}, "x|END"},
    {"ENDx", {"END"}, "|END"},
    {"nothing", {"", "zz"}, "nothing|"},
    {"one", {NULL}, "one|"},
    {"a\\nb", {"\\nb"}, "a|\\nb"},
    {"a\\n\\\"q", {"\\u000a\\\""}, "a|\\n\\\""},
};

/* Pieces of `step` bytes, never inside an escape. */
static void
feed_text(struct stops *stops, const char *text, size_t step)
{
	while (*text != '\0') {
		size_t len = 0;
		while (len < step && text[len] != '\0')
			len += text[len] == '\\' ? 2 : 1;
		feed(stops, (struct event){.kind = EVENT_PART_DELTA,
				.delta = DELTA_TEXT,
				.text = view_make(text, len)});
		text += len;
	}
}

START_TEST(texts_are_cut_where_a_sequence_begins)
{
	const struct row *row = &rows[_i];
	const struct part part = {.kind = PART_TEXT};
	for (size_t step = 1; step < 12; step++) {
		struct text_list list[3] = {{{NULL, 0}, NULL}};
		struct stops stops;
		size_t count = 0;
		for (; count < 3 && row->stops[count] != NULL; count++) {
			list[count].text = view_of(row->stops[count]);
			if (count > 0)
				list[count - 1].next = &list[count];
		}
		bytes_clear(&told);
		ck_assert(stops_init(&stops, &arena, count > 0 ? list : NULL, LIMIT));
		feed(&stops, (struct event){.kind = EVENT_PART_BEGIN, .part = &part});
		feed_text(&stops, row->text, step);
		feed(&stops, (struct event){.kind = EVENT_PART_FINISH});
		feed(&stops, (struct event){.kind = EVENT_STOP});
		ck_assert_str_eq(bytes_str(&told), row->told);
		stops_fini(&stops);
	}
}
END_TEST

/* Sequences are looked for in words only, and an end without one stays what it was. */
START_TEST(thinking_and_calls_are_left_alone)
{
	const struct part kinds[] = {{.kind = PART_THINKING}, {.kind = PART_CALL}};
	struct text_list list = {VIEW("END"), NULL};
	struct stops stops;
	ck_assert(stops_init(&stops, &arena, &list, LIMIT));
	for (size_t i = 0; i < 2; i++) {
		feed(&stops, (struct event){.kind = EVENT_PART_BEGIN, .part = &kinds[i]});
		feed_text(&stops, "xENDy", 2);
		feed(&stops, (struct event){.kind = EVENT_PART_FINISH});
	}
	ck_assert_str_eq(bytes_str(&told), "xENDy|xENDy|");
	stops_fini(&stops);
}
END_TEST

int
main(void)
{
	TCase *tcase = tcase_create("stops");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(
	    tcase, texts_are_cut_where_a_sequence_begins, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tcase, thinking_and_calls_are_left_alone);
	Suite *suite = suite_create("convert_stops");
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
