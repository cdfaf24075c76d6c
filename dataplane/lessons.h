/* lessons: what single upstreams have refused lately and need not be sent again: an unknown beta
 * header, an extra field, thinking that another one has signed. PURE; wall clock ms as argument.
 *
 * A 400 that names such a thing teaches (upstream, model). The data plane heeds it at once and
 * reports it; controlplane keeps it with an end, shows it, lets it be forgotten, and gives it to
 * all data planes in the table. */
#ifndef PM_LESSONS_H
#define PM_LESSONS_H

#include "lesson.h"
#include "table.h"
#include "view.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LESSONS_MAX 256

struct lessons;

struct lessons *lessons_new(void);
void lessons_free(struct lessons *lessons); /* NULL is fine */
/* What the refusal teaches, judged by its structure and the vendors' fixed phrases: false when
 * nothing, or when the request does not hold the thing. `beta` is the client's anthropic-beta
 * header, all values joined by commas. */
bool lessons_read(int status, struct view error_body, enum protocol protocol, struct view beta,
    struct view request_body, struct lesson *out);
/* Learns it; false when it was known already (then it is of no use to try again). */
bool lessons_learn(struct lessons *lessons, const char *upstream, const char *model,
    const struct lesson *lesson, int64_t wall_ms);
/* Those to be reported: `taken` forgets that they are new. */
size_t lessons_news(const struct lessons *lessons, const struct lesson_of **out);
void lessons_taken(struct lessons *lessons);

#endif
