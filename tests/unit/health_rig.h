/* health_rig: a table of upstreams and short ways to report about them. */
#ifndef PM_HEALTH_RIG_H
#define PM_HEALTH_RIG_H

#include "health.h"
#include "mem.h"
#include <check.h>
#include <stdio.h>
#include <string.h>

static const struct health_limits rig_limits = {
    .threshold = 3,
    .cooldown_ms = 600000,
    .rate_limit_ms = 30000,
    .max_ms = 900000,
    .probe_max_ms = 30000,
};

static void
rig_add(struct table *table, enum group group, const char *id, const char *url, const char *key)
{
	struct upstream_entry *entry = table_add_upstream(table, group);
	entry->id = mem_dup_str(id);
	entry->name = mem_dup_str(id);
	entry->base_url = mem_dup_str(url);
	if (!secret_set(&entry->key, view_of(key)))
		ck_abort_msg("a key is too long");
	entry->available = true;
}

/* "a" and "b" share an address, "c" has its own; "d" is another group's at the first address. */
static struct table *
rig_table(void)
{
	struct table *table = table_new();
	rig_add(table, GROUP_CLAUDE, "claude:a", "https://one.test", "ka");
	rig_add(table, GROUP_CLAUDE, "claude:b", "https://one.test", "kb");
	rig_add(table, GROUP_CLAUDE, "claude:c", "https://two.test", "kc");
	rig_add(table, GROUP_CODEX, "codex:d", "https://one.test", "ka");
	return table;
}

static void
rig_init(struct health *health)
{
	struct table *table = rig_table();
	*health = (struct health){0};
	for (unsigned i = 0; i < GROUP_COUNT; i++)
		health_set_limits(health, (enum group)i, &rig_limits, 0);
	health_sync(health, table);
	table_unref(table);
}

/* What came of one call for an answer that began just now. */
static inline struct report_outcome
rig_outcome(const char *id, enum blame blame, uint32_t status)
{
	struct report_outcome outcome = {.upstream = (char *)(uintptr_t)id,
	    .blame = blame,
	    .status = status,
	    .success = blame == BLAME_NOBODY,
	    .generate = true,
	    .count = 1};
	static char model[] = "m";
	outcome.model = model;
	snprintf(
	    outcome.reason, sizeof(outcome.reason), status != 0 ? "status_%u" : "connect", status);
	return outcome;
}

#endif
