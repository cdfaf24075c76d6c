#include "httpd_shed.h"
#include "httpd_private.h"
#include "log.h"
#include <limits.h>
#include <sys/resource.h>

/* Descriptors that are not for clients: files, the loop; and those for calls of upstreams. */
#define RESERVED_FDS 64u
#define RESERVED_SHARE 8u
#define CONNECTIONS_MAX (1u << 20)
#define STRANGER_MS 1000
#define IDLE_MS 10000
#define SHED_AT_ONCE 64 /* in one look at all of them */
#define LOOK_EVERY_MS 50
#define LOG_EVERY_MS 60000

static unsigned
files_max(void)
{
	struct rlimit files;
	rlim_t max = getrlimit(RLIMIT_NOFILE, &files) == 0 ? files.rlim_cur : 0;
	return max < CONNECTIONS_MAX ? (unsigned)max : CONNECTIONS_MAX;
}

unsigned
shed_connections_max(void)
{
	unsigned max = files_max(), reserved = RESERVED_FDS + max / RESERVED_SHARE;
	return max > 2 * RESERVED_FDS ? max - reserved : RESERVED_FDS;
}

int
shed_fd_high(void)
{
	unsigned max = files_max();
	return max > 2 * RESERVED_FDS ? (int)shed_connections_max() : INT_MAX;
}

/* Has it nothing under way, for so long that it may go? */
static bool
may_go(const struct conn *conn, uint64_t now_ms, bool known)
{
	uint64_t age_ms = now_ms - conn->since_ms;
	bool asks = conn->state != CONN_IDLE || conn->out.queued > 0 || conn->in.len > conn->in_pos;
	if (known)
		return conn->known && !asks && age_ms >= IDLE_MS;
	return !conn->known && conn->state < CONN_BODY && conn->out.queued == 0 &&
	       age_ms >= STRANGER_MS;
}

static unsigned
shed(struct httpd *httpd, uint64_t now_ms, bool known)
{
	unsigned count = 0;
	for (struct conn *conn = httpd->conns, *next; conn != NULL && count < SHED_AT_ONCE;
	     conn = next) {
		next = conn->next;
		if (may_go(conn, now_ms, known)) {
			conn_close(conn, false);
			count++;
		}
	}
	return count;
}

static void
tell(struct httpd *httpd, uint64_t now_ms, unsigned closed)
{
	if (httpd->full_logged_ms != 0 && now_ms - httpd->full_logged_ms < LOG_EVERY_MS)
		return;
	httpd->full_logged_ms = now_ms;
	log_msg(LOG_ERROR, "full", "%u connections: %s", httpd->counts.connections + closed,
	    closed > 0 ? "those that ask for nothing are closed" : "new ones are refused");
}

bool
shed_has_room(struct httpd *httpd, int fd)
{
	uint64_t now_ms = loop_now_ms(httpd->loop);
	unsigned closed = 0;
	if (httpd->counts.connections < httpd->limits.connections && fd < httpd->fd_high)
		return true;
	/* A look takes its time: a flood of new ones does not get one for each. */
	if (httpd->shed_ms == 0 || now_ms - httpd->shed_ms >= LOOK_EVERY_MS) {
		closed = shed(httpd, now_ms, false);
		if (closed == 0)
			closed = shed(httpd, now_ms, true);
		httpd->shed_ms = closed > 0 ? 0 : now_ms;
	}
	tell(httpd, now_ms, closed);
	return closed > 0;
}
