#include "bus.h"
#include "bytes.h"
#include "log.h"
#include "mem.h"
#include "must.h"
#include "names.h"
#include <errno.h>
#include <nanomsg/nn.h>
#include <nanomsg/pubsub.h>
#include <nanomsg/reqrep.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* A message over nanomsg's limit is dropped and the connection broken, silently and again at each
 * resend; so its limit lies above ours (by the room for its own header), and ours is kept by us. */
#define RECEIVE_BYTES_MAX ((int)NAMES_MESSAGE_BYTES_MAX + 1024)
#define SEND_BUFFER_BYTES (4 * 1024 * 1024)
#define RECONNECT_MS 50
#define RESEND_MS 5000
/* Messages taken in one turn of the loop; the rest is still readable in the next. */
#define TURN_MESSAGES 64

/* What the four kinds share. */
struct endpoint {
	int socket;
	bool watched;
	struct loop_io io;
};

static bool
set_option(int socket, int level, int option, int value, struct err *err)
{
	if (nn_setsockopt(socket, level, option, &value, sizeof(value)) == 0)
		return true;
	return err_set(err, ERR_IO, "", "nanomsg option %d: %s", option, nn_strerror(nn_errno()));
}

static bool
set_options(int socket, int protocol, struct err *err)
{
	return set_option(socket, NN_SOL_SOCKET, NN_RCVMAXSIZE, RECEIVE_BYTES_MAX, err) &&
	       set_option(socket, NN_SOL_SOCKET, NN_SNDBUF, SEND_BUFFER_BYTES, err) &&
	       set_option(socket, NN_SOL_SOCKET, NN_RECONNECT_IVL, RECONNECT_MS, err) &&
	       (protocol != NN_REQ ||
		   set_option(socket, NN_REQ, NN_REQ_RESEND_IVL, RESEND_MS, err)) &&
	       (protocol != NN_SUB || nn_setsockopt(socket, NN_SUB, NN_SUB_SUBSCRIBE, "", 0) == 0 ||
		   err_set(err, ERR_IO, "", "nanomsg subscribe: %s", nn_strerror(nn_errno())));
}

static bool
attach(int socket, const char *path, bool bind, struct err *err)
{
	char address[NN_SOCKADDR_MAX + 1];
	int len = snprintf(address, sizeof(address), "ipc://%s", path);
	if (len < 0 || (size_t)len >= sizeof(address))
		return err_set(err, ERR_LIMIT, path, "the path of the socket is too long");
	/* Who can open the socket file can kill a process that reads it: only its owner may. */
	mode_t before = bind ? umask(077) : 0;
	int id = bind ? nn_bind(socket, address) : nn_connect(socket, address);
	int error = nn_errno();
	if (bind)
		umask(before);
	if (id >= 0)
		return true;
	return err_set(
	    err, ERR_IO, path, "cannot %s: %s", bind ? "bind" : "connect", nn_strerror(error));
}

static bool
endpoint_open(struct endpoint *end, int protocol, const char *path, bool bind, struct err *err)
{
	end->watched = false;
	end->socket = nn_socket(AF_SP, protocol);
	if (end->socket < 0)
		return err_set(err, ERR_IO, path, "nanomsg socket: %s", nn_strerror(nn_errno()));
	if (set_options(end->socket, protocol, err) && attach(end->socket, path, bind, err))
		return true;
	nn_close(end->socket);
	return false;
}

/* nanomsg's descriptor is only a sign: it is watched, never read. */
static void
endpoint_watch(struct endpoint *end, struct loop *loop, loop_io_fn *fn, void *ctx)
{
	int fd = -1;
	size_t len = sizeof(fd);
	MUST(nn_getsockopt(end->socket, NN_SOL_SOCKET, NN_RCVFD, &fd, &len) == 0);
	loop_io_init(&end->io, loop, fd, fn, ctx);
	loop_io_watch(&end->io, LOOP_READ);
	end->watched = true;
}

static void
endpoint_close(struct endpoint *end)
{
	if (end->watched)
		loop_io_fini(&end->io);
	nn_close(end->socket);
}

/* False when nothing waits. The caller nn_freemsg's the data. */
static bool
receive(const struct endpoint *end, struct view *out)
{
	void *data = NULL;
	int len = nn_recv(end->socket, &data, NN_MSG, NN_DONTWAIT);
	if (len >= 0) {
		*out = view_make(data, (size_t)len);
		return true;
	}
	int error = nn_errno();
	/* EFSM: an answer that nobody waits for any more was dropped inside. */
	if (error != EAGAIN && error != EINTR && error != EFSM)
		log_msg(LOG_WARN, "bus_receive", "%s", nn_strerror(error));
	return false;
}

static void
release(struct view message)
{
	/* The data came to us as void *; the view only lent it as const. */
	nn_freemsg((void *)(uintptr_t)message.data);
}

static void
send_view(const struct endpoint *end, struct view message)
{
	if (nn_send(end->socket, message.data, message.len, NN_DONTWAIT) >= 0)
		return;
	int error = nn_errno();
	/* Who asked has gone: the question comes again when it still matters. */
	if (error != EAGAIN && error != EFSM)
		log_msg(LOG_WARN, "bus_send", "%s", nn_strerror(error));
}

/* ---- PUB ---- */

struct bus_pub {
	struct endpoint end;
};

struct bus_pub *
bus_pub_bind(struct loop *loop, const char *path, struct err *err)
{
	(void)loop;
	struct bus_pub *pub = MEM_NEW(struct bus_pub);
	if (endpoint_open(&pub->end, NN_PUB, path, true, err))
		return pub;
	mem_free(pub);
	return NULL;
}

void
bus_pub_send(struct bus_pub *pub, struct view message)
{
	MUST(message.len <= NAMES_MESSAGE_BYTES_MAX);
	send_view(&pub->end, message);
}

void
bus_pub_free(struct bus_pub *pub)
{
	if (pub == NULL)
		return;
	endpoint_close(&pub->end);
	mem_free(pub);
}

/* ---- SUB ---- */

struct bus_sub {
	struct endpoint end;
	bus_message_fn *fn;
	void *ctx;
};

static void
on_published(struct loop_io *io, unsigned events, void *ctx)
{
	(void)io, (void)events;
	struct bus_sub *sub = ctx;
	struct view message;
	for (int i = 0; i < TURN_MESSAGES && receive(&sub->end, &message); i++) {
		sub->fn(message, sub->ctx);
		release(message);
	}
}

struct bus_sub *
bus_sub_connect(struct loop *loop, const char *path, bus_message_fn *fn, void *ctx, struct err *err)
{
	struct bus_sub *sub = MEM_NEW(struct bus_sub);
	sub->fn = fn;
	sub->ctx = ctx;
	if (endpoint_open(&sub->end, NN_SUB, path, false, err)) {
		endpoint_watch(&sub->end, loop, on_published, sub);
		return sub;
	}
	mem_free(sub);
	return NULL;
}

void
bus_sub_free(struct bus_sub *sub)
{
	if (sub == NULL)
		return;
	endpoint_close(&sub->end);
	mem_free(sub);
}

/* ---- REP ---- */

struct bus_rep {
	struct endpoint end;
	bus_request_fn *fn;
	void *ctx;
};

static void
on_asked(struct loop_io *io, unsigned events, void *ctx)
{
	(void)io, (void)events;
	struct bus_rep *rep = ctx;
	struct view message;
	for (int i = 0; i < TURN_MESSAGES && receive(&rep->end, &message); i++) {
		struct bytes reply;
		bytes_init(&reply, NAMES_MESSAGE_BYTES_MAX);
		rep->fn(message, &reply, rep->ctx);
		release(message);
		MUST(reply.len > 0);
		send_view(&rep->end, bytes_view(&reply));
		bytes_fini(&reply);
	}
}

struct bus_rep *
bus_rep_bind(struct loop *loop, const char *path, bus_request_fn *fn, void *ctx, struct err *err)
{
	struct bus_rep *rep = MEM_NEW(struct bus_rep);
	rep->fn = fn;
	rep->ctx = ctx;
	if (endpoint_open(&rep->end, NN_REP, path, true, err)) {
		endpoint_watch(&rep->end, loop, on_asked, rep);
		return rep;
	}
	mem_free(rep);
	return NULL;
}

void
bus_rep_free(struct bus_rep *rep)
{
	if (rep == NULL)
		return;
	endpoint_close(&rep->end);
	mem_free(rep);
}

/* ---- REQ ---- */

struct bus_req {
	struct endpoint end;
	struct loop *loop;
	char path[NN_SOCKADDR_MAX + 1];
	struct loop_timer deadline;
	bus_message_fn *fn; /* NULL = not busy */
	void *ctx;
};

/* The question is over before its fn runs, so that fn may ask the next one. */
static void
finish(struct bus_req *req, struct view message)
{
	bus_message_fn *fn = req->fn;
	req->fn = NULL;
	loop_timer_disarm(&req->deadline);
	fn(message, req->ctx);
}

static void
on_answered(struct loop_io *io, unsigned events, void *ctx)
{
	(void)io, (void)events;
	struct bus_req *req = ctx;
	struct view message;
	if (!receive(&req->end, &message))
		return;
	/* An answer behind its deadline, or an empty one, which would look like a deadline. */
	if (req->fn != NULL && message.len > 0)
		finish(req, message);
	release(message);
}

/* What a peer was asked before it died the library sends again after RESEND_MS only; and behind a
 * deadline nobody knows whether the old question is still under way. A new socket knows none. */
static void
renew(struct bus_req *req)
{
	struct err err;
	endpoint_close(&req->end);
	if (endpoint_open(&req->end, NN_REQ, req->path, false, &err)) {
		endpoint_watch(&req->end, req->loop, on_answered, req);
	} else {
		req->end.socket = -1; /* nothing can be sent: the next deadline tries again */
		log_err(LOG_WARN, "bus_connect", &err);
	}
}

static void
on_deadline(struct loop_timer *timer, void *ctx)
{
	(void)timer;
	renew(ctx);
	finish(ctx, view_make(NULL, 0));
}

void
bus_req_give_up(struct bus_req *req)
{
	if (!bus_req_busy(req))
		return;
	renew(req);
	finish(req, view_make(NULL, 0));
}

struct bus_req *
bus_req_connect(struct loop *loop, const char *path, struct err *err)
{
	struct bus_req *req = MEM_NEW(struct bus_req);
	req->loop = loop;
	(void)snprintf(req->path, sizeof(req->path), "%s", path);
	if (endpoint_open(&req->end, NN_REQ, path, false, err)) {
		endpoint_watch(&req->end, loop, on_answered, req);
		loop_timer_init(&req->deadline, loop, on_deadline, req);
		return req;
	}
	mem_free(req);
	return NULL;
}

bool
bus_req_busy(const struct bus_req *req)
{
	return req->fn != NULL;
}

bool
bus_req_ask(
    struct bus_req *req, struct view message, uint32_t timeout_ms, bus_message_fn *fn, void *ctx)
{
	MUST(fn != NULL && message.len > 0 && message.len <= NAMES_MESSAGE_BYTES_MAX);
	if (bus_req_busy(req))
		return false;
	req->fn = fn;
	req->ctx = ctx;
	/* Without a peer the library keeps the question until one comes. */
	send_view(&req->end, message);
	loop_timer_arm(&req->deadline, timeout_ms);
	return true;
}

void
bus_req_free(struct bus_req *req)
{
	if (req == NULL)
		return;
	loop_timer_fini(&req->deadline);
	endpoint_close(&req->end);
	mem_free(req);
}
