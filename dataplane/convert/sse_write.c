#include "sse_write.h"

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
