/* sse_write: server-sent events, written. */
#ifndef PM_SSE_WRITE_H
#define PM_SSE_WRITE_H

#include "bytes.h"
#include "err.h"
#include "view.h"
#include <stdbool.h>
#include <stddef.h>

/* "event: <name>\ndata: " (the event line is left out when name is NULL); then the caller appends
 * one line of data (JSON without line breaks), then sse_write_end. */
MUST_CHECK bool sse_write_begin(struct bytes *out, const char *name);
MUST_CHECK bool sse_write_end(struct bytes *out);
/* A whole event. */
MUST_CHECK bool sse_write(struct bytes *out, const char *name, struct view data);

/* What lies in `out` from offset `from` on is JSON: line breaks between its words, which the source
 * of another's value may hold, become spaces, for an event's data is one line. */
void sse_write_join(struct bytes *out, size_t from);

#endif
