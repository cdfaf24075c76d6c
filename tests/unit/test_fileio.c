/* Whole files: read within a limit, replaced atomically, folders made. */
#include "fileio.h"
#include "suite.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static struct err err;
static struct bytes buf;

static void
set_up(void)
{
	snprintf(folder, sizeof(folder), "/tmp/pm-test-fileio-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	bytes_init(&buf, 100000);
	umask(022);
}

static void
tear_down(void)
{
	bytes_fini(&buf);
	suite_remove_tree(folder);
}

static unsigned
mode_of(const char *path)
{
	struct stat st;
	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_mode & 07777u;
}

static unsigned
entries(void)
{
	unsigned count = 0;
	DIR *dir = opendir(".");
	ck_assert_ptr_nonnull(dir);
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count - 2;
}

START_TEST(written_and_read)
{
	ck_assert(fileio_write("a", VIEW("one\0two"), 0640, &err));
	ck_assert_uint_eq(mode_of("a"), 0640);
	ck_assert(bytes_append_str(&buf, "x"));
	ck_assert(fileio_read("a", &buf, &err));
	ck_assert(view_eq(bytes_view(&buf), VIEW("xone\0two")));
	ck_assert(fileio_write("a", VIEW(""), 0600, &err));
	bytes_clear(&buf);
	ck_assert(fileio_read("a", &buf, &err));
	ck_assert_uint_eq(buf.len, 0);
	ck_assert_uint_eq(entries(), 1);
	char path[128];
	snprintf(path, sizeof(path), "%s/b", folder);
	ck_assert(fileio_write(path, VIEW("b"), 0600, &err));
	ck_assert_uint_eq(mode_of("b"), 0600);
}
END_TEST

START_TEST(limits)
{
	static char big[70000];
	memset(big, 'x', sizeof(big));
	ck_assert(fileio_write("big", view_make(big, sizeof(big)), 0600, &err));
	struct bytes exact;
	bytes_init(&exact, sizeof(big) + 1);
	ck_assert(bytes_append_char(&exact, 'p'));
	ck_assert(fileio_read("big", &exact, &err));
	ck_assert_uint_eq(exact.len, sizeof(big) + 1);
	bytes_fini(&exact);
	bytes_init(&exact, sizeof(big));
	ck_assert(bytes_append_char(&exact, 'p'));
	ck_assert(!fileio_read("big", &exact, &err));
	ck_assert_int_eq(err.kind, ERR_LIMIT);
	ck_assert_str_eq(err.at, "big");
	ck_assert(view_eq_str(bytes_view(&exact), "p"));
	bytes_fini(&exact);
}
END_TEST

START_TEST(failures_leave_the_old_file)
{
	ck_assert(!fileio_read("none", &buf, &err));
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(err.kind, ERR_IO);
	ck_assert_str_eq(err.at, "none");
	ck_assert(!fileio_read(".", &buf, &err));
	ck_assert_int_eq(err.kind, ERR_IO);
	ck_assert(!fileio_write("none/a", VIEW("x"), 0600, &err));
	ck_assert_int_eq(errno, ENOENT);
	/* rename onto a folder fails after the temporary file was written */
	ck_assert_int_eq(mkdir("dir", 0700), 0);
	ck_assert(!fileio_write("dir", VIEW("x"), 0600, &err));
	ck_assert_int_eq(err.kind, ERR_IO);
	ck_assert_uint_eq(entries(), 1);
	static char path[5000];
	memset(path, 'p', sizeof(path) - 1);
	ck_assert(!fileio_write(path, VIEW("x"), 0600, &err));
	ck_assert_int_eq(err.kind, ERR_LIMIT);
}
END_TEST

START_TEST(scraps_are_swept)
{
	static const char *const scraps[] = {"a.json.tmp-Ab12x_", "b.tmp-000000"};
	static const char *const ours[] = {"a.json", "b.tmp-0000", "c.tmp-0000000", ".tmp-000000"};
	for (size_t i = 0; i < 2; i++)
		ck_assert(fileio_write(scraps[i], VIEW("half"), 0600, &err));
	for (size_t i = 0; i < 4; i++)
		ck_assert(fileio_write(ours[i], VIEW("whole"), 0600, &err));
	ck_assert(fileio_mkdirs("d.tmp-000000", 0700, &err));
	fileio_sweep(".");
	ck_assert_uint_eq(entries(), 5);
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(access(ours[i], F_OK), 0);
	fileio_sweep("nowhere");
}
END_TEST

START_TEST(folders)
{
	ck_assert(fileio_mkdirs("p/q//r/", 0755, &err));
	ck_assert_uint_eq(mode_of("p"), 0700);
	ck_assert_uint_eq(mode_of("p/q"), 0700);
	ck_assert_uint_eq(mode_of("p/q/r"), 0755);
	ck_assert(fileio_mkdirs("p/q", 0777, &err));
	ck_assert_uint_eq(mode_of("p/q"), 0700); /* existing ones stay as they are */
	char path[128];
	snprintf(path, sizeof(path), "%s/s", folder);
	umask(077);
	ck_assert(fileio_mkdirs(path, 0770, &err));
	ck_assert_uint_eq(mode_of("s"), 0770);
	ck_assert(fileio_mkdirs("/", 0755, &err));
	ck_assert(!fileio_mkdirs("", 0755, &err));
	ck_assert(fileio_write("file", VIEW("x"), 0600, &err));
	ck_assert(!fileio_mkdirs("file", 0700, &err));
	ck_assert_int_eq(errno, ENOTDIR);
	ck_assert(!fileio_mkdirs("file/x", 0700, &err));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("fileio");
	TCase *tcase = tcase_create("fileio");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, written_and_read);
	tcase_add_test(tcase, limits);
	tcase_add_test(tcase, failures_leave_the_old_file);
	tcase_add_test(tcase, scraps_are_swept);
	tcase_add_test(tcase, folders);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
