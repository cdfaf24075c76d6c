/* How long an upstream asks to be left alone. */
#include "quota.h"
#include "suite.h"
#include <stdio.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define NOW_MS 1764111600000ll /* 2025-11-25 23:00:00 UTC */

static const struct {
	const char *headers; /* lines */
	const char *body;
	uint64_t wait_ms;
} rows[] = {
    {"", "", 0},
    {"Retry-After: 2\n", "", 2000},
    {"Retry-After: 0\n", "", 0},
    {"Retry-After: 1.5\n", "", 1500},
    {"Retry-After: soon\n", "", 0},
    {"Retry-After: -5\n", "", 0},
    {"Retry-After: 99999999999999999999999\n", "", QUOTA_WAIT_MAX_MS},
    {"Retry-After: Tue, 25 Nov 2025 23:00:08 GMT\n", "", 8000},
    {"Retry-After: Tue, 25 Nov 2025 22:00:08 GMT\n", "", 0},
    {"Retry-After: Fri, 25 Nov 2095 22:00:08 GMT\n", "", QUOTA_WAIT_MAX_MS},
    {"Retry-After: Tuesday, 25-Nov-25 23:00:08 GMT\n", "", 8000},
    {"Retry-After: Tue Nov 25 23:00:08 2025\n", "", 8000},
    {"Retry-After: 2025-11-25T23:00:08Z\n", "", 8000},
    {"Retry-After: 1764111608\n", "", 8000},
    {"Retry-After: 1764111592\n", "", 0},
    {"Retry-After: 1m30s\n", "", 90000},
    {"Retry-After-Ms: 1500\nRetry-After: 9\n", "", 1500},
    {"Retry-After-Ms: 0\nRetry-After: 9\n", "", 9000},
    {"anthropic-ratelimit-requests-remaining: 0\n"
     "anthropic-ratelimit-requests-reset: 2025-11-25T23:01:00Z\n",
	"", 60000},
    {"anthropic-ratelimit-requests-remaining: 5\n"
     "anthropic-ratelimit-requests-reset: 2025-11-25T23:01:00Z\n",
	"", 0},
    {"anthropic-ratelimit-unified-status: rejected\n"
     "anthropic-ratelimit-unified-reset: 1764115200\n",
	"", 3600000},
    {"anthropic-ratelimit-unified-status: allowed\n"
     "anthropic-ratelimit-unified-reset: 1764115200\n",
	"", 0},
    {"x-ratelimit-remaining-tokens: 0\nx-ratelimit-reset-tokens: 6m0s\n"
     "x-ratelimit-remaining-requests: 0\nx-ratelimit-reset-requests: 120ms\n",
	"", 360000},
    {"x-codex-primary-used-percent: 100\nx-codex-primary-reset-after-seconds: 7200\n", "", 7200000},
    {"x-codex-primary-used-percent: 99\nx-codex-primary-reset-after-seconds: 7200\n", "", 0},
    {"", "{\"error\":{\"type\":\"usage_limit_reached\",\"resets_in_seconds\":90}}", 90000},
    {"", "{\"error\":{\"type\":\"usage_limit_reached\",\"resets_at\":1764111700}}", 100000},
    {"", "{\"error\":{\"message\":\"Rate limit reached. Please try again in 1.5s. Visit ...\"}}",
	1500},
    {"", "{\"error\":{\"message\":\"try again in 6m12s.\"}}", 372000},
    {"", "{\"error\":{\"message\":\"try again in a while\"}}", 0},
    {"", "{\"error\":\"no object\"}", 0},
    {"Retry-After: 3\n", "{\"error\":{\"resets_in_seconds\":90}}", 3000},
};

static void
take(struct answer *answer, const char *lines)
{
	struct view rest = view_of(lines), line;
	char text[512];
	answer_init(answer);
	ck_assert_int_eq(answer_line(answer, VIEW("HTTP/1.1 429 X\r\n")), ANSWER_MORE);
	while (rest.len > 0 && view_split(&rest, '\n', &line) && line.len > 0) {
		snprintf(text, sizeof(text), "%.*s\r\n", VIEW_ARGS(line));
		(void)answer_line(answer, view_of(text));
	}
	(void)answer_line(answer, VIEW("\r\n"));
}

START_TEST(it_is_read)
{
	struct answer answer;
	take(&answer, rows[_i].headers);
	ck_assert_uint_eq(quota_wait_ms(&answer, view_of(rows[_i].body), NOW_MS), rows[_i].wait_ms);
	answer_fini(&answer);
}
END_TEST

/* Whatever stands there: never more than the bound. */
START_TEST(noise_is_bounded)
{
	static const char *const names[] = {"Retry-After", "Retry-After-Ms",
	    "anthropic-ratelimit-unified-reset", "x-ratelimit-reset-tokens"};
	static const char signs[] = "0123456789.-smhdTZ:, GMT";
	unsigned seed = 20261125;
	for (unsigned i = 0; i < 20000; i++) {
		struct answer answer;
		char lines[256];
		size_t len = (size_t)snprintf(lines, sizeof(lines),
		    "x-ratelimit-remaining-tokens: 0\nanthropic-ratelimit-unified-status: "
		    "rejected\n"
		    "%s: ",
		    names[i % 4]);
		for (unsigned k = 0; k < 1 + i % 24; k++) {
			seed = seed * 1103515245u + 12345u;
			lines[len++] = signs[(seed >> 16) % (sizeof(signs) - 1)];
		}
		lines[len++] = '\n';
		lines[len] = '\0';
		take(&answer, lines);
		ck_assert_uint_le(
		    quota_wait_ms(&answer, view_of(lines), NOW_MS), QUOTA_WAIT_MAX_MS);
		answer_fini(&answer);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("quota");
	TCase *tests = tcase_create("quota");
	tcase_add_loop_test(tests, it_is_read, 0, COUNT(rows));
	tcase_add_test(tests, noise_is_bounded);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
