/* Errors in the client's own protocol are valid JSON and say the right words. */
#include "refuse.h"
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static json_t *
load(struct view text)
{
	json_error_t error;
	json_t *root = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &error);
	ck_assert_msg(root != NULL, "%s", error.text);
	return root;
}

static const char *
get(const json_t *root, const char *first, const char *second)
{
	const json_t *value = json_object_get(root, first);
	return json_string_value(second ? json_object_get(value, second) : value);
}

static const struct {
	int status;
	const char *anthropic, *openai, *code;
} words[] = {
    {400, "invalid_request_error", "invalid_request_error", NULL},
    {401, "authentication_error", "invalid_request_error", "invalid_api_key"},
    {402, "billing_error", "insufficient_quota", "insufficient_quota"},
    {403, "permission_error", "invalid_request_error", "permission_denied"},
    {404, "not_found_error", "invalid_request_error", "not_found"},
    {405, "invalid_request_error", "invalid_request_error", "method_not_allowed"},
    {413, "request_too_large", "invalid_request_error", "request_too_large"},
    {415, "invalid_request_error", "invalid_request_error", NULL},
    {429, "rate_limit_error", "requests", "rate_limit_exceeded"},
    {500, "api_error", "server_error", "server_error"},
    {502, "api_error", "server_error", "server_error"},
    {503, "api_error", "server_error", "server_error"},
    {504, "timeout_error", "server_error", "server_error"},
    {529, "overloaded_error", "server_error", "slow_down"},
};

START_TEST(a_status_has_its_words)
{
	struct bytes out;
	bytes_init(&out, 4096);
	ck_assert(refuse_body(PROTOCOL_ANTHROPIC, words[_i].status, "no", "n", "req_1", &out));
	json_t *root = load(bytes_view(&out));
	ck_assert_str_eq(get(root, "type", NULL), "error");
	ck_assert_str_eq(get(root, "error", "type"), words[_i].anthropic);
	ck_assert_str_eq(get(root, "error", "message"), "no");
	ck_assert_str_eq(get(root, "request_id", NULL), "req_1");
	json_decref(root);
	for (enum protocol p = PROTOCOL_CHAT; p <= PROTOCOL_RESPONSES; p++) {
		const char *param = p == PROTOCOL_CHAT ? NULL : "tools[0]";
		bytes_clear(&out);
		ck_assert(refuse_body(p, words[_i].status, "no", param, "req_1", &out));
		root = load(bytes_view(&out));
		const json_t *error = json_object_get(root, "error");
		ck_assert_uint_eq(json_object_size(root), 1);
		ck_assert_uint_eq(json_object_size(error), 4);
		ck_assert_str_eq(get(root, "error", "type"), words[_i].openai);
		ck_assert_str_eq(get(root, "error", "message"), "no");
		ck_assert_pstr_eq(get(root, "error", "param"), param);
		ck_assert(param || json_is_null(json_object_get(error, "param")));
		ck_assert_pstr_eq(get(root, "error", "code"), words[_i].code);
		ck_assert(words[_i].code || json_is_null(json_object_get(error, "code")));
		json_decref(root);
	}
	bytes_fini(&out);
}
END_TEST

static const struct {
	const char *message, *shown;
} messages[] = {
    {"", ""},
    {"say \"hi\" \\ and\n\ttab \x01 \x7f", "say \"hi\" \\ and\n\ttab \x01 \x7f"},
    {"Gr\xc3\xbc\xc3\x9f \xe4\xb8\x96 \xf0\x9f\x8c\x8d",
	"Gr\xc3\xbc\xc3\x9f \xe4\xb8\x96 \xf0\x9f\x8c\x8d"},
    {"cut \xe4\xb8", "cut \xef\xbf\xbd\xef\xbf\xbd"},
    {"\xff\"\xed\xa0\x80\"", "\xef\xbf\xbd\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    {"</script>data: x\n\nevent: y", "</script>data: x\n\nevent: y"},
};

START_TEST(any_text_is_valid_json)
{
	struct bytes out;
	bytes_init(&out, 4096);
	for (int p = 0; p < PROTOCOL_COUNT; p++) {
		bytes_clear(&out);
		ck_assert(refuse_body((enum protocol)p, 500, messages[_i].message,
		    messages[_i].message, messages[_i].message, &out));
		json_t *root = load(bytes_view(&out));
		ck_assert_str_eq(get(root, "error", "message"), messages[_i].shown);
		json_decref(root);
	}
	bytes_fini(&out);
}
END_TEST

/* The one data line of an event that begins with a blank line and ends with one. */
static json_t *
load_event(struct view text, const char *head)
{
	ck_assert(view_starts(text, "\n\n"));
	text = view_from(text, 2);
	ck_assert(view_starts(text, head));
	text = view_from(text, strlen(head));
	ck_assert(view_ends(text, "}\n\n"));
	text.len -= 2;
	ck_assert_int_lt(view_find_char(text, '\n'), 0);
	return load(text);
}

START_TEST(a_broken_stream_ends_with_the_protocols_error)
{
	struct bytes out;
	const char *message = messages[_i].message, *shown = messages[_i].shown;
	bytes_init(&out, 4096);
	ck_assert(refuse_event(PROTOCOL_ANTHROPIC, 502, message, "req_1", 0, &out));
	json_t *root = load_event(bytes_view(&out), "event: error\ndata: ");
	ck_assert_str_eq(get(root, "type", NULL), "error");
	ck_assert_str_eq(get(root, "error", "type"), "api_error");
	ck_assert_str_eq(get(root, "error", "message"), shown);
	json_decref(root);

	bytes_clear(&out);
	ck_assert(refuse_event(PROTOCOL_CHAT, 502, message, "req_1", 0, &out));
	root = load_event(bytes_view(&out), "data: ");
	ck_assert_str_eq(get(root, "error", "code"), "server_error");
	ck_assert_str_eq(get(root, "error", "message"), shown);
	json_decref(root);

	bytes_clear(&out);
	ck_assert(refuse_event(PROTOCOL_RESPONSES, 502, message, "req_1", 1234567890123, &out));
	root = load_event(bytes_view(&out), "event: response.failed\ndata: ");
	ck_assert_str_eq(get(root, "type", NULL), "response.failed");
	ck_assert_int_eq(
	    json_integer_value(json_object_get(root, "sequence_number")), 1234567890123);
	const json_t *response = json_object_get(root, "response");
	ck_assert_str_eq(get(response, "id", NULL), "req_1");
	ck_assert_str_eq(get(response, "status", NULL), "failed");
	ck_assert_str_eq(get(response, "error", "code"), "server_error");
	ck_assert_str_eq(get(response, "error", "message"), shown);
	json_decref(root);
	bytes_fini(&out);
}
END_TEST

START_TEST(a_full_buffer_is_left_as_it_was)
{
	for (int p = 0; p < PROTOCOL_COUNT; p++) {
		for (size_t max = 0; max < 60; max++) {
			struct bytes out;
			bytes_init(&out, max);
			ck_assert(
			    !refuse_body((enum protocol)p, 400, "message", "n", "req_1", &out));
			ck_assert_uint_eq(out.len, 0);
			ck_assert(
			    !refuse_event((enum protocol)p, 502, "message", "req_1", 1, &out));
			ck_assert_uint_eq(out.len, 0);
			bytes_fini(&out);
		}
	}
}
END_TEST

START_TEST(an_upstreams_key_is_not_the_clients_fault)
{
	static const int rows[][2] = {{0, 502}, {101, 502}, {200, 502}, {302, 502}, {400, 400},
	    {401, 502}, {402, 502}, {403, 502}, {404, 404}, {407, 502}, {413, 413}, {429, 429},
	    {500, 500}, {503, 503}, {529, 529}, {599, 599}, {999, 502}};
	for (int i = 0; i < COUNT(rows); i++)
		ck_assert_int_eq(refuse_status(rows[i][0]), rows[i][1]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("refuse");
	TCase *tests = tcase_create("refuse");
	tcase_add_loop_test(tests, a_status_has_its_words, 0, COUNT(words));
	tcase_add_loop_test(tests, any_text_is_valid_json, 0, COUNT(messages));
	tcase_add_loop_test(
	    tests, a_broken_stream_ends_with_the_protocols_error, 0, COUNT(messages));
	tcase_add_test(tests, a_full_buffer_is_left_as_it_was);
	tcase_add_test(tests, an_upstreams_key_is_not_the_clients_fault);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
