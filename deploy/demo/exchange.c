#include "exchange.h"
#include "crypto.h"
#include "jsonspan.h"
#include "mem.h"
#include "must.h"
#include <string.h>

#define EXCHANGE_MAGIC 0x64656d6fu
#define ARENA_BLOCK_BYTES 2048
#define ARENA_BYTES_MAX (400u << 20)
#define TAPE_BYTES_MAX (400u << 20)
#define HEADER_BYTES_MAX 2048 /* of a value, in the ledger */
#define PARAM_BYTES_MAX 512
#define PARAMS_BYTES_MAX 4096

/* ---- birth and death ---- */

static void
on_reap(struct loop_task *task, void *ctx)
{
	struct exchange *x = ctx;
	(void)task;
	MAGIC_CHECK(x, EXCHANGE_MAGIC);
	MAGIC_CLEAR(x);
	loop_timer_fini(&x->timer);
	rules_script_unref(x->script);
	tape_fini(&x->tape);
	arena_fini(&x->arena);
	mem_free(x);
}

struct exchange *
exchange_new(struct demo *demo, struct http_req *req)
{
	struct exchange *x = MEM_NEW(struct exchange);
	MAGIC_SET(x, EXCHANGE_MAGIC);
	x->demo = demo;
	x->req = req;
	x->started_ms = httpd_started_ms(req);
	x->reap = (struct loop_task){.fn = on_reap, .ctx = x};
	fault_init(&x->fault);
	arena_init(&x->arena, ARENA_BLOCK_BYTES, ARENA_BYTES_MAX);
	tape_init(&x->tape, TAPE_BYTES_MAX);
	x->next = demo->first;
	if (x->next != NULL)
		x->next->prev = x;
	demo->first = x;
	demo->counts.in_flight++;
	httpd_ctx_set(req, x);
	return x;
}

static void
count_end(struct exchange *x, enum exchange_how how)
{
	struct demo *demo = x->demo;
	demo->counts.in_flight--;
	demo->counts.streams -= x->streams;
	demo->counts.events += x->play;
	demo->counts.bytes += x->sent_bytes;
	demo->counts.complete += how == EXCHANGE_COMPLETE;
	demo->counts.errors += how == EXCHANGE_ERROR;
	demo->counts.cut += how == EXCHANGE_CUT;
	demo->counts.client_gone += how == EXCHANGE_CLIENT_GONE;
}

void
exchange_end(struct exchange *x, enum exchange_how how)
{
	static const char *const words[] = {"complete", "error", "cut", "client_gone"};
	MAGIC_CHECK(x, EXCHANGE_MAGIC);
	MUST(x->req != NULL);
	struct writer *line = x->seq > 0 ? ledger_begin(x->demo->ledger, x->seq, "end") : NULL;
	if (line != NULL) {
		writer_put(line, ",'how':$s,'status':$i,'events':$u,'bytes':$u,'ms':$u",
		    view_of(words[how]), (int64_t)x->head.status, x->play, x->sent_bytes,
		    loop_now_ms(x->demo->loop) - x->started_ms);
		ledger_end(x->demo->ledger);
	}
	count_end(x, how);
	if (x->prev != NULL)
		x->prev->next = x->next;
	else
		x->demo->first = x->next;
	if (x->next != NULL)
		x->next->prev = x->prev;
	x->req = NULL;
	if (x->timer.fn != NULL)
		loop_timer_disarm(&x->timer);
	loop_defer(x->demo->loop, &x->reap);
}

/* ---- the ledger ---- */

struct view
exchange_key(const struct http_req *req, const char **header)
{
	static const char *const names[] = {"authorization", "x-api-key", "api-key"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct view value = httpd_header(req, names[i]);
		if (value.data == NULL)
			continue;
		*header = names[i];
		return view_starts_nocase(value, "bearer ") ? view_trim(view_from(value, 7))
							    : value;
	}
	*header = "";
	return VIEW("");
}

static bool
is_credential(struct view name)
{
	static const char *const names[] = {"authorization", "x-api-key", "api-key", "cookie",
	    "proxy-authorization", "x-goog-api-key"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (view_eq_nocase(name, names[i]))
			return true;
	}
	return false;
}

/* Whether an earlier header has the same name. */
static bool
is_repeated(const struct http_header *headers, size_t index)
{
	char name[128];
	if (headers[index].name.len >= sizeof(name))
		return true;
	memcpy(name, headers[index].name.data, headers[index].name.len);
	name[headers[index].name.len] = '\0';
	for (size_t i = 0; i < index; i++) {
		if (view_eq_nocase(headers[i].name, name))
			return true;
	}
	return false;
}

/* Names in lower case; of repeated ones the first counts, and "repeated" is named. */
static void
put_headers(const struct http_req *req, struct writer *line)
{
	const struct http_header *headers;
	size_t count = httpd_headers(req, &headers);
	uint64_t repeated = 0;
	const char *sep = "";
	writer_put(line, ",'headers':{");
	for (size_t i = 0; i < count; i++) {
		char name[128];
		if (is_credential(headers[i].name))
			continue;
		if (is_repeated(headers, i)) {
			repeated++;
			continue;
		}
		for (size_t k = 0; k < headers[i].name.len; k++) {
			char c = headers[i].name.data[k];
			name[k] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
		}
		writer_put(line, "$r$s:$s", view_of(sep), view_make(name, headers[i].name.len),
		    view_sub(headers[i].value, 0, HEADER_BYTES_MAX));
		sep = ",";
	}
	writer_put(line, "},'repeated_headers':$u", repeated);
}

static struct view
hex_of(struct view data, size_t digits, char *out)
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	if (data.len == 0)
		return VIEW("");
	crypto_sha256(data, digest);
	crypto_hex(digest, digits / 2, out);
	return view_make(out, digits);
}

/* Top members of the body but for what was said: the short ones, as they came. */
static void
put_params(struct view body, struct writer *line)
{
	static const char *const said[] = {
	    "messages", "input", "system", "instructions", "tools", "metadata"};
	struct jsonspan_value root;
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	const char *sep = "";
	size_t bytes = 0;
	if (!jsonspan_scan(body, NULL, 0, &root, NULL) || root.kind != JSONSPAN_OBJECT)
		return;
	writer_put(line, ",'params':{");
	jsonspan_iter_init(&iter, root);
	while (jsonspan_next(&iter, &member)) {
		struct view raw = member.whole;
		bool shown = view_find_char(raw, '\n') < 0 && view_find_char(raw, '\r') < 0;
		for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
			shown = shown && !jsonspan_key_is(&member, said[i]);
		if (!shown || raw.len > PARAM_BYTES_MAX || bytes + raw.len > PARAMS_BYTES_MAX)
			continue;
		writer_put(line, "$r$r", view_of(sep), raw);
		bytes += raw.len;
		sep = ",";
	}
	writer_put(line, "}");
}

void
exchange_log_request(struct exchange *x, struct view model, bool stream, struct view seen)
{
	struct demo *demo = x->demo;
	struct http_req *req = x->req;
	struct view body = httpd_body(req);
	char key_hex[2 * CRYPTO_SHA256_BYTES + 1], body_hex[2 * CRYPTO_SHA256_BYTES + 1];
	const char *key_header;
	bool answer =
	    x->target.endpoint == ENDPOINT_ANSWER || x->target.endpoint == ENDPOINT_COUNT_TOKENS;
	x->seq = ++demo->seq;
	demo->counts.requests++;
	struct writer *line = ledger_begin(demo->ledger, x->seq, "request");
	if (line == NULL)
		return;
	struct view key = exchange_key(req, &key_header);
	writer_put(line, ",'prefix':$s,'path':$s,'query':$s,'method':$s", x->target.prefix,
	    httpd_path(req), httpd_query(req), httpd_method_name(req));
	writer_put(line, ",'protocol':$s,'model':$s,'stream':$b",
	    answer ? view_of(protocol_name(x->target.protocol)) : VIEW(""), model, stream);
	writer_put(line, ",'key_fingerprint':$s,'key_header':$s", hex_of(key, 8, key_hex),
	    view_of(key_header));
	writer_put(line, ",'body_bytes':$u,'body_sha256':$s$r", (uint64_t)body.len,
	    hex_of(body, sizeof(body_hex) - 1, body_hex), seen);
	put_params(body, line);
	writer_put(line, ",'peer':$s", view_of(httpd_peer_name(req)));
	put_headers(req, line);
	ledger_end(demo->ledger);
}

void
exchange_log_usage(struct exchange *x, struct view usage, bool final)
{
	struct writer *line = ledger_begin(x->demo->ledger, x->seq, "usage");
	if (line == NULL || usage.len == 0)
		return;
	writer_put(line, ",'final':$b,$r", final, usage);
	ledger_end(x->demo->ledger);
}
