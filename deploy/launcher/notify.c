#include "notify.h"
#include "view.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* libsystemd would do the same, and bring four libraries and its own version into the launcher. */
bool
notify_send(const char *lines)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	size_t len = path != NULL ? strlen(path) : 0;
	if (len < 2 || len >= sizeof(addr.sun_path) || (path[0] != '/' && path[0] != '@'))
		return false;
	memcpy(addr.sun_path, path, len);
	if (path[0] == '@') /* the abstract namespace */
		addr.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	socklen_t addr_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	size_t size = strlen(lines);
	bool ok = sendto(fd, lines, size, MSG_NOSIGNAL,
		      (const struct sockaddr *)(const void *)&addr, addr_len) == (ssize_t)size;
	close(fd);
	return ok;
}

uint64_t
notify_watchdog_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t number, owner;
	if (usec == NULL || !view_to_u64(view_of(usec), &number))
		return 0;
	if (pid != NULL && (!view_to_u64(view_of(pid), &owner) || owner != (uint64_t)getpid()))
		return 0;
	return number / 1000;
}

void
notify_forget(void)
{
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
}
