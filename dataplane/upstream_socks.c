#include "upstream_socks.h"

#include "mem.h"
#include "must.h"
#include <string.h>

/* Two watches, since one that changes its events costs two system calls, and one that comes or goes
 * beside another costs one. */
struct sock {
	struct loop_io in, out;
	struct socks *socks;
	void *owner;
	bool ours;
	bool resting;
	struct sock *next; /* retired */
};

static void
free_retired(struct socks *socks)
{
	while (socks->retired != NULL) {
		struct sock *sock = socks->retired;
		socks->retired = sock->next;
		mem_free(sock);
	}
}

static void
on_task(struct loop_task *task, void *ctx)
{
	(void)task;
	free_retired(ctx);
}

void
socks_init(struct socks *socks, struct loop *loop, sock_fn *fn)
{
	*socks = (struct socks){.loop = loop, .fn = fn};
	socks->task = (struct loop_task){.fn = on_task, .ctx = socks};
}

void
socks_fini(struct socks *socks)
{
	for (size_t fd = 0; fd < socks->size; fd++)
		socks_closed(socks, (int)fd);
	loop_defer_cancel(&socks->task);
	free_retired(socks);
	mem_free(socks->by_fd);
	*socks = (struct socks){0};
}

static void
on_io(struct loop_io *io, unsigned events, void *ctx)
{
	struct sock *sock = ctx;
	if (sock->resting) {
		loop_io_watch(io, 0);
	} else {
		sock->socks->fn(io->fd, events, sock->owner);
	}
}

static struct sock *
find(const struct socks *socks, int fd)
{
	return (size_t)fd < socks->size ? socks->by_fd[fd] : NULL;
}

static struct sock *
add(struct socks *socks, int fd)
{
	MUST(fd >= 0);
	size_t size = socks->size > 0 ? socks->size : 64;
	while (size <= (size_t)fd)
		size *= 2;
	if (size > socks->size) {
		socks->by_fd = mem_realloc(socks->by_fd, size * sizeof(void *));
		memset(socks->by_fd + socks->size, 0, (size - socks->size) * sizeof(void *));
		socks->size = size;
	}
	struct sock *sock = MEM_NEW(struct sock);
	sock->socks = socks;
	loop_io_init(&sock->in, socks->loop, fd, on_io, sock);
	loop_io_init(&sock->out, socks->loop, fd, on_io, sock);
	socks->by_fd[fd] = sock;
	return sock;
}

void
socks_opened(struct socks *socks, int fd)
{
	socks_closed(socks, fd);
	add(socks, fd)->ours = true;
}

void
socks_want(struct socks *socks, int fd, unsigned events, void *owner)
{
	struct sock *sock = find(socks, fd);
	if (events == 0 && (sock == NULL || !sock->ours)) {
		socks_closed(socks, fd);
		return;
	}
	if (sock == NULL)
		sock = add(socks, fd);
	sock->owner = owner;
	sock->resting = events == 0;
	if (!sock->resting)
		loop_io_watch(&sock->in, events & LOOP_READ);
	loop_io_watch(&sock->out, events & LOOP_WRITE);
}

void
socks_closed(struct socks *socks, int fd)
{
	struct sock *sock = find(socks, fd);
	if (sock == NULL)
		return;
	socks->by_fd[fd] = NULL;
	loop_io_fini(&sock->in);
	loop_io_fini(&sock->out);
	/* This may be inside its own callback. */
	sock->next = socks->retired;
	socks->retired = sock;
	loop_defer(socks->loop, &socks->task);
}
