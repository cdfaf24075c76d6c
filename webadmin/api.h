/* api: what answers below /api, and /metrics. One row for each method and path. */
#ifndef PM_API_H
#define PM_API_H

#include "adminlink.h"
#include "auth.h"
#include "httpd.h"
#include "limiter.h"

struct events;

struct api {
	struct loop *loop;
	int64_t started_ms;             /* wall clock */
	struct adminlink *link, *stats; /* to controlplane, and to its statistics */
	struct auth auth;
	struct limiter limiter;
	struct events *events; /* owned by whoever made it; NULL = there is no stream */
	char cookie[32];       /* name of the session cookie */
	unsigned api_port;     /* where clients call the data planes; for the page */
	const char *run_dir;   /* where their own sockets are; borrowed */
	unsigned plays;        /* of the playground, under way */
};

/* `state_dir` sets this installation's cookie apart from another's on the same host. Loop and links
 * are borrowed. */
void api_init(struct api *api, struct loop *loop, struct adminlink *link, struct adminlink *stats,
    const char *state_dir, unsigned api_port);
/* A whole request below /api or for /metrics, from a peer of this name (without port; lives during
 * the call). Ends it now or when controlplane has answered. */
void api_handle(struct api *api, struct http_req *req, struct view peer);
/* Somebody who is logged in sends this, as far as is known by now: longer bodies may be read. */
bool api_knows(struct api *api, const struct http_req *req, uint64_t now_ms);
/* The client of a request that has not been answered left. */
void api_gone(struct http_req *req);
/* It has taken what was written for it. */
void api_writable(struct http_req *req);

#endif
