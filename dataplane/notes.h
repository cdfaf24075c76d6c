/* notes: how upstream calls ended, gathered for the next report to controlplane. PURE: time is an
 * argument (ms, monotonic).
 *
 * Calls that were alike in all but times share one note, as long as nothing of the same upstream
 * that ended otherwise lies between them: controlplane tells failures in a row from single ones.
 * Bounded: when it is full, alike calls share a note across anything, and then answers give way
 * before failures. A batch that had no answer stays as it is under its number and is sent again;
 * what comes meanwhile waits for the next one. */
#ifndef PM_NOTES_H
#define PM_NOTES_H

#include "blame.h"
#include "state.h"
#include <stdbool.h>
#include <stdint.h>

struct notes;

struct notes *notes_new(void);
void notes_free(struct notes *notes); /* NULL is fine */
/* Takes note of one call that began at `began_ms`; all of `outcome` is copied, its `count` and
 * `age_ms` are not looked at. A model whose name is longer than TABLE_NAME_BYTES_MAX is noted as
 * none. True when controlplane should hear of it soon: a failure that is blamed on whom it can
 * punish, or the end of a probe. */
bool notes_add(struct notes *notes, const struct report_outcome *outcome, uint64_t began_ms);
/* Puts the batch to be sent now into `report` (outcomes_seq, outcomes, outcome_count), borrowed
 * until the next call of any of these; seq 0 and none when there is nothing. */
void notes_batch(struct notes *notes, struct report *report, uint64_t now_ms);
/* Controlplane has taken batch `seq`. Any other number than that of the last batch is ignored. */
void notes_taken(struct notes *notes, uint64_t seq);

#endif
