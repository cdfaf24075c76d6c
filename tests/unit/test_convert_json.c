/* JSON as decoders read it and encoders write it. */
#include "read_json.h"
#include "sse_write.h"
#include "write_json.h"
#include <check.h>
#include <stdio.h>
#include <string.h>

static struct arena arena;
static struct bytes out;

static void
setup(void)
{
	arena_init(&arena, 256, 1u << 20);
	bytes_init(&out, 1u << 20);
}

static void
teardown(void)
{
	bytes_fini(&out);
	arena_fini(&arena);
}

static struct jsonspan_value
parse(const char *text)
{
	struct jsonspan_value root;
	struct err err;
	ck_assert_msg(jsonspan_scan(view_of(text), NULL, 0, &root, &err), "%s", text);
	return root;
}

/* ---- writing ---- */

START_TEST(commas_stand_where_they_belong)
{
	struct write_json json;
	write_json_init(&json, &out);
	write_json_object(&json);
	write_json_key_int(&json, "a", -5);
	write_json_key_array(&json, "b");
	write_json_array(&json);
	write_json_array_end(&json);
	write_json_bool(&json, true);
	write_json_object(&json);
	write_json_object_end(&json);
	write_json_null(&json);
	write_json_text(&json, VIEW("\\u0041"));
	write_json_plain(&json, VIEW("\"\n\\"));
	write_json_array_end(&json);
	write_json_key_raw(&json, "c", VIEW("1.10"));
	write_json_key(&json, "d");
	write_json_open(&json);
	write_json_piece_plain(&json, VIEW("\""));
	write_json_piece_text(&json, VIEW("\\/"));
	write_json_close(&json);
	write_json_key_null(&json, "e");
	write_json_object_end(&json);
	ck_assert(write_json_ok(&json));
	ck_assert_str_eq(bytes_str(&out), "{\"a\":-5,\"b\":[[],true,{},null,\"\\u0041\","
					  "\"\\\"\\n\\\\\"],\"c\":1.10,\"d\":\"\\\"\\/\","
					  "\"e\":null}");
}
END_TEST

START_TEST(numbers_of_any_size)
{
	struct write_json json;
	write_json_init(&json, &out);
	write_json_array(&json);
	write_json_int(&json, 0);
	write_json_int(&json, INT64_MAX);
	write_json_int(&json, INT64_MIN);
	write_json_array_end(&json);
	ck_assert_str_eq(bytes_str(&out), "[0,9223372036854775807,-9223372036854775808]");
}
END_TEST

/* What is found in one walk is what the walk for one key finds, for any number of members; the last
 * of two alike counts, and a key may be escaped. */
START_TEST(an_object_is_read_as_a_member_is)
{
	struct read_json_object object;
	ck_assert(bytes_append_str(&out, "{\"k0\":0"));
	for (int i = 1; i < _i; i++)
		ck_assert(
		    bytes_printf(&out, ",\"%s%d\":%d", i % 3 == 0 ? "\\u006b" : "k", i % 12, i));
	ck_assert(bytes_append_char(&out, '}'));
	struct jsonspan_value root = parse(bytes_str(&out));
	read_json_object(root, &object);
	for (int i = 0; i < 14; i++) {
		char key[16];
		snprintf(key, sizeof(key), "k%d", i);
		struct view found = read_json_get(&object, key).raw;
		ck_assert(view_eq(found, jsonspan_get(root, key).raw));
		ck_assert(i != 0 || found.len > 0);
	}
}
END_TEST

START_TEST(what_is_no_object_has_no_members)
{
	struct read_json_object object;
	read_json_object(parse("[1]"), &object);
	ck_assert_int_eq(read_json_get(&object, "k0").kind, JSONSPAN_NONE);
}
END_TEST

START_TEST(a_full_buffer_is_told_at_the_end)
{
	struct write_json json;
	struct bytes small;
	bytes_init(&small, 8);
	write_json_init(&json, &small);
	write_json_object(&json);
	write_json_key_str(&json, "long", "value");
	write_json_object_end(&json);
	ck_assert(!write_json_ok(&json));
	bytes_fini(&small);
}
END_TEST

static const struct {
	const char *plain, *escaped;
} surrogates[] = {
    {"a\xed\xa0\xbd", "a\\ud83d"},
    {"\xed\xa0\xbd\xed\xb8\x80", "\\ud83d\\ude00"},
    {"\xed\x95\x9c", "\xed\x95\x9c"}, /* a Korean letter begins with the same byte */
    {"\xed\xbf\xbf\"", "\\udfff\\\""},
};

START_TEST(lone_surrogates_become_escapes)
{
	bytes_clear(&out);
	ck_assert(write_json_escape(&out, view_of(surrogates[_i].plain)));
	ck_assert_str_eq(bytes_str(&out), surrogates[_i].escaped);
}
END_TEST

START_TEST(events_are_lines)
{
	ck_assert(sse_write(&out, "ping", VIEW("{}")) && sse_write(&out, NULL, VIEW("[DONE]")));
	ck_assert_str_eq(bytes_str(&out), "event: ping\ndata: {}\n\ndata: [DONE]\n\n");
}
END_TEST

/* ---- reading ---- */

START_TEST(members_are_found_and_the_rest_is_counted)
{
	struct jsonspan_want m[] = {{.key = "a"}, {.key = "b"}, {.key = "c"}};
	size_t others = read_json_members(
	    parse("{\"\\u0061\":1,\"b\":null,\"x\":2,\"y\":[],\"z\":\"\",\"a\":3}"), m, 3);
	ck_assert_uint_eq(others, 1);
	ck_assert(view_eq_str(m[0].value.raw, "3"));
	ck_assert_int_eq(m[1].value.kind, JSONSPAN_NONE);
	ck_assert_int_eq(m[2].value.kind, JSONSPAN_NONE);
	ck_assert_uint_eq(read_json_members(parse("[1]"), m, 3), 0);
	ck_assert_int_eq(m[0].value.kind, JSONSPAN_NONE);
}
END_TEST

static const struct {
	const char *json;
	bool is_default;
} defaults[] = {
    {"null", true},
    {"false", true},
    {"0", true},
    {"0.0", true},
    {"\"\"", true},
    {"[ ]", true},
    {"{ }", true},
    {"true", false},
    {"1", false},
    {"0.5", false},
    {"\" \"", false},
    {"[0]", false},
    {"{\"a\":null}", false},
};

START_TEST(defaults_say_nothing)
{
	ck_assert_int_eq(read_json_is_default(parse(defaults[_i].json)), defaults[_i].is_default);
}
END_TEST

START_TEST(wrong_kinds_are_named_by_path)
{
	struct jsonspan_want m[] = {{.key = "n"}, {.key = "s"}, {.key = "t"}};
	struct err err;
	struct view text = VIEW("kept");
	int64_t number = 7;
	enum tri tri = TRI_ABSENT;
	read_json_members(parse("{\"n\":1.5,\"s\":5}"), m, 3);
	ck_assert(!read_json_int(&m[0], "messages[2]", 0, 10, &number, &err));
	ck_assert_str_eq(err.at, "messages[2].n");
	ck_assert_int_eq(err.kind, ERR_PARSE);
	ck_assert(!read_json_text(&m[1], "", &text, &err));
	ck_assert_str_eq(err.at, "s");
	ck_assert(!read_json_tri(&m[1], "", &tri, &err));
	ck_assert(!read_json_need(&m[2], "x", &err));
	ck_assert_str_eq(err.at, "x.t");
	ck_assert(read_json_text(&m[2], "", &text, &err)); /* absent */
	ck_assert(view_eq_str(text, "kept"));
	ck_assert_int_eq(number, 7);
}
END_TEST

START_TEST(numbers_have_bounds)
{
	struct jsonspan_want m = {.key = "n"};
	struct err err;
	int64_t number = 0;
	read_json_members(parse("{\"n\":11}"), &m, 1);
	ck_assert(!read_json_int(&m, "", 0, 10, &number, &err));
	ck_assert(read_json_int(&m, "", 0, 11, &number, &err));
	ck_assert_int_eq(number, 11);
}
END_TEST

static const struct {
	const char *string, *input;
	bool broken;
} arguments[] = {
    {"\"\"", "{}", false},
    {"\" \\n\"", "{}", false},
    {"\"null\"", "{}", false},
    {"\"{}\"", "{}", false},
    {"\" {\\\"a\\\": 1e400} \"", "{\"a\": 1e400}", false},
    {"\"{\\\"a\\\":\\\"\\\\ud83d\\\"}\"", "{\"a\":\"\\ud83d\"}", false},
    {"\"{\\\"a\\\":\\\"\\ud83d\\\"}\"", "{\"a\":\"\\ud83d\"}", false},
    {"\"[]\"", "{\"_raw\":\"[]\"}", true},
    {"\"{\\\"\"", "{\"_raw\":\"{\\\"\"}", true},
    {"\"{}{}\"", "{\"_raw\":\"{}{}\"}", true},
};

START_TEST(arguments_become_an_object)
{
	struct part part = {.kind = PART_CALL};
	ck_assert(read_json_arguments(&arena, parse(arguments[_i].string), &part));
	ck_assert(view_eq_str(part.input_json, arguments[_i].input));
	ck_assert_int_eq(part.input_broken, arguments[_i].broken);
}
END_TEST

START_TEST(the_arena_has_an_end)
{
	struct arena small;
	struct part part = {.kind = PART_CALL};
	arena_init(&small, 64, 64);
	ck_assert(!read_json_arguments(&small,
	    parse("\"{\\\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\\\":"
		  "1}\""),
	    &part));
	arena_fini(&small);
}
END_TEST

int
main(void)
{
	TCase *tcase = tcase_create("json");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, commas_stand_where_they_belong);
	tcase_add_test(tcase, numbers_of_any_size);
	tcase_add_loop_test(
	    tcase, an_object_is_read_as_a_member_is, 1, READ_JSON_OBJECT_MEMBERS + 4);
	tcase_add_test(tcase, what_is_no_object_has_no_members);
	tcase_add_test(tcase, a_full_buffer_is_told_at_the_end);
	tcase_add_loop_test(tcase, lone_surrogates_become_escapes, 0, 4);
	tcase_add_test(tcase, events_are_lines);
	tcase_add_test(tcase, members_are_found_and_the_rest_is_counted);
	tcase_add_loop_test(tcase, defaults_say_nothing, 0, 13);
	tcase_add_test(tcase, wrong_kinds_are_named_by_path);
	tcase_add_test(tcase, numbers_have_bounds);
	tcase_add_loop_test(tcase, arguments_become_an_object, 0, 10);
	tcase_add_test(tcase, the_arena_has_an_end);
	Suite *suite = suite_create("convert_json");
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
