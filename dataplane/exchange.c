#include "exchange.h"
#include "crypto.h"
#include "exchange_private.h"
#include "mem.h"
#include "must.h"
#include <stdio.h>

#define EXCHANGE_MAGIC 0x65786368u
/* What an upstream has that does not hang up: behind the end of its answer, where counts may
 * follow, and behind the last event, for the end of its body, so that its connection serves again.
 */
#define AFTER_END_MS 5000
#define AFTER_LAST_MS 50
#define DUES_AT_ONCE_MAX 8

static const char *const what_names[EVENT_COUNT] = {
    [STEP_WAIT] = "wait",
    [STEP_ADMIT] = "admit",
    [STEP_PLAN] = "plan",
    [STEP_ATTEMPT] = "attempt",
    [STEP_HEAD] = "head",
    [STEP_COMMIT] = "commit",
    [STEP_STREAM] = "stream",
    [STEP_FINISH] = "finish",
    [STEP_FAIL] = "fail",
    [STEP_REAP] = "reap",
    [EVENT_DONE] = "on_done",
    [EVENT_GONE] = "on_gone",
    [EVENT_PAUSE] = "on_pause",
    [EVENT_DEADLINE] = "on_deadline",
    [EVENT_STOP] = "on_stop",
    [EVENT_CANCEL] = "on_cancel",
    [EVENT_HEDGE] = "hedge",
    [EVENT_ALIVE] = "alive",
    [EVENT_LEARN] = "learn",
};

/* ---- driver ---- */

void
exchange_note(struct exchange *exchange, unsigned what, int detail)
{
	struct exchange_note *note = &exchange->notes[exchange->note_count++ % EXCHANGE_NOTES];
	uint64_t now_ms = loop_now_ms(exchange->env->loop);
	*note = (struct exchange_note){.at_ms = (uint32_t)(now_ms - exchange->started_ms),
	    .detail = (int16_t)detail,
	    .what = (uint8_t)what};
}

void
exchange_drive(struct exchange *exchange, enum exchange_step step)
{
	MAGIC_CHECK(exchange, EXCHANGE_MAGIC);
	while (step != STEP_WAIT && !exchange->dead) {
		exchange_note(exchange, step, exchange->leg->attempt.status);
		step = exchange_steps[step](exchange);
	}
}

size_t
exchange_notes_print(const struct exchange *exchange, unsigned *at, char *out, size_t out_len)
{
	size_t len = 0;
	while (*at < exchange->note_count && len + 32 < out_len) {
		const struct exchange_note *note = &exchange->notes[(*at)++ % EXCHANGE_NOTES];
		int more = snprintf(out + len, out_len - len, "%s%u %s %d", len > 0 ? "; " : "",
		    note->at_ms, what_names[note->what], note->detail);
		len += more > 0 ? (size_t)more : 0;
	}
	return len;
}

/* ---- deadlines ---- */

enum due_kind { DUE_LEG, DUE_HEDGE, DUE_RESUME, DUE_ALIVE, DUE_TOTAL };

struct due {
	uint64_t at_ms;
	enum due_kind kind;
	struct leg *leg;
	enum transport why;
};

static void
take_earlier(struct due *due, uint64_t at_ms, enum due_kind kind)
{
	if (at_ms < due->at_ms)
		*due = (struct due){.at_ms = at_ms, .kind = kind};
}

static void
take_leg(struct due *due, struct leg *leg, uint64_t from_ms, uint32_t wait_ms, enum transport why)
{
	if (wait_ms != 0 && from_ms + wait_ms < due->at_ms)
		*due = (struct due){from_ms + wait_ms, DUE_LEG, leg, why};
}

/* A stream has begun with its first useful event, anything else with its head. */
static bool
has_begun(const struct attempt *attempt)
{
	return attempt->mode != ATTEMPT_WAITING &&
	       (attempt->mode != ATTEMPT_ANSWER || attempt->wall.shape != WALL_STREAM ||
		   attempt->wall.verdict == WALL_COMMIT);
}

static void
take_leg_dues(struct due *due, const struct exchange *exchange, struct leg *leg)
{
	const struct attempt *attempt = &leg->attempt;
	const struct table_timeouts *times =
	    &exchange->table->timeouts[exchange->places[leg->place].group];
	bool stream = attempt->is_stream;
	take_leg(due, leg, attempt->started_ms, stream ? times->total_stream_ms : times->total_ms,
	    TRANSPORT_TIMEOUT_TOTAL);
	if (attempt->paused)
		return;
	if (has_begun(attempt)) {
		take_leg(due, leg, attempt->last_ms,
		    stream ? times->idle_stream_ms : times->idle_ms, TRANSPORT_TIMEOUT_IDLE);
		if (attempt->wall.terminal)
			take_leg(due, leg, attempt->last_ms,
			    attempt->wall.closed ? AFTER_LAST_MS : AFTER_END_MS,
			    TRANSPORT_TIMEOUT_IDLE);
		return;
	}
	/* Of two that end alike the nearer cause counts. */
	if (!attempt_connected(attempt)) {
		take_leg(due, leg, attempt->asked_ms, times->connect_ms, TRANSPORT_TIMEOUT_CONNECT);
	} else if (attempt->mode == ATTEMPT_WAITING && !attempt_sent(attempt)) {
		take_leg(due, leg, attempt->sent_ms, times->write_ms, TRANSPORT_TIMEOUT_WRITE);
	}
	take_leg(due, leg, attempt->asked_ms,
	    stream ? times->first_byte_stream_ms : times->first_byte_ms,
	    TRANSPORT_TIMEOUT_FIRST_BYTE);
}

static struct due
find_due(struct exchange *exchange)
{
	struct due due = {.at_ms = DEADLINE_NONE};
	take_earlier(&due, exchange->total_ms, DUE_TOTAL);
	take_earlier(&due, exchange->alive_ms, DUE_ALIVE);
	if (exchange->resume_ms != 0)
		take_earlier(&due, exchange->resume_ms, DUE_RESUME);
	if (!exchange->committed)
		take_earlier(&due, exchange->hedge_ms, DUE_HEDGE);
	for (size_t i = 0; i < EXCHANGE_LEGS; i++) {
		struct leg *leg = &exchange->legs[i];
		if (leg->live && !leg->lost && !leg->attempt.done)
			take_leg_dues(&due, exchange, leg);
	}
	return due;
}

/* When to look again. While a request is being sent nothing tells when its upstream takes no more:
 * it is looked at now and then. */
static uint64_t
next_look_ms(struct exchange *exchange)
{
	uint64_t at_ms = find_due(exchange).at_ms, now_ms = loop_now_ms(exchange->env->loop);
	for (size_t i = 0; i < EXCHANGE_LEGS; i++) {
		const struct leg *leg = &exchange->legs[i];
		uint32_t write_ms =
		    exchange->table->timeouts[exchange->places[leg->place].group].write_ms;
		bool sending = leg->live && leg->attempt.mode == ATTEMPT_WAITING &&
			       !attempt_sent(&leg->attempt);
		if (sending && write_ms != 0 && now_ms + write_ms < at_ms)
			at_ms = now_ms + write_ms;
	}
	return at_ms;
}

void
exchange_watch(struct exchange *exchange)
{
	struct deadlines *deadlines = &exchange->env->deadlines;
	uint64_t at_ms = next_look_ms(exchange);
	if (exchange->deadline.next == NULL) {
		deadlines_add(deadlines, &exchange->deadline, at_ms);
	} else {
		deadlines_move(deadlines, &exchange->deadline, at_ms);
	}
}

/* The time for the client's whole call is up, whoever is to blame for that. */
static void
time_out(struct exchange *exchange)
{
	exchange->total_ms = DEADLINE_NONE;
	for (size_t i = 0; i < EXCHANGE_LEGS; i++) {
		if (exchange->legs[i].live)
			attempt_cancel(&exchange->legs[i].attempt, TRANSPORT_CANCELLED);
	}
	exchange->retry.deadline_ms = 1; /* no further call */
	exchange->outcome =
	    (struct outcome){.blame = BLAME_NOBODY, .reason = "timeout_request", .timed_out = true};
	exchange_drive(exchange, STEP_FAIL);
}

static void
act(struct exchange *exchange, const struct due *due)
{
	switch (due->kind) {
	case DUE_LEG:
		MUST(due->leg != NULL);
		exchange_note(exchange, EVENT_DEADLINE, (int)due->why);
		attempt_cancel(&due->leg->attempt, due->why);
		if (!due->leg->attempt.done)
			break; /* its answer was paused, and it has been asked to go on */
		exchange->leg = due->leg;
		exchange_drive(exchange, exchange_settle(exchange));
		break;
	case DUE_HEDGE:
		exchange_hedge(exchange);
		break;
	case DUE_RESUME:
		exchange_drive(exchange, STEP_ATTEMPT);
		break;
	case DUE_ALIVE:
		exchange_keep_alive(exchange);
		break;
	case DUE_TOTAL:
		time_out(exchange);
		break;
	}
}

/* What is due now may make something else due: a few times at the most. */
static uint64_t
on_deadline(struct deadline *deadline, uint64_t now_ms)
{
	struct exchange *exchange = deadline->owner;
	for (unsigned i = 0; i < DUES_AT_ONCE_MAX && !exchange->gone && !exchange->dead; i++) {
		struct due due = find_due(exchange);
		if (due.at_ms > now_ms)
			return next_look_ms(exchange);
		act(exchange, &due);
	}
	return exchange->gone || exchange->dead ? DEADLINE_NONE : now_ms + 1;
}

/* ---- events of the attempts ---- */

static void
on_attempt_head(void *ctx)
{
	struct leg *leg = ctx;
	struct exchange *exchange = leg->exchange;
	if (leg->lost || exchange->gone)
		return;
	exchange->leg = leg;
	exchange_drive(exchange, STEP_HEAD);
}

/* Before COMMIT. False: this attempt is of no use. */
static bool
hold(struct exchange *exchange, struct leg *leg, struct view bytes)
{
	struct attempt *attempt = &leg->attempt;
	bool answer = attempt->mode == ATTEMPT_ANSWER;
	size_t max = answer ? EXCHANGE_HOLD_BYTES_MAX : ATTEMPT_ERROR_BYTES_MAX;
	if (answer && attempt->wall.verdict == WALL_FAILED)
		return false;
	/* The whole of a folded answer: its end decides. */
	if (attempt->done) {
		if (leg->held.max < leg->held.len + bytes.len + 1)
			leg->held.max = leg->held.len + bytes.len + 1;
		return bytes_append_view(&leg->held, bytes);
	}
	bool fits = leg->held.len + bytes.len <= max;
	if (fits)
		MUST(bytes_append_view(&leg->held, bytes));
	bool ready = answer && attempt_is_ready(attempt);
	if (fits && !ready)
		return true;
	/* Too much to hold: of an error that is kept it is enough. */
	if (attempt->mode == ATTEMPT_KEEP ||
	    (attempt->mode == ATTEMPT_PASS && exchange->relay.started))
		return false;
	exchange->leg = leg;
	exchange_drive(exchange, STEP_COMMIT);
	if (!fits)
		(void)relay_write(&exchange->relay, bytes);
	return true;
}

static bool
on_attempt_bytes(struct view bytes, void *ctx)
{
	struct leg *leg = ctx;
	struct exchange *exchange = leg->exchange;
	if (exchange->gone || leg->lost)
		return false;
	if (leg->attempt.wall.terminal)
		exchange_watch(exchange);
	if (!exchange->committed)
		return hold(exchange, leg, bytes);
	exchange->ending = exchange->ending || leg->attempt.wall.terminal;
	exchange_record_renew(exchange);
	if (bytes.len == 0)
		return true;
	exchange->written_ms = leg->attempt.last_ms;
	if (!relay_write(&exchange->relay, bytes) && exchange->pauses++ == 0)
		exchange_note(exchange, EVENT_PAUSE, 0);
	return true;
}

static void
on_attempt_done(void *ctx)
{
	struct leg *leg = ctx;
	struct exchange *exchange = leg->exchange;
	exchange_note(exchange, EVENT_DONE, (int)leg->attempt.transport);
	if (exchange->gone || exchange->dead || leg->lost)
		return;
	exchange->leg = leg;
	exchange_drive(exchange, exchange_settle(exchange));
}

const struct attempt_events exchange_attempt_events = {
    on_attempt_head, on_attempt_bytes, on_attempt_done};

/* ---- events of the client ---- */

static void
on_request(struct work *work)
{
	struct exchange *exchange = (struct exchange *)work;
	httpd_body_take(exchange->relay.req, &exchange->body);
	exchange->bytes_in = exchange->body.len;
	exchange->env->counts.bytes_in += exchange->bytes_in;
	exchange_drive(exchange, STEP_ADMIT);
}

static void
on_writable(struct work *work)
{
	struct exchange *exchange = (struct exchange *)work;
	relay_writable(&exchange->relay);
	if (exchange->leg->attempt.paused)
		loop_defer(exchange->env->loop, &exchange->task);
}

static void
on_gone(struct work *work)
{
	struct exchange *exchange = (struct exchange *)work;
	exchange_note(exchange, EVENT_GONE, 0);
	relay_gone(&exchange->relay);
	/* What it points to dies with the request; an answer may still begin in this turn. */
	exchange->request.accept_encoding = (struct view){0};
	exchange->gone = true;
	loop_defer(exchange->env->loop, &exchange->task);
}

/* ---- life ---- */

static void
exchange_free(struct exchange *exchange)
{
	if (exchange->next != NULL)
		exchange->next->prev = exchange->prev;
	if (exchange->prev != NULL) {
		exchange->prev->next = exchange->next;
	} else {
		exchange->env->first = exchange->next;
	}
	loop_defer_cancel(&exchange->task);
	table_unref(exchange->table);
	MAGIC_CLEAR(exchange);
	mem_free(exchange);
}

static void
drop_lost_legs(struct exchange *exchange)
{
	static const struct outcome lost = {.blame = BLAME_NOBODY, .reason = "hedge_lost"};
	for (size_t i = 0; i < EXCHANGE_LEGS; i++) {
		struct leg *leg = &exchange->legs[i];
		if (!leg->lost)
			continue;
		exchange_tell_outcome(exchange, leg, &lost, 0);
		exchange_leg_free(exchange, leg);
	}
}

static void
on_task(struct loop_task *task, void *ctx)
{
	struct exchange *exchange = ctx;
	(void)task;
	if (exchange->dead) {
		exchange_free(exchange);
		return;
	}
	if (exchange->gone) {
		exchange_drive(exchange, STEP_REAP);
		return;
	}
	drop_lost_legs(exchange);
	if (exchange->leg->attempt.paused && !exchange->relay.full) {
		attempt_resume(&exchange->leg->attempt);
		if (!exchange->dead)
			exchange_watch(exchange);
	}
}

struct work *
exchange_new(struct exchange_env *env, struct http_req *req, const struct route *route,
    struct table *table, const struct client_key *key)
{
	static const struct work_ops ops = {on_request, on_writable, on_gone};
	struct exchange *exchange = MEM_NEW(struct exchange);
	exchange->work.ops = &ops;
	MAGIC_SET(exchange, EXCHANGE_MAGIC);
	exchange->env = env;
	exchange->next = env->first;
	if (env->first != NULL)
		env->first->prev = exchange;
	env->first = exchange;
	exchange->task = (struct loop_task){.fn = on_task, .ctx = exchange};
	exchange->deadline.owner = exchange;
	exchange->started_ms = httpd_started_ms(req);
	relay_init(&exchange->relay, req);
	exchange->slot = JOURNAL_NO_SLOT;
	exchange->table = table_ref(table);
	exchange->key = key;
	exchange->route = *route;
	relay_make_id(exchange->id);
	(void)snprintf(exchange->path, sizeof(exchange->path), "%.*s", VIEW_ARGS(route->path));
	const struct http_header *headers;
	size_t header_count = httpd_headers(req, &headers);
	exchange->trace = tracer_begin(table, headers, header_count, httpd_method_name(req));
	exchange->leg = &exchange->legs[0];
	exchange->hedge_ms = exchange->total_ms = exchange->alive_ms = DEADLINE_NONE;
	env->counts.requests++;
	env->counts.in_flight++;
	return &exchange->work;
}

void
exchange_env_init(struct exchange_env *env, struct loop *loop, struct upstreams *upstreams)
{
	*env = (struct exchange_env){
	    .loop = loop, .upstreams = upstreams, .chance = crypto_random_u64()};
	env->loads = loads_new();
	env->stays = stays_new();
	env->answers = stays_new();
	env->lessons = lessons_new();
	env->notes = notes_new();
	bodies_init(&env->bodies, loop);
	deadlines_init(&env->deadlines, loop, on_deadline);
}

void
exchange_env_fini(struct exchange_env *env)
{
	/* The tasks that would free them run no more. */
	while (env->first != NULL) {
		struct exchange *exchange = env->first;
		exchange_drive(exchange, STEP_REAP);
		exchange_free(exchange);
	}
	deadlines_fini(&env->deadlines);
	loads_free(env->loads);
	stays_free(env->stays);
	stays_free(env->answers);
	lessons_free(env->lessons);
	notes_free(env->notes);
}

/* splitmix64 */
uint64_t
exchange_chance(struct exchange_env *env)
{
	uint64_t z = env->chance += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

void
exchange_stop_all(struct exchange_env *env)
{
	for (struct exchange *exchange = env->first; exchange != NULL; exchange = exchange->next) {
		if (exchange->gone || exchange->dead)
			continue;
		exchange_note(exchange, EVENT_STOP, 0);
		exchange->stopping = true;
		for (size_t i = 0; i < EXCHANGE_LEGS; i++) {
			if (exchange->legs[i].attempt.request != NULL)
				attempt_cancel(&exchange->legs[i].attempt, TRANSPORT_CANCELLED);
		}
		exchange_drive(exchange, STEP_FAIL);
	}
}
