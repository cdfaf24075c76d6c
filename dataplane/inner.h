/* inner: the door for our own admin side, a Unix socket in the run folder (mode 0700), which needs
 * no client key: who can open it may read the keys as well. */
#ifndef PM_INNER_H
#define PM_INNER_H

#include "httpd.h"

#define INNER_TAG 1000 /* httpd_tag() of what came in there */

struct inner {
	int fd; /* -1 = it is closed */
	char path[108];
};

/* Opens "<run_dir>/<instance>.sock". Without it everything but the admin side's own calls goes on:
 * a failure is only logged. */
void inner_open(
    struct inner *inner, struct httpd *httpd, const char *run_dir, const char *instance);
/* Nobody comes in any more; the file goes. */
void inner_close(struct inner *inner);

#endif
