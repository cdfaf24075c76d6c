/* What an attempt sends. */
#include "attempt_send.h"
#include "clock.h"
#include "headers.h"
#include "transcode.h"
#include "url.h"
#include <string.h>

#define HEADERS_BYTES_USUAL 2048

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
add_forgotten(const struct attempt *attempt, struct bytes *out, bool type, bool version)
{
	bool anthropic = attempt->entry->protocol == PROTOCOL_ANTHROPIC;
	bool json = is_json_call(attempt->request);
	if (!type && json && !add_header(out, VIEW("Content-Type"), VIEW("application/json")))
		return false;
	/* libcurl would add one of its own. */
	if (!type && !json && !bytes_append(out, "Content-Type:", 14))
		return false;
	return version || !anthropic ||
	       add_header(out, VIEW("anthropic-version"), VIEW("2023-06-01"));
}

/* It goes up, as *value. */
static bool
choose_header(const struct attempt *attempt, const struct http_header *header,
    struct view connection, struct bytes *room, struct view *value)
{
	const struct attempt_request *request = attempt->request;
	bool own = attempt->entry->protocol == request->route->protocol;
	bool is_type = view_eq_nocase(header->name, "content-type");
	*value = header->value;
	if (is_type && is_json_call(request) &&
	    !view_starts_nocase(header->value, "application/json"))
		return false;
	if (!own)
		return headers_to_other_upstream(header->name, connection);
	return headers_to_upstream(header->name, connection) &&
	       rewrite_header(&attempt->rewrite, header->name, value, room);
}

static bool
add_client_headers(const struct attempt *attempt, struct bytes *out)
{
	const struct attempt_request *request = attempt->request;
	struct view connection = {0}, value;
	struct bytes room;
	bool accept = false, type = false, version = false, ok = true;
	for (size_t i = 0; i < request->header_count; i++) {
		if (view_eq_nocase(request->headers[i].name, "connection"))
			connection = request->headers[i].value;
	}
	for (size_t i = 0; ok && i < request->header_count; i++) {
		const struct http_header *header = &request->headers[i];
		bytes_init(&room, ATTEMPT_HEADERS_BYTES_MAX);
		if (choose_header(attempt, header, connection, &room, &value)) {
			type = type || view_eq_nocase(header->name, "content-type");
			accept = accept || view_eq_nocase(header->name, "accept");
			version = version || view_eq_nocase(header->name, "anthropic-version");
			ok = add_header(out, header->name, value);
		}
		bytes_fini(&room);
	}
	/* libcurl would add an "Accept" of its own. */
	return ok && (accept || bytes_append(out, "Accept:", 8)) &&
	       add_forgotten(attempt, out, type, version);
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

bool
attempt_send_headers(const struct attempt *attempt, struct bytes *out)
{
	const struct attempt_request *request = attempt->request;
	/* At once what nearly all need, instead of six times twice as much. */
	if (!bytes_reserve(out, HEADERS_BYTES_USUAL))
		return false;
	bool gzip = !attempt->asks_stream && attempt->convert == NULL &&
		    headers_accepts(request->accept_encoding, "gzip");
	return add_client_headers(attempt, out) &&
	       add_header(out, VIEW("Accept-Encoding"), gzip ? VIEW("gzip") : VIEW("identity")) &&
	       add_key(out, attempt->entry);
}

bool
attempt_send_url(const struct attempt *attempt, struct bytes *out)
{
	const struct attempt_request *request = attempt->request;
	struct view base = view_of(attempt->entry->base_url);
	if (attempt->entry->protocol == request->route->protocol ||
	    request->route->endpoint != ENDPOINT_GENERATE)
		return url_join(base, request->route->path, request->query, out);
	/* The query is of the client's protocol. */
	return url_join(base, transcode_path(attempt->entry), VIEW(""), out);
}

static struct transcode_call
make_call(const struct attempt *attempt, bool thinks)
{
	const struct attempt_request *request = attempt->request;
	return (struct transcode_call){.client = request->route->protocol,
	    .table = request->table,
	    .entry = attempt->entry,
	    .body = request->body,
	    .id = request->id,
	    .strict = request->strict,
	    .streams = attempt->asks_stream,
	    .thinks = thinks,
	    .model = attempt->rewrite.model,
	    .wall_ms = clock_wall_ms()};
}

static bool
convert_body(struct attempt *attempt, bool own, struct err *err)
{
	const struct attempt_request *request = attempt->request;
	bool thinks;
	rewrite_model(
	    request->table, attempt->entry, request->facts->model, attempt->rewrite.model, &thinks);
	attempt->asks_stream = attempt->asks_stream || (!own && attempt->entry->fold != FOLD_OFF);
	const struct transcode_call call = make_call(attempt, thinks);
	struct convert *convert = transcode_new(&call, &attempt->body, err);
	if (convert == NULL)
		return false;
	/* An answer in the client's own protocol passes as it is. */
	if (own) {
		convert_free(convert);
	} else {
		attempt->convert = convert;
	}
	return true;
}

/* A whole answer in the client's own protocol may be asked for as a stream, if what comes of that
 * is the same. */
static void
plan_fold(struct attempt *attempt)
{
	struct err err;
	if (attempt->asks_stream || attempt->entry->fold != FOLD_ALL ||
	    attempt->request->route->endpoint != ENDPOINT_GENERATE)
		return;
	const struct transcode_call call = make_call(attempt, false);
	struct convert *convert = transcode_answer(&call, &err);
	attempt->asks_stream = convert != NULL && convert_can_fold(convert);
	if (attempt->asks_stream)
		attempt->convert = convert;
	else
		convert_free(convert);
}

bool
attempt_send_body(struct attempt *attempt, struct err *err)
{
	const struct attempt_request *request = attempt->request;
	const struct upstream_entry *entry = attempt->entry;
	bool generates = request->route->endpoint == ENDPOINT_GENERATE;
	bool own = entry->protocol == request->route->protocol;
	attempt->asks_stream = request->facts->stream;
	if (generates && (!own || (request->mixed && transcode_has_state(request->body))))
		return convert_body(attempt, own, err);
	plan_fold(attempt);
	struct rewrite_call call = {.table = request->table,
	    .entry = entry,
	    .protocol = request->route->protocol,
	    .lessons = request->lessons,
	    .body = request->body,
	    .facts = request->facts,
	    .generates = is_json_call(request),
	    .wall_ms = clock_wall_ms(),
	    .streams = attempt->asks_stream && !request->facts->stream};
	return rewrite_init(&attempt->rewrite, &call, err);
}

uint64_t
attempt_send_bytes(const struct attempt *attempt)
{
	return attempt->body.len > 0 ? attempt->body.len : attempt->rewrite.splice.total_bytes;
}

size_t
attempt_send_read(const struct attempt *attempt, uint64_t at, char *out, size_t len)
{
	if (attempt->body.len == 0)
		return splice_read(&attempt->rewrite.splice, at, out, len);
	struct view piece = view_sub(bytes_view(&attempt->body), (size_t)at, len);
	if (piece.len > 0)
		memcpy(out, piece.data, piece.len);
	return piece.len;
}
