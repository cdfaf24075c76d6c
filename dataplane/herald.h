/* herald: brings alerts to the owner's webhook, as the table orders: what is above the number that
 * was carried out last is carried out, once; the last one's end is in each report. */
#ifndef PM_HERALD_H
#define PM_HERALD_H

#include "loop.h"
#include "state.h"
#include "table.h"
#include "upstream.h"
#include <stdint.h>

#define HERALD_LIMIT_MS 10000

struct herald;

/* `boot_id` is what the table calls this data plane; `on_news`: a report should go out soon. */
struct herald *herald_new(struct loop *loop, struct upstreams *upstreams, uint64_t boot_id,
    void (*on_news)(void *ctx), void *ctx);
void herald_free(struct herald *herald); /* NULL is fine */
/* A newer table is in force. */
void herald_table(struct herald *herald, const struct table *table);
/* The end of the last one, into a report. */
void herald_report(const struct herald *herald, struct report *report);

#endif
