/* httpd over real sockets: framing, order, limits, deadlines, leavers, endings. */
#include "httpd.h"

#include "http_messages.h"
#include "httpd_client.h"
#include <check.h>
#include <dirent.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/un.h>

#define HOLD "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"
#define HOLD10 "GET /hold HTTP/1.0\r\n\r\n"
#define HOLD_HEAD "HEAD /hold HTTP/1.1\r\nHost: a\r\n\r\n"
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

/* ---- framing ---- */

START_TEST(every_message_gets_its_answer)
{
	rig_init(&rig);
	rig.limits.head_ms = 300; /* for those that the parser waits on */
	rig_start(&rig, NULL);
	for (size_t i = 0; i < HTTP_MESSAGES; i++) {
		const struct http_message *message = &http_messages[i];
		unsigned before = rig.requests;
		struct view text = http_message_text(message);
		client_open(&client, &rig, 0);
		client_send(&client, text);
		RIG_UNTIL(&rig, client_status(&client) >= 200 || client.eof ||
				    client_has(&client, "100 Continue\r\n\r\nHTTP/1.1 200"));
		if (message->status == 200) {
			ck_assert_msg(client_has(&client, "HTTP/1.1 200"), "message %zu", i);
			ck_assert_uint_eq(rig.requests, before + 1);
			ck_assert_msg(view_eq_str(bytes_view(&rig.last_body), message->body),
			    "message %zu", i);
		} else {
			client_wait_end(&client);
			ck_assert_msg(client_status(&client) == message->status,
			    "message %zu: %.*s", i, VIEW_ARGS(bytes_view(&client.got)));
			ck_assert_uint_eq(client_count(&client, "\r\nDate: "), 1);
			ck_assert(client_has(&client, "\r\nConnection: close\r\n"));
			ck_assert(
			    client_has(&client, "{\"error\":{\"type\":\"invalid_request_error\""));
			ck_assert_uint_eq(rig.requests, before);
		}
		client_close(&client, false);
		http_message_free(text);
	}
	stop();
}
END_TEST

START_TEST(every_split_gets_the_same_answer)
{
	static const char text[] =
	    "\r\nPOST /a?b=c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "3;x\r\nabc\r\n2\r\nde\r\n0\r\nt: u\r\n\r\nGET /last HTTP/1.1\r\nHost: a\r\n\r\n";
	start();
	for (size_t cut = 1; cut < sizeof(text) - 1; cut++) {
		client_open(&client, &rig, 0);
		client_send(&client, view_make(text, cut));
		for (unsigned i = 0; i < 3; i++)
			rig_step(&rig);
		client_send(&client, view_from(VIEW(text), cut));
		client_wait_for(&client, "POST /a\n");
		client_wait_for(&client, "GET /last\n");
		ck_assert_uint_eq(rig.requests, 2 * cut);
		client_close(&client, false);
	}
	client_open(&client, &rig, 0);
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		client_send(&client, view_make(text + i, 1));
		rig_step(&rig);
	}
	client_wait_for(&client, "GET /last\n");
	client_close(&client, false);
	stop();
}
END_TEST

START_TEST(large_bodies_arrive_whole)
{
	static const size_t sizes[] = {1, 65535, 65536, 65537, 200000, 1u << 20, 5000000};
	start();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct bytes body;
		char head[128];
		bytes_init(&body, sizes[i]);
		ck_assert(bytes_reserve(&body, sizes[i]));
		for (body.len = 0; body.len < sizes[i]; body.len++)
			body.data[body.len] = (char)('a' + body.len * 7 % 26);
		snprintf(head, sizeof(head),
		    "PUT /b HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", sizes[i]);
		client_open(&client, &rig, 0);
		client_send_str(&client, head);
		client_send(&client, bytes_view(&body));
		client_wait_for(&client, "PUT /b\n");
		ck_assert(view_eq(bytes_view(&rig.last_body), bytes_view(&body)));
		client_close(&client, false);
		bytes_fini(&body);
	}
	stop();
}
END_TEST

START_TEST(a_chunk_above_the_limit_is_413)
{
	rig_init(&rig);
	rig.limits.body_bytes = 1000;
	rig_start(&rig, NULL);
	client_open(&client, &rig, 0);
	client_send_str(
	    &client, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3E9\r\n");
	client_wait_end(&client);
	ck_assert_int_eq(client_status(&client), 413);
	ck_assert_uint_eq(rig.gone, 1); /* on_head had seen it */
	client_close(&client, false);
	client_open(&client, &rig, 0);
	client_send_str(&client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n");
	client_wait_end(&client);
	ck_assert_int_eq(client_status(&client), 413);
	ck_assert_uint_eq(rig.heads, 1);
	client_close(&client, false);
	client_open(&client, &rig, 0);
	client_send_str(&client, "POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n");
	client_wait_end(&client);
	ck_assert_int_eq(client_status(&client), 413);
	ck_assert_uint_eq(rig.requests, 0);
	client_close(&client, false);
	stop();
}
END_TEST

/* ---- order ---- */

START_TEST(a_thousand_pipelined_requests)
{
	struct bytes text;
	bytes_init(&text, 1u << 20);
	for (int i = 0; i < 1000; i++)
		ck_assert(bytes_printf(&text, "GET /n%04d HTTP/1.1\r\nHost: a\r\n\r\n", i));
	start();
	client_open(&client, &rig, 0);
	client_send(&client, bytes_view(&text));
	client_wait_for(&client, "GET /n0999\n");
	ck_assert_uint_eq(client_count(&client, "HTTP/1.1 200"), 1000);
	struct view rest = bytes_view(&client.got);
	for (int i = 0; i < 1000; i++) {
		char want[32];
		snprintf(want, sizeof(want), "GET /n%04d\n", i);
		ptrdiff_t at = view_find(rest, "GET /n");
		ck_assert(at >= 0 && view_starts(view_from(rest, (size_t)at), want));
		rest = view_from(rest, (size_t)at + 1);
	}
	client_close(&client, false);
	bytes_fini(&text);
	stop();
}
END_TEST

START_TEST(pipelined_with_a_bad_one_in_the_midst)
{
	start();
	client_open(&client, &rig, 0);
	client_send_str(
	    &client, ASK ASK "GET / HTTP/1.1\r\nHost: a\r\nbad header: x\r\n\r\n" ASK ASK);
	client_wait_end(&client);
	ck_assert_uint_eq(rig.requests, 2);
	ck_assert_uint_eq(client_count(&client, "HTTP/1.1 200"), 2);
	ck_assert_uint_eq(client_count(&client, "HTTP/1.1 400"), 1);
	ck_assert_uint_eq(client_count(&client, "HTTP/1.1 "), 3);
	ck_assert_uint_eq(rig_counts(&rig).refused, 1);
	client_close(&client, false);
	stop();
}
END_TEST

/* Pipelined ones wait for the one at work, and no more is read than the limit allows. */
START_TEST(pipelined_behind_a_held_one)
{
	struct bytes text;
	bytes_init(&text, 1u << 20);
	ck_assert(bytes_append_str(&text, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"));
	for (int i = 0; i < 5000; i++)
		ck_assert(bytes_append_str(&text, ASK));
	ck_assert(bytes_append_str(&text, "GET /last HTTP/1.1\r\nHost: a\r\n\r\n"));
	start();
	client_open(&client, &rig, 0);
	client_send(&client, bytes_view(&text));
	RIG_UNTIL(&rig, rig.held != NULL);
	for (unsigned i = 0; i < 20; i++)
		rig_step(&rig);
	ck_assert_uint_eq(rig.requests, 1);
	ck_assert_uint_eq(client.got.len, 0);
	httpd_reply(rig.held, 200, NULL, 0, VIEW("held\n"));
	client_wait_for(&client, "GET /last\n");
	ck_assert_uint_eq(rig.requests, 5002);
	client_close(&client, false);
	bytes_fini(&text);
	stop();
}
END_TEST

/* A client that asks and asks but reads no answer is not served without end. */
START_TEST(answers_nobody_reads_stop_the_asking)
{
	struct bytes text;
	rig_init(&rig);
	rig_start(&rig, NULL);
	bytes_init(&text, 4u << 20);
	for (int i = 0; i < 100000; i++)
		ck_assert(bytes_append_str(&text, ASK));
	client_open(&client, &rig, 4096);
	client_pause(&client);
	struct view rest = bytes_view(&text);
	unsigned idle = 0, so_far = 0;
	while (idle < 100) {
		ssize_t sent = send(client.fd, rest.data, rest.len, MSG_NOSIGNAL);
		idle = sent > 0 || rig.requests > so_far ? 0 : idle + 1;
		so_far = rig.requests;
		rest = view_from(rest, sent > 0 ? (size_t)sent : 0);
		rig_step(&rig);
	}
	ck_assert_uint_lt(so_far, 100000);
	client_resume(&client);
	client_send(&client, rest);
	RIG_UNTIL(&rig, rig.requests == 100000);
	size_t one = (size_t)view_find(bytes_view(&client.got), "/a\n") + 3;
	RIG_UNTIL(&rig, client.got.len == 100000 * one);
	client_close(&client, false);
	bytes_fini(&text);
	stop();
}
END_TEST

/* ---- Expect ---- */

START_TEST(continue_comes_after_on_head)
{
	start();
	client_open(&client, &rig, 0);
	client_send_str(&client,
	    "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
	client_wait_for(&client, "HTTP/1.1 100 Continue\r\n\r\n");
	ck_assert_uint_eq(rig.heads, 1);
	ck_assert_uint_eq(rig.requests, 0);
	client_send_str(&client, "abc");
	client_wait_for(&client, "POST /a\n");
	client_close(&client, false);
	client_open(&client, &rig, 0);
	client_send_str(&client,
	    "POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
	client_wait_end(&client);
	ck_assert_int_eq(client_status(&client), 401);
	ck_assert(!client_has(&client, "100 Continue"));
	client_close(&client, false);
	stop();
}
END_TEST

/* ---- early answers ---- */

START_TEST(early_answer_drains_the_body)
{
	static char block[65536];
	start();
	client_open(&client, &rig, 0);
	client_send_str(
	    &client, "POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n");
	for (unsigned i = 0; i < 45; i++)
		ck_assert(client_send(&client, view_make(block, sizeof(block))));
	client_wait_for(&client, "who are you");
	client_wait_end(&client);
	ck_assert(!client_was_reset(&client));
	ck_assert_int_eq(client_status(&client), 401);
	ck_assert(client_has(&client, "Connection: close"));
	ck_assert_uint_eq(rig.requests, 0);
	ck_assert_uint_eq(client_count(&client, "HTTP/1.1 "), 1);
	client_close(&client, false);
	/* Without a body the connection stays. */
	client_open(&client, &rig, 0);
	client_send_str(&client, "GET /early HTTP/1.1\r\nHost: a\r\n\r\n" ASK);
	client_wait_for(&client, "GET /a\n");
	ck_assert_int_eq(client_status(&client), 401);
	client_close(&client, false);
	client_open(&client, &rig, 0);
	client_send_str(
	    &client, "POST /early-abort HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
	client_wait_end(&client);
	ck_assert(client.reset && client.got.len == 0);
	ck_assert_uint_eq(rig.gone, 0);
	client_close(&client, false);
	client_open(&client, &rig, 0);
	client_send_str(
	    &client, "POST /early-stream HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
	client_wait_for(&client, "\r\n\r\n");
	client_send_str(&client, "defghi");
	ck_assert(httpd_write(rig.held, VIEW("abc")));
	httpd_end(rig.held);
	client_wait_end(&client);
	ck_assert(client_has(&client, "\r\n\r\n3\r\nabc\r\n0\r\n\r\n"));
	ck_assert_uint_eq(rig.requests, 1);
	client_close(&client, false);
	stop();
}
END_TEST

/* ---- answers ---- */

static void
expect_body(const char *body, bool keeps)
{
	if (!keeps) {
		client_wait_end(&client);
	} else {
		client_send_str(&client, ASK);
		client_wait_for(&client, "GET /a\n");
	}
	struct view got = bytes_view(&client.got);
	ptrdiff_t end = view_find(got, "\r\n\r\n");
	ck_assert(end > 0);
	struct view rest = view_from(got, (size_t)end + 4);
	ck_assert_msg(view_starts(rest, body), "%.*s", VIEW_ARGS(got));
	ck_assert(keeps ? view_starts(view_from(rest, strlen(body)), "HTTP/1.1 200 OK")
			: rest.len == strlen(body));
	ck_assert(keeps != client_has(&client, "Connection: close"));
	client_close(&client, false);
}

START_TEST(framings)
{
	struct http_req *req;
	start();
	/* Writes of one turn become one chunk. */
	client_hold(&client, &rig, HOLD);
	req = rig_take_held(&rig);
	httpd_start(req, 200, NULL, 0, HTTPD_CHUNKED, 0);
	ck_assert(httpd_write(req, VIEW("hello ")) && httpd_write(req, VIEW("")));
	ck_assert(httpd_write(req, VIEW("big world of us")));
	httpd_end(req);
	expect_body("15\r\nhello big world of us\r\n0\r\n\r\n", true);
	client_hold(&client, &rig, HOLD);
	req = rig_take_held(&rig);
	httpd_start(req, 200, NULL, 0, HTTPD_CHUNKED, 0);
	ck_assert(httpd_write(req, VIEW("one")));
	client_wait_for(&client, "3\r\none\r\n");
	ck_assert(httpd_write(req, VIEW("two")));
	client_wait_for(&client, "3\r\ntwo\r\n");
	httpd_end(req);
	expect_body("3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n", true);
	client_hold(&client, &rig, HOLD);
	req = rig_take_held(&rig);
	httpd_start(req, 200, NULL, 0, HTTPD_LENGTH, 6);
	ck_assert(httpd_write(req, VIEW("abc")) && httpd_write(req, VIEW("defghi")));
	httpd_end(req);
	expect_body("abcdef", true); /* never more than announced */
	client_hold(&client, &rig, HOLD);
	req = rig_take_held(&rig);
	httpd_start(req, 200, NULL, 0, HTTPD_LENGTH, 6);
	ck_assert(httpd_write(req, VIEW("abc")));
	httpd_end(req);
	client_wait_end(&client);
	ck_assert(
	    client_has(&client, "Content-Length: 6\r\n") && client_has(&client, "\r\n\r\nabc"));
	client_close(&client, false);
	client_hold(&client, &rig, HOLD);
	req = rig_take_held(&rig);
	httpd_start(req, 204, NULL, 0, HTTPD_LENGTH, 5);
	ck_assert(httpd_write(req, VIEW("abcde")));
	httpd_end(req);
	expect_body("", true);
	client_hold(&client, &rig, HOLD);
	req = rig_take_held(&rig);
	httpd_start(req, 200, NULL, 0, HTTPD_EMPTY, 0);
	httpd_end(req);
	expect_body("", true);
	/* HTTP/1.0 */
	client_hold(&client, &rig, HOLD10);
	req = rig_take_held(&rig);
	ck_assert(httpd_is_http10(req));
	httpd_start(req, 200, NULL, 0, HTTPD_CHUNKED, 0);
	ck_assert(httpd_write(req, VIEW("plain")));
	httpd_end(req);
	expect_body("plain", false);
	stop();
}
END_TEST

START_TEST(head_sends_no_body)
{
	struct http_req *req;
	start();
	client_hold(&client, &rig, HOLD_HEAD);
	httpd_reply(rig_take_held(&rig), 200, NULL, 0, VIEW("12345"));
	client_wait_for(&client, "Content-Length: 5\r\n");
	expect_body("", true);
	client_hold(&client, &rig, HOLD_HEAD);
	req = rig_take_held(&rig);
	httpd_start(req, 200, NULL, 0, HTTPD_CHUNKED, 0);
	ck_assert(httpd_write(req, VIEW("12345")));
	httpd_end(req);
	client_wait_for(&client, "Transfer-Encoding: chunked\r\n");
	expect_body("", true);
	/* A handler that knows of HEAD and writes nothing keeps the connection too. */
	client_hold(&client, &rig, HOLD_HEAD);
	req = rig_take_held(&rig);
	httpd_start(req, 200, NULL, 0, HTTPD_LENGTH, 99);
	httpd_end(req);
	expect_body("", true);
	stop();
}
END_TEST

START_TEST(headers_of_answers)
{
	const struct http_header headers[] = {
	    {VIEW("X-Good"), VIEW("yes")},
	    {VIEW("X-Evil"), VIEW("a\r\nSet-Cookie: b")},
	    {VIEW("X-Null"), {"a\0b", 3}},
	    {VIEW("X-Lf"), VIEW("a\nb")},
	    {VIEW("X Space"), VIEW("a")},
	    {VIEW("X:Colon"), VIEW("a")},
	    {VIEW(""), VIEW("empty")},
	    {VIEW("content-length"), VIEW("999")},
	    {VIEW("Transfer-Encoding"), VIEW("gzip")},
	    {VIEW("connection"), VIEW("upgrade")},
	    {VIEW("Date"), VIEW("never")},
	    {VIEW("X-Empty"), VIEW("")},
	    {VIEW("X-Last"), VIEW("caf\xc3\xa9")},
	};
	start();
	client_hold(&client, &rig, HOLD);
	httpd_reply(
	    rig_take_held(&rig), 529, headers, sizeof(headers) / sizeof(headers[0]), VIEW("ab"));
	client_wait_for(&client, "\r\n\r\nab");
	ck_assert(client_has(&client, "HTTP/1.1 529 Overloaded\r\n"));
	ck_assert(client_has(&client, "\r\nX-Good: yes\r\n"));
	ck_assert(client_has(&client, "\r\nX-Empty: \r\n"));
	ck_assert(client_has(&client, "\r\nX-Last: caf\xc3\xa9\r\n"));
	ck_assert(client_has(&client, "\r\nContent-Length: 2\r\n"));
	ck_assert_uint_eq(client_count(&client, " GMT\r\n"), 1);
	static const char *const never[] = {"Set-Cookie", "X-Null", "X-Lf", "X Space", "X:Colon",
	    "empty", "999", "gzip", "upgrade", "never"};
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		ck_assert_msg(!client_has(&client, never[i]), "%s", never[i]);
	client_close(&client, false);
	stop();
}
END_TEST

START_TEST(request_fields)
{
	const struct http_header *headers;
	start();
	client_hold(&client, &rig,
	    "POST /hold?q=1 HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nx-one: 2\r\nX-None:\r\n"
	    "Content-Length: 4\r\n\r\nbody");
	struct http_req *req = rig_take_held(&rig);
	ck_assert(httpd_method(req) == HTTP_POST && view_eq_str(httpd_method_name(req), "POST"));
	ck_assert(view_eq_str(httpd_path(req), "/hold") && view_eq_str(httpd_query(req), "q=1"));
	ck_assert(view_eq_str(httpd_header(req, "x-ONE"), "1"));
	ck_assert(httpd_header(req, "x-none").data != NULL && httpd_header(req, "x-none").len == 0);
	ck_assert(httpd_header(req, "x-two").data == NULL);
	ck_assert_uint_eq(httpd_headers(req, &headers), 5);
	ck_assert(view_eq_str(headers[2].name, "x-one"));
	ck_assert(httpd_peer_is_loopback(req) && httpd_tag(req) == 7);
	ck_assert(strncmp(httpd_peer_name(req), "127.0.0.1:", 10) == 0);
	ck_assert(httpd_loop(req) == rig.loop && httpd_serial(req) > 0);
	ck_assert(httpd_started_ms(req) > 0 && httpd_started_ms(req) <= loop_now_ms(rig.loop));
	httpd_ctx_set(req, &rig);
	ck_assert(httpd_ctx(req) == &rig);
	struct bytes body;
	httpd_body_take(req, &body);
	ck_assert(view_eq_str(bytes_view(&body), "body") && httpd_body(req).len == 0);
	bytes_fini(&body);
	httpd_body_drop(req);
	httpd_reply(req, 200, NULL, 0, VIEW("x"));
	client_wait_for(&client, "\r\n\r\nx");
	client_close(&client, false);
	stop();
}
END_TEST

/* With patience, a kept connection may ask once more and is told; one whose answer had promised
 * more stays open for the question that may be under way. */
START_TEST(drain_gently)
{
	struct client asks, waits;
	start();
	client_open(&asks, &rig, 0);
	client_send_str(&asks, ASK);
	client_wait_for(&asks, "GET /a\n");
	client_open(&waits, &rig, 0);
	client_send_str(&waits, ASK);
	client_wait_for(&waits, "GET /a\n");
	httpd_drain(rig.httpd, 300, on_rig_drained, &rig);
	for (unsigned i = 0; i < 20; i++)
		rig_step(&rig);
	ck_assert(!asks.eof && !waits.eof);
	asks.got.len = 0;
	client_send_str(&asks, ASK);
	client_wait_end(&asks);
	ck_assert(client_has(&asks, "GET /a\n") && client_has(&asks, "Connection: close"));
	client_wait_end(&waits);
	ck_assert(!waits.reset);
	client_close(&asks, false);
	client_close(&waits, false);
	RIG_UNTIL(&rig, rig.drained == 1);
	stop();
}
END_TEST

int
main(void)
{
	TCase *tcase = tcase_create("httpd");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, every_message_gets_its_answer);
	tcase_add_test(tcase, every_split_gets_the_same_answer);
	tcase_add_test(tcase, large_bodies_arrive_whole);
	tcase_add_test(tcase, a_chunk_above_the_limit_is_413);
	tcase_add_test(tcase, a_thousand_pipelined_requests);
	tcase_add_test(tcase, pipelined_with_a_bad_one_in_the_midst);
	tcase_add_test(tcase, pipelined_behind_a_held_one);
	tcase_add_test(tcase, answers_nobody_reads_stop_the_asking);
	tcase_add_test(tcase, continue_comes_after_on_head);
	tcase_add_test(tcase, early_answer_drains_the_body);
	tcase_add_test(tcase, framings);
	tcase_add_test(tcase, head_sends_no_body);
	tcase_add_test(tcase, headers_of_answers);
	tcase_add_test(tcase, request_fields);
	tcase_add_test(tcase, drain_gently);
	Suite *suite = suite_create("httpd");
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
