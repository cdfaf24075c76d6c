/* Clients of webadmin on the loop of a test: whole requests, whole answers. */
#ifndef PM_TEST_WEB_CLIENT_H
#define PM_TEST_WEB_CLIENT_H

#include "bytes.h"
#include "loop.h"
#include "web_control.h"
#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define JSON "Content-Type: application/json\r\n"

static char unix_path[96];
static uint16_t port;

struct client {
	int fd;
	struct loop_io io;
	struct bytes got;
	bool done;
	const char *text; /* head and body, terminated */
};

static struct client first;

static inline void
on_readable(struct loop_io *io, unsigned what, void *ctx)
{
	struct client *client = ctx;
	char piece[4096];
	ssize_t len = read(client->fd, piece, sizeof(piece));
	(void)what;
	if (len > 0) {
		ck_assert(bytes_append(&client->got, piece, (size_t)len));
		return;
	}
	loop_io_watch(io, 0);
	client->done = true;
	client->text = bytes_str(&client->got);
	loop_stop(loop);
}

static inline void
client_close(struct client *client)
{
	if (client->fd <= 0)
		return;
	loop_io_fini(&client->io);
	close(client->fd);
	bytes_fini(&client->got);
	*client = (struct client){0};
}

static inline void
client_send(struct client *client, const struct sockaddr *addr, socklen_t len, const char *text)
{
	client_close(client);
	client->fd = socket(addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(client->fd, 0);
	ck_assert_int_eq(connect(client->fd, addr, len), 0);
	ck_assert_int_eq(fcntl(client->fd, F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_eq(write(client->fd, text, strlen(text)), (ssize_t)strlen(text));
	bytes_init(&client->got, 1u << 20);
	loop_io_init(&client->io, loop, client->fd, on_readable, client);
	loop_io_watch(&client->io, LOOP_READ);
}

static inline void
send_tcp(struct client *client, const char *text)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	client_send(client, (const struct sockaddr *)&addr, sizeof(addr), text);
}

static inline int
status_of(const struct client *client)
{
	ck_assert_int_eq(strncmp(client->text, "HTTP/1.1 ", 9), 0);
	return (int)strtol(client->text + 9, NULL, 10);
}

static inline int
wait_for(struct client *client)
{
	while (!client->done)
		loop_run(loop);
	return status_of(client);
}

/* The whole request but for Host, Connection and Content-Length, which are added. */
static inline void
make_request(char out[4096], const char *line, const char *headers, const char *body)
{
	int len = snprintf(out, 4096,
	    "%s HTTP/1.1\r\n%sConnection: close\r\nContent-Length: %zu\r\n%s\r\n%s", line,
	    strstr(headers, "Host:") != NULL ? "" : "Host: localhost:5102\r\n", strlen(body),
	    headers, body);
	ck_assert_int_lt(len, 4096);
}

static inline int
ask(const char *line, const char *headers, const char *body)
{
	char text[4096];
	make_request(text, line, headers, body);
	send_tcp(&first, text);
	return wait_for(&first);
}

static inline int
ask_unix(const char *line, const char *headers, const char *body)
{
	char text[4096];
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", unix_path);
	make_request(text, line, headers, body);
	client_send(&first, (const struct sockaddr *)&addr, sizeof(addr), text);
	return wait_for(&first);
}

static inline bool
told(const char *text)
{
	return strstr(first.text, text) != NULL;
}

/* Copies what stands between `before` and `end` in the last answer. */
static inline void
copy_between(const char *before, char end, char *out, size_t out_len)
{
	const char *from = strstr(first.text, before);
	ck_assert_msg(from != NULL, "no %s in %s", before, first.text);
	from += strlen(before);
	(void)snprintf(out, out_len, "%.*s", (int)(strchr(from, end) - from), from);
}

struct login {
	char cookie[160];  /* a header line */
	char headers[512]; /* cookie, CSRF token and content type */
};

static inline struct login
log_in(void)
{
	struct login login;
	char value[128], csrf[128];
	ck_assert_int_eq(ask("POST /api/login", JSON, "{\"token\":\"" TOKEN "\"}"), 200);
	copy_between("Set-Cookie: ", ';', value, sizeof(value));
	copy_between("\"csrf_token\":\"", '"', csrf, sizeof(csrf));
	(void)snprintf(login.cookie, sizeof(login.cookie), "Cookie: %s\r\n", value);
	(void)snprintf(login.headers, sizeof(login.headers), "%sX-CSRF-Token: %s\r\n" JSON,
	    login.cookie, csrf);
	return login;
}

#endif
