#include "bodies.h"
#include "log.h"
#include <malloc.h>

#define RESERVE_BYTES ((uint64_t)16 << 20) /* for who runs */
#define SHARE 4     /* of the rest: several data planes may take it, each with copies */
#define LOOK_MS 250 /* while little is asked for */
#define LOOK_SOON_MS 10
#define LOOK_BYTES ((uint64_t)1 << 20)
#define PLENTY_BYTES ((uint64_t)64 << 20)
#define LOG_EVERY_MS 60000

void
bodies_init(struct bodies *bodies, struct loop *loop)
{
	*bodies = (struct bodies){.loop = loop};
	room_find(&bodies->room, "/proc", "/sys/fs/cgroup");
}

static void
look(struct bodies *bodies, uint64_t now_ms)
{
	uint64_t left_bytes = room_left_bytes(&bodies->room);
	bodies->room_bytes = left_bytes > RESERVE_BYTES ? (left_bytes - RESERVE_BYTES) / SHARE : 0;
	bodies->looked_ms = now_ms;
	bodies->since_bytes = 0;
}

static void
tell(struct bodies *bodies, uint64_t now_ms)
{
	if (bodies->told_ms != 0 && now_ms - bodies->told_ms < LOG_EVERY_MS)
		return;
	bodies->told_ms = now_ms;
	log_msg(LOG_ERROR, "memory",
	    "%llu MiB are left for requests that come: those that need more are told to come back",
	    (unsigned long long)(bodies->room_bytes >> 20));
}

static void
keep_looking(struct bodies *bodies)
{
	uint64_t now_ms = loop_now_ms(bodies->loop);
	uint32_t every_ms = bodies->room_bytes >= PLENTY_BYTES ? LOOK_MS : LOOK_SOON_MS;
	if (bodies->looked_ms == 0 || bodies->since_bytes >= LOOK_BYTES ||
	    now_ms - bodies->looked_ms >= every_ms)
		look(bodies, now_ms);
}

bool
bodies_fit(struct bodies *bodies, uint64_t more, uint64_t all)
{
	uint64_t now_ms = loop_now_ms(bodies->loop);
	bodies->since_bytes += more;
	keep_looking(bodies);
	if (all <= bodies->room_bytes)
		return true;
	if (now_ms - bodies->trimmed_ms >= LOOK_MS) {
		bodies->trimmed_ms = now_ms;
		(void)malloc_trim(0); /* what was freed may lie with the heap */
		look(bodies, now_ms);
	}
	if (all <= bodies->room_bytes)
		return true;
	tell(bodies, now_ms);
	return false;
}

uint64_t
bodies_room(struct bodies *bodies)
{
	keep_looking(bodies);
	return bodies->room_bytes;
}

void
bodies_took(struct bodies *bodies, uint64_t bytes)
{
	bodies->since_bytes += bytes;
}
