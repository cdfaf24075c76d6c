#include "mem.h"
#include "must.h"
#include "upstream_private.h"
#include <stdlib.h>

#define LANE_CALLS_MAX 64
#define LANE_REST_MS 30000
#define UPKEEP_MS 10000
#define CA_FILE "/etc/ssl/certs/ca-certificates.crt"

#define MULTI(option, value) MUST(curl_multi_setopt(multi, option, value) == CURLM_OK)
#define SHARE(value) MUST(curl_share_setopt(upstreams->share, CURLSHOPT_SHARE, value) == CURLSHE_OK)

/* ---- lanes ---- */

/* Tells of ended calls; outside libcurl, so that their owners may start and free. */
static void
lane_drain(struct lane *lane)
{
	CURLMsg *message;
	int left;
	while ((message = curl_multi_info_read(lane->multi, &left)) != NULL) {
		struct transfer *transfer = NULL;
		MUST(message->msg == CURLMSG_DONE);
		MUST(curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer) ==
		     CURLE_OK);
		transfer_ended(transfer, message->data.result);
	}
}

static void
lane_act(struct lane *lane, curl_socket_t fd, int events)
{
	int running;
	MUST(!lane->upstreams->inside);
	lane->upstreams->inside = true;
	CURLMcode code = curl_multi_socket_action(lane->multi, fd, events, &running);
	lane->upstreams->inside = false;
	MUST(code == CURLM_OK);
	lane_drain(lane);
}

static void
on_sock(int fd, unsigned events, void *owner)
{
	int bits = ((events & LOOP_READ) ? CURL_CSELECT_IN : 0) |
		   ((events & LOOP_WRITE) ? CURL_CSELECT_OUT : 0);
	lane_act(owner, fd, bits);
}

static void
on_lane_timer(struct loop_timer *timer, void *ctx)
{
	(void)timer;
	lane_act(ctx, CURL_SOCKET_TIMEOUT, 0);
}

static void
on_lane_kick(struct loop_task *task, void *ctx)
{
	(void)task;
	lane_act(ctx, CURL_SOCKET_TIMEOUT, 0);
}

static int
on_multi_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *unused)
{
	struct lane *lane = ctx;
	unsigned events =
	    ((what & CURL_POLL_IN) ? LOOP_READ : 0) | ((what & CURL_POLL_OUT) ? LOOP_WRITE : 0);
	(void)easy;
	(void)unused;
	/* CURL_POLL_REMOVE is a value of its own, not both bits. */
	socks_want(&lane->upstreams->socks, fd, what == CURL_POLL_REMOVE ? 0 : events, lane);
	return 0;
}

/* "Now" is the end of this turn: sooner than a timer, and outside this callback. */
static int
on_multi_timer(CURLM *multi, long timeout_ms, void *ctx)
{
	struct lane *lane = ctx;
	(void)multi;
	if (timeout_ms == 0) {
		loop_defer(lane->upstreams->loop, &lane->kick);
	} else if (timeout_ms > 0) {
		loop_timer_arm(&lane->timer, (uint64_t)timeout_ms);
	} else {
		loop_timer_disarm(&lane->timer);
	}
	return 0;
}

static struct lane *
lane_new(struct upstreams *upstreams)
{
	struct lane *lane = MEM_NEW(struct lane);
	lane->upstreams = upstreams;
	CURLM *multi = curl_multi_init();
	MUST(multi != NULL);
	lane->multi = multi;
	MULTI(CURLMOPT_SOCKETFUNCTION, on_multi_socket);
	MULTI(CURLMOPT_SOCKETDATA, lane);
	MULTI(CURLMOPT_TIMERFUNCTION, on_multi_timer);
	MULTI(CURLMOPT_TIMERDATA, lane);
	MULTI(CURLMOPT_MAXCONNECTS, (long)LANE_CALLS_MAX);
	loop_timer_init(&lane->timer, upstreams->loop, on_lane_timer, lane);
	lane->kick = (struct loop_task){.fn = on_lane_kick, .ctx = lane};
	upstreams->lanes =
	    mem_realloc(upstreams->lanes, (upstreams->lane_count + 1) * sizeof(void *));
	upstreams->lanes[upstreams->lane_count++] = lane;
	return lane;
}

static void
lane_free(struct lane *lane)
{
	MUST(lane->running == 0);
	lane->upstreams->inside = true;
	MUST(curl_multi_cleanup(lane->multi) == CURLM_OK);
	lane->upstreams->inside = false;
	loop_timer_fini(&lane->timer);
	loop_defer_cancel(&lane->kick);
	mem_free(lane);
}

/* The fullest with room: the others' connections come to rest and their lanes are freed. */
static struct lane *
lane_pick(struct upstreams *upstreams)
{
	struct lane *best = NULL;
	for (size_t i = 0; i < upstreams->lane_count; i++) {
		struct lane *lane = upstreams->lanes[i];
		if (lane->running < LANE_CALLS_MAX &&
		    (best == NULL || lane->running > best->running))
			best = lane;
	}
	return best != NULL ? best : lane_new(upstreams);
}

/* libcurl looks at resting connections only when it starts a call: a lane that starts none would
 * keep dead ones for ever. */
static void
on_upkeep(struct loop_timer *timer, void *ctx)
{
	struct upstreams *upstreams = ctx;
	uint64_t now_ms = loop_now_ms(upstreams->loop);
	size_t kept = 0, resting = 0;
	for (size_t i = 0; i < upstreams->lane_count; i++) {
		struct lane *lane = upstreams->lanes[i];
		if (lane->running == 0 && now_ms - lane->rest_ms >= LANE_REST_MS) {
			lane_free(lane);
			continue;
		}
		resting += lane->running == 0;
		upstreams->lanes[kept++] = lane;
	}
	upstreams->lane_count = kept;
	if (resting > 0)
		loop_timer_arm(timer, UPKEEP_MS);
}

/* ---- the whole ---- */

struct upstreams *
upstreams_new(struct loop *loop, struct err *err)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
		(void)err_set(err, ERR_IO, "libcurl", "cannot be initialised");
		return NULL;
	}
	struct upstreams *upstreams = MEM_NEW(struct upstreams);
	upstreams->loop = loop;
	upstreams->ca_file = getenv("SSL_CERT_FILE");
	if (upstreams->ca_file == NULL)
		upstreams->ca_file = CA_FILE;
	upstreams->share = curl_share_init();
	MUST(upstreams->share != NULL);
	SHARE(CURL_LOCK_DATA_DNS);
	SHARE(CURL_LOCK_DATA_SSL_SESSION);
	socks_init(&upstreams->socks, loop, on_sock);
	loop_timer_init(&upstreams->upkeep, loop, on_upkeep, upstreams);
	return upstreams;
}

void
upstreams_free(struct upstreams *upstreams)
{
	if (upstreams == NULL)
		return;
	for (size_t i = 0; i < upstreams->lane_count; i++)
		lane_free(upstreams->lanes[i]);
	mem_free(upstreams->lanes);
	while (upstreams->easy_count > 0)
		curl_easy_cleanup(upstreams->easies[--upstreams->easy_count]);
	MUST(curl_share_cleanup(upstreams->share) == CURLSHE_OK);
	loop_timer_fini(&upstreams->upkeep);
	socks_fini(&upstreams->socks);
	mem_free(upstreams);
	curl_global_cleanup();
}

/* ---- handles ---- */

CURL *
pool_easy(struct upstreams *upstreams)
{
	if (upstreams->easy_count > 0)
		return upstreams->easies[--upstreams->easy_count];
	CURL *easy = curl_easy_init();
	MUST(easy != NULL);
	MUST(curl_easy_setopt(easy, CURLOPT_SHARE, upstreams->share) ==
	     CURLE_OK); /* outlives a reset */
	return easy;
}

struct lane *
pool_enter(struct upstreams *upstreams, CURL *easy)
{
	MUST(!upstreams->inside);
	struct lane *lane = lane_pick(upstreams);
	lane->running++;
	MUST(curl_multi_add_handle(lane->multi, easy) == CURLM_OK);
	return lane;
}

void
pool_leave(struct lane *lane, CURL *easy, bool whole)
{
	struct upstreams *upstreams = lane->upstreams;
	MUST(!upstreams->inside);
	MUST(curl_multi_remove_handle(lane->multi, easy) == CURLM_OK);
	/* One that was cut short may keep its read buffer, and then refuses to be set up again. */
	if (whole && upstreams->easy_count < EASY_POOL_MAX) {
		curl_easy_reset(easy); /* now, so that no option of one client lives on here */
		upstreams->easies[upstreams->easy_count++] = easy;
	} else {
		curl_easy_cleanup(easy);
	}
	if (--lane->running > 0)
		return;
	lane->rest_ms = loop_now_ms(upstreams->loop);
	if (!upstreams->upkeep.armed)
		loop_timer_arm(&upstreams->upkeep, UPKEEP_MS);
}

void
pool_resume(struct lane *lane, CURL *easy)
{
	MUST(!lane->upstreams->inside);
	lane->upstreams->inside = true;
	(void)curl_easy_pause(easy, CURLPAUSE_CONT); /* an error shows as the call's end */
	lane->upstreams->inside = false;
	lane_drain(lane);
}
