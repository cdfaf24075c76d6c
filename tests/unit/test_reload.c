/* Which configuration serves: starts, edits, spoiled files and the last good copy. */
#include "fileio.h"
#include "log.h"
#include "reload.h"
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UP "\"base_url\": \"https://a.test\", \"key\": \"sk-secretcanary\""

static char dir[64], path[128], good[128], backup[128];
static struct reload reload;
static struct bytes text;
static struct err err;

static void
setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/pm-reload-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/json_data", dir);
	ck_assert(mkdir(path, 0700) == 0);
	snprintf(path, sizeof(path), "%s/json_data/all_configs.json", dir);
	snprintf(good, sizeof(good), "%s/json_data/all_configs.json.good", dir);
	snprintf(backup, sizeof(backup), "%s/json_data/all_configs.json.bak", dir);
	bytes_init(&text, CONFIG_BYTES_MAX);
	log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	memset(&reload, 0, sizeof(reload));
}

static void
teardown(void)
{
	char other[96];
	reload_fini(&reload);
	bytes_fini(&text);
	unlink(path);
	unlink(good);
	unlink(backup);
	snprintf(other, sizeof(other), "%s/json_data", dir);
	rmdir(other);
	snprintf(other, sizeof(other), "%s/client-key", dir);
	unlink(other);
	snprintf(other, sizeof(other), "%s/admin-token", dir);
	unlink(other);
	rmdir(dir);
}

static void
put(const char *content)
{
	ck_assert(fileio_write(path, view_of(content), 0600, &err));
}

static const char *
content_of(const char *file)
{
	bytes_clear(&text);
	ck_assert_msg(fileio_read(file, &text, &err), "%s: %s", file, err.msg);
	return bytes_str(&text);
}

static void
start(void)
{
	reload_fini(&reload);
	ck_assert_msg(reload_start(&reload, dir, &err), "%s", err.msg);
}

static size_t
claude_count(void)
{
	return reload.config->upstreams[GROUP_CLAUDE].count;
}

/* The state's word on what is wrong has a fault at `at`. */
static void
expect_fault(const char *kind, const char *at)
{
	json_t *body = reload_error_body(&reload);
	ck_assert_ptr_nonnull(body);
	const json_t *fault = json_array_get(json_object_get(body, "faults"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(body, "kind")), kind);
	ck_assert_str_eq(json_string_value(json_object_get(fault, "path")), at);
	json_decref(body);
}

START_TEST(a_first_start_makes_file_and_keys)
{
	start();
	ck_assert_int_eq(reload.source, RELOAD_FILE);
	ck_assert_int_eq(reload.err.kind, ERR_NONE);
	ck_assert(reload.minted);
	ck_assert(config_has_no_upstream(reload.config)); /* nothing is built in */
	ck_assert_uint_eq(reload.config->client_key_count, 1);
	ck_assert_uint_eq(reload.revision, 1);
	ck_assert_ptr_nonnull(strstr(content_of(path), "\"api_configs\": []"));
	ck_assert_ptr_nonnull(strstr(content_of(path), "token_sha256"));
	ck_assert_ptr_nonnull(strstr(content_of(good), "token_sha256"));
	ck_assert_ptr_null(reload_error_body(&reload));
	ck_assert_int_eq(reload_again(&reload), RELOAD_SAME);
}
END_TEST

START_TEST(a_second_start_mints_nothing_and_writes_nothing)
{
	struct stat before, after;
	start();
	ck_assert(stat(path, &before) == 0);
	start();
	ck_assert(!reload.minted);
	ck_assert_uint_eq(reload.config->client_key_count, 1);
	ck_assert(stat(path, &after) == 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
}
END_TEST

START_TEST(an_old_file_is_taken_with_all_its_words)
{
	put("\xef\xbb\xbf{\"api_configs\": [{" UP ", \"mine\": 1}], \"openai_to_claude_config\":"
	    "{" UP "}, \"other\": {\"x\": [1.5]}}");
	start();
	ck_assert_int_eq(reload.err.kind, ERR_NONE);
	ck_assert(reload.minted);
	ck_assert_uint_eq(claude_count(), 1);
	ck_assert_ptr_nonnull(strstr(content_of(path), "\"mine\": 1"));
	ck_assert_ptr_nonnull(strstr(content_of(path), "\"other\""));
	ck_assert_ptr_nonnull(strstr(content_of(path), "token_sha256"));
	ck_assert_ptr_nonnull(strstr(content_of(backup), "openai_to_claude_config\""));
}
END_TEST

START_TEST(a_bad_file_at_the_first_start_serves_nobody_and_stays)
{
	static const char *const bad[] = {"", "{", "\xff\xfe", "[]", "{\"api_configs\": 1}"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put(bad[i]);
		start();
		ck_assert_int_eq(reload.source, RELOAD_NONE);
		ck_assert_ptr_null(reload.config);
		ck_assert_int_ne(reload.err.kind, ERR_NONE);
		ck_assert(!reload.minted);
		ck_assert_str_eq(content_of(path), bad[i]);
		ck_assert(access(good, F_OK) != 0);
	}
	expect_fault("config", "api_configs");
	put("{\"api_configs\": [{" UP "}]}"); /* repaired: serves, and now has its keys */
	ck_assert_int_eq(reload_again(&reload), RELOAD_CHANGED);
	ck_assert_uint_eq(claude_count(), 1);
	ck_assert_uint_eq(reload.config->client_key_count, 1);
}
END_TEST

START_TEST(a_spoiled_file_leaves_the_one_before_serving)
{
	put("{\"api_configs\": [{" UP "}, {" UP "}]}");
	start();
	uint64_t revision = reload.revision;
	put("{\n  \"api_configs\": [,]}");
	ck_assert_int_eq(reload_again(&reload), RELOAD_REFUSED);
	ck_assert_uint_eq(claude_count(), 2);
	ck_assert_uint_eq(reload.revision, revision);
	ck_assert_int_eq(reload.source, RELOAD_FILE);
	expect_fault("parse", "line 2 column 19");
	ck_assert_int_eq(reload_again(&reload), RELOAD_REFUSED);
	ck_assert(!store_write(&reload.store, VIEW("{}"), &err)); /* nobody writes over it */
	ck_assert_str_eq(content_of(path), "{\n  \"api_configs\": [,]}");
	put("{\"api_configs\": [{" UP "}]}");
	ck_assert_int_eq(reload_again(&reload), RELOAD_CHANGED);
	ck_assert_uint_eq(claude_count(), 1);
	ck_assert_ptr_null(reload_error_body(&reload));
}
END_TEST

START_TEST(a_restart_with_a_spoiled_file_serves_the_good_copy_and_says_so)
{
	put("{\"api_configs\": [{" UP "}]}");
	start();
	put("{\"api_configs\": [{" UP "}]");
	start();
	ck_assert_int_eq(reload.source, RELOAD_GOOD);
	ck_assert_uint_eq(claude_count(), 1);
	ck_assert_uint_eq(reload.config->client_key_count, 1);
	ck_assert(!reload.minted);
	json_t *body = reload_error_body(&reload);
	ck_assert_ptr_nonnull(
	    strstr(json_string_value(json_object_get(body, "message")), "last good copy"));
	json_decref(body);
	ck_assert_str_eq(content_of(path), "{\"api_configs\": [{" UP "}]");
}
END_TEST

START_TEST(a_vanished_file_is_no_first_start)
{
	put("{\"api_configs\": [{" UP "}]}");
	start();
	ck_assert(unlink(path) == 0);
	ck_assert_int_eq(reload_again(&reload), RELOAD_REFUSED);
	ck_assert_uint_eq(claude_count(), 1);
	start();
	ck_assert_int_eq(reload.source, RELOAD_GOOD);
	ck_assert_uint_eq(claude_count(), 1);
	ck_assert(access(path, F_OK) != 0);
	expect_fault("io", path);
}
END_TEST

START_TEST(neither_file_nor_good_copy_are_sound)
{
	put("{");
	ck_assert(fileio_write(good, VIEW("}"), 0600, &err));
	start();
	ck_assert_int_eq(reload.source, RELOAD_NONE);
	ck_assert_ptr_null(reload.config);
}
END_TEST

START_TEST(a_file_put_over_ours_keeps_the_keys)
{
	start();
	uint8_t token[32], after[32];
	ck_assert(config_admin_sha256(reload.config, token));
	put("{\"api_configs\": [{" UP "}]}");
	ck_assert_int_eq(reload_again(&reload), RELOAD_CHANGED);
	ck_assert_uint_eq(reload.config->client_key_count, 1);
	ck_assert(config_admin_sha256(reload.config, after));
	ck_assert_mem_eq(token, after, sizeof(token));
	ck_assert_ptr_nonnull(strstr(content_of(path), "token_sha256"));
	start();
	ck_assert(!reload.minted);
}
END_TEST

START_TEST(keys_that_cannot_be_saved_are_told)
{
	put("{\"api_configs\": [{" UP "}]}");
	char blocked[96];
	snprintf(blocked, sizeof(blocked), "%s/client-key", dir);
	ck_assert(mkdir(blocked, 0700) == 0);
	start();
	ck_assert(!reload.minted);
	ck_assert_uint_eq(claude_count(), 1);
	ck_assert_int_eq(reload.err.kind, ERR_IO);
	ck_assert(rmdir(blocked) == 0);
	ck_assert_int_eq(reload_again(&reload), RELOAD_CHANGED);
	ck_assert(reload.minted);
	ck_assert_int_eq(reload.err.kind, ERR_NONE);
}
END_TEST

START_TEST(mutations_never_change_the_file)
{
	static const char original[] =
	    "{\"api_configs\": [{" UP ", \"time_enabled\": [1,0,1]}], \"client_keys\": [],"
	    "\"admin\": {\"token_sha256\": "
	    "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}";
	uint32_t state = 7;
	put(original);
	start();
	for (unsigned round = 0; round < 1000; round++) {
		char mutant[sizeof(original)];
		memcpy(mutant, original, sizeof(original));
		state = state * 1664525u + 1013904223u;
		mutant[(state >> 8) % (sizeof(original) - 1)] = (char)((state >> 24) | 1);
		FILE *file = fopen(path, "w");
		ck_assert(file != NULL && fputs(mutant, file) >= 0 && fclose(file) == 0);
		enum reload_result result = reload_again(&reload);
		/* Written is only what was taken and had lost an access word. */
		bool whole = strstr(mutant, "\"client_keys\"") != NULL &&
			     strstr(mutant, "\"admin\"") != NULL &&
			     strstr(mutant, "\"token_sha256\"") != NULL;
		if (result == RELOAD_REFUSED || whole)
			ck_assert_str_eq(content_of(path), mutant);
		ck_assert_uint_le(claude_count(), 1);
	}
}
END_TEST

START_TEST(a_state_folder_that_is_none_is_told)
{
	ck_assert(!reload_start(&reload, "/dev/null/x", &err));
	ck_assert_int_eq(err.kind, ERR_IO);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("reload");
	TCase *tcase = tcase_create("reload");
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 90);
	tcase_add_test(tcase, a_first_start_makes_file_and_keys);
	tcase_add_test(tcase, a_second_start_mints_nothing_and_writes_nothing);
	tcase_add_test(tcase, an_old_file_is_taken_with_all_its_words);
	tcase_add_test(tcase, a_bad_file_at_the_first_start_serves_nobody_and_stays);
	tcase_add_test(tcase, a_spoiled_file_leaves_the_one_before_serving);
	tcase_add_test(tcase, a_restart_with_a_spoiled_file_serves_the_good_copy_and_says_so);
	tcase_add_test(tcase, a_vanished_file_is_no_first_start);
	tcase_add_test(tcase, neither_file_nor_good_copy_are_sound);
	tcase_add_test(tcase, a_file_put_over_ours_keeps_the_keys);
	tcase_add_test(tcase, keys_that_cannot_be_saved_are_told);
	tcase_add_test(tcase, mutations_never_change_the_file);
	tcase_add_test(tcase, a_state_folder_that_is_none_is_told);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
