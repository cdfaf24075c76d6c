#include "launcher_private.h"
#include "log.h"
#include "netaddr.h"
#include "view.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE_BYTES (PATH_MAX + 64)
#define DRAIN_S_MAX 86400

static void
hang_up(struct control *control)
{
	if (control->asker_fd < 0)
		return;
	loop_io_fini(&control->asker_io);
	close(control->asker_fd);
	control->asker_fd = -1;
}

void
control_say(int fd, const char *fmt, ...)
{
	char line[1024];
	va_list args;
	va_start(args, fmt);
	int len = vsnprintf(line, sizeof(line) - 1, fmt, args);
	va_end(args);
	if (fd < 0 || len < 0)
		return;
	size_t size = (size_t)len < sizeof(line) - 2 ? (size_t)len : sizeof(line) - 2;
	line[size++] = '\n';
	(void)!send(fd, line, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* "upgrade SECONDS PATH" */
static bool
understand(struct launcher *launcher, struct view line)
{
	struct view word, seconds;
	uint64_t drain_s;
	char path[PATH_MAX];
	if (!view_split(&line, ' ', &word) || !view_eq_str(word, "upgrade") ||
	    !view_split(&line, ' ', &seconds) || !view_to_u64(seconds, &drain_s) ||
	    drain_s > DRAIN_S_MAX || line.len == 0 || line.len >= sizeof(path) ||
	    line.data[0] != '/')
		return false;
	snprintf(path, sizeof(path), "%.*s", VIEW_ARGS(line));
	struct control *control = &launcher->control;
	int fd = control->asker_fd;
	loop_io_fini(&control->asker_io);
	control->asker_fd = -1; /* it is the upgrade's now */
	upgrade_begin(launcher, path, drain_s * 1000, fd);
	return true;
}

static void
on_line(struct loop_io *io, unsigned events, void *ctx)
{
	struct launcher *launcher = ctx;
	struct control *control = &launcher->control;
	char line[LINE_BYTES];
	(void)io;
	(void)events;
	/* One message is one line: the socket keeps them apart. */
	ssize_t len = recv(control->asker_fd, line, sizeof(line), MSG_DONTWAIT);
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len > 0 && understand(launcher, view_make(line, (size_t)len)))
		return;
	control_say(control->asker_fd, "failed: this is not understood here");
	hang_up(control);
}

/* The folder lets nobody else in; root may ask too. */
static bool
is_ours(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == geteuid() || peer.uid == 0);
}

/* Who asks while another one has not said what he wants takes his place. */
static void
on_asker(struct loop_io *io, unsigned events, void *ctx)
{
	struct launcher *launcher = ctx;
	struct control *control = &launcher->control;
	(void)io;
	(void)events;
	int fd = accept4(control->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	if (!is_ours(fd)) {
		close(fd);
		return;
	}
	hang_up(control);
	control->asker_fd = fd;
	loop_io_init(&control->asker_io, launcher->loop, fd, on_line, launcher);
	loop_io_watch(&control->asker_io, LOOP_READ);
}

bool
control_open(struct launcher *launcher, struct err *err)
{
	struct control *control = &launcher->control;
	char path[PATH_MAX];
	control->asker_fd = -1;
	if (control->fd < 0) {
		if (!launcher_socket(
			launcher->places.run, launcher->wish->only, path, sizeof(path), err))
			return false;
		control->fd = netaddr_listen_unix_packets(path, err);
	}
	if (control->fd < 0)
		return false;
	loop_io_init(&control->io, launcher->loop, control->fd, on_asker, launcher);
	loop_io_watch(&control->io, LOOP_READ);
	control->open = true;
	return true;
}

void
control_close(struct launcher *launcher)
{
	struct control *control = &launcher->control;
	if (control->open) {
		hang_up(control);
		loop_io_fini(&control->io);
	}
	if (control->fd >= 0)
		close(control->fd);
	control->fd = -1;
	control->open = false;
}
