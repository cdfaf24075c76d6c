#include "tracer.h"
#include "crypto.h"
#include "httpd.h"
#include "log.h"
#include "mem.h"
#include "must.h"
#include "poster.h"
#include "url.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HEAD_BYTES_MAX ((size_t)8192)
#define HEADERS_BYTES_MAX ((size_t)64 * 1024)
#define URL_BYTES_MAX ((size_t)OUTSIDE_URL_BYTES_MAX + 16)
#define FIRST_PAUSE_MS 1000

/* Text of spans, with commas between. */
struct spans {
	struct bytes text;
	uint64_t count;
};

struct tracer {
	struct loop *loop;
	struct upstreams *upstreams;
	struct trace_resource resource;
	char instance[40], host[256];
	/* Where to; endpoint NULL = nowhere. */
	char *endpoint, *service;
	struct secret headers;
	bool any_address;

	struct spans queue;
	struct spans batch; /* under way, or waiting for its next try; count 0 = none */
	unsigned tries;
	struct post *post;
	struct loop_timer timer; /* the next batch, or the next try */
	uint64_t sent, dropped;
	bool away; /* said so in the log */
	/* Of the end. */
	struct loop_timer limit;
	void (*on_drained)(void *ctx);
	void *ctx;
};

/* ---- counting ---- */

static void
drop(struct tracer *tracer, uint64_t count, const char *why)
{
	tracer->dropped += count;
	if (count == 0 || tracer->away)
		return;
	tracer->away = true;
	log_msg(LOG_WARN, "tracing_away", "spans are dropped: %s", why);
}

static void
clear(struct spans *spans)
{
	bytes_fini(&spans->text);
	bytes_init(&spans->text, TRACER_QUEUE_BYTES);
	spans->count = 0;
}

static void
end_drain(struct tracer *tracer)
{
	void (*fn)(void *ctx) = tracer->on_drained;
	tracer->on_drained = NULL;
	loop_timer_disarm(&tracer->limit);
	if (fn != NULL)
		fn(tracer->ctx);
}

/* ---- sending ---- */

static void send_batch(struct tracer *tracer);

/* What is next: the queue as a batch, soon or when it has waited. */
static void
go_on(struct tracer *tracer)
{
	if (tracer->batch.count > 0)
		return;
	if (tracer->queue.count == 0) {
		if (tracer->on_drained != NULL)
			loop_timer_arm(&tracer->limit, 0);
		return;
	}
	bool now = tracer->queue.count >= TRACER_BATCH_SPANS || tracer->on_drained != NULL;
	if (now)
		loop_timer_arm(&tracer->timer, 0);
	else if (!tracer->timer.armed)
		loop_timer_arm(&tracer->timer, TRACER_WAIT_MS);
}

static void
end_batch(struct tracer *tracer)
{
	clear(&tracer->batch);
	tracer->tries = 0;
	go_on(tracer);
}

/* By the protocol only these are worth another try. */
static bool
may_pass(const struct post_result *result)
{
	return result->status == 0 || result->status == 429 || result->status == 502 ||
	       result->status == 503 || result->status == 504;
}

static void
on_end(const struct post_result *result, void *ctx)
{
	struct tracer *tracer = ctx;
	tracer->post = NULL;
	if (result->taken) {
		uint64_t rejected = trace_rejected(result->answer), count = tracer->batch.count;
		if (rejected > count)
			rejected = count;
		tracer->sent += count - rejected;
		if (rejected == 0 && tracer->away)
			log_msg(LOG_INFO, "tracing_back", "spans are taken again");
		if (rejected == 0)
			tracer->away = false;
		drop(tracer, rejected, "the collector has rejected some");
		end_batch(tracer);
	} else if (may_pass(result) && tracer->tries < TRACER_TRIES_MAX &&
		   tracer->on_drained == NULL) {
		loop_timer_arm(&tracer->timer, (uint64_t)FIRST_PAUSE_MS << (tracer->tries - 1));
	} else {
		drop(tracer, tracer->batch.count, result->reason);
		end_batch(tracer);
	}
}

/* "name=value,name=value" as header lines. */
static bool
add_headers(struct view rest, struct bytes *out)
{
	struct view one;
	bool ok = bytes_reserve(out, rest.len * 2 + 1024);
	while (ok && view_split(&rest, ',', &one)) {
		struct view name, value = one;
		if (!view_split(&value, '=', &name))
			continue;
		ok = bytes_append_view(out, view_trim(name)) && bytes_append_str(out, ": ") &&
		     bytes_append_view(out, view_trim(value)) && bytes_append_char(out, '\0');
	}
	return ok;
}

static bool
write_body(struct tracer *tracer, struct bytes *out)
{
	tracer->resource.service = tracer->service;
	return trace_write_head(&tracer->resource, out) &&
	       bytes_append_view(out, bytes_view(&tracer->batch.text)) && trace_write_tail(out);
}

static void
send_batch(struct tracer *tracer)
{
	struct bytes headers, body, url;
	bytes_init(&headers, HEADERS_BYTES_MAX);
	bytes_init(&body, TRACER_QUEUE_BYTES + HEAD_BYTES_MAX);
	bytes_init(&url, URL_BYTES_MAX);
	tracer->tries++;
	if (url_join(view_of(tracer->endpoint), VIEW("/v1/traces"), VIEW(""), &url) &&
	    add_headers(secret_reveal(&tracer->headers), &headers) && write_body(tracer, &body)) {
		const struct post_call call = {.url = bytes_str(&url),
		    .headers = &headers,
		    .body = &body,
		    .limit_ms = TRACER_LIMIT_MS,
		    .any_address = tracer->any_address};
		tracer->post = post_start(tracer->loop, tracer->upstreams, &call, on_end, tracer);
	} else {
		drop(tracer, tracer->batch.count, "a batch cannot be written");
		end_batch(tracer);
	}
	if (headers.data != NULL)
		crypto_wipe(headers.data, headers.len);
	bytes_fini(&headers);
	bytes_fini(&body);
	bytes_fini(&url);
}

static void
on_timer(struct loop_timer *timer, void *ctx)
{
	struct tracer *tracer = ctx;
	(void)timer;
	if (tracer->post != NULL || tracer->endpoint == NULL)
		return;
	if (tracer->batch.count == 0) {
		/* The batch's own memory becomes the queue's. */
		struct spans empty = tracer->batch;
		tracer->batch = tracer->queue;
		tracer->queue = empty;
	}
	if (tracer->batch.count > 0)
		send_batch(tracer);
}

/* ---- what comes ---- */

/* Its only header of that name; two contradict each other. */
static struct view
find_parent(const struct http_header *headers, size_t count)
{
	struct view found = {0};
	for (size_t i = 0; i < count; i++) {
		if (!view_eq_nocase(headers[i].name, "traceparent"))
			continue;
		if (found.data != NULL)
			return (struct view){0};
		found = headers[i].value;
	}
	return found;
}

struct trace
tracer_begin(
    const struct table *table, const struct http_header *headers, size_t count, struct view method)
{
	struct trace trace = {0};
	if (table->tracing.endpoint == NULL)
		return trace;
	if (!trace_parse_parent(find_parent(headers, count), &trace, &trace.on)) {
		crypto_random(trace.id, sizeof(trace.id));
		trace.on = trace_is_sampled(trace.id, table->tracing.sample_ppm);
	}
	(void)snprintf(trace.method, sizeof(trace.method), "%.*s", VIEW_ARGS(method));
	return trace;
}

void
tracer_add(struct tracer *tracer, const struct trace *trace, const struct record *record,
    const struct table *table)
{
	uint8_t ids[RECORD_ATTEMPTS_MAX + 1][TRACE_SPAN_BYTES];
	uint64_t count = 1 + record->attempt_count;
	if (tracer == NULL || !trace->on || tracer->endpoint == NULL)
		return;
	MUST(record->attempt_count <= RECORD_ATTEMPTS_MAX);
	crypto_random(ids, sizeof(ids));
	if (!trace_write(trace, record, table, (const uint8_t(*)[TRACE_SPAN_BYTES])ids,
		&tracer->queue.text)) {
		drop(tracer, count, "the queue is full");
		return;
	}
	tracer->queue.count += count;
	go_on(tracer);
}

static bool
same_text(const char *a, const char *b)
{
	return (a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0);
}

static bool
same_secret(const struct secret *a, const struct secret *b)
{
	return view_eq(secret_reveal(a), secret_reveal(b));
}

void
tracer_table(struct tracer *tracer, const struct table *table)
{
	const struct table_tracing *wish = &table->tracing;
	tracer->any_address = wish->any_address;
	if (same_text(tracer->endpoint, wish->endpoint) &&
	    same_text(tracer->service, wish->service) &&
	    same_secret(&tracer->headers, &wish->headers))
		return;
	post_free(tracer->post);
	tracer->post = NULL;
	tracer->dropped += tracer->queue.count + tracer->batch.count;
	clear(&tracer->queue);
	clear(&tracer->batch);
	tracer->tries = 0;
	tracer->away = false;
	loop_timer_disarm(&tracer->timer);
	mem_free(tracer->endpoint);
	mem_free(tracer->service);
	secret_fini(&tracer->headers);
	tracer->endpoint = wish->endpoint != NULL ? mem_dup_str(wish->endpoint) : NULL;
	tracer->service = mem_dup_str(wish->service != NULL ? wish->service : "");
	MUST(secret_set(&tracer->headers, secret_reveal(&wish->headers)));
}

void
tracer_report(const struct tracer *tracer, struct report *report)
{
	report->spans_sent = tracer->sent;
	report->spans_dropped = tracer->dropped;
}

/* ---- life ---- */

static void
on_limit(struct loop_timer *timer, void *ctx)
{
	(void)timer;
	end_drain(ctx);
}

void
tracer_drain(struct tracer *tracer, uint64_t limit_ms, void (*fn)(void *ctx), void *ctx)
{
	tracer->on_drained = fn;
	tracer->ctx = ctx;
	bool idle = tracer->queue.count == 0 && tracer->batch.count == 0;
	loop_timer_arm(&tracer->limit, idle ? 0 : limit_ms);
	/* A batch that waits for its next try gets it now. */
	if (!idle && tracer->post == NULL)
		loop_timer_arm(&tracer->timer, 0);
}

struct tracer *
tracer_new(struct loop *loop, struct upstreams *upstreams, const char *instance, int64_t pid)
{
	struct tracer *tracer = MEM_NEW(struct tracer);
	tracer->loop = loop;
	tracer->upstreams = upstreams;
	(void)snprintf(tracer->instance, sizeof(tracer->instance), "%s", instance);
	if (gethostname(tracer->host, sizeof(tracer->host) - 1) != 0)
		tracer->host[0] = '\0';
	tracer->resource =
	    (struct trace_resource){.instance = tracer->instance, .host = tracer->host, .pid = pid};
	clear(&tracer->queue);
	clear(&tracer->batch);
	loop_timer_init(&tracer->timer, loop, on_timer, tracer);
	loop_timer_init(&tracer->limit, loop, on_limit, tracer);
	return tracer;
}

void
tracer_free(struct tracer *tracer)
{
	if (tracer == NULL)
		return;
	uint64_t left = tracer->queue.count + tracer->batch.count;
	if (left > 0)
		log_msg(LOG_WARN, "tracing_away", "%llu spans are left unsent",
		    (unsigned long long)left);
	post_free(tracer->post);
	loop_timer_fini(&tracer->timer);
	loop_timer_fini(&tracer->limit);
	bytes_fini(&tracer->queue.text);
	bytes_fini(&tracer->batch.text);
	mem_free(tracer->endpoint);
	mem_free(tracer->service);
	secret_fini(&tracer->headers);
	mem_free(tracer);
}
