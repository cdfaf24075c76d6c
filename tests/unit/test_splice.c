/* What is read from a request body, and what of it is replaced. */
#include "splice.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static const struct {
	const char *body, *model, *raw;
	bool stream;
} read_rows[] = {
    {"{}", "", "", false},
    {"{\"model\":\"m\",\"stream\":true}", "m", "\"m\"", true},
    {" {\"stream\" : false , \"model\" : \"a b\"} \n", "a b", "\"a b\"", false},
    {"{\"mod\\u0065l\":\"\\u006d\\n\\u4e16\"}", "m\n\xe4\xb8\x96", "\"\\u006d\\n\\u4e16\"", false},
    {"{\"messages\":[{\"model\":1,\"stream\":2}],\"x\":{\"model\":[]}}", "", "", false},
    {"{\"stream\":null,\"model\":\"\"}", "", "\"\"", false},
    {"{\"model\":\"a\\u0000b\"}", "", "\"a\\u0000b\"", false},
};

START_TEST(the_facts_are_read)
{
	struct request_facts facts;
	struct err err;
	struct view body = view_of(read_rows[_i].body);
	ck_assert(request_facts_read(body, &facts, &err));
	ck_assert_str_eq(facts.model, read_rows[_i].model);
	ck_assert(view_eq_str(facts.model_raw, read_rows[_i].raw));
	ck_assert_int_eq(facts.has_model, read_rows[_i].raw[0] != '\0');
	ck_assert_int_eq(facts.stream, read_rows[_i].stream);
}
END_TEST

START_TEST(a_model_longer_than_its_room_has_no_name)
{
	for (size_t len = 254; len < 258; len++) {
		char body[512] = "{\"model\":\"";
		struct request_facts facts;
		memset(body + strlen(body), 'm', len);
		memcpy(body + 10 + len, "\"}", 3);
		ck_assert(request_facts_read(view_of(body), &facts, NULL));
		ck_assert(facts.has_model);
		ck_assert_uint_eq(facts.model_raw.len, len + 2);
		ck_assert_uint_eq(strlen(facts.model), len < 256 ? len : 0);
	}
}
END_TEST

static const struct {
	const char *body, *at;
} refused[] = {
    {"", "offset 0"},
    {"{", "offset 1"},
    {"{\"model\":\"m\"}x", "offset 13"},
    {"[]", "offset 0"},
    {"\"model\"", "offset 0"},
    {"null", "offset 0"},
    {"{\"model\":\"a\",\"model\":\"a\"}", "model"},
    {"{\"model\":\"a\",\"mod\\u0065l\":\"b\"}", "model"},
    {"{\"stream\":true,\"stream\":false}", "stream"},
    {"{\"model\":1}", "model"},
    {"{\"model\":null}", "model"},
    {"{\"model\":{}}", "model"},
    {"{\"stream\":\"true\"}", "stream"},
    {"{\"stream\":1}", "stream"},
};

START_TEST(a_doubtful_body_is_refused_by_its_place)
{
	struct request_facts facts;
	struct err err = {0};
	ck_assert(!request_facts_read(view_of(refused[_i].body), &facts, &err));
	ck_assert_int_eq(err.kind, ERR_PARSE);
	ck_assert_str_eq(err.at, refused[_i].at);
}
END_TEST

static char source_a[] = "a", source_b[] = "b", target_x[] = "x-long-name",
	    target_odd[] = "\"\\\x01\xe4\xb8\x96", target_a[] = "a";
static const struct model_rule rules[] = {
    {source_a, target_x, false},
    {source_a, source_b, false},
    {source_b, target_odd, true},
    {target_x, target_a, false},
};

static const struct {
	const char *body, *sent, *model;
} spliced[] = {
    {"{\"model\":\"a\"}", "{\"model\":\"x-long-name\"}", "x-long-name"},
    {"{\"n\":1,\"model\" : \"\\u0061\" , \"x\":\"a\"}",
	"{\"n\":1,\"model\" : \"x-long-name\" , \"x\":\"a\"}", "x-long-name"},
    {" {\"model\":\"b\"}", " {\"model\":\"\\\"\\\\\\u0001\xe4\xb8\x96\"}", target_odd},
    {"{\"model\":\"x-long-name\",\"f\":0.10}\r\n", "{\"model\":\"a\",\"f\":0.10}\r\n", "a"},
    {"{\"model\":\"A\"}", "{\"model\":\"A\"}", "A"},
    {"{\"model\":\"\"}", "{\"model\":\"\"}", ""},
    {"{\"other\":\"a\"}", "{\"other\":\"a\"}", ""},
};

START_TEST(only_the_models_bytes_are_replaced)
{
	struct request_facts facts;
	struct splice splice;
	char model[256], out[256];
	struct view body = view_of(spliced[_i].body);
	size_t total = strlen(spliced[_i].sent);
	ck_assert(request_facts_read(body, &facts, NULL));
	splice_init(&splice, body, &facts, rules, COUNT(rules), model);
	ck_assert_str_eq(model, spliced[_i].model);
	ck_assert_uint_eq(splice.total_bytes, total);
	for (size_t at = 0; at <= total + 1; at++) {
		for (size_t len = 0; len <= total + 1; len++) {
			size_t left = at < total ? total - at : 0;
			size_t expected = len < left ? len : left;
			memset(out, '#', sizeof(out));
			size_t got = splice_read(&splice, at, out, len);
			if (got != expected || out[got] != '#' ||
			    (got > 0 && memcmp(out, spliced[_i].sent + at, got) != 0))
				ck_abort_msg("%zu bytes from %zu: %zu", len, at, got);
		}
	}
	ck_assert_uint_eq(splice_read(&splice, UINT64_MAX, out, 10), 0);
	splice_fini(&splice);
}
END_TEST

START_TEST(without_a_rule_nothing_is_copied)
{
	struct request_facts facts;
	struct splice splice;
	char model[256];
	struct view body = VIEW("{\"model\":\"c\"}");
	ck_assert(request_facts_read(body, &facts, NULL));
	splice_init(&splice, body, &facts, rules, COUNT(rules), model);
	ck_assert_uint_eq(splice.count, 1);
	ck_assert_ptr_eq(splice.pieces[0].data, body.data);
	ck_assert_ptr_null(splice.owned.data);
	ck_assert_str_eq(model, "c");
	splice_fini(&splice);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("splice");
	TCase *tests = tcase_create("splice");
	tcase_add_loop_test(tests, the_facts_are_read, 0, COUNT(read_rows));
	tcase_add_test(tests, a_model_longer_than_its_room_has_no_name);
	tcase_add_loop_test(tests, a_doubtful_body_is_refused_by_its_place, 0, COUNT(refused));
	tcase_add_loop_test(tests, only_the_models_bytes_are_replaced, 0, COUNT(spliced));
	tcase_add_test(tests, without_a_rule_nothing_is_copied);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
