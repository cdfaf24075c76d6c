#include "renew.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SILENCE_MS 60000 /* each step of the launcher is shorter */
#define LINE_BYTES 1024

static int
reach(const struct places *places, enum launcher_part part, struct err *err)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	if (!launcher_socket(places->run, part, addr.sun_path, sizeof(addr.sun_path), err))
		return -1;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		(void)err_errno(err, addr.sun_path, "no socket");
	} else if (connect(fd, (const struct sockaddr *)(const void *)&addr, sizeof(addr)) < 0) {
		if (errno == ENOENT || errno == ECONNREFUSED)
			(void)err_set(
			    err, ERR_IO, "", "no Pointsman is running on %s", places->run);
		else
			(void)err_errno(err, addr.sun_path, "cannot be reached");
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool
send_wish(int fd, uint32_t drain_s, struct err *err)
{
	char own[PATH_MAX], line[PATH_MAX + 64];
	ssize_t len = readlink("/proc/self/exe", own, sizeof(own) - 1);
	if (len < 0)
		return err_errno(err, "/proc/self/exe", "cannot find the own program");
	own[len] = '\0';
	int size = snprintf(line, sizeof(line), "upgrade %u %s", (unsigned)drain_s, own);
	if (size < 0 || send(fd, line, (size_t)size, MSG_NOSIGNAL) != size)
		return err_errno(err, "the launcher", "cannot ask");
	return true;
}

/* The line that came, without its end; false when there will be no more. */
static bool
read_line(int fd, char line[LINE_BYTES], struct err *err)
{
	struct pollfd watch = {.fd = fd, .events = POLLIN};
	int ready = poll(&watch, 1, SILENCE_MS);
	if (ready == 0)
		return err_set(err, ERR_TIMEOUT, "", "the launcher says nothing more");
	ssize_t len = ready > 0 ? recv(fd, line, LINE_BYTES - 1, 0) : -1;
	if (len <= 0)
		return err_set(err, ERR_PEER, "", "the launcher has hung up");
	if (line[len - 1] == '\n')
		len--;
	line[len] = '\0';
	return true;
}

bool
renew_ask(const struct places *places, enum launcher_part part, uint32_t drain_s, struct err *err)
{
	static const char failed[] = "failed: ", done[] = "done";
	char line[LINE_BYTES];
	int fd = reach(places, part, err);
	bool ok = fd >= 0 && send_wish(fd, drain_s, err), end = false;
	while (ok && !end) {
		ok = read_line(fd, line, err);
		if (ok && strncmp(line, failed, strlen(failed)) == 0)
			ok = err_set(err, ERR_PEER, "", "%s", line + strlen(failed));
		else if (ok)
			printf("%s\n", line);
		end = ok && strncmp(line, done, strlen(done)) == 0;
		(void)fflush(stdout);
	}
	if (fd >= 0)
		close(fd);
	return ok;
}
