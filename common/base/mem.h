/* mem: allocation that cannot fail; out of memory aborts, since sizes are bounded before we ask. */
#ifndef PM_MEM_H
#define PM_MEM_H

#include "view.h"
#include <stddef.h>

void *mem_alloc(size_t size);                /* not zeroed; size > 0 */
void *mem_calloc(size_t count, size_t size); /* zeroed; aborts on overflow */
void *mem_realloc(void *ptr, size_t size);
void mem_free(void *ptr); /* NULL is fine */
/* A terminated copy; the caller frees. A NUL inside is kept. */
char *mem_dup(struct view v);
char *mem_dup_str(const char *str);

#define MEM_NEW(type) ((type *)mem_calloc(1, sizeof(type)))

#endif
