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

#define LESSONS_MAX 64        /* of one data plane, until the table has them */
#define LESSONS_FOR_MAX 16    /* that hold for one upstream and model */
#define LESSONS_MORE_MAX 3    /* that a request's own changes add to them */
#define LESSONS_WAIT_MS 10000 /* so long an own one counts: the table has it by then */

struct lessons;

struct lesson_list {
	struct lesson items[LESSONS_FOR_MAX + LESSONS_MORE_MAX];
	size_t count;
};

struct lessons_question {
	bool asks_usage; /* "stream_options" was put in by us */
	int status;
	struct view error_body;
	enum protocol protocol;
	struct view beta; /* the client's anthropic-beta header */
	struct view body; /* the request; a checked JSON object */
};

struct lessons *lessons_new(void);
void lessons_free(struct lessons *lessons); /* NULL is fine */
/* All that the refusal teaches, judged by its structure and the vendors' fixed phrases. False, and
 * none: it names nothing, or something that the request does not hold, whose loss would change what
 * the user asked for, or for which there is no room; the rest alone would be refused again. */
bool lessons_read(const struct lessons_question *question, struct lesson_list *out);
/* Learns it; false when it was known already (then it is of no use to ask again). */
bool lessons_learn(struct lessons *lessons, const struct table *table, const char *upstream,
    const char *model, const struct lesson *lesson, int64_t wall_ms);
/* All that hold, of the table and of our own. */
void lessons_for(const struct lessons *lessons, const struct table *table, const char *upstream,
    const char *model, int64_t wall_ms, struct lesson_list *out);
/* Those that controlplane has not heard of, borrowed until the next call; `count` of them were
 * taken. */
size_t lessons_news(const struct lessons *lessons, const struct lesson_of **out);
void lessons_taken(struct lessons *lessons, size_t count);

#endif
