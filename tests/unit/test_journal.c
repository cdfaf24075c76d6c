/* The journal: numbers, room, slots; and what is found after kill -9, cuts and flipped bits. */
#include "fileio.h"
#include "journal.h"
#include "mem.h"
#include "suite.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#define KILLS 200

/* Small, so that it turns over often. */
static const struct journal_limits small = {
    .ring_bytes = 40 * 1024, .slots = 8, .open_bytes_max = 64};

static char folder[] = "/tmp/journalXXXXXX";

static void
setup(void)
{
	(void)memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static const char *
path_of(const char *name)
{
	static char path[128];
	(void)snprintf(path, sizeof(path), "%s/%s.journal", folder, name);
	return path;
}

static void
teardown(void)
{
	static const char *const names[] = {"a", "b", "c"};
	for (size_t i = 0; i < 3; i++)
		(void)unlink(path_of(names[i]));
	ck_assert_int_eq(rmdir(folder), 0);
}

static struct journal *
open_it(const char *name)
{
	struct err err;
	struct journal *journal = journal_open(folder, name, &small, &err);
	ck_assert_msg(journal != NULL, "%s: %s", err.at, err.msg);
	return journal;
}

static struct view
text_of(unsigned number, size_t len, char out[512])
{
	memset(out, 'a' + (char)(number % 26), 512);
	int head = snprintf(out, 512, "%06u:", number);
	out[head] = '-';
	return view_make(out, len < 8 ? 8 : len);
}

static void
add(struct journal *journal, unsigned number, size_t len)
{
	char text[512];
	ck_assert(journal_add(journal, text_of(number, len, text)));
}

/* The oldest batch as a string, and its first number. */
static const char *
batch(const struct journal *journal, size_t count_max, uint64_t *first, uint64_t *last)
{
	static char text[65536];
	struct bytes out;
	bytes_init(&out, sizeof(text) - 1);
	text[0] = '\0';
	if (journal_batch(journal, sizeof(text) - 1, count_max, &out, first, last)) {
		memcpy(text, out.data, out.len);
		text[out.len] = '\0';
	}
	bytes_fini(&out);
	return text;
}

START_TEST(numbers_go_on)
{
	uint64_t first, last, id;
	struct journal *journal = open_it("a");
	ck_assert_str_eq(batch(journal, 10, &first, &last), "");
	ck_assert(journal_add(journal, VIEW("one")));
	ck_assert(journal_add(journal, VIEW("two")));
	ck_assert(journal_add(journal, VIEW("three")));
	ck_assert(!journal_add(journal, VIEW("")));
	ck_assert_str_eq(batch(journal, 2, &first, &last), "one,two");
	ck_assert_uint_eq(first, 1);
	ck_assert_uint_eq(last, 2);
	ck_assert_str_eq(batch(journal, 10, &first, &last), "one,two,three");
	journal_acked(journal, 2);
	ck_assert_str_eq(batch(journal, 10, &first, &last), "three");
	ck_assert_uint_eq(first, 3);
	journal_acked(journal, 1); /* an old answer */
	journal_acked(journal, 0);
	ck_assert_uint_eq(journal_counts(journal).pending, 1);
	ck_assert_uint_eq(journal_counts(journal).dropped, 1);
	id = journal_id(journal);
	journal_close(journal);
	journal = open_it("a");
	ck_assert_uint_eq(journal_id(journal), id);
	ck_assert_str_eq(batch(journal, 10, &first, &last), "three");
	journal_acked(journal, 99); /* more than there are */
	ck_assert_uint_eq(journal_counts(journal).pending, 0);
	ck_assert(journal_add(journal, VIEW("four")));
	ck_assert_str_eq(batch(journal, 10, &first, &last), "four");
	ck_assert_uint_eq(first, 4);
	journal_close(journal);
}
END_TEST

START_TEST(it_turns_over_and_fills_up)
{
	uint64_t first, last;
	struct journal *journal = open_it("a");
	unsigned added = 0, stored = 0;
	uint64_t dropped = 0;
	char text[512];
	for (unsigned round = 0; round < 3000; round++) {
		size_t len = 8 + round * 37 % 500;
		if (journal_add(journal, text_of(added, len, text)))
			added++;
		if (round % 11 == 0) {
			unsigned number;
			const char *found = batch(journal, 5, &first, &last);
			ck_assert_uint_eq(first, stored + 1);
			ck_assert_int_eq(sscanf(found, "%06u:", &number), 1);
			ck_assert_uint_eq(number, stored);
			journal_acked(journal, last);
			stored = (unsigned)last;
		}
		if (round % 500 == 499) {
			dropped += journal_counts(journal).dropped;
			journal_close(journal);
			journal = open_it("a");
		}
	}
	ck_assert_uint_eq(journal_counts(journal).damaged, 0);
	ck_assert_uint_eq(journal_counts(journal).pending, added - stored);
	ck_assert_uint_gt(dropped, 0); /* it was full at times */
	while (*batch(journal, 1000, &first, &last) != '\0')
		journal_acked(journal, last);
	ck_assert_uint_eq(last, added);
	journal_close(journal);
}
END_TEST

START_TEST(open_ones_are_told_as_they_were)
{
	uint64_t first, last;
	struct journal *journal = open_it("a");
	int a = journal_begin(journal, VIEW("a begun"));
	int b = journal_begin(journal, VIEW("b begun"));
	int c = journal_begin(journal, VIEW("c begun"));
	ck_assert_int_ne(a, JOURNAL_NO_SLOT);
	journal_update(journal, b, VIEW("b further"));
	journal_update(journal, b, VIEW("b further still"));
	journal_update(journal, JOURNAL_NO_SLOT, VIEW("nobody"));
	ck_assert(journal_end(journal, a, VIEW("a ended")));
	ck_assert_uint_eq(journal_counts(journal).open, 2);
	(void)c;
	journal_close(journal); /* as if it died */
	journal = open_it("a");
	ck_assert_uint_eq(journal_counts(journal).open, 0);
	ck_assert_uint_eq(journal_counts(journal).interrupted, 2);
	const char *found = batch(journal, 10, &first, &last);
	ck_assert_uint_eq(last, 3);
	ck_assert_ptr_nonnull(strstr(found, "a ended"));
	ck_assert_ptr_nonnull(strstr(found, "b further still"));
	ck_assert_ptr_nonnull(strstr(found, "c begun"));
	ck_assert_ptr_null(strstr(found, "a begun"));
	/* All slots are free again, and no more than those. */
	for (unsigned i = 0; i < small.slots; i++)
		ck_assert_int_ne(journal_begin(journal, VIEW("x")), JOURNAL_NO_SLOT);
	ck_assert_int_eq(journal_begin(journal, VIEW("x")), JOURNAL_NO_SLOT);
	ck_assert(journal_end(journal, JOURNAL_NO_SLOT, VIEW("without one")));
	journal_close(journal);
}
END_TEST

START_TEST(one_that_ends_while_it_is_full_waits_in_its_slot)
{
	uint64_t first, last;
	char text[512];
	struct journal *journal = open_it("a");
	int slot = journal_begin(journal, VIEW("begun"));
	unsigned count = 0;
	for (unsigned i = 0; i < 2; i++) {
		size_t len = i == 0 ? 400 : 8;
		for (; journal_has_room(journal, len); count++)
			ck_assert(journal_add(journal, text_of(count, len, text)));
		ck_assert(!journal_add(journal, text_of(count, len, text)));
	}
	ck_assert(
	    journal_end(journal, slot, VIEW("ended, with as many words as fill a frame of it")));
	ck_assert_uint_eq(journal_counts(journal).open, 1);
	(void)batch(journal, 3, &first, &last);
	journal_acked(journal, last);
	ck_assert_uint_eq(journal_counts(journal).open, 0);
	ck_assert_ptr_nonnull(strstr(batch(journal, 1000, &first, &last), "ended, with"));
	ck_assert_uint_eq(last, count + 1);
	journal_close(journal);
}
END_TEST

START_TEST(a_second_one_is_refused_and_bad_folders_are_named)
{
	struct err err;
	struct journal *journal = open_it("a");
	ck_assert_ptr_null(journal_open(folder, "a", &small, &err));
	ck_assert_int_eq(err.kind, ERR_IO);
	ck_assert_ptr_nonnull(strstr(err.msg, "another process has it"));
	ck_assert_ptr_null(journal_open("/nowhere/at/all", "a", &small, &err));
	ck_assert_int_eq(err.kind, ERR_IO);
	journal_close(journal);
}
END_TEST

START_TEST(orphans_are_taken_over)
{
	uint64_t first, last;
	struct err err;
	struct journal *orphan = journal_open(folder, "b", &journal_limits_default, &err);
	ck_assert_ptr_nonnull(orphan);
	ck_assert(journal_add(orphan, VIEW("left behind")));
	ck_assert_int_ne(journal_begin(orphan, VIEW("cut off")), JOURNAL_NO_SLOT);
	struct journal *held = open_it("c");
	ck_assert(journal_add(held, VIEW("in use")));
	struct journal *journal = open_it("a");
	ck_assert_uint_eq(journal_adopt(journal, folder), 0); /* both are held */
	journal_close(orphan);
	ck_assert_uint_eq(journal_adopt(journal, folder), 1);
	ck_assert_str_eq(batch(journal, 10, &first, &last), "left behind,cut off");
	ck_assert_int_ne(access(path_of("b"), F_OK), 0);
	ck_assert_int_eq(access(path_of("c"), F_OK), 0);
	journal_close(journal);
	journal_close(held);
}
END_TEST

/* Two data planes that died together start together: the first may hold the other's file when that
 * one opens it, and unlinks it. */
START_TEST(one_that_is_being_taken_over_is_waited_for)
{
	int pipes[2];
	char ready;
	struct err err;
	ck_assert_int_eq(pipe(pipes), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct journal *held = journal_open(folder, "b", &small, &err);
		char event[sizeof(struct inotify_event) + 256];
		int watch = inotify_init1(IN_CLOEXEC);
		bool ok = held != NULL && inotify_add_watch(watch, path_of("b"), IN_OPEN) >= 0 &&
			  write(pipes[1], "x", 1) == 1;
		ok = ok && read(watch, event, sizeof(event)) > 0; /* the other one has found it */
		(void)unlink(path_of("b"));
		_exit(ok ? 0 : 1);
	}
	ck_assert_int_eq(read(pipes[0], &ready, 1), 1);
	struct journal *journal = journal_open(folder, "b", &small, &err);
	ck_assert_msg(journal != NULL, "%s", err.msg);
	ck_assert(journal_add(journal, VIEW("counted")));
	journal_close(journal);
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	uint64_t first, last;
	journal = open_it("b"); /* it is where the next one looks */
	ck_assert_str_eq(batch(journal, 10, &first, &last), "counted");
	journal_close(journal);
	close(pipes[0]);
	close(pipes[1]);
}
END_TEST

/* ---- kill -9 ---- */

struct told {
	uint32_t added, begun; /* numbers up to which all was done */
};

/* Adds, begins, ends and acknowledges at full speed, and tells through the pipe what it has done.
 */
static void
run_child(int fd, unsigned from)
{
	char text[512], open_text[64];
	int slots[4] = {-1, -1, -1, -1};
	struct err err;
	struct journal *journal = journal_open(folder, "a", &small, &err);
	if (journal == NULL)
		_exit(3);
	for (unsigned number = from;; number++) {
		unsigned which = number % 4;
		struct view whole = text_of(number, 8 + number % 200, text);
		while (!journal_end(journal, slots[which], whole))
			journal_acked(journal, UINT64_MAX);
		if (journal_counts(journal).used_bytes > small.ring_bytes / 2)
			_exit(4); /* more than the parent lets pile up */
		(void)snprintf(open_text, sizeof(open_text), "%06u:open", number + 4);
		slots[which] = journal_begin(journal, view_of(open_text));
		struct told told = {number, number + 4};
		if (write(fd, &told, sizeof(told)) != sizeof(told))
			_exit(5);
		if (number - from == 60)
			_exit(0);
	}
}

/* Every number from `from` up to the last one told is there, each text whole. */
static unsigned
check_found(struct journal *journal, unsigned from, const struct told *told)
{
	static bool seen[1000000];
	uint64_t first, last;
	unsigned highest = from;
	memset(seen, 0, sizeof(seen));
	while (*batch(journal, 1000, &first, &last) != '\0') {
		char *at = NULL, *copy = mem_dup_str(batch(journal, 1000, &first, &last));
		uint64_t count = 0;
		for (char *part = strtok_r(copy, ",", &at); part != NULL;
		     part = strtok_r(NULL, ",", &at), count++) {
			char want[512];
			unsigned number;
			ck_assert_msg(sscanf(part, "%06u:", &number) == 1, "torn: %s", part);
			ck_assert_uint_lt(number, 1000000);
			struct view whole = text_of(number, 8 + number % 200, want);
			bool open_one = strcmp(part + 7, "open") == 0;
			ck_assert_msg(open_one || view_eq(view_of(part), whole), "torn: %s", part);
			seen[number] = true;
			highest = number > highest ? number : highest;
		}
		ck_assert_uint_eq(count, last - first + 1);
		mem_free(copy);
		journal_acked(journal, last);
	}
	for (unsigned number = from; told->added > 0 && number <= told->added; number++)
		ck_assert_msg(seen[number], "%u of %u is missing", number, told->added);
	return highest + 1;
}

START_TEST(kill_9_loses_nothing_that_was_done)
{
	unsigned from = 1, seed = 42, interrupted = 0;
	for (unsigned kill_number = 0; kill_number < KILLS; kill_number++) {
		int pipe_fds[2];
		struct told told = {0}, next;
		ck_assert_int_eq(pipe(pipe_fds), 0);
		pid_t pid = fork();
		if (pid == 0)
			run_child(pipe_fds[1], from);
		(void)close(pipe_fds[1]);
		/* After so many are done, and some instructions more. */
		seed = seed * 1103515245 + 12345;
		for (unsigned wait = (seed >> 16) % 50 + 1; wait > 0; wait--) {
			if (read(pipe_fds[0], &next, sizeof(next)) != sizeof(next))
				break;
			told = next;
		}
		for (volatile unsigned spin = (seed >> 8) % 20000; spin > 0; spin--)
			continue;
		(void)kill(pid, SIGKILL);
		while (read(pipe_fds[0], &next, sizeof(next)) == sizeof(next))
			told = next;
		(void)close(pipe_fds[0]);
		int status;
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_msg(WIFSIGNALED(status) || WEXITSTATUS(status) == 0, "child: %d", status);
		struct journal *journal = open_it("a");
		ck_assert_uint_eq(journal_counts(journal).damaged, 0);
		interrupted += (unsigned)journal_counts(journal).interrupted;
		from = check_found(journal, from, &told);
		journal_close(journal);
	}
	ck_assert_uint_gt(interrupted, KILLS);
}
END_TEST

/* ---- damage ---- */

static void
make_file(struct bytes *out)
{
	struct err err;
	struct journal *journal = open_it("a");
	for (unsigned i = 0; i < 120; i++)
		add(journal, i, 300);
	journal_acked(journal, 40);
	ck_assert_int_ne(journal_begin(journal, VIEW("999999:open")), JOURNAL_NO_SLOT);
	journal_close(journal);
	bytes_init(out, 1u << 20);
	ck_assert(fileio_read(path_of("a"), out, &err));
}

/* Opens what was damaged: how many of the 81 texts are still told. */
static unsigned
count_left(struct view data)
{
	struct err err;
	uint64_t first, last;
	bool seen[121] = {false};
	unsigned left = 0;
	ck_assert(fileio_write(path_of("a"), data, 0600, &err));
	struct journal *journal = open_it("a");
	while (*batch(journal, 1000, &first, &last) != '\0') {
		char *at = NULL, *copy = mem_dup_str(batch(journal, 1000, &first, &last));
		for (char *part = strtok_r(copy, ",", &at); part != NULL;
		     part = strtok_r(NULL, ",", &at)) {
			char want[512];
			unsigned number;
			ck_assert_msg(sscanf(part, "%06u:", &number) == 1, "torn: %s", part);
			unsigned place = number == 999999 ? 120 : number;
			ck_assert_uint_le(place, 120);
			if (place < 120)
				ck_assert(view_eq(view_of(part), text_of(number, 300, want)));
			left += !seen[place] && place >= 40;
			seen[place] = true;
		}
		mem_free(copy);
		journal_acked(journal, last);
	}
	/* It goes on from there. */
	add(journal, 1, 20);
	ck_assert_str_ne(batch(journal, 10, &first, &last), "");
	journal_close(journal);
	return left;
}

START_TEST(a_flipped_byte_costs_at_most_one_record)
{
	struct bytes good;
	make_file(&good);
	ck_assert_uint_eq(count_left(bytes_view(&good)), 81);
	/* All of the head that is in use, then here and there. */
	for (size_t at = 0; at < good.len; at += at < 160 ? 1 : 211) {
		char *bad = mem_alloc(good.len);
		memcpy(bad, good.data, good.len);
		bad[at] = (char)(bad[at] ^ (1 + (int)at % 255));
		unsigned left = count_left(view_make(bad, good.len));
		/* With a damaged head nobody knows where the slots are. */
		ck_assert_msg(left >= 80, "byte %zu: %u of 81", at, left);
		mem_free(bad);
	}
	bytes_fini(&good);
}
END_TEST

START_TEST(a_file_cut_short_is_begun_anew)
{
	struct bytes good;
	make_file(&good);
	for (size_t len = 0; len < good.len; len += len < 70 ? 1 : 997)
		ck_assert_uint_le(count_left(view_make(good.data, len)), 81);
	bytes_fini(&good);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("journal");
	TCase *tests = tcase_create("journal");
	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, numbers_go_on);
	tcase_add_test(tests, it_turns_over_and_fills_up);
	tcase_add_test(tests, open_ones_are_told_as_they_were);
	tcase_add_test(tests, one_that_ends_while_it_is_full_waits_in_its_slot);
	tcase_add_test(tests, a_second_one_is_refused_and_bad_folders_are_named);
	tcase_add_test(tests, orphans_are_taken_over);
	tcase_add_test(tests, one_that_is_being_taken_over_is_waited_for);
	tcase_add_test(tests, kill_9_loses_nothing_that_was_done);
	tcase_add_test(tests, a_flipped_byte_costs_at_most_one_record);
	tcase_add_test(tests, a_file_cut_short_is_begun_anew);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
