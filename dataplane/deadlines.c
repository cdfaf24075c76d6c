#include "deadlines.h"

#include "must.h"

/* A sweep visits every entry: with many of them it comes less often. */
#define GAP_MS 2
#define ENTRIES_PER_GAP_MS 50

static uint64_t
now_ms(const struct deadlines *deadlines)
{
	return deadlines->loop != NULL ? loop_now_ms(deadlines->loop) : 0;
}

static void
arm(struct deadlines *deadlines, uint64_t due_ms)
{
	uint64_t now = now_ms(deadlines);
	uint64_t soonest = now + GAP_MS + deadlines->count / ENTRIES_PER_GAP_MS;
	if (due_ms < soonest)
		due_ms = soonest;
	if (deadlines->loop == NULL || due_ms >= deadlines->armed_ms)
		return;
	deadlines->armed_ms = due_ms;
	loop_timer_arm(&deadlines->timer, due_ms - now);
}

uint64_t
deadlines_sweep(struct deadlines *deadlines, uint64_t now)
{
	uint64_t earliest = DEADLINE_NONE;
	struct deadline *deadline = deadlines->ring.next;
	for (; deadline != &deadlines->ring; deadline = deadlines->cursor) {
		/* The owner may remove this entry or the one behind it: remove moves the cursor on.
		 */
		deadlines->cursor = deadline->next;
		if (deadline->due_ms <= now) {
			uint64_t next_ms = deadlines->fn(deadline, now);
			if (deadline->next == NULL)
				continue; /* it has removed itself */
			deadline->due_ms = next_ms > now ? next_ms : DEADLINE_NONE;
		}
		if (deadline->due_ms < earliest)
			earliest = deadline->due_ms;
	}
	deadlines->cursor = NULL;
	return earliest;
}

static void
on_timer(struct loop_timer *timer, void *ctx)
{
	struct deadlines *deadlines = ctx;
	uint64_t now = now_ms(deadlines);
	/* libevent reads a clock that is some ms behind: it may be too early. */
	if (now < deadlines->armed_ms) {
		loop_timer_arm(timer, deadlines->armed_ms - now);
		return;
	}
	deadlines->armed_ms = DEADLINE_NONE;
	uint64_t earliest = deadlines_sweep(deadlines, now);
	if (earliest != DEADLINE_NONE)
		arm(deadlines, earliest);
}

void
deadlines_init(struct deadlines *deadlines, struct loop *loop, deadline_fn *fn)
{
	*deadlines = (struct deadlines){.armed_ms = DEADLINE_NONE, .fn = fn, .loop = loop};
	deadlines->ring.next = deadlines->ring.prev = &deadlines->ring;
	if (loop != NULL)
		loop_timer_init(&deadlines->timer, loop, on_timer, deadlines);
}

void
deadlines_fini(struct deadlines *deadlines)
{
	MUST(deadlines->count == 0);
	if (deadlines->loop != NULL)
		loop_timer_fini(&deadlines->timer);
}

void
deadlines_add(struct deadlines *deadlines, struct deadline *deadline, uint64_t due_ms)
{
	MUST(deadline->next == NULL);
	deadline->next = &deadlines->ring;
	deadline->prev = deadlines->ring.prev;
	deadline->prev->next = deadline;
	deadlines->ring.prev = deadline;
	deadline->due_ms = due_ms;
	deadlines->count++;
	if (due_ms != DEADLINE_NONE)
		arm(deadlines, due_ms);
}

void
deadlines_move(struct deadlines *deadlines, struct deadline *deadline, uint64_t due_ms)
{
	if (due_ms >= deadline->due_ms)
		return;
	deadline->due_ms = due_ms;
	arm(deadlines, due_ms);
}

void
deadlines_remove(struct deadlines *deadlines, struct deadline *deadline)
{
	if (deadline->next == NULL)
		return;
	if (deadlines->cursor == deadline)
		deadlines->cursor = deadline->next;
	deadline->prev->next = deadline->next;
	deadline->next->prev = deadline->prev;
	deadline->next = deadline->prev = NULL;
	deadlines->count--;
}
