#include "heap.h"
#include "figures.h"
#include <malloc.h>

/* Bodies of some 100 KB come and go with each call. By default their pages go back to the kernel
 * each time, and the page faults for new ones are a third of such a call. So they are kept, and
 * what has become too much is given back now and then. */
#define KEPT_BYTES 16777216
#define BLOCK_BYTES_MAX 4194304

void
heap_set_up(void)
{
	(void)mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
	(void)mallopt(M_MMAP_THRESHOLD, BLOCK_BYTES_MAX);
}

void
heap_check(struct heap *heap)
{
	uint64_t now_bytes = figures_rss_bytes();
	if (now_bytes < heap->trimmed_bytes)
		heap->trimmed_bytes = now_bytes;
	if (now_bytes < heap->trimmed_bytes + KEPT_BYTES)
		return;
	(void)malloc_trim(KEPT_BYTES);
	heap->trimmed_bytes = figures_rss_bytes();
}
