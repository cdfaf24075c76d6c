/* What is read from a request body. */
#include "facts.h"
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
    {"{\"model\":\"a\\ud83d\"}", "", "\"a\\ud83d\"", false},
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

START_TEST(the_members_are_found)
{
	static const struct {
		enum facts_member member;
		const char *raw;
	} members[] = {{FACTS_SYSTEM, "\"s\""}, {FACTS_TOOLS, "[1]"}, {FACTS_MESSAGES, "[{}]"},
	    {FACTS_INPUT, "\"i\""}, {FACTS_INSTRUCTIONS, "\"in\""}, {FACTS_CACHE_KEY, "\"k\""},
	    {FACTS_METADATA, "{\"user_id\":\"u\"}"}, {FACTS_THINKING, "{}"},
	    {FACTS_MAX_TOKENS, "7"}};
	struct request_facts facts;
	ck_assert(request_facts_read(
	    VIEW(" {\"system\":\"s\",\"tools\":[1],\"messages\":[{}],\"input\":\"i\","
		 "\"instructions\":\"in\",\"prompt_cache_key\":\"k\","
		 "\"metadata\":{\"user_id\":\"u\"},\"thinking\":{},\"max_tokens\":7} "),
	    &facts, NULL));
	for (int i = 0; i < COUNT(members); i++)
		ck_assert(view_eq_str(facts.members[members[i].member].raw, members[i].raw));
	ck_assert_int_eq(facts.body.data[0], '{');
	ck_assert_int_eq(facts.body.data[facts.body.len - 1], '}');
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("facts");
	TCase *tests = tcase_create("facts");
	tcase_add_loop_test(tests, the_facts_are_read, 0, COUNT(read_rows));
	tcase_add_test(tests, a_model_longer_than_its_room_has_no_name);
	tcase_add_loop_test(tests, a_doubtful_body_is_refused_by_its_place, 0, COUNT(refused));
	tcase_add_test(tests, the_members_are_found);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
