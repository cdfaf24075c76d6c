#include "attempt.h"
#include "attempt_send.h"
#include "clock.h"
#include "headers.h"
#include "models.h"
#include "record.h"
#include "refuse.h"
#include "transcode.h"
#include "url.h"
#include <stdio.h>
#include <string.h>

#define URL_BYTES_MAX ((size_t)64 * 1024)
/* So little is inflated at once that even a bomb stays within the bound behind it. */
#define SLICE_BYTES 128
#define INFLATED_BYTES_MAX ((size_t)256 * 1024)
#define MASK_KEY_BYTES_MIN 8
/* What comes out of conversion in one go: a whole answer at the most. */
#define CONVERTED_BYTES_MAX ((size_t)64 * 1024 * 1024)

static size_t
on_read(uint64_t at, char *out, size_t len, void *ctx)
{
	struct attempt *attempt = ctx;
	attempt->sent_ms = loop_now_ms(attempt->loop);
	return attempt_send_read(attempt, at, out, len);
}

/* ---- the answer's head ---- */

/* Another protocol's upstream: its answers are for us to read. */
static bool
is_foreign(const struct attempt *attempt)
{
	return attempt->entry->protocol != attempt->request->route->protocol;
}

static enum attempt_mode
choose_mode(const struct attempt *attempt)
{
	int status = attempt->status;
	if (status >= 200 && status <= 299)
		return ATTEMPT_ANSWER;
	bool final = outcome_is_final(status, &attempt->request->table->strategies);
	if (final && refuse_status(status) == status && !is_foreign(attempt))
		return ATTEMPT_PASS;
	return ATTEMPT_KEEP;
}

/* False: neither we nor the client can read it. */
static bool
choose_coding(struct attempt *attempt)
{
	char name[32];
	struct view value = answer_header(attempt->answer, "content-encoding");
	enum coding coding = coding_parse(value);
	if (coding == CODING_IDENTITY)
		return true;
	(void)snprintf(name, sizeof(name), "%.*s", VIEW_ARGS(value));
	bool accepted = value.len < sizeof(name) && attempt->mode != ATTEMPT_KEEP &&
			!is_foreign(attempt) && attempt->convert == NULL &&
			!attempt->rewrite.asks_usage && !attempt->relay->started &&
			headers_accepts(attempt->request->accept_encoding, name);
	if (coding == CODING_UNKNOWN)
		return accepted;
	attempt->inflate = inflate_new(coding);
	attempt->inflate_out = !accepted;
	return true;
}

/* The form in which an answer comes: as it says, else as it was asked for. */
static bool
comes_as_sse(const struct attempt *attempt)
{
	struct view type = answer_header(attempt->answer, "content-type");
	if (view_starts_nocase(type, "application/json"))
		return false;
	return attempt->asks_stream || view_starts_nocase(type, "text/event-stream");
}

static enum wall_shape
choose_shape(const struct attempt *attempt)
{
	enum endpoint endpoint = attempt->request->route->endpoint;
	struct view coding = answer_header(attempt->answer, "content-encoding");
	if (coding_parse(coding) == CODING_UNKNOWN)
		return WALL_OPAQUE;
	if (endpoint == ENDPOINT_GENERATE)
		return comes_as_sse(attempt) ? WALL_STREAM : WALL_WHOLE;
	return endpoint == ENDPOINT_COUNT_TOKENS ? WALL_WHOLE : WALL_OPAQUE;
}

/* JSON where a stream was asked for, or the other way round: the way through the neutral model
 * mends that. */
static void
mend_form(struct attempt *attempt)
{
	const struct attempt_request *request = attempt->request;
	struct err err;
	if (attempt->convert != NULL || request->route->endpoint != ENDPOINT_GENERATE)
		return;
	struct transcode_call call = {.client = request->route->protocol,
	    .table = request->table,
	    .entry = attempt->entry,
	    .body = request->body,
	    .id = request->id,
	    .strict = request->strict,
	    .model = attempt->rewrite.model,
	    .wall_ms = clock_wall_ms()};
	attempt->convert = transcode_answer(&call, &err);
}

static void
read_form(struct attempt *attempt)
{
	const struct attempt_request *request = attempt->request;
	enum wall_shape shape = choose_shape(attempt);
	attempt->sse = shape == WALL_STREAM;
	/* An answer that was to be put together and is whole, or none, passes as it is. */
	if (!is_foreign(attempt) && !(attempt->mode == ATTEMPT_ANSWER && attempt->sse)) {
		convert_free(attempt->convert);
		attempt->convert = NULL;
	}
	if (attempt->mode == ATTEMPT_ANSWER && shape != WALL_OPAQUE &&
	    attempt->sse != request->facts->stream)
		mend_form(attempt);
	bool lists = request->route->endpoint == ENDPOINT_MODELS && is_foreign(attempt);
	attempt->folds =
	    lists || (attempt->convert != NULL && !(attempt->sse && request->facts->stream));
	attempt->inflate_out =
	    attempt->inflate_out || (attempt->inflate != NULL && attempt->convert != NULL);
	wall_fini(&attempt->wall);
	wall_init(&attempt->wall, attempt->entry->protocol, shape);
	tap_begin(&attempt->tap, shape == WALL_STREAM);
	attempt->is_stream = attempt->asks_stream || attempt->sse;
}

/* Of the rest of an answer that was paused: nobody is told, but it must be an answer. */
static bool
on_further_head(struct attempt *attempt)
{
	int status = attempt->answer->status;
	attempt->broken = status < 200 || status > 299 || !choose_coding(attempt);
	if (attempt->broken) {
		(void)snprintf(attempt->detail, sizeof(attempt->detail),
		    "asked to go on, the upstream answered with status %d", status);
		return false;
	}
	read_form(attempt);
	return true;
}

static bool
on_head(struct answer *answer, void *ctx)
{
	struct attempt *attempt = ctx;
	attempt->answer = answer;
	attempt->last_ms = loop_now_ms(attempt->loop);
	if (attempt->continues)
		return on_further_head(attempt);
	attempt->status = answer->status;
	attempt->head_ms = attempt->last_ms;
	attempt->mode = choose_mode(attempt);
	if (!choose_coding(attempt)) {
		attempt->broken = true;
		return false;
	}
	read_form(attempt);
	attempt->events->on_head(attempt->ctx);
	return true;
}

/* ---- the answer's body ---- */

static void
look(struct attempt *attempt, struct view plain)
{
	if (attempt->mode != ATTEMPT_ANSWER)
		return;
	(void)wall_feed(&attempt->wall, plain);
	if (attempt->request->route->endpoint == ENDPOINT_GENERATE)
		tap_feed(&attempt->tap, plain);
}

static bool
give(struct attempt *attempt, struct view bytes)
{
	return attempt->events->on_bytes(bytes, attempt->ctx);
}

/* A list of models is small, or none. */
static bool
gather(struct attempt *attempt, struct view plain)
{
	attempt->broken = !bytes_append_view(&attempt->converted, plain);
	return !attempt->broken;
}

/* What the client has not asked for is taken out. Before the terminal event there is nothing of it.
 */
static bool
give_filtered(struct attempt *attempt, struct view plain)
{
	if (!attempt->rewrite.asks_usage || !attempt->sse || !attempt->wall.terminal)
		return give(attempt, plain);
	bytes_clear(&attempt->converted);
	usage_filter_feed(&attempt->filter, plain, &attempt->converted);
	return give(attempt, bytes_view(&attempt->converted));
}

/* Bytes of the answer as its upstream meant them, on to the client as it understands them. */
static bool
pass(struct attempt *attempt, struct view plain)
{
	struct err err;
	if (attempt->mode != ATTEMPT_ANSWER || (attempt->convert == NULL && !attempt->folds))
		return give_filtered(attempt, plain);
	if (attempt->wall.verdict == WALL_FAILED)
		return give(attempt, VIEW(""));
	if (attempt->convert == NULL)
		return gather(attempt, plain);
	bytes_clear(&attempt->converted);
	if (!convert_feed(attempt->convert, attempt->sse, plain, &attempt->converted, &err)) {
		attempt->broken = true;
		attempt->wall.terminal = false; /* not for the client */
		(void)snprintf(attempt->detail, sizeof(attempt->detail), "%s", err.msg);
		return false;
	}
	return give(attempt, bytes_view(&attempt->converted));
}

/* Inflates `bytes` piece by piece and looks at each; where the client gets the inflated bytes they
 * are given on, and a full relay ends the turn: *used tells how far it came. */
static bool
inflate_bytes(struct attempt *attempt, struct view bytes, size_t *used)
{
	struct bytes plain;
	bool ok = true;
	bytes_init(&plain, INFLATED_BYTES_MAX);
	*used = 0;
	while (ok && *used < bytes.len && !(attempt->inflate_out && attempt->relay->full)) {
		struct view slice = view_sub(bytes, *used, SLICE_BYTES);
		*used += slice.len;
		bytes_clear(&plain);
		attempt->broken = !inflate_feed(attempt->inflate, slice, &plain, NULL);
		look(attempt, bytes_view(&plain));
		ok = !attempt->broken &&
		     (!attempt->inflate_out || plain.len == 0 || pass(attempt, bytes_view(&plain)));
	}
	bytes_fini(&plain);
	return ok;
}

static enum transfer_go
on_coded_bytes(struct attempt *attempt, struct view bytes)
{
	size_t used, again = attempt->skip < bytes.len ? attempt->skip : bytes.len;
	bytes = view_from(bytes, again);
	if (!inflate_bytes(attempt, bytes, &used))
		return TRANSFER_STOP;
	if (!attempt->inflate_out)
		return give(attempt, bytes) ? TRANSFER_GO : TRANSFER_STOP;
	if (used == bytes.len) {
		attempt->skip -= again;
		return TRANSFER_GO;
	}
	/* libcurl brings all of it again. */
	attempt->skip += used;
	attempt->paused = true;
	return TRANSFER_PAUSE;
}

static enum transfer_go
on_bytes(struct view bytes, void *ctx)
{
	struct attempt *attempt = ctx;
	if (attempt->relay->full) {
		attempt->paused = true;
		return TRANSFER_PAUSE;
	}
	attempt->last_ms = loop_now_ms(attempt->loop);
	if (attempt->inflate != NULL)
		return on_coded_bytes(attempt, bytes);
	look(attempt, bytes);
	return pass(attempt, bytes) ? TRANSFER_GO : TRANSFER_STOP;
}

/* ---- its end ---- */

static void
set_done(struct attempt *attempt, enum transport transport, const char *detail)
{
	bool cut = transport == TRANSPORT_OK && attempt->inflate != NULL &&
		   !inflate_done(attempt->inflate);
	attempt->done = true;
	attempt->paused = false;
	attempt->transport = attempt->broken || cut ? TRANSPORT_BAD_ANSWER : transport;
	if (!attempt->broken)
		(void)snprintf(attempt->detail, sizeof(attempt->detail), "%s", detail);
	if (attempt->mode == ATTEMPT_ANSWER && attempt->transport == TRANSPORT_OK)
		(void)wall_end(&attempt->wall);
}

static bool
end_listing(struct attempt *attempt, struct bytes *out, struct err *err)
{
	return models_convert((enum wire)attempt->request->route->protocol,
	    bytes_view(&attempt->converted), out, err);
}

static bool send_call(struct attempt *attempt, bool fresh);

/* Asks for the rest of an answer that was paused. On a new connection: what a dead one has taken
 * would have to be asked again. */
static bool
go_on(struct attempt *attempt, struct err *err)
{
	bytes_fini(&attempt->body);
	bytes_init(&attempt->body, CONVERTED_BYTES_MAX);
	if (!convert_continue(attempt->convert, &attempt->body, err))
		return false;
	transfer_free(attempt->transfer);
	inflate_free(attempt->inflate);
	wall_fini(&attempt->wall);
	wall_init(&attempt->wall, attempt->entry->protocol, WALL_OPAQUE);
	tap_go_on(&attempt->tap);
	attempt->transfer = NULL;
	attempt->answer = NULL;
	attempt->inflate = NULL;
	attempt->inflate_out = attempt->done = attempt->paused = false;
	attempt->skip = 0;
	attempt->continues = true;
	attempt->asked_ms = attempt->last_ms = attempt->sent_ms = loop_now_ms(attempt->loop);
	if (send_call(attempt, true))
		return true;
	attempt->done = true;
	return err_set(err, ERR_LIMIT, "", "the request for the rest cannot be made");
}

static bool
is_paused(const struct attempt *attempt)
{
	return attempt->convert != NULL && convert_is_paused(attempt->convert);
}

/* What only the end of the upstream's answer brings the client, however the connection ended once
 * the last event had come. False: it was not the end. */
static bool
give_rest(struct attempt *attempt)
{
	struct bytes out;
	struct err err = {0};
	bool complete = true, ok;
	/* Broken between message_delta and message_stop, for which clients wait: what is passed on
	 * as it comes cannot be ended for it. */
	if (attempt->convert == NULL && !attempt->folds && attempt->sse && !attempt->wall.sealed &&
	    attempt->wall.fault == WALL_FINE &&
	    (attempt->transport == TRANSPORT_RECEIVE || attempt->transport == TRANSPORT_BAD_ANSWER))
		attempt->wall.terminal = false;
	bool whole = attempt->mode == ATTEMPT_ANSWER && attempt->wall.verdict == WALL_COMMIT &&
		     attempt->wall.fault == WALL_FINE && attempt->wall.terminal;
	if (!whole || (attempt->convert == NULL && !attempt->folds))
		return true;
	bytes_init(&out, CONVERTED_BYTES_MAX);
	ok = attempt->convert != NULL ? convert_end(attempt->convert, true, &out, &complete, &err)
				      : end_listing(attempt, &out, &err);
	bool paused = ok && is_paused(attempt);
	if (ok && (complete || paused))
		(void)give(attempt, bytes_view(&out));
	bytes_fini(&out);
	if (paused && go_on(attempt, &err))
		return false;
	if (!ok || !complete) {
		attempt->transport = TRANSPORT_BAD_ANSWER;
		attempt->wall.terminal = false;
		(void)snprintf(attempt->detail, sizeof(attempt->detail), "%s", err.msg);
	}
	return true;
}

/* An event that never ended. */
static void
give_held(struct attempt *attempt)
{
	bytes_clear(&attempt->converted);
	usage_filter_end(&attempt->filter, &attempt->converted);
	if (attempt->converted.len > 0)
		(void)give(attempt, bytes_view(&attempt->converted));
}

static void
on_done(enum transport transport, const char *detail, void *ctx)
{
	struct attempt *attempt = ctx;
	set_done(attempt, transport, detail);
	if (attempt->filter.held.len > 0)
		give_held(attempt);
	if (give_rest(attempt))
		attempt->events->on_done(attempt->ctx);
}

/* ---- its begin ---- */

static const char *
method_text(enum http_method method)
{
	static const char *const names[] = {
	    [HTTP_GET] = "GET",
	    [HTTP_HEAD] = "HEAD",
	    [HTTP_POST] = "POST",
	    [HTTP_PUT] = "PUT",
	    [HTTP_DELETE] = "DELETE",
	    [HTTP_PATCH] = "PATCH",
	    [HTTP_OPTIONS] = "OPTIONS",
	};
	return names[method];
}

/* controlplane takes such an address only when the owner has named it as allowed. Names are judged
 * by what they resolve to. */
static bool
is_allowed_literal(const struct upstream_entry *entry)
{
	struct url url;
	return url_parse_base(view_of(entry->base_url), &url, NULL) && url_host_is_denied(url.host);
}

static bool
send_call(struct attempt *attempt, bool fresh)
{
	static const struct transfer_events events = {on_head, on_bytes, on_done, on_read};
	struct bytes headers, url;
	bytes_init(&headers, ATTEMPT_HEADERS_BYTES_MAX);
	bytes_init(&url, URL_BYTES_MAX);
	bool ok = attempt_send_headers(attempt, &headers) && attempt_send_url(attempt, &url);
	if (ok) {
		struct transfer_call call = {
		    .url = bytes_str(&url),
		    .method = method_text(attempt->request->method),
		    .headers = &headers,
		    .body_bytes = attempt_send_bytes(attempt),
		    .any_address = is_allowed_literal(attempt->entry),
		    .fresh = fresh,
		    .events = &events,
		    .ctx = attempt,
		};
		attempt->transfer = transfer_start(attempt->request->upstreams, &call);
	}
	bytes_fini(&headers);
	bytes_fini(&url);
	return ok;
}

bool
attempt_start(struct attempt *attempt, const struct attempt_request *request,
    const struct upstream_entry *entry, bool fresh, void *ctx)
{
	*attempt = (struct attempt){
	    .request = request,
	    .relay = request->relay,
	    .events = request->events,
	    .loop = request->loop,
	    .ctx = ctx,
	    .entry = entry,
	};
	attempt->started_ms = attempt->asked_ms = loop_now_ms(request->loop);
	attempt->last_ms = attempt->sent_ms = attempt->started_ms;
	wall_init(&attempt->wall, entry->protocol, WALL_OPAQUE);
	tap_init(&attempt->tap, entry->protocol, false);
	usage_filter_init(&attempt->filter);
	bytes_init(&attempt->converted, CONVERTED_BYTES_MAX);
	if (!attempt_send_body(attempt, &attempt->refusal)) {
		set_done(attempt, TRANSPORT_CANCELLED, "the request cannot be carried over");
		return false;
	}
	attempt->is_stream = attempt->asks_stream;
	if (send_call(attempt, fresh))
		return true;
	set_done(attempt, TRANSPORT_INTERNAL, "the request for the upstream cannot be made");
	return false;
}

void
attempt_fini(struct attempt *attempt)
{
	if (attempt->request == NULL)
		return;
	transfer_free(attempt->transfer);
	rewrite_fini(&attempt->rewrite);
	convert_free(attempt->convert);
	bytes_fini(&attempt->body);
	bytes_fini(&attempt->converted);
	usage_filter_fini(&attempt->filter);
	tap_fini(&attempt->tap);
	wall_fini(&attempt->wall);
	inflate_free(attempt->inflate);
	*attempt = (struct attempt){0};
}

void
attempt_cancel(struct attempt *attempt, enum transport transport)
{
	if (attempt->done)
		return;
	if (attempt->transfer != NULL)
		transfer_stop(attempt->transfer);
	set_done(attempt, transport, transport_name(transport));
	bool lingers = transport == TRANSPORT_TIMEOUT_IDLE && attempt->wall.closed;
	if (transport != TRANSPORT_CANCELLED && (lingers || !is_paused(attempt)))
		(void)give_rest(attempt);
}

bool
attempt_connected(const struct attempt *attempt)
{
	return attempt->transfer != NULL && transfer_connected(attempt->transfer);
}

bool
attempt_sent(const struct attempt *attempt)
{
	return attempt->transfer == NULL || transfer_sent(attempt->transfer);
}

bool
attempt_is_ready(const struct attempt *attempt)
{
	return attempt->wall.verdict == WALL_COMMIT && (!attempt->folds || attempt->done);
}

void
attempt_resume(struct attempt *attempt)
{
	if (!attempt->paused)
		return;
	attempt->paused = false;
	attempt->last_ms = loop_now_ms(attempt->loop);
	transfer_resume(attempt->transfer);
}

bool
attempt_drop_request(struct attempt *attempt)
{
	if (attempt->transfer == NULL)
		return true;
	answer_drop(attempt->answer);
	if (!transfer_drop_request(attempt->transfer))
		return false;
	rewrite_fini(&attempt->rewrite);
	bytes_fini(&attempt->body);
	return attempt->convert == NULL; /* which points into it */
}

void
attempt_mask_key(const struct attempt *attempt, struct bytes *body)
{
	struct view key = secret_reveal(&attempt->entry->key);
	char *at = body->data;
	if (key.len < MASK_KEY_BYTES_MIN || body->len == 0)
		return;
	while (
	    (at = memmem(at, body->len - (size_t)(at - body->data), key.data, key.len)) != NULL) {
		memset(at, '*', key.len);
		at += key.len;
	}
}

const char *
attempt_model(const struct attempt *attempt)
{
	return attempt->rewrite.model;
}

unsigned
attempt_usage(const struct attempt *attempt, struct tap_usage *out)
{
	tap_tell(&attempt->tap, out);
	if (!out->told)
		return RECORD_USAGE_MISSING;
	/* What comes behind the protocol's own end, be it the end of the bytes, changes no count.
	 */
	return attempt->wall.terminal && out->last_word ? RECORD_USAGE_REPORTED
							: RECORD_USAGE_PARTIAL;
}

struct outcome_facts
attempt_facts(const struct attempt *attempt)
{
	return (struct outcome_facts){
	    .transport = attempt->transport,
	    .status = attempt->status,
	    .fault = attempt->wall.fault,
	    .error_type = attempt->wall.error_type,
	    .terminal = attempt->wall.terminal && !is_paused(attempt),
	};
}
