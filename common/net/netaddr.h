/* netaddr: listening sockets and address classes. */
#ifndef PM_NETADDR_H
#define PM_NETADDR_H

#include "err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

bool netaddr_is_loopback(const struct sockaddr *addr);
/* Link-local, metadata, unspecified, multicast, broadcast (v4-mapped v6 included). */
bool netaddr_is_denied(const struct sockaddr *addr);
/* "127.0.0.1:5101", "[::1]:5101", "unix". */
void netaddr_format(const struct sockaddr *addr, char *out, size_t out_len);
/* A nonblocking, close-on-exec listening TCP socket; `reuseport` for one of several. `port` 0 picks
 * one; *port is what it got. Returns the fd or -1. */
int netaddr_listen_tcp(const char *host, uint16_t *port, bool reuseport, struct err *err);
/* Nobody listens there, not even with `reuseport`; false with errno. Nobody can connect meanwhile.
 */
MUST_CHECK bool netaddr_is_free(const char *host, uint16_t port, struct err *err);
/* To be called before what waits on a listening socket is accepted for the last time and it is
 * closed: from now on the kernel hears nobody who comes, so that clients ask again and find the
 * next one there, where they would be reset between the last accept and the close. Does nothing to
 * sockets without SO_REUSEPORT: others may listen on the very same one. */
void netaddr_shut_out(int fd);
/* The port that a TCP socket is bound to; 0 for any other descriptor. */
uint16_t netaddr_port(int fd);
/* A Unix listening socket of mode 0600 (umask around bind); an old file is removed first. */
int netaddr_listen_unix(const char *path, struct err *err);
/* The same, where each write is one read (SOCK_SEQPACKET). */
int netaddr_listen_unix_packets(const char *path, struct err *err);

/* Descriptors handed over by the launcher or systemd: LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES.
 * Calls fn(fd, name, ctx) for each, made nonblocking and close-on-exec. Returns how many. The
 * variables are removed from the environment. A LISTEN_PID of "self" is accepted too. */
int netaddr_take_listen_fds(void (*fn)(int fd, const char *name, void *ctx), void *ctx);

#endif
