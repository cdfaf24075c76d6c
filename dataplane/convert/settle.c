#include "settle.h"

#include "jsonspan.h"
#include "write_json.h"

void
settle_init(struct settle *settle, size_t bytes_max)
{
	*settle = (struct settle){0};
	bytes_init(&settle->input, bytes_max);
}

void
settle_fini(struct settle *settle)
{
	bytes_fini(&settle->input);
}

static bool
is_blank(struct view v)
{
	for (size_t i = 0; i < v.len; i++) {
		if (v.data[i] != ' ' && v.data[i] != '\n' && v.data[i] != '\r' && v.data[i] != '\t')
			return false;
	}
	return true;
}

/* The object breaks off inside: no more of it came. What is only written wrongly has an end. */
static bool
breaks_off(struct view input)
{
	bool in_string = false;
	size_t depth = 0;
	for (size_t i = 0; i < input.len; i++) {
		char c = input.data[i];
		if (in_string) {
			i += c == '\\';
			in_string = c != '"';
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			depth++;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return depth > 0;
}

static bool
finish_call(struct settle *settle, struct event *finish, event_fn *next, void *ctx, struct err *err)
{
	struct view input = bytes_view(&settle->input);
	settle->in_function = false;
	if (is_blank(input) && !finish->incomplete) {
		const struct event empty = {
		    .kind = EVENT_PART_DELTA, .delta = DELTA_INPUT, .text = VIEW("{}")};
		if (!next(&empty, ctx, err))
			return false;
	} else if (breaks_off(input)) {
		finish->incomplete = settle->breaks_off = true;
	}
	return next(finish, ctx, err);
}

/* A call says more than the upstream's word for the end, but for the ends that cut or refuse. Half
 * a call was cut, whatever the upstream says: it must not be made. */
static enum stop_reason
true_stop(const struct settle *settle, enum stop_reason told)
{
	if (told == STOP_TOOL_USE && !settle->had_call)
		return STOP_END_TURN;
	if (settle->had_call && (told == STOP_END_TURN || told == STOP_UNKNOWN))
		told = STOP_TOOL_USE;
	return told == STOP_TOOL_USE && settle->breaks_off ? STOP_MAX_TOKENS : told;
}

bool
settle_feed(
    struct settle *settle, const struct event *event, event_fn *next, void *ctx, struct err *err)
{
	struct event copy = *event;
	switch (event->kind) {
	case EVENT_PART_BEGIN:
		if (event->part->kind == PART_CALL) {
			if (event->part->name_plain.len == 0)
				return err_set(
				    err, ERR_PEER, "", "the upstream made a call without a name");
			settle->had_call = true;
			settle->in_function = event->part->form == CALL_FUNCTION;
			bytes_clear(&settle->input);
		}
		break;
	case EVENT_PART_DELTA:
		if (settle->in_function && event->delta == DELTA_INPUT &&
		    !write_json_source(&settle->input, event->text))
			return err_set(err, ERR_LIMIT, "", "the input of a call is too big");
		break;
	case EVENT_PART_FINISH:
		if (settle->in_function)
			return finish_call(settle, &copy, next, ctx, err);
		break;
	case EVENT_STOP:
		copy.stop = true_stop(settle, event->stop);
		break;
	case EVENT_START:
	case EVENT_USAGE:
	case EVENT_PING:
	case EVENT_ERROR:
	case EVENT_END:
		break;
	}
	return next(&copy, ctx, err);
}
