#include "poster.h"
#include "mem.h"
#include "must.h"
#include <stdio.h>
#include <string.h>

#define HEADERS_BYTES_MAX ((size_t)64 * 1024)

struct post {
	struct loop *loop;
	struct transfer *transfer;
	struct bytes body, answer;
	int status;
	bool ended;
	enum transport transport;
	struct loop_timer limit;
	struct loop_task task;
	post_fn *on_end;
	void *ctx;
};

/* ---- its end ---- */

static void
drop(struct post *post)
{
	loop_timer_fini(&post->limit);
	loop_defer_cancel(&post->task);
	transfer_free(post->transfer);
	post->transfer = NULL;
}

void
post_free(struct post *post)
{
	if (post == NULL)
		return;
	drop(post);
	bytes_fini(&post->body);
	bytes_fini(&post->answer);
	mem_free(post);
}

static void
finish(struct post *post)
{
	struct post_result result = {.transport = post->transport,
	    .status = post->status,
	    .answer = bytes_view(&post->answer)};
	result.taken =
	    post->transport == TRANSPORT_OK && post->status >= 200 && post->status <= 299;
	if (result.taken)
		(void)snprintf(result.reason, sizeof(result.reason), "ok");
	else if (post->transport == TRANSPORT_OK)
		(void)snprintf(result.reason, sizeof(result.reason), "status_%d", post->status);
	else
		(void)snprintf(
		    result.reason, sizeof(result.reason), "%s", transport_name(post->transport));
	/* The callback may start the next one. */
	struct bytes answer = post->answer;
	post_fn *on_end = post->on_end;
	void *ctx = post->ctx;
	bytes_init(&post->answer, 0);
	post_free(post);
	on_end(&result, ctx);
	bytes_fini(&answer);
}

static void
on_task(struct loop_task *task, void *ctx)
{
	(void)task;
	finish(ctx);
}

static void
on_limit(struct loop_timer *timer, void *ctx)
{
	struct post *post = ctx;
	(void)timer;
	if (post->ended)
		return;
	post->ended = true;
	post->transport = TRANSPORT_TIMEOUT_TOTAL;
	finish(post);
}

/* ---- events of the call ---- */

static bool
on_head(struct answer *answer, void *ctx)
{
	struct post *post = ctx;
	post->status = answer->status;
	return true;
}

/* What is beyond the first bytes is read and dropped, within the time that there is. */
static enum transfer_go
on_bytes(struct view bytes, void *ctx)
{
	struct post *post = ctx;
	size_t room = POSTER_ANSWER_BYTES_MAX - post->answer.len;
	MUST(bytes_append_view(
	    &post->answer, view_sub(bytes, 0, bytes.len < room ? bytes.len : room)));
	return TRANSFER_GO;
}

static void
on_done(enum transport transport, const char *detail, void *ctx)
{
	struct post *post = ctx;
	(void)detail; /* it may hold what is secret of the address */
	post->transport = transport;
	post->ended = true;
	loop_defer(post->loop, &post->task);
}

static size_t
on_read(uint64_t at, char *out, size_t len, void *ctx)
{
	const struct post *post = ctx;
	struct view piece = view_sub(bytes_view(&post->body), (size_t)at, len);
	if (piece.len > 0)
		memcpy(out, piece.data, piece.len);
	return piece.len;
}

/* ---- its begin ---- */

static bool
add_line(struct bytes *out, const char *line)
{
	return bytes_append(out, line, strlen(line) + 1);
}

struct post *
post_start(struct loop *loop, struct upstreams *upstreams, const struct post_call *call,
    post_fn *on_end, void *ctx)
{
	static const struct transfer_events events = {on_head, on_bytes, on_done, on_read};
	struct post *post = MEM_NEW(struct post);
	post->loop = loop;
	post->on_end = on_end;
	post->ctx = ctx;
	post->task = (struct loop_task){.fn = on_task, .ctx = post};
	post->body = *call->body;
	bytes_init(call->body, 0);
	bytes_init(&post->answer, POSTER_ANSWER_BYTES_MAX);
	loop_timer_init(&post->limit, loop, on_limit, post);
	loop_timer_arm(&post->limit, call->limit_ms);
	bool ok = add_line(call->headers, "Content-Type: application/json") &&
		  add_line(call->headers, "Accept: application/json") &&
		  add_line(call->headers, "Accept-Encoding: identity") &&
		  add_line(call->headers, "User-Agent: pointsman/" PM_VERSION);
	if (ok) {
		struct transfer_call transfer = {.url = call->url,
		    .method = "POST",
		    .headers = call->headers,
		    .body_bytes = post->body.len,
		    .any_address = call->any_address,
		    .fresh = call->fresh,
		    .events = &events,
		    .ctx = post};
		post->transfer = transfer_start(upstreams, &transfer);
	} else {
		post->transport = TRANSPORT_INTERNAL;
		post->ended = true;
		loop_defer(loop, &post->task);
	}
	return post;
}
