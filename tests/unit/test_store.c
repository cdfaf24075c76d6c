/* The file on disk: whole, private, never written over when somebody else changed it. */
#include "config.h"
#include "fileio.h"
#include "store.h"
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static struct store store;
static struct bytes text;
static struct err err;
static bool changed;

static void
setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/pm-store-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	bytes_init(&text, CONFIG_BYTES_MAX);
	ck_assert(store_open(&store, dir, &err));
}

static void
teardown(void)
{
	char path[96];
	static const char *const names[] = {"/json_data/all_configs.json",
	    "/json_data/all_configs.json.bak", "/json_data/all_configs.json.good", "/json_data/x"};
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s%s", dir, names[i]);
		if (unlink(path) != 0)
			rmdir(path);
	}
	snprintf(path, sizeof(path), "%s/json_data", dir);
	rmdir(path);
	rmdir(dir);
	bytes_fini(&text);
}

static void
put(const char *content)
{
	ck_assert(fileio_write(store.path, view_of(content), 0600, &err));
}

static const char *
content_of(const char *path)
{
	bytes_clear(&text);
	ck_assert_msg(fileio_read(path, &text, &err), "%s", err.msg);
	return bytes_str(&text);
}

static bool
read_it(void)
{
	bytes_clear(&text);
	return store_read(&store, &text, &changed, &err);
}

static mode_t
mode_of(const char *path)
{
	struct stat st;
	ck_assert(stat(path, &st) == 0);
	return st.st_mode & 07777;
}

START_TEST(folder_and_files_are_private)
{
	char folder[96];
	snprintf(folder, sizeof(folder), "%s/json_data", dir);
	ck_assert_uint_eq(mode_of(folder), 0700);
	umask(0);
	ck_assert(store_write(&store, VIEW("{}"), &err));
	ck_assert(store_write(&store, VIEW("{ }"), &err));
	ck_assert(store_write_good(&store, VIEW("{}"), &err));
	ck_assert_uint_eq(mode_of(store.path), 0600);
	ck_assert_uint_eq(mode_of(store.backup_path), 0600);
	ck_assert_uint_eq(mode_of(store.good_path), 0600);
}
END_TEST

START_TEST(what_is_open_is_closed)
{
	char folder[96];
	snprintf(folder, sizeof(folder), "%s/json_data", dir);
	put("{}");
	ck_assert(chmod(folder, 0755) == 0 && chmod(store.path, 0644) == 0);
	ck_assert(store_open(&store, dir, &err));
	ck_assert_uint_eq(mode_of(folder), 0700);
	ck_assert(read_it());
	ck_assert_uint_eq(mode_of(store.path), 0600);
}
END_TEST

START_TEST(each_new_content_is_a_revision)
{
	put("{}");
	ck_assert(read_it() && changed);
	ck_assert_uint_eq(store.revision, 1);
	ck_assert(read_it() && !changed);
	put("{}"); /* another file, the same content */
	ck_assert(read_it() && !changed);
	ck_assert_uint_eq(store.revision, 1);
	put("{ }");
	ck_assert(read_it() && changed);
	ck_assert(store_write(&store, VIEW("[]"), &err));
	ck_assert_uint_eq(store.revision, 3);
	ck_assert(read_it() && !changed);
}
END_TEST

START_TEST(the_old_file_is_kept_as_bak)
{
	put("one");
	ck_assert(read_it());
	ck_assert(store_write(&store, VIEW("two"), &err));
	ck_assert_str_eq(content_of(store.path), "two");
	ck_assert_str_eq(content_of(store.backup_path), "one");
}
END_TEST

START_TEST(a_file_changed_by_others_is_not_written_over)
{
	put("one");
	ck_assert(read_it());
	put("theirs");
	ck_assert(!store_write(&store, VIEW("ours"), &err));
	ck_assert_int_eq(err.kind, ERR_CONFIG);
	ck_assert_str_eq(content_of(store.path), "theirs");
	ck_assert(read_it());
	ck_assert(store_write(&store, VIEW("ours"), &err));
}
END_TEST

START_TEST(a_file_never_read_is_not_written_over)
{
	put("theirs");
	ck_assert(!store_write(&store, VIEW("ours"), &err));
	ck_assert_str_eq(content_of(store.path), "theirs");
}
END_TEST

START_TEST(a_removed_file_is_not_written_again)
{
	put("one");
	ck_assert(read_it());
	ck_assert(unlink(store.path) == 0);
	ck_assert(!store_write(&store, VIEW("ours"), &err));
	ck_assert(!store_exists(&store));
}
END_TEST

START_TEST(a_refused_file_is_not_written_over)
{
	put("junk");
	ck_assert(read_it());
	store.refused = true;
	ck_assert(!store_write(&store, VIEW("ours"), &err));
	ck_assert_str_eq(content_of(store.path), "junk");
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
	ck_assert(!read_it() && err.kind == ERR_IO); /* missing */
	ck_assert(mkdir(store.path, 0700) == 0);
	ck_assert(!read_it());
	ck_assert_ptr_nonnull(strstr(err.msg, "no regular file"));
	ck_assert(rmdir(store.path) == 0 && mkfifo(store.path, 0600) == 0);
	ck_assert(!read_it());
	ck_assert_ptr_nonnull(strstr(err.msg, "no regular file"));
	ck_assert(unlink(store.path) == 0 && symlink("/etc/passwd", store.path) == 0);
	ck_assert(!read_it());
	ck_assert_ptr_nonnull(strstr(err.msg, "symbolic link"));
	ck_assert(store_exists(&store));
}
END_TEST

START_TEST(a_file_too_big_is_refused)
{
	put("");
	ck_assert(truncate(store.path, CONFIG_BYTES_MAX + 1) == 0);
	ck_assert(!read_it());
	ck_assert_int_eq(err.kind, ERR_LIMIT);
	ck_assert(truncate(store.path, 1ll << 30) == 0);
	ck_assert(!read_it());
}
END_TEST

/* As user nobody, since root may write everywhere. */
START_TEST(a_folder_that_cannot_be_written_leaves_the_file)
{
	char folder[96];
	snprintf(folder, sizeof(folder), "%s/json_data", dir);
	put("one");
	ck_assert(
	    chmod(dir, 0755) == 0 && chmod(folder, 0555) == 0 && chmod(store.path, 0644) == 0);
	ck_assert(geteuid() != 0 || seteuid(65534) == 0);
	bool was_read = read_it();
	bool was_written = store_write(&store, VIEW("two"), &err);
	ck_assert(getuid() != 0 || seteuid(0) == 0);
	ck_assert(chmod(folder, 0700) == 0);
	ck_assert(was_read && !was_written);
	ck_assert_int_eq(err.kind, ERR_IO);
	ck_assert_str_eq(content_of(store.path), "one");
	ck_assert_uint_eq(store.revision, 1);
}
END_TEST

START_TEST(a_full_disk_leaves_the_file)
{
	struct rlimit limit = {4, 4};
	put("one");
	ck_assert(read_it());
	signal(SIGXFSZ, SIG_IGN);
	ck_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	ck_assert(!store_write(&store, VIEW("longer than four"), &err));
	ck_assert_int_eq(err.kind, ERR_IO);
	ck_assert_str_eq(content_of(store.path), "one");
	ck_assert(read_it() && !changed);
}
END_TEST

START_TEST(an_edit_is_noticed_once_and_when_it_has_settled)
{
	put("one");
	ck_assert(read_it());
	ck_assert(!store_poll(&store) && !store_poll(&store));
	put("twoo");
	ck_assert(!store_poll(&store)); /* perhaps still being written */
	put("three");
	ck_assert(!store_poll(&store));
	ck_assert(store_poll(&store));
	ck_assert(read_it() && changed);
	ck_assert(!store_poll(&store) && !store_poll(&store));
}
END_TEST

START_TEST(our_own_writes_are_no_news)
{
	ck_assert(store_write(&store, VIEW("one"), &err));
	ck_assert(!store_poll(&store) && !store_poll(&store));
}
END_TEST

/* One that was refused for its owner or mode is mended without another byte or name. */
START_TEST(other_rights_are_noticed)
{
	put("one");
	ck_assert(chmod(store.path, 0644) == 0);
	ck_assert(read_it());
	ck_assert(!store_differs(&store)); /* it was made private by us */
	ck_assert(!store_poll(&store) && !store_poll(&store));
	ck_assert(chmod(store.path, 0400) == 0);
	ck_assert(store_differs(&store));
	ck_assert(read_it() && !changed);
	ck_assert(!store_differs(&store));
}
END_TEST

START_TEST(removal_is_noticed)
{
	put("one");
	ck_assert(read_it());
	ck_assert(unlink(store.path) == 0);
	ck_assert(!store_poll(&store));
	ck_assert(store_poll(&store));
	ck_assert(!read_it());
	ck_assert(!store_poll(&store) && !store_poll(&store));
}
END_TEST

START_TEST(a_folder_that_cannot_be_made_is_told)
{
	struct store other;
	char longer[2000];
	put("one");
	ck_assert(!store_open(&other, store.path, &err)); /* a file in the place of a folder */
	ck_assert_int_eq(err.kind, ERR_IO);
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	ck_assert(!store_open(&other, longer, &err));
	ck_assert_int_eq(err.kind, ERR_LIMIT);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store");
	TCase *tcase = tcase_create("store");
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, folder_and_files_are_private);
	tcase_add_test(tcase, what_is_open_is_closed);
	tcase_add_test(tcase, each_new_content_is_a_revision);
	tcase_add_test(tcase, the_old_file_is_kept_as_bak);
	tcase_add_test(tcase, a_file_changed_by_others_is_not_written_over);
	tcase_add_test(tcase, a_file_never_read_is_not_written_over);
	tcase_add_test(tcase, a_removed_file_is_not_written_again);
	tcase_add_test(tcase, a_refused_file_is_not_written_over);
	tcase_add_test(tcase, what_is_no_file_is_refused);
	tcase_add_test(tcase, a_file_too_big_is_refused);
	tcase_add_test(tcase, a_folder_that_cannot_be_written_leaves_the_file);
	tcase_add_test(tcase, a_full_disk_leaves_the_file);
	tcase_add_test(tcase, an_edit_is_noticed_once_and_when_it_has_settled);
	tcase_add_test(tcase, our_own_writes_are_no_news);
	tcase_add_test(tcase, other_rights_are_noticed);
	tcase_add_test(tcase, removal_is_noticed);
	tcase_add_test(tcase, a_folder_that_cannot_be_made_is_told);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
