/* events: the stream of news to pages and scripts (text/event-stream). What is told is made once
 * for all streams; each is bounded, and one that does not read is cut off. */
#ifndef PM_EVENTS_H
#define PM_EVENTS_H

#include "api.h"

#define EVENTS_STREAMS_MAX 256
#define EVENTS_UNREAD_BYTES_MAX ((size_t)1024 * 1024) /* before the next event */
#define EVENTS_TICK_MS 500
#define EVENTS_BEAT_MS 15000

struct events;

/* Borrows `api`, whose links must live as long. */
struct events *events_new(struct loop *loop, struct api *api);
/* After the server and the links: nobody asks or is asked any more. NULL is fine. */
void events_free(struct events *events);
/* All streams end well: this process ends. */
void events_drain(struct events *events);
unsigned events_count(const struct events *events);

#endif
