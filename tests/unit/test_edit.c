/* Changes of a document: what is edited, what is hidden and put back, what is told of it. */
#include "diff.h"
#include "edit.h"
#include "ids.h"
#include "jget.h"
#include "mask.h"
#include "mem.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY "sk-secretcanary-0123456789"

static json_t *root;
static struct err err;
static int64_t at;

static void
setup(void)
{
	static const char text[] =
	    "{\"_note\": 1, \"api_configs\": ["
	    "{\"id\": \"a\", \"name\": \"A\", \"base_url\": \"http://a\", \"key\": \"" KEY
	    "\", \"mine\": {\"token\": \"short\"}},"
	    "{\"id\": \"b\", \"base_url\": \"http://b\", \"key\": \"short\"},"
	    "{\"base_url\": \"http://c\", \"key\": \"\"}], \"zz\": [1, 2]}";
	root = json_loads(text, 0, NULL);
	ck_assert_ptr_nonnull(root);
	ids_stamp(root);
}

static void
teardown(void)
{
	json_decref(root);
}

static bool
apply(const char *question)
{
	struct edit edit;
	json_t *body = json_loads(question, 0, NULL);
	ck_assert_msg(body != NULL, "%s", question);
	bool ok = edit_read(body, "now", &edit, &err) && edit_apply(&root, &edit, &at, &err);
	json_decref(body);
	return ok;
}

/* The document as text, without spaces. */
static void
expect(const json_t *value, const char *wanted)
{
	char *text = jget_dump(value, NULL);
	ck_assert_str_eq(text, wanted);
	mem_free(text);
}

static const json_t *
entry(size_t i)
{
	return json_array_get(json_object_get(root, "api_configs"), i);
}

static const char *
id_at(size_t i)
{
	const char *id = json_string_value(json_object_get(entry(i), "id"));
	return id != NULL ? id : "";
}

/* ---- lists ---- */

START_TEST(entries_are_found_by_id_and_by_place)
{
	ck_assert(apply("{\"op\":\"merge\",\"section\":\"api_configs\",\"id\":\"b\","
			"\"value\":{\"weight\":3,\"id\":\"other\",\"key\":null}}"));
	expect(entry(1), "{\"id\":\"b\",\"base_url\":\"http://b\",\"weight\":3,\"updated_at\":"
			 "\"now\"}");
	ck_assert_int_eq(at, 1);
	ck_assert(apply("{\"op\":\"replace\",\"section\":\"api_configs\",\"index\":0,"
			"\"value\":{\"base_url\":\"x\",\"updated_at\":\"then\"}}"));
	expect(entry(0), "{\"base_url\":\"x\",\"updated_at\":\"then\",\"id\":\"a\"}");
	ck_assert(!apply("{\"op\":\"remove\",\"section\":\"api_configs\",\"id\":\"nobody\"}"));
	ck_assert_int_eq(err.kind, ERR_ABSENT);
	ck_assert(!apply("{\"op\":\"remove\",\"section\":\"api_configs\",\"index\":3}"));
	ck_assert(apply("{\"op\":\"remove\",\"section\":\"api_configs\",\"index\":0}"));
	ck_assert_str_eq(id_at(0), "b");
}
END_TEST

START_TEST(entries_move_and_are_copied)
{
	ck_assert(apply("{\"op\":\"move\",\"section\":\"api_configs\",\"id\":\"a\",\"to\":"
			"\"bottom\"}"));
	ck_assert_str_eq(id_at(2), "a");
	ck_assert(!apply("{\"op\":\"move\",\"section\":\"api_configs\",\"id\":\"a\",\"to\":"
			 "\"down\"}"));
	ck_assert(!apply("{\"op\":\"move\",\"section\":\"api_configs\",\"id\":\"a\",\"to\":7}"));
	ck_assert(apply("{\"op\":\"move\",\"section\":\"api_configs\",\"id\":\"a\",\"to\":0}"));
	ck_assert(apply("{\"op\":\"duplicate\",\"section\":\"api_configs\",\"id\":\"a\"}"));
	ck_assert_int_eq(at, 1);
	ck_assert_str_eq(json_string_value(json_object_get(entry(1), "name")), "A (copy)");
	ck_assert_str_eq(json_string_value(json_object_get(entry(1), "key")), KEY);
	ck_assert_ptr_null(json_object_get(entry(1), "id"));
	ids_stamp(root);
	ck_assert_str_ne(id_at(1), "a");
	ck_assert(apply("{\"op\":\"toggle\",\"section\":\"api_configs\",\"id\":\"a\"}"));
	ck_assert(json_is_false(json_object_get(entry(0), "enabled")));
}
END_TEST

START_TEST(an_order_needs_every_id_once)
{
	char question[256];
	static const char *const wrong[] = {
	    "[]", "[\"a\",\"b\"]", "[\"a\",\"b\",\"b\"]", "[\"a\",\"b\",7]", "7"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		(void)snprintf(question, sizeof(question),
		    "{\"op\":\"order\",\"section\":\"api_configs\",\"value\":%s}", wrong[i]);
		ck_assert_msg(!apply(question), "%s", wrong[i]);
	}
	(void)snprintf(question, sizeof(question),
	    "{\"op\":\"order\",\"section\":\"api_configs\",\"value\":[\"%s\",\"b\",\"a\"]}",
	    id_at(2));
	ck_assert(apply(question));
	ck_assert_str_eq(id_at(2), "a");
}
END_TEST

START_TEST(sections_and_unknown_places)
{
	ck_assert(apply("{\"op\":\"settings\",\"value\":{\"routing.claude.pick\":\"weighted\","
			"\"server.tls.cert_file\":\"/c\"}}"));
	expect(json_object_get(root, "routing"), "{\"claude\":{\"pick\":\"weighted\"}}");
	expect(json_object_get(root, "server"), "{\"tls\":{\"cert_file\":\"/c\"}}");
	ck_assert(!apply("{\"op\":\"settings\",\"value\":{\"admin.token_sha256\":\"x\"}}"));
	ck_assert(!apply("{\"op\":\"settings\",\"value\":{\"api_configs.name\":\"x\"}}"));
	ck_assert(!apply("{\"op\":\"merge\",\"section\":\"admin\",\"value\":{}}"));
	ck_assert(!apply("{\"op\":\"merge\",\"section\":\"nothing\",\"value\":{}}"));
	ck_assert(!apply("{\"op\":\"wash\",\"section\":\"api_configs\"}"));
	ck_assert(!apply("{\"op\":\"add\",\"section\":\"api_configs\",\"value\":[]}"));
	ck_assert(apply("{\"op\":\"add\",\"section\":\"admin.users\",\"value\":{\"name\":\"x\"}}"));
	expect(json_object_get(root, "_note"), "1");
}
END_TEST

/* ---- secrets ---- */

START_TEST(what_is_hidden_comes_back)
{
	struct faults faults = {0};
	json_t *shown = mask_hidden(root);
	char *text = jget_dump(shown, NULL);
	ck_assert_ptr_null(strstr(text, "secretcanary"));
	ck_assert_ptr_null(strstr(text, "short"));
	ck_assert_ptr_nonnull(strstr(text, "sk-...6789"));
	mem_free(text);
	mask_restore(shown, root, &faults);
	ck_assert_uint_eq(faults.errors, 0);
	ck_assert(json_equal(shown, root));
	json_decref(shown);
	faults_fini(&faults);
}
END_TEST

/* A mask stands for the key of its own entry: two short keys look alike. */
START_TEST(a_mask_is_no_key_of_another_entry)
{
	struct faults faults = {0};
	json_t *other = json_loads("{\"api_configs\": [{\"id\": \"new\", \"key\": \"set\"},"
				   "{\"id\": \"a\", \"key\": \"sk-...0000\"},"
				   "{\"id\": \"b\", \"key\": \"set\"}, {\"key\": \"set\"}]}",
	    0, NULL);
	mask_restore(other, root, &faults);
	ck_assert_uint_eq(faults.errors, 3);
	ck_assert_str_eq(faults.items[0].path, "api_configs[0].key");
	ck_assert_str_eq(faults.items[1].path, "api_configs[1].key");
	ck_assert_str_eq(faults.items[2].path, "api_configs[3].key");
	const json_t *kept = json_array_get(json_object_get(other, "api_configs"), 2);
	ck_assert_str_eq(json_string_value(json_object_get(kept, "key")), "short");
	json_decref(other);
	faults_fini(&faults);
}
END_TEST

START_TEST(names_of_secrets)
{
	static const char *const secret[] = {
	    "key", "api_key", "apiKey", "token_sha256", "x-auth-token", "Authorization", "KEY"};
	static const char *const plain[] = {"monkey", "tokens", "max_tokens", "keyboard",
	    "cert_file", "key_file", "name", "", "time_zone"};
	for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++)
		ck_assert_msg(mask_is_secret(secret[i]), "%s", secret[i]);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		ck_assert_msg(!mask_is_secret(plain[i]), "%s", plain[i]);
}
END_TEST

/* ---- differences ---- */

START_TEST(differences_name_places_and_no_secret)
{
	json_t *before = json_deep_copy(root);
	ck_assert(apply("{\"op\":\"merge\",\"section\":\"api_configs\",\"id\":\"a\",\"value\":"
			"{\"key\":\"sk-anothercanary-987654321\",\"updated_at\":null}}"));
	ck_assert(apply("{\"op\":\"remove\",\"section\":\"api_configs\",\"index\":2}"));
	ck_assert(
	    apply("{\"op\":\"move\",\"section\":\"api_configs\",\"id\":\"b\",\"to\":\"up\"}"));
	json_t *changes = diff_changes(before, root, 10);
	char *text = jget_dump(changes, NULL);
	ck_assert_ptr_null(strstr(text, "canary"));
	ck_assert_ptr_nonnull(
	    strstr(text, "{\"path\":\"api_configs[1].key\",\"from\":\"sk-...6789\","
			 "\"to\":\"sk-...4321\"}"));
	ck_assert_ptr_nonnull(strstr(text, "{\"path\":\"api_configs[2]\",\"from\":{"));
	ck_assert_ptr_nonnull(
	    strstr(text, "{\"path\":\"api_configs\",\"from\":[\"a\",\"b\"],\"to\":[\"b\",\"a\"]}"));
	ck_assert_uint_eq(json_array_size(changes), 3);
	mem_free(text);
	json_decref(changes);
	changes = diff_changes(before, root, 1);
	ck_assert_uint_eq(json_array_size(changes), 2);
	expect(json_array_get(changes, 1), "{\"path\":\"...\",\"from\":null,\"to\":2}");
	json_decref(changes);
	json_decref(before);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("edit");
	TCase *tcase = tcase_create("edit");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, entries_are_found_by_id_and_by_place);
	tcase_add_test(tcase, entries_move_and_are_copied);
	tcase_add_test(tcase, an_order_needs_every_id_once);
	tcase_add_test(tcase, sections_and_unknown_places);
	tcase_add_test(tcase, what_is_hidden_comes_back);
	tcase_add_test(tcase, a_mask_is_no_key_of_another_entry);
	tcase_add_test(tcase, names_of_secrets);
	tcase_add_test(tcase, differences_name_places_and_no_secret);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
