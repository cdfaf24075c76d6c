/* deadlines: many absolute deadlines on one coarse timer.
 *
 * Bytes of a stream move its idle deadline at every event, so a timer of its own for each would be
 * re-armed thousands of times a second for nothing. Here an owner only notes the time of its last
 * byte; when the time kept here is reached it is asked, and names the next one. */
#ifndef PM_DEADLINES_H
#define PM_DEADLINES_H

#include "loop.h"
#include <stddef.h>
#include <stdint.h>

#define DEADLINE_NONE UINT64_MAX

struct deadline {
	struct deadline *next, *prev; /* next is NULL while not in a list */
	uint64_t due_ms;
	void *owner;
};

/* The time of `deadline` has come: does what is due and returns the next time (now or earlier is
 * taken as DEADLINE_NONE). May remove any deadline, but frees none before this turn's deferred
 * work. */
typedef uint64_t deadline_fn(struct deadline *deadline, uint64_t now_ms);

struct deadlines {
	struct deadline ring; /* head */
	struct deadline *cursor;
	size_t count;
	uint64_t armed_ms; /* when the timer fires; DEADLINE_NONE = not armed */
	deadline_fn *fn;
	struct loop *loop;
	struct loop_timer timer;
};

/* `loop` may be NULL in tests: then only deadlines_sweep runs what is due. */
void deadlines_init(struct deadlines *deadlines, struct loop *loop, deadline_fn *fn);
void deadlines_fini(struct deadlines *deadlines);
/* `deadline` is the caller's memory and lives until deadlines_remove. */
void deadlines_add(struct deadlines *deadlines, struct deadline *deadline, uint64_t due_ms);
/* Only an earlier time changes anything at once; a later one is asked for when the kept one comes.
 */
void deadlines_move(struct deadlines *deadlines, struct deadline *deadline, uint64_t due_ms);
void deadlines_remove(struct deadlines *deadlines, struct deadline *deadline);
/* Asks all owners whose time has come; returns the earliest next time. */
uint64_t deadlines_sweep(struct deadlines *deadlines, uint64_t now_ms);

#endif
