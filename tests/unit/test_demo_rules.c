/* What tests order at run time, and what the demo remembers. */
#include "jget.h"
#include "ledger.h"
#include "rules.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct rules *rules;

static void
setup(void)
{
	rules = rules_new();
}

static void
teardown(void)
{
	rules_free(rules);
}

static bool
add(const char *text, uint64_t counted)
{
	struct err err = {0};
	json_t *order = json_loads(text, 0, NULL);
	ck_assert(order != NULL);
	bool ok = rules_add(rules, order, counted, &err);
	json_decref(order);
	return ok;
}

/* The status that the rule for `path` orders; 0 for none. */
static uint64_t
status_at(const char *path)
{
	struct fault fault;
	struct rules_script *script;
	if (!rules_take(rules, view_of(path), &fault, &script))
		return 0;
	ck_assert(script == NULL);
	return fault.status == FAULT_UNSET ? 200 : fault.status;
}

START_TEST(test_order)
{
	ck_assert(add("{\"prefix\":\"/u/A\",\"spec\":\"status:429\",\"count\":2}", 0));
	ck_assert(add("{\"prefix\":\"/u/A\",\"spec\":\"\",\"count\":1}", 0));
	ck_assert(add("{\"prefix\":\"/u/A\",\"spec\":\"status:500\"}", 0));
	ck_assert(add("{\"prefix\":\"/u\",\"spec\":\"status:503\",\"match\":\"/responses\"}", 0));
	const uint64_t expected[] = {429, 429, 200, 500, 500};
	for (size_t i = 0; i < 5; i++)
		ck_assert_uint_eq(status_at("/u/A/v1/messages"), expected[i]);
	ck_assert_uint_eq(status_at("/u/AB/v1/messages"), 0);
	ck_assert_uint_eq(status_at("/u/AB/v1/responses"), 503);
	ck_assert(add("{\"prefix\":\"/u/A\",\"spec\":\"status:401\"}", 0));
	ck_assert_uint_eq(status_at("/u/A"), 401);
	ck_assert_uint_eq(rules_remove(rules, "/u/A"), 1);
	ck_assert_uint_eq(status_at("/u/A"), 0);
	ck_assert_uint_eq(rules_remove(rules, NULL), 1);
}
END_TEST

START_TEST(test_script)
{
	struct fault fault;
	struct rules_script *script;
	ck_assert(
	    add("{\"prefix\":\"\",\"status\":299,\"headers\":{\"a\":\"b\"},\"spec\":\"bytes1\","
		"\"body_base64\":\"AP8gaGk=\"}",
		1));
	ck_assert(rules_take(rules, VIEW("/x"), &fault, &script));
	ck_assert(!rules_take(rules, VIEW("/x"), &fault, &(struct rules_script *){NULL}));
	ck_assert_int_eq(script->status, 299);
	ck_assert(view_eq_str(script->headers[0].value, "b"));
	ck_assert(view_eq(bytes_view(&script->body), VIEW("\0\xff hi")));
	ck_assert(!script->raw);
	rules_script_unref(script);
}
END_TEST

START_TEST(test_bad)
{
	static const char *const bad[] = {"[]", "{\"prefix\":1}", "{\"spec\":\"nonsense\"}",
	    "{\"count\":0}", "{\"status\":99}", "{\"body_base64\":\"a*\"}",
	    "{\"body\":\"x\",\"headers\":{\"a\":1}}"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!add(bad[i], 0), "%s", bad[i]);
	for (int i = 0; i < RULES_MAX; i++)
		ck_assert(add("{\"count\":1}", 0));
	ck_assert(!add("{\"count\":1}", 0));
}
END_TEST

START_TEST(test_ledger)
{
	char path[] = "/tmp/test_demo_ledger_XXXXXX";
	struct err err = {0};
	struct bytes lines, file;
	close(mkstemp(path));
	struct ledger *ledger = ledger_new(path, &err);
	ck_assert(ledger != NULL);
	for (uint64_t i = 1; i <= 5; i++) {
		writer_put(ledger_begin(ledger, i * 10, "end"), ",'x':$u", i);
		ledger_end(ledger);
	}
	bytes_init(&lines, 1000);
	ck_assert_uint_eq(ledger_read(ledger, 3, &lines), 5);
	json_t *line = json_loadb(lines.data, lines.len, JSON_DISABLE_EOF_CHECK, NULL);
	ck_assert_int_eq(json_integer_value(json_object_get(line, "n")), 4);
	ck_assert_int_eq(json_integer_value(json_object_get(line, "seq")), 40);
	json_decref(line);
	bytes_fini(&lines);
	bytes_init(&lines, 100); /* one line fits, the next call brings the next */
	ck_assert_uint_eq(ledger_read(ledger, 0, &lines), 1);
	ck_assert_uint_eq(ledger_read(ledger, 5, &lines), 5);
	bytes_init(&file, 10000);
	FILE *in = fopen(path, "re");
	for (int c; (c = fgetc(in)) != EOF;)
		ck_assert(bytes_append_char(&file, (char)c));
	fclose(in);
	ck_assert(view_starts(bytes_view(&file), "{\"n\":1,"));
	size_t count = 0;
	for (size_t i = 0; i < file.len; i++)
		count += file.data[i] == '\n';
	ck_assert_uint_eq(count, 5);
	bytes_fini(&file);
	bytes_fini(&lines);
	ledger_free(ledger);
	unlink(path);
}
END_TEST

START_TEST(test_ledger_forgets)
{
	struct err err = {0};
	struct bytes lines;
	struct ledger *ledger = ledger_new(NULL, &err);
	for (uint64_t i = 1; i <= LEDGER_KEPT_LINES_MAX + 100; i++) {
		ck_assert(ledger_begin(ledger, i, "end") != NULL);
		ledger_end(ledger);
	}
	bytes_init(&lines, LEDGER_KEPT_BYTES_MAX);
	ck_assert_uint_eq(ledger_read(ledger, 0, &lines), LEDGER_KEPT_LINES_MAX + 100);
	ck_assert(view_starts(bytes_view(&lines), "{\"n\":101,"));
	bytes_fini(&lines);
	ledger_free(ledger);
	ck_assert(ledger_begin(NULL, 1, "end") == NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("demo_rules");
	TCase *tcase = tcase_create("all");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_order);
	tcase_add_test(tcase, test_script);
	tcase_add_test(tcase, test_bad);
	tcase_add_test(tcase, test_ledger);
	tcase_add_test(tcase, test_ledger_forgets);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
