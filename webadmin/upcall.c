#include "upcall.h"
#include "http_body.h"
#include "mem.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define HEAD_BYTES_MAX ((size_t)64 * 1024)
#define READ_BYTES 16384
/* Of one chunk; what is decoded at a time is no more than what is read. */
#define CHUNK_BYTES_MAX ((size_t)64 * 1024 * 1024)

enum framing { FRAMING_NONE, FRAMING_CHUNKS, FRAMING_LENGTH, FRAMING_CLOSE };

struct upcall {
	struct loop_io io;
	struct loop_timer idle;
	struct loop_task end;
	struct upcall_handler handler;
	void *ctx;
	int fd;
	struct bytes request;
	size_t sent;
	struct bytes head;    /* until it is whole */
	struct bytes decoded; /* of the chunks that were read last */
	struct http_chunks chunks;
	enum framing framing; /* FRAMING_NONE: its head is not there yet */
	uint64_t left;        /* FRAMING_LENGTH */
	bool paused, ended, whole;
};

/* ---- the end ---- */

static void
on_task(struct loop_task *task, void *ctx)
{
	struct upcall *call = ctx;
	(void)task;
	call->handler.on_end(call->whole, call->ctx);
}

static void
finish(struct upcall *call, bool whole)
{
	if (call->ended)
		return;
	call->ended = true;
	call->whole = whole;
	loop_io_watch(&call->io, 0);
	loop_timer_disarm(&call->idle);
	loop_defer(call->io.loop, &call->end);
}

static void
on_idle(struct loop_timer *timer, void *ctx)
{
	(void)timer;
	finish(ctx, false);
}

/* ---- the answer ---- */

static void
give(struct upcall *call, struct view bytes)
{
	if (bytes.len > 0 && !call->handler.on_bytes(bytes, call->ctx))
		call->paused = true;
}

static void
take_chunks(struct upcall *call, struct view bytes)
{
	size_t used;
	bytes_clear(&call->decoded);
	enum http_chunk_result result =
	    http_chunks_feed(&call->chunks, bytes, &used, &call->decoded);
	give(call, bytes_view(&call->decoded));
	if (result != HTTP_CHUNK_MORE)
		finish(call, result == HTTP_CHUNK_DONE);
}

static void
take_body(struct upcall *call, struct view bytes)
{
	if (call->framing == FRAMING_CHUNKS) {
		take_chunks(call, bytes);
		return;
	}
	if (call->framing == FRAMING_LENGTH) {
		bytes = view_sub(bytes, 0, call->left < bytes.len ? (size_t)call->left : bytes.len);
		call->left -= bytes.len;
	}
	give(call, bytes);
	if (call->framing == FRAMING_LENGTH && call->left == 0)
		finish(call, true);
}

/* "HTTP/1.1 200 OK" */
static int
status_of(struct view line)
{
	uint64_t status;
	if (!view_starts(line, "HTTP/1.") || line.len < strlen("HTTP/1.1 200") ||
	    !view_to_u64(view_sub(line, strlen("HTTP/1.1 "), 3), &status))
		return 0;
	return (int)status;
}

static struct view
find(const struct upcall_head *head, const char *name)
{
	for (size_t i = 0; i < head->count; i++) {
		if (view_eq_nocase(head->headers[i].name, name))
			return head->headers[i].value;
	}
	return (struct view){0};
}

static bool
parse_head(struct view text, struct upcall_head *head)
{
	struct view line;
	head->count = 0;
	head->status = view_split(&text, '\n', &line) ? status_of(line) : 0;
	while (view_split(&text, '\n', &line)) {
		ptrdiff_t colon = view_find_char(line, ':');
		line.len -= view_ends(line, "\r");
		if (colon <= 0 || head->count == UPCALL_HEADERS_MAX)
			continue;
		head->headers[head->count++] =
		    (struct http_header){view_sub(line, 0, (size_t)colon),
			view_trim(view_from(line, (size_t)colon + 1))};
	}
	return head->status >= 200;
}

static void
set_framing(struct upcall *call, const struct upcall_head *head)
{
	call->framing = FRAMING_CLOSE;
	if (view_eq_nocase(find(head, "transfer-encoding"), "chunked")) {
		call->framing = FRAMING_CHUNKS;
		http_chunks_init(&call->chunks);
	} else if (view_to_u64(find(head, "content-length"), &call->left)) {
		call->framing = FRAMING_LENGTH;
	} else if (head->status == 204) {
		call->framing = FRAMING_LENGTH;
		call->left = 0;
	}
}

static void
take_head(struct upcall *call, struct view bytes)
{
	static const char end[] = "\r\n\r\n";
	struct upcall_head head;
	if (!bytes_append_view(&call->head, bytes)) {
		finish(call, false);
		return;
	}
	ptrdiff_t at = view_find(bytes_view(&call->head), end);
	if (at < 0)
		return;
	if (!parse_head(view_sub(bytes_view(&call->head), 0, (size_t)at), &head)) {
		finish(call, false);
		return;
	}
	set_framing(call, &head);
	call->handler.on_head(&head, call->ctx);
	take_body(call, view_from(bytes_view(&call->head), (size_t)at + strlen(end)));
	bytes_fini(&call->head);
}

/* ---- the connection ---- */

static void
watch(struct upcall *call)
{
	unsigned events = call->paused ? 0 : LOOP_READ;
	if (call->sent < call->request.len)
		events |= LOOP_WRITE;
	if (!call->ended)
		loop_io_watch(&call->io, events);
}

/* It may refuse before all is sent: then what it says is read all the same. */
static void
send_more(struct upcall *call)
{
	struct view rest = view_from(bytes_view(&call->request), call->sent);
	ssize_t len = send(call->fd, rest.data, rest.len, MSG_NOSIGNAL);
	if (len >= 0)
		call->sent += (size_t)len;
	else if (errno != EAGAIN && errno != EINTR)
		call->sent = call->request.len;
	if (call->sent == call->request.len) {
		bytes_fini(&call->request);
		call->sent = 0;
	}
}

static void
read_more(struct upcall *call)
{
	char data[READ_BYTES];
	ssize_t len = read(call->fd, data, sizeof(data));
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len <= 0)
		finish(call, len == 0 && call->framing == FRAMING_CLOSE);
	else if (call->framing == FRAMING_NONE)
		take_head(call, view_make(data, (size_t)len));
	else
		take_body(call, view_make(data, (size_t)len));
}

static void
on_io(struct loop_io *io, unsigned events, void *ctx)
{
	struct upcall *call = ctx;
	(void)io;
	loop_timer_arm(&call->idle, UPCALL_IDLE_MS);
	if (events & LOOP_WRITE && call->request.len > 0)
		send_more(call);
	if (events & LOOP_READ && !call->paused)
		read_more(call);
	watch(call);
}

static int
connect_to(const char *path, struct err *err)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || strlen(path) >= sizeof(addr.sun_path)) {
		(void)err_errno(err, path, "cannot be asked");
	} else {
		memcpy(addr.sun_path, path, strlen(path));
		/* On a Unix socket it is done at once, or there is no room. */
		if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
			return fd;
		(void)err_errno(err, path, "nobody answers");
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

/* ---- life ---- */

struct upcall *
upcall_new(struct loop *loop, const char *path, struct bytes *request,
    const struct upcall_handler *handler, void *ctx, struct err *err)
{
	int fd = connect_to(path, err);
	if (fd < 0)
		return NULL;
	struct upcall *call = MEM_NEW(struct upcall);
	*call = (struct upcall){
	    .handler = *handler, .ctx = ctx, .fd = fd, .request = *request, .end = {.fn = on_task}};
	call->end.ctx = call;
	*request = (struct bytes){0};
	bytes_init(&call->head, HEAD_BYTES_MAX);
	bytes_init(&call->decoded, CHUNK_BYTES_MAX);
	loop_io_init(&call->io, loop, fd, on_io, call);
	loop_timer_init(&call->idle, loop, on_idle, call);
	loop_timer_arm(&call->idle, UPCALL_IDLE_MS);
	watch(call);
	return call;
}

void
upcall_resume(struct upcall *call)
{
	call->paused = false;
	watch(call);
}

void
upcall_free(struct upcall *call)
{
	if (call == NULL)
		return;
	loop_defer_cancel(&call->end);
	loop_timer_fini(&call->idle);
	loop_io_fini(&call->io);
	close(call->fd);
	bytes_fini(&call->request);
	bytes_fini(&call->head);
	bytes_fini(&call->decoded);
	mem_free(call);
}
