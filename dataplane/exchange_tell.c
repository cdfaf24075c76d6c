/* REAP, and what others learn of an exchange: log, record, report of outcomes. */
#include "clock.h"
#include "exchange_private.h"
#include "log.h"
#include "mem.h"
#include <stdio.h>

#define TRACE_BYTES 480

/* ---- outcomes of calls ---- */

static void
note_outcome(struct exchange *exchange, struct report_outcome *whole, uint64_t began_ms)
{
	struct exchange_env *env = exchange->env;
	whole->generate = exchange->route.endpoint == ENDPOINT_GENERATE;
	whole->count = 1;
	if (notes_add(env->notes, whole, began_ms) && env->on_news != NULL)
		env->on_news(env->ctx);
}

static void
send_outcome(struct exchange *exchange, const struct upstream_entry *entry, const char *model,
    const struct outcome *outcome, uint32_t ttfb_ms, uint64_t wait_ms, uint64_t began_ms)
{
	struct report_outcome whole = {
	    .upstream = entry->id,
	    .model = (char *)(uintptr_t)model,
	    .blame = (unsigned)outcome->blame,
	    .status = outcome->status > 0 ? (uint32_t)outcome->status : 0,
	    .success = outcome->success,
	    .ttfb_ms = ttfb_ms,
	    .retry_after_ms = wait_ms,
	};
	(void)snprintf(whole.reason, sizeof(whole.reason), "%s", outcome->reason);
	note_outcome(exchange, &whole, began_ms);
}

void
exchange_tell_outcome(struct exchange *exchange, const struct leg *leg,
    const struct outcome *outcome, uint64_t named_wait_ms)
{
	const struct attempt *attempt = &leg->attempt;
	if (!leg->live)
		return;
	if (outcome->success || (outcome->blame != BLAME_CLIENT && !exchange->cancelled))
		leg->load->good = outcome->success || outcome->blame == BLAME_REQUEST;
	exchange_tell_try(exchange, leg, outcome, named_wait_ms);
	send_outcome(exchange, attempt->entry, attempt_model(attempt), outcome,
	    exchange_ttfb_ms(attempt), named_wait_ms, attempt->started_ms);
}

void
exchange_tell_begun(struct exchange *exchange, const struct leg *leg)
{
	const struct attempt *attempt = &leg->attempt;
	struct report_outcome whole = {
	    .upstream = attempt->entry->id,
	    .model = (char *)(uintptr_t)attempt_model(attempt),
	    .status = (uint32_t)attempt->status,
	    .success = true,
	    .begun = true,
	    .ttfb_ms = exchange_ttfb_ms(attempt),
	    .reason = "begun",
	};
	load_answered(
	    leg->load, (uint32_t)(loop_now_ms(exchange->env->loop) - attempt->started_ms));
	leg->load->good = true;
	exchange_settle_doubt(exchange, false);
	if (attempt->done)
		return; /* the end of a whole answer follows at once */
	exchange_record_begin(exchange);
	note_outcome(exchange, &whole, attempt->started_ms);
	/* It ends a rest: others may follow. */
	if (attempt->entry->ramp != 0 && exchange->env->on_news != NULL)
		exchange->env->on_news(exchange->env->ctx);
}

void
exchange_settle_doubt(struct exchange *exchange, bool request_is_to_blame)
{
	struct doubt *doubt = &exchange->doubt;
	struct outcome outcome = doubt->outcome;
	if (!doubt->open)
		return;
	doubt->open = false;
	if (request_is_to_blame)
		outcome.blame = BLAME_REQUEST;
	send_outcome(
	    exchange, doubt->entry, doubt->model, &outcome, 0, doubt->wait_ms, doubt->began_ms);
}

/* ---- log ---- */

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
		exchange_notes_print(exchange, &at, text, sizeof(text));
		(void)snprintf(key, sizeof(key), "trace%u", part);
		log_str(&line, key, text);
	}
	log_end(&line);
}

static void
log_exchange(const struct exchange *exchange)
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
		log_str(&line, "outcome", exchange_result_name(exchange->result));
		log_str(&line, "blame", blame_words[exchange->outcome.blame]);
		log_str(&line, "reason",
		    exchange->outcome.reason != NULL ? exchange->outcome.reason : "");
		log_str(&line, "stream", exchange->facts.stream ? "true" : "false");
		log_int(&line, "ttfb_ms",
		    exchange->committed ? (int64_t)(exchange->commit_ms - exchange->started_ms)
					: -1);
		log_int(&line, "ms", (int64_t)(now_ms - exchange->started_ms));
		log_int(&line, "bytes_in", (int64_t)exchange->bytes_in);
		log_int(&line, "bytes_out", (int64_t)exchange->relay.bytes_out);
		if (exchange->loss[0] != '\0')
			log_str(&line, "loss", exchange->loss);
		log_end(&line);
	}
	log_notes(exchange, exchange->result == RESULT_FAILED ? LOG_WARN : LOG_DEBUG);
}

void
exchange_log_attempt(struct exchange *exchange)
{
	const struct leg *leg = exchange->leg;
	const struct attempt *attempt = &leg->attempt;
	struct log_line line;
	if (attempt->entry == NULL)
		return;
	log_begin(&line, LOG_WARN, "attempt_failed");
	log_str(&line, "id", exchange->id);
	log_int(&line, "attempt", exchange->attempts);
	log_str(&line, "upstream", attempt->entry->id);
	log_str(&line, "model", attempt_model(attempt));
	log_int(&line, "status", attempt->status);
	log_str(&line, "blame", blame_words[exchange->outcome.blame]);
	log_str(&line, "reason", exchange->outcome.reason);
	log_str(&line, "transport", transport_name(attempt->transport));
	log_str(&line, "detail",
	    attempt->refusal.kind != ERR_NONE ? attempt->refusal.msg : attempt->detail);
	log_str(&line, "error_type", attempt->wall.error_type);
	log_str(&line, "committed", exchange->committed ? "true" : "false");
	log_int(&line, "ms", (int64_t)(loop_now_ms(exchange->env->loop) - attempt->started_ms));
	log_end(&line);
}

/* ---- REAP ---- */

static void
count_end(struct exchange *exchange)
{
	struct exchange_counts *counts = &exchange->env->counts;
	if (exchange->outcome.success) {
		counts->completed++;
	} else if (exchange->result == RESULT_CLIENT_GONE || exchange->result == RESULT_CANCELLED) {
		counts->client_gone++;
	} else {
		counts->failed++;
		counts->errors +=
		    exchange->result != RESULT_REFUSED && exchange->outcome.blame != BLAME_REQUEST;
	}
	counts->bytes_out += exchange->relay.bytes_out;
	counts->in_flight--;
}

/* The client has left: nobody's fault, but for a whole answer if it had all of it (Codex hangs up
 * as soon as it has the last event), and for an error that it was told. */
static void
tell_gone(struct exchange *exchange, const struct leg *leg)
{
	struct outcome_facts facts = attempt_facts(&leg->attempt);
	facts.client_gone = true;
	facts.committed = exchange->committed;
	struct outcome outcome = outcome_classify(&facts, NULL);
	if (leg == exchange->leg)
		exchange->outcome = outcome;
	exchange_tell_outcome(exchange, leg, &outcome, 0);
}

static void
end_legs(struct exchange *exchange)
{
	static const struct outcome lost = {.blame = BLAME_NOBODY, .reason = "hedge_lost"};
	static const struct outcome gone = {.blame = BLAME_CLIENT, .reason = "client_gone"};
	if (exchange->gone)
		exchange->outcome = gone;
	for (size_t i = 0; i < EXCHANGE_LEGS; i++) {
		struct leg *leg = &exchange->legs[i];
		if (leg->live && exchange->gone && !leg->lost) {
			tell_gone(exchange, leg);
		} else if (leg->live && leg != exchange->leg) {
			exchange_tell_outcome(exchange, leg, &lost, 0);
		}
		exchange_leg_free(exchange, leg);
	}
	if (exchange->gone && exchange->outcome.success)
		exchange->result = RESULT_COMPLETED;
	else if (exchange->gone && exchange->outcome.blame == BLAME_CLIENT)
		exchange->result = RESULT_CLIENT_GONE;
}

enum exchange_step
exchange_step_reap(struct exchange *exchange)
{
	exchange_settle_doubt(exchange, false);
	end_legs(exchange);
	count_end(exchange);
	log_exchange(exchange);
	exchange_record_end(exchange);
	deadlines_remove(&exchange->env->deadlines, &exchange->deadline);
	bytes_fini(&exchange->body);
	bytes_fini(&exchange->error_body);
	exchange->dead = true;
	loop_defer(exchange->env->loop, &exchange->task);
	return STEP_WAIT;
}
