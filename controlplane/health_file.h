/* health_file: the health of the upstreams over a restart, in <state>/health.json. On disk all
 * times are wall clock; the clock may be set meanwhile: no rest gets longer by that. */
#ifndef PM_HEALTH_FILE_H
#define PM_HEALTH_FILE_H

#include "err.h"
#include "health.h"

/* Writes what is not plainly well; wall clock = monotonic + offset_ms. */
MUST_CHECK bool health_file_write(const struct health *health, const char *state_dir,
    uint64_t now_ms, int64_t offset_ms, struct err *err);
/* Takes from the file what is about an upstream that `health` knows, with the same address and key.
 * A missing file is fine; a bad one is refused whole. */
MUST_CHECK bool health_file_read(struct health *health, const char *state_dir, uint64_t now_ms,
    int64_t offset_ms, struct err *err);

#endif
