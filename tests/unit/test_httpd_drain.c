/* httpd: the end, when nobody is to be cut. */
#include "httpd_client.h"
#include "suite.h"

#define HOLD "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"
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

START_TEST(drain)
{
	struct client idle, fresh, busy;
	start();
	client_open(&idle, &rig, 0);
	client_send_str(&idle, ASK);
	client_wait_for(&idle, "GET /a\n");
	client_hold(&client, &rig, HOLD);
	busy = client;
	busy.io = (struct loop_io){0};
	client_open(&fresh, &rig, 0);
	RIG_UNTIL(&rig, rig_counts(&rig).connections == 3);
	httpd_drain(rig.httpd, 0, on_rig_drained, &rig);
	client_wait_end(&idle);
	ck_assert(!idle.reset && !fresh.eof);
	/* One that had not asked yet is served, and told that this was all. */
	client_send_str(&fresh, ASK);
	client_wait_end(&fresh);
	ck_assert(client_has(&fresh, "GET /a\n") && client_has(&fresh, "Connection: close"));
	ck_assert_uint_eq(rig.drained, 0);
	httpd_reply(rig_take_held(&rig), 200, NULL, 0, VIEW("held"));
	client_wait_end(&client);
	ck_assert(client_has(&client, "Connection: close\r\n") && client_has(&client, "held"));
	/* Nobody new; the listening socket is alive for others. */
	client_close(&idle, false);
	client_close(&fresh, false);
	client_close(&client, false);
	RIG_UNTIL(&rig, rig.drained == 1);
	client_open(&client, &rig, 0);
	client_send_str(&client, ASK);
	for (unsigned i = 0; i < 20; i++)
		rig_step(&rig);
	ck_assert(!client.eof && client.got.len == 0);
	struct rig heir = rig;
	heir.httpd = httpd_new(rig.loop, &rig.limits, &rig.handler, &rig);
	struct err err;
	ck_assert(httpd_listen(heir.httpd, rig.listen_fd, NULL, 0, &err));
	client_wait_for(&client, "GET /a\n");
	client_close(&client, false);
	httpd_free(heir.httpd);
	stop();
	(void)busy;
}
END_TEST

static void
on_ask_and_drain(struct loop_timer *timer, void *ctx)
{
	(void)timer;
	client_send_str(ctx, ASK);
	httpd_drain(rig.httpd, 0, on_rig_drained, &rig);
}

/* Connections that nobody has accepted would be reset with their socket. */
START_TEST(drain_serves_who_waits)
{
	enum { WAITING = 100 }; /* more than are accepted in a turn */
	static struct client waiting[WAITING];
	start();
	for (unsigned i = 0; i < WAITING; i++) {
		client_open(&waiting[i], &rig, 0);
		client_send_str(&waiting[i], ASK);
	}
	httpd_accept_waiting(rig.httpd, true);
	close(rig.listen_fd);
	rig.listen_fd = -1;
	httpd_drain(rig.httpd, 0, on_rig_drained, &rig);
	for (unsigned i = 0; i < WAITING; i++) {
		client_wait_end(&waiting[i]);
		ck_assert(client_has(&waiting[i], "GET /a\n") && !waiting[i].reset);
		client_close(&waiting[i], false);
	}
	RIG_UNTIL(&rig, rig.drained == 1);
	stop();
}
END_TEST

/* A request that lies unread in the socket when draining starts is served. */
START_TEST(drain_serves_what_has_arrived)
{
	struct loop_timer timer;
	start();
	client_open(&client, &rig, 0);
	client_send_str(&client, ASK);
	client_wait_for(&client, "GET /a\n");
	bytes_clear(&client.got);
	loop_timer_init(&timer, rig.loop, on_ask_and_drain, &client);
	loop_timer_arm(&timer, 0);
	client_wait_end(&client);
	ck_assert(client_has(&client, "GET /a\n") && client_has(&client, "Connection: close"));
	ck_assert(!client.reset);
	client_close(&client, false);
	RIG_UNTIL(&rig, rig.drained == 1);
	loop_timer_fini(&timer);
	stop();
}
END_TEST

int
main(void)
{
	TCase *tests = tcase_create("all");
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, drain);
	tcase_add_test(tests, drain_serves_what_has_arrived);
	tcase_add_test(tests, drain_serves_who_waits);
	Suite *suite = suite_create("httpd_drain");
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
