#include "mem.h"
#include "must.h"
#include <stdlib.h>
#include <string.h>

void *
mem_alloc(size_t size)
{
	MUST(size > 0);
	void *ptr = malloc(size);
	MUST(ptr != NULL);
	return ptr;
}

void *
mem_calloc(size_t count, size_t size)
{
	MUST(count > 0 && size > 0);
	void *ptr = calloc(count, size);
	MUST(ptr != NULL);
	return ptr;
}

void *
mem_realloc(void *ptr, size_t size)
{
	MUST(size > 0);
	ptr = realloc(ptr, size);
	MUST(ptr != NULL);
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
