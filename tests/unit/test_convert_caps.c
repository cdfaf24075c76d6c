/* The built-in rows of what models take: the first that fits counts, and the manual says the same.
 */
#include "caps.h"
#include "fileio.h"
#include "suite.h"
#include <string.h>

START_TEST(the_first_row_that_fits_counts)
{
	static const struct {
		const char *model, *pattern;
	} rows[] = {{"claude-3-5-haiku-20241022", "claude-3-5*"},
	    {"claude-sonnet-4-20250514", "claude-sonnet-4-2*"},
	    {"claude-opus-4-6", "claude-opus-4-6*"}, {"claude-opus-4-8", "claude-*"},
	    {"claude-", "claude-*"}, {"gpt-5.2", "*"}, {"", "*"}};
	size_t count;
	const struct caps *built_in = caps_defaults(&count);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_str_eq(
		    caps_find(built_in, count, view_of(rows[i].model))->pattern, rows[i].pattern);
	struct caps own = {.pattern = "*-mini"};
	ck_assert_ptr_eq(caps_find(&own, 1, VIEW("gpt-mini")), &own);
	ck_assert_str_eq(caps_find(&own, 1, VIEW("gpt-mini-2"))->pattern, "*");
}
END_TEST

static void
take(struct bytes *line, bool flag, const char *word)
{
	if (flag)
		ck_assert(bytes_printf(
		    line, "%s%s", bytes_view(line).data[line->len - 2] == '|' ? "" : ", ", word));
}

static void
print_row(const struct caps *row, struct bytes *line)
{
	static const char *const forms[] = {"none", "budget", "both", "adaptive"};
	ck_assert(bytes_printf(line, "| `%s` | %s | ", row->pattern, forms[row->thinking]));
	take(line, row->thinking_always, "thinking_always");
	take(line, row->sampling, "sampling");
	take(line, row->sampling_both, "sampling_both");
	take(line, row->system_mid, "system_mid");
	take(line, row->prefill, "prefill");
	take(line, row->effort_xhigh, "effort_xhigh");
	take(line, row->effort_max, "effort_max");
	take(line, row->json_schema, "json_schema");
	ck_assert(bytes_printf(line, " | %lld | ", (long long)row->max_output_tokens));
	if (row->max_effort_budget > 0)
		ck_assert(bytes_printf(line, "%lld ", (long long)row->max_effort_budget));
	ck_assert(bytes_append_str(line, "|\n"));
}

START_TEST(the_manual_tells_every_row_and_the_date)
{
	struct bytes doc, lines;
	struct err err;
	size_t count;
	const struct caps *rows = caps_defaults(&count);
	bytes_init(&doc, 1 << 20);
	bytes_init(&lines, 1 << 16);
	ck_assert_msg(fileio_read(CONFIG_DOC, &doc, &err), "%s", err.msg);
	for (size_t i = 0; i < count; i++)
		print_row(&rows[i], &lines);
	ck_assert_msg(view_find(bytes_view(&doc), bytes_str(&lines)) >= 0,
	    "CONFIG.md does not hold these rows, in this order:\n%s", bytes_str(&lines));
	ck_assert(view_find(bytes_view(&doc), "Known on " CAPS_DATE) >= 0);
	ck_assert(view_find(bytes_view(&doc), "table of " CAPS_DATE) >= 0);
	bytes_fini(&doc);
	bytes_fini(&lines);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("caps");
	TCase *tests = tcase_create("caps");
	tcase_add_test(tests, the_first_row_that_fits_counts);
	tcase_add_test(tests, the_manual_tells_every_row_and_the_date);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
