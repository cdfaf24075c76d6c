/* load: drives one HTTP address, checks every answer and measures. One thread, epoll.
 *
 * Calls: each of N connections asks again as soon as it has its answer (closed loop), or takes the
 * next due call of R a second (open loop: time counts from when the call was due). Streams: each
 * connection asks once and checks every event. Prints one JSON object. */
#include "load.h"
#include "clock.h"
#include "mem.h"
#include "must.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES (256u << 10)
#define TURN_EVENTS 256

static void client_open(struct load *load, struct client *client);

static void
watch(struct load *load, struct client *client, bool write)
{
	struct epoll_event event = {
	    .events = EPOLLIN | (write ? EPOLLOUT : 0u), .data.ptr = client};
	if (client->watched && client->watches_write == write)
		return;
	int op = client->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	MUST(epoll_ctl(load->epoll_fd, op, client->fd, &event) == 0);
	client->watched = true;
	client->watches_write = write;
}

static void
client_close(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
	client->watched = client->busy = false;
}

/* One call ended badly; its connection is not used again. */
static void
client_fail(struct load *load, struct client *client, const char *why)
{
	load->failed++;
	if (load->why[0] == '\0')
		snprintf(load->why, sizeof(load->why), "%s", why);
	client_close(client);
	client->done = load->streams;
	load->running -= client->done;
	if (!load->streams)
		client_open(load, client);
}

static void
client_send(struct load *load, struct client *client)
{
	while (client->sent < load->request.len) {
		ssize_t n = send(client->fd, load->request.data + client->sent,
		    load->request.len - client->sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			client_fail(load, client, "the connection broke while sending");
			return;
		}
		client->sent += (size_t)n;
	}
	watch(load, client, client->sent < load->request.len);
}

static void
client_ask(struct load *load, struct client *client, uint64_t due_us)
{
	client->busy = true;
	client->sent = 0;
	client->asked_us = due_us;
	answer_init(&client->answer, load);
	client_send(load, client);
}

/* Asks when there is something to ask: at once, or what is due in an open loop. */
static void
client_next(struct load *load, struct client *client)
{
	uint64_t now = clock_mono_us();
	if (now >= load->end_us || client->busy || client->fd < 0)
		return;
	if (load->rate == 0) {
		client_ask(load, client, now);
		return;
	}
	uint64_t due = load->start_us + load->due_count * 1000000u / load->rate;
	if (due <= now) {
		load->due_count++;
		client_ask(load, client, due);
	}
}

static void
client_open(struct load *load, struct client *client)
{
	int one = 1;
	client->kept = false;
	client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	MUST(client->fd >= 0);
	setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(client->fd, (struct sockaddr *)&load->addr, sizeof(load->addr)) < 0) {
		load->failed++;
		snprintf(load->why, sizeof(load->why), "connect: %s", strerror(errno));
		client_close(client);
		client->done = true;
		load->running--;
		return;
	}
	MUST(make_nonblocking(client->fd));
	watch(load, client, false);
	client_next(load, client);
}

static void
client_answered(struct load *load, struct client *client)
{
	const struct answer *answer = &client->answer;
	uint64_t now = clock_mono_us();
	client->busy = false;
	client->kept = true;
	load->differing +=
	    answer->differs || (load->expected.len > 0 && answer->body_bytes != load->expected.len);
	if (load->streams) {
		if (answer->events != load->events_wanted || !answer->terminal)
			load->torn++;
		else
			lateness_add(load, answer);
		samples_add(&load->first, answer->first_us - client->asked_us);
		client->done = true;
		load->running--;
		client_close(client);
		return;
	}
	if (now >= load->warm_us)
		samples_add(&load->calls, now - client->asked_us);
	load->bytes_in += answer->body_bytes;
	if (answer->close) {
		client_close(client);
		client_open(load, client);
		return;
	}
	client_next(load, client);
}

static void
client_read(struct load *load, struct client *client)
{
	ssize_t n = recv(client->fd, load->read_buf, READ_BYTES, 0);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 && !client->busy) {
		client_close(client);
		client_open(load, client);
		return;
	}
	if (n <= 0) {
		load->unanswered +=
		    client->kept && client->answer.state == IN_HEAD && client->answer.text_len == 0;
		client_fail(load, client, n == 0 ? "closed in mid answer" : strerror(errno));
		return;
	}
	switch (answer_feed(&client->answer, load->read_buf, (size_t)n)) {
	case ANSWER_MORE:
		break;
	case ANSWER_DONE:
		client_answered(load, client);
		break;
	case ANSWER_BAD:
		client_fail(load, client, client->answer.why);
		break;
	}
}

static void
on_event(struct load *load, const struct epoll_event *event)
{
	struct client *client = event->data.ptr;
	if (client->fd >= 0 && (event->events & EPOLLOUT) != 0)
		client_send(load, client);
	if (client->fd >= 0 && (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
		client_read(load, client);
}

/* Starts what is due: streams of the ramp, calls of an open loop. Returns the longest wait. */
static uint64_t
start_due(struct load *load)
{
	uint64_t now = clock_mono_us();
	while (load->opened < load->client_count) {
		uint64_t due = load->start_us + load->opened * load->ramp_us / load->client_count;
		if (due > now)
			return due - now;
		client_open(load, &load->clients[load->opened++]);
	}
	for (size_t i = 0; load->rate > 0 && i < load->client_count; i++)
		client_next(load, &load->clients[i]);
	return load->rate > 0 ? 200 : 100000;
}

void
load_run(struct load *load)
{
	struct epoll_event events[TURN_EVENTS];
	load->start_us = clock_mono_us();
	load->warm_us = load->start_us + load->warm_ms * 1000;
	load->end_us = load->start_us + load->duration_ms * 1000;
	load->running = load->client_count;
	load->read_buf = mem_alloc(READ_BYTES);
	for (;;) {
		uint64_t wait_us = start_due(load);
		struct timespec wait = {.tv_sec = (time_t)(wait_us / 1000000),
		    .tv_nsec = (long)(wait_us % 1000000) * 1000};
		int n = epoll_pwait2(load->epoll_fd, events, TURN_EVENTS, &wait, NULL);
		for (int i = 0; i < n; i++)
			on_event(load, &events[i]);
		if (load->running == 0 || clock_mono_us() >= load->end_us)
			break;
	}
	load->ended_us = clock_mono_us();
	for (size_t i = 0; i < load->client_count; i++) {
		load->failed += load->streams && !load->clients[i].done;
		client_close(&load->clients[i]);
		answer_fini(&load->clients[i].answer);
	}
	mem_free(load->read_buf);
}
