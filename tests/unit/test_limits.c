/* Rate limits of one vendor in the words of the other. */
#include "limits.h"
#include "suite.h"
#include <stdio.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define NOW_MS 1764111600000ll /* 2025-11-25 23:00:00 UTC */

static const struct {
	enum protocol client, upstream;
	const char *told, *given; /* lines */
} rows[] = {
    /* Anthropic's, for clients of the others */
    {PROTOCOL_CHAT, PROTOCOL_ANTHROPIC,
	"Anthropic-RateLimit-Requests-Limit: 50\n"
	"anthropic-ratelimit-requests-remaining: 49\n"
	"anthropic-ratelimit-requests-reset: 2025-11-25T23:00:01Z\n"
	"anthropic-ratelimit-tokens-limit: 80000\n"
	"anthropic-ratelimit-tokens-remaining: 0\n"
	"anthropic-ratelimit-tokens-reset: 2025-11-25T23:06:00Z\n"
	"anthropic-ratelimit-input-tokens-limit: 7\n"
	"anthropic-organization-id: x\nretry-after: 3\nretry-after-ms: 2500\n",
	"retry-after: 3\nretry-after-ms: 2500\n"
	"x-ratelimit-limit-requests: 50\nx-ratelimit-remaining-requests: 49\n"
	"x-ratelimit-reset-requests: 1s\nx-ratelimit-limit-tokens: 80000\n"
	"x-ratelimit-remaining-tokens: 0\nx-ratelimit-reset-tokens: 6m0s\n"},
    {PROTOCOL_RESPONSES, PROTOCOL_ANTHROPIC,
	"anthropic-ratelimit-input-tokens-limit: 40000\n"
	"anthropic-ratelimit-input-tokens-remaining: 39000\n"
	"anthropic-ratelimit-input-tokens-reset: 2025-11-26T01:00:30+00:00\n"
	"anthropic-ratelimit-requests-reset: 2025-11-25T22:00:00Z\n",
	"x-ratelimit-reset-requests: 0s\nx-ratelimit-limit-tokens: 40000\n"
	"x-ratelimit-remaining-tokens: 39000\nx-ratelimit-reset-tokens: 2h0m30s\n"},
    {PROTOCOL_CHAT, PROTOCOL_ANTHROPIC,
	"anthropic-ratelimit-requests-limit: 50\nanthropic-ratelimit-requests-reset: soon\n",
	"x-ratelimit-limit-requests: 50\n"},
    /* the others', for clients of Anthropic's */
    {PROTOCOL_ANTHROPIC, PROTOCOL_CHAT,
	"x-ratelimit-limit-requests: 500\nx-ratelimit-remaining-requests: 499\n"
	"x-ratelimit-reset-requests: 120ms\nx-ratelimit-limit-tokens: 30000\n"
	"x-ratelimit-remaining-tokens: 29000\nx-ratelimit-reset-tokens: 6m0s\n"
	"x-ratelimit-limit-images: 5\nopenai-processing-ms: 4\nretry-after: 1\n",
	"retry-after: 1\nanthropic-ratelimit-requests-limit: 500\n"
	"anthropic-ratelimit-requests-remaining: 499\n"
	"anthropic-ratelimit-requests-reset: 2025-11-25T23:00:01Z\n"
	"anthropic-ratelimit-tokens-limit: 30000\nanthropic-ratelimit-tokens-remaining: 29000\n"
	"anthropic-ratelimit-tokens-reset: 2025-11-25T23:06:00Z\n"},
    {PROTOCOL_ANTHROPIC, PROTOCOL_RESPONSES,
	"x-ratelimit-reset-requests: 60\nx-ratelimit-reset-tokens: 1764111700\n",
	"anthropic-ratelimit-requests-reset: 2025-11-25T23:01:00Z\n"
	"anthropic-ratelimit-tokens-reset: 2025-11-25T23:01:40Z\n"},
    /* one vendor's: as it wrote them */
    {PROTOCOL_RESPONSES, PROTOCOL_CHAT,
	"X-RateLimit-Reset-Tokens: 8.64s\nx-ratelimit-limit-images: 5\nserver: x\n",
	"X-RateLimit-Reset-Tokens: 8.64s\nx-ratelimit-limit-images: 5\n"},
    {PROTOCOL_ANTHROPIC, PROTOCOL_ANTHROPIC,
	"anthropic-ratelimit-unified-status: allowed\nx-ratelimit-limit-tokens: 5\n",
	"anthropic-ratelimit-unified-status: allowed\n"},
    {PROTOCOL_CHAT, PROTOCOL_ANTHROPIC, "content-type: application/json\n", ""},
};

static void
take(struct answer *answer, const char *lines)
{
	struct view rest = view_of(lines), line;
	answer_init(answer);
	ck_assert_int_eq(answer_line(answer, VIEW("HTTP/1.1 200 OK\r\n")), ANSWER_MORE);
	while (rest.len > 0 && view_split(&rest, '\n', &line) && line.len > 0)
		ck_assert_int_eq(answer_line(answer, line), ANSWER_MORE);
	ck_assert_int_eq(answer_line(answer, VIEW("\r\n")), ANSWER_WHOLE);
}

START_TEST(limits_are_told_in_the_clients_words)
{
	struct answer answer;
	struct limits limits;
	struct bytes given;
	take(&answer, rows[_i].told);
	limits_convert(rows[_i].client, rows[_i].upstream, &answer, NOW_MS, &limits);
	bytes_init(&given, 4096);
	for (size_t i = 0; i < limits.count; i++)
		ck_assert(bytes_printf(&given, "%.*s: %.*s\n", VIEW_ARGS(limits.headers[i].name),
		    VIEW_ARGS(limits.headers[i].value)));
	ck_assert_str_eq(bytes_str(&given), rows[_i].given);
	bytes_fini(&given);
	answer_fini(&answer);
}
END_TEST

START_TEST(an_upstream_that_tells_too_much_is_cut)
{
	struct answer answer;
	struct limits limits;
	char lines[4096] = "";
	for (int i = 0; i < 60; i++)
		snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines),
		    "x-ratelimit-limit-%d: 1\n", i);
	take(&answer, lines);
	limits_convert(PROTOCOL_CHAT, PROTOCOL_RESPONSES, &answer, NOW_MS, &limits);
	ck_assert_uint_eq(limits.count, LIMITS_HEADERS_MAX);
	answer_fini(&answer);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("limits");
	TCase *tests = tcase_create("limits");
	tcase_add_loop_test(tests, limits_are_told_in_the_clients_words, 0, COUNT(rows));
	tcase_add_test(tests, an_upstream_that_tells_too_much_is_cut);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
