/* Calls of the system and of the heap that fail, each in turn, while the configuration is taken and
 * the state is written: a file is the old one or the new one, what is told is what is so, and the
 * next start serves. A heap that gives nothing ends the process (mem.h); its files are whole. */
#include "activation.h"
#include "audit.h"
#include "crypto.h"
#include "fileio.h"
#include "jget.h"
#include "keys.h"
#include "log.h"
#include "mem.h"
#include "reload.h"
#include "suite.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ACCESS                                                                                     \
	"\"client_keys\": [{\"id\": \"c\", \"sha256\": \"" HEX "\"}], "                            \
	"\"admin\": {\"token_sha256\": \"" HEX "\"}}\n"
#define ENTRY(name)                                                                                \
	"{\"api_configs\": [{\"id\": \"" name "\", \"base_url\": \"https://" name                  \
	".test\", \"key\": \"k\"}]"
#define OLD ENTRY("old") ", " ACCESS
#define NEW ENTRY("new") ", " ACCESS
#define BARE ENTRY("new") "}\n" /* without any key */
#define CALLS_MAX 200           /* of one action */
#define ALLOCATIONS_STEP 5

/* ---- calls that fail: the linker puts these in the place of the library's ---- */

static long until_call = -1, until_allocation = -1; /* -1 = none fails */
static int with_errno;
static bool write_short;

static bool
fails(void)
{
	if (until_call < 0 || until_call-- > 0)
		return false;
	errno = with_errno;
	return true;
}

ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);
ssize_t
__wrap_write(int fd, const void *data, size_t len)
{
	if (!fails())
		return __real_write(fd, data, len);
	/* A disk that fills in the middle: some bytes, and the next call has no room. */
	if (!write_short || len < 2)
		return -1;
	until_call = 0;
	write_short = false;
	return __real_write(fd, data, len / 2);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int
__wrap_fsync(int fd)
{
	return fails() ? -1 : __real_fsync(fd);
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int
__wrap_rename(const char *from, const char *to)
{
	return fails() ? -1 : __real_rename(from, to);
}

int __real_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode);
int
__wrap_fchmod(int fd, mode_t mode)
{
	return fails() ? -1 : __real_fchmod(fd, mode);
}

int __real_mkostemp(char *name, int flags);
int __wrap_mkostemp(char *name, int flags);
int
__wrap_mkostemp(char *name, int flags)
{
	return fails() ? -1 : __real_mkostemp(name, flags);
}

int __real_open(const char *name, int flags, mode_t mode);
int __wrap_open(const char *name, int flags, mode_t mode);
int
__wrap_open(const char *name, int flags, mode_t mode)
{
	return fails() ? -1 : __real_open(name, flags, mode);
}

ssize_t __real_read(int fd, void *data, size_t len);
ssize_t __wrap_read(int fd, void *data, size_t len);
ssize_t
__wrap_read(int fd, void *data, size_t len)
{
	return fails() ? -1 : __real_read(fd, data, len);
}

static bool
heap_fails(void)
{
	return until_allocation >= 0 && until_allocation-- == 0;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *
__wrap_malloc(size_t size)
{
	return heap_fails() ? NULL : __real_malloc(size);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *
__wrap_calloc(size_t count, size_t size)
{
	return heap_fails() ? NULL : __real_calloc(count, size);
}

void *__real_realloc(void *data, size_t size);
void *__wrap_realloc(void *data, size_t size);
void *
__wrap_realloc(void *data, size_t size)
{
	return heap_fails() ? NULL : __real_realloc(data, size);
}

/* ---- a state folder and what is done to it ---- */

static char dir[64], path[128];
static struct reload reload;
static struct err err;

static void
setup(void)
{
	(void)snprintf(dir, sizeof(dir), "%s/pm-failing-XXXXXX",
	    access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/json_data/all_configs.json", dir);
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC, 0);
	log_set_fd(null);
}

static void
empty(void)
{
	reload_fini(&reload);
	suite_remove_tree(dir);
	ck_assert_int_eq(mkdir(dir, 0700), 0);
}

static void
teardown(void)
{
	empty();
	(void)rmdir(dir);
}

static void
put(const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void
get(const char *name, struct bytes *out)
{
	char file[160];
	(void)snprintf(file, sizeof(file), "%s/%s", dir, name);
	bytes_init(out, CONFIG_BYTES_MAX);
	ck_assert_msg(fileio_read(file, out, &err), "%s %s", file, err.msg);
}

/* An installation that serves OLD. */
static void
begin_old(void)
{
	char folder[96];
	(void)snprintf(folder, sizeof(folder), "%s/json_data", dir);
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	put(OLD);
	ck_assert(reload_start(&reload, dir, &err));
}

static void
begin_edited(void)
{
	begin_old();
	put(NEW);
}

static void
begin_restarted(void)
{
	begin_edited();
	reload_fini(&reload);
}

static void
begin_bare(void)
{
	char folder[96];
	(void)snprintf(folder, sizeof(folder), "%s/json_data", dir);
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	put(BARE);
}

static bool
take_new(void)
{
	struct config *config;
	struct faults faults = {0};
	const struct history_who who = {
	    .who = "ann", .via = "page", .request = "q1", .what = "merge"};
	ck_assert(config_parse(VIEW(NEW), &config, &faults));
	bool ok = reload_take(&reload, config, VIEW(NEW), &who, &err);
	if (!ok)
		config_free(config);
	return ok;
}

static bool
read_again(void)
{
	return reload_again(&reload) == RELOAD_CHANGED;
}

static bool
start(void)
{
	return reload_start(&reload, dir, &err) && reload.err.kind == ERR_NONE;
}

static bool
write_state(void)
{
	static struct activation_item item;
	static char id[] = "claude:a";
	item = (struct activation_item){.id = id, .day = 20260401, .seq = 8};
	const struct activation activation = {.items = &item, .count = 1, .last_seq = 8};
	static struct audit audit;
	const struct history_who who = {.who = "ann", .via = "page", .what = "merge"};
	audit_open(&audit, dir);
	audit_add(&audit, &who, "merge", 1, NULL);
	return activation_write(&activation, dir, &err);
}

struct action {
	const char *name;
	void (*begin)(void);
	bool (*act)(void); /* did it say that all is well? */
	bool mints;
};

static const struct action actions[] = {
    {"the admin side saves", begin_old, take_new, false},
    {"an edited file is read", begin_edited, read_again, false},
    {"a start with an edited file", begin_restarted, start, false},
    {"a start with a file without keys", begin_bare, start, true},
    {"a first start", empty, start, true},
    {"the state is written", begin_old, write_state, false},
};
#define ACTIONS ((int)(sizeof(actions) / sizeof(actions[0])))

/* ---- what must hold ---- */

static const char *
served(void)
{
	const struct config_upstreams *list = &reload.config->upstreams[GROUP_CLAUDE];
	return list->count > 0 ? list->items[0].id : "";
}

static void
check_no_scraps(const char *folder, long n)
{
	char name[96];
	const struct dirent *entry;
	(void)snprintf(name, sizeof(name), "%s%s", dir, folder);
	DIR *listing = opendir(name);
	while (listing != NULL && (entry = readdir(listing)) != NULL)
		ck_assert_msg(strstr(entry->d_name, ".tmp-") == NULL, "%ld leaves scraps", n);
	if (listing != NULL)
		closedir(listing);
}

/* The key that the owner can read opens, and is the only one. */
static void
check_keys(const char *what, long n)
{
	uint8_t hash[CRYPTO_SHA256_BYTES], wanted[CRYPTO_SHA256_BYTES];
	struct bytes text;
	get(KEYS_CLIENT_FILE, &text);
	crypto_sha256(view_sub(bytes_view(&text), 0, text.len - 1), hash);
	ck_assert_msg(reload.config->client_key_count == 1 &&
			  memcmp(hash, reload.config->client_keys[0].sha256, sizeof(hash)) == 0,
	    "%s, call %ld: client-key opens nothing", what, n);
	bytes_fini(&text);
	get(KEYS_ADMIN_FILE, &text);
	crypto_sha256(view_sub(bytes_view(&text), 0, text.len - 1), hash);
	ck_assert(config_admin_sha256(reload.config, wanted));
	ck_assert_msg(memcmp(hash, wanted, sizeof(hash)) == 0,
	    "%s, call %ld: admin-token opens nothing", what, n);
	bytes_fini(&text);
}

/* A start after it, with nothing that fails. */
static void
check_restart(const struct action *action, const char *wanted, long n)
{
	reload_fini(&reload);
	ck_assert(reload_start(&reload, dir, &err));
	ck_assert_msg(reload.err.kind == ERR_NONE && reload.source == RELOAD_FILE,
	    "%s, call %ld: %s", action->name, n, reload.err.msg);
	if (wanted != NULL)
		ck_assert_msg(strcmp(served(), wanted) == 0, "%s, call %ld: %s serves",
		    action->name, n, served());
	if (action->mints)
		check_keys(action->name, n);
	struct activation activation = {0};
	ck_assert(activation_read(&activation, dir, &err));
	ck_assert(activation.count == 0 || activation.last_seq == 8);
	activation_fini(&activation);
}

/* ---- calls of the system ---- */

static const struct {
	int error;
	bool is_short;
} ways[] = {{ENOSPC, false}, {ENOSPC, true}, {EIO, false}, {EINTR, false}, {EMFILE, false}};
#define WAYS ((int)(sizeof(ways) / sizeof(ways[0])))

/* False when the action has fewer calls. */
static bool
fail_one(const struct action *action, int way, long n)
{
	empty();
	action->begin();
	char before[32] = "";
	if (reload.config != NULL)
		(void)snprintf(before, sizeof(before), "%s", served());
	with_errno = ways[way].error;
	write_short = ways[way].is_short;
	until_call = n;
	bool told = action->act();
	bool hit = until_call < 0;
	until_call = -1;
	if (action->act == take_new) /* what is told is what is so, in memory and on the disk */
		ck_assert_msg(strcmp(served(), told ? "new" : before) == 0, "%ld", n);
	else if (told && action->act != write_state && action->begin != empty)
		ck_assert_str_eq(served(), "new");
	check_no_scraps("", n);
	check_no_scraps("/json_data", n);
	check_no_scraps("/json_data/history", n);
	const char *wanted = action->begin == empty ? "" : "new";
	if (action->act == write_state || (action->act == take_new && !told))
		wanted = "old";
	check_restart(action, wanted, n);
	return hit;
}

START_TEST(each_call_that_fails_leaves_whole_files)
{
	const struct action *action = &actions[_i / WAYS];
	long n = 0;
	while (n < CALLS_MAX && fail_one(action, _i % WAYS, n))
		n++;
	ck_assert_int_gt(n, 5);
	ck_assert_int_lt(n, CALLS_MAX);
}
END_TEST

/* ---- the heap ---- */

/* In a child of its own; returns whether it had so many. */
static bool
starve(const struct action *action, long n)
{
	empty();
	action->begin();
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC, 0);
		(void)dup2(null, STDERR_FILENO);
		until_allocation = n;
		(void)action->act();
		_exit(until_allocation >= 0 ? 1 : 0);
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	bool ended = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
	ck_assert_msg(ended || (WIFEXITED(status) && WEXITSTATUS(status) <= 1),
	    "%s, allocation %ld: status %x", action->name, n, status);
	check_restart(action, NULL, n);
	/* Whoever asks again is told what is so. */
	if (action->act == take_new)
		ck_assert_msg((history_asked(&reload.history, "q1") != NULL) ==
				  (strcmp(served(), "new") == 0),
		    "allocation %ld", n);
	return ended || WEXITSTATUS(status) == 0;
}

START_TEST(a_heap_that_gives_nothing_leaves_whole_files)
{
	const struct action *action = &actions[_i];
	long n = 0;
	while (starve(action, n))
		n += ALLOCATIONS_STEP;
	ck_assert_int_gt(n, 5);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("failing");
	TCase *tests = tcase_create("failing");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 100);
	tcase_add_loop_test(tests, each_call_that_fails_leaves_whole_files, 0, ACTIONS * WAYS);
	tcase_add_loop_test(tests, a_heap_that_gives_nothing_leaves_whole_files, 0, ACTIONS);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
