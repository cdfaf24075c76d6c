#include "limits.h"
#include "quota.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The same in both vendors' words; limit, remaining, reset. */
static const struct names {
	const char *anthropic[3], *openai[3];
} kinds[] = {
    {{"anthropic-ratelimit-requests-limit", "anthropic-ratelimit-requests-remaining",
	 "anthropic-ratelimit-requests-reset"},
	{"x-ratelimit-limit-requests", "x-ratelimit-remaining-requests",
	    "x-ratelimit-reset-requests"}},
    {{"anthropic-ratelimit-tokens-limit", "anthropic-ratelimit-tokens-remaining",
	 "anthropic-ratelimit-tokens-reset"},
	{"x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"}},
};
/* Where there is no number for all tokens, those of the prompt stand for them. */
static const char *const input_tokens[] = {"anthropic-ratelimit-input-tokens-limit",
    "anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-reset"};
#define RESET 2

static void
add(struct limits *limits, struct view name, struct view value)
{
	if (value.len > 0 && limits->count < LIMITS_HEADERS_MAX)
		limits->headers[limits->count++] = (struct http_header){name, value};
}

/* ---- moments and durations ---- */

/* Up to the whole second in which it is surely over. */
static bool
print_moment(uint64_t ms, int64_t wall_ms, char text[LIMITS_TEXT_BYTES])
{
	time_t at = (time_t)((wall_ms + (int64_t)ms + 999) / 1000);
	struct tm tm;
	return gmtime_r(&at, &tm) != NULL &&
	       strftime(text, LIMITS_TEXT_BYTES, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0;
}

/* As that vendor writes it: "120ms", "1s", "6m0s", "1h0m30s". */
static void
print_duration(uint64_t ms, char text[LIMITS_TEXT_BYTES])
{
	unsigned long long s = (ms + 999) / 1000, m = s / 60, h = m / 60;
	if (ms > 0 && ms < 1000)
		(void)snprintf(text, LIMITS_TEXT_BYTES, "%llums", (unsigned long long)ms);
	else if (h > 0)
		(void)snprintf(text, LIMITS_TEXT_BYTES, "%lluh%llum%llus", h, m % 60, s % 60);
	else if (m > 0)
		(void)snprintf(text, LIMITS_TEXT_BYTES, "%llum%llus", m, s % 60);
	else
		(void)snprintf(text, LIMITS_TEXT_BYTES, "%llus", s);
}

static void
add_reset(struct limits *limits, bool moment, const char *name, struct view value, int64_t wall_ms)
{
	uint64_t ms;
	if (limits->text_count == LIMITS_TEXTS_MAX || !quota_reset_ms(value, wall_ms, &ms))
		return;
	char *text = limits->texts[limits->text_count++];
	if (!moment)
		print_duration(ms, text);
	else if (!print_moment(ms, wall_ms, text))
		return;
	add(limits, view_of(name), view_of(text));
}

/* ---- headers ---- */

static bool
tells_any(const struct answer *answer, const char *const names[3])
{
	return answer_header(answer, names[0]).len > 0 || answer_header(answer, names[1]).len > 0 ||
	       answer_header(answer, names[2]).len > 0;
}

static void
translate(struct limits *limits, const struct answer *answer, bool to_anthropic, int64_t wall_ms)
{
	for (size_t i = 0; i < COUNT(kinds); i++) {
		const char *const *from = to_anthropic ? kinds[i].openai : kinds[i].anthropic;
		const char *const *to = to_anthropic ? kinds[i].anthropic : kinds[i].openai;
		if (i == 1 && !to_anthropic && !tells_any(answer, from))
			from = input_tokens;
		for (size_t k = 0; k < RESET; k++)
			add(limits, view_of(to[k]), answer_header(answer, from[k]));
		add_reset(
		    limits, to_anthropic, to[RESET], answer_header(answer, from[RESET]), wall_ms);
	}
}

void
limits_convert(enum protocol client, enum protocol upstream, const struct answer *answer,
    int64_t wall_ms, struct limits *out)
{
	bool to_anthropic = client == PROTOCOL_ANTHROPIC;
	bool same = to_anthropic == (upstream == PROTOCOL_ANTHROPIC);
	const char *own = to_anthropic ? "anthropic-ratelimit-" : "x-ratelimit-";
	*out = (struct limits){0};
	for (size_t i = 0; i < answer->header_count; i++) {
		const struct http_header *header = &answer->headers[i];
		if (view_eq_nocase(header->name, "retry-after") ||
		    view_eq_nocase(header->name, "retry-after-ms") ||
		    (same && view_starts_nocase(header->name, own)))
			add(out, header->name, header->value);
	}
	if (!same)
		translate(out, answer, to_anthropic, wall_ms);
}
