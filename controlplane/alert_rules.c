#include "alert_rules.h"
#include "faults.h"
#include "mem.h"
#include <stdio.h>
#include <string.h>

#define DOUBLINGS_MAX 6

const char *const alert_kind_words[] = {"test", "upstream_down", "group_down", "budget",
    "budget_spent", "error_rate", "certificate", "disk", NULL};
const char *const alert_event_words[] = {"raised", "reminder", "resolved", NULL};

void
alert_rules_fini(struct alert_rules *rules)
{
	mem_free(rules->causes);
	*rules = (struct alert_rules){0};
}

static void
copy_text(char *out, size_t out_len, const char *text)
{
	int len = snprintf(out, out_len, "%s", text != NULL ? text : "");
	if (len >= (int)out_len)
		faults_drop_cut(out);
}

static struct alert_cause *
find(struct alert_rules *rules, enum alert_kind kind, const char *subject)
{
	for (size_t i = 0; i < rules->count; i++) {
		struct alert_cause *cause = &rules->causes[i];
		if (cause->kind == kind && strcmp(cause->subject, subject) == 0)
			return cause;
	}
	return NULL;
}

/* NULL: there is no place. */
static struct alert_cause *
add(struct alert_rules *rules, enum alert_kind kind, const char *subject)
{
	if (rules->count == ALERT_CAUSES_MAX) {
		rules->unwatched++;
		return NULL;
	}
	rules->causes = mem_realloc(rules->causes, (rules->count + 1) * sizeof(*rules->causes));
	struct alert_cause *cause = &rules->causes[rules->count++];
	*cause = (struct alert_cause){.kind = kind};
	copy_text(cause->subject, sizeof(cause->subject), subject);
	return cause;
}

static void
tell(struct alert_rules *rules, enum alert_event event, struct alert_cause *cause, int64_t now_ms)
{
	cause->told_ms = now_ms;
	rules->revision++;
	if (rules->on_event != NULL)
		rules->on_event(event, cause, rules->ctx);
}

static void
stamp_at_most(int64_t *stamp, int64_t now_ms)
{
	if (*stamp > now_ms)
		*stamp = now_ms;
}

/* A clock that was set back prolongs nothing. */
static void
mind_clock(struct alert_cause *cause, int64_t now_ms)
{
	stamp_at_most(&cause->bad_ms, now_ms);
	stamp_at_most(&cause->good_ms, now_ms);
	stamp_at_most(&cause->told_ms, now_ms);
	stamp_at_most(&cause->ended_ms, now_ms);
}

int64_t
alert_rules_clear_ms(const struct alert_limits *limits, const struct alert_cause *cause)
{
	uint32_t doublings = cause->times > 0 ? cause->times - 1 : 0;
	if (doublings > DOUBLINGS_MAX)
		doublings = DOUBLINGS_MAX;
	int64_t wait = limits->clear_ms << doublings;
	/* The owner may want a longer time than our bound. */
	int64_t most =
	    limits->clear_ms > ALERT_CLEAR_MS_MAX ? limits->clear_ms : ALERT_CLEAR_MS_MAX;
	return wait < most ? wait : most;
}

static void
see_bad(struct alert_rules *rules, const struct alert_limits *limits, struct alert_cause *cause,
    const struct alert_seen *seen, int64_t now_ms)
{
	copy_text(cause->name, sizeof(cause->name), seen->name);
	copy_text(cause->detail, sizeof(cause->detail), seen->detail);
	cause->good_ms = 0;
	if (!cause->bad) {
		cause->bad = true;
		cause->bad_ms = now_ms;
		rules->revision++;
	}
	if (!cause->raised && now_ms - cause->bad_ms >= limits->after_ms) {
		bool calm = cause->ended_ms == 0 || now_ms - cause->ended_ms >= ALERT_CALM_MS;
		cause->times = calm ? 1 : cause->times + 1;
		cause->incident = ++rules->incidents;
		cause->raised = true;
		tell(rules, ALERT_RAISED, cause, now_ms);
	}
}

static void
see_good(struct alert_rules *rules, const struct alert_limits *limits, struct alert_cause *cause,
    int64_t now_ms)
{
	if (!cause->bad)
		return;
	if (cause->good_ms == 0)
		cause->good_ms = now_ms;
	int64_t wait = cause->raised ? alert_rules_clear_ms(limits, cause) : limits->after_ms;
	if (now_ms - cause->good_ms < wait)
		return;
	cause->bad = false;
	rules->revision++;
	if (cause->raised) {
		cause->raised = false;
		cause->ended_ms = now_ms;
		tell(rules, ALERT_RESOLVED, cause, now_ms);
	}
	cause->good_ms = 0;
}

void
alert_rules_see(struct alert_rules *rules, const struct alert_limits *limits,
    const struct alert_seen *seen, int64_t now_ms)
{
	char subject[ALERT_SUBJECT_BYTES];
	copy_text(subject, sizeof(subject), seen->subject);
	struct alert_cause *cause = find(rules, seen->kind, subject);
	if (cause == NULL && seen->sign == ALERT_BAD)
		cause = add(rules, seen->kind, subject);
	if (cause == NULL)
		return;
	cause->seen = true;
	mind_clock(cause, now_ms);
	if (seen->sign == ALERT_BAD)
		see_bad(rules, limits, cause, seen, now_ms);
	else if (seen->sign == ALERT_GOOD)
		see_good(rules, limits, cause, now_ms);
	else
		cause->good_ms = 0;
	if (cause->raised && cause->good_ms == 0 && limits->repeat_ms > 0 &&
	    now_ms - cause->told_ms >= limits->repeat_ms)
		tell(rules, ALERT_REMINDER, cause, now_ms);
}

void
alert_rules_end(struct alert_rules *rules, int64_t now_ms)
{
	size_t kept = 0;
	for (size_t i = 0; i < rules->count; i++) {
		struct alert_cause *cause = &rules->causes[i];
		bool over = cause->ended_ms == 0 || now_ms - cause->ended_ms >= ALERT_CALM_MS;
		if (!cause->seen && cause->raised) {
			copy_text(cause->detail, sizeof(cause->detail), ALERT_UNWATCHED);
			tell(rules, ALERT_RESOLVED, cause, now_ms);
		}
		if (!cause->seen || (!cause->bad && over)) {
			rules->revision++;
			continue;
		}
		cause->seen = false;
		rules->causes[kept++] = *cause;
	}
	rules->count = kept;
}
