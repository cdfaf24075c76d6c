/* arena: many small pieces with one end of life. */
#ifndef PM_ARENA_H
#define PM_ARENA_H

#include "err.h"
#include "view.h"
#include <stdarg.h>
#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *head;
	size_t used_bytes;  /* given out so far */
	size_t max_bytes;   /* arena_alloc returns NULL beyond */
	size_t block_bytes; /* size of the first block; later ones double up to 64 KiB */
};

void arena_init(struct arena *arena, size_t block_bytes, size_t max_bytes);
void arena_fini(struct arena *arena); /* frees all; the arena may be initialised again */
/* Aligned for any type, zeroed; NULL when max_bytes would be passed. Borrowed from the arena. */
void *arena_alloc(struct arena *arena, size_t size);
/* Terminated copy of `v`; data is NULL (and len 0) at the limit. */
struct view arena_copy(struct arena *arena, struct view v);
struct view arena_printf(struct arena *arena, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
