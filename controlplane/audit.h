/* audit: who has changed what, who has logged in. Lines of JSON in <state>/audit.jsonl (0600), only
 * appended; at AUDIT_BYTES_MAX it becomes audit.jsonl.1, in place of the one before. Never a
 * secret.
 */
#ifndef PM_AUDIT_H
#define PM_AUDIT_H

#include "err.h"
#include "history.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define AUDIT_BYTES_MAX ((size_t)2 * 1024 * 1024)
#define AUDIT_CHANGES_MAX 30
#define AUDIT_SHOWN_MAX 1000

struct audit {
	char path[1024], old_path[1030];
	uint64_t last_seq;
	size_t bytes;
	bool torn;    /* its last line has no end */
	bool trouble; /* told in the log */
};

/* Goes on behind what is there. */
void audit_open(struct audit *audit, const char *state_dir);
/* One line. `changes` is borrowed ([{path, from, to}], NULL = none); what is long in it is cut.
 * `revision` 0 = none. What cannot be written is told in the log, once. */
void audit_add(struct audit *audit, const struct history_who *who, const char *action,
    uint64_t revision, const json_t *changes);
/* {entries: [...]}, newest first, for {before?, limit?, who?, action?}; NULL and `err` when asked
 * badly. */
json_t *audit_query(const struct audit *audit, const json_t *asked, struct err *err);

#endif
