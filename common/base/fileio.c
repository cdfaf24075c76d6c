#include "fileio.h"
#include "log.h"
#include "must.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_STEP_BYTES 16384
#define PART ".tmp-"
#define PART_BYTES (sizeof(PART "XXXXXX") - 1)

/* Keeps errno, since callers ask for the first failure's. */
static void
close_quietly(int fd)
{
	int saved = errno;
	close(fd);
	errno = saved;
}

static bool
read_all(int fd, struct bytes *out, const char *path, struct err *err)
{
	for (;;) {
		char probe;
		size_t room = out->max - out->len;
		if (room > READ_STEP_BYTES)
			room = READ_STEP_BYTES;
		MUST(bytes_reserve(out, room));
		/* At the limit one byte more tells a file that fits exactly from one too big. */
		ssize_t got =
		    read(fd, room > 0 ? out->data + out->len : &probe, room > 0 ? room : 1);
		if (got == 0)
			return true;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_errno(err, path, "cannot read");
		if (room == 0)
			return err_set(err, ERR_LIMIT, path, "larger than %zu bytes", out->max);
		out->len += (size_t)got;
	}
}

bool
fileio_read(const char *path, struct bytes *out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, path, "cannot open");
	size_t before = out->len;
	bool ok = read_all(fd, out, path, err);
	if (!ok)
		out->len = before;
	close_quietly(fd);
	return ok;
}

static bool
write_all(int fd, struct view data)
{
	while (data.len > 0) {
		ssize_t put = write(fd, data.data, data.len);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		data = view_from(data, (size_t)put);
	}
	return true;
}

/* A rename is durable only when its folder is. */
static bool
sync_folder(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int len = slash != NULL ? (int)(slash - path) + 1 : 0;
	snprintf(folder, sizeof(folder), "%.*s", len, path);
	int fd = open(len > 0 ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool ok = fsync(fd) == 0;
	close_quietly(fd);
	return ok;
}

bool
fileio_write(const char *path, struct view data, mode_t mode, struct err *err)
{
	char temp[PATH_MAX];
	int len = snprintf(temp, sizeof(temp), "%s" PART "XXXXXX", path);
	if (len < 0 || (size_t)len >= sizeof(temp))
		return err_set(err, ERR_LIMIT, path, "path is too long");
	int fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, path, "cannot create a file beside it");
	bool ok = fchmod(fd, mode) == 0 && write_all(fd, data) && fsync(fd) == 0;
	close_quietly(fd);
	ok = ok && rename(temp, path) == 0;
	if (!ok) {
		err_errno(err, path, "cannot write");
		int saved = errno;
		unlink(temp);
		errno = saved;
		return false;
	}
	/* It is written, and whoever looks sees it: only a power cut may still take it back. */
	if (!sync_folder(path)) {
		err_errno(err, path, "cannot sync its folder");
		log_err(LOG_WARN, "not_synced", err);
	}
	return true;
}

void
fileio_sweep(const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		size_t len = strlen(entry->d_name);
		if (len > PART_BYTES &&
		    memcmp(entry->d_name + len - PART_BYTES, PART, sizeof(PART) - 1) == 0)
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir != NULL)
		closedir(dir);
}

static bool
make_folder(const char *path, mode_t mode, struct err *err)
{
	if (mkdir(path, 0700) == 0) {
		/* chmod, since mkdir's mode is cut by the umask. */
		return mode == 0700 || chmod(path, mode) == 0 ||
		       err_errno(err, path, "cannot chmod");
	}
	struct stat st;
	if (errno != EEXIST)
		return err_errno(err, path, "cannot make folder");
	if (stat(path, &st) != 0)
		return err_errno(err, path, "cannot look at folder");
	errno = ENOTDIR;
	return S_ISDIR(st.st_mode) || err_errno(err, path, "is no folder");
}

bool
fileio_mkdirs(const char *path, mode_t mode, struct err *err)
{
	char part[PATH_MAX];
	size_t len = strlen(path);
	while (len > 1 && path[len - 1] == '/')
		len--;
	if (len == 0 || len >= sizeof(part))
		return err_set(err, ERR_LIMIT, path, "path is empty or too long");
	for (size_t i = 1; i < len; i++) {
		if (path[i] != '/' || path[i - 1] == '/')
			continue;
		snprintf(part, sizeof(part), "%.*s", (int)i, path);
		if (!make_folder(part, 0700, err))
			return false;
	}
	snprintf(part, sizeof(part), "%.*s", (int)len, path);
	return make_folder(part, mode, err);
}
