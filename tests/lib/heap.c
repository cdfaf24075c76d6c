/* Preloaded into a program: the Nth allocation from now on finds no memory, when the file
 * PM_HEAP_FILE says so. Only in the program PM_HEAP_PROGRAM. What it was that failed is told there
 * too. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *data, size_t size);

struct order {
	_Atomic int64_t until; /* allocations that are still given; below 0: none fails */
	int64_t others;  /* 1: those of the program itself do not count, only its libraries' */
	char where[240]; /* who asked for the one that failed */
};

static struct order *order;
static const char *own_begin, *own_end;

/* The first object is the program. */
static int
on_object(struct dl_phdr_info *object, size_t size, void *ctx)
{
	(void)size;
	(void)ctx;
	for (size_t i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &object->dlpi_phdr[i];
		if (part->p_type != PT_LOAD || (part->p_flags & PF_X) == 0)
			continue;
		own_begin = (const char *)object->dlpi_addr + part->p_vaddr;
		own_end = own_begin + part->p_memsz;
	}
	return 1;
}

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("PM_HEAP_FILE"), *program = getenv("PM_HEAP_PROGRAM");
	if (path == NULL || program == NULL || strcmp(program, program_invocation_short_name) != 0)
		return;
	(void)dl_iterate_phdr(on_object, NULL);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	void *found = mmap(NULL, sizeof(*order), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (found != MAP_FAILED)
		order = found;
}

static void
note(void *caller)
{
	Dl_info found = {0};
	const char *base = "?", *file = NULL;
	if (dladdr(caller, &found) != 0 && found.dli_fname != NULL) {
		file = found.dli_fname;
		base = found.dli_fbase;
	}
	(void)snprintf(order->where, sizeof(order->where), "%s+0x%zx", file != NULL ? file : "?",
	    file != NULL ? (size_t)((const char *)caller - base) : (size_t)0);
}

static int
fails(void *caller)
{
	const char *from = caller;
	if (order == NULL || atomic_load(&order->until) < 0)
		return 0;
	if (order->others != 0 && from >= own_begin && from < own_end)
		return 0;
	if (atomic_fetch_sub(&order->until, 1) != 0)
		return 0;
	note(caller);
	errno = ENOMEM;
	return 1;
}

void *
malloc(size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *data, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(data, size);
}
