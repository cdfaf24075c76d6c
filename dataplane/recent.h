/* recent: records of ended exchanges that wait for the next report. PURE. They are for people to
 * look at: when more come than are sent, the oldest are dropped and counted. */
#ifndef PM_RECENT_H
#define PM_RECENT_H

#include "record.h"
#include "state.h"
#include <stdint.h>

#define RECENT_MAX 256

struct recent;

struct recent *recent_new(void);
void recent_free(struct recent *recent); /* NULL is fine */
/* Takes over what the record owns. */
void recent_add(struct recent *recent, struct record *record);
/* Puts up to REPORT_RECORDS_MAX of them into the report, the oldest first; borrowed until
 * recent_taken. */
void recent_batch(struct recent *recent, struct report *report);
/* They have arrived, or not: records are not sent twice. */
void recent_taken(struct recent *recent);

#endif
