/* lessons_kept: what the data planes have learned that single upstreams refuse, until it ends or is
 * forgotten by hand. PURE but for its file, <state>/lessons.json; wall clock ms as argument. */
#ifndef PM_LESSONS_KEPT_H
#define PM_LESSONS_KEPT_H

#include "err.h"
#include "lesson.h"
#include "table.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A zeroed struct knows none. */
struct lessons_kept {
	struct lesson_of items[TABLE_LESSONS_MAX]; /* the oldest first */
	size_t count;
	uint64_t revision; /* grows with each change */
};

void lessons_kept_fini(struct lessons_kept *kept);
/* Learns it anew until now + ttl; the oldest makes room. */
void lessons_kept_add(
    struct lessons_kept *kept, const struct lesson_of *lesson, int64_t ttl_ms, int64_t wall_ms);
/* What has ended goes; true when anything did. */
bool lessons_kept_expire(struct lessons_kept *kept, int64_t wall_ms);
/* When the next one ends, 0 = none. */
int64_t lessons_kept_next_ms(const struct lessons_kept *kept);
/* By hand: those that fit all that is named (NULL = any). Returns how many. */
size_t lessons_kept_forget(struct lessons_kept *kept, const char *upstream, const char *model,
    const char *kind, const char *name);
/* Those of upstreams that the table has, into the table. */
void lessons_kept_assemble(const struct lessons_kept *kept, struct table *table);
/* [{upstream, model, kind, name, until_ms}]; new reference. */
json_t *lessons_kept_encode(const struct lessons_kept *kept);

MUST_CHECK bool lessons_kept_write(
    const struct lessons_kept *kept, const char *state_dir, struct err *err);
/* A missing file is fine; a bad one is refused whole. */
MUST_CHECK bool lessons_kept_read(
    struct lessons_kept *kept, const char *state_dir, struct err *err);

#endif
