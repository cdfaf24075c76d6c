#include "watch.h"
#include "mem.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define GATHER_MS 20 /* changes that come meanwhile are one */
#define EVENTS_BYTES 4096
#define AGAIN_MS 1000 /* while the folder is away */
/* Only what is whole: not each write of an editor that writes in place. Owner and mode, which may
 * have forbidden to read it. And the end of the folder. */
#define WATCHED (IN_CLOSE_WRITE | IN_MOVED_TO | IN_ATTRIB | IN_MOVE_SELF | IN_ONLYDIR)

struct watch {
	int fd, folder_watch;
	bool away; /* the folder was removed, renamed or replaced */
	char folder[PATH_MAX], name[NAME_MAX + 1];
	void (*fn)(void *ctx);
	void *ctx;
	struct loop_io io;
	struct loop_timer gather;
};

static void
on_gathered(struct loop_timer *timer, void *ctx)
{
	struct watch *watch = ctx;
	if (watch->away) {
		(void)inotify_rm_watch(watch->fd, watch->folder_watch);
		watch->folder_watch = inotify_add_watch(watch->fd, watch->folder, WATCHED);
		watch->away = watch->folder_watch < 0;
	}
	if (watch->away)
		loop_timer_arm(timer, AGAIN_MS);
	watch->fn(watch->ctx);
}

static bool
concerns(struct watch *watch, const struct inotify_event *event)
{
	if ((event->mask & (IN_IGNORED | IN_MOVE_SELF)) != 0 && event->wd == watch->folder_watch)
		watch->away = true;
	return watch->away || (event->mask & IN_Q_OVERFLOW) != 0 ||
	       (event->len > 0 && strcmp(event->name, watch->name) == 0);
}

static void
on_events(struct loop_io *io, unsigned events, void *ctx)
{
	struct watch *watch = ctx;
	_Alignas(struct inotify_event) char buffer[EVENTS_BYTES];
	ssize_t len;
	(void)io;
	(void)events;
	while ((len = read(watch->fd, buffer, sizeof(buffer))) > 0) {
		size_t at = 0;
		while (at + sizeof(struct inotify_event) <= (size_t)len) {
			const struct inotify_event *event = (const void *)(buffer + at);
			if (concerns(watch, event) && !watch->gather.armed)
				loop_timer_arm(&watch->gather, GATHER_MS);
			at += sizeof(*event) + event->len;
		}
	}
}

struct watch *
watch_new(struct loop *loop, const char *path, void (*fn)(void *ctx), void *ctx, struct err *err)
{
	char folder[PATH_MAX];
	int folder_watch = -1;
	const char *slash = strrchr(path, '/');
	int len = slash != NULL
		      ? snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path)
		      : -1;
	if (len <= 0 || (size_t)len >= sizeof(folder) || strlen(slash + 1) > NAME_MAX) {
		(void)err_set(err, ERR_LIMIT, path, "is no path that can be watched");
		return NULL;
	}
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd < 0 || (folder_watch = inotify_add_watch(fd, folder, WATCHED)) < 0) {
		(void)err_errno(err, folder, "cannot be watched");
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	struct watch *watch = MEM_NEW(struct watch);
	watch->fd = fd;
	watch->folder_watch = folder_watch;
	snprintf(watch->folder, sizeof(watch->folder), "%s", folder);
	watch->fn = fn;
	watch->ctx = ctx;
	snprintf(watch->name, sizeof(watch->name), "%s", slash + 1);
	loop_io_init(&watch->io, loop, fd, on_events, watch);
	loop_io_watch(&watch->io, LOOP_READ);
	loop_timer_init(&watch->gather, loop, on_gathered, watch);
	return watch;
}

void
watch_free(struct watch *watch)
{
	if (watch == NULL)
		return;
	loop_io_fini(&watch->io);
	loop_timer_fini(&watch->gather);
	close(watch->fd);
	mem_free(watch);
}
