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
	/* Fills a report, once a second or when there is news; table numbers are link's. Lists are
	 * borrowed until on_reported. */
	void (*on_report)(struct report *report, void *ctx);
	/* It was answered, or (`taken` false) nobody has answered it. */
	void (*on_reported)(const struct report *report, bool taken, void *ctx);
	void *ctx;
	/* This request shall end. */
	void (*on_cancel)(struct view id, void *ctx);
	void *cancel_ctx;
};

struct link *link_new(
    struct loop *loop, const char *run_dir, const struct link_events *events, struct err *err);
void link_free(struct link *link);
/* The next report goes out within some 20 ms, or as soon as the one under way is answered. */
void link_hurry(struct link *link);
/* The table in force, NULL before the first. Borrowed until the end of the turn: table_ref it. */
struct table *link_table(const struct link *link);

#endif
