/* decisions: the last client requests with all that was tried for them, for people to look at. In
 * memory, bounded: DECISIONS_MAX records of some kilobytes at the most. */
#ifndef PM_DECISIONS_H
#define PM_DECISIONS_H

#include "record.h"
#include <jansson.h>
#include <stddef.h>

#define DECISIONS_MAX 1000
#define DECISIONS_SHOWN_MAX 100

/* A zeroed struct knows none. */
struct decisions {
	struct record items[DECISIONS_MAX]; /* a ring */
	size_t next, count;
};

void decisions_fini(struct decisions *decisions);
/* Takes over what the record owns and empties it. */
void decisions_add(struct decisions *decisions, struct record *record);
/* The newest first, at most `limit` and DECISIONS_SHOWN_MAX: of requests whose id begins with `id`,
 * in which the upstream with this id was asked (NULL = any). [{record}]; new reference. */
json_t *decisions_encode(
    const struct decisions *decisions, const char *id, const char *upstream, size_t limit);

#endif
