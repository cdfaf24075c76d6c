/* FAIL: another upstream, or the last word. */
#include "clock.h"
#include "exchange_private.h"
#include "jsonspan.h"
#include "log.h"
#include "must.h"
#include "quota.h"
#include "refuse.h"
#include <stdio.h>

#define LEARN_MAX 3 /* refusals that one client call is taught by */
#define EVENT_BYTES_MAX 65536
/* Whoever is told 400 does not ask again; with 499 some clients do. */
#define CANCELLED_STATUS 400

static const char cancelled_message[] = "The owner of this gateway has cancelled this request.";
static const char not_its_answer[] = "not_its_answer";

/* ---- the upstream's own words ---- */

static bool
is_error_body(struct view body)
{
	struct jsonspan_want want = {.key = "error"};
	return jsonspan_scan(body, &want, 1, NULL, NULL) &&
	       (want.value.kind == JSONSPAN_OBJECT || want.value.kind == JSONSPAN_STRING);
}

/* They are kept when the client can read them: whole, in its protocol, and not about a key of ours.
 */
static void
remember_error(struct exchange *exchange)
{
	struct leg *leg = exchange->leg;
	struct attempt *attempt = &leg->attempt;
	bool kept = attempt->mode == ATTEMPT_KEEP || attempt->mode == ATTEMPT_PASS;
	if (!kept || refuse_status(attempt->status) != attempt->status)
		return;
	/* The one that has failed may have it. */
	if (exchange->trouble && exchange->outcome.reason == not_its_answer)
		return;
	exchange->error_status = attempt->status;
	bytes_fini(&exchange->error_body);
	if (attempt->transport != TRANSPORT_OK || (attempt->inflate && !attempt->inflate_out))
		return;
	attempt_mask_key(attempt, &leg->held);
	if (attempt->convert != NULL) {
		bytes_init(&exchange->error_body, EXCHANGE_HOLD_BYTES_MAX);
		if (!convert_error(attempt->convert, bytes_view(&leg->held),
			&exchange->error_status, &exchange->error_body))
			bytes_fini(&exchange->error_body);
	} else if (attempt->entry->protocol == exchange->route.protocol &&
		   is_error_body(bytes_view(&leg->held))) {
		exchange->error_body = leg->held;
		bytes_init(&leg->held, EXCHANGE_HOLD_BYTES_MAX);
	}
}

/* How long the upstream asks to be left alone. */
static uint64_t
named_wait(struct exchange *exchange)
{
	const struct attempt *attempt = &exchange->leg->attempt;
	int status = exchange->outcome.status;
	if (attempt->answer == NULL || status < 400 || attempt->answer->headers == NULL)
		return 0;
	if (status < 500 && status != 429 && status != 402 && status != 403)
		return 0;
	uint64_t wait_ms =
	    quota_wait_ms(attempt->answer, bytes_view(&exchange->leg->held), clock_wall_ms());
	if (wait_ms != 0 && (exchange->named_wait_ms == 0 || wait_ms < exchange->named_wait_ms))
		exchange->named_wait_ms = wait_ms;
	return wait_ms;
}

/* ---- what the client is told ---- */

/* Codex takes a 429 six times at most, and 503 with a time thirty times; a limit that lasts has a
 * message of its own there. */
static int
fit_status(const struct exchange *exchange, int status)
{
	bool lasts = exchange->named_wait_ms > 60000;
	if (exchange->route.protocol == PROTOCOL_RESPONSES && status == 429 && !lasts)
		return 503;
	return status;
}

/* Of a failure without an error status of its own. */
static int
failure_status(const struct exchange *exchange)
{
	const struct outcome *outcome = &exchange->outcome;
	if (outcome->status >= 300)
		return refuse_status(outcome->status == 500 ? 502 : outcome->status);
	if (outcome->timed_out)
		return 504;
	return outcome->blame == BLAME_US ? 503 : 502;
}

/* The upstream's message where there is one, without anything like a key. */
static void
failure_message(const struct exchange *exchange, char *out, size_t out_len)
{
	const char *told = exchange->error_message;
	if (told[0] != '\0') {
		log_redact(view_of(told), out, out_len);
	} else if (exchange->attempts > 1) {
		(void)snprintf(out, out_len,
		    "None of %u upstreams answered this request (last: %s).", exchange->attempts,
		    exchange->outcome.reason);
	} else {
		(void)snprintf(out, out_len, "The upstream did not answer this request (%s).",
		    exchange->outcome.reason);
	}
}

/* The head is out: the failure becomes an event of the stream, then the connection is cut: a clean
 * end would be taken for a whole answer. */
static enum exchange_step
end_in_stream(struct exchange *exchange, const char *message)
{
	struct attempt *attempt = &exchange->leg->attempt;
	struct bytes event;
	int status = exchange->cancelled ? CANCELLED_STATUS : 502;
	bytes_init(&event, EVENT_BYTES_MAX);
	if (exchange->committed && attempt->convert != NULL) {
		if (!convert_fail(attempt->convert, status, message, &event))
			bytes_clear(&event);
	} else {
		MUST(refuse_event(exchange->route.protocol, status, message, exchange->id,
		    attempt->wall.sequence_next, &event));
	}
	(void)relay_write(&exchange->relay, bytes_view(&event));
	bytes_fini(&event);
	relay_cut(&exchange->relay);
	return STEP_REAP;
}

static enum exchange_step
fail_committed(struct exchange *exchange)
{
	struct attempt *attempt = &exchange->leg->attempt;
	char message[512];
	/* Nothing of ours fits into what the client unpacks itself. */
	bool coded = attempt->inflate != NULL && !attempt->inflate_out;
	bool stream = attempt->mode == ATTEMPT_ANSWER && exchange->facts.stream && !coded &&
		      (attempt->wall.shape == WALL_STREAM || attempt->convert != NULL);
	if (attempt->wall.terminal && attempt->convert == NULL) {
		relay_cut(&exchange->relay); /* it has told the failure itself */
		return STEP_REAP;
	}
	if (exchange->cancelled)
		(void)snprintf(message, sizeof(message), "%s", cancelled_message);
	else
		(void)snprintf(message, sizeof(message),
		    "The upstream broke off in the middle of its answer (%s).",
		    exchange->outcome.reason);
	if (stream)
		return end_in_stream(exchange, message);
	relay_cut(&exchange->relay);
	return STEP_REAP;
}

/* No upstream could take the request as it is. */
static enum exchange_step
refuse_uncarried(struct exchange *exchange)
{
	char message[512];
	const struct err *err = &exchange->refusal;
	struct relay_refusal refusal = {
	    .status = err->kind == ERR_LIMIT ? 413 : 400, .message = message};
	bool named = view_starts(view_of(err->msg), err->at);
	(void)snprintf(
	    message, sizeof(message), "%s%s%s", named ? "" : err->at, named ? "" : ": ", err->msg);
	if (err->at[0] != '\0' && !view_starts(view_of(err->at), "offset "))
		refusal.param = err->at;
	exchange->result = RESULT_REFUSED;
	return exchange_refuse(exchange, &refusal, exchange->outcome);
}

static enum exchange_step
give_up(struct exchange *exchange)
{
	char message[512];
	struct relay_refusal refusal = {.message = message};
	struct outcome outcome = exchange->outcome;
	exchange_settle_doubt(exchange, false);
	if (exchange->stopping) {
		outcome = (struct outcome){.blame = BLAME_US, .reason = "shutdown"};
		(void)snprintf(
		    message, sizeof(message), "The gateway is being restarted; try again.");
		refusal.status = 503;
	} else if (exchange->cancelled) {
		(void)snprintf(message, sizeof(message), "%s", cancelled_message);
		refusal.status = CANCELLED_STATUS;
	} else {
		failure_message(exchange, message, sizeof(message));
		refusal.status =
		    exchange->error_status != 0 ? exchange->error_status : failure_status(exchange);
		refusal.status = fit_status(exchange, refusal.status);
		refusal.body = bytes_view(&exchange->error_body);
		if (!outcome.try_next && exchange->error_status != 0)
			exchange->result = RESULT_PASSED;
	}
	if (exchange->relay.started) {
		exchange->outcome = outcome;
		return end_in_stream(exchange, message);
	}
	if (exchange->refusals > 0 && !exchange->cancelled &&
	    exchange->refusals == exchange->attempts)
		return refuse_uncarried(exchange);
	return exchange_refuse(exchange, &refusal, outcome);
}

/* ---- who is blamed ---- */

static const struct outcome uncarried = {.blame = BLAME_REQUEST,
    .reason = "not_carried",
    .try_next = true,
    .strategy = STRATEGY_SWITCH_API};

/* A failure that speaks of what was asked waits for the next upstream's word on the same. */
static void
blame(struct exchange *exchange, uint64_t wait_ms)
{
	struct doubt *doubt = &exchange->doubt;
	struct outcome *outcome = &exchange->outcome;
	struct leg *leg = exchange->leg;
	if (doubt->open) {
		bool alike = leg->attempt.entry != doubt->entry &&
			     outcome_blames_request(&doubt->outcome, outcome);
		exchange_settle_doubt(exchange, alike);
		if (alike)
			outcome->blame = BLAME_REQUEST;
	} else if (outcome_blames_request(outcome, outcome) && outcome->try_next) {
		*doubt = (struct doubt){.open = true,
		    .outcome = *outcome,
		    .entry = leg->attempt.entry,
		    .began_ms = leg->attempt.started_ms,
		    .wait_ms = wait_ms};
		(void)snprintf(
		    doubt->model, sizeof(doubt->model), "%s", attempt_model(&leg->attempt));
		exchange_tell_try(exchange, leg, outcome, wait_ms);
		return;
	}
	exchange_tell_outcome(exchange, leg, outcome, wait_ms);
}

/* ---- FAIL ---- */

/* True when one of them is new. */
static bool
learn_all(struct exchange *exchange, const struct lesson_list *list)
{
	const struct attempt *attempt = &exchange->leg->attempt;
	bool news = false;
	for (size_t i = 0; i < list->count; i++) {
		if (!lessons_learn(exchange->env->lessons, exchange->table, attempt->entry->id,
			attempt_model(attempt), &list->items[i], clock_wall_ms()))
			continue;
		news = true;
		exchange_note(exchange, EVENT_LEARN, (int)list->items[i].kind);
	}
	return news;
}

bool
exchange_learns(struct exchange *exchange)
{
	const struct leg *leg = exchange->leg;
	const struct attempt *attempt = &leg->attempt;
	struct exchange_env *env = exchange->env;
	struct lesson_list list;
	struct lessons_question question = {.status = attempt->status,
	    .error_body = bytes_view(&leg->held),
	    .protocol = exchange->route.protocol,
	    .beta = httpd_header(exchange->relay.req, "anthropic-beta"),
	    .body = exchange->request.body,
	    .asks_usage = attempt->rewrite.asks_usage};
	if (!exchange->table->learn || exchange->lessons >= LEARN_MAX || attempt->convert != NULL ||
	    attempt->inflate != NULL || exchange->relay.started)
		return false;
	if (exchange->route.endpoint != ENDPOINT_GENERATE || !lessons_read(&question, &list) ||
	    !learn_all(exchange, &list))
		return false;
	exchange->lessons++;
	exchange->learns = true;
	if (env->on_news != NULL)
		env->on_news(env->ctx);
	return true;
}

/* Other data planes, and this one before its last start, may have passed on the answer. */
bool
exchange_is_elsewhere(struct exchange *exchange)
{
	const struct leg *leg = exchange->leg;
	struct jsonspan_want want = {.key = "error"};
	bool hope = exchange->trouble ||
		    retry_next_place(&exchange->retry, STRATEGY_SWITCH_API) != RETRY_NONE;
	if (exchange->previous == 0 || !hope || leg->attempt.inflate != NULL ||
	    !jsonspan_scan(bytes_view(&leg->held), &want, 1, NULL, NULL) ||
	    !jsonspan_str_is(jsonspan_get(want.value, "code"), "previous_response_not_found"))
		return false;
	exchange->outcome = (struct outcome){.blame = BLAME_REQUEST,
	    .reason = not_its_answer,
	    .try_next = true,
	    .strategy = STRATEGY_SWITCH_API};
	return true;
}

/* The same upstream at once, without what it has refused: no failure of anybody. */
static enum exchange_step
ask_anew(struct exchange *exchange)
{
	struct leg *leg = exchange->leg;
	struct outcome outcome = {.blame = BLAME_REQUEST, .reason = "learned", .status = 400};
	exchange->learns = false;
	exchange->retry.at = leg->place;
	exchange_tell_outcome(exchange, leg, &outcome, 0);
	exchange_leg_free(exchange, leg);
	return STEP_ATTEMPT;
}

static enum exchange_step
next(struct exchange *exchange, enum transport transport)
{
	struct retry_state *retry = &exchange->retry;
	struct exchange_env *env = exchange->env;
	const struct group_policy *policy = exchange_policy(exchange);
	uint64_t now_ms = loop_now_ms(env->loop);
	struct retry_verdict verdict = retry_decide(retry, &exchange->outcome,
	    exchange->outcome.strategy, transport, now_ms, exchange_chance(env));
	if (verdict.what == RETRY_GIVE_UP)
		return give_up(exchange);
	if (verdict.costs &&
	    !budget_take(&env->retries[exchange->places[0].group], policy->retry_burst))
		return give_up(exchange);
	bool stale = verdict.what == RETRY_SAME && !verdict.costs;
	retry->stale_retried = verdict.what != RETRY_NEXT && (retry->stale_retried || stale);
	exchange->fresh = stale;
	retry->same = verdict.what == RETRY_NEXT ? 0 : retry->same + !stale;
	retry->at = verdict.at;
	if (verdict.wait_ms == 0)
		return STEP_ATTEMPT;
	exchange->resume_ms = now_ms + verdict.wait_ms;
	exchange_watch(exchange);
	return STEP_WAIT;
}

enum exchange_step
exchange_step_fail(struct exchange *exchange)
{
	struct leg *leg = exchange->leg, *other = exchange_other_leg(exchange);
	enum transport transport = leg->attempt.transport;
	if (exchange->stopping && exchange->outcome.reason == NULL)
		exchange->outcome = (struct outcome){.blame = BLAME_US, .reason = "shutdown"};
	if (exchange->learns)
		return ask_anew(exchange);
	if (leg->attempt.refusal.kind != ERR_NONE) {
		exchange->refusal = leg->attempt.refusal;
		exchange->refusals++;
		exchange->outcome = uncarried;
	}
	if (exchange->cancelled) {
		exchange->outcome = exchange_cancelled;
		exchange->result = RESULT_CANCELLED;
	}
	if (exchange->entry != NULL)
		exchange_log_attempt(exchange);
	if (exchange->committed) {
		exchange_tell_outcome(exchange, leg, &exchange->outcome, 0);
		return fail_committed(exchange);
	}
	uint64_t wait_ms = named_wait(exchange);
	remember_error(exchange);
	(void)snprintf(exchange->error_message, sizeof(exchange->error_message), "%s",
	    leg->attempt.wall.error_message);
	if (leg->live)
		blame(exchange, wait_ms);
	enum blame whose = exchange->outcome.blame;
	exchange->trouble = exchange->trouble || whose == BLAME_UPSTREAM || whose == BLAME_KEY ||
			    whose == BLAME_NETWORK;
	exchange->retry.at = leg->place;
	exchange_leg_free(exchange, leg);
	if (exchange->stopping || exchange->cancelled)
		return give_up(exchange);
	/* One that was ended together with this has nothing more to say. */
	if (other->live && !other->attempt.done) {
		exchange->leg = other;
		exchange->entry = other->attempt.entry;
		return STEP_WAIT;
	}
	return next(exchange, transport);
}
