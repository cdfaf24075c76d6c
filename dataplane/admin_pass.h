/* admin_pass: pages and admin API seen on the API port, passed on to webadmin's Unix socket. */
#ifndef PM_ADMIN_PASS_H
#define PM_ADMIN_PASS_H

#include "httpd.h"
#include "upstream.h"
#include "work.h"

#define ADMIN_PASS_BODY_BYTES_MAX ((size_t)16 * 1024 * 1024)

/* Takes over a request at its head; on_request is to follow. `socket_path` is borrowed for ever. */
struct work *admin_pass_new(
    struct loop *loop, struct upstreams *upstreams, struct http_req *req, const char *socket_path);

#endif
