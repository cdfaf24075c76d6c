/* upcall: one HTTP/1.1 request to a program of ours over its Unix socket; the answer comes in
 * pieces, as fast as they are wanted. */
#ifndef PM_UPCALL_H
#define PM_UPCALL_H

#include "bytes.h"
#include "httpd.h"
#include "loop.h"

#define UPCALL_HEADERS_MAX 64
#define UPCALL_IDLE_MS 900000 /* longer than any wait that may be configured for an upstream */

struct upcall;

struct upcall_head {
	int status;
	struct http_header headers[UPCALL_HEADERS_MAX]; /* further ones are left out */
	size_t count;
};

struct upcall_handler {
	/* Once, before any byte; what it is given lives during the call. */
	void (*on_head)(const struct upcall_head *head, void *ctx);
	/* False: no more, please, until upcall_resume. */
	bool (*on_bytes)(struct view bytes, void *ctx);
	/* The last one; `whole`: the answer has its end. The upcall may be freed in it. */
	void (*on_end)(bool whole, void *ctx);
};

/* Takes the memory of `request`, head and body as they shall be sent. NULL: nobody listens at
 * `path`. */
struct upcall *upcall_new(struct loop *loop, const char *path, struct bytes *request,
    const struct upcall_handler *handler, void *ctx, struct err *err);
void upcall_resume(struct upcall *call);
/* Closes the connection; nothing is called any more. NULL is fine. */
void upcall_free(struct upcall *call);

#endif
