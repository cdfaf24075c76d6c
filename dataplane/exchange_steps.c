/* ATTEMPT to FINISH: what happens between the plan and the end. */
#include "choose.h"
#include "clock.h"
#include "count.h"
#include "exchange_private.h"
#include "headers.h"
#include "limits.h"
#include "must.h"
#include "refuse.h"
#include "transcode.h"
#include <stdio.h>
#include <string.h>

#define HEADERS_MAX (ANSWER_HEADERS_MAX + 3)
#define HEDGE_BURST 4              /* so many second calls are there at the start */
#define ANSWER_KEPT_MS 2592000000u /* 30 days: so long OpenAI keeps what can be continued */

/* ---- legs ---- */

struct leg *
exchange_other_leg(struct exchange *exchange)
{
	return exchange->leg == &exchange->legs[0] ? &exchange->legs[1] : &exchange->legs[0];
}

void
exchange_leg_free(struct exchange *exchange, struct leg *leg)
{
	if (leg->load != NULL)
		loads_leave(exchange->env->loads, leg->load);
	attempt_fini(&leg->attempt);
	bytes_fini(&leg->held);
	*leg = (struct leg){0};
}

/* Asks the upstream at `place` on a free leg. False: the call ended before it began. */
static bool
start_leg(struct exchange *exchange, struct leg *leg, size_t place, bool hedge)
{
	const struct upstream_entry *entry = exchange_entry(exchange, place);
	*leg = (struct leg){.exchange = exchange, .place = place, .hedge = hedge, .live = true};
	bytes_init(&leg->held, EXCHANGE_HOLD_BYTES_MAX);
	leg->load = loads_enter(exchange->env->loads, entry->id, loop_now_ms(exchange->env->loop));
	exchange->leg = leg;
	exchange->entry = entry;
	exchange->places[place].asked = true;
	exchange->attempts++;
	exchange->env->counts.attempts++;
	return attempt_start(&leg->attempt, &exchange->request, entry, exchange->fresh, leg);
}

/* ---- ATTEMPT, HEAD ---- */

static void
arm_hedge(struct exchange *exchange, const struct leg *leg)
{
	const struct group_policy *policy = exchange_policy(exchange);
	uint32_t p95_ms = policy->hedge == HEDGE_AUTO ? load_p95_ms(leg->load) : 0;
	exchange->hedge_ms = DEADLINE_NONE;
	/* Nobody but the one who gave it continues an answer. */
	if (policy->hedge == HEDGE_OFF || exchange->hedged || exchange->previous != 0 ||
	    exchange->route.endpoint != ENDPOINT_GENERATE)
		return;
	exchange->hedge_ms =
	    leg->attempt.started_ms + (p95_ms != 0 ? p95_ms : policy->hedge_after_ms);
}

/* Anthropic's count of tokens where the upstream has no such endpoint: by our own reckoning, which
 * the answer says. */
static enum exchange_step
answer_count(struct exchange *exchange)
{
	struct http_header headers[] = {
	    {VIEW("content-type"), VIEW("application/json")},
	    {VIEW("x-pointsman-estimate"), VIEW("true")},
	    {view_of(relay_id_name(exchange->route.protocol)), view_of(exchange->id)},
	};
	char text[64];
	struct err err;
	int64_t tokens = 0;
	struct relay_head head = {.status = 200, .headers = headers, .count = 3};
	if (!count_estimate(
		(enum wire)exchange->route.protocol, bytes_view(&exchange->body), &tokens, &err)) {
		struct relay_refusal refusal = {.status = 400, .message = err.msg};
		exchange->result = RESULT_REFUSED;
		return exchange_refuse(exchange, &refusal,
		    (struct outcome){.blame = BLAME_REQUEST, .reason = "body_json"});
	}
	head.length =
	    (uint64_t)snprintf(text, sizeof(text), "{\"input_tokens\":%lld}", (long long)tokens);
	head.has_length = true;
	relay_start(&exchange->relay, &head);
	(void)relay_write(&exchange->relay, view_of(text));
	relay_end(&exchange->relay);
	exchange->outcome = (struct outcome){.success = true, .reason = "estimated"};
	exchange->result = RESULT_COMPLETED;
	return STEP_REAP;
}

static enum exchange_step
step_attempt(struct exchange *exchange)
{
	struct leg *leg = exchange->legs[0].live ? &exchange->legs[1] : &exchange->legs[0];
	const struct upstream_entry *entry = exchange_entry(exchange, exchange->retry.at);
	if (exchange->route.endpoint == ENDPOINT_COUNT_TOKENS &&
	    entry->protocol != PROTOCOL_ANTHROPIC)
		return answer_count(exchange);
	exchange->resume_ms = 0;
	bool started = start_leg(exchange, leg, exchange->retry.at, false);
	/* A second try on a new connection is no second call: the first was never seen. */
	if (!exchange->fresh && leg->attempt.refusal.kind == ERR_NONE)
		exchange->retry.calls++;
	exchange->fresh = false;
	if (!started)
		return exchange_settle(exchange);
	arm_hedge(exchange, leg);
	exchange_watch(exchange);
	return STEP_WAIT;
}

static enum exchange_step
step_head(struct exchange *exchange)
{
	(void)exchange;
	return STEP_WAIT;
}

void
exchange_hedge(struct exchange *exchange)
{
	const struct group_policy *policy = exchange_policy(exchange);
	struct leg *first = exchange->leg, *second = exchange_other_leg(exchange);
	size_t place = retry_next_place(&exchange->retry, STRATEGY_SWITCH_API);
	exchange->hedge_ms = DEADLINE_NONE;
	if (exchange->committed || exchange->hedged || !first->live || second->live ||
	    place == RETRY_NONE || exchange->retry.calls >= exchange->retry.calls_max ||
	    attempt_is_ready(&first->attempt))
		return;
	if (policy->hedge_budget_percent == 0 ||
	    !budget_take(&exchange->env->hedges[exchange->places[0].group], HEDGE_BURST))
		return;
	exchange->hedged = true;
	exchange->retry.calls++;
	exchange_note(exchange, EVENT_HEDGE, (int)place);
	if (!start_leg(exchange, second, place, true)) {
		second->live = false;
		exchange_leg_free(exchange, second);
		exchange->leg = first;
		exchange->entry = first->attempt.entry;
	}
}

/* ---- COMMIT ---- */

static size_t
own_headers(const struct exchange *exchange, struct http_header *out)
{
	const struct attempt *attempt = &exchange->leg->attempt;
	const struct answer *answer = attempt->answer;
	const char *id_name = relay_id_name(exchange->route.protocol);
	struct view connection = answer_header(answer, "connection");
	struct view coding = answer_header(answer, "content-encoding");
	size_t count = 0;
	for (size_t i = 0; i < answer->header_count; i++) {
		if (headers_to_client(answer->headers[i].name, connection))
			out[count++] = answer->headers[i];
	}
	if (coding.len > 0 && !attempt->inflate_out)
		out[count++] = (struct http_header){VIEW("content-encoding"), coding};
	if (answer_header(answer, id_name).data == NULL)
		out[count++] = (struct http_header){view_of(id_name), view_of(exchange->id)};
	return count;
}

/* Of an answer that was converted. */
static size_t
converted_headers(
    const struct exchange *exchange, const struct limits *limits, struct http_header *out)
{
	bool stream = exchange->facts.stream;
	size_t count = 0;
	out[count++] = (struct http_header){VIEW("content-type"),
	    stream ? VIEW("text/event-stream; charset=utf-8") : VIEW("application/json")};
	if (stream)
		out[count++] = (struct http_header){VIEW("cache-control"), VIEW("no-cache")};
	out[count++] = (struct http_header){
	    view_of(relay_id_name(exchange->route.protocol)), view_of(exchange->id)};
	for (size_t i = 0; i < limits->count; i++)
		out[count++] = limits->headers[i];
	if (exchange->loss[0] != '\0') {
		out[count++] =
		    (struct http_header){VIEW("x-pointsman-loss"), view_of(exchange->loss)};
	}
	return count;
}

static void
write_head(struct exchange *exchange)
{
	struct attempt *attempt = &exchange->leg->attempt;
	const struct answer *answer = attempt->answer;
	struct http_header headers[HEADERS_MAX];
	struct limits limits;
	struct relay_head head = {.status = answer->status, .headers = headers};
	bool changed = attempt->convert != NULL || attempt->folds;
	bool stream = attempt->mode == ATTEMPT_ANSWER && exchange->facts.stream &&
		      (changed || attempt->wall.shape == WALL_STREAM);
	if (changed) {
		limits_convert(exchange->route.protocol, attempt->entry->protocol, answer,
		    clock_wall_ms(), &limits);
		head.count = converted_headers(exchange, &limits, headers);
	} else {
		head.count = own_headers(exchange, headers);
	}
	if (attempt->done) {
		head.has_length = true;
		head.length = exchange->leg->held.len;
	} else if (answer->has_length && !stream && !attempt->inflate_out && !changed) {
		head.has_length = true;
		head.length = answer->length;
	}
	/* A stream with a length could not end with an error event. */
	head.has_length = head.has_length && !stream;
	relay_start(&exchange->relay, &head);
}

/* A session that is not where it belongs shall not wander on with the next failure. */
static void
keep_session(struct exchange *exchange)
{
	const struct retry_place *place = &exchange->places[exchange->leg->place];
	const struct group_policy *policy = &exchange->table->policies[place->group];
	struct exchange_env *env = exchange->env;
	enum group group = (enum group)place->group;
	if (exchange->session.key == 0 || policy->affinity_ttl_ms == 0 ||
	    exchange->session.source == SESSION_RESPONSE)
		return;
	/* One that was only slower has its cache still. */
	if (exchange->leg->hedge && exchange_other_leg(exchange)->live)
		return;
	struct choose_asked asked = {
	    .group = group, .session = exchange->session.key, .random = 0, .stay = -1};
	char model[TABLE_NAME_BYTES_MAX + 1];
	rewrite_rules(exchange->table, exchange->facts.model, model);
	asked.model = view_of(model);
	if (choose_home(exchange->table, &asked) == (int)place->entry) {
		stays_drop(env->stays, group, exchange->session.key);
	} else {
		stays_put(env->stays, group, exchange->session.key, exchange->entry->id,
		    policy->affinity_ttl_ms, loop_now_ms(env->loop));
	}
}

/* A request that continues this answer can be understood only where it came from. Other protocols
 * have nothing to continue: their ids reach no client. */
static void
keep_answer(struct exchange *exchange)
{
	const struct leg *leg = exchange->leg;
	const char *id = leg->attempt.tap.found.id;
	struct exchange_env *env = exchange->env;
	enum group group = (enum group)exchange->places[leg->place].group;
	if (exchange->route.protocol != PROTOCOL_RESPONSES ||
	    leg->attempt.entry->protocol != PROTOCOL_RESPONSES || id[0] == '\0')
		return;
	stays_put(env->answers, group, session_answer(view_of(id)), leg->attempt.entry->id,
	    ANSWER_KEPT_MS, loop_now_ms(env->loop));
}

/* The one that answers takes all; the other is cancelled when libcurl is done. */
static void
win(struct exchange *exchange)
{
	struct leg *loser = exchange_other_leg(exchange);
	exchange->entry = exchange->leg->attempt.entry;
	exchange->hedge_ms = DEADLINE_NONE;
	exchange->committed = true;
	exchange->commit_ms = loop_now_ms(exchange->env->loop);
	if (loser->live) {
		loser->lost = true;
		loop_defer(exchange->env->loop, &exchange->task);
	}
}

/* Runs inside libcurl or at the attempt's end; from here on no other upstream may answer. */
static enum exchange_step
step_commit(struct exchange *exchange)
{
	struct leg *leg = exchange->leg;
	struct attempt *attempt = &leg->attempt;
	if (attempt->mode == ATTEMPT_PASS && attempt->inflate == NULL)
		attempt_mask_key(attempt, &leg->held);
	win(exchange);
	if (attempt->mode == ATTEMPT_ANSWER) {
		exchange_tell_begun(exchange, leg);
		keep_session(exchange);
		keep_answer(exchange);
	}
	transcode_loss(attempt->convert, exchange->loss, sizeof(exchange->loss));
	if (!exchange->relay.started)
		write_head(exchange);
	(void)relay_write(&exchange->relay, bytes_view(&leg->held));
	exchange->written_ms = exchange->commit_ms;
	bytes_fini(&leg->held);
	if (attempt_drop_request(attempt) && !exchange_other_leg(exchange)->live)
		bytes_fini(&exchange->body);
	/* What an upstream sends and conversion keeps back must not look like silence. */
	exchange->alive_ms = attempt->convert != NULL && !attempt->folds
				 ? exchange->commit_ms + EXCHANGE_PING_MS
				 : DEADLINE_NONE;
	exchange_watch(exchange);
	return STEP_STREAM;
}

/* ---- STREAM, FINISH ---- */

static enum exchange_step
step_stream(struct exchange *exchange)
{
	return exchange->leg->attempt.done ? STEP_FINISH : STEP_WAIT;
}

static enum exchange_step
step_finish(struct exchange *exchange)
{
	struct leg *leg = exchange->leg;
	exchange->result = exchange->outcome.success ? RESULT_COMPLETED : RESULT_PASSED;
	exchange_tell_outcome(exchange, leg, &exchange->outcome, 0);
	relay_end(&exchange->relay);
	return STEP_REAP;
}

enum exchange_step
exchange_settle(struct exchange *exchange)
{
	struct attempt *attempt = &exchange->leg->attempt;
	struct outcome_facts facts = attempt_facts(attempt);
	facts.committed = exchange->committed;
	exchange->outcome = outcome_classify(&facts, &exchange->table->strategies);
	bool passed = attempt->mode == ATTEMPT_PASS && attempt->transport == TRANSPORT_OK;
	if (passed && !exchange->committed &&
	    (exchange->relay.started || exchange_learns(exchange) ||
		exchange_is_elsewhere(exchange)))
		return STEP_FAIL;
	if (!exchange->outcome.success && !passed)
		return STEP_FAIL;
	if (passed)
		exchange_settle_doubt(
		    exchange, outcome_blames_request(&exchange->doubt.outcome, &exchange->outcome));
	return exchange->committed ? STEP_FINISH : STEP_COMMIT;
}

/* ---- a sign of life ---- */

/* Before any answer: only for as long as an upstream is really asked, and its deadlines end that.
 */
static bool
early_sign(enum protocol protocol, struct bytes *out)
{
	static const char *const signs[] = {
	    [PROTOCOL_ANTHROPIC] =
		": waiting for the upstream\n\n", /* no ping before message_start */
	    [PROTOCOL_CHAT] = ": waiting for the upstream\n\n",
	    [PROTOCOL_RESPONSES] = ("event: keepalive\ndata: {\"type\":\"keepalive\","
				    "\"sequence_number\":0}\n\n"),
	};
	return bytes_append_str(out, signs[protocol]);
}

static void
start_early(struct exchange *exchange)
{
	struct http_header headers[] = {
	    {VIEW("content-type"), VIEW("text/event-stream; charset=utf-8")},
	    {VIEW("cache-control"), VIEW("no-cache")},
	    {view_of(relay_id_name(exchange->route.protocol)), view_of(exchange->id)},
	};
	struct relay_head head = {.status = 200, .headers = headers, .count = 3};
	relay_start(&exchange->relay, &head);
	exchange_note(exchange, EVENT_ALIVE, 0);
}

/* The head of what has come already may not fit one that is sent before it. */
static bool
may_start_early(const struct exchange *exchange)
{
	for (size_t i = 0; i < EXCHANGE_LEGS; i++) {
		const struct attempt *attempt = &exchange->legs[i].attempt;
		if (exchange->legs[i].live && attempt->answer != NULL &&
		    answer_header(attempt->answer, "content-encoding").len > 0)
			return false;
	}
	return true;
}

void
exchange_keep_alive(struct exchange *exchange)
{
	uint64_t now_ms = loop_now_ms(exchange->env->loop);
	struct attempt *attempt = &exchange->leg->attempt;
	struct bytes sign;
	bytes_init(&sign, 1024);
	if (!exchange->committed) {
		exchange->alive_ms = now_ms + exchange_policy(exchange)->keepalive_ms;
		if (!exchange->relay.started && !may_start_early(exchange))
			return;
		if (!exchange->relay.started)
			start_early(exchange);
		MUST(early_sign(exchange->route.protocol, &sign));
	} else {
		exchange->alive_ms = now_ms + EXCHANGE_PING_MS;
		/* Only what the upstream has really sent is passed on as life. */
		if (attempt->last_ms > exchange->written_ms &&
		    now_ms - exchange->written_ms >= EXCHANGE_PING_MS &&
		    !convert_ping(attempt->convert, &sign))
			bytes_clear(&sign);
	}
	if (sign.len > 0) {
		(void)relay_write(&exchange->relay, bytes_view(&sign));
		exchange->written_ms = now_ms;
	}
	bytes_fini(&sign);
}

exchange_step_fn *const exchange_steps[STEP_COUNT] = {
    [STEP_ADMIT] = exchange_step_admit,
    [STEP_PLAN] = exchange_step_plan,
    [STEP_ATTEMPT] = step_attempt,
    [STEP_HEAD] = step_head,
    [STEP_COMMIT] = step_commit,
    [STEP_STREAM] = step_stream,
    [STEP_FINISH] = step_finish,
    [STEP_FAIL] = exchange_step_fail,
    [STEP_REAP] = exchange_step_reap,
};
