#include "mem.h"
#include "must.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Says so in words of its own: it is no fault of the program's. */
static _Noreturn void
give_up(size_t size)
{
	dprintf(2, "out of memory: %zu bytes more are not to be had\n", size);
	abort();
}

void *
mem_alloc(size_t size)
{
	MUST(size > 0);
	void *ptr = malloc(size);
	if (ptr == NULL)
		give_up(size);
	return ptr;
}

void *
mem_calloc(size_t count, size_t size)
{
	MUST(count > 0 && size > 0);
	void *ptr = calloc(count, size);
	if (ptr == NULL)
		give_up(count * size);
	return ptr;
}

void *
mem_realloc(void *ptr, size_t size)
{
	MUST(size > 0);
	ptr = realloc(ptr, size);
	if (ptr == NULL)
		give_up(size);
	return ptr;
}

void
mem_free(void *ptr)
{
	free(ptr);
}

char *
mem_dup(struct view v)
{
	MUST(v.len < SIZE_MAX);
	char *copy = mem_alloc(v.len + 1);
	if (v.len > 0)
		memcpy(copy, v.data, v.len);
	copy[v.len] = '\0';
	return copy;
}

char *
mem_dup_str(const char *str)
{
	return mem_dup(view_of(str));
}
