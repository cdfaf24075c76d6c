#include "sockets.h"
#include "log.h"
#include "names.h"
#include "netaddr.h"
#include "view.h"
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define HOST_BYTES 256
#define TURN_LOOK_MS 5
#define TURN_LOOKS 100 /* then it goes on: anybody may hold such a name */

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

/* One port on some addresses: `count` sets of sockets, one in each for each address. */
struct port {
	const char *list; /* of addresses; NULL = the loopback ones */
	uint16_t number;
	const char *option;
	int (*fds)[SOCKETS_ADDRESSES_MAX];
	unsigned count;
	bool reuseport;
};

/* Every machine has the first of the loopback addresses, and some no other one. */
static bool
may_be_missing(const struct port *port, size_t place)
{
	return port->list == NULL && place > 0 && (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT);
}

/* A port shared by SO_REUSEPORT would also let in a second Pointsman of the same user, who would
 * then get half of the calls. */
static bool
host_is_free(const struct port *port, const char *host, size_t place, struct err *err)
{
	return netaddr_is_free(host, port->number, err) || may_be_missing(port, place) ||
	       refuse(port->number, port->option, err);
}

static bool
open_host(const struct port *port, const char *host, size_t place, struct err *err)
{
	for (unsigned i = 0; i < port->count; i++) {
		uint16_t number = port->number;
		int fd = netaddr_listen_tcp(host, &number, port->reuseport, err);
		port->fds[i][place] = fd;
		if (fd < 0)
			return may_be_missing(port, place) ||
			       refuse(port->number, port->option, err);
	}
	return true;
}

typedef bool host_fn(const struct port *port, const char *host, size_t place, struct err *err);

static bool
each_host(const struct port *port, host_fn *fn, struct err *err)
{
	struct view rest = view_of(port->list != NULL ? port->list : SOCKETS_LISTEN_DEFAULT), part;
	char host[HOST_BYTES];
	for (size_t place = 0; view_split(&rest, ',', &part); place++) {
		if (place == SOCKETS_ADDRESSES_MAX)
			return err_set(err, ERR_CONFIG, port->option, "at most %d addresses",
			    SOCKETS_ADDRESSES_MAX);
		if (part.len == 0 || part.len >= sizeof(host))
			return err_set(err, ERR_CONFIG, port->option, "an address is empty");
		snprintf(host, sizeof(host), "%.*s", VIEW_ARGS(part));
		if (!fn(port, host, place, err))
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

/* ---- what was handed over ---- */

static bool
put(int *fds, int fd)
{
	for (size_t i = 0; i < SOCKETS_ADDRESSES_MAX; i++) {
		if (fds[i] >= 0)
			continue;
		fds[i] = fd;
		return true;
	}
	return false;
}

static void
on_handed(int fd, const char *name, void *ctx)
{
	struct sockets *sockets = ctx;
	bool api = strcmp(name, "api") == 0;
	if ((api || strcmp(name, "admin") == 0) && netaddr_port(fd) != 0 &&
	    put(api ? sockets->api[0] : sockets->admin, fd)) {
		sockets->api_shared = sockets->api_shared || api;
		return;
	}
	log_msg(LOG_WARN, "fd_ignored", "descriptor \"%s\" is not for this program", name);
	close(fd);
}

void
sockets_none(struct sockets *out)
{
	memset(out, 0xff, sizeof(*out)); /* every descriptor is -1 */
	out->api_shared = false;
	out->demo_port = 0;
}

void
sockets_take(struct sockets *out)
{
	sockets_none(out);
	(void)netaddr_take_listen_fds(on_handed, out);
}

/* ---- all ---- */

/* The ports are asked for before anything is opened: who connects to a socket that is closed again
 * is reset. */
static bool
open_all(const struct sockets_wish *wish, struct sockets *out, struct err *err)
{
	const struct port api = {
	    wish->listen, wish->port, "--port", out->api, wish->dataplanes, true};
	const struct port admin = {
	    wish->admin_listen, wish->admin_port, "--admin-port", &out->admin, 1, false};
	bool with_api = wish->dataplanes > 0 && !out->api_shared;
	bool with_admin = wish->admin && out->admin[0] < 0;
	if ((with_api && !each_host(&api, host_is_free, err)) ||
	    (with_admin && !each_host(&admin, host_is_free, err)))
		return false;
	if (wish->demo &&
	    (out->demo = netaddr_listen_tcp("127.0.0.1", &out->demo_port, false, err)) < 0)
		return false;
	return (!wish->web || open_web(wish->run_dir, &out->web, err)) &&
	       (!with_admin || each_host(&admin, open_host, err)) &&
	       (!with_api || each_host(&api, open_host, err));
}

static void
close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Two that ask for a port at the same moment would both find it free: they take turns, by a name
 * without a file, which is known where the port is and gone with its process. */
static int
take_turn(uint16_t port)
{
	const struct timespec pause = {.tv_nsec = TURN_LOOK_MS * 1000000l};
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int len = snprintf(
	    name.sun_path + 1, sizeof(name.sun_path) - 1, "pointsman-port-%u", (unsigned)port);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (int i = 0; fd >= 0 && i < TURN_LOOKS; i++) {
		if (bind(fd, (const struct sockaddr *)(const void *)&name, size) == 0 ||
		    errno != EADDRINUSE)
			break;
		nanosleep(&pause, NULL);
	}
	return fd;
}

bool
sockets_open(const struct sockets_wish *wish, struct sockets *out, struct err *err)
{
	int turn = wish->dataplanes > 0 && !out->api_shared ? take_turn(wish->port) : -1;
	bool ok = open_all(wish, out, err);
	close_one(&turn);
	for (unsigned i = 1; ok && out->api_shared && i < wish->dataplanes; i++)
		memcpy(out->api[i], out->api[0], sizeof(out->api[0]));
	if (!ok)
		sockets_close(out);
	return ok;
}

void
sockets_close(struct sockets *sockets)
{
	for (size_t place = 0; place < SOCKETS_ADDRESSES_MAX; place++) {
		for (size_t i = 0; i < SOCKETS_DATAPLANES_MAX; i++) {
			if (i > 0 && sockets->api_shared) /* the same as the first */
				sockets->api[i][place] = -1;
			close_one(&sockets->api[i][place]);
		}
		close_one(&sockets->admin[place]);
	}
	close_one(&sockets->web);
	close_one(&sockets->demo);
}
