/* watch: hears from the kernel (inotify) that a file was closed after writing or replaced. A storm
 * of changes is told together. A folder that is removed or replaced is looked for once a second,
 * and told as a change. Where it cannot be, polling goes on alone. */
#ifndef PM_WATCH_H
#define PM_WATCH_H

#include "err.h"
#include "loop.h"

struct watch;

/* Watches the file's folder, which must exist; `fn` is called some milliseconds after a change of
 * the file. NULL and `err` when this system has no watch left. */
struct watch *watch_new(
    struct loop *loop, const char *path, void (*fn)(void *ctx), void *ctx, struct err *err);
void watch_free(struct watch *watch); /* NULL is fine */

#endif
