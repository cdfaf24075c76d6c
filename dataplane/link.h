/* link: the routing table from controlplane, and our report to it. Serves on with the last table
 * while controlplane is away. */
#ifndef PM_LINK_H
#define PM_LINK_H

#include "err.h"
#include "loop.h"
#include "state.h"
#include "table.h"

struct link;

struct link_events {
	/* A newer table is in force. */
	void (*on_table)(struct table *table, void *ctx);
	/* Fills the figures of a report, once a second; table numbers are link's. */
	void (*on_report)(struct report *report, void *ctx);
	void *ctx;
};

struct link *link_new(
    struct loop *loop, const char *run_dir, const struct link_events *events, struct err *err);
void link_free(struct link *link);
/* The table in force, NULL before the first. Borrowed until the end of the turn: table_ref it. */
struct table *link_table(const struct link *link);

#endif
