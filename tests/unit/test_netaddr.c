/* netaddr: address classes and texts, listening sockets, descriptors handed over. */
#include "netaddr.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

union addr {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
};

static union addr
make(const char *text)
{
	union addr addr = {0};
	if (strchr(text, ':') != NULL) {
		addr.v6.sin6_family = AF_INET6;
		addr.v6.sin6_port = htons(99);
		ck_assert_int_eq(inet_pton(AF_INET6, text, &addr.v6.sin6_addr), 1);
	} else {
		addr.v4.sin_family = AF_INET;
		addr.v4.sin_port = htons(99);
		ck_assert_int_eq(inet_pton(AF_INET, text, &addr.v4.sin_addr), 1);
	}
	return addr;
}

START_TEST(loopback)
{
	static const char *const yes[] = {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"};
	static const char *const no[] = {"128.0.0.1", "0.0.0.0", "10.0.0.1", "::", "::2", "fe80::1",
	    "::ffff:10.0.0.1", "::127.0.0.1"};
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		union addr addr = make(yes[i]);
		ck_assert_msg(netaddr_is_loopback(&addr.any), "%s", yes[i]);
	}
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		union addr addr = make(no[i]);
		ck_assert_msg(!netaddr_is_loopback(&addr.any), "%s", no[i]);
	}
	union addr local = {.local = {.sun_family = AF_UNIX}};
	ck_assert(netaddr_is_loopback(&local.any) && !netaddr_is_denied(&local.any));
}
END_TEST

START_TEST(texts)
{
	char text[64];
	union addr v4 = make("127.0.0.1"), v6 = make("2001:db8::1");
	union addr local = {.local = {.sun_family = AF_UNIX}};
	netaddr_format(&v4.any, text, sizeof(text));
	ck_assert_str_eq(text, "127.0.0.1:99");
	netaddr_format(&v6.any, text, sizeof(text));
	ck_assert_str_eq(text, "[2001:db8::1]:99");
	v6 = make("::ffff:10.0.0.1");
	netaddr_format(&v6.any, text, sizeof(text));
	ck_assert_str_eq(text, "10.0.0.1:99");
	netaddr_format(&local.any, text, sizeof(text));
	ck_assert_str_eq(text, "unix");
	netaddr_format(&v4.any, text, 5);
	ck_assert_str_eq(text, "127.");
}
END_TEST

START_TEST(listen_tcp)
{
	struct err err = {0};
	uint16_t port = 0;
	int fd = netaddr_listen_tcp("127.0.0.1", &port, false, &err);
	ck_assert_msg(fd >= 0 && port > 0, "%s", err.msg);
	ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
	ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	uint16_t same = port;
	ck_assert_int_lt(netaddr_listen_tcp("127.0.0.1", &same, false, &err), 0);
	ck_assert(err.kind == ERR_IO && strstr(err.msg, "Address already in use") != NULL);
	close(fd);
	/* Several on one port. */
	port = 0;
	int first = netaddr_listen_tcp("127.0.0.1", &port, true, &err);
	int second = netaddr_listen_tcp("127.0.0.1", &port, true, &err);
	ck_assert(first >= 0 && second >= 0);
	close(first);
	close(second);
	port = 0;
	ck_assert_int_lt(netaddr_listen_tcp("no such host", &port, false, &err), 0);
	ck_assert(err.kind == ERR_CONFIG);
	ck_assert_int_lt(netaddr_listen_tcp("203.0.113.77", &port, false, &err), 0);
}
END_TEST

static int
client_of(uint16_t port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ck_assert(connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 || errno == EINPROGRESS);
	return fd;
}

static bool
is_connected(int fd, int timeout_ms)
{
	struct pollfd want = {.fd = fd, .events = POLLOUT};
	return poll(&want, 1, timeout_ms) == 1 && (want.revents & (POLLERR | POLLHUP)) == 0;
}

/* Who is there is still accepted; who comes before the close waits for the next one. */
START_TEST(shut_out)
{
	struct err err = {0};
	uint16_t port = 0;
	int fd = netaddr_listen_tcp("127.0.0.1", &port, true, &err);
	int there = client_of(port);
	ck_assert(is_connected(there, 1000));
	netaddr_shut_out(fd);
	int late = client_of(port);
	ck_assert(!is_connected(late, 0));
	int accepted = accept(fd, NULL, NULL);
	ck_assert_int_ge(accepted, 0);
	ck_assert_int_lt(accept(fd, NULL, NULL), 0);
	close(fd);
	ck_assert(is_connected(there, 0));
	int next = netaddr_listen_tcp("127.0.0.1", &port, true, &err);
	ck_assert(is_connected(late, 10000));
	close(there);
	close(late);
	close(accepted);
	close(next);
	/* One that others may hold as well goes on. */
	port = 0;
	fd = netaddr_listen_tcp("127.0.0.1", &port, false, &err);
	netaddr_shut_out(fd);
	there = client_of(port);
	ck_assert(is_connected(there, 1000));
	close(there);
	close(fd);
}
END_TEST

START_TEST(listen_unix)
{
	struct err err = {0};
	struct stat st;
	char folder[] = "/tmp/pm_netaddr_XXXXXX", path[64], plain[64], longest[200];
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/s", folder);
	snprintf(plain, sizeof(plain), "%s/f", folder);
	mode_t before = umask(0);
	int fd = netaddr_listen_unix(path, &err);
	ck_assert_msg(fd >= 0, "%s", err.msg);
	ck_assert_uint_eq(umask(before), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	/* The file of a dead process is no hindrance; another kind of file is, and stays. */
	close(fd);
	fd = netaddr_listen_unix(path, &err);
	ck_assert_int_ge(fd, 0);
	close(fd);
	int file = open(plain, O_CREAT | O_WRONLY, 0600);
	close(file);
	ck_assert_int_lt(netaddr_listen_unix(plain, &err), 0);
	ck_assert(stat(plain, &st) == 0 && S_ISREG(st.st_mode));
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	ck_assert(netaddr_listen_unix(longest, &err) < 0 && err.kind == ERR_CONFIG);
	ck_assert_int_lt(netaddr_listen_unix("", &err), 0);
	unlink(path);
	unlink(plain);
	rmdir(folder);
}
END_TEST

/* ---- descriptors handed over ---- */

static char names[256];

static void
on_fd(int fd, const char *name, void *ctx)
{
	char line[128];
	(void)ctx;
	snprintf(line, sizeof(line), "%d=%s%s%s;", fd, name,
	    fcntl(fd, F_GETFL) & O_NONBLOCK ? "" : "!", fcntl(fd, F_GETFD) & FD_CLOEXEC ? "" : "!");
	size_t used = strlen(names);
	snprintf(names + used, sizeof(names) - used, "%s", line);
}

/* In a child, since 3 and 4 may be anybody's; pid 0 = the own one, fds NULL = not set. */
static void
assert_taken(const char *pid, const char *fds, const char *fdnames, int count, const char *want)
{
	pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		char own[16];
		names[0] = '\0';
		snprintf(own, sizeof(own), "%d", (int)getpid());
		dup2(STDERR_FILENO, 3);
		dup2(STDERR_FILENO, 4);
		close(5);
		unsetenv("LISTEN_FDNAMES");
		setenv("LISTEN_PID", strcmp(pid, "own") == 0 ? own : pid, 1);
		setenv("LISTEN_FDS", fds, 1);
		if (fdnames != NULL)
			setenv("LISTEN_FDNAMES", fdnames, 1);
		bool good =
		    netaddr_take_listen_fds(on_fd, NULL) == count && strcmp(names, want) == 0;
		if (!good)
			fprintf(stderr, "%s\n", names);
		good = good && getenv("LISTEN_PID") == NULL && getenv("LISTEN_FDS") == NULL &&
		       getenv("LISTEN_FDNAMES") == NULL &&
		       netaddr_take_listen_fds(on_fd, NULL) == 0;
		_exit(good ? 0 : 1);
	}
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(status == 0, "LISTEN_PID=%s LISTEN_FDS=%s", pid, fds);
}

START_TEST(take_listen_fds)
{
	assert_taken("own", "2", "http:admin", 2, "3=http;4=admin;");
	assert_taken("self", "1", "http:admin", 1, "3=http;");
	assert_taken("own", "2", NULL, 2, "3=unknown;4=unknown;");
	assert_taken("own", "2", "http", 2, "3=http;4=unknown;");
	assert_taken("own", "2", ":b", 2, "3=unknown;4=b;");
	assert_taken("own", "3", "a:b:c", 2, "3=a;4=b;");
	assert_taken("own", "0", "", 0, "");
	assert_taken("1", "2", "a:b", 0, "");
	assert_taken("x", "2", "a:b", 0, "");
	assert_taken("own", "-1", "a:b", 0, "");
	assert_taken("own", "99999999", "a:b", 0, "");
}
END_TEST

int
main(void)
{
	TCase *tcase = tcase_create("netaddr");
	tcase_add_test(tcase, loopback);
	tcase_add_test(tcase, texts);
	tcase_add_test(tcase, listen_tcp);
	tcase_add_test(tcase, shut_out);
	tcase_add_test(tcase, listen_unix);
	tcase_add_test(tcase, take_listen_fds);
	Suite *suite = suite_create("netaddr");
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
