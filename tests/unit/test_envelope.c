/* The envelope around every message, and the path of a socket. */
#include "envelope.h"
#include "names.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

static bool
decode(const char *text, struct envelope *out, struct err *err)
{
	memset(err, 0, sizeof(*err));
	return envelope_decode(view_of(text), out, err);
}

START_TEST(what_is_written_is_read)
{
	struct bytes out;
	struct envelope envelope;
	struct err err;
	bytes_init(&out, 4096);
	ck_assert(envelope_encode(MSG_HEARTBEAT, 7, json_pack("{s:i}", "version", 3), &out));
	ck_assert(view_eq_str(bytes_view(&out),
	    "{\"v\":1,\"type\":\"heartbeat\",\"id\":7,\"body\":{\"version\":3}}"));
	ck_assert(envelope_decode(bytes_view(&out), &envelope, &err));
	ck_assert_str_eq(envelope.type, "heartbeat");
	ck_assert_uint_eq(envelope.id, 7);
	ck_assert_int_eq(json_integer_value(json_object_get(envelope.body, "version")), 3);
	envelope_fini(&envelope);
	bytes_fini(&out);
}
END_TEST

START_TEST(no_body_is_an_empty_one)
{
	struct bytes out;
	struct envelope envelope;
	struct err err;
	bytes_init(&out, 4096);
	ck_assert(envelope_encode(MSG_OK, 0, NULL, &out));
	ck_assert(envelope_decode(bytes_view(&out), &envelope, &err));
	ck_assert_uint_eq(json_object_size(envelope.body), 0);
	envelope_fini(&envelope);
	bytes_fini(&out);
}
END_TEST

START_TEST(the_limit_of_the_buffer_holds)
{
	struct bytes out;
	bytes_init(&out, 20);
	ck_assert(!envelope_encode(MSG_OK, 1, NULL, &out));
	ck_assert_uint_eq(out.len, 0);
	bytes_fini(&out);
}
END_TEST

static const struct {
	const char *text, *at;
} refused[] = {
    {"", "line 1 column 0"},
    {"[]", "v"},
    {"{\"type\":\"ok\",\"id\":1,\"body\":{}}", "v"},
    {"{\"v\":\"1\",\"type\":\"ok\",\"id\":1,\"body\":{}}", "v"},
    {"{\"v\":2,\"type\":\"ok\",\"id\":1,\"body\":{}}", "v"},
    {"{\"v\":1,\"id\":1,\"body\":{}}", "type"},
    {"{\"v\":1,\"type\":1,\"id\":1,\"body\":{}}", "type"},
    {"{\"v\":1,\"type\":\"\",\"id\":1,\"body\":{}}", "type"},
    {"{\"v\":1,\"type\":\"12345678901234567890123456789012\",\"id\":1,\"body\":{}}", "type"},
    {"{\"v\":1,\"type\":\"ok\",\"body\":{}}", "id"},
    {"{\"v\":1,\"type\":\"ok\",\"id\":-1,\"body\":{}}", "id"},
    {"{\"v\":1,\"type\":\"ok\",\"id\":1.5,\"body\":{}}", "id"},
    {"{\"v\":1,\"type\":\"ok\",\"id\":1}", "body"},
    {"{\"v\":1,\"type\":\"ok\",\"id\":1,\"body\":[]}", "body"},
    {"{\"v\":1,\"type\":\"ok\",\"id\":1,\"body\":null}", "body"},
};

START_TEST(anything_else_is_refused_by_its_place)
{
	struct envelope envelope;
	struct err err;
	ck_assert_msg(!decode(refused[_i].text, &envelope, &err), "%s", refused[_i].text);
	ck_assert_str_eq(err.at, refused[_i].at);
	ck_assert_str_ne(err.msg, "");
	ck_assert_ptr_null(envelope.body);
}
END_TEST

START_TEST(another_version_is_named)
{
	struct envelope envelope;
	struct err err;
	ck_assert(!decode("{\"v\":9,\"new\":[]}", &envelope, &err));
	ck_assert_int_eq(err.kind, ERR_PEER);
	ck_assert_ptr_nonnull(strstr(err.msg, "9"));
}
END_TEST

START_TEST(an_error_has_kind_message_and_place)
{
	struct err err;
	err_set(&err, ERR_CONFIG, "api_configs[0].base_url", "is no URL");
	json_t *body = envelope_error_body(&err);
	ck_assert_str_eq(json_string_value(json_object_get(body, "kind")), "config");
	ck_assert_str_eq(json_string_value(json_object_get(body, "message")), "is no URL");
	const json_t *faults = json_object_get(body, "faults");
	ck_assert_uint_eq(json_array_size(faults), 1);
	const json_t *fault = json_array_get(faults, 0);
	ck_assert_str_eq(
	    json_string_value(json_object_get(fault, "path")), "api_configs[0].base_url");
	ck_assert_str_eq(json_string_value(json_object_get(fault, "message")), "is no URL");
	json_decref(body);
}
END_TEST

START_TEST(an_error_cut_inside_a_character_is_still_an_error)
{
	struct err err = {.kind = ERR_IO, .at = "a\xc3", .msg = "half \xe4\xb8"};
	json_t *body = envelope_error_body(&err);
	ck_assert_str_eq(json_string_value(json_object_get(body, "kind")), "io");
	ck_assert(json_is_string(json_object_get(body, "message")));
	ck_assert_uint_eq(json_array_size(json_object_get(body, "faults")), 0);
	json_decref(body);
}
END_TEST

START_TEST(a_socket_path_has_at_most_107_bytes)
{
	char dir[128], out[256];
	struct err err;
	memset(dir, 'd', sizeof(dir));
	dir[107 - strlen("/" NAMES_WEB)] = '\0';
	ck_assert(names_path(dir, NAMES_WEB, out, sizeof(out), &err));
	ck_assert_uint_eq(strlen(out), 107);
	dir[strlen(dir)] = 'd';
	dir[107 - strlen("/" NAMES_WEB) + 1] = '\0';
	ck_assert(!names_path(dir, NAMES_WEB, out, sizeof(out), &err));
	ck_assert_int_eq(err.kind, ERR_LIMIT);
	ck_assert(!names_path("/run", NAMES_WEB, out, 8, &err));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("envelope");
	TCase *tests = tcase_create("envelope");
	tcase_add_test(tests, what_is_written_is_read);
	tcase_add_test(tests, no_body_is_an_empty_one);
	tcase_add_test(tests, the_limit_of_the_buffer_holds);
	tcase_add_loop_test(tests, anything_else_is_refused_by_its_place, 0,
	    (int)(sizeof(refused) / sizeof(refused[0])));
	tcase_add_test(tests, another_version_is_named);
	tcase_add_test(tests, an_error_has_kind_message_and_place);
	tcase_add_test(tests, an_error_cut_inside_a_character_is_still_an_error);
	tcase_add_test(tests, a_socket_path_has_at_most_107_bytes);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
