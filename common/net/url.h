/* url: split, check and join http(s) URLs. Pure. */
#ifndef PM_URL_H
#define PM_URL_H

#include "bytes.h"
#include "err.h"
#include "view.h"
#include <stdbool.h>
#include <stdint.h>

struct url {
	bool https;
	struct view host; /* without brackets */
	uint16_t port;    /* the scheme's default when absent */
	struct view path; /* raw, may be empty; no query or fragment in a base URL */
};
/* A base URL: http or https, a host, no user info, no query, no fragment, no space or control byte.
 * Spaces around it are trimmed first. Views point into `text`. */
MUST_CHECK bool url_parse_base(struct view text, struct url *out, struct err *err);
/* base (trailing slashes removed) + path (starts with '/') + ["?" + query], a shared "/v1" written
 * once: ".../v1" + "/v1/messages" = ".../v1/messages". */
MUST_CHECK bool url_join(struct view base, struct view path, struct view query, struct bytes *out);
/* The host is an address literal that an upstream must never be: link-local, metadata service,
 * unspecified, multicast, broadcast. Names are false (their address is checked at connect). */
bool url_host_is_denied(struct view host);

#endif
