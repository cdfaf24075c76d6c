#include "arena.h"
#include "mem.h"
#include "must.h"
#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#define BLOCK_BYTES_MAX 65536
#define ALIGN alignof(max_align_t)

struct arena_block {
	struct arena_block *next;
	size_t size;
	size_t used;
	alignas(max_align_t) unsigned char data[];
};

void
arena_init(struct arena *arena, size_t block_bytes, size_t max_bytes)
{
	MUST(block_bytes > 0 && max_bytes < SIZE_MAX / 2);
	*arena = (struct arena){.block_bytes = block_bytes, .max_bytes = max_bytes};
}

void
arena_fini(struct arena *arena)
{
	while (arena->head != NULL) {
		struct arena_block *next = arena->head->next;
		mem_free(arena->head);
		arena->head = next;
	}
	arena->used_bytes = 0;
}

static struct arena_block *
block_new(size_t size)
{
	struct arena_block *block = mem_calloc(1, sizeof(*block) + size);
	block->size = size;
	return block;
}

/* A block that has `size` bytes left. A piece too big for the usual next block gets one of its own
 * behind the head, so that what is left in the head is not lost. */
static struct arena_block *
block_for(struct arena *arena, size_t size)
{
	struct arena_block *head = arena->head;
	if (head != NULL && size <= head->size - head->used)
		return head;
	size_t usual = arena->block_bytes;
	if (head != NULL)
		usual = head->size < BLOCK_BYTES_MAX / 2 ? head->size * 2 : BLOCK_BYTES_MAX;
	struct arena_block *block = block_new(size > usual ? size : usual);
	if (head != NULL && size > usual) {
		block->next = head->next;
		head->next = block;
	} else {
		block->next = head;
		arena->head = block;
	}
	return block;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	if (size > arena->max_bytes)
		return NULL;
	size = (size + !size + ALIGN - 1) / ALIGN * ALIGN;
	if (size > arena->max_bytes - arena->used_bytes)
		return NULL;
	struct arena_block *block = block_for(arena, size);
	void *piece = block->data + block->used;
	block->used += size;
	arena->used_bytes += size;
	return piece;
}

struct view
arena_copy(struct arena *arena, struct view v)
{
	char *copy = v.len < SIZE_MAX ? arena_alloc(arena, v.len + 1) : NULL;
	if (copy == NULL)
		return (struct view){NULL, 0};
	if (v.len > 0)
		memcpy(copy, v.data, v.len);
	return (struct view){copy, v.len};
}

struct view
arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	MUST(len >= 0);
	char *text = arena_alloc(arena, (size_t)len + 1);
	if (text == NULL)
		return (struct view){NULL, 0};
	va_start(args, fmt);
	vsnprintf(text, (size_t)len + 1, fmt, args);
	va_end(args);
	return (struct view){text, (size_t)len};
}
