#include "exchange.h"
#include "exchange_private.h"
#include "log.h"
#include "mem.h"
#include "must.h"
#include "refuse.h"
#include <stdio.h>

#define EXCHANGE_MAGIC 0x65786368u
/* An upstream that has said its last event may take so long to end its body. */
#define AFTER_END_MS 5000
#define TRACE_BYTES 480

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
};

static const char *const result_names[] = {
    [RESULT_FAILED] = "failed",
    [RESULT_COMPLETED] = "completed",
    [RESULT_PASSED] = "passed",
    [RESULT_REFUSED] = "refused",
    [RESULT_CLIENT_GONE] = "client_gone",
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
		exchange_note(exchange, step, exchange->attempt.status);
		step = exchange_steps[step](exchange);
	}
}

/* ---- deadlines ---- */

static void
take_earlier(uint64_t *due, enum transport *why, uint64_t from_ms, uint32_t wait_ms,
    enum transport transport)
{
	if (wait_ms != 0 && from_ms + wait_ms < *due) {
		*due = from_ms + wait_ms;
		*why = transport;
	}
}

uint64_t
exchange_due(const struct exchange *exchange, enum transport *why)
{
	const struct attempt *attempt = &exchange->attempt;
	const struct candidate *candidate = &exchange->candidates[exchange->retry.at];
	const struct table_timeouts *times = &exchange->table->timeouts[candidate->group];
	uint64_t due =
	    exchange->retry.deadline_ms != 0 ? exchange->retry.deadline_ms : DEADLINE_NONE;
	*why = TRANSPORT_TIMEOUT_TOTAL;
	if (attempt->paused)
		return due;
	/* A stream has begun with its first useful event, anything else with its head. */
	bool begun = attempt->mode != ATTEMPT_WAITING &&
		     (exchange->committed || attempt->wall.shape != WALL_STREAM ||
			 attempt->mode != ATTEMPT_ANSWER);
	if (!begun) {
		uint32_t wait_ms =
		    attempt->is_stream ? times->first_byte_stream_ms : times->first_byte_ms;
		take_earlier(&due, why, attempt->started_ms, wait_ms, TRANSPORT_TIMEOUT_FIRST_BYTE);
		return due;
	}
	uint32_t wait_ms = attempt->is_stream ? times->idle_stream_ms : times->idle_ms;
	take_earlier(&due, why, attempt->last_ms, wait_ms, TRANSPORT_TIMEOUT_IDLE);
	if (attempt->wall.terminal)
		take_earlier(&due, why, attempt->last_ms, AFTER_END_MS, TRANSPORT_TIMEOUT_IDLE);
	return due;
}

static uint64_t
on_deadline(struct deadline *deadline, uint64_t now_ms)
{
	struct exchange *exchange = deadline->owner;
	enum transport why;
	if (exchange->gone || exchange->dead)
		return DEADLINE_NONE;
	uint64_t due = exchange_due(exchange, &why);
	if (due > now_ms)
		return due;
	exchange_note(exchange, EVENT_DEADLINE, (int)why);
	attempt_cancel(&exchange->attempt, why);
	exchange_drive(exchange, exchange_settle(exchange));
	return exchange->dead ? DEADLINE_NONE : exchange_due(exchange, &why);
}

/* ---- events of the attempt ---- */

static void
on_attempt_head(void *ctx)
{
	exchange_drive(ctx, STEP_HEAD);
}

/* Before COMMIT. False: this attempt is of no use. */
static bool
hold(struct exchange *exchange, struct view bytes)
{
	struct attempt *attempt = &exchange->attempt;
	size_t max =
	    attempt->mode == ATTEMPT_ANSWER ? EXCHANGE_HOLD_BYTES_MAX : ATTEMPT_ERROR_BYTES_MAX;
	bool fits = exchange->held.len + bytes.len <= max;
	bool answer = attempt->mode == ATTEMPT_ANSWER;
	if (answer && attempt->wall.verdict == WALL_FAILED)
		return false;
	if (fits && !(answer && attempt->wall.verdict == WALL_COMMIT)) {
		MUST(bytes_append_view(&exchange->held, bytes));
		return true;
	}
	if (attempt->mode == ATTEMPT_KEEP)
		return false;
	exchange_drive(exchange, STEP_COMMIT);
	(void)relay_write(&exchange->relay, bytes);
	return true;
}

static bool
on_attempt_bytes(struct view bytes, void *ctx)
{
	struct exchange *exchange = ctx;
	if (exchange->gone)
		return false;
	if (!exchange->committed)
		return hold(exchange, bytes);
	if (exchange->attempt.wall.terminal && !exchange->ending) {
		exchange->ending = true;
		deadlines_move(&exchange->env->deadlines, &exchange->deadline,
		    loop_now_ms(exchange->env->loop) + AFTER_END_MS);
	}
	if (!relay_write(&exchange->relay, bytes) && exchange->pauses++ == 0)
		exchange_note(exchange, EVENT_PAUSE, 0);
	return true;
}

static void
on_attempt_done(void *ctx)
{
	struct exchange *exchange = ctx;
	exchange_note(exchange, EVENT_DONE, (int)exchange->attempt.transport);
	if (!exchange->gone && !exchange->dead)
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
	if (exchange->attempt.paused)
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
on_task(struct loop_task *task, void *ctx)
{
	struct exchange *exchange = ctx;
	(void)task;
	if (exchange->dead) {
		exchange_free(exchange);
	} else if (exchange->gone) {
		exchange_drive(exchange, STEP_REAP);
	} else if (exchange->attempt.paused && !exchange->relay.full) {
		enum transport why;
		attempt_resume(&exchange->attempt);
		if (!exchange->dead) {
			deadlines_move(&exchange->env->deadlines, &exchange->deadline,
			    exchange_due(exchange, &why));
		}
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
	exchange->table = table_ref(table);
	exchange->key = key;
	exchange->route = *route;
	relay_make_id(exchange->id);
	(void)snprintf(exchange->path, sizeof(exchange->path), "%.*s", VIEW_ARGS(route->path));
	bytes_init(&exchange->held, EXCHANGE_HOLD_BYTES_MAX);
	env->counts.requests++;
	env->counts.in_flight++;
	return &exchange->work;
}

void
exchange_env_init(struct exchange_env *env, struct loop *loop, struct upstreams *upstreams)
{
	*env = (struct exchange_env){.loop = loop, .upstreams = upstreams};
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
}

void
exchange_stop_all(struct exchange_env *env)
{
	for (struct exchange *exchange = env->first; exchange != NULL; exchange = exchange->next) {
		if (exchange->gone || exchange->dead)
			continue;
		exchange_note(exchange, EVENT_STOP, 0);
		exchange->stopping = true;
		if (exchange->attempt.request != NULL)
			attempt_cancel(&exchange->attempt, TRANSPORT_CANCELLED);
		exchange_drive(exchange, STEP_FAIL);
	}
}

/* ---- log ---- */

/* "at step detail;" for each note, the oldest first, in as many values as it takes. */
static void
log_notes(const struct exchange *exchange, enum log_level level)
{
	struct log_line line;
	char text[TRACE_BYTES], key[24];
	unsigned at =
	    exchange->note_count > EXCHANGE_NOTES ? exchange->note_count - EXCHANGE_NOTES : 0;
	log_begin(&line, level, "exchange_trace");
	if (line.off)
		return;
	log_str(&line, "id", exchange->id);
	log_int(&line, "pauses", exchange->pauses);
	for (unsigned part = 0; at < exchange->note_count; part++) {
		size_t len = 0;
		while (at < exchange->note_count && len + 32 < sizeof(text)) {
			const struct exchange_note *note = &exchange->notes[at++ % EXCHANGE_NOTES];
			int more = snprintf(text + len, sizeof(text) - len, "%s%u %s %d",
			    len > 0 ? "; " : "", note->at_ms, what_names[note->what], note->detail);
			len += more > 0 ? (size_t)more : 0;
		}
		(void)snprintf(key, sizeof(key), "trace%u", part);
		log_str(&line, key, text);
	}
	log_end(&line);
}

void
exchange_log(struct exchange *exchange)
{
	struct log_line line;
	uint64_t now_ms = loop_now_ms(exchange->env->loop);
	log_begin(&line, LOG_INFO, "exchange");
	if (!line.off) {
		log_str(&line, "id", exchange->id);
		log_str(&line, "client_key", exchange->key->id);
		log_str(&line, "protocol", protocol_name(exchange->route.protocol));
		log_str(&line, "route", exchange->path);
		log_str(&line, "model", exchange->facts.model);
		log_str(&line, "upstream", exchange->entry != NULL ? exchange->entry->id : "");
		log_int(&line, "attempts", exchange->attempts);
		log_int(&line, "status", exchange->relay.status);
		log_str(&line, "outcome", result_names[exchange->result]);
		log_str(&line, "blame", blame_name(exchange->outcome.blame));
		log_str(&line, "reason",
		    exchange->outcome.reason != NULL ? exchange->outcome.reason : "");
		log_str(&line, "stream", exchange->facts.stream ? "true" : "false");
		log_int(&line, "ttfb_ms",
		    exchange->committed ? (int64_t)(exchange->commit_ms - exchange->started_ms)
					: -1);
		log_int(&line, "ms", (int64_t)(now_ms - exchange->started_ms));
		log_int(&line, "bytes_in", (int64_t)exchange->bytes_in);
		log_int(&line, "bytes_out", (int64_t)exchange->relay.bytes_out);
		log_end(&line);
	}
	log_notes(exchange, exchange->result == RESULT_FAILED ? LOG_WARN : LOG_DEBUG);
}

void
exchange_log_attempt(struct exchange *exchange)
{
	const struct attempt *attempt = &exchange->attempt;
	struct log_line line;
	log_begin(&line, LOG_WARN, "attempt_failed");
	log_str(&line, "id", exchange->id);
	log_int(&line, "attempt", exchange->attempts);
	log_str(&line, "upstream", exchange->entry->id);
	log_str(&line, "model", attempt->model);
	log_int(&line, "status", attempt->status);
	log_str(&line, "blame", blame_name(exchange->outcome.blame));
	log_str(&line, "reason", exchange->outcome.reason);
	log_str(&line, "transport", transport_name(attempt->transport));
	log_str(&line, "detail", attempt->detail);
	log_str(&line, "error_type", attempt->wall.error_type);
	log_str(&line, "committed", exchange->committed ? "true" : "false");
	log_int(&line, "ms", (int64_t)(loop_now_ms(exchange->env->loop) - attempt->started_ms));
	log_end(&line);
}
