/* httpd: flow, leavers, endings, deadlines, limits. */
#include "httpd.h"

#include "httpd_client.h"
#include <check.h>
#include <dirent.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/un.h>

#define HOLD "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"
#define HOLD10 "GET /hold HTTP/1.0\r\n\r\n"
#define ASK "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"

static struct rig rig;
static struct client client;

static void
start(void)
{
	rig_init(&rig);
	rig_start(&rig, NULL);
}

static void
stop(void)
{
	rig_fini(&rig);
}

/* ---- flow ---- */

START_TEST(backpressure)
{
	rig_init(&rig);
	rig_start(&rig, NULL);
	rig.to_stream = 20u << 20;
	client_open(&client, &rig, 4096);
	client_pause(&client);
	client_send_str(&client, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
	RIG_UNTIL(&rig, rig.requests == 1);
	for (unsigned i = 0; i < 100; i++)
		rig_step(&rig);
	/* What the kernel holds is not ours; the queue is bounded. */
	ck_assert_uint_gt(rig.to_stream, 0);
	ck_assert_ptr_nonnull(rig.held);
	ck_assert_uint_gt(httpd_queued(rig.held), rig.limits.out_low_bytes);
	client_resume(&client);
	RIG_UNTIL(&rig, view_ends(bytes_view(&client.got), "\r\n0\r\n\r\n"));
	ck_assert_uint_gt(rig.writable, 10);
	ck_assert_uint_le(rig.queued_max, rig.limits.out_high_bytes + 8192 + 64);
	ck_assert_uint_ge(client.got.len, 20u << 20);
	client_close(&client, false);
	stop();
}
END_TEST

/* Hangs up while the server writes: told once, everything freed. */
START_TEST(leaver_during_a_stream)
{
	start();
	for (unsigned how = 0; how < 3; how++) {
		rig.to_stream = 50u << 20;
		client_open(&client, &rig, 4096);
		client_send_str(&client, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
		RIG_UNTIL(&rig, client.got.len > 10000);
		if (how == 2)
			shutdown(client.fd, SHUT_WR);
		else
			client_close(&client, how == 1);
		RIG_UNTIL(&rig, rig.gone == how + 1);
		ck_assert_ptr_null(rig.held);
		if (how == 2)
			client_close(&client, false);
		RIG_UNTIL(&rig, rig_counts(&rig).connections == 0);
		ck_assert_uint_eq(rig_counts(&rig).in_work, 0);
	}
	stop();
}
END_TEST

START_TEST(leaver_while_held)
{
	start();
	for (unsigned how = 0; how < 6; how++) {
		client_hold(&client, &rig, HOLD);
		if (how % 2 == 1) { /* with bytes of a next request ahead */
			client_send_str(&client, ASK "GET");
			for (unsigned i = 0; i < 3; i++)
				rig_step(&rig);
		}
		if (how / 2 == 2)
			shutdown(client.fd, SHUT_WR);
		else
			client_close(&client, how / 2 == 1);
		RIG_UNTIL(&rig, rig.gone == how + 1);
		if (how / 2 == 2)
			client_close(&client, false);
		RIG_UNTIL(&rig, rig_counts(&rig).connections == 0);
	}
	ck_assert_uint_eq(rig.requests, 6);
	stop();
}
END_TEST

/* One that has sent so much ahead that nothing more is read is still seen to leave. */
START_TEST(leaver_that_is_not_read_from)
{
	static char block[512 << 10];
	memset(block, 'x', sizeof(block));
	start();
	for (unsigned how = 0; how < 2; how++) {
		client_hold(
		    &client, &rig, "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
		client_send(&client, view_make(block, 64 << 10));
		for (unsigned i = 0; i < 10; i++)
			rig_step(&rig);
		ck_assert_uint_eq(rig.gone, how);
		client_close(&client, how == 1);
		RIG_UNTIL(&rig, rig.gone == how + 1);
	}
	RIG_UNTIL(&rig, rig_counts(&rig).connections == 0);
	stop();
}
END_TEST

START_TEST(leaver_before_the_request_is_whole)
{
	static const char *const texts[] = {"", "G", "GET / HTTP/1.1\r\nHo",
	    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc",
	    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"};
	start();
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (unsigned reset = 0; reset < 2; reset++) {
			unsigned heads = rig.heads;
			client_open(&client, &rig, 0);
			client_send_str(&client, texts[i]);
			RIG_UNTIL(&rig,
			    rig_counts(&rig).connections == 1 && (i < 3 || rig.heads > heads));
			client_close(&client, reset == 1);
			RIG_UNTIL(&rig, rig_counts(&rig).connections == 0);
		}
	}
	ck_assert_uint_eq(rig.requests, 0);
	ck_assert_uint_eq(rig.gone, rig.heads);
	ck_assert_uint_eq(rig.heads, 4);
	stop();
}
END_TEST

static unsigned
open_files(void)
{
	unsigned count = 0;
	DIR *dir = opendir("/proc/self/fd");
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

/* At any moment, in any way: nothing is left over. */
START_TEST(leavers_at_random)
{
	static const char text[] =
	    "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
	    "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n01234567890123456789"
	    "POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
	    "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
	    "chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"
	    "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n"
	    "GET /hold HTTP/1.1\r\nHost: a\r\n\r\nGET /d HTTP/1.1\r\n";
	struct client many[8] = {0};
	uint32_t random = 12345;
	start();
	unsigned files = open_files();
	for (unsigned i = 0; i < 1000; i++) {
		struct client *one = &many[i % 8];
		random = random * 1664525 + 1013904223;
		if (one->rig != NULL)
			client_close(one, (random >> 8 & 1) != 0);
		client_open(one, &rig, 0);
		rig.to_stream = random >> 9 & 0x3ffff;
		client_send(one, view_make(text, (random >> 16) % sizeof(text)));
		if ((random >> 10 & 7) == 0)
			shutdown(one->fd, SHUT_WR);
		for (unsigned steps = random >> 13 & 3; steps > 0; steps--)
			rig_step(&rig);
	}
	for (unsigned i = 0; i < 8; i++)
		client_close(&many[i], i % 2 == 0);
	RIG_UNTIL(&rig, rig_counts(&rig).connections == 0);
	ck_assert_uint_eq(rig_counts(&rig).in_work, 0);
	ck_assert_uint_eq(open_files(), files);
	ck_assert_uint_gt(rig.gone, 50);
	stop();
}
END_TEST

/* ---- endings ---- */

START_TEST(abort_is_visible)
{
	struct http_req *req;
	start();
	for (unsigned how = 0; how < 2; how++) {
		client_hold(&client, &rig, HOLD);
		req = rig_take_held(&rig);
		httpd_start(req, 200, NULL, 0, HTTPD_CHUNKED, 0);
		ck_assert(httpd_write(req, VIEW("half")));
		client_wait_for(&client, "half");
		ck_assert(httpd_write(req, VIEW("rest")));
		httpd_abort(req, how == 0 ? HTTPD_CUT : HTTPD_RST);
		client_wait_end(&client);
		ck_assert(client.reset == (how == 1));
		ck_assert(client_has(&client, "4\r\nrest\r\n") == (how == 0));
		ck_assert(!client_has(&client, "\r\n0\r\n"));
		client_close(&client, false);
	}
	/* To HTTP/1.0 a clean end would look like a whole answer. */
	client_hold(&client, &rig, HOLD10);
	req = rig_take_held(&rig);
	httpd_start(req, 200, NULL, 0, HTTPD_CHUNKED, 0);
	ck_assert(httpd_write(req, VIEW("half")));
	client_wait_for(&client, "half");
	httpd_abort(req, HTTPD_CUT);
	client_wait_end(&client);
	ck_assert(client.reset);
	client_close(&client, false);
	ck_assert_uint_eq(rig.gone, 0);
	stop();
}
END_TEST

START_TEST(detach_gives_the_socket)
{
	start();
	client_hold(&client, &rig, HOLD);
	struct http_req *req = rig_take_held(&rig);
	int fd = httpd_detach(req);
	ck_assert_int_ge(fd, 0);
	int nodelay = 0;
	socklen_t len = sizeof(nodelay);
	ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &nodelay, &len), 0);
	ck_assert_int_eq(nodelay, 1);
	ck_assert_int_eq(send(fd, "raw", 3, 0), 3);
	client_wait_for(&client, "raw");
	ck_assert_uint_eq(rig_counts(&rig).connections, 0);
	ck_assert_uint_eq(rig.gone, 0);
	close(fd);
	client_wait_end(&client);
	client_close(&client, false);
	stop();
}
END_TEST

START_TEST(free_tells_the_handlers)
{
	start();
	client_hold(&client, &rig, HOLD);
	struct client other = {0};
	client_open(&other, &rig, 0);
	client_send_str(&other, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
	RIG_UNTIL(&rig, rig.heads == 2);
	httpd_free(rig.httpd);
	rig.httpd = NULL;
	ck_assert_uint_eq(rig.gone, 2);
	client_wait_end(&client);
	client_wait_end(&other);
	client_close(&client, false);
	client_close(&other, false);
	stop();
}
END_TEST

/* ---- deadlines ---- */

static uint64_t
wait_closed(void)
{
	uint64_t start_ms = clock_mono_ms();
	client_wait_end(&client);
	return clock_mono_ms() - start_ms;
}

/* A byte now and then does not help. */
START_TEST(deadlines_are_absolute)
{
	static const struct {
		const char *start;
		int status;
	} cases[] = {
	    {"G", 408},
	    {"GET /aaaaaaaaaaaaaaa", 408},
	    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n", 408},
	    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n", 408},
	    {"", 0},
	};
	rig_init(&rig);
	rig.limits.head_ms = rig.limits.body_ms = rig.limits.idle_ms = 150;
	rig_start(&rig, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		client_open(&client, &rig, 0);
		client_send_str(&client, cases[i].start);
		uint64_t start_ms = clock_mono_ms(), last_ms = start_ms;
		while (client_status(&client) == 0 && !client.eof) {
			if (cases[i].status != 0 && clock_mono_ms() - last_ms >= 20) {
				client_send_str(&client, "a");
				last_ms = clock_mono_ms();
			}
			ck_assert_msg(clock_mono_ms() - start_ms < 2000, "case %zu", i);
			rig_step(&rig);
		}
		ck_assert_uint_ge(clock_mono_ms() - start_ms, 145);
		ck_assert_int_eq(client_status(&client), cases[i].status);
		client_close(&client, false);
		RIG_UNTIL(&rig, rig_counts(&rig).connections == 0);
	}
	ck_assert_uint_eq(rig.gone, 2);
	stop();
}
END_TEST

START_TEST(idle_counts_from_the_last_answer)
{
	rig_init(&rig);
	rig.limits.idle_ms = 1000;
	rig_start(&rig, NULL);
	client_open(&client, &rig, 0);
	uint64_t start_ms = clock_mono_ms();
	for (unsigned i = 1; i <= 6; i++) {
		client_send_str(&client, ASK);
		RIG_UNTIL(&rig, client_count(&client, "GET /a\n") == i);
		RIG_UNTIL(&rig, clock_mono_ms() >= start_ms + i * 250);
	}
	ck_assert(!client.eof);
	ck_assert_uint_ge(wait_closed(), 500);
	client_close(&client, false);
	/* No deadline runs while the handler works. */
	client_hold(&client, &rig, HOLD);
	start_ms = clock_mono_ms();
	RIG_UNTIL(&rig, clock_mono_ms() >= start_ms + 1200);
	httpd_reply(rig_take_held(&rig), 200, NULL, 0, VIEW("ok"));
	client_wait_for(&client, "\r\n\r\nok");
	client_close(&client, false);
	stop();
}
END_TEST

START_TEST(write_stall)
{
	rig_init(&rig);
	rig.limits.write_stall_ms = 500;
	rig_start(&rig, NULL);
	/* A slow reader that goes on is no stall. */
	rig.to_stream = 50u << 20;
	client_open(&client, &rig, 200000);
	client_pause(&client);
	client_send_str(&client, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
	RIG_UNTIL(&rig, rig.requests == 1);
	for (uint64_t start_ms = clock_mono_ms(), i = 1; i <= 12; i++) {
		RIG_UNTIL(&rig, clock_mono_ms() >= start_ms + i * 100);
		char some[300000];
		(void)!recv(client.fd, some, sizeof(some), 0);
	}
	ck_assert_uint_eq(rig.gone, 0);
	/* One that stops is. */
	uint64_t stop_ms = clock_mono_ms();
	RIG_UNTIL(&rig, rig.gone == 1 || rig.held == NULL);
	ck_assert_uint_eq(rig.gone, 1);
	ck_assert_uint_ge(clock_mono_ms() - stop_ms, 300);
	RIG_UNTIL(&rig, rig_counts(&rig).connections == 0);
	client_close(&client, false);
	stop();
}
END_TEST

/* ---- limits ---- */

START_TEST(connection_limit)
{
	struct client many[3];
	rig_init(&rig);
	rig.limits.connections = 3;
	rig_start(&rig, NULL);
	for (size_t i = 0; i < 3; i++) {
		client_open(&many[i], &rig, 0);
		client_send_str(&many[i], ASK);
		client_wait_for(&many[i], "GET /a\n");
	}
	client_open(&client, &rig, 0);
	client_send_str(&client, ASK);
	client_wait_end(&client);
	ck_assert_int_eq(client_status(&client), 503);
	ck_assert(!client.reset && client_has(&client, "overloaded_error"));
	client_close(&client, false);
	client_close(&many[0], false);
	RIG_UNTIL(&rig, rig_counts(&rig).connections == 2);
	client_open(&client, &rig, 0);
	client_send_str(&client, ASK);
	client_wait_for(&client, "GET /a\n");
	client_close(&client, false);
	client_close(&many[1], false);
	client_close(&many[2], false);
	stop();
}
END_TEST

START_TEST(out_of_descriptors)
{
	struct rlimit files;
	start();
	client_open(&client, &rig, 0);
	client_send_str(&client, ASK);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
	const struct rlimit few = {(rlim_t)client.fd + 1, files.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	uint64_t start_ms = clock_mono_ms();
	unsigned turns = 0;
	RIG_UNTIL(&rig, turns++ > 50 && clock_mono_ms() >= start_ms + 150);
	ck_assert_uint_eq(rig_counts(&rig).accepted, 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
	client_wait_for(&client, "GET /a\n");
	client_close(&client, false);
	stop();
}
END_TEST

START_TEST(unix_sockets)
{
	struct err err = {0};
	char path[] = "/tmp/pm_httpd_XXXXXX";
	ck_assert_ptr_nonnull(mkdtemp(path));
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/s", path);
	start();
	int fd = netaddr_listen_unix(addr.sun_path, &err);
	ck_assert_msg(fd >= 0, "%s", err.msg);
	ck_assert(httpd_listen(rig.httpd, fd, NULL, 9, &err));
	client = (struct client){.rig = &rig, .fd = socket(AF_UNIX, SOCK_STREAM, 0)};
	bytes_init(&client.got, RIG_GOT_MAX);
	ck_assert_int_eq(
	    connect(client.fd, (const struct sockaddr *)(const void *)&addr, sizeof(addr)), 0);
	loop_io_init(&client.io, rig.loop, client.fd, on_client_io, &client);
	loop_io_watch(&client.io, LOOP_READ);
	client_send_str(&client, HOLD);
	RIG_UNTIL(&rig, rig.held != NULL);
	ck_assert_str_eq(httpd_peer_name(rig.held), "unix");
	ck_assert(httpd_peer_is_loopback(rig.held) && httpd_tag(rig.held) == 9);
	httpd_reply(rig_take_held(&rig), 200, NULL, 0, VIEW("ok"));
	client_wait_for(&client, "\r\n\r\nok");
	client_close(&client, false);
	unlink(addr.sun_path);
	rmdir(path);
	httpd_free(rig.httpd);
	rig.httpd = NULL;
	close(fd);
	stop();
}
END_TEST

START_TEST(listen_refuses_what_does_not_listen)
{
	struct err err = {0};
	start();
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert(!httpd_listen(rig.httpd, fd, NULL, 0, &err) && err.kind == ERR_IO);
	close(fd);
	stop();
}
END_TEST

int
main(void)
{
	TCase *tcase = tcase_create("httpd_life");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, backpressure);
	tcase_add_test(tcase, leaver_during_a_stream);
	tcase_add_test(tcase, leaver_while_held);
	tcase_add_test(tcase, leaver_that_is_not_read_from);
	tcase_add_test(tcase, leaver_before_the_request_is_whole);
	tcase_add_test(tcase, leavers_at_random);
	tcase_add_test(tcase, abort_is_visible);
	tcase_add_test(tcase, detach_gives_the_socket);
	tcase_add_test(tcase, free_tells_the_handlers);
	tcase_add_test(tcase, deadlines_are_absolute);
	tcase_add_test(tcase, idle_counts_from_the_last_answer);
	tcase_add_test(tcase, write_stall);
	tcase_add_test(tcase, connection_limit);
	tcase_add_test(tcase, out_of_descriptors);
	tcase_add_test(tcase, unix_sockets);
	tcase_add_test(tcase, listen_refuses_what_does_not_listen);
	Suite *suite = suite_create("httpd_life");
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
