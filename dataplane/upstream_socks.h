/* upstream_socks: the descriptors of upstream connections and what is watched on them.
 *
 * A connection that rests in libcurl's pool stays watched for reading: with the usual "remove, then
 * add again at the next request" each call would cost two system calls more. An event on a resting
 * one means that it is dead or not clean; libcurl sees that itself before it uses it again. */
#ifndef PM_UPSTREAM_SOCKS_H
#define PM_UPSTREAM_SOCKS_H

#include "loop.h"
#include <stddef.h>

struct sock;
/* `owner` is what socks_want was given last. */
typedef void sock_fn(int fd, unsigned events, void *owner);

struct socks {
	struct loop *loop;
	sock_fn *fn;
	struct sock **by_fd;
	size_t size;
	struct sock *retired; /* freed at the end of the turn */
	struct loop_task task;
};

void socks_init(struct socks *socks, struct loop *loop, sock_fn *fn);
void socks_fini(struct socks *socks);
/* A descriptor of ours, made by the open callback: known until socks_closed. */
void socks_opened(struct socks *socks, int fd);
/* Watches LOOP_READ | LOOP_WRITE for `owner`. 0 = rest: for a descriptor of ours reading stays
 * watched without being reported, others (a resolver's) are forgotten. */
void socks_want(struct socks *socks, int fd, unsigned events, void *owner);
/* To be called before close(2). */
void socks_closed(struct socks *socks, int fd);

#endif
