/* heap: memory that a crowd of requests has left goes back to the kernel. */
#ifndef PM_HEAP_H
#define PM_HEAP_H

#include <stdint.h>

struct heap {
	uint64_t trimmed_bytes; /* resident after the last trim */
};

/* How malloc keeps what is freed; before anything else is allocated. */
void heap_set_up(void);
/* To be called every few seconds: trims when much more is resident than after the last trim. */
void heap_check(struct heap *heap);

#endif
