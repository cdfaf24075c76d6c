/* Memory for bodies: who gets it, who is refused, and that it is given back. */
#include "httpd_client.h"
#include "suite.h"

#define POST "POST /hold HTTP/1.1\r\nHost: a\r\n"

static struct rig rig;
static struct client clients[3];
static uint64_t room_bytes, asked_bytes;

static bool
on_room(uint64_t more, uint64_t all, void *ctx)
{
	(void)ctx;
	asked_bytes += more;
	return all <= room_bytes;
}

static void
setup(void)
{
	rig_init(&rig);
	rig.handler.room = on_room;
	room_bytes = 100000;
	asked_bytes = 0;
	rig_start(&rig, NULL);
	for (size_t i = 0; i < 3; i++)
		client_open(&clients[i], &rig, 0);
}

static void
teardown(void)
{
	for (size_t i = 0; i < 3; i++) {
		if (clients[i].fd >= 0)
			client_close(&clients[i], false);
	}
	rig_fini(&rig);
}

static uint64_t
promised(void)
{
	struct httpd_counts counts;
	httpd_counts_get(rig.httpd, &counts);
	return counts.promised_bytes;
}

START_TEST(a_length_is_promised_whole)
{
	client_send_str(&clients[0], POST "Content-Length: 60000\r\n\r\nx");
	RIG_UNTIL(&rig, promised() == 60000);
	client_send_str(&clients[1], POST "Content-Length: 60000\r\n\r\n");
	client_wait_for(&clients[1], "HTTP/1.1 503 ");
	ck_assert_uint_eq(promised(), 60000);
	ck_assert_uint_eq(rig.gone, 1); /* who had heard of it */
	client_send_str(&clients[2], POST "Content-Length: 40000\r\n\r\n");
	RIG_UNTIL(&rig, promised() == 100000);
	/* Who leaves gives it back. */
	client_close(&clients[0], true);
	RIG_UNTIL(&rig, promised() == 40000);
}
END_TEST

START_TEST(a_whole_body_is_the_handlers)
{
	client_send_str(&clients[0], POST "Content-Length: 5\r\n\r\nhello");
	RIG_UNTIL(&rig, rig.held != NULL);
	ck_assert_uint_eq(asked_bytes, 5);
	ck_assert_uint_eq(promised(), 0);
}
END_TEST

START_TEST(an_unknown_length_is_promised_as_it_comes)
{
	static char chunk[20000];
	memset(chunk, 'x', sizeof(chunk));
	client_send_str(&clients[0], POST "Transfer-Encoding: chunked\r\n\r\n186A0\r\n");
	for (unsigned i = 0; i < 4; i++) {
		client_send(&clients[0], view_make(chunk, sizeof(chunk)));
		if (i < 2)
			RIG_UNTIL(&rig, promised() >= (i + 1) * sizeof(chunk));
	}
	client_wait_for(&clients[0], "HTTP/1.1 503 ");
	ck_assert_uint_eq(rig.gone, 1);
	ck_assert_uint_eq(promised(), 0);
}
END_TEST

START_TEST(without_a_body_nothing_is_asked_for)
{
	room_bytes = 0;
	client_send_str(&clients[0], "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
	client_wait_for(&clients[0], "GET /a\n");
	client_send_str(&clients[1], POST "Content-Length: 1\r\n\r\n");
	client_wait_for(&clients[1], "HTTP/1.1 503 ");
	ck_assert_uint_eq(promised(), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("httpd_room");
	TCase *tcase = tcase_create("httpd_room");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_length_is_promised_whole);
	tcase_add_test(tcase, a_whole_body_is_the_handlers);
	tcase_add_test(tcase, an_unknown_length_is_promised_as_it_comes);
	tcase_add_test(tcase, without_a_body_nothing_is_asked_for);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
