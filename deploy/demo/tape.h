/* tape: an answer's body, cut into the events that are sent one by one. A body that is no stream is
 * one event. Pure. */
#ifndef PM_TAPE_H
#define PM_TAPE_H

#include "writer.h"

enum tape_mark {
	TAPE_USAGE_FIRST, /* the event that carries the first usage */
	TAPE_USAGE_LAST,  /* ... the final one */
	TAPE_TERMINAL,    /* the first of the events that end a stream properly */
	TAPE_MARKS,
};

struct tape {
	struct writer out;
	size_t *ends; /* of each event, in `out` */
	size_t count, cap;
	bool event_lines, crlf;
	size_t marks[TAPE_MARKS]; /* event index; SIZE_MAX when there is none */
	size_t loop_at;           /* this event is played `loops` times; SIZE_MAX: none */
	uint64_t loops;
	size_t number_at; /* where in `out` the loop's running number stands; SIZE_MAX: none */
	uint64_t number;  /* of its first time */
};

void tape_init(struct tape *tape, size_t max_bytes);
void tape_fini(struct tape *tape);
/* Begins an event; `name` may be NULL: no event line. The data is then put into tape->out. */
void tape_open(struct tape *tape, const char *name);
void tape_close(struct tape *tape);
/* One event that holds all of `body` and no framing. */
void tape_body(struct tape *tape, struct view body);
/* The event that comes next carries this mark. */
void tape_mark(struct tape *tape, enum tape_mark mark);
/* The event that comes next is played `loops` times. */
void tape_loop(struct tape *tape, uint64_t loops);
/* Puts the running number `first` of the loop event: it grows by one each time it is played. */
void tape_number(struct tape *tape, uint64_t first);

/* Drops everything from the `keep`th played event on. */
void tape_truncate(struct tape *tape, uint64_t keep);
/* Replaces the content by its gzip form, each event flushed by itself. False when it does not fit.
 */
MUST_CHECK bool tape_gzip(struct tape *tape);

/* Played events: the loop counts as `loops`. */
uint64_t tape_plays(const struct tape *tape);
/* The bytes of the `play`th event (< tape_plays), borrowed until the next call. */
struct view tape_play(struct tape *tape, uint64_t play);
/* Which event (as in `marks`) the `play`th is. */
size_t tape_index(const struct tape *tape, uint64_t play);

#endif
