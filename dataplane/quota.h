/* quota: how long an upstream asks to be left alone, by all the ways in which it can be said. PURE.
 *
 * retry-after (seconds, HTTP's dates, or what a reset may say), retry-after-ms, the reset headers
 * of both vendors (anthropic-ratelimit-*-reset of what is used up,
 * anthropic-ratelimit-unified-reset, x-ratelimit-reset-requests/-tokens of what is used up,
 * x-codex-*-reset-after-seconds of what is used up), and the error body (error.resets_in_seconds,
 * error.resets_at, "try again in 1.5s" of OpenAI's rate limits). Only asked for 429, 503, 529 and
 * the like. */
#ifndef PM_QUOTA_H
#define PM_QUOTA_H

#include "answer.h"
#include "view.h"
#include <stdbool.h>
#include <stdint.h>

#define QUOTA_WAIT_MAX_MS 604800000ull /* a week: what is longer is cut */

/* What a reset header says, in any of its forms: a moment as RFC 3339 or as seconds of the epoch, a
 * duration ("6m0s", "120ms", plain seconds); in ms from now. False for anything else. */
bool quota_reset_ms(struct view value, int64_t wall_ms, uint64_t *ms);
/* The wait in ms, 0 when none is named. What says retry-after counts before all else; else the
 * longest of the others. `body` may be empty or anything. */
uint64_t quota_wait_ms(const struct answer *answer, struct view body, int64_t wall_ms);

#endif
