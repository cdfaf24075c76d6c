#include "netaddr.h"

#include "view.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN_FDS_FIRST 3
#define LISTEN_FDS_MAX 256

/* An IPv4 address that an IPv6 address carries inside, host order. */
static bool
embedded_v4(const struct in6_addr *addr, uint32_t *out)
{
	static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
	static const uint8_t zero[12];
	const uint8_t *b = addr->s6_addr;
	const uint8_t *v4 = b + 12;
	if (b[0] == 0x20 && b[1] == 0x02) { /* 6to4 */
		v4 = b + 2;
	} else if (!IN6_IS_ADDR_V4MAPPED(addr) && memcmp(b, nat64, 12) != 0 &&
		   (memcmp(b, zero, 12) != 0 || IN6_IS_ADDR_LOOPBACK(addr))) {
		return false;
	}
	*out = (uint32_t)v4[0] << 24 | (uint32_t)v4[1] << 16 | (uint32_t)v4[2] << 8 | v4[3];
	return true;
}

bool
netaddr_is_loopback(const struct sockaddr *addr)
{
	if (addr->sa_family == AF_UNIX)
		return true;
	if (addr->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const void *)addr;
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	}
	if (addr->sa_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const void *)addr;
		if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
			return v6->sin6_addr.s6_addr[12] == 127;
		return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
	}
	return false;
}

static bool
is_denied_v4(uint32_t addr)
{
	/* Metadata services outside of link-local: Alibaba, Azure, Oracle. */
	static const uint32_t metadata[] = {0x646464c8, 0xa83f8110, 0xc00000c0};
	for (size_t i = 0; i < sizeof(metadata) / sizeof(metadata[0]); i++) {
		if (addr == metadata[i])
			return true;
	}
	return addr >> 24 == 0 || addr >> 16 == 0xa9fe || addr >> 28 >= 0xe;
}

bool
netaddr_is_denied(const struct sockaddr *addr)
{
	static const uint8_t aws_v6[16] = {0xfd, 0, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54};
	if (addr->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const void *)addr;
		return is_denied_v4(ntohl(v4->sin_addr.s_addr));
	}
	if (addr->sa_family != AF_INET6)
		return false;
	const struct sockaddr_in6 *v6 = (const void *)addr;
	uint32_t inside;
	if (embedded_v4(&v6->sin6_addr, &inside))
		return is_denied_v4(inside);
	return IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr) || IN6_IS_ADDR_MULTICAST(&v6->sin6_addr) ||
	       memcmp(&v6->sin6_addr, aws_v6, sizeof(aws_v6)) == 0;
}

void
netaddr_format(const struct sockaddr *addr, char *out, size_t out_len)
{
	char host[INET6_ADDRSTRLEN] = "?";
	if (addr->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const void *)addr;
		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
		snprintf(out, out_len, "%s:%u", host, ntohs(v4->sin_port));
	} else if (addr->sa_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const void *)addr;
		bool mapped = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
		inet_ntop(mapped ? AF_INET : AF_INET6, v6->sin6_addr.s6_addr + (mapped ? 12 : 0),
		    host, sizeof(host));
		snprintf(out, out_len, mapped ? "%s:%u" : "[%s]:%u", host, ntohs(v6->sin6_port));
	} else {
		snprintf(out, out_len, "%s", addr->sa_family == AF_UNIX ? "unix" : "?");
	}
}

uint16_t
netaddr_port(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} addr = {0};
	socklen_t len = sizeof(addr);
	if (getsockname(fd, &addr.any, &len) < 0)
		return 0;
	return ntohs(addr.any.sa_family == AF_INET6 ? addr.v6.sin6_port : addr.v4.sin_port);
}

enum how { LISTEN_ALONE, LISTEN_REUSEPORT, BIND_ONLY };

/* One candidate address; -1 with errno. */
static int
listen_on(const struct addrinfo *info, enum how how)
{
	int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	const int on = 1, off = 0;
	bool ok = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0;
	if (how == LISTEN_REUSEPORT)
		ok = ok && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0;
	if (info->ai_family == AF_INET6) /* "::" means both families */
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	ok = ok && bind(fd, info->ai_addr, info->ai_addrlen) == 0;
	if (ok && (how == BIND_ONLY || listen(fd, SOMAXCONN) == 0))
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static int
open_tcp(const char *host, uint16_t *port, enum how how, struct err *err)
{
	char service[8];
	snprintf(service, sizeof(service), "%u", *port);
	struct addrinfo hints = {
	    .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *list = NULL;
	int rc = getaddrinfo(host, service, &hints, &list);
	if (rc != 0) {
		(void)err_set(err, ERR_CONFIG, host, "no such address: %s", gai_strerror(rc));
		return -1;
	}
	int fd = -1;
	for (const struct addrinfo *info = list; info != NULL && fd < 0; info = info->ai_next)
		fd = listen_on(info, how);
	if (fd < 0) {
		(void)err_errno(err, host, "cannot listen on port %u", *port);
	} else {
		*port = netaddr_port(fd);
	}
	freeaddrinfo(list);
	return fd;
}

int
netaddr_listen_tcp(const char *host, uint16_t *port, bool reuseport, struct err *err)
{
	return open_tcp(host, port, reuseport ? LISTEN_REUSEPORT : LISTEN_ALONE, err);
}

bool
netaddr_is_free(const char *host, uint16_t port, struct err *err)
{
	int fd = open_tcp(host, &port, BIND_ONLY, err);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

void
netaddr_shut_out(int fd)
{
	struct sock_filter nothing[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
	const struct sock_fprog program = {.len = 1, .filter = nothing};
	int own = 0;
	socklen_t len = sizeof(own);
	if (getsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &own, &len) == 0 && own != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

static int
listen_unix(const char *path, int type, struct err *err)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	if (len == 0 || len >= sizeof(addr.sun_path)) {
		(void)err_set(err, ERR_CONFIG, path, "a socket path has 1 to %zu bytes",
		    sizeof(addr.sun_path) - 1);
		return -1;
	}
	memcpy(addr.sun_path, path, len);
	/* Only a socket is removed: a wrong path must not cost the owner a file. */
	struct stat st;
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(path);
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		(void)err_errno(err, path, "no socket");
		return -1;
	}
	mode_t before = umask(0177);
	bool ok = bind(fd, (const struct sockaddr *)(const void *)&addr, sizeof(addr)) == 0;
	umask(before);
	if (ok && listen(fd, SOMAXCONN) == 0)
		return fd;
	(void)err_errno(err, path, "cannot listen");
	close(fd);
	return -1;
}

int
netaddr_listen_unix(const char *path, struct err *err)
{
	return listen_unix(path, SOCK_STREAM, err);
}

int
netaddr_listen_unix_packets(const char *path, struct err *err)
{
	return listen_unix(path, SOCK_SEQPACKET, err);
}

/* How many descriptors the environment hands to this process. */
static int
listen_fds_count(void)
{
	const char *pid = getenv("LISTEN_PID");
	const char *fds = getenv("LISTEN_FDS");
	uint64_t number, count;
	if (pid == NULL || fds == NULL)
		return 0;
	if (strcmp(pid, "self") != 0 &&
	    (!view_to_u64(view_of(pid), &number) || number != (uint64_t)getpid()))
		return 0;
	if (!view_to_u64(view_of(fds), &count) || count > LISTEN_FDS_MAX)
		return 0;
	return (int)count;
}

int
netaddr_take_listen_fds(void (*fn)(int fd, const char *name, void *ctx), void *ctx)
{
	const char *all = getenv("LISTEN_FDNAMES");
	struct view names = view_of(all);
	int count = listen_fds_count();
	int taken = 0;
	for (int fd = LISTEN_FDS_FIRST; fd < LISTEN_FDS_FIRST + count; fd++) {
		struct view part = {0};
		char name[256] = "unknown";
		if (view_split(&names, ':', &part) && part.len > 0)
			snprintf(name, sizeof(name), "%.*s", VIEW_ARGS(part));
		int flags = fcntl(fd, F_GETFL);
		if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
		    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			continue; /* no such descriptor: the number promised too much */
		fn(fd, name, ctx);
		taken++;
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return taken;
}
