#include "watch.h"
#include "mem.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define GATHER_MS 20 /* changes that come meanwhile are one */
#define EVENTS_BYTES 4096

struct watch {
	int fd;
	char name[NAME_MAX + 1];
	void (*fn)(void *ctx);
	void *ctx;
	struct loop_io io;
	struct loop_timer gather;
};

static void
on_gathered(struct loop_timer *timer, void *ctx)
{
	struct watch *watch = ctx;
	(void)timer;
	watch->fn(watch->ctx);
}

static bool
concerns(const struct watch *watch, const struct inotify_event *event)
{
	return (event->mask & IN_Q_OVERFLOW) != 0 ||
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
	const char *slash = strrchr(path, '/');
	int len = slash != NULL
		      ? snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path)
		      : -1;
	if (len <= 0 || (size_t)len >= sizeof(folder) || strlen(slash + 1) > NAME_MAX) {
		(void)err_set(err, ERR_LIMIT, path, "is no path that can be watched");
		return NULL;
	}
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	/* Only what is whole: not each write of an editor that writes in place. */
	if (fd < 0 ||
	    inotify_add_watch(fd, folder, IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR) < 0) {
		(void)err_errno(err, folder, "cannot be watched");
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	struct watch *watch = MEM_NEW(struct watch);
	watch->fd = fd;
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
