/* Lines as they arrive at the other end of a pipe. */
#include "clock.h"
#include "log.h"
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD "ts=2026-11-22T18:24:22.877Z level=info proc=dataplane.0 event="

static int pipe_fds[2];
static uint64_t now_us;
static char got[1 << 17];

static uint64_t
fake_mono_us(void *ctx)
{
	(void)ctx;
	return now_us;
}

static int64_t
fake_wall_ms(void *ctx)
{
	(void)ctx;
	return 1795371862877;
}

static const struct clock_source fake_clock = {fake_mono_us, fake_wall_ms, NULL};

static void
set_up(void)
{
	clock_replace(&fake_clock);
	ck_assert_int_eq(pipe(pipe_fds), 0);
	log_set_fd(pipe_fds[1]);
	log_init("dataplane.0", LOG_INFO);
}

/* Everything that waits in the pipe. */
static const char *
drain(void)
{
	size_t len = 0;
	struct pollfd pollfd = {.fd = pipe_fds[0], .events = POLLIN};
	while (poll(&pollfd, 1, 0) == 1) {
		ssize_t more = read(pipe_fds[0], got + len, sizeof(got) - 1 - len);
		ck_assert_int_gt(more, 0);
		len += (size_t)more;
	}
	got[len] = '\0';
	return got;
}

/* The one pair of a line, as it is written. */
static const char *
pair(const char *key, struct view value)
{
	struct log_line line;
	log_begin(&line, LOG_INFO, "e");
	log_view(&line, key, value);
	log_end(&line);
	const char *text = drain();
	ck_assert_int_eq(strncmp(text, HEAD "e ", strlen(HEAD "e ")), 0);
	got[strlen(got) - 1] = '\0';
	return text + strlen(HEAD "e ");
}

START_TEST(a_line)
{
	struct log_line line;
	log_begin(&line, LOG_INFO, "exchange");
	log_str(&line, "id", "a-1");
	log_int(&line, "status", 200);
	log_int(&line, "least", INT64_MIN);
	log_str(&line, "none", NULL);
	log_str(&line, "text", "two words");
	log_end(&line);
	ck_assert_str_eq(drain(),
	    HEAD "exchange id=a-1 status=200 least=-9223372036854775808 none=\"\" "
		 "text=\"two words\"\n");
}
END_TEST

START_TEST(levels)
{
	enum log_level level;
	ck_assert(log_level_parse(VIEW("warn"), &level));
	ck_assert_int_eq(level, LOG_WARN);
	ck_assert(!log_level_parse(VIEW("WARN"), &level));
	ck_assert(!log_level_parse(VIEW(""), &level));
	log_init("dataplane.0", LOG_WARN);
	log_msg(LOG_INFO, "x", "not %s", "seen");
	struct err err;
	err_set(&err, ERR_IO, "/f", "cannot %s", "open");
	log_err(LOG_INFO, "x", &err);
	ck_assert_str_eq(drain(), "");
	log_err(LOG_ERROR, "x", &err);
	ck_assert_str_eq(drain(), "ts=2026-11-22T18:24:22.877Z level=error proc=dataplane.0 "
				  "event=x kind=io at=/f msg=\"cannot open\"\n");
	log_msg(LOG_WARN, "x", "%d%s", 1, "");
	ck_assert_ptr_nonnull(strstr(drain(), " level=warn proc=dataplane.0 event=x msg=1\n"));
}
END_TEST

START_TEST(quoting)
{
	ck_assert_str_eq(pair("k", VIEW("AZaz09._:/@+-")), "k=AZaz09._:/@+-");
	ck_assert_str_eq(pair("k", VIEW("a=b")), "k=\"a=b\"");
	ck_assert_str_eq(pair("k", VIEW("say \"x\\y\"")), "k=\"say \\\"x\\\\y\\\"\"");
	/* no forged second line, no terminal escape */
	ck_assert_str_eq(pair("k", VIEW("a\nts=1\r\t\x1b[2J\x7f\0z")),
	    "k=\"a\\x0ats=1\\x0d\\x09\\x1b[2J\\x7f\\x00z\"");
	ck_assert_str_eq(pair("k", VIEW("größe 漢 😀")), "k=\"größe 漢 😀\"");
	ck_assert_str_eq(pair("k", VIEW("\xff\xc3(\xed\xa0\x80\xc2\x9b\xe2\x82")),
	    "k=\"\\xff\\xc3(\\xed\\xa0\\x80\\xc2\\x9b\\xe2\\x82\"");
}
END_TEST

START_TEST(long_values_and_lines)
{
	static char big[3000];
	memset(big, 'v', sizeof(big));
	ck_assert_uint_eq(strlen(pair("k", view_make(big, sizeof(big)))), 512 + 2);
	memset(big, '\x01', sizeof(big));
	ck_assert_uint_eq(strlen(pair("k", view_make(big, sizeof(big)))), 512 * 4 + 4);
	struct log_line line;
	log_begin(&line, LOG_INFO, "e");
	for (int i = 0; i < 3; i++)
		log_view(&line, "k", view_make(big, 512));
	for (int i = 0; i < 1000; i++)
		log_int(&line, "n", i);
	log_end(&line);
	const char *text = drain();
	ck_assert_uint_le(strlen(text), sizeof(line.text));
	ck_assert_int_eq(text[strlen(text) - 1], '\n');
	ck_assert_ptr_nonnull(strstr(text, "n=0 n=1 "));
}
END_TEST

START_TEST(credentials_are_removed)
{
	static const struct {
		const char *in;
		const char *out;
	} cases[] = {
	    {"sk-ant-api03-AbC_d", "***"},
	    {"use sk-x1, please", "use ***, please"},
	    {"(pm-abc)(pma-def)", "(***)(***)"},
	    {"url?key=AIzaSyA-b_c&x=1", "url?key=***&x=1"},
	    {"a%3Dsk-0123456789abcdef", "a%3D***"}, /* letters right before it */
	    {"Bearer abc.def", "Bearer ***"},
	    {"bearer  x!#y z", "bearer  *** z"},
	    {"Authorization: Basic dXNlcjpw", "Authorization: ***"},
	    {"{\"authorization\": \"Token abc\", \"x\":1}",
		"{\"authorization\": \"***\", \"x\":1}"},
	    {"x-api-key: 12ab", "x-api-key: ***"},
	    {"X-API-KEY=12ab rest", "X-API-KEY=*** rest"},
	    {"{\\\"x-api-key\\\":\\\"1 2\\\"}", "{\\\"x-api-key\\\":\\\"*** 2\\\"}"},
	    {"api_key='q'", "api_key='***'"},
	    {"eyJhbGciOi.eyJz.sig", "***"},
	    {"sk-a sk-b", "*** ***"},
	    /* not credentials */
	    {"risk-free task-list npm-run", "risk-free task-list npm-run"},
	    {"invalid x-api-key", "invalid x-api-key"},
	    {"Incorrect API key provided", "Incorrect API key provided"},
	    {"authorization failed", "authorization failed"},
	    {"bearer", "bearer"},
	    {"sk-", "sk-"},
	    {"spAeBba", "spAeBba"},
	    {"", ""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[200];
		log_redact(view_of(cases[i].in), out, sizeof(out));
		ck_assert_str_eq(out, cases[i].out);
	}
	ck_assert_str_eq(pair("k", VIEW("key sk-abc")), "k=\"key ***\"");
	ck_assert_str_eq(pair("k", VIEW("sk-abc")), "k=\"***\"");
	ck_assert_str_eq(pair("Authorization", VIEW("x")), "Authorization=***");
	ck_assert_str_eq(pair("key", VIEW("x")), "key=***");
	ck_assert_str_eq(pair("token", VIEW("x")), "token=***");
	ck_assert_str_eq(pair("key", VIEW("")), "key=\"\"");
	ck_assert_str_eq(pair("key_id", VIEW("x")), "key_id=x");
}
END_TEST

/* Wherever it is cut, no part of a credential is left. */
START_TEST(redaction_at_the_end_of_the_room)
{
	static char in[600];
	struct view credential = VIEW("sk-SECRET");
	for (size_t at = 500; at < 530; at++) {
		memset(in, '.', sizeof(in));
		memcpy(in + at, credential.data, credential.len);
		const char *text = pair("k", view_make(in, sizeof(in)));
		ck_assert_ptr_null(strstr(text, "SEC"));
	}
	for (size_t room = 1; room < 12; room++) {
		char out[12];
		memset(out, 'x', sizeof(out));
		log_redact(VIEW("a Bearer SECRET"), out, room);
		ck_assert_uint_lt(strlen(out), room);
		ck_assert_ptr_null(strchr(out, 'S'));
	}
}
END_TEST

static void
fill_the_pipe(void)
{
	unsigned sent = 0;
	ck_assert_int_gt(fcntl(pipe_fds[1], F_SETPIPE_SZ, 8192), 0);
	for (; sent < 500; sent++, now_us += 1000)
		log_msg(LOG_INFO, "fill", "%0100d", 0);
	const char *text = drain();
	unsigned arrived = 0;
	for (const char *c = text; *c != '\0'; c++)
		arrived += *c == '\n';
	ck_assert_uint_gt(arrived, 0);
	ck_assert_uint_lt(arrived, sent);
	log_msg(LOG_INFO, "again", "x");
	char expected[100];
	snprintf(expected, sizeof(expected), HEAD "again msg=x dropped=%u\n", sent - arrived);
	ck_assert_str_eq(drain(), expected);
	log_msg(LOG_INFO, "again", "x");
	ck_assert_str_eq(drain(), HEAD "again msg=x\n");
}

START_TEST(a_full_pipe_costs_lines_not_time)
{
	fill_the_pipe();
}
END_TEST

START_TEST(a_non_blocking_pipe_too)
{
	ck_assert_int_eq(fcntl(pipe_fds[1], F_SETFL, O_NONBLOCK), 0);
	fill_the_pipe();
}
END_TEST

/* SIGPIPE is not ignored here: it would end the test. */
START_TEST(a_reader_that_left_costs_nothing)
{
	close(pipe_fds[0]);
	log_msg(LOG_INFO, "e", "x");
	ck_assert_int_eq(pipe(pipe_fds), 0);
	log_set_fd(pipe_fds[1]);
	log_msg(LOG_INFO, "e", "x");
	ck_assert_str_eq(drain(), HEAD "e msg=x dropped=1\n");
}
END_TEST

START_TEST(lines_per_second_are_bounded)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	log_set_fd(fd);
	now_us = 5000000;
	for (int i = 0; i < 2100; i++)
		log_msg(LOG_INFO, "storm", "x");
	now_us += 1000000;
	log_set_fd(pipe_fds[1]);
	log_msg(LOG_INFO, "calm", "x");
	ck_assert_str_eq(drain(), HEAD "calm msg=x dropped=100\n");
	close(fd);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("log");
	TCase *tcase = tcase_create("log");
	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, a_line);
	tcase_add_test(tcase, levels);
	tcase_add_test(tcase, quoting);
	tcase_add_test(tcase, long_values_and_lines);
	tcase_add_test(tcase, credentials_are_removed);
	tcase_add_test(tcase, redaction_at_the_end_of_the_room);
	tcase_add_test(tcase, a_full_pipe_costs_lines_not_time);
	tcase_add_test(tcase, a_non_blocking_pipe_too);
	tcase_add_test(tcase, a_reader_that_left_costs_nothing);
	tcase_add_test(tcase, lines_per_second_are_bounded);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
