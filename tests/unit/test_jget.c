/* Typed getters: absent, wrong and right are three answers. */
#include "jget.h"
#include "mem.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct err err;

static json_t *
parse(const char *text)
{
	json_t *value = NULL;
	ck_assert_msg(jget_parse(view_of(text), &value, &err), "%s: %s", text, err.msg);
	return value;
}

START_TEST(right)
{
	json_t *obj = parse("{\"s\":\"x\\u00e9\",\"e\":\"\",\"i\":-5,\"r\":0.5,\"t\":true,"
			    "\"f\":false,\"a\":[1],\"o\":{}}");
	struct view s;
	int64_t i;
	double num;
	bool b;
	const json_t *part;
	ck_assert(jget_str(obj, "", "s", &s, &err) && view_eq_str(s, "xé"));
	ck_assert(jget_str(obj, "", "e", &s, &err) && s.len == 0);
	ck_assert(jget_int(obj, "", "i", -5, -5, &i, &err) && i == -5);
	ck_assert(jget_num(obj, "", "r", 0, 1, &num, &err) && num == 0.5);
	ck_assert(jget_num(obj, "", "i", -9, 9, &num, &err) && num == -5.0);
	ck_assert(jget_bool(obj, "", "t", &b, &err) && b);
	ck_assert(jget_bool(obj, "", "f", &b, &err) && !b);
	ck_assert(jget_array(obj, "", "a", &part, &err) && json_array_size(part) == 1);
	ck_assert(jget_object(obj, "", "o", &part, &err) && json_is_object(part));
	json_decref(obj);
}
END_TEST

START_TEST(absent_changes_nothing)
{
	json_t *obj = parse("{\"n\":null}");
	const json_t *const from[] = {obj, obj, NULL};
	const char *const keys[] = {"n", "x", "n"};
	for (size_t k = 0; k < 3; k++) {
		struct view s = VIEW("old");
		int64_t i = 42;
		double num = 4.5;
		bool b = true;
		const json_t *part = obj;
		ck_assert(jget_str(from[k], "", keys[k], &s, &err) && view_eq_str(s, "old"));
		ck_assert(jget_int(from[k], "", keys[k], 0, 1, &i, &err) && i == 42);
		ck_assert(jget_num(from[k], "", keys[k], 0, 1, &num, &err) && num == 4.5);
		ck_assert(jget_bool(from[k], "", keys[k], &b, &err) && b);
		ck_assert(jget_array(from[k], "", keys[k], &part, &err) && part == obj);
		ck_assert(jget_object(from[k], "", keys[k], &part, &err) && part == obj);
	}
	json_decref(obj);
}
END_TEST

static void
check_refused(bool ok, const char *at)
{
	ck_assert(!ok);
	ck_assert_int_eq(err.kind, ERR_CONFIG);
	ck_assert_str_eq(err.at, at);
}

START_TEST(wrong)
{
	json_t *obj = parse("{\"s\":\"x\",\"i\":5,\"r\":1.5}");
	struct view s;
	int64_t i = 42;
	double num;
	bool b;
	const json_t *part;
	check_refused(jget_str(obj, "", "i", &s, &err), "i");
	check_refused(jget_int(obj, "p.q", "s", 0, 9, &i, &err), "p.q.s");
	check_refused(jget_int(obj, "p", "i", 6, 9, &i, &err), "p.i");
	ck_assert_str_eq(err.msg, "must be an integer from 6 to 9");
	check_refused(jget_int(obj, "p", "i", 0, 4, &i, &err), "p.i");
	check_refused(jget_int(obj, "p", "r", 0, 4, &i, &err), "p.r");
	ck_assert_int_eq(i, 42);
	check_refused(jget_num(obj, "", "r", 1.6, 2, &num, &err), "r");
	check_refused(jget_num(obj, "", "r", 0, 1.4, &num, &err), "r");
	check_refused(jget_num(obj, "", "s", 0, 1, &num, &err), "s");
	check_refused(jget_bool(obj, "", "i", &b, &err), "i");
	check_refused(jget_array(obj, "", "s", &part, &err), "s");
	check_refused(jget_object(obj, "", "s", &part, &err), "s");
	/* A document that is no object must not look like one with every default. */
	json_t *array = parse("[]");
	check_refused(jget_str(array, "p", "x", &s, &err), "p");
	check_refused(jget_bool(array, "", "x", &b, &err), "");
	json_decref(array);
	json_decref(obj);
}
END_TEST

START_TEST(strict_parse)
{
	static const char *const refused[] = {"", " ", "{", "{\"a\":1,\"a\":2}", "[1] 2", "[1,]",
	    "{\"a\":1}x", "\"\\u0000\"", "\"\xff\"", "nul", "99999999999999999999"};
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		json_t *value = NULL;
		ck_assert_msg(!jget_parse(view_of(refused[i]), &value, &err), "%s", refused[i]);
		ck_assert_int_eq(err.kind, ERR_PARSE);
		ck_assert_int_eq(strncmp(err.at, "line ", 5), 0);
	}
	json_t *value;
	ck_assert(!jget_parse(view_make(NULL, 0), &value, &err));
	ck_assert(!jget_parse(VIEW("null\0"), &value, &err));
	ck_assert(!jget_parse(VIEW("[\n 1\0]"), &value, &err));
	ck_assert_str_eq(err.at, "line 2 column 3");
	ck_assert(!jget_parse(VIEW("{\"key\":\n  sk-secret}"), &value, &err));
	ck_assert(!jget_parse(VIEW("{\"key\":\n  \"sk-secret}"), &value, &err));
	ck_assert_int_eq(strncmp(err.at, "line 2 ", 7), 0);
	ck_assert_ptr_null(strstr(err.msg, "secret"));
	json_decref(parse(" null "));
}
END_TEST

START_TEST(dumped)
{
	static const char *const texts[] = {
	    "{\"z\":[1,0.1,2.5e-9],\"a\":{\"ä\":null}}", "\"x\"", "true", "[]", "-0.7"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		json_t *value = parse(texts[i]);
		size_t len;
		char *text = jget_dump(value, &len);
		ck_assert_str_eq(text, texts[i]);
		ck_assert_uint_eq(len, strlen(texts[i]));
		mem_free(text);
		text = jget_dump(value, NULL);
		mem_free(text);
		json_decref(value);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("jget");
	TCase *tcase = tcase_create("jget");
	tcase_add_test(tcase, right);
	tcase_add_test(tcase, absent_changes_nothing);
	tcase_add_test(tcase, wrong);
	tcase_add_test(tcase, strict_parse);
	tcase_add_test(tcase, dumped);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
