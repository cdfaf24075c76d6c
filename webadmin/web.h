/* web: the HTTP side: which requests are heard, and who answers them. */
#ifndef PM_WEB_H
#define PM_WEB_H

#include "api.h"
#include "httpd.h"

/* Tags of the listening sockets. */
#define WEB_TAG_TCP 0
#define WEB_TAG_PASSED 1 /* the Unix socket: a data plane tells the peer's name */

/* A server without sockets yet; `api` is borrowed. */
struct httpd *web_new(struct loop *loop, struct api *api);

#endif
