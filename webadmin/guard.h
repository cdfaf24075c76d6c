/* guard: what the headers of a request say about where it comes from. Pure. */
#ifndef PM_GUARD_H
#define PM_GUARD_H

#include "view.h"
#include <stdbool.h>

/* localhost, 127.0.0.1 or [::1], with any port or none: what no foreign DNS name can be. */
bool guard_host(struct view host);
/* Absent, or the origin that `host` names, by http or https. */
bool guard_origin(struct view origin, struct view host);
/* application/json, with parameters or without: no form can send that. */
bool guard_json(struct view content_type);
/* The value of the cookie `name`, or an empty view. */
struct view guard_cookie(struct view cookies, const char *name);
/* The token of "Bearer <token>", or an empty view. */
struct view guard_bearer(struct view authorization);
/* "127.0.0.1:5012" or "[::1]:5012" without the port; other texts as they are. */
struct view guard_peer(struct view peer);

#endif
