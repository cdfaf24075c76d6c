/* How far the notices of alerts get, by a clock of the test's own; over a restart; in words. */
#include "alert_outbox.h"
#include "alert_text.h"
#include "fileio.h"
#include "suite.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define S INT64_C(1000)
#define BEGIN INT64_C(1795694400000) /* 2026-11-26 12:00 UTC */

static const bool webhook_only[ALERT_WAYS] = {true, false};
static struct alert_outbox box;
static int64_t now;
static uint64_t ids;

static void
setup(void)
{
	box = (struct alert_outbox){0};
	now = BEGIN;
	ids = 0;
}

static const struct alert_notice *
add(enum alert_event event)
{
	const struct alert_cause cause = {.kind = ALERT_UPSTREAM_DOWN,
	    .subject = "claude:7f3a",
	    .name = "ma\"in\n<!channel>",
	    .detail = "status_529",
	    .raised = true,
	    .incident = 17,
	    .times = 1,
	    .bad_ms = now - 32 * S};
	return alert_outbox_add(&box, event, &cause, webhook_only, ++ids, now);
}

/* Begins the next try and ends it so; its id, 0 = none was due. */
static uint64_t
try_one(bool success)
{
	alert_outbox_tick(&box, now);
	const struct alert_notice *notice = alert_outbox_begin(&box, ALERT_WEBHOOK, 7, now);
	if (notice == NULL)
		return 0;
	uint64_t id = notice->id;
	ck_assert(alert_outbox_end(&box, ALERT_WEBHOOK, notice->ways[ALERT_WEBHOOK].seq, success,
	    success ? 200 : 500, success ? "ok" : "status_500", now));
	return id;
}

START_TEST(one_after_the_other_the_oldest_first)
{
	add(ALERT_RAISED);
	add(ALERT_RESOLVED);
	const struct alert_notice *first = alert_outbox_begin(&box, ALERT_WEBHOOK, 7, now);
	ck_assert_uint_eq(first->id, 1);
	ck_assert_ptr_null(alert_outbox_begin(&box, ALERT_WEBHOOK, 7, now));
	ck_assert_ptr_null(alert_outbox_begin(&box, ALERT_COMMAND, 0, now));
	uint64_t seq = first->ways[ALERT_WEBHOOK].seq;
	ck_assert(!alert_outbox_end(&box, ALERT_WEBHOOK, seq + 1, true, 200, "ok", now));
	ck_assert(alert_outbox_end(&box, ALERT_WEBHOOK, seq, true, 200, "ok", now));
	ck_assert(!alert_outbox_end(&box, ALERT_WEBHOOK, seq, true, 200, "ok", now));
	ck_assert_uint_eq(first->ways[ALERT_WEBHOOK].state, ALERT_SENT);
	const struct alert_notice *second = alert_outbox_begin(&box, ALERT_WEBHOOK, 7, now);
	ck_assert_uint_eq(second->id, 2);
	ck_assert_uint_gt(second->ways[ALERT_WEBHOOK].seq, seq);
}
END_TEST

START_TEST(tries_have_an_end)
{
	static const int pauses[] = {2, 10, 60, 300};
	const struct alert_notice *notice = add(ALERT_RAISED);
	for (size_t i = 0; i < 4; i++) {
		ck_assert_uint_eq(try_one(false), 1);
		ck_assert_uint_eq(notice->ways[ALERT_WEBHOOK].state, ALERT_WAITING);
		now += pauses[i] * S - 1;
		ck_assert_uint_eq(try_one(true), 0);
		now += 1;
	}
	ck_assert_uint_eq(try_one(false), 1);
	ck_assert_uint_eq(notice->ways[ALERT_WEBHOOK].state, ALERT_GIVEN_UP);
	ck_assert_uint_eq(notice->ways[ALERT_WEBHOOK].tries, ALERT_TRIES_MAX);
	ck_assert_str_eq(notice->ways[ALERT_WEBHOOK].reason, "status_500");
	ck_assert_uint_eq(box.given_up, 1);
	now += 400 * S;
	ck_assert_uint_eq(try_one(true), 0);
}
END_TEST

START_TEST(a_receiver_that_fails_is_left_alone_by_all)
{
	add(ALERT_RAISED);
	add(ALERT_RESOLVED);
	ck_assert_uint_eq(try_one(false), 1);
	ck_assert_uint_eq(try_one(true), 0);
	now += 2 * S;
	ck_assert_uint_eq(try_one(true), 1);
	ck_assert_uint_eq(try_one(true), 2);
	ck_assert(!alert_outbox_waits(&box, ALERT_UPSTREAM_DOWN));
}
END_TEST

START_TEST(a_try_whose_end_nobody_tells_is_lost)
{
	const struct alert_notice *notice = add(ALERT_RAISED);
	ck_assert_ptr_nonnull(alert_outbox_begin(&box, ALERT_WEBHOOK, 7, now));
	uint64_t seq = notice->ways[ALERT_WEBHOOK].seq;
	now += ALERT_LOST_MS - 1;
	alert_outbox_tick(&box, now);
	ck_assert_ptr_nonnull(alert_outbox_running(&box, ALERT_WEBHOOK));
	now += 1;
	alert_outbox_tick(&box, now);
	ck_assert_uint_eq(notice->ways[ALERT_WEBHOOK].state, ALERT_WAITING);
	ck_assert_str_eq(notice->ways[ALERT_WEBHOOK].reason, "no_result");
	ck_assert(!alert_outbox_end(&box, ALERT_WEBHOOK, seq, true, 200, "ok", now));
	now += 2 * S;
	ck_assert_uint_eq(try_one(true), 1);
	ck_assert_uint_gt(notice->ways[ALERT_WEBHOOK].seq, seq);
}
END_TEST

START_TEST(what_is_old_is_given_up)
{
	const struct alert_notice *notice = add(ALERT_RAISED);
	now += ALERT_OLD_MS;
	alert_outbox_tick(&box, now);
	ck_assert_uint_eq(notice->ways[ALERT_WEBHOOK].state, ALERT_GIVEN_UP);
	ck_assert_str_eq(notice->ways[ALERT_WEBHOOK].reason, "too_old");
}
END_TEST

START_TEST(the_oldest_makes_room)
{
	for (int i = 0; i < ALERT_NOTICES_MAX; i++)
		add(ALERT_RAISED);
	ck_assert_uint_eq(try_one(true), 1);
	add(ALERT_RAISED); /* the first was sent */
	ck_assert_uint_eq(box.dropped, 0);
	add(ALERT_RAISED);
	ck_assert_uint_eq(box.dropped, 1);
	ck_assert_uint_eq(box.count, ALERT_NOTICES_MAX);
	ck_assert_uint_eq(try_one(true), 3);
	alert_outbox_close(&box, ALERT_WEBHOOK, now);
	ck_assert(!alert_outbox_waits(&box, ALERT_UPSTREAM_DOWN));
	ck_assert_uint_eq(try_one(true), 0);
}
END_TEST

START_TEST(a_clock_that_is_set_back_keeps_nothing_waiting)
{
	add(ALERT_RAISED);
	ck_assert_uint_eq(try_one(false), 1);
	now -= 86400 * S;
	ck_assert_uint_eq(try_one(false), 1);
	ck_assert_ptr_null(alert_outbox_running(&box, ALERT_WEBHOOK));
	now += 10 * S;
	ck_assert_ptr_nonnull(alert_outbox_begin(&box, ALERT_WEBHOOK, 7, now));
	now -= 86400 * S;
	alert_outbox_tick(&box, now);
	ck_assert_ptr_null(alert_outbox_running(&box, ALERT_WEBHOOK));
}
END_TEST

/* ---- over a restart ---- */

START_TEST(all_is_there_after_a_restart)
{
	char folder[] = "/tmp/pm-alertsXXXXXX", path[64];
	static struct alert_outbox other, none;
	struct alert_rules rules = {0}, again = {0}, empty = {0};
	const struct alert_limits limits = {.after_ms = 0, .clear_ms = 0, .repeat_ms = 0};
	const struct alert_seen seen = {ALERT_DISK, "/s", "", "3 MiB are left", ALERT_BAD};
	struct err err;
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert(alert_file_read(&empty, &none, folder, &err));
	alert_rules_see(&rules, &limits, &seen, now);
	add(ALERT_RAISED);
	add(ALERT_RESOLVED);
	const struct alert_notice *running =
	    alert_outbox_begin(&box, ALERT_WEBHOOK, UINT64_MAX, now);
	ck_assert(alert_file_write(&rules, &box, folder, &err));
	ck_assert_msg(alert_file_read(&again, &other, folder, &err), "%s %s", err.at, err.msg);
	ck_assert_uint_eq(again.count, 1);
	ck_assert(again.causes[0].raised);
	ck_assert_uint_eq(again.incidents, 1);
	ck_assert_uint_eq(other.count, 2);
	ck_assert_uint_eq(other.items[1].event, ALERT_RESOLVED);
	const struct alert_notice *found = alert_outbox_running(&other, ALERT_WEBHOOK);
	ck_assert_uint_eq(found->id, running->id);
	ck_assert_uint_eq(found->ways[0].seq, running->ways[0].seq);
	ck_assert_uint_eq(found->ways[0].by, UINT64_MAX);
	/* It is not raised again, and not sent again. */
	alert_rules_see(&again, &limits, &seen, now + S);
	ck_assert_uint_eq(again.incidents, 1);
	ck_assert_ptr_null(alert_outbox_begin(&other, ALERT_WEBHOOK, 8, now + S));
	snprintf(path, sizeof(path), "%s/alerts.json", folder);
	ck_assert(fileio_write(path, VIEW("{\"rules\": {}}"), 0600, &err));
	ck_assert(!alert_file_read(&empty, &none, folder, &err));
	ck_assert_uint_eq(none.count, 0);
	alert_rules_fini(&rules);
	alert_rules_fini(&again);
	alert_rules_fini(&empty);
	unlink(path);
	rmdir(folder);
}
END_TEST

/* ---- in words: tests/golden/alerts.txt ---- */

static void
print_all(const struct alert_notice *notice, struct bytes *out)
{
	for (unsigned i = 0; i < ALERT_TEMPLATES; i++) {
		const struct alert_sender sender = {"box-1", (enum alert_template)i, "-100123"};
		ck_assert(bytes_printf(out, "%-10s ", alert_template_words[i]));
		ck_assert(alert_text_body(notice, &sender, out));
		ck_assert(bytes_append_char(out, '\n'));
	}
}

static void
print_kind(enum alert_kind kind, const char *subject, const char *name, const char *detail,
    struct bytes *out)
{
	for (unsigned event = ALERT_RAISED; event <= ALERT_RESOLVED; event++) {
		struct alert_notice notice = {.event = event,
		    .at_ms = BEGIN + 7400 * S,
		    .cause = {
			.kind = kind, .times = event == ALERT_RESOLVED ? 3 : 1, .bad_ms = BEGIN}};
		char text[ALERT_TEXT_BYTES];
		snprintf(notice.cause.subject, sizeof(notice.cause.subject), "%s", subject);
		snprintf(notice.cause.name, sizeof(notice.cause.name), "%s", name);
		snprintf(notice.cause.detail, sizeof(notice.cause.detail), "%s", detail);
		alert_text(&notice, "box-1", text);
		ck_assert(bytes_printf(out, "%s\n", text));
	}
}

START_TEST(texts_are_as_they_were)
{
	struct bytes out, file;
	struct err err;
	bytes_init(&out, 65536);
	bytes_init(&file, 65536);
	print_all(add(ALERT_RAISED), &out);
	ck_assert(bytes_append_char(&out, '\n'));
	print_kind(ALERT_TEST, "", "", "", &out);
	print_kind(ALERT_UPSTREAM_DOWN, "claude:7f3a", "main", "status_529", &out);
	print_kind(ALERT_GROUP_DOWN, "claude", "", "all 2 rest", &out);
	print_kind(ALERT_BUDGET, "k1 tokens_per_day", "ci", "830 of 1000 tokens, 83 %", &out);
	print_kind(ALERT_BUDGET_SPENT, "k1 usd_per_day", "", "5.02 of 5.00 USD, 100 %", &out);
	print_kind(ALERT_ERROR_RATE, "requests", "", "8 of 20 within 300 s, 40 %", &out);
	print_kind(ALERT_CERTIFICATE, "/etc/c.pem", "", "it expires in 3 days", &out);
	print_kind(ALERT_DISK, "/var/lib/pm", "", "100 MiB are left", &out);
	const char *write = getenv("PM_GOLDEN");
	if (write != NULL && strcmp(write, "write") == 0)
		ck_assert(fileio_write(GOLDEN_FILE, bytes_view(&out), 0644, &err));
	ck_assert(fileio_read(GOLDEN_FILE, &file, &err));
	ck_assert_str_eq(bytes_str(&out), bytes_str(&file));
	bytes_fini(&out);
	bytes_fini(&file);
}
END_TEST

START_TEST(long_names_stay_text)
{
	struct alert_notice notice = {.cause = {.kind = ALERT_UPSTREAM_DOWN}};
	char text[ALERT_TEXT_BYTES], host[512];
	struct bytes out;
	const struct alert_sender sender = {host, ALERT_SLACK, ""};
	memset(host, '<', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	for (size_t i = 0; i + 3 < sizeof(notice.cause.name); i += 3)
		memcpy(notice.cause.name + i, "\xe4\xb8\xbb", 3);
	for (size_t i = 0; i + 3 < sizeof(notice.cause.subject); i += 3)
		memcpy(notice.cause.subject + i, "\xe4\xb8\xbb", 3);
	alert_text(&notice, host, text);
	struct view rest = view_of(text);
	while (rest.len > 0) {
		size_t step = view_utf8_step(rest);
		ck_assert_uint_gt(step, 0);
		rest = view_from(rest, step);
	}
	bytes_init(&out, 16384);
	ck_assert(alert_text_body(&notice, &sender, &out));
	bytes_fini(&out);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("alert_outbox");
	TCase *tc = tcase_create("alert_outbox");
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, one_after_the_other_the_oldest_first);
	tcase_add_test(tc, tries_have_an_end);
	tcase_add_test(tc, a_receiver_that_fails_is_left_alone_by_all);
	tcase_add_test(tc, a_try_whose_end_nobody_tells_is_lost);
	tcase_add_test(tc, what_is_old_is_given_up);
	tcase_add_test(tc, the_oldest_makes_room);
	tcase_add_test(tc, a_clock_that_is_set_back_keeps_nothing_waiting);
	tcase_add_test(tc, all_is_there_after_a_restart);
	tcase_add_test(tc, texts_are_as_they_were);
	tcase_add_test(tc, long_names_stay_text);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
