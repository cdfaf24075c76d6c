#include "quota.h"
#include "jsonspan.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- forms of time ---- */

/* "12", "1.5": to thousandths, cut at the bound. False for anything else. */
static bool
read_decimal(struct view text, uint64_t *thousandths)
{
	uint64_t value = 0, scale = 0;
	size_t i = 0;
	if (text.len == 0 || text.data[0] == '.')
		return false;
	for (; i < text.len; i++) {
		char c = text.data[i];
		if (c == '.' && scale == 0) {
			scale = 1;
		} else if (c >= '0' && c <= '9' && scale < 1000) {
			value = value * 10 + (uint64_t)(c - '0');
			scale *= 10;
		} else if (c < '0' || c > '9') {
			return false;
		}
		if (value > QUOTA_WAIT_MAX_MS * 1000)
			value = QUOTA_WAIT_MAX_MS * 1000;
	}
	*thousandths = value * 1000 / (scale > 0 ? scale : 1);
	return true;
}

static uint64_t
until(int64_t at_s, int64_t wall_ms)
{
	int64_t now_s = wall_ms / 1000;
	if (at_s <= now_s)
		return 0;
	uint64_t left_s = (uint64_t)(at_s - now_s);
	return left_s > QUOTA_WAIT_MAX_MS / 1000 ? QUOTA_WAIT_MAX_MS : left_s * 1000;
}

/* By `format` of strptime, in UTC; what follows the date (a fraction, "Z", "GMT") is not looked at.
 */
static bool
read_date(struct view text, const char *format, int64_t *at_s)
{
	char copy[48];
	struct tm tm = {0};
	if (text.len == 0 || text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	if (strptime(copy, format, &tm) == NULL)
		return false;
	*at_s = (int64_t)timegm(&tm);
	return true;
}

/* "6m0s", "1h2m3.5s", "120ms" (OpenAI's), or plain seconds. */
static bool
read_duration(struct view text, uint64_t *ms)
{
	static const struct {
		const char *unit;
		uint64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
	uint64_t total = 0, thousandths;
	if (read_decimal(text, ms))
		return true;
	while (text.len > 0) {
		size_t digits = 0, i = 0;
		while (digits < text.len &&
		       (text.data[digits] == '.' ||
			   (text.data[digits] >= '0' && text.data[digits] <= '9')))
			digits++;
		struct view rest = view_from(text, digits);
		while (i < 5 && !view_starts(rest, units[i].unit))
			i++;
		if (i == 5 || !read_decimal(view_sub(text, 0, digits), &thousandths))
			return false;
		total += thousandths < QUOTA_WAIT_MAX_MS * 1000 ? thousandths * units[i].ms / 1000
								: QUOTA_WAIT_MAX_MS;
		text = view_from(rest, strlen(units[i].unit));
		if (total > QUOTA_WAIT_MAX_MS)
			total = QUOTA_WAIT_MAX_MS;
	}
	*ms = total;
	return true;
}

/* ---- headers ---- */

static bool
is_used_up(const struct answer *answer, const char *name)
{
	struct view left = answer_header(answer, name);
	return view_eq_str(left, "0") || view_starts(left, "0.0");
}

bool
quota_reset_ms(struct view value, int64_t wall_ms, uint64_t *ms)
{
	int64_t at_s;
	if (value.len == 0)
		return false;
	if (read_date(value, "%Y-%m-%dT%H:%M:%S", &at_s)) {
		*ms = until(at_s, wall_ms);
		return true;
	}
	if (!read_duration(value, ms))
		return false;
	/* Nothing lasts thirty years: that is a date. */
	if (*ms >= 1000000000000ull)
		*ms = until((int64_t)(*ms / 1000), wall_ms);
	return true;
}

static uint64_t
reset_ms(struct view value, int64_t wall_ms)
{
	uint64_t ms;
	return quota_reset_ms(value, wall_ms, &ms) ? ms : 0;
}

/* Seconds, one of HTTP's three forms of a date, or any form of a reset. */
static uint64_t
retry_after(const struct answer *answer, int64_t wall_ms)
{
	static const char *const dates[] = {
	    "%a, %d %b %Y %H:%M:%S", "%A, %d-%b-%y %H:%M:%S", "%a %b %d %H:%M:%S %Y"};
	struct view value = answer_header(answer, "retry-after-ms");
	uint64_t ms;
	int64_t at_s;
	if (read_decimal(value, &ms) && ms > 0)
		return ms / 1000 > 0 ? ms / 1000 : 1;
	value = answer_header(answer, "retry-after");
	for (size_t i = 0; i < 3; i++) {
		if (read_date(value, dates[i], &at_s))
			return until(at_s, wall_ms);
	}
	return reset_ms(value, wall_ms);
}

static uint64_t
longer(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t
resets(const struct answer *answer, int64_t wall_ms)
{
	static const struct {
		const char *remaining, *reset;
	} rows[] = {
	    {"anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"},
	    {"anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"},
	    {"anthropic-ratelimit-input-tokens-remaining",
		"anthropic-ratelimit-input-tokens-reset"},
	    {"anthropic-ratelimit-output-tokens-remaining",
		"anthropic-ratelimit-output-tokens-reset"},
	    {"x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"},
	    {"x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"},
	};
	uint64_t ms = 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (is_used_up(answer, rows[i].remaining))
			ms = longer(ms, reset_ms(answer_header(answer, rows[i].reset), wall_ms));
	}
	if (view_eq_str(answer_header(answer, "anthropic-ratelimit-unified-status"), "rejected")) {
		struct view reset = answer_header(answer, "anthropic-ratelimit-unified-reset");
		ms = longer(ms, reset_ms(reset, wall_ms));
	}
	static const char *const windows[][2] = {
	    {"x-codex-primary-used-percent", "x-codex-primary-reset-after-seconds"},
	    {"x-codex-secondary-used-percent", "x-codex-secondary-reset-after-seconds"}};
	for (size_t i = 0; i < 2; i++) {
		if (view_starts(answer_header(answer, windows[i][0]), "100"))
			ms = longer(ms, reset_ms(answer_header(answer, windows[i][1]), wall_ms));
	}
	return ms;
}

/* ---- the body ---- */

/* "... Please try again in 1.5s ..." (OpenAI, code rate_limit_exceeded). */
static uint64_t
told_in_words(struct jsonspan_value message)
{
	static const char words[] = "try again in ";
	ptrdiff_t at = view_find(message.raw, words);
	uint64_t ms;
	if (message.kind != JSONSPAN_STRING || at < 0)
		return 0;
	struct view rest = view_from(message.raw, (size_t)at + sizeof(words) - 1);
	size_t len = 0;
	while (len < rest.len && len < 24 && strchr("0123456789.smhd", rest.data[len]) != NULL &&
	       rest.data[len] != '\0')
		len++;
	while (len > 0 && rest.data[len - 1] == '.')
		len--;
	return read_duration(view_sub(rest, 0, len), &ms) ? ms : 0;
}

static uint64_t
told_by_body(struct view body, int64_t wall_ms)
{
	struct jsonspan_want want = {.key = "error"};
	int64_t seconds;
	if (!jsonspan_scan(body, &want, 1, NULL, NULL) || want.value.kind != JSONSPAN_OBJECT)
		return 0;
	if (jsonspan_i64(jsonspan_get(want.value, "resets_in_seconds"), &seconds) && seconds > 0)
		return until(wall_ms / 1000 + (seconds < 31622400 ? seconds : 31622400), wall_ms);
	if (jsonspan_i64(jsonspan_get(want.value, "resets_at"), &seconds) && seconds > 0)
		return until(seconds, wall_ms);
	return told_in_words(jsonspan_get(want.value, "message"));
}

uint64_t
quota_wait_ms(const struct answer *answer, struct view body, int64_t wall_ms)
{
	uint64_t ms = retry_after(answer, wall_ms);
	if (ms == 0)
		ms = longer(resets(answer, wall_ms), told_by_body(body, wall_ms));
	return ms < QUOTA_WAIT_MAX_MS ? ms : QUOTA_WAIT_MAX_MS;
}
