#include "bytes.h"
#include "mem.h"
#include "must.h"
#include <stdio.h>
#include <string.h>

#define FIRST_BYTES 256

void
bytes_init(struct bytes *bytes, size_t max)
{
	MUST(max < SIZE_MAX);
	*bytes = (struct bytes){.max = max};
}

void
bytes_fini(struct bytes *bytes)
{
	mem_free(bytes->data);
	*bytes = (struct bytes){.max = bytes->max};
}

void
bytes_clear(struct bytes *bytes)
{
	bytes->len = 0;
}

/* One byte more than `cap` is allocated, so that a terminator always has room. */
bool
bytes_reserve(struct bytes *bytes, size_t more)
{
	if (more > bytes->max - bytes->len)
		return false;
	size_t need = bytes->len + more;
	if (need <= bytes->cap)
		return true;
	size_t cap = bytes->cap ? bytes->cap : FIRST_BYTES;
	while (cap < need)
		cap = cap > bytes->max / 2 ? bytes->max : cap * 2;
	if (cap > bytes->max) /* room that is there may be written to without a look at max */
		cap = bytes->max;
	bytes->data = mem_realloc(bytes->data, cap + 1);
	bytes->cap = cap;
	return true;
}

bool
bytes_printf(struct bytes *bytes, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	MUST(len >= 0);
	if (len == 0)
		return true;
	if (!bytes_reserve(bytes, (size_t)len))
		return false;
	va_start(args, fmt);
	vsnprintf(bytes->data + bytes->len, (size_t)len + 1, fmt, args);
	va_end(args);
	bytes->len += (size_t)len;
	return true;
}

static bool
needs_escape(char c)
{
	return c == '"' || c == '\\' || (unsigned char)c < 0x20;
}

static bool
append_escaped(struct bytes *bytes, char c)
{
	static const char from[] = "\"\\\b\f\n\r\t";
	static const char to[] = "\"\\bfnrt";
	const char *hit = c ? strchr(from, c) : NULL;
	if (hit == NULL)
		return bytes_printf(bytes, "\\u%04x", (unsigned)(unsigned char)c);
	const char escape[2] = {'\\', to[hit - from]};
	return bytes_append(bytes, escape, 2);
}

bool
bytes_append_json(struct bytes *bytes, struct view v)
{
	size_t before = bytes->len;
	for (size_t i = 0, plain; i < v.len; i++) {
		for (plain = i; i < v.len && !needs_escape(v.data[i]);)
			i++;
		if (!bytes_append(bytes, v.data + plain, i - plain) ||
		    (i < v.len && !append_escaped(bytes, v.data[i]))) {
			bytes->len = before;
			return false;
		}
	}
	return true;
}

void
bytes_consume(struct bytes *bytes, size_t count)
{
	MUST(count <= bytes->len);
	bytes->len -= count;
	if (count > 0 && bytes->len > 0)
		memmove(bytes->data, bytes->data + count, bytes->len);
}

const char *
bytes_str(struct bytes *bytes)
{
	if (bytes->data == NULL)
		bytes->data = mem_alloc(1); /* cap stays 0: the terminator's byte */
	bytes->data[bytes->len] = '\0';
	return bytes->data;
}
