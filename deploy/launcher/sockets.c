#include "sockets.h"
#include "names.h"
#include "netaddr.h"
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static const char *const hosts[SOCKETS_FAMILIES] = {"127.0.0.1", "::1"};

static bool
refuse(uint16_t port, const char *option, struct err *err)
{
	if (errno == EADDRINUSE)
		return err_set(err, ERR_CONFIG, option,
		    "port %u is in use: stop what listens there or choose another with %s",
		    (unsigned)port, option);
	if (errno == EACCES)
		return err_set(err, ERR_CONFIG, option,
		    "port %u needs a privilege: choose one above 1023 with %s", (unsigned)port,
		    option);
	return false; /* err says it already */
}

/* One socket on a family's loopback; *fd is -1 when this machine has no such loopback. */
static bool
open_one(size_t family, uint16_t port, bool reuseport, const char *option, int *fd, struct err *err)
{
	*fd = netaddr_listen_tcp(hosts[family], &port, reuseport, err);
	if (*fd >= 0)
		return true;
	if (family > 0 && (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT))
		return true;
	return refuse(port, option, err);
}

/* `count` pairs on the port. A shared port would also let in a second Pointsman of the same user,
 * who would then get half of the calls: so the port is first taken alone. */
static bool
open_port(uint16_t port, const char *option, int (*fds)[SOCKETS_FAMILIES], unsigned count,
    struct err *err)
{
	for (size_t family = 0; family < SOCKETS_FAMILIES; family++) {
		int alone;
		if (!open_one(family, port, false, option, &alone, err))
			return false;
		if (alone < 0)
			continue;
		close(alone);
		for (unsigned i = 0; i < count; i++)
			if (!open_one(family, port, true, option, &fds[i][family], err))
				return false;
	}
	return true;
}

static bool
open_web(const char *run_dir, int *fd, struct err *err)
{
	char path[PATH_MAX];
	if (!names_path(run_dir, NAMES_WEB, path, sizeof(path), err))
		return false;
	*fd = netaddr_listen_unix(path, err);
	return *fd >= 0;
}

bool
sockets_open(const struct sockets_wish *wish, struct sockets *out, struct err *err)
{
	memset(out, 0xff, sizeof(*out)); /* every descriptor is -1 */
	out->demo_port = 0;
	bool ok = open_port(wish->port, "--port", out->api, wish->dataplanes, err) &&
		  open_port(wish->admin_port, "--admin-port", &out->admin, 1, err) &&
		  open_web(wish->run_dir, &out->web, err);
	if (ok && wish->demo) {
		out->demo = netaddr_listen_tcp(hosts[0], &out->demo_port, false, err);
		ok = out->demo >= 0;
	}
	if (!ok)
		sockets_close(out);
	return ok;
}

static void
close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void
sockets_close(struct sockets *sockets)
{
	for (size_t family = 0; family < SOCKETS_FAMILIES; family++) {
		for (size_t i = 0; i < SOCKETS_DATAPLANES_MAX; i++)
			close_one(&sockets->api[i][family]);
		close_one(&sockets->admin[family]);
	}
	close_one(&sockets->web);
	close_one(&sockets->demo);
}
