#include "play.h"
#include "clock.h"
#include "crypto.h"
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PACE_MS 2             /* between the events of a stream, when nobody says */
#define PIECE_BYTES_MAX 65536 /* of one write */
#define FLUSH_POLL_MS 5       /* before a reset: wait until what was sent has left */
#define FLUSH_POLLS_MAX 200
#define RESET_DELAY_MS 20 /* ... and a little more, so that the peer reads it */

/* ---- the head ---- */

struct header_list {
	struct http_header list[16];
	size_t count;
	char text[512]; /* values that are made here */
	size_t used;
};

static void
add(struct header_list *headers, const char *name, struct view value)
{
	headers->list[headers->count++] = (struct http_header){view_of(name), value};
}

static void
add_number(struct header_list *headers, const char *name, uint64_t value)
{
	char *text = headers->text + headers->used;
	int len = snprintf(text, sizeof(headers->text) - headers->used, "%" PRIu64, value);
	headers->used += (size_t)len + 1;
	add(headers, name, view_make(text, (size_t)len));
}

static void
add_date(struct header_list *headers, const char *name, uint64_t from_now_s)
{
	char *text = headers->text + headers->used;
	time_t when = (time_t)(clock_wall_ms() / 1000 + (int64_t)from_now_s);
	struct tm tm;
	gmtime_r(&when, &tm);
	/* The C locale is never left, so the names are the English ones that HTTP wants. */
	size_t len =
	    strftime(text, sizeof(headers->text) - headers->used, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	headers->used += len + 1;
	add(headers, name, view_make(text, len));
}

static void
add_vendor(struct exchange *x, struct header_list *headers)
{
	char *id = headers->text + headers->used;
	int len =
	    snprintf(id, sizeof(headers->text) - headers->used, "req_demo%020" PRIu64, x->seq);
	headers->used += (size_t)len + 1;
	bool messages = x->target.protocol == PROTOCOL_MESSAGES;
	add(headers, messages ? "request-id" : "x-request-id", view_make(id, (size_t)len));
	add_number(headers, "x-demo-seq", x->seq);
	if (messages) {
		add(headers, "anthropic-organization-id",
		    VIEW("00000000-0000-4000-8000-000000000000"));
		add_number(headers, "anthropic-ratelimit-requests-limit", 4000);
		add_number(headers, "anthropic-ratelimit-requests-remaining", 3999);
	} else {
		add(headers, "openai-version", VIEW("2020-10-01"));
		add_number(headers, "openai-processing-ms", 1);
		add_number(headers, "x-ratelimit-limit-requests", 10000);
		add_number(headers, "x-ratelimit-remaining-requests", 9999);
	}
}

static void
send_head(struct exchange *x)
{
	struct header_list headers = {.count = 0};
	const struct fault *fault = &x->fault;
	const struct rules_script *script = x->script;
	uint64_t length = x->tape.out.bytes.len;
	enum httpd_framing framing = x->head.chunked ? HTTPD_CHUNKED : HTTPD_LENGTH;
	if (script != NULL) {
		httpd_start(
		    x->req, x->head.status, script->headers, script->header_count, framing, length);
		return;
	}
	if (x->head.content_type != NULL)
		add(&headers, "content-type", view_of(x->head.content_type));
	if (x->head.chunked)
		add(&headers, "cache-control", VIEW("no-cache"));
	if (fault_has(fault, FAULT_GZIP))
		add(&headers, "content-encoding", VIEW("gzip"));
	add_vendor(x, &headers);
	if (fault->retry_after_s != FAULT_UNSET)
		add_number(&headers, "retry-after", fault->retry_after_s);
	if (fault->retry_after_ms != FAULT_UNSET)
		add_number(&headers, "retry-after-ms", fault->retry_after_ms);
	if (fault->retry_date_s != FAULT_UNSET)
		add_date(&headers, "retry-after", fault->retry_date_s);
	httpd_start(x->req, x->head.status, headers.list, headers.count, framing, length);
}

/* ---- ends ---- */

static void
wait(struct exchange *x, enum exchange_next step, uint64_t ms)
{
	x->step = step;
	loop_timer_arm(&x->timer, ms);
}

/* A cut leaves what was sent before it with the client, whatever the way. */
static void
cut(struct exchange *x)
{
	struct http_req *req = x->req;
	if (x->fault.cut == FAULT_CUT_RST && x->flush_waits < FLUSH_POLLS_MAX) {
		bool flushed = httpd_queued(req) == 0;
		x->flush_waits = flushed ? FLUSH_POLLS_MAX : x->flush_waits + 1;
		wait(x, EXCHANGE_NEXT_CUT, flushed ? RESET_DELAY_MS : FLUSH_POLL_MS);
		return;
	}
	enum fault_cut how = (enum fault_cut)x->fault.cut;
	exchange_end(x, EXCHANGE_CUT);
	if (how == FAULT_CUT_CLEAN)
		httpd_end(req);
	else
		httpd_abort(req, how == FAULT_CUT_RST ? HTTPD_RST : HTTPD_CUT);
}

static void
finish(struct exchange *x)
{
	struct http_req *req = x->req;
	exchange_end(x, x->failed ? EXCHANGE_ERROR : EXCHANGE_COMPLETE);
	httpd_end(req);
}

/* All that is sent are these bytes; then the connection ends. */
static void
send_raw(struct exchange *x, struct view bytes)
{
	struct http_req *req = x->req;
	x->sent_bytes = bytes.len;
	exchange_end(x, EXCHANGE_CUT);
	int fd = httpd_detach(req);
	if (fd < 0)
		return;
	/* The socket's buffer takes it or the rest is missing: it is a broken answer either way. */
	(void)!send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);
	(void)shutdown(fd, SHUT_WR);
	close(fd);
}

static void
send_garbage(struct exchange *x)
{
	char noise[4096];
	crypto_random(noise, sizeof(noise));
	send_raw(x, view_make(noise, sizeof(noise)));
}

/* ---- events ---- */

static uint64_t
pace_ms(const struct exchange *x)
{
	const struct fault *fault = &x->fault;
	if (fault_has(fault, FAULT_DRIP))
		return fault->drip_ms;
	if (fault->pace_ms != FAULT_UNSET)
		return fault->pace_ms;
	if (fault_has(fault, FAULT_EVENTS))
		return fault->events_ms;
	return x->head.chunked ? PACE_MS : 0;
}

/* The fault's place in the stream is here: true when nothing is to be sent for now. */
static bool
meets_fault(struct exchange *x)
{
	const struct fault *fault = &x->fault;
	bool boundary = x->offset == 0;
	uint64_t stall_at = fault->stall == FAULT_STALL_AFTER ? fault->stall_after : 0;
	if (!x->stalled && boundary && x->play == stall_at) {
		x->stalled = true;
		if (fault->stall_ms != FAULT_UNSET)
			wait(x, EXCHANGE_NEXT_PIECE, fault->stall_ms);
		return true; /* else for ever: until the client leaves */
	}
	if (!fault_has(fault, FAULT_CUT))
		return false;
	if ((boundary && x->play == fault->cut_after) || x->sent_bytes == fault->cut_bytes) {
		cut(x);
		return true;
	}
	return false;
}

static void
event_played(struct exchange *x)
{
	size_t index = tape_index(&x->tape, x->play);
	if (index == x->tape.marks[TAPE_USAGE_FIRST])
		exchange_log_usage(x, x->usage_first, false);
	if (index == x->tape.marks[TAPE_USAGE_LAST])
		exchange_log_usage(x, x->usage_last, true);
	x->play++;
	x->offset = 0;
}

/* Sends the next piece; false when the next one has to wait. */
static bool
send_piece(struct exchange *x)
{
	const struct fault *fault = &x->fault;
	bool drips = fault_has(fault, FAULT_DRIP);
	size_t max = drips ? (size_t)fault->drip_bytes : PIECE_BYTES_MAX;
	struct view event = tape_play(&x->tape, x->play);
	struct view piece = view_sub(event, x->offset, max);
	if (fault->cut_bytes != FAULT_UNSET && piece.len > fault->cut_bytes - x->sent_bytes)
		piece.len = (size_t)(fault->cut_bytes - x->sent_bytes);
	bool room = httpd_write(x->req, piece);
	x->sent_bytes += piece.len;
	x->offset += piece.len;
	bool whole = x->offset == event.len;
	if (whole)
		event_played(x);
	x->paused = !room;
	if (!room)
		return false; /* play_on_writable goes on */
	uint64_t ms = pace_ms(x);
	bool last = x->play == tape_plays(&x->tape); /* nothing to wait for behind it */
	if (!last && (drips || (whole && ms > 0))) {
		wait(x, EXCHANGE_NEXT_PIECE, ms);
		return false;
	}
	return true;
}

static void
send_events(struct exchange *x)
{
	do {
		if (meets_fault(x))
			return;
		if (x->play == tape_plays(&x->tape)) {
			finish(x);
			return;
		}
	} while (send_piece(x));
}

static void
begin(struct exchange *x)
{
	if (x->script != NULL && x->script->raw) {
		send_raw(x, bytes_view(&x->script->body));
		return;
	}
	if (fault_has(&x->fault, FAULT_GARBAGE) && x->fault.garbage == FAULT_GARBAGE_HTTP) {
		send_garbage(x);
		return;
	}
	send_head(x);
	send_events(x);
}

static void
on_timer(struct loop_timer *timer, void *ctx)
{
	struct exchange *x = ctx;
	(void)timer;
	switch (x->step) {
	case EXCHANGE_NEXT_HEAD:
		begin(x);
		break;
	case EXCHANGE_NEXT_PIECE:
		send_events(x);
		break;
	case EXCHANGE_NEXT_CUT:
		cut(x);
		break;
	}
}

void
play_on_writable(struct exchange *x)
{
	/* Not at once: others have a turn first. */
	if (x->paused)
		wait(x, EXCHANGE_NEXT_PIECE, 0);
	x->paused = false;
}

void
play_start(struct exchange *x)
{
	const struct fault *fault = &x->fault;
	loop_timer_init(&x->timer, x->demo->loop, on_timer, x);
	if (x->head.chunked) {
		x->streams = true;
		x->demo->counts.streams++;
	}
	x->stalled = !fault_has(fault, FAULT_STALL);
	if (fault_has(fault, FAULT_REFUSE | FAULT_CLOSE)) {
		struct http_req *req = x->req;
		exchange_end(x, EXCHANGE_CUT);
		httpd_abort(req, fault_has(fault, FAULT_REFUSE) ? HTTPD_RST : HTTPD_CUT);
		return;
	}
	if (!x->stalled && fault->stall == FAULT_STALL_HEADERS) {
		x->stalled = true;
		if (fault->stall_ms != FAULT_UNSET)
			wait(x, EXCHANGE_NEXT_HEAD, fault->stall_ms);
		return;
	}
	begin(x);
}
