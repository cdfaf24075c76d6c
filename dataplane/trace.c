#include "trace.h"
#include "crypto.h"
#include "jsonspan.h"
#include "url.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PARENT_LEN 55 /* 00-<32 hex>-<16 hex>-<2 hex> */
#define KIND_SERVER 2
#define KIND_CLIENT 3
#define STATUS_ERROR 2

/* ---- the parent ---- */

static bool
is_lower_hex(struct view text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
	}
	return text.len > 0;
}

static bool
is_zero(const uint8_t *bytes, size_t len)
{
	uint8_t any = 0;
	for (size_t i = 0; i < len; i++)
		any |= bytes[i];
	return any == 0;
}

bool
trace_parse_parent(struct view header, struct trace *trace, bool *sampled)
{
	uint8_t version, flags, id[TRACE_ID_BYTES], span[TRACE_SPAN_BYTES];
	struct view text = view_trim(header);
	if (text.len < PARENT_LEN || text.data[2] != '-' || text.data[35] != '-' ||
	    text.data[52] != '-')
		return false;
	struct view parts[] = {view_sub(text, 0, 2), view_sub(text, 3, 32), view_sub(text, 36, 16),
	    view_sub(text, 53, 2)};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!is_lower_hex(parts[i]))
			return false;
	}
	if (!crypto_unhex(parts[0], &version, 1) || !crypto_unhex(parts[1], id, sizeof(id)) ||
	    !crypto_unhex(parts[2], span, sizeof(span)) || !crypto_unhex(parts[3], &flags, 1))
		return false;
	bool more = text.len > PARENT_LEN;
	if (version == 0xff || (version == 0 && more) || (more && text.data[PARENT_LEN] != '-') ||
	    is_zero(id, sizeof(id)) || is_zero(span, sizeof(span)))
		return false;
	memcpy(trace->id, id, sizeof(id));
	memcpy(trace->parent, span, sizeof(span));
	trace->has_parent = true;
	*sampled = (flags & 1u) != 0;
	return true;
}

bool
trace_is_sampled(const uint8_t id[TRACE_ID_BYTES], uint32_t sample_ppm)
{
	uint64_t chance = 0;
	/* The last 56 bits are random in all ids. */
	for (size_t i = TRACE_ID_BYTES - 7; i < TRACE_ID_BYTES; i++)
		chance = chance << 8 | id[i];
	return chance % OUTSIDE_SAMPLE_ALL < sample_ppm;
}

/* ---- attributes ---- */

/* A list of attributes under way; `ok` is false once it does not fit. */
struct list {
	struct bytes *out;
	bool any, ok;
};

static bool
begin(struct list *list, const char *key)
{
	list->ok = list->ok && bytes_printf(list->out, "%s{\"key\":\"%s\",\"value\":{",
				   list->any ? "," : "", key);
	list->any = true;
	return list->ok;
}

/* The inside of a JSON string. Names may hold what is no UTF-8 (halves of surrogates), for which a
 * collector would refuse all of a batch. */
static bool
write_text(const char *text, struct bytes *out)
{
	struct view rest = view_of(text);
	bool ok = true;
	while (ok && rest.len > 0) {
		size_t step = view_utf8_step(rest);
		ok = step > 0 ? bytes_append_json(out, view_sub(rest, 0, step))
			      : bytes_append_char(out, '?');
		rest = view_from(rest, step > 0 ? step : 1);
	}
	return ok;
}

static void
put_text(struct list *list, const char *key, const char *text)
{
	if (text[0] == '\0')
		return;
	list->ok = begin(list, key) && bytes_append_str(list->out, "\"stringValue\":\"") &&
		   write_text(text, list->out) && bytes_append_str(list->out, "\"}}");
}

static void
put_number(struct list *list, const char *key, int64_t number)
{
	list->ok =
	    begin(list, key) && bytes_printf(list->out, "\"intValue\":\"%" PRId64 "\"}}", number);
}

static void
put_known(struct list *list, const char *key, int64_t number)
{
	if (number >= 0)
		put_number(list, key, number);
}

static void
put_flag(struct list *list, const char *key, bool flag)
{
	list->ok = begin(list, key) &&
		   bytes_printf(list->out, "\"boolValue\":%s}}", flag ? "true" : "false");
}

/* ---- spans ---- */

struct span {
	const uint8_t *id, *parent; /* parent NULL = none */
	int kind;
	int64_t start_ms, end_ms;
};

static bool
write_head(const struct trace *trace, const struct span *span, struct bytes *out)
{
	char id[2 * TRACE_ID_BYTES + 1], own[2 * TRACE_SPAN_BYTES + 1];
	char parent[2 * TRACE_SPAN_BYTES + 1] = "";
	crypto_hex(trace->id, TRACE_ID_BYTES, id);
	crypto_hex(span->id, TRACE_SPAN_BYTES, own);
	if (span->parent != NULL)
		crypto_hex(span->parent, TRACE_SPAN_BYTES, parent);
	return bytes_printf(out, "{\"traceId\":\"%s\",\"spanId\":\"%s\"", id, own) &&
	       (span->parent == NULL || bytes_printf(out, ",\"parentSpanId\":\"%s\"", parent)) &&
	       bytes_printf(out,
		   ",\"kind\":%d,\"startTimeUnixNano\":\"%" PRId64
		   "000000\",\"endTimeUnixNano\":\"%" PRId64 "000000\",\"name\":\"",
		   span->kind, span->start_ms, span->end_ms);
}

static bool
write_tail(const char *error, struct bytes *out)
{
	if (error == NULL)
		return bytes_append_str(out, "]}");
	return bytes_printf(out, "],\"status\":{\"code\":%d,\"message\":\"", STATUS_ERROR) &&
	       write_text(error, out) && bytes_append_str(out, "\"}}");
}

/* By the conventions only a failure of the server is one of its span. */
static bool
is_failure(const struct record *record)
{
	return strcmp(record->result, "failed") == 0 || record->status >= 500;
}

static bool
write_request(const struct trace *trace, const struct record *record,
    const uint8_t id[TRACE_SPAN_BYTES], struct bytes *out)
{
	const struct span span = {.id = id,
	    .parent = trace->has_parent ? trace->parent : NULL,
	    .kind = KIND_SERVER,
	    .start_ms = record->at_ms,
	    .end_ms = record->at_ms + record->ms};
	struct list list = {.out = out, .ok = true};
	bool failed = is_failure(record), well = strcmp(record->result, "completed") == 0;
	if (!write_head(trace, &span, out) || !bytes_printf(out, "%s ", trace->method) ||
	    !write_text(record->path, out) || !bytes_append_str(out, "\",\"attributes\":["))
		return false;
	put_text(&list, "http.request.method", trace->method);
	put_text(&list, "http.route", record->path);
	if (record->status > 0)
		put_number(&list, "http.response.status_code", record->status);
	put_text(&list, "error.type", well ? "" : record->reason);
	if (record->generate)
		put_text(&list, "gen_ai.operation.name", "chat");
	put_text(&list, "gen_ai.request.model", record->model);
	put_text(&list, "gen_ai.conversation.id", record->session);
	put_number(&list, "http.request.body.size", (int64_t)record->bytes_in);
	put_number(&list, "http.response.body.size", (int64_t)record->bytes_out);
	put_text(&list, "pointsman.request.id", record->id);
	put_text(&list, "pointsman.client_key", record->client_key);
	put_text(&list, "pointsman.protocol", protocol_name((enum protocol)record->protocol));
	put_text(&list, "pointsman.group", group_name((enum group)record->group));
	put_text(&list, "pointsman.result", record->result);
	put_text(&list, "pointsman.blame", blame_words[record->blame]);
	put_text(&list, "pointsman.first_by", record->why);
	put_text(&list, "pointsman.loss", record->loss);
	put_flag(&list, "pointsman.stream", record->stream);
	put_number(&list, "pointsman.calls", record->calls);
	if (record->ttfb_ms > 0)
		put_number(&list, "pointsman.ttfb_ms", record->ttfb_ms);
	return list.ok && write_tail(failed ? record->reason : NULL, out);
}

static int64_t
told(int64_t count)
{
	return count > 0 ? count : 0;
}

/* By the conventions the input holds what was read from a cache and written to one. */
static void
put_usage(struct list *list, const struct record_attempt *attempt)
{
	const struct record_tokens *tokens = &attempt->tokens;
	if (attempt->usage == RECORD_USAGE_MISSING)
		return;
	if (tokens->input >= 0)
		put_number(list, "gen_ai.usage.input_tokens",
		    tokens->input + told(tokens->cache_write_5m) + told(tokens->cache_write_1h) +
			told(tokens->cache_read));
	put_known(list, "gen_ai.usage.output_tokens", tokens->output);
	put_known(list, "gen_ai.usage.cache_read.input_tokens", tokens->cache_read);
	if (tokens->cache_write_5m >= 0 || tokens->cache_write_1h >= 0)
		put_number(list, "gen_ai.usage.cache_creation.input_tokens",
		    told(tokens->cache_write_5m) + told(tokens->cache_write_1h));
	put_known(list, "gen_ai.usage.reasoning.output_tokens", tokens->reasoning);
	put_text(list, "pointsman.usage", record_usage_words[attempt->usage]);
	put_known(list, "pointsman.cost_nano_usd", attempt->cost_nano_usd);
}

/* Where the upstream lives: name and port, nothing else of its address. */
static void
put_server(struct list *list, const struct table *table, const char *upstream)
{
	struct url url;
	char host[256];
	for (size_t g = 0; g < GROUP_COUNT; g++) {
		for (size_t i = 0; i < table->groups[g].count; i++) {
			const struct upstream_entry *entry = &table->groups[g].entries[i];
			if (strcmp(entry->id, upstream) != 0 ||
			    !url_parse_base(view_of(entry->base_url), &url, NULL))
				continue;
			(void)snprintf(host, sizeof(host), "%.*s", VIEW_ARGS(url.host));
			put_text(list, "server.address", host);
			put_number(list, "server.port", url.port);
			return;
		}
	}
}

static bool
is_well(const struct record_attempt *attempt)
{
	return strcmp(attempt->reason, "ok") == 0;
}

/* Nobody's failure: another was faster, or the client has left. */
static bool
is_cut(const struct record_attempt *attempt)
{
	return attempt->blame == BLAME_CLIENT || strcmp(attempt->reason, "hedge_lost") == 0;
}

static bool
write_call(const struct trace *trace, const struct record *record, size_t index,
    const struct table *table, const uint8_t (*ids)[TRACE_SPAN_BYTES], struct bytes *out)
{
	const struct record_attempt *attempt = &record->attempts[index];
	int64_t start_ms = record->at_ms + attempt->began_ms;
	const struct span span = {.id = ids[index + 1],
	    .parent = ids[0],
	    .kind = KIND_CLIENT,
	    .start_ms = start_ms,
	    .end_ms = start_ms + attempt->ms};
	struct list list = {.out = out, .ok = true};
	bool anthropic = attempt->protocol == PROTOCOL_ANTHROPIC, well = is_well(attempt);
	const char *model = attempt->model[0] != '\0' ? attempt->model : record->model;
	if (!bytes_append_char(out, ',') || !write_head(trace, &span, out) ||
	    !bytes_append_str(out, record->generate ? "chat " : trace->method) ||
	    !write_text(record->generate ? model : "", out) ||
	    !bytes_append_str(out, "\",\"attributes\":["))
		return false;
	if (record->generate)
		put_text(&list, "gen_ai.operation.name", "chat");
	put_text(&list, "gen_ai.provider.name", anthropic ? "anthropic" : "openai");
	put_text(&list, "gen_ai.request.model", model);
	put_text(&list, "gen_ai.response.model", attempt->served);
	put_usage(&list, attempt);
	put_server(&list, table, attempt->upstream);
	put_text(&list, "http.request.method", trace->method);
	if (attempt->status > 0)
		put_number(&list, "http.response.status_code", attempt->status);
	if (index > 0)
		put_number(&list, "http.request.resend_count", (int64_t)index);
	put_text(&list, "error.type", well ? "" : attempt->reason);
	put_text(&list, "pointsman.upstream", attempt->upstream);
	put_text(&list, "pointsman.protocol", protocol_name((enum protocol)attempt->protocol));
	put_text(&list, "pointsman.blame", blame_words[attempt->blame]);
	put_flag(&list, "pointsman.hedge", attempt->hedge);
	if (attempt->ttfb_ms > 0)
		put_number(&list, "pointsman.ttfb_ms", attempt->ttfb_ms);
	if (attempt->retry_after_ms > 0)
		put_number(&list, "pointsman.retry_after_ms", (int64_t)attempt->retry_after_ms);
	return list.ok && write_tail(well || is_cut(attempt) ? NULL : attempt->reason, out);
}

bool
trace_write(const struct trace *trace, const struct record *record, const struct table *table,
    const uint8_t (*ids)[TRACE_SPAN_BYTES], struct bytes *out)
{
	size_t before = out->len;
	bool ok = (before == 0 || bytes_append_char(out, ',')) &&
		  write_request(trace, record, ids[0], out);
	for (size_t i = 0; ok && i < record->attempt_count; i++)
		ok = write_call(trace, record, i, table, ids, out);
	if (!ok)
		out->len = before;
	return ok;
}

/* ---- around them ---- */

bool
trace_write_head(const struct trace_resource *resource, struct bytes *out)
{
	struct list list = {.out = out, .ok = true};
	if (!bytes_append_str(out, "{\"resourceSpans\":[{\"resource\":{\"attributes\":["))
		return false;
	put_text(&list, "service.name", resource->service);
	put_text(&list, "service.version", PM_VERSION);
	put_text(&list, "service.instance.id", resource->instance);
	put_text(&list, "host.name", resource->host);
	put_number(&list, "process.pid", resource->pid);
	return list.ok &&
	       bytes_append_str(out, "]},\"scopeSpans\":[{\"scope\":{\"name\":\"pointsman\","
				     "\"version\":\"" PM_VERSION "\"},\"spans\":[");
}

bool
trace_write_tail(struct bytes *out)
{
	return bytes_append_str(out, "]}]}]}");
}

/* {"partialSuccess": {"rejectedSpans": "3"}}: a 64-bit number, which JSON has as a string. */
uint64_t
trace_rejected(struct view answer)
{
	struct jsonspan_want want = {.key = "partialSuccess"};
	struct view text;
	struct err err;
	uint64_t count = 0;
	if (!jsonspan_scan(answer, &want, 1, NULL, &err) || want.value.kind != JSONSPAN_OBJECT)
		return 0;
	struct jsonspan_value value = jsonspan_get(want.value, "rejectedSpans");
	if (value.kind == JSONSPAN_STRING && jsonspan_str_plain(value, &text))
		return view_to_u64(text, &count) ? count : 0;
	return value.kind == JSONSPAN_NUMBER && view_to_u64(value.raw, &count) ? count : 0;
}
