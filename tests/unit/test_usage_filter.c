/* The event that tells the use of tokens leaves a Chat stream, whatever its pieces; no other byte.
 */
#include "suite.h"
#include "usage_filter.h"
#include <string.h>

#define FINISH "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":null}\n\n"
#define USAGE "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n"
#define DONE "data: [DONE]\n\n"

static const struct {
	const char *in, *out;
} rows[] = {
    {FINISH USAGE DONE, FINISH DONE},
    {"ail of an event\"}\n\n" FINISH USAGE DONE, "ail of an event\"}\n\n" FINISH DONE},
    {FINISH "data:{\"usage\": {} , \"choices\" : [ ]}\r\n\r\n" DONE, FINISH DONE},
    {FINISH "data:{\"usage\":{},\"choices\":[]}\r\r" DONE, FINISH DONE},
    /* Those stay: a vendor's, one that tells more, comments, what is no JSON, what never ends. */
    {"data: {\"choices\":[{}],\"usage\":{\"x\":1}}\n\n" DONE,
	"data: {\"choices\":[{}],\"usage\":{\"x\":1}}\n\n" DONE},
    {"data: {\"choices\":[]}\n\n" DONE, "data: {\"choices\":[]}\n\n" DONE},
    {"data: {\"choices\":[],\"usage\":null}\n\n", "data: {\"choices\":[],\"usage\":null}\n\n"},
    {": usage\n\n" DONE, ": usage\n\n" DONE},
    {"data: {\"choices\":[],\"usage\":{}\n\n" DONE, "data: {\"choices\":[],\"usage\":{}\n\n" DONE},
    /* The piece of the finish_reason may be no more than the end of its blank line. */
    {"\n" USAGE DONE, "\n" DONE},
    {"\r\n" USAGE DONE, "\r\n" DONE},
    {FINISH "data: {\"choices\":[],\"usage\":{}}\n",
	FINISH "data: {\"choices\":[],\"usage\":{}}\n"},
    {"", ""},
};

START_TEST(only_that_event_leaves)
{
	struct view in = view_of(rows[_i].in);
	for (size_t step = 1; step <= in.len + 1; step++) {
		struct usage_filter filter;
		struct bytes out;
		usage_filter_init(&filter);
		bytes_init(&out, 4096);
		for (size_t at = 0; at < in.len; at += step)
			usage_filter_feed(&filter, view_sub(in, at, step), &out);
		usage_filter_end(&filter, &out);
		ck_assert_msg(view_eq_str(bytes_view(&out), rows[_i].out), "step %zu: %.*s", step,
		    (int)out.len, out.data);
		bytes_fini(&out);
		usage_filter_fini(&filter);
	}
}
END_TEST

START_TEST(a_long_event_passes)
{
	static char big[2 * USAGE_FILTER_BYTES_MAX];
	struct usage_filter filter;
	struct bytes out;
	memset(big, 'x', sizeof(big));
	usage_filter_init(&filter);
	bytes_init(&out, sizeof(big) + 4096);
	usage_filter_feed(&filter, VIEW(FINISH "da"), &out);
	usage_filter_feed(&filter, view_make(big, sizeof(big)), &out);
	usage_filter_feed(&filter, VIEW("\n\n" DONE), &out);
	usage_filter_end(&filter, &out);
	ck_assert_uint_eq(out.len, strlen(FINISH "da") + sizeof(big) + strlen("\n\n" DONE));
	ck_assert(view_ends(bytes_view(&out), "x\n\n" DONE));
	bytes_fini(&out);
	usage_filter_fini(&filter);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("usage_filter");
	TCase *tests = tcase_create("usage_filter");
	tcase_add_loop_test(tests, only_that_event_leaves, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tests, a_long_event_passes);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
