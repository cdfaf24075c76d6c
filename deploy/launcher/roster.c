#include "roster.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

int
roster_open(const char *folder, const char *name, struct err *err)
{
	char path[PATH_MAX];
	int len = snprintf(path, sizeof(path), "%s/%s.lock", folder, name);
	if (len < 0 || (size_t)len >= sizeof(path)) {
		err_set(err, ERR_LIMIT, "", "the path of its folder is too long");
		return -1;
	}
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		err_errno(err, path, "cannot open");
	return fd;
}

static struct flock
slot_lock(unsigned slot)
{
	return (struct flock){
	    .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)slot, .l_len = 1};
}

bool
roster_take(int fd, unsigned slot, struct err *err)
{
	struct flock lock = slot_lock(slot);
	if (fcntl(fd, F_SETLK, &lock) == 0)
		return true;
	if (errno != EACCES && errno != EAGAIN)
		return err_errno(err, "launcher.lock", "cannot lock");
	pid_t pid = 0;
	roster_lives(fd, slot, &pid);
	return err_set(err, ERR_IO, "launcher.lock", "held by process %d", (int)pid);
}

bool
roster_lives(int fd, unsigned slot, pid_t *pid)
{
	struct flock lock = slot_lock(slot);
	*pid = 0;
	if (fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		return false;
	*pid = lock.l_pid > 0 ? lock.l_pid : 0;
	return true;
}
