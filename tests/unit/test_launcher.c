/* The launcher's parts: waits, folders, who lives, sockets, and what a started program gets. */
#include "backoff.h"
#include "bytes.h"
#include "child.h"
#include "fileio.h"
#include "names.h"
#include "netaddr.h"
#include "notify.h"
#include "orphans.h"
#include "places.h"
#include "roster.h"
#include "sockets.h"
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];

static void
setup(void)
{
	memcpy(folder, "/tmp/pm-launcher-XXXXXX", sizeof("/tmp/pm-launcher-XXXXXX"));
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

/* The tests leave few files, all one or two levels deep. */
static void
teardown(void)
{
	static const char *const names[] = {"launcher.lock", "out", "web.sock", "run/web.sock",
	    "run", "link", "a/b/run", "a/b", "a"};
	char path[128];
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		(void)remove(path);
	}
	ck_assert_int_eq(rmdir(folder), 0);
}

START_TEST(the_wait_grows_and_is_forgotten)
{
	static const uint32_t expected[] = {0, 200, 400, 800, 1600, 3200, 5000, 5000};
	struct backoff backoff = {0};
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		ck_assert_uint_eq(backoff_next_ms(&backoff, 50), expected[i]);
	ck_assert_uint_eq(backoff_next_ms(&backoff, BACKOFF_FORGET_MS), 0);
	ck_assert_uint_eq(backoff_next_ms(&backoff, BACKOFF_FORGET_MS - 1), 200);
	backoff.deaths = 100000;
	ck_assert_uint_eq(backoff_next_ms(&backoff, 0), BACKOFF_MAX_MS);
}
END_TEST

/* Else records pile up in the journals, and what has no room there is lost. */
START_TEST(who_dies_every_second_is_started_at_once)
{
	struct backoff backoff = {0};
	for (int i = 0; i < 20; i++)
		ck_assert_uint_eq(backoff_next_ms(&backoff, 900), 0);
}
END_TEST

/* ---- folders ---- */

START_TEST(the_state_folder_has_a_default)
{
	struct places places;
	struct err err;
	setenv("HOME", "/nonexistent/home", 1);
	setenv("XDG_STATE_HOME", "/nonexistent/xdg", 1);
	ck_assert(places_find(NULL, NULL, &places, &err));
	ck_assert_str_eq(places.state, "/nonexistent/xdg/pointsman");
	ck_assert_str_eq(places.run, "/nonexistent/xdg/pointsman/run");
	setenv("XDG_STATE_HOME", "relative", 1);
	ck_assert(places_find(NULL, NULL, &places, &err));
	ck_assert_str_eq(places.state, "/nonexistent/home/.local/state/pointsman");
	unsetenv("XDG_STATE_HOME");
	unsetenv("HOME");
	ck_assert(!places_find(NULL, NULL, &places, &err));
	ck_assert_str_eq(err.at, "--state");
}
END_TEST

START_TEST(one_folder_has_one_name)
{
	struct places places, same;
	struct err err = {0};
	struct stat st;
	char path[128], link_path[128];
	snprintf(path, sizeof(path), "%s/a/b", folder);
	snprintf(link_path, sizeof(link_path), "%s/link", folder);
	ck_assert_msg(places_make(path, NULL, &places, &err), "%s %s", err.at, err.msg);
	ck_assert_str_eq(places.state, path);
	ck_assert_int_eq(symlink(path, link_path), 0);
	ck_assert(places_find(link_path, NULL, &same, &err));
	ck_assert_str_eq(same.run, places.run);
	ck_assert_int_eq(chdir(folder), 0);
	ck_assert(places_find("./a/../a/b/", NULL, &same, &err));
	ck_assert_str_eq(same.run, places.run);
	ck_assert_int_eq(stat(places.run, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0700);
	ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

START_TEST(a_long_path_gets_a_short_run_folder)
{
	struct places places, other;
	struct err err;
	char path[400] = "/nonexistent/";
	memset(path + strlen(path), 'x', 200);
	ck_assert(places_find(path, NULL, &places, &err));
	ck_assert_uint_lt(strlen(places.run), 60);
	ck_assert_int_eq(strncmp(places.run, "/tmp/pointsman-", 15), 0);
	/* As soon as one of the sockets has no room. */
	for (int length = 80; length < 110; length++) {
		char state[128] = "/nonexistent/", name[108];
		memset(state + strlen(state), 'x', (size_t)length - strlen(state));
		ck_assert(places_find(state, NULL, &places, &err));
		ck_assert(names_path(places.run, NAMES_LONGEST, name, sizeof(name), &err));
		ck_assert(names_path(places.run, NAMES_EVENTS, name, sizeof(name), &err));
	}
	path[20] = 'y';
	ck_assert(places_find(path, NULL, &other, &err));
	ck_assert_str_ne(places.run, other.run);
}
END_TEST

START_TEST(a_run_folder_that_is_not_ours_is_refused)
{
	struct places places;
	struct err err = {0};
	char run[128];
	snprintf(run, sizeof(run), "%s/run", folder);
	ck_assert_int_eq(symlink("/tmp", run), 0);
	ck_assert(!places_make(folder, NULL, &places, &err));
	ck_assert_str_eq(err.at, run);
	unlink(run);
	ck_assert_int_eq(mkdir(run, 0755), 0);
	ck_assert(places_make(folder, NULL, &places, &err));
	struct stat st;
	ck_assert_int_eq(stat(run, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0700);
	if (geteuid() == 0) {
		ck_assert_int_eq(chown(run, 65534, 65534), 0);
		ck_assert(!places_make(folder, NULL, &places, &err));
	}
}
END_TEST

/* ---- what a program gets ---- */

/* Runs `script` with the plan's sockets; its output is in `text`. */
static void
run_script(struct child_plan *plan, const char *script, struct bytes *text)
{
	struct err err = {0};
	char command[1024], out[128];
	int status;
	snprintf(out, sizeof(out), "%s/out", folder);
	snprintf(command, sizeof(command), "exec >%s; %s", out, script);
	plan->argv[0] = "/bin/sh";
	plan->argv[1] = "-c";
	plan->argv[2] = command;
	pid_t pid = child_spawn(plan, &err);
	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	plan->argv[2] = NULL; /* it was ours */
	bytes_init(text, 4096);
	ck_assert(fileio_read(out, text, &err));
}

START_TEST(sockets_are_named_in_their_order)
{
	struct child_plan plan = {.exec_fd = -1};
	char names[64];
	ck_assert(child_fd_names(&plan, names, sizeof(names)));
	ck_assert_str_eq(names, "");
	child_plan_fd(&plan, 9, "admin");
	child_plan_fd(&plan, -1, "admin");
	child_plan_fd(&plan, 7, "web");
	ck_assert(child_fd_names(&plan, names, sizeof(names)));
	ck_assert_str_eq(names, "admin:web");
	ck_assert(!child_fd_names(&plan, names, strlen("admin:web")));
}
END_TEST

START_TEST(a_program_finds_its_sockets_at_three)
{
	struct err err = {0};
	struct bytes text;
	char expected[64];
	struct child_plan plan = {
	    .exec_fd = -1, .roster_fd = roster_open(folder, "launcher", &err), .slot = 5};
	/* The sources stand in the wrong order exactly where the targets go. */
	uint16_t port_a = 0, port_b = 0;
	int a = netaddr_listen_tcp("127.0.0.1", &port_a, false, &err);
	int b = netaddr_listen_tcp("127.0.0.1", &port_b, false, &err);
	ck_assert(a >= 0 && b >= 0);
	int low = a < b ? a : b, high = a < b ? b : a;
	child_plan_fd(&plan, high, "first");
	child_plan_fd(&plan, low, "second");
	struct stat first, second;
	ck_assert_int_eq(fstat(high, &first), 0);
	ck_assert_int_eq(fstat(low, &second), 0);
	snprintf(expected, sizeof(expected), "2 first:second own\nsocket:[%llu]\nsocket:[%llu]\n",
	    (unsigned long long)first.st_ino, (unsigned long long)second.st_ino);
	run_script(&plan,
	    "test $LISTEN_PID = $$ && own=own; echo $LISTEN_FDS $LISTEN_FDNAMES $own;"
	    "readlink /proc/$$/fd/3 /proc/$$/fd/4",
	    &text);
	ck_assert_str_eq(bytes_str(&text), expected);
	bytes_fini(&text);
	close(a);
	close(b);
	close(plan.roster_fd);
}
END_TEST

START_TEST(a_program_without_sockets_hears_of_none)
{
	struct err err = {0};
	struct bytes text;
	struct child_plan plan = {
	    .exec_fd = -1, .roster_fd = roster_open(folder, "launcher", &err), .slot = 5};
	setenv("LISTEN_FDS", "7", 1);
	setenv("LISTEN_PID", "1", 1);
	int open_file =
	    open("/etc/passwd", O_RDONLY); /* not close-on-exec, and not to be handed on */
	run_script(&plan,
	    "echo $LISTEN_FDS $LISTEN_PID; ls -l /proc/$$/fd | grep -c /etc/passwd; true", &text);
	ck_assert_str_eq(bytes_str(&text), "\n0\n");
	bytes_fini(&text);
	close(open_file);
	close(plan.roster_fd);
}
END_TEST

START_TEST(a_program_gets_its_signals_back)
{
	struct err err = {0};
	struct bytes text;
	struct child_plan plan = {
	    .exec_fd = -1, .roster_fd = roster_open(folder, "launcher", &err), .slot = 5};
	sigset_t term;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	signal(SIGPIPE, SIG_IGN);
	run_script(&plan, "grep -E 'Sig(Blk|Ign)' /proc/$$/status | cut -f2", &text);
	ck_assert_str_eq(bytes_str(&text), "0000000000000000\n0000000000000001\n");
	bytes_fini(&text);
	close(plan.roster_fd);
}
END_TEST

/* ---- who lives ---- */

/* A child that holds `slot` until it is ended; returns when it does. */
static pid_t
spawn_holder(int roster, unsigned slot)
{
	struct err err = {0};
	struct child_plan plan = {.exec_fd = -1,
	    .roster_fd = roster,
	    .slot = slot,
	    .argv = {"/bin/sh", "-c", "echo; exec sleep 60"}};
	int ends[2], out = dup(STDOUT_FILENO);
	char line;
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_ge(dup2(ends[1], STDOUT_FILENO), 0);
	pid_t pid = child_spawn(&plan, &err), holder = 0;
	ck_assert_int_gt(pid, 0);
	ck_assert_int_ge(dup2(out, STDOUT_FILENO), 0);
	ck_assert_int_eq(read(ends[0], &line, 1), 1);
	close(ends[0]);
	close(ends[1]);
	close(out);
	ck_assert(roster_lives(roster, slot, &holder));
	ck_assert_int_eq(holder, pid);
	return pid;
}

START_TEST(a_slot_lives_as_long_as_its_program)
{
	struct err err = {0};
	int roster = roster_open(folder, "launcher", &err);
	pid_t holder;
	ck_assert(!roster_lives(roster, 9, &holder));
	pid_t pid = spawn_holder(roster, 9);
	ck_assert(!roster_take(roster, 9, &err));
	ck_assert(roster_take(roster, ROSTER_LAUNCHER, &err));
	ck_assert(!roster_lives(roster, 10, &holder));
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert(!roster_lives(roster, 9, &holder));
	close(roster);
}
END_TEST

START_TEST(programs_of_an_earlier_start_are_ended)
{
	struct err err = {0};
	struct orphans orphans;
	int roster = roster_open(folder, "launcher", &err);
	spawn_holder(roster, ROSTER_CONTROLPLANE);
	pid_t dataplane = spawn_holder(roster, ROSTER_DATAPLANE + 3);
	signal(SIGCHLD, SIG_IGN); /* nobody waits for orphans here */
	ck_assert_msg(orphans_end(roster, &err), "%s", err.msg);
	pid_t holder;
	ck_assert(!roster_lives(roster, ROSTER_CONTROLPLANE, &holder));
	ck_assert(orphans_end(roster, &err));
	/* Data planes have been told when their launcher died. */
	ck_assert(orphans_find(&orphans, roster, &err));
	ck_assert_int_eq(orphans.dataplanes[3], dataplane);
	ck_assert_uint_eq(orphans_left(&orphans), 1);
	kill(dataplane, SIGKILL);
	while (roster_lives(roster, ROSTER_DATAPLANE + 3, &holder))
		(void)sched_yield();
	ck_assert_uint_eq(orphans_left(&orphans), 0);
	ck_assert_int_eq(orphans.dataplanes[3], 0);
	close(roster);
}
END_TEST

/* ---- sockets ---- */

START_TEST(all_sockets_are_opened_or_none)
{
	struct err err = {0};
	struct sockets sockets, second;
	uint16_t port = 0, admin_port = 0;
	int a = netaddr_listen_tcp("127.0.0.1", &port, false, &err);
	int b = netaddr_listen_tcp("127.0.0.1", &admin_port, false, &err);
	ck_assert(a >= 0 && b >= 0);
	struct sockets_wish wish = {.port = port,
	    .admin_port = admin_port,
	    .admin = true,
	    .web = true,
	    .dataplanes = 3,
	    .demo = true,
	    .run_dir = folder};
	char text[16];
	snprintf(text, sizeof(text), "%u", (unsigned)port);
	close(b);
	sockets_take(&sockets);
	sockets_take(&second);
	ck_assert(!sockets_open(&wish, &sockets, &err));
	ck_assert_str_eq(err.at, "--port");
	ck_assert_ptr_nonnull(strstr(err.msg, text));
	ck_assert_int_eq(sockets.admin[0], -1);
	close(a);
	ck_assert_msg(sockets_open(&wish, &sockets, &err), "%s", err.msg);
	ck_assert_int_ge(sockets.api[2][0], 0);
	ck_assert_int_eq(sockets.api[3][0], -1);
	ck_assert_int_ne(sockets.demo_port, 0);
	/* A second one of the same user does not slip in beside the first. */
	ck_assert(!sockets_open(&wish, &second, &err));
	ck_assert_str_eq(err.at, "--port");
	wish.port = wish.admin_port;
	ck_assert(!sockets_open(&wish, &second, &err));
	sockets_close(&sockets);
	ck_assert(!sockets_open(&wish, &second, &err)); /* one port for both */
	ck_assert_int_eq(second.admin[0], -1);
	ck_assert_int_eq(sockets.web, -1);
}
END_TEST

#define RIVALS 8
#define RACES 10

/* Waits for its start, tells 'y' or 'n', and keeps what it has until the end. */
static void
be_rival(uint16_t port, int start_fd, int told_fd, int end_fd)
{
	struct err err = {0};
	struct sockets sockets;
	const struct sockets_wish wish = {.listen = "127.0.0.1", .port = port, .dataplanes = 4};
	char byte;
	sockets_none(&sockets);
	(void)!read(start_fd, &byte, 1);
	byte = sockets_open(&wish, &sockets, &err) ? 'y' : 'n';
	(void)!write(told_fd, &byte, 1);
	(void)!read(end_fd, &byte, 1);
	_exit(0);
}

static unsigned
race(uint16_t port)
{
	int start[2], told[2], end[2];
	unsigned winners = 0;
	char byte;
	ck_assert(pipe(start) == 0 && pipe(told) == 0 && pipe(end) == 0);
	for (unsigned i = 0; i < RIVALS; i++) {
		pid_t pid = fork();
		ck_assert_int_ge(pid, 0);
		if (pid != 0)
			continue;
		close(start[1]);
		close(end[1]);
		be_rival(port, start[0], told[1], end[0]);
	}
	close(start[1]);
	for (unsigned i = 0; i < RIVALS; i++) {
		ck_assert_int_eq(read(told[0], &byte, 1), 1);
		winners += byte == 'y';
	}
	close(end[1]);
	while (wait(NULL) > 0)
		continue;
	close(start[0]);
	close(told[0]);
	close(told[1]);
	close(end[0]);
	return winners;
}

/* They would share it by SO_REUSEPORT, and each have half of the calls. */
START_TEST(of_many_that_want_a_port_at_once_one_has_it)
{
	struct err err = {0};
	for (unsigned i = 0; i < RACES; i++) {
		uint16_t port = 0;
		int fd = netaddr_listen_tcp("127.0.0.1", &port, false, &err);
		ck_assert_int_ge(fd, 0);
		close(fd);
		ck_assert_uint_eq(race(port), 1);
	}
}
END_TEST

/* Run by a process of its own, since descriptors 3 and 4 are the test runner's. 0 or the line of
 * what was not so. */
#define MUST_BE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return __LINE__ % 256;                                                     \
	} while (0)

static int
take_sockets(int api, uint16_t port, uint16_t admin_port)
{
	struct err err = {0};
	struct sockets sockets;
	MUST_BE(dup2(api, 3) == 3);
	MUST_BE(dup2(open("/dev/null", O_RDONLY), 4) == 4);
	setenv("LISTEN_PID", "self", 1);
	setenv("LISTEN_FDS", "2", 1);
	setenv("LISTEN_FDNAMES", "api:admin", 1);
	sockets_take(&sockets);
	MUST_BE(sockets.api_shared);
	MUST_BE(fcntl(4, F_GETFD) == -1); /* no listening socket */
	struct sockets_wish wish = {
	    .port = port, .admin_port = admin_port, .dataplanes = 2, .admin = true};
	MUST_BE(sockets_open(&wish, &sockets, &err));
	MUST_BE(sockets.api[0][0] == 3 && sockets.api[1][0] == 3 && sockets.api[2][0] == -1);
	MUST_BE(netaddr_port(3) == port && netaddr_port(sockets.admin[0]) == admin_port);
	MUST_BE(sockets.web == -1);
	sockets_close(&sockets);
	MUST_BE(fcntl(3, F_GETFD) == -1);
	return 0;
}

/* What a service manager has opened is used; what is missing is opened. */
START_TEST(handed_sockets_are_taken)
{
	struct err err = {0};
	uint16_t port = 0, admin_port = 0;
	int status, api = netaddr_listen_tcp("127.0.0.1", &port, false, &err);
	int admin = netaddr_listen_tcp("127.0.0.1", &admin_port, false, &err);
	close(admin);
	pid_t pid = fork();
	if (pid == 0)
		_exit(take_sockets(api, port, admin_port));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(api);
}
END_TEST

START_TEST(addresses_are_a_list)
{
	struct err err = {0};
	struct sockets sockets;
	uint16_t port = 0;
	close(netaddr_listen_tcp("127.0.0.1", &port, false, &err));
	struct sockets_wish wish = {.listen = "127.0.0.1,127.0.0.2", .port = port, .dataplanes = 2};
	sockets_take(&sockets);
	ck_assert_msg(sockets_open(&wish, &sockets, &err), "%s", err.msg);
	ck_assert_int_ge(sockets.api[1][1], 0);
	ck_assert_int_eq(sockets.api[0][2], -1);
	ck_assert_int_eq(sockets.admin[0], -1);
	sockets_close(&sockets);
	static const char *const bad[] = {"1.1.1.1.1", "127.0.0.1,,127.0.0.2",
	    "127.0.0.1,127.0.0.2,127.0.0.3,127.0.0.4,127.0.0.5", "192.0.2.7"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		wish.listen = bad[i];
		ck_assert_msg(!sockets_open(&wish, &sockets, &err), "%s", bad[i]);
	}
}
END_TEST

/* ---- the service manager ---- */

START_TEST(the_manager_is_told)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char text[64] = "";
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/out", folder);
	unsetenv("NOTIFY_SOCKET");
	ck_assert(!notify_send("READY=1"));
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	setenv("NOTIFY_SOCKET", addr.sun_path, 1);
	ck_assert(notify_send("READY=1"));
	ck_assert_int_eq(recv(fd, text, sizeof(text), MSG_DONTWAIT), 7);
	ck_assert_str_eq(text, "READY=1");
	setenv("NOTIFY_SOCKET", "relative", 1);
	ck_assert(!notify_send("READY=1"));
	close(fd);
}
END_TEST

START_TEST(the_watchdog_is_for_one_process)
{
	char pid[16];
	unsetenv("WATCHDOG_USEC");
	ck_assert_uint_eq(notify_watchdog_ms(), 0);
	setenv("WATCHDOG_USEC", "20000000", 1);
	ck_assert_uint_eq(notify_watchdog_ms(), 20000);
	setenv("WATCHDOG_PID", "1", 1);
	ck_assert_uint_eq(notify_watchdog_ms(), 0);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	ck_assert_uint_eq(notify_watchdog_ms(), 20000);
	notify_forget();
	ck_assert_ptr_null(getenv("WATCHDOG_USEC"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("launcher");
	TCase *tests = tcase_create("launcher");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 30);
	tcase_add_test(tests, the_wait_grows_and_is_forgotten);
	tcase_add_test(tests, who_dies_every_second_is_started_at_once);
	tcase_add_test(tests, the_state_folder_has_a_default);
	tcase_add_test(tests, one_folder_has_one_name);
	tcase_add_test(tests, a_long_path_gets_a_short_run_folder);
	tcase_add_test(tests, a_run_folder_that_is_not_ours_is_refused);
	tcase_add_test(tests, sockets_are_named_in_their_order);
	tcase_add_test(tests, a_program_finds_its_sockets_at_three);
	tcase_add_test(tests, a_program_without_sockets_hears_of_none);
	tcase_add_test(tests, a_program_gets_its_signals_back);
	tcase_add_test(tests, a_slot_lives_as_long_as_its_program);
	tcase_add_test(tests, programs_of_an_earlier_start_are_ended);
	tcase_add_test(tests, all_sockets_are_opened_or_none);
	tcase_add_test(tests, of_many_that_want_a_port_at_once_one_has_it);
	tcase_add_test(tests, handed_sockets_are_taken);
	tcase_add_test(tests, addresses_are_a_list);
	tcase_add_test(tests, the_manager_is_told);
	tcase_add_test(tests, the_watchdog_is_for_one_process);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
