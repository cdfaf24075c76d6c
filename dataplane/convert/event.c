#include "event.h"

void
usage_init(struct usage *usage)
{
	*usage = (struct usage){
	    .input_new = -1,
	    .cache_read = -1,
	    .cache_write = -1,
	    .cache_write_5m = -1,
	    .cache_write_1h = -1,
	    .output = -1,
	    .reasoning = -1,
	    .web_searches = -1,
	};
}

static void
take(int64_t *into, int64_t from)
{
	if (from >= 0)
		*into = from;
}

static int64_t
or_zero(int64_t count)
{
	return count > 0 ? count : 0;
}

int64_t
usage_prompt(const struct usage *usage)
{
	return or_zero(usage->input_new) + or_zero(usage->cache_read) + or_zero(usage->cache_write);
}

void
usage_merge(struct usage *into, const struct usage *from)
{
	int64_t lifetimes = or_zero(from->cache_write_5m) + or_zero(from->cache_write_1h);
	if (usage_prompt(from) + lifetimes > 0 || usage_prompt(into) == 0) {
		take(&into->input_new, from->input_new);
		take(&into->cache_read, from->cache_read);
		take(&into->cache_write, from->cache_write);
		take(&into->cache_write_5m, from->cache_write_5m);
		take(&into->cache_write_1h, from->cache_write_1h);
	}
	take(&into->output, from->output);
	take(&into->reasoning, from->reasoning);
	take(&into->web_searches, from->web_searches);
}

void
usage_merge_prompt(struct usage *into, const struct usage *from)
{
	struct usage parts = *from;
	int64_t kept = (from->cache_read < 0 ? or_zero(into->cache_read) : 0) +
		       (from->cache_write < 0 ? or_zero(into->cache_write) : 0);
	if (from->input_new >= 0)
		parts.input_new = or_zero(from->input_new - kept);
	usage_merge(into, &parts);
}

static void
add(int64_t *into, int64_t from)
{
	int64_t old = *into > 0 ? *into : 0;
	if (from >= 0)
		*into = old > INT64_MAX - from ? INT64_MAX : old + from;
}

void
usage_add(struct usage *into, const struct usage *from)
{
	add(&into->input_new, from->input_new);
	add(&into->cache_read, from->cache_read);
	add(&into->cache_write, from->cache_write);
	add(&into->cache_write_5m, from->cache_write_5m);
	add(&into->cache_write_1h, from->cache_write_1h);
	add(&into->output, from->output);
	add(&into->reasoning, from->reasoning);
	add(&into->web_searches, from->web_searches);
}

bool
event_is_too_long(struct view message_text)
{
	/* "prompt is too long: N tokens > M maximum", "maximum context length is N", "exceeds the
	 * context window", "too many input tokens", ... */
	static const char *const signs[] = {
	    "prompt is too long",
	    "context length",
	    "context_length_exceeded",
	    "context window",
	    "context limit",
	    "input is too long",
	    "too many input tokens",
	    "exceeds the maximum number of tokens",
	    "exceed context size",
	    "reduce the length of the messages",
	};
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		if (view_find(message_text, signs[i]) >= 0)
			return true;
	}
	return false;
}

void
event_check_init(struct event_check *check)
{
	*check = (struct event_check){0};
}

static bool
wrong(struct err *err, const char *what)
{
	return err_set(err, ERR_PEER, "event", "%s", what);
}

static bool
check_delta(const struct event_check *check, const struct event *event, struct err *err)
{
	bool fits = false;
	switch (event->delta) {
	case DELTA_TEXT:
		fits = check->part == PART_TEXT || check->part == PART_REFUSAL ||
		       check->part == PART_THINKING || check->part == PART_CALL;
		break;
	case DELTA_INPUT:
		fits = check->part == PART_CALL;
		break;
	case DELTA_SIGNATURE:
		fits = check->part == PART_THINKING;
		break;
	case DELTA_CITATION:
		fits = check->part == PART_TEXT;
		break;
	case DELTA_LOGPROBS:
		fits = check->part == PART_TEXT || check->part == PART_REFUSAL;
		break;
	}
	return fits || wrong(err, "a delta that its part does not take");
}

static bool
check_part(struct event_check *check, const struct event *event, struct err *err)
{
	if (check->stopped)
		return wrong(err, "a part after the stop");
	if (event->kind == EVENT_PART_BEGIN) {
		if (check->part_open)
			return wrong(err, "a part inside a part");
		if (event->part == NULL)
			return wrong(err, "a part that is none");
		check->part_open = true;
		check->part = event->part->kind;
		return true;
	}
	if (!check->part_open)
		return wrong(err, "a delta or finish without a part");
	if (event->kind == EVENT_PART_DELTA)
		return check_delta(check, event, err);
	check->part_open = false;
	return true;
}

bool
event_check_feed(struct event_check *check, const struct event *event, struct err *err)
{
	if (check->ended)
		return wrong(err, "an event after the end");
	if (event->kind == EVENT_ERROR) {
		check->ended = true;
		return true;
	}
	if (event->kind == EVENT_START) {
		if (check->started)
			return wrong(err, "a second start");
		check->started = true;
		return true;
	}
	if (!check->started)
		return wrong(err, "an event before the start");
	switch (event->kind) {
	case EVENT_PART_BEGIN:
	case EVENT_PART_DELTA:
	case EVENT_PART_FINISH:
		return check_part(check, event, err);
	case EVENT_STOP:
		if (check->stopped || check->part_open)
			return wrong(err, "a stop twice or inside a part");
		check->stopped = true;
		return true;
	case EVENT_END:
		if (!check->stopped)
			return wrong(err, "an end without a stop");
		check->ended = true;
		return true;
	case EVENT_USAGE:
	case EVENT_PING:
	case EVENT_START:
	case EVENT_ERROR:
		return true;
	}
	return wrong(err, "an unknown event");
}
