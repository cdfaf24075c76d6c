#include "sse_write.h"

#include <string.h>

bool
sse_write_begin(struct bytes *out, const char *name)
{
	if (name != NULL && (!bytes_append_str(out, "event: ") || !bytes_append_str(out, name) ||
				!bytes_append_char(out, '\n')))
		return false;
	return bytes_append_str(out, "data: ");
}

bool
sse_write_end(struct bytes *out)
{
	return bytes_append_str(out, "\n\n");
}

bool
sse_write(struct bytes *out, const char *name, struct view data)
{
	return sse_write_begin(out, name) && bytes_append_view(out, data) && sse_write_end(out);
}

void
sse_write_join(struct bytes *out, size_t from)
{
	static const char breaks[] = {'\n', '\r'};
	for (size_t i = 0; i < sizeof(breaks) && from < out->len; i++) {
		char *at = out->data + from, *end = out->data + out->len;
		while (at < end && (at = memchr(at, breaks[i], (size_t)(end - at))) != NULL)
			*at++ = ' ';
	}
}
