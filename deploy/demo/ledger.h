/* ledger: the truth about what the demo saw and said, one JSON line each, to compare with what a
 * gateway claims. In a file (append, one write a line) and, the newest lines, in memory. */
#ifndef PM_LEDGER_H
#define PM_LEDGER_H

#include "err.h"
#include "writer.h"

#define LEDGER_FILE_BYTES_MAX (256u << 20) /* then one last line says so, and the file ends */
#define LEDGER_KEPT_BYTES_MAX (16u << 20)
#define LEDGER_KEPT_LINES_MAX 32768u
#define LEDGER_LINE_BYTES_MAX (128u << 10)

struct ledger;

/* `path` may be NULL: only in memory. NULL with err when the file cannot be opened. */
struct ledger *ledger_new(const char *path, struct err *err);
void ledger_free(struct ledger *ledger); /* NULL is fine */
/* Begins a line: {"n":..,"ts_ms":..,"seq":..,"event":".." and lets the caller put more members
 * (each with its leading comma) until ledger_end. n counts lines from 1. A NULL ledger gives NULL.
 */
struct writer *ledger_begin(struct ledger *ledger, uint64_t seq, const char *event);
void ledger_end(struct ledger *ledger);
/* Appends the kept lines with n > since, oldest first, as many as fit. Returns the n of the last
 * one appended, or `since`. */
uint64_t ledger_read(const struct ledger *ledger, uint64_t since, struct bytes *out);

#endif
