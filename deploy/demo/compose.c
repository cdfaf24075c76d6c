#include "compose.h"
#include "clock.h"
#include "crypto.h"
#include "verify.h"
#include <stdio.h>
#include <string.h>

#define JSON_TYPE "application/json"
#define SSE_TYPE "text/event-stream; charset=utf-8"
#define HTML_TYPE "text/html; charset=utf-8"
#define HTML_PAGE                                                                                  \
	"<!DOCTYPE html>\n<html><head><title>Bad gateway</title></head>"                           \
	"<body><h1>Bad gateway</h1><p>No model lives here.</p></body></html>\n"
#define NOISE_BYTES 4096

/* ---- small answers ---- */

static void
set_body(struct exchange *x, int status, const char *type, struct view body)
{
	size_t max = x->tape.out.bytes.max;
	tape_fini(&x->tape);
	tape_init(&x->tape, max);
	tape_body(&x->tape, body);
	x->head = (struct exchange_head){status, type, false};
}

static void
set_written(struct exchange *x, int status, struct writer *json)
{
	set_body(x, status, JSON_TYPE, writer_text(json));
	writer_fini(json);
}

static void
put_id(const struct exchange *x, char out[48])
{
	snprintf(out, 48, "req_demo%020llu", (unsigned long long)x->seq);
}

void
compose_error(struct exchange *x, const struct render_error *error)
{
	struct writer json;
	struct render_error full = *error;
	char id[48];
	put_id(x, id);
	full.request_id = view_of(id);
	writer_init(&json, 1u << 20);
	render_error_json(x->target.protocol, &full, &json);
	x->failed = true;
	set_written(x, full.status, &json);
}

static void
set_error(struct exchange *x, int status, const char *msg)
{
	const struct render_error error = {.status = status, .msg = view_of(msg)};
	compose_error(x, &error);
}

/* A problem with the request itself. */
static void
set_refusal(struct exchange *x, const struct err *problem)
{
	char text[sizeof(problem->at) + sizeof(problem->msg) + 4];
	snprintf(
	    text, sizeof(text), "%s%s%s", problem->at, problem->at[0] ? ": " : "", problem->msg);
	const struct render_error error = {
	    .status = 400, .msg = view_of(text), .param = view_of(problem->at)};
	compose_error(x, &error);
}

/* ---- faults that need no answer ---- */

static void
set_status(struct exchange *x)
{
	const struct fault *fault = &x->fault;
	const char *header;
	char msg[FAULT_TEXT_BYTES + 512];
	int status = (int)fault->status;
	x->failed = true;
	if (fault->body == FAULT_BODY_HTML) {
		set_body(x, status, HTML_TYPE, VIEW(HTML_PAGE));
		return;
	}
	if (fault->body == FAULT_BODY_EMPTY) {
		set_body(x, status, NULL, VIEW(""));
		return;
	}
	struct render_error error = {.status = status,
	    .type = view_of(fault->type),
	    .code = view_of(fault->code),
	    .msg = view_of(fault->msg)};
	if (fault->leak == 1) {
		snprintf(msg, sizeof(msg), "Incorrect API key provided: %.*s.",
		    VIEW_ARGS(view_sub(exchange_key(x->req, &header), 0, 400)));
		error.msg = view_of(msg);
	}
	compose_error(x, &error);
}

static void
set_noise(struct exchange *x)
{
	char noise[NOISE_BYTES];
	crypto_random(noise, sizeof(noise));
	for (size_t i = 0; i < sizeof(noise); i += 64) {
		struct view mark = i % 256 == 0 ? VIEW("\n\ndata: ") : VIEW("\n\nevent:");
		memcpy(noise + i, mark.data, mark.len);
	}
	set_body(x, 200, SSE_TYPE, view_make(noise, sizeof(noise)));
	x->head.chunked = true;
}

/* True when the fault alone makes the answer. */
static bool
is_settled(struct exchange *x)
{
	const struct fault *fault = &x->fault;
	if (x->script != NULL) {
		set_body(x, x->script->status, NULL, bytes_view(&x->script->body));
		x->head.chunked = x->script->chunked;
		x->failed = x->script->status >= 400;
		return true;
	}
	if (fault_has(fault, FAULT_STATUS)) {
		set_status(x);
		return true;
	}
	if (fault_has(fault, FAULT_EMPTY | FAULT_HTML)) {
		bool html = fault_has(fault, FAULT_HTML);
		set_body(x, 200, html ? HTML_TYPE : SSE_TYPE, html ? VIEW(HTML_PAGE) : VIEW(""));
		return true;
	}
	if (fault_has(fault, FAULT_ECHO)) {
		set_body(x, 200, JSON_TYPE, httpd_body(x->req));
		return true;
	}
	if (fault_has(fault, FAULT_GARBAGE)) {
		set_noise(x);
		return true;
	}
	return fault_has(fault, FAULT_REFUSE | FAULT_CLOSE);
}

/* ---- answers ---- */

/* The ledger's form: what was sent, and what it means in one set of words. */
static struct view
usage_line(struct exchange *x, const struct plan *plan, bool last)
{
	const struct plan_usage *usage = &plan->usage;
	struct writer out;
	writer_init(&out, 4096);
	writer_put(&out, "'tokens':{'input':$u,'cache_read':$u,'cache_write':$u,", usage->input,
	    usage->cache_read, usage->cache_write);
	writer_put(&out, "'output':$u,'reasoning':$u},'usage':", last ? usage->output : (uint64_t)1,
	    last ? usage->reasoning : (uint64_t)0);
	if (last)
		render_usage(plan, &out);
	else
		render_messages_usage(plan, false, &out);
	struct view line = arena_copy(&x->arena, writer_text(&out));
	writer_fini(&out);
	return line;
}

static void
set_stream(struct exchange *x, const struct plan *plan)
{
	const struct fault *fault = &x->fault;
	struct tape *tape = &x->tape;
	tape->event_lines = !fault_has(fault, FAULT_NO_EVENT_LINES);
	tape->crlf = fault_has(fault, FAULT_CRLF);
	x->head = (struct exchange_head){200, SSE_TYPE, true};
	render_stream(plan, tape);
	if (fault_has(fault, FAULT_NO_TERMINAL) && tape->marks[TAPE_TERMINAL] != SIZE_MAX)
		tape_truncate(tape, tape->marks[TAPE_TERMINAL] + tape->loops - 1);
	if (!fault_has(fault, FAULT_ERROR))
		return;
	const struct render_error error = {
	    .status = plan->ask->protocol == PROTOCOL_MESSAGES ? 529 : 500,
	    .type = view_of(fault->type),
	    .code = view_of(fault->code),
	    .msg = view_of(fault->msg)};
	tape_truncate(tape, fault->error_after);
	render_error_event(plan->ask->protocol, plan, &error, tape);
	x->failed = true;
}

static void
set_whole(struct exchange *x, const struct plan *plan)
{
	struct writer json;
	writer_init(&json, x->tape.out.bytes.max);
	render_json(plan, &json);
	tape_mark(&x->tape, TAPE_USAGE_LAST);
	tape_body(&x->tape, writer_text(&json));
	x->tape.out.full |= json.full;
	writer_fini(&json);
	x->head = (struct exchange_head){200, JSON_TYPE, false};
}

static void
set_answer(struct exchange *x, const struct ask *ask, const struct directives *directives)
{
	struct plan plan;
	struct err err;
	const struct plan_input in = {ask, directives, &x->fault, x->target.prefix,
	    clock_wall_ms() / 1000, &x->demo->serial, &x->arena};
	const struct fault *fault = &x->fault;
	if (!plan_build(&plan, &in, &err)) {
		set_error(x, 500, err.msg);
		return;
	}
	if ((ask->stream && !fault_has(fault, FAULT_JSON)) || fault_has(fault, FAULT_SSE))
		set_stream(x, &plan);
	else
		set_whole(x, &plan);
	x->usage_last = usage_line(x, &plan, true);
	if (ask->protocol == PROTOCOL_MESSAGES)
		x->usage_first = usage_line(x, &plan, false);
	bool fits = !x->tape.out.full;
	if (fits && fault_has(fault, FAULT_GZIP))
		fits = tape_gzip(&x->tape);
	if (!fits)
		set_error(x, 500, "the answer is too big");
}

/* The fault that the prompt or the model orders, when nobody else does. */
static void
find_fault(struct exchange *x, const struct ask *ask, struct directives *directives)
{
	struct err err;
	struct view spec = fault_in_model(ask->model);
	if (ask->directive.len > 0)
		directive_parse(ask->directive, ask->step, &x->arena, directives);
	if (spec.len == 0)
		spec = view_trim(directives->fault);
	if (!x->has_fault && spec.len > 0 && !fault_parse(spec, &x->fault, &err))
		directives->bad = arena_copy(&x->arena, spec);
}

#define SEEN_BYTES 256

/* What the conversation brought along, for the ledger. */
static void
print_seen(const struct ask *ask, char out[SEEN_BYTES])
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	char hex[2 * CRYPTO_SHA256_BYTES + 1] = "";
	if (ask->images > 0) {
		crypto_sha256(ask->image_bytes, digest);
		crypto_hex(digest, sizeof(digest), hex);
	}
	snprintf(out, SEEN_BYTES,
	    ",\"seals_ours\":%u,\"seals_foreign\":%u,\"results\":%u,\"images\":%u,"
	    "\"image_sha256\":\"%s\"",
	    ask->seals_ours, ask->seals_foreign, ask->result_count, ask->images, hex);
}

static void
answer_conversation(struct exchange *x)
{
	struct ask ask;
	struct directives directives = {.steps = 1};
	struct err err = {0};
	char seen[SEEN_BYTES];
	const char *header;
	struct view body = httpd_body(x->req);
	struct view version = httpd_header(x->req, "anthropic-version");
	bool bad_key = view_find(exchange_key(x->req, &header), "bad") >= 0;
	bool valid = ask_parse(&ask, x->target.protocol, body, x->target.prefix, &x->arena, &err);
	print_seen(&ask, seen);
	exchange_log_request(x, ask.model, ask.stream, view_of(seen));
	find_fault(x, &ask, &directives);
	if (is_settled(x))
		return;
	bool lax = fault_has(&x->fault, FAULT_LAX);
	if (bad_key)
		set_error(x, 401, NULL);
	else if (!valid || (!lax && !verify_request(&ask, body, version, &err)))
		set_refusal(x, &err);
	else if (fault_has(&x->fault, FAULT_SIGNED) && ask.seals_foreign > 0)
		set_error(x, 400, "thinking carries a signature that was not made here");
	else
		set_answer(x, &ask, &directives);
}

static void
answer_count(struct exchange *x)
{
	struct writer json;
	struct err err;
	struct jsonspan_value root;
	if (!jsonspan_scan(httpd_body(x->req), NULL, 0, &root, &err)) {
		set_refusal(x, &err);
		return;
	}
	writer_init(&json, 1024);
	writer_put(&json, "{'input_tokens':$u}", (uint64_t)httpd_body(x->req).len / 4 + 1);
	set_written(x, 200, &json);
}

/* ---- models ---- */

static void
put_model(bool messages, struct view id, struct writer *out)
{
	if (messages)
		writer_put(out,
		    "{'type':'model','id':$s,'display_name':$s,"
		    "'created_at':'2026-01-01T00:00:00Z'}",
		    id, id);
	else
		writer_put(out,
		    "{'id':$s,'object':'model','created':1767225600,"
		    "'owned_by':'pointsman-demo'}",
		    id);
}

static void
answer_models(struct exchange *x)
{
	static const char *const ids[] = {"demo-large", "demo-small", "demo-thinking"};
	const size_t count = sizeof(ids) / sizeof(ids[0]);
	bool messages = httpd_header(x->req, "anthropic-version").data != NULL;
	struct writer json;
	writer_init(&json, 1u << 20);
	if (x->target.model.len > 0) {
		put_model(messages, x->target.model, &json);
		set_written(x, 200, &json);
		return;
	}
	writer_put(&json, messages ? "{'data':[" : "{'object':'list','data':[");
	for (size_t i = 0; i < count; i++) {
		writer_put(&json, i > 0 ? "," : "");
		put_model(messages, view_of(ids[i]), &json);
	}
	writer_put(&json, messages ? "],'has_more':false,'first_id':$s,'last_id':$s}" : "]}",
	    view_of(ids[0]), view_of(ids[count - 1]));
	set_written(x, 200, &json);
}

/* ---- all ---- */

static void
answer_other(struct exchange *x)
{
	enum http_method method = httpd_method(x->req);
	bool reads = method == HTTP_GET || method == HTTP_HEAD;
	exchange_log_request(x, x->target.model, false, VIEW(""));
	if (is_settled(x))
		return;
	if (x->target.endpoint == ENDPOINT_HEALTH && reads)
		set_body(x, 200, JSON_TYPE, VIEW("{\"status\":\"ok\"}"));
	else if (x->target.endpoint == ENDPOINT_MODELS && reads)
		answer_models(x);
	else if (x->target.endpoint == ENDPOINT_COUNT_TOKENS && method == HTTP_POST)
		answer_count(x);
	else if (httpd_header(x->req, "upgrade").data != NULL)
		set_error(x, 426, "no web sockets here");
	else if (x->target.endpoint != ENDPOINT_NONE)
		set_error(x, 405, "this method is not for this path");
	else
		set_error(x, 404, "no such path");
}

void
compose_answer(struct exchange *x)
{
	bool early = fault_has(&x->fault, FAULT_EARLY);
	if (early && !fault_has(&x->fault, FAULT_STATUS)) {
		x->fault.clauses |= FAULT_STATUS;
		x->fault.status = 503;
	}
	if (x->target.endpoint == ENDPOINT_ANSWER && httpd_method(x->req) == HTTP_POST && !early &&
	    !fault_has(&x->fault, FAULT_REFUSE))
		answer_conversation(x);
	else
		answer_other(x);
}
