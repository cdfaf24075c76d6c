/* The tap where an answer lists its iterations: all of them are paid. */
#include "suite.h"
#include "tap.h"
#include <stdio.h>
#include <string.h>

struct wanted {
	int64_t input, write, read, output;
	bool odd;
};

static void
check(const char *text, size_t cut, bool stream, const struct wanted *wanted)
{
	struct tap tap;
	tap_init(&tap, PROTOCOL_ANTHROPIC, stream);
	tap_feed(&tap, view_sub(view_of(text), 0, cut));
	tap_feed(&tap, view_from(view_of(text), cut));
	const struct usage *usage = &tap.found.usage;
	ck_assert_msg(usage->input_new == wanted->input && usage->cache_write == wanted->write &&
			  usage->cache_read == wanted->read && usage->output == wanted->output,
	    "%.300s: %lld %lld %lld %lld", text, (long long)usage->input_new,
	    (long long)usage->cache_write, (long long)usage->cache_read, (long long)usage->output);
	ck_assert(tap.found.last_word);
	ck_assert_msg(tap.found.odd == wanted->odd, "%.300s", text);
	tap_fini(&tap);
}

#define START                                                                                      \
	"{\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":5,"                  \
	"\"cache_read_input_tokens\":1000,\"output_tokens\":1}}}"
#define ENTRY(type, in, write, read, out)                                                          \
	"{\"type\":\"" type "\",\"input_tokens\":" in ",\"cache_creation_input_tokens\":" write    \
	",\"cache_read_input_tokens\":" read ",\"output_tokens\":" out "}"

/* The counts beside the list leave some of them out. */
START_TEST(iterations_are_paid)
{
	static const struct {
		const char *usage;
		struct wanted wanted;
	} rows[] = {
	    {"{\"input_tokens\":5,\"cache_read_input_tokens\":1000,\"output_tokens\":9,"
	     "\"iterations\":[" ENTRY("message", "5", "0", "1000", "9") "]}",
		{5, 0, 1000, 9, false}},
	    {"{\"input_tokens\":5,\"cache_read_input_tokens\":1000,\"output_tokens\":9,"
	     "\"iterations\":[" ENTRY("compaction", "180", "20", "0", "35") "," ENTRY(
		 "message", "5", "0", "1000", "9") "]}",
		{185, 20, 1000, 44, false}},
	    {"{\"input_tokens\":5,\"cache_read_input_tokens\":1000,\"output_tokens\":19,"
	     "\"iterations\":[" ENTRY("message", "5", "0", "1000", "9") "," ENTRY("advisor_message",
		 "823", "0", "0", "1612") "," ENTRY("message", "13", "0", "1000", "10") "]}",
		{841, 0, 2000, 1631, false}},
	    /* Lists that tell less, or nothing. */
	    {"{\"input_tokens\":50,\"output_tokens\":9,\"iterations\":[{\"output_tokens\":4},7]}",
		{50, -1, 1000, 9, false}},
	    {"{\"output_tokens\":9,\"iterations\":[]}", {5, -1, 1000, 9, false}},
	    {"{\"output_tokens\":9,\"iterations\":null}", {5, -1, 1000, 9, false}},
	    {"{\"output_tokens\":9,\"iterations\":[{\"output_tokens\":-4}]}",
		{5, -1, 1000, 9, true}},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[1024];
		(void)snprintf(text, sizeof(text),
		    "data: " START "\n\ndata: {\"type\":\"message_delta\",\"usage\":%s}\n\n",
		    rows[i].usage);
		for (size_t cut = 0; cut <= strlen(text); cut++)
			check(text, cut, true, &rows[i].wanted);
	}
}
END_TEST

/* Where the list tells lifetimes these are its, else the rest is of five minutes. */
START_TEST(lifetimes_follow)
{
	static const char text[] =
	    "{\"usage\":{\"input_tokens\":1,\"output_tokens\":1,\"cache_creation_input_tokens\":4,"
	    "\"cache_creation\":{\"ephemeral_5m_input_tokens\":4,\"ephemeral_1h_input_tokens\":0},"
	    "\"iterations\":[{\"cache_creation_input_tokens\":6%s},"
	    "{\"cache_creation_input_tokens\":4%s}]}}";
	char whole[1024];
	struct tap tap;
	(void)snprintf(whole, sizeof(whole), text, "", "");
	tap_init(&tap, PROTOCOL_ANTHROPIC, false);
	tap_feed(&tap, view_of(whole));
	ck_assert_int_eq(tap.found.usage.cache_write, 10);
	ck_assert_int_eq(tap.found.usage.cache_write_5m, -1);
	ck_assert_int_eq(tap.found.usage.cache_write_1h, -1);
	tap_fini(&tap);
	(void)snprintf(whole, sizeof(whole), text,
	    ",\"cache_creation\":{\"ephemeral_1h_input_tokens\":6}",
	    ",\"cache_creation\":{\"ephemeral_5m_input_tokens\":4}");
	tap_init(&tap, PROTOCOL_ANTHROPIC, false);
	tap_feed(&tap, view_of(whole));
	ck_assert_int_eq(tap.found.usage.cache_write, 10);
	ck_assert_int_eq(tap.found.usage.cache_write_5m, 4);
	ck_assert_int_eq(tap.found.usage.cache_write_1h, 6);
	tap_fini(&tap);
}
END_TEST

START_TEST(many_iterations_are_paid)
{
	static char text[40000];
	size_t len = (size_t)snprintf(text, sizeof(text),
	    "{\"usage\":{\"input_tokens\":1,\"output_tokens\":1,\"iterations\":[");
	for (int i = 0; i < 150; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "%s" ENTRY("message", "1", "2", "3", "4"), i > 0 ? "," : "");
	(void)snprintf(text + len, sizeof(text) - len, "]}}");
	check(text, len / 2, false, &(struct wanted){150, 300, 450, 600, false});
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("tap_paid");
	TCase *tests = tcase_create("tap_paid");
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, iterations_are_paid);
	tcase_add_test(tests, lifetimes_follow);
	tcase_add_test(tests, many_iterations_are_paid);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
