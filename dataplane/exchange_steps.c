#include "exchange_private.h"
#include "headers.h"
#include "inflate.h"
#include "jsonspan.h"
#include "log.h"
#include "must.h"
#include "refuse.h"
#include <stdio.h>
#include <string.h>

#define HEADERS_MAX (ANSWER_HEADERS_MAX + 2)

/* ---- refusals ---- */

/* Ends the exchange with an error of our own. */
static enum exchange_step
refuse(struct exchange *exchange, const struct relay_refusal *refusal, struct outcome outcome)
{
	struct relay_refusal whole = *refusal;
	whole.protocol = exchange->route.protocol;
	whole.id = exchange->id;
	/* Codex gives up for good on a 429 that names no time. */
	if (whole.retry_after == NULL && (whole.status == 429 || whole.status == 503))
		whole.retry_after = "2";
	exchange->outcome = outcome;
	relay_refuse(&exchange->relay, &whole);
	return STEP_REAP;
}

static enum exchange_step
refuse_request(struct exchange *exchange, int status, const char *reason, const char *message)
{
	struct relay_refusal refusal = {.status = status, .message = message};
	exchange->result = RESULT_REFUSED;
	return refuse(
	    exchange, &refusal, (struct outcome){.blame = BLAME_REQUEST, .reason = reason});
}

/* ---- ADMIT ---- */

/* Replaces the body by its inflated form; false and a status when that cannot be. */
static bool
decode_body(struct exchange *exchange, int *status, struct err *err)
{
	struct bytes plain;
	enum coding coding = coding_parse(httpd_header(exchange->relay.req, "content-encoding"));
	if (coding == CODING_IDENTITY)
		return true;
	bytes_init(&plain, (size_t)exchange->table->body_bytes_max);
	bool ok = inflate_body(coding, bytes_view(&exchange->body), &plain, err);
	*status = err->kind == ERR_LIMIT ? 413 : 400;
	bytes_fini(&exchange->body);
	exchange->body = plain;
	return ok;
}

static enum exchange_step
step_admit(struct exchange *exchange)
{
	char message[512];
	struct err err = {0};
	int status = 400;
	enum endpoint endpoint = exchange->route.endpoint;
	bool json = endpoint == ENDPOINT_GENERATE || endpoint == ENDPOINT_COUNT_TOKENS;
	if (!decode_body(exchange, &status, &err)) {
		(void)snprintf(
		    message, sizeof(message), "The request body cannot be decoded: %s", err.msg);
		return refuse_request(exchange, status, "body_coding", message);
	}
	if (json && !request_facts_read(bytes_view(&exchange->body), &exchange->facts, &err)) {
		(void)snprintf(message, sizeof(message),
		    "The request body is not what it must be, at %s: %s", err.at, err.msg);
		return refuse_request(exchange, 400, "body_json", message);
	}
	return STEP_PLAN;
}

/* ---- PLAN ---- */

static const char *
protocol_label(enum protocol protocol)
{
	static const char *const labels[] = {
	    [PROTOCOL_ANTHROPIC] = "the Anthropic Messages protocol",
	    [PROTOCOL_CHAT] = "the OpenAI Chat Completions protocol",
	    [PROTOCOL_RESPONSES] = "the OpenAI Responses protocol",
	};
	return labels[protocol];
}

/* No upstream speaks the client's protocol. Only a change of the configuration mends that, so the
 * status must be one that clients do not try again: Claude Code takes 403 as final, but varies and
 * repeats a 400 six times; Codex takes only 400 as final and sends anything else 6 to 30 times. */
static enum exchange_step
refuse_protocol(struct exchange *exchange, bool needs_conversion)
{
	char message[256];
	enum protocol protocol = exchange->route.protocol;
	(void)snprintf(message, sizeof(message), "No upstream of this gateway speaks %s%s.",
	    protocol_label(protocol),
	    needs_conversion ? ", and it does not convert to what the configured ones speak"
			     : ": none is configured and switched on");
	struct relay_refusal refusal = {
	    .status = protocol == PROTOCOL_ANTHROPIC ? 403 : 400,
	    .message = message,
	    .extra_name = "x-should-retry",
	    .extra_value = "false",
	};
	exchange->result = RESULT_REFUSED;
	return refuse(
	    exchange, &refusal, (struct outcome){.blame = BLAME_US, .reason = "no_upstream"});
}

static void
add_candidates(struct exchange *exchange, enum group group)
{
	unsigned entries[ROUTE_CANDIDATES_MAX];
	size_t *count = &exchange->retry.candidates;
	size_t found =
	    route_candidates(exchange->table, group, entries, ROUTE_CANDIDATES_MAX - *count);
	for (size_t i = 0; i < found; i++) {
		exchange->candidates[(*count)++] =
		    (struct candidate){(uint8_t)group, (uint16_t)entries[i]};
	}
}

static void
fill_request(struct exchange *exchange)
{
	struct http_req *req = exchange->relay.req;
	struct attempt_request *request = &exchange->request;
	*request = (struct attempt_request){
	    .upstreams = exchange->env->upstreams,
	    .loop = exchange->env->loop,
	    .table = exchange->table,
	    .route = &exchange->route,
	    .method = httpd_method(req),
	    .query = httpd_query(req),
	    .accept_encoding = httpd_header(req, "accept-encoding"),
	    .body = bytes_view(&exchange->body),
	    .facts = &exchange->facts,
	    .relay = &exchange->relay,
	    .events = &exchange_attempt_events,
	    .ctx = exchange,
	};
	request->header_count = httpd_headers(req, &request->headers);
}

static enum exchange_step
step_plan(struct exchange *exchange)
{
	enum group groups[GROUP_COUNT];
	bool needs_conversion;
	size_t count = route_groups(&exchange->route, exchange->table, groups, &needs_conversion);
	if (count == 0)
		return refuse_protocol(exchange, needs_conversion);
	for (size_t i = 0; i < count; i++)
		add_candidates(exchange, groups[i]);
	if (exchange->retry.candidates == 0) {
		struct relay_refusal refusal = {.status = 503,
		    .message = "Every upstream for this request is switched off or resting after "
			       "failures; try again shortly.",
		    .retry_after = "5"};
		return refuse(exchange, &refusal,
		    (struct outcome){.blame = BLAME_UPSTREAM, .reason = "none_available"});
	}
	const struct table_timeouts *times =
	    &exchange->table->timeouts[exchange->candidates[0].group];
	uint32_t total_ms = exchange->facts.stream ? times->total_stream_ms : times->total_ms;
	exchange->retry.deadline_ms = total_ms != 0 ? exchange->started_ms + total_ms : 0;
	exchange->retry.calls_max = exchange->table->attempts_max;
	fill_request(exchange);
	return STEP_ATTEMPT;
}

/* ---- ATTEMPT, HEAD ---- */

static enum exchange_step
step_attempt(struct exchange *exchange)
{
	const struct candidate *candidate = &exchange->candidates[exchange->retry.at];
	const struct table *table = exchange->table;
	enum transport why;
	exchange->entry = &table->groups[candidate->group].entries[candidate->entry];
	exchange->attempts++;
	exchange->env->counts.attempts++;
	bytes_clear(&exchange->held);
	bool started =
	    attempt_start(&exchange->attempt, &exchange->request, exchange->entry, exchange->fresh);
	/* A second try on a new connection is no second call: the first was never seen. */
	if (!exchange->fresh)
		exchange->retry.calls++;
	exchange->fresh = false;
	if (!started)
		return exchange_settle(exchange);
	uint64_t due = exchange_due(exchange, &why);
	struct deadlines *deadlines = &exchange->env->deadlines;
	if (exchange->deadline.next == NULL) {
		deadlines_add(deadlines, &exchange->deadline, due);
	} else {
		deadlines_move(deadlines, &exchange->deadline, due);
	}
	return STEP_WAIT;
}

static enum exchange_step
step_head(struct exchange *exchange)
{
	(void)exchange;
	return STEP_WAIT;
}

/* ---- COMMIT, STREAM, FINISH ---- */

static size_t
choose_headers(const struct exchange *exchange, struct http_header *out)
{
	const struct attempt *attempt = &exchange->attempt;
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

/* Runs inside libcurl or at the attempt's end; from here on no other upstream may answer. */
static enum exchange_step
step_commit(struct exchange *exchange)
{
	struct attempt *attempt = &exchange->attempt;
	const struct answer *answer = attempt->answer;
	struct http_header headers[HEADERS_MAX];
	struct relay_head head = {.status = answer->status, .headers = headers};
	bool stream = attempt->mode == ATTEMPT_ANSWER && attempt->wall.shape == WALL_STREAM;
	enum transport why;
	if (attempt->mode == ATTEMPT_PASS && attempt->inflate == NULL)
		attempt_mask_key(attempt, &exchange->held);
	head.count = choose_headers(exchange, headers);
	if (attempt->done) {
		head.has_length = true;
		head.length = exchange->held.len;
	} else if (answer->has_length && !stream && !attempt->inflate_out) {
		head.has_length = true;
		head.length = answer->length;
	}
	/* A stream with a length could not end with an error event. */
	head.has_length = head.has_length && !stream;
	exchange->committed = true;
	exchange->commit_ms = loop_now_ms(exchange->env->loop);
	relay_start(&exchange->relay, &head);
	(void)relay_write(&exchange->relay, bytes_view(&exchange->held));
	bytes_fini(&exchange->held);
	if (attempt_drop_request(attempt))
		bytes_fini(&exchange->body);
	deadlines_move(
	    &exchange->env->deadlines, &exchange->deadline, exchange_due(exchange, &why));
	return STEP_STREAM;
}

static enum exchange_step
step_stream(struct exchange *exchange)
{
	return exchange->attempt.done ? STEP_FINISH : STEP_WAIT;
}

static enum exchange_step
step_finish(struct exchange *exchange)
{
	exchange->result = exchange->outcome.success ? RESULT_COMPLETED : RESULT_PASSED;
	relay_end(&exchange->relay);
	return STEP_REAP;
}

enum exchange_step
exchange_settle(struct exchange *exchange)
{
	struct attempt *attempt = &exchange->attempt;
	if (attempt->mode == ATTEMPT_ANSWER && attempt->transport == TRANSPORT_OK)
		(void)wall_end(&attempt->wall);
	struct outcome_facts facts = attempt_facts(attempt);
	facts.committed = exchange->committed;
	exchange->outcome = outcome_classify(&facts);
	bool passed = attempt->mode == ATTEMPT_PASS && attempt->transport == TRANSPORT_OK;
	if (!exchange->outcome.success && !passed)
		return STEP_FAIL;
	return exchange->committed ? STEP_FINISH : STEP_COMMIT;
}

/* ---- FAIL ---- */

static bool
is_error_body(struct view body)
{
	struct jsonspan_want want = {.key = "error"};
	return jsonspan_scan(body, &want, 1, NULL, NULL) &&
	       (want.value.kind == JSONSPAN_OBJECT || want.value.kind == JSONSPAN_STRING);
}

/* An upstream's own words are kept when the client can read them: whole, in its protocol, and not
 * about a key of ours. */
static void
remember_error(struct exchange *exchange)
{
	const struct attempt *attempt = &exchange->attempt;
	if (attempt->mode != ATTEMPT_KEEP || refuse_status(attempt->status) != attempt->status)
		return;
	struct view retry_after = answer_header(attempt->answer, "retry-after");
	exchange->error_status = attempt->status;
	bytes_fini(&exchange->error_body);
	(void)snprintf(exchange->error_retry_after, sizeof(exchange->error_retry_after), "%.*s",
	    VIEW_ARGS(view_sub(retry_after, 0, sizeof(exchange->error_retry_after) - 1)));
	if (attempt->transport != TRANSPORT_OK ||
	    exchange->entry->protocol != exchange->route.protocol ||
	    !is_error_body(bytes_view(&exchange->held)))
		return;
	attempt_mask_key(attempt, &exchange->held);
	exchange->error_body = exchange->held;
	bytes_init(&exchange->held, EXCHANGE_HOLD_BYTES_MAX);
}

/* What a client is told of a failure without an error status of its own. */
static int
failure_status(const struct exchange *exchange)
{
	const struct attempt *attempt = &exchange->attempt;
	struct view type = view_of(attempt->wall.error_type);
	if (attempt->status >= 300 && attempt->transport == TRANSPORT_OK)
		return refuse_status(attempt->status);
	if (attempt->transport >= TRANSPORT_TIMEOUT_CONNECT &&
	    attempt->transport <= TRANSPORT_TIMEOUT_TOTAL)
		return 504;
	if (attempt->transport == TRANSPORT_INTERNAL)
		return 503;
	if (attempt->wall.fault != WALL_ERROR_EVENT)
		return 502;
	if (exchange->outcome.blame == BLAME_REQUEST)
		return 400;
	if (exchange->outcome.blame == BLAME_MODEL)
		return 404;
	if (view_starts(type, "rate_limit"))
		return 429;
	return view_eq_str(type, "overloaded_error") ? 529 : 502;
}

/* The upstream's message where there is one, without anything like a key. */
static void
failure_message(const struct exchange *exchange, char *out, size_t out_len)
{
	const struct attempt *attempt = &exchange->attempt;
	if (attempt->wall.error_message[0] != '\0') {
		log_redact(view_of(attempt->wall.error_message), out, out_len);
	} else if (exchange->attempts > 1) {
		(void)snprintf(out, out_len,
		    "None of %u upstreams answered this request (last: %s).", exchange->attempts,
		    exchange->outcome.reason);
	} else {
		(void)snprintf(out, out_len, "The upstream did not answer this request (%s).",
		    exchange->outcome.reason);
	}
}

/* The head is out: the failure becomes an event of the stream, then the connection is cut. An
 * upstream that has told the failure itself needs neither. */
static enum exchange_step
fail_committed(struct exchange *exchange)
{
	struct attempt *attempt = &exchange->attempt;
	char message[512];
	struct bytes event;
	if (attempt->wall.terminal) {
		relay_end(&exchange->relay);
		return STEP_REAP;
	}
	if (attempt->mode == ATTEMPT_ANSWER && attempt->wall.shape == WALL_STREAM) {
		bytes_init(&event, 8192);
		(void)snprintf(message, sizeof(message),
		    "The upstream broke off in the middle of its answer (%s).",
		    exchange->outcome.reason);
		MUST(refuse_event(exchange->route.protocol, message, exchange->id,
		    attempt->wall.sequence_next, &event));
		(void)relay_write(&exchange->relay, bytes_view(&event));
		bytes_fini(&event);
	}
	relay_cut(&exchange->relay);
	return STEP_REAP;
}

static enum exchange_step
give_up(struct exchange *exchange)
{
	char message[512];
	struct relay_refusal refusal = {.message = message};
	if (exchange->stopping) {
		refusal.status = 503;
		refusal.message = "The gateway is being restarted; try again.";
		return refuse(
		    exchange, &refusal, (struct outcome){.blame = BLAME_US, .reason = "shutdown"});
	}
	failure_message(exchange, message, sizeof(message));
	refusal.status =
	    exchange->error_status != 0 ? exchange->error_status : failure_status(exchange);
	refusal.body = bytes_view(&exchange->error_body);
	if (exchange->error_retry_after[0] != '\0')
		refusal.retry_after = exchange->error_retry_after;
	return refuse(exchange, &refusal, exchange->outcome);
}

static enum exchange_step
step_fail(struct exchange *exchange)
{
	if (exchange->stopping && exchange->outcome.reason == NULL)
		exchange->outcome = (struct outcome){.blame = BLAME_US, .reason = "shutdown"};
	if (exchange->entry != NULL)
		exchange_log_attempt(exchange);
	if (exchange->committed)
		return fail_committed(exchange);
	if (exchange->stopping)
		return give_up(exchange);
	remember_error(exchange);
	enum retry_what what = retry_decide(&exchange->retry, &exchange->outcome,
	    exchange->attempt.transport, loop_now_ms(exchange->env->loop));
	if (what == RETRY_GIVE_UP)
		return give_up(exchange);
	exchange->retry.stale_retried = exchange->retry.stale_retried || what == RETRY_SAME;
	exchange->fresh = what == RETRY_SAME;
	exchange->retry.at += what == RETRY_NEXT;
	attempt_fini(&exchange->attempt);
	return STEP_ATTEMPT;
}

/* ---- REAP ---- */

static void
count_end(struct exchange *exchange)
{
	struct exchange_counts *counts = &exchange->env->counts;
	struct outcome_facts facts = attempt_facts(&exchange->attempt);
	if (exchange->gone) {
		/* Codex hangs up as soon as it has the last event: that is a whole answer. */
		facts.client_gone = true;
		facts.committed = exchange->committed;
		exchange->outcome = outcome_classify(&facts);
		exchange->result =
		    exchange->outcome.success ? RESULT_COMPLETED : RESULT_CLIENT_GONE;
	}
	if (exchange->outcome.success) {
		counts->completed++;
	} else if (exchange->gone) {
		counts->client_gone++;
	} else {
		counts->failed++;
	}
	counts->bytes_out += exchange->relay.bytes_out;
	counts->in_flight--;
}

static enum exchange_step
step_reap(struct exchange *exchange)
{
	count_end(exchange);
	exchange_log(exchange);
	deadlines_remove(&exchange->env->deadlines, &exchange->deadline);
	attempt_fini(&exchange->attempt);
	bytes_fini(&exchange->body);
	bytes_fini(&exchange->held);
	bytes_fini(&exchange->error_body);
	exchange->dead = true;
	loop_defer(exchange->env->loop, &exchange->task);
	return STEP_WAIT;
}

exchange_step_fn *const exchange_steps[STEP_COUNT] = {
    [STEP_ADMIT] = step_admit,
    [STEP_PLAN] = step_plan,
    [STEP_ATTEMPT] = step_attempt,
    [STEP_HEAD] = step_head,
    [STEP_COMMIT] = step_commit,
    [STEP_STREAM] = step_stream,
    [STEP_FINISH] = step_finish,
    [STEP_FAIL] = step_fail,
    [STEP_REAP] = step_reap,
};
