/* webadmin's HTTP side over real sockets, with clients and a control plane on the same loop. */
#ifndef PM_TEST_WEB_RIG_H
#define PM_TEST_WEB_RIG_H

#include "clock.h"
#include "log.h"
#include "netaddr.h"
#include "web.h"
#include "web_client.h"
#include <time.h>

#define TEST_LIMIT_MS 8000

static struct loop_timer limit;
static struct adminlink *ours;
static struct api api;
static struct httpd *httpd;
static int tcp_fd, unix_fd;
static int64_t skipped_ms; /* added to the clock */

static inline uint64_t
mono_us(void *ctx)
{
	struct timespec now;
	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return ((uint64_t)now.tv_sec * 1000 + (uint64_t)skipped_ms) * 1000 +
	       (uint64_t)now.tv_nsec / 1000;
}

static inline int64_t
wall_ms(void *ctx)
{
	(void)ctx;
	return 1700000000000;
}
static const struct clock_source false_clock = {mono_us, wall_ms, NULL};

static inline void
on_limit(struct loop_timer *timer, void *ctx)
{
	(void)timer, (void)ctx;
	ck_abort_msg("nothing came within %d ms", TEST_LIMIT_MS);
}

static inline void
setup(void)
{
	struct err err;
	log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	clock_replace(&false_clock);
	(void)snprintf(dir, sizeof(dir), "/tmp/pm-web-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(unix_path, sizeof(unix_path), "%s/%s", dir, NAMES_WEB);
	loop = loop_new(&err);
	loop_timer_init(&limit, loop, on_limit, NULL);
	loop_timer_arm(&limit, TEST_LIMIT_MS);
	control_start();
	ours = adminlink_new(loop, dir, NAMES_ADMIN, &err);
	ck_assert_ptr_nonnull(ours);
	api_init(&api, loop, ours, ours, "/some/state", 5101);
	httpd = web_new(loop, &api);
	tcp_fd = netaddr_listen_tcp("127.0.0.1", &port, false, &err);
	unix_fd = netaddr_listen_unix(unix_path, &err);
	ck_assert(httpd_listen(httpd, tcp_fd, NULL, WEB_TAG_TCP, &err));
	ck_assert(httpd_listen(httpd, unix_fd, NULL, WEB_TAG_PASSED, &err));
}

static inline void
teardown(void)
{
	client_close(&first);
	httpd_free(httpd);
	adminlink_free(ours);
	control_stop();
	loop_timer_fini(&limit);
	loop_free(loop);
	close(tcp_fd);
	close(unix_fd);
	unlink(unix_path);
	rmdir(dir);
	clock_replace(NULL);
	checks = reloads = 0;
	skipped_ms = 0;
	mute = false;
	reload_said = MSG_OK;
}

#endif
