/* upstream_private: what upstream.c (one call) and upstream_pool.c (lanes, handles, connections)
 * share; with them the only place that knows libcurl. */
#ifndef PM_UPSTREAM_PRIVATE_H
#define PM_UPSTREAM_PRIVATE_H

#include "loop.h"
#include "upstream.h"
#include "upstream_socks.h"
#include <curl/curl.h>

#define EASY_POOL_MAX 128

/* One multi handle with its own connections. */
struct lane {
	CURLM *multi;
	struct upstreams *upstreams;
	struct loop_timer timer;
	struct loop_task kick;
	unsigned running;
	uint64_t rest_ms; /* since when nothing runs */
};

struct upstreams {
	struct loop *loop;
	CURLSH *share; /* names and TLS sessions, for all lanes */
	const char *ca_file;
	struct lane **lanes;
	size_t lane_count;
	CURL *easies[EASY_POOL_MAX];
	size_t easy_count;
	struct socks socks;
	struct loop_timer upkeep;
	bool inside; /* libcurl is running */
};

/* A handle with no option set; goes back by pool_leave. */
CURL *pool_easy(struct upstreams *upstreams);
/* Begins the call of `easy` at the end of this turn. */
struct lane *pool_enter(struct upstreams *upstreams, CURL *easy);
/* Ends it, at whatever stage; the handle is the pool's again. */
void pool_leave(struct lane *lane, CURL *easy, bool whole);
/* Unpauses; outside libcurl only. Ended calls of the lane are told before it returns. */
void pool_resume(struct lane *lane, CURL *easy);

/* The call has ended by itself; `easy` is still in its lane. */
void transfer_ended(struct transfer *transfer, CURLcode code);

#endif
