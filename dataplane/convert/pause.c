#include "pause.h"

bool
pause_init(struct pause *pause, const struct pause_ops *ops, struct arena *arena)
{
	*pause = (struct pause){.ops = ops};
	usage_init(&pause->before);
	usage_init(&pause->now);
	if (ops != NULL)
		pause->said = ops->said_new(arena);
	return ops == NULL || pause->said != NULL;
}

void
pause_fini(struct pause *pause)
{
	if (pause->said != NULL)
		pause->ops->said_free(pause->said);
	*pause = (struct pause){0};
}

static bool
too_big(struct err *err)
{
	return err_set(err, ERR_LIMIT, "", "an answer that pauses is too big");
}

bool
pause_hear(struct pause *pause, const struct sse_event *event, struct err *err)
{
	return pause->ops == NULL || pause->ops->said_event(pause->said, event) || too_big(err);
}

bool
pause_hear_whole(struct pause *pause, struct view body, struct err *err)
{
	return pause->ops == NULL || pause->ops->said_whole(pause->said, body) || too_big(err);
}

static bool
pass_usage(struct pause *pause, event_fn *next, void *ctx, struct err *err)
{
	struct event event = {.kind = EVENT_USAGE, .usage = pause->before};
	usage_add(&event.usage, &pause->now);
	return next(&event, ctx, err);
}

bool
pause_feed(
    struct pause *pause, const struct event *event, event_fn *next, void *ctx, struct err *err)
{
	if (pause->ops == NULL)
		return next(event, ctx, err);
	switch (event->kind) {
	case EVENT_START:
		usage_merge(&pause->now, &event->usage);
		return pause->rounds > 0 ? pass_usage(pause, next, ctx, err)
					 : next(event, ctx, err);
	case EVENT_USAGE:
		usage_merge(&pause->now, &event->usage);
		return pass_usage(pause, next, ctx, err);
	case EVENT_STOP:
		pause->paused = event->stop == STOP_PAUSE && pause->rounds < PAUSE_ROUNDS_MAX &&
				pause->ops->said_may_go_on(pause->said);
		return pause->paused || next(event, ctx, err);
	case EVENT_END:
		return pause->paused || next(event, ctx, err);
	case EVENT_ERROR:
		pause->paused = false;
		break;
	case EVENT_PART_BEGIN:
	case EVENT_PART_DELTA:
	case EVENT_PART_FINISH:
	case EVENT_PING:
		break;
	}
	return next(event, ctx, err);
}

bool
pause_continue(struct pause *pause, struct view body, struct bytes *out, struct err *err)
{
	if (!pause->ops->said_append(pause->said, body, out))
		return too_big(err);
	usage_add(&pause->before, &pause->now);
	usage_init(&pause->now);
	pause->rounds++;
	pause->paused = false;
	return true;
}
