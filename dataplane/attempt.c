#include "attempt.h"
#include "headers.h"
#include "refuse.h"
#include "url.h"
#include <stdio.h>
#include <string.h>

#define HEADERS_BYTES_MAX ((size_t)160 * 1024)
#define HEADERS_BYTES_USUAL 2048
#define URL_BYTES_MAX ((size_t)64 * 1024)
/* So little is inflated at once that even a bomb stays within the bound behind it. */
#define SLICE_BYTES 128
#define INFLATED_BYTES_MAX ((size_t)256 * 1024)
#define MASK_KEY_BYTES_MIN 8

/* ---- the request ---- */

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

static bool
is_clean(struct view value)
{
	for (size_t i = 0; i < value.len; i++) {
		if ((unsigned char)value.data[i] < 0x20 && value.data[i] != '\t')
			return false;
	}
	return true;
}

/* libcurl's form: "Name: value", or "Name;" for an empty value. */
static bool
add_header(struct bytes *out, struct view name, struct view value)
{
	if (!is_clean(value))
		return false;
	if (value.len == 0)
		return bytes_append_view(out, name) && bytes_append(out, ";", 2);
	return bytes_append_view(out, name) && bytes_append_str(out, ": ") &&
	       bytes_append_view(out, value) && bytes_append_char(out, '\0');
}

static bool
is_json_call(const struct attempt_request *request)
{
	enum endpoint endpoint = request->route->endpoint;
	return endpoint == ENDPOINT_GENERATE || endpoint == ENDPOINT_COUNT_TOKENS;
}

/* What a client forgets and its upstream insists on; a bare `curl -d` says it sends a form. */
static bool
add_forgotten(struct bytes *out, const struct attempt_request *request, bool type, bool version)
{
	bool anthropic = request->route->protocol == PROTOCOL_ANTHROPIC;
	if (!type && is_json_call(request) &&
	    !add_header(out, VIEW("Content-Type"), VIEW("application/json")))
		return false;
	/* libcurl would add one of its own. */
	if (!type && !is_json_call(request) && !bytes_append(out, "Content-Type:", 14))
		return false;
	return version || !anthropic ||
	       add_header(out, VIEW("anthropic-version"), VIEW("2023-06-01"));
}

static bool
add_client_headers(struct bytes *out, const struct attempt_request *request)
{
	struct view connection = {0};
	bool accept = false, type = false, version = false, ok = true;
	for (size_t i = 0; i < request->header_count; i++) {
		if (view_eq_nocase(request->headers[i].name, "connection"))
			connection = request->headers[i].value;
	}
	for (size_t i = 0; ok && i < request->header_count; i++) {
		const struct http_header *header = &request->headers[i];
		if (!headers_to_upstream(header->name, connection))
			continue;
		bool is_type = view_eq_nocase(header->name, "content-type");
		if (is_type && is_json_call(request) &&
		    !view_starts_nocase(header->value, "application/json"))
			continue;
		type = type || is_type;
		accept = accept || view_eq_nocase(header->name, "accept");
		version = version || view_eq_nocase(header->name, "anthropic-version");
		ok = add_header(out, header->name, header->value);
	}
	/* libcurl would add an "Accept" of its own. */
	return ok && (accept || bytes_append(out, "Accept:", 8)) &&
	       add_forgotten(out, request, type, version);
}

/* The key comes last, so that no growing of `out` leaves a copy of it behind. */
static bool
add_key(struct bytes *out, const struct upstream_entry *entry)
{
	struct view key = secret_reveal(&entry->key);
	bool bearer;
	if (key.len == 0)
		return true;
	const char *name = headers_key_name(entry->protocol, key, &bearer);
	return is_clean(key) && bytes_reserve(out, strlen(name) + 16 + key.len) &&
	       bytes_append_str(out, name) && bytes_append_str(out, bearer ? ": Bearer " : ": ") &&
	       bytes_append_view(out, key) && bytes_append_char(out, '\0');
}

static bool
make_headers(const struct attempt *attempt, struct bytes *out)
{
	const struct attempt_request *request = attempt->request;
	/* At once what nearly all need, instead of six times twice as much. */
	if (!bytes_reserve(out, HEADERS_BYTES_USUAL))
		return false;
	bool gzip = !request->facts->stream && headers_accepts(request->accept_encoding, "gzip");
	return add_client_headers(out, request) &&
	       add_header(out, VIEW("Accept-Encoding"), gzip ? VIEW("gzip") : VIEW("identity")) &&
	       add_key(out, attempt->entry);
}

static size_t
on_read(uint64_t at, char *out, size_t len, void *ctx)
{
	struct attempt *attempt = ctx;
	return splice_read(&attempt->splice, at, out, len);
}

/* ---- the answer's head ---- */

static enum attempt_mode
choose_mode(int status)
{
	struct outcome_facts facts = {.status = status};
	if (status >= 200 && status <= 299)
		return ATTEMPT_ANSWER;
	if (refuse_status(status) == status && !outcome_classify(&facts).try_next)
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
			headers_accepts(attempt->request->accept_encoding, name);
	if (coding == CODING_UNKNOWN)
		return accepted;
	attempt->inflate = inflate_new(coding);
	attempt->inflate_out = !accepted;
	return true;
}

static enum wall_shape
choose_shape(const struct attempt *attempt)
{
	enum endpoint endpoint = attempt->request->route->endpoint;
	struct view coding = answer_header(attempt->answer, "content-encoding");
	if (coding_parse(coding) == CODING_UNKNOWN)
		return WALL_OPAQUE;
	if (endpoint == ENDPOINT_GENERATE && attempt->request->facts->stream)
		return WALL_STREAM;
	return endpoint == ENDPOINT_GENERATE || endpoint == ENDPOINT_COUNT_TOKENS ? WALL_WHOLE
										  : WALL_OPAQUE;
}

static bool
on_head(struct answer *answer, void *ctx)
{
	struct attempt *attempt = ctx;
	attempt->answer = answer;
	attempt->status = answer->status;
	attempt->last_ms = loop_now_ms(attempt->loop);
	attempt->mode = choose_mode(answer->status);
	if (!choose_coding(attempt)) {
		attempt->broken = true;
		return false;
	}
	wall_fini(&attempt->wall);
	wall_init(&attempt->wall, attempt->request->route->protocol, choose_shape(attempt));
	struct view type = answer_header(answer, "content-type");
	attempt->is_stream =
	    attempt->request->facts->stream || view_starts_nocase(type, "text/event-stream");
	attempt->events->on_head(attempt->ctx);
	return true;
}

/* ---- the answer's body ---- */

static void
look(struct attempt *attempt, struct view plain)
{
	if (attempt->mode == ATTEMPT_ANSWER)
		(void)wall_feed(&attempt->wall, plain);
}

static bool
give(struct attempt *attempt, struct view bytes)
{
	return attempt->events->on_bytes(bytes, attempt->ctx);
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
		     (!attempt->inflate_out || plain.len == 0 || give(attempt, bytes_view(&plain)));
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
	return give(attempt, bytes) ? TRANSFER_GO : TRANSFER_STOP;
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
	(void)snprintf(attempt->detail, sizeof(attempt->detail), "%s", detail);
}

static void
on_done(enum transport transport, const char *detail, void *ctx)
{
	struct attempt *attempt = ctx;
	set_done(attempt, transport, detail);
	attempt->events->on_done(attempt->ctx);
}

/* controlplane takes such an address only when the owner has named it as allowed. Names are judged
 * by what they resolve to. */
static bool
is_allowed_literal(const struct upstream_entry *entry)
{
	struct url url;
	return url_parse_base(view_of(entry->base_url), &url, NULL) && url_host_is_denied(url.host);
}

bool
attempt_start(struct attempt *attempt, const struct attempt_request *request,
    const struct upstream_entry *entry, bool fresh)
{
	static const struct transfer_events events = {on_head, on_bytes, on_done, on_read};
	const struct table *table = request->table;
	struct bytes headers, url;
	*attempt = (struct attempt){
	    .request = request,
	    .relay = request->relay,
	    .events = request->events,
	    .loop = request->loop,
	    .ctx = request->ctx,
	    .entry = entry,
	};
	attempt->started_ms = attempt->last_ms = loop_now_ms(request->loop);
	attempt->is_stream = request->facts->stream;
	wall_init(&attempt->wall, request->route->protocol, WALL_OPAQUE);
	splice_init(&attempt->splice, request->body, request->facts, table->model_rules,
	    table->model_rule_count, attempt->model);
	bytes_init(&headers, HEADERS_BYTES_MAX);
	bytes_init(&url, URL_BYTES_MAX);
	bool ok = make_headers(attempt, &headers) &&
		  url_join(view_of(entry->base_url), request->route->path, request->query, &url);
	if (ok) {
		struct transfer_call call = {
		    .url = bytes_str(&url),
		    .method = method_text(request->method),
		    .headers = &headers,
		    .body_bytes = attempt->splice.total_bytes,
		    .any_address = is_allowed_literal(entry),
		    .fresh = fresh,
		    .events = &events,
		    .ctx = attempt,
		};
		attempt->transfer = transfer_start(request->upstreams, &call);
	} else {
		set_done(
		    attempt, TRANSPORT_INTERNAL, "the request for the upstream cannot be made");
	}
	bytes_fini(&headers);
	bytes_fini(&url);
	return ok;
}

void
attempt_fini(struct attempt *attempt)
{
	if (attempt->request == NULL)
		return;
	transfer_free(attempt->transfer);
	splice_fini(&attempt->splice);
	wall_fini(&attempt->wall);
	inflate_free(attempt->inflate);
	*attempt = (struct attempt){0};
}

void
attempt_cancel(struct attempt *attempt, enum transport transport)
{
	if (attempt->done)
		return;
	transfer_free(attempt->transfer);
	attempt->transfer = NULL;
	attempt->answer = NULL;
	set_done(attempt, transport, transport_name(transport));
}

bool
attempt_connected(const struct attempt *attempt)
{
	return attempt->transfer != NULL && transfer_connected(attempt->transfer);
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
	splice_fini(&attempt->splice);
	return true;
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

struct outcome_facts
attempt_facts(const struct attempt *attempt)
{
	return (struct outcome_facts){
	    .transport = attempt->transport,
	    .status = attempt->status,
	    .fault = attempt->wall.fault,
	    .error_type = attempt->wall.error_type,
	    .terminal = attempt->wall.terminal,
	};
}
