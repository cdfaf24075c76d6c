/* What is under way: told to the owner, and ended at his word. */
#include "clock.h"
#include "exchange_private.h"
#include "must.h"
#include <stdio.h>
#include <string.h>

_Static_assert(RELAY_ID_BYTES <= REPORT_ID_BYTES, "an id fits into a report");

const struct outcome exchange_cancelled = {.blame = BLAME_NOBODY, .reason = "cancelled"};

/* ---- telling ---- */

static void
fill(const struct exchange *exchange, struct report_running *out)
{
	const struct exchange_env *env = exchange->env;
	uint64_t spent_ms = loop_now_ms(env->loop) - exchange->started_ms;
	*out = (struct report_running){
	    .at_ms = clock_wall_ms() - (int64_t)spent_ms,
	    .client_key = exchange->key->id,
	    .model = (char *)(uintptr_t)exchange->facts.model,
	    .upstream = exchange->entry != NULL ? exchange->entry->id : (char *)(uintptr_t) "",
	    .protocol = (unsigned)exchange->route.protocol,
	    .calls = exchange->attempts,
	    .stream = exchange->facts.stream,
	    .begun = exchange->committed,
	};
	(void)snprintf(out->id, sizeof(out->id), "%s", exchange->id);
}

void
exchange_report(struct exchange_env *env, struct report *report)
{
	const struct exchange *oldest[REPORT_RUNNING_MAX];
	size_t seen = 0;
	/* The newest come first. */
	for (const struct exchange *at = env->first; at != NULL; at = at->next) {
		if (!at->gone && !at->dead)
			oldest[seen++ % REPORT_RUNNING_MAX] = at;
	}
	size_t count = seen < REPORT_RUNNING_MAX ? seen : REPORT_RUNNING_MAX;
	for (size_t i = 0; i < count; i++)
		fill(oldest[(seen - 1 - i) % REPORT_RUNNING_MAX], &env->running[i]);
	report->in_flight = env->counts.in_flight;
	report->running = env->running;
	report->running_count = count;
	report->loads = env->running_loads;
	report->load_count = loads_list(env->loads, env->running_loads, REPORT_LOADS_MAX);
	report->cancelled = env->cancelled;
	report->cancelled_count = env->cancelled_count;
}

/* ---- ending ---- */

void
exchange_cancelled_taken(struct exchange_env *env, size_t count)
{
	MUST(count <= env->cancelled_count);
	env->cancelled_count -= count;
	memmove(&env->cancelled[0], &env->cancelled[count],
	    env->cancelled_count * sizeof(env->cancelled[0]));
}

static void
tell(struct exchange_env *env, const char *id)
{
	if (env->cancelled_count == REPORT_CANCELLED_MAX)
		exchange_cancelled_taken(env, 1);
	struct report_cancelled *one = &env->cancelled[env->cancelled_count++];
	(void)snprintf(one->id, sizeof(one->id), "%s", id);
}

static void
cancel(struct exchange *exchange)
{
	tell(exchange->env, exchange->id);
	exchange_note(exchange, EVENT_CANCEL, 0);
	exchange->cancelled = true;
	for (size_t i = 0; i < EXCHANGE_LEGS; i++) {
		if (exchange->legs[i].attempt.request != NULL)
			attempt_cancel(&exchange->legs[i].attempt, TRANSPORT_CANCELLED);
	}
	exchange_drive(exchange, STEP_FAIL);
}

/* One whose answer is whole already ends by itself. */
void
exchange_cancel(struct view id, void *ctx)
{
	struct exchange_env *env = ctx;
	for (struct exchange *at = env->first; at != NULL; at = at->next) {
		if (!view_eq_str(id, at->id))
			continue;
		if (!at->gone && !at->dead && !at->ending)
			cancel(at);
		return;
	}
}
