/* Raw clients of the rig: they send exact bytes; every wait is bounded. */
#ifndef PM_TEST_HTTPD_CLIENT_H
#define PM_TEST_HTTPD_CLIENT_H

#include "httpd_rig.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

struct client {
	struct rig *rig;
	struct loop_io io;
	int fd;
	struct bytes got;
	bool eof, reset, paused;
};

static inline void
on_client_io(struct loop_io *io, unsigned events, void *ctx)
{
	struct client *client = ctx;
	char block[65536];
	(void)events;
	ssize_t got = recv(io->fd, block, sizeof(block), 0);
	if (got > 0) {
		ck_assert(bytes_append(&client->got, block, (size_t)got));
	} else if (got == 0 || errno != EAGAIN) {
		client->eof = true;
		client->reset = got < 0;
		loop_io_watch(io, 0);
	}
	loop_stop(client->rig->loop);
}

/* `receive_bytes` 0 = the system's own buffer size. */
static inline void
client_open(struct client *client, struct rig *rig, int receive_bytes)
{
	*client = (struct client){.rig = rig};
	bytes_init(&client->got, RIG_GOT_MAX);
	client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(client->fd, 0);
	if (receive_bytes > 0)
		setsockopt(
		    client->fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(rig->port)};
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(
	    connect(client->fd, (const struct sockaddr *)(const void *)&addr, sizeof(addr)), 0);
	ck_assert_int_eq(fcntl(client->fd, F_SETFL, O_NONBLOCK), 0);
	loop_io_init(&client->io, rig->loop, client->fd, on_client_io, client);
	loop_io_watch(&client->io, LOOP_READ);
}

/* Does not read any more until client_resume. */
static inline void
client_pause(struct client *client)
{
	loop_io_watch(&client->io, 0);
}

static inline void
client_resume(struct client *client)
{
	loop_io_watch(&client->io, LOOP_READ);
}

/* Sends all, stepping the server while the socket is full; false when the peer is gone. */
static inline bool
client_send(struct client *client, struct view data)
{
	uint64_t until_ms = clock_mono_ms() + RIG_WAIT_MS;
	while (data.len > 0) {
		ssize_t sent = send(client->fd, data.data, data.len, MSG_NOSIGNAL);
		if (sent > 0) {
			data = view_from(data, (size_t)sent);
			continue;
		}
		if (errno != EAGAIN)
			return false;
		ck_assert_msg(clock_mono_ms() < until_ms, "the server does not read");
		rig_step(client->rig);
	}
	return true;
}

static inline void
client_send_str(struct client *client, const char *text)
{
	client_send(client, view_of(text));
}

static inline size_t
client_count(const struct client *client, const char *needle)
{
	struct view rest = bytes_view(&client->got);
	size_t count = 0;
	for (ptrdiff_t at; (at = view_find(rest, needle)) >= 0; count++)
		rest = view_from(rest, (size_t)at + strlen(needle));
	return count;
}

static inline bool
client_has(const struct client *client, const char *needle)
{
	return view_find(bytes_view(&client->got), needle) >= 0;
}

static inline void
client_wait_for(struct client *client, const char *needle)
{
	uint64_t until_ms = clock_mono_ms() + RIG_WAIT_MS;
	while (!client_has(client, needle)) {
		ck_assert_msg(clock_mono_ms() < until_ms && !client->eof, "no '%s' in '%.*s'",
		    needle, VIEW_ARGS(view_sub(bytes_view(&client->got), 0, 2000)));
		rig_step(client->rig);
	}
}

static inline void
client_wait_end(struct client *client)
{
	RIG_UNTIL(client->rig, client->eof);
}

/* After its end: did an RST follow the FIN? */
static inline bool
client_was_reset(struct client *client)
{
	int error = 0;
	socklen_t len = sizeof(error);
	for (unsigned steps = 0; steps < 5; steps++)
		rig_step(client->rig);
	getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return client->reset || error != 0;
}

/* Asks with `text`, until the handler holds the request. */
static inline void
client_hold(struct client *client, struct rig *rig, const char *text)
{
	client_open(client, rig, 0);
	client_send_str(client, text);
	RIG_UNTIL(rig, rig->held != NULL);
}

static inline struct http_req *
rig_take_held(struct rig *rig)
{
	struct http_req *req = rig->held;
	rig->held = NULL;
	return req;
}

static inline int
client_status(const struct client *client)
{
	uint64_t status = 0;
	struct view got = bytes_view(&client->got);
	if (!view_starts(got, "HTTP/1.1 ") || !view_to_u64(view_sub(got, 9, 3), &status))
		return 0;
	return (int)status;
}

static inline void
client_close(struct client *client, bool reset)
{
	const struct linger none = {.l_onoff = 1, .l_linger = 0};
	loop_io_fini(&client->io);
	if (reset)
		setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	close(client->fd);
	bytes_fini(&client->got);
	client->fd = -1;
}

#endif
