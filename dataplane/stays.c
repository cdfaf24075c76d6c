#include "stays.h"
#include "mem.h"
#include <string.h>

#define BUCKETS STAYS_MAX
#define WAYS 8 /* places in a row where a session may stand */

struct stay {
	uint64_t session; /* 0 = free */
	uint64_t until_ms;
	char *id;
	uint8_t group;
};

struct stays {
	struct stay places[BUCKETS];
};

struct stays *
stays_new(void)
{
	return MEM_NEW(struct stays);
}

static void
forget(struct stay *stay)
{
	mem_free(stay->id);
	*stay = (struct stay){0};
}

void
stays_free(struct stays *stays)
{
	if (stays == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		forget(&stays->places[i]);
	mem_free(stays);
}

static struct stay *
way(struct stays *stays, uint64_t session, size_t i)
{
	return &stays->places[(session + i) % BUCKETS];
}

static struct stay *
find(struct stays *stays, enum group group, uint64_t session)
{
	for (size_t i = 0; i < WAYS; i++) {
		struct stay *stay = way(stays, session, i);
		if (stay->session == session && stay->group == (uint8_t)group)
			return stay;
	}
	return NULL;
}

int
stays_find(struct stays *stays, const struct table *table, enum group group, uint64_t session,
    uint64_t now_ms)
{
	const struct upstream_list *list = &table->groups[group];
	struct stay *stay = find(stays, group, session);
	if (stay == NULL)
		return -1;
	if (now_ms >= stay->until_ms) {
		forget(stay);
		return -1;
	}
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->entries[i].id, stay->id) == 0)
			return (int)i;
	}
	return -1;
}

/* A free place, else that of the one that ends soonest. */
static struct stay *
take_place(struct stays *stays, uint64_t session)
{
	struct stay *best = way(stays, session, 0);
	for (size_t i = 0; i < WAYS && best->session != 0; i++) {
		struct stay *stay = way(stays, session, i);
		if (stay->session == 0 || stay->until_ms < best->until_ms)
			best = stay;
	}
	forget(best);
	return best;
}

void
stays_put(struct stays *stays, enum group group, uint64_t session, const char *id, uint32_t ttl_ms,
    uint64_t now_ms)
{
	struct stay *stay = find(stays, group, session);
	if (stay != NULL && now_ms < stay->until_ms && strcmp(stay->id, id) == 0)
		return;
	if (stay == NULL)
		stay = take_place(stays, session);
	else
		forget(stay);
	*stay = (struct stay){.session = session,
	    .until_ms = now_ms + ttl_ms,
	    .id = mem_dup_str(id),
	    .group = (uint8_t)group};
}

void
stays_drop(struct stays *stays, enum group group, uint64_t session)
{
	struct stay *stay = find(stays, group, session);
	if (stay != NULL)
		forget(stay);
}
