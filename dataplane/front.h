/* front: every request's first station; decides by the head whose it is. */
#ifndef PM_FRONT_H
#define PM_FRONT_H

#include "exchange.h"
#include "httpd.h"
#include "link.h"

struct front {
	struct exchange_env env;
	const struct link *link; /* NULL until there is one */
	struct httpd *httpd;
	const char *web_socket; /* webadmin's; borrowed */
	uint64_t refused;       /* answered here */
};

/* `front` stays where it is until front_fini. */
void front_init(
    struct front *front, struct loop *loop, struct upstreams *upstreams, const char *web_socket);
/* After httpd_free. */
void front_fini(struct front *front);

#endif
