/* Too many connections: who makes room, in which order, and who never does. */
#include "httpd_client.h"
#include "log.h"
#include "suite.h"
#include <sys/resource.h>

#define ASK "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
#define ASK_KNOWN "GET /known HTTP/1.1\r\nHost: a\r\n\r\n"
#define HOLD "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"
#define LATER_MS 1100

static struct rig rig;
static struct client clients[8];
static int log_fds[2];

static void
on_head(struct http_req *req, void *ctx)
{
	if (view_starts(httpd_path(req), "/known"))
		httpd_known(req);
	on_rig_head(req, ctx);
}

static void
start(unsigned connections)
{
	ck_assert_int_eq(pipe2(log_fds, O_CLOEXEC | O_NONBLOCK), 0);
	log_set_fd(log_fds[1]);
	rig_init(&rig);
	rig.limits.connections = connections;
	rig.handler.on_head = on_head;
	rig_start(&rig, NULL);
}

static void
stop(void)
{
	rig_fini(&rig);
	close(log_fds[0]);
}

/* How often it was said that it is full. */
static unsigned
count_said(void)
{
	char text[4096];
	unsigned count = 0;
	ssize_t len = read(log_fds[0], text, sizeof(text));
	struct view rest = view_make(text, len > 0 ? (size_t)len : 0), line;
	while (view_split(&rest, '\n', &line))
		count += view_find(line, "event=full") >= 0;
	return count;
}

static void
open_and_ask(struct client *client, const char *text, const char *answer)
{
	client_open(client, &rig, 0);
	client_send_str(client, text);
	client_wait_for(client, answer);
}

static void
let_pass(uint64_t ms)
{
	uint64_t since_ms = clock_mono_ms();
	RIG_UNTIL(&rig, clock_mono_ms() >= since_ms + ms);
}

START_TEST(strangers_go_first_and_who_runs_never)
{
	start(4);
	client_open(&clients[0], &rig, 0); /* says nothing */
	client_open(&clients[1], &rig, 0);
	client_send_str(&clients[1], "GET /a HTTP/1.1\r\nHo"); /* never says the rest */
	open_and_ask(&clients[2], ASK_KNOWN, "GET /known\n");
	client_open(&clients[3], &rig, 0);
	client_send_str(&clients[3], HOLD);
	RIG_UNTIL(&rig, rig.held != NULL);
	/* All of them have just come: a new one is refused. */
	client_open(&clients[4], &rig, 0);
	client_send_str(&clients[4], ASK);
	client_wait_end(&clients[4]);
	ck_assert_int_eq(client_status(&clients[4]), 503);
	let_pass(LATER_MS);
	open_and_ask(&clients[5], ASK_KNOWN, "GET /known\n");
	RIG_UNTIL(&rig, clients[0].eof && clients[1].eof);
	open_and_ask(&clients[6], ASK_KNOWN, "GET /known\n");
	/* Nobody is left that may go: three are known, one runs. */
	client_open(&clients[7], &rig, 0);
	client_send_str(&clients[7], ASK);
	client_wait_end(&clients[7]);
	ck_assert_int_eq(client_status(&clients[7]), 503);
	ck_assert(!clients[2].eof && !clients[3].eof && !clients[5].eof);
	ck_assert_uint_eq(rig.gone, 0);
	httpd_reply(rig.held, 200, NULL, 0, VIEW("held"));
	client_wait_for(&clients[3], "held");
	ck_assert_uint_eq(count_said(), 1);
	for (size_t i = 0; i < 8; i++)
		client_close(&clients[i], false);
	stop();
}
END_TEST

START_TEST(idle_clients_make_room_in_the_end)
{
	start(2);
	open_and_ask(&clients[0], ASK_KNOWN, "GET /known\n");
	open_and_ask(&clients[1], ASK_KNOWN, "GET /known\n");
	let_pass(5000);
	client_send_str(&clients[1], ASK_KNOWN);
	let_pass(5100); /* more than RIG_WAIT_MS at once would be too long */
	open_and_ask(&clients[2], ASK, "GET /a\n");
	RIG_UNTIL(&rig, clients[0].eof);
	ck_assert(!clients[1].eof);
	for (size_t i = 0; i < 3; i++)
		client_close(&clients[i], false);
	stop();
}
END_TEST

START_TEST(descriptors_that_others_hold_count_too)
{
	struct rlimit files;
	int held[256];
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
	const struct rlimit few = {256, files.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	start(0);
	open_and_ask(&clients[0], ASK, "GET /a\n");
	size_t count = 0;
	while (count < 256 && (held[count] = dup(rig.listen_fd)) >= 0 && held[count] < 180)
		count++;
	client_open(&clients[1], &rig, 0);
	client_send_str(&clients[1], ASK);
	client_wait_end(&clients[1]);
	ck_assert_int_eq(client_status(&clients[1]), 503);
	client_close(&clients[1], false);
	client_send_str(&clients[0], HOLD); /* who is there is served on */
	RIG_UNTIL(&rig, rig.held != NULL);
	httpd_reply(rig.held, 200, NULL, 0, VIEW("held"));
	client_wait_for(&clients[0], "held");
	for (size_t i = 0; i <= count; i++)
		close(held[i]);
	open_and_ask(&clients[2], ASK, "GET /a\n");
	client_close(&clients[0], false);
	client_close(&clients[2], false);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
	stop();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("httpd_shed");
	TCase *tests = tcase_create("httpd_shed");
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, strangers_go_first_and_who_runs_never);
	tcase_add_test(tests, idle_clients_make_room_in_the_end);
	tcase_add_test(tests, descriptors_that_others_hold_count_too);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
