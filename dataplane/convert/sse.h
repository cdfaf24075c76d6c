/* sse: a reader of server-sent events that only looks; any split, LF, CR and CRLF, bounded. PURE.
 *
 * It never copies a stream: events whose data passes `keep_max` are reported cut. */
#ifndef PM_SSE_H
#define PM_SSE_H

#include "bytes.h"
#include "view.h"
#include <stdbool.h>
#include <stddef.h>

#define SSE_NAME_BYTES_MAX 128 /* an "event:" value is cut there */

struct sse_event {
	struct view name; /* "event:" value; empty when absent */
	struct view data; /* all data lines joined by LF */
	bool cut;         /* data longer than keep_max: only its beginning is here */
};
typedef void sse_event_fn(const struct sse_event *event, void *ctx);

struct sse_reader {
	struct bytes line;              /* a line whose end has not come yet */
	struct bytes name, data;        /* what had to be kept of the event being read */
	struct view name_now, data_now; /* the event so far: in the bytes being fed, or kept */
	size_t keep_max;
	bool cut, has_data, after_cr, started;
	bool recognised; /* a comment or a known field was seen: it is an event stream */
	sse_event_fn *fn;
	void *ctx;
};
/* A BOM at the start is skipped. Comments are dropped. Holds at most 2 * keep_max and a little. */
void sse_init(struct sse_reader *reader, size_t keep_max, sse_event_fn *fn, void *ctx);
/* Fast where a whole event lies inside `in`: no copy then. `fn` is called for each blank line that
 * ends an event with data; what it gets is borrowed until it returns. */
void sse_feed(struct sse_reader *reader, struct view in);
void sse_fini(struct sse_reader *reader);
/* The event's name as the source of a JSON string, in `room`: it stands for a "type" that the data
 * lacks. A name that JSON would escape is none. */
struct view sse_quoted_name(const struct sse_event *event, char room[SSE_NAME_BYTES_MAX + 2]);

#endif
