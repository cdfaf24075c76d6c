/* The first client key and the admin token: minted once, kept only as hashes. */
#include "crypto.h"
#include "fileio.h"
#include "keys.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHA "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""
#define SHA2 "\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\""

static char dir[64];
static struct config *config;
static struct err err;
static bool minted;

static void
setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/pm-keys-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	config = NULL;
}

static void
teardown(void)
{
	char path[96];
	snprintf(path, sizeof(path), "%s/client-key", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/admin-token", dir);
	unlink(path);
	rmdir(dir);
	config_free(config);
}

static void
parse(const char *text)
{
	struct faults faults = {0};
	config_free(config);
	ck_assert(config_parse(view_of(text), &config, &faults));
	faults_fini(&faults);
}

/* The file's line, without the line end; "" when there is no file. */
static void
read_key(const char *name, char *out, size_t out_len)
{
	char path[96];
	struct stat st;
	struct bytes text;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	bytes_init(&text, 256);
	out[0] = '\0';
	if (fileio_read(path, &text, &err)) {
		ck_assert(stat(path, &st) == 0);
		ck_assert_uint_eq(st.st_mode & 0777, 0600);
		ck_assert_int_eq(text.data[text.len - 1], '\n');
		snprintf(out, out_len, "%.*s", (int)text.len - 1, text.data);
	}
	bytes_fini(&text);
}

START_TEST(a_first_start_mints_both)
{
	char client[128], admin[128];
	uint8_t hash[32], known[32];
	parse("{}");
	umask(0);
	ck_assert(keys_ensure(config, dir, &minted, &err));
	ck_assert(minted);
	read_key("client-key", client, sizeof(client));
	read_key("admin-token", admin, sizeof(admin));
	ck_assert_uint_eq(strlen(client), 3 + 43); /* 32 bytes in base64url */
	ck_assert_uint_eq(strlen(admin), 4 + 43);
	ck_assert(strncmp(client, "pm-", 3) == 0 && strncmp(admin, "pma-", 4) == 0);
	crypto_sha256(view_of(client), hash);
	ck_assert_uint_eq(config->client_key_count, 1);
	ck_assert_mem_eq(config->client_keys[0].sha256, hash, sizeof(hash));
	ck_assert(config->client_keys[0].enabled);
	crypto_sha256(view_of(admin), hash);
	ck_assert(config_admin_sha256(config, known));
	ck_assert_mem_eq(known, hash, sizeof(hash));
}
END_TEST

START_TEST(the_configuration_holds_only_hashes)
{
	char client[128], admin[128];
	struct bytes text;
	parse("{}");
	ck_assert(keys_ensure(config, dir, &minted, &err));
	read_key("client-key", client, sizeof(client));
	read_key("admin-token", admin, sizeof(admin));
	bytes_init(&text, CONFIG_BYTES_MAX);
	ck_assert(config_print(config->root, &text));
	ck_assert(view_find(bytes_view(&text), client) < 0);
	ck_assert(view_find(bytes_view(&text), admin) < 0);
	bytes_fini(&text);
}
END_TEST

START_TEST(what_is_there_is_left_alone)
{
	char client[128];
	parse("{\"client_keys\": [{\"sha256\": " SHA "}], \"admin\": {\"token_sha256\": " SHA "}}");
	ck_assert(keys_ensure(config, dir, &minted, &err));
	ck_assert(!minted);
	read_key("client-key", client, sizeof(client));
	ck_assert_str_eq(client, "");
}
END_TEST

START_TEST(only_the_missing_one_is_minted)
{
	char client[128], admin[128];
	parse("{\"client_keys\": [{\"sha256\": " SHA "}]}");
	ck_assert(keys_ensure(config, dir, &minted, &err));
	ck_assert(minted);
	ck_assert_uint_eq(config->client_key_count, 1);
	read_key("client-key", client, sizeof(client));
	read_key("admin-token", admin, sizeof(admin));
	ck_assert_str_eq(client, "");
	ck_assert_uint_eq(strlen(admin), 47);
}
END_TEST

START_TEST(an_emptied_list_beside_an_admin_token_stays_empty)
{
	parse("{\"client_keys\": [], \"admin\": {\"token_sha256\": " SHA "}}");
	ck_assert(keys_ensure(config, dir, &minted, &err));
	ck_assert(!minted);
	ck_assert_uint_eq(config->client_key_count, 0);
}
END_TEST

START_TEST(files_without_hashes_are_replaced)
{
	char before[128], after[128];
	parse("{}");
	ck_assert(keys_ensure(config, dir, &minted, &err));
	read_key("client-key", before, sizeof(before));
	parse("{}");
	ck_assert(keys_ensure(config, dir, &minted, &err));
	ck_assert(minted);
	read_key("client-key", after, sizeof(after));
	ck_assert_str_ne(before, after);
}
END_TEST

START_TEST(nothing_is_valid_whose_file_cannot_be_written)
{
	parse("{}");
	ck_assert(!keys_ensure(config, "/nonexistent/folder", &minted, &err));
	ck_assert_int_eq(err.kind, ERR_IO);
	ck_assert(!minted);
	ck_assert_uint_eq(config->client_key_count, 0);
}
END_TEST

START_TEST(access_words_are_adopted_only_where_they_are_missing)
{
	struct config *other = NULL;
	uint8_t hash[32];
	parse("{}");
	other = config;
	config = NULL;
	parse("{\"client_keys\": [{\"sha256\": " SHA "}], \"admin\": {\"token_sha256\": " SHA "}}");
	ck_assert(config_adopt_access(other, config));
	ck_assert_uint_eq(other->client_key_count, 1);
	ck_assert(config_admin_sha256(other, hash));
	ck_assert_uint_eq(hash[0], 0xaa);
	ck_assert(!config_adopt_access(other, config));
	config_free(other);
	other = config;
	config = NULL;
	parse("{\"client_keys\": [], \"admin\": {\"token_sha256\": " SHA2 "}}");
	ck_assert(!config_adopt_access(config, other));
	ck_assert_uint_eq(config->client_key_count, 0);
	config_free(other);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("keys");
	TCase *tcase = tcase_create("keys");
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_first_start_mints_both);
	tcase_add_test(tcase, the_configuration_holds_only_hashes);
	tcase_add_test(tcase, what_is_there_is_left_alone);
	tcase_add_test(tcase, only_the_missing_one_is_minted);
	tcase_add_test(tcase, an_emptied_list_beside_an_admin_token_stays_empty);
	tcase_add_test(tcase, files_without_hashes_are_replaced);
	tcase_add_test(tcase, nothing_is_valid_whose_file_cannot_be_written);
	tcase_add_test(tcase, access_words_are_adopted_only_where_they_are_missing);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
