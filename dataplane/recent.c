#include "recent.h"
#include "mem.h"
#include "must.h"
#include <string.h>

struct recent {
	struct record records[RECENT_MAX]; /* the oldest first */
	size_t count;
	size_t sent;
};

struct recent *
recent_new(void)
{
	return MEM_NEW(struct recent);
}

static void
drop(struct recent *recent, size_t count)
{
	for (size_t i = 0; i < count; i++)
		record_fini(&recent->records[i]);
	recent->count -= count;
	memmove(&recent->records[0], &recent->records[count],
	    recent->count * sizeof(recent->records[0]));
	recent->sent -= recent->sent < count ? recent->sent : count;
}

void
recent_free(struct recent *recent)
{
	if (recent == NULL)
		return;
	drop(recent, recent->count);
	mem_free(recent);
}

void
recent_add(struct recent *recent, struct record *record)
{
	if (recent->count == RECENT_MAX)
		drop(recent, RECENT_MAX / 4);
	recent->records[recent->count++] = *record;
}

void
recent_batch(struct recent *recent, struct report *report)
{
	recent->sent = recent->count < REPORT_RECORDS_MAX ? recent->count : REPORT_RECORDS_MAX;
	report->records = recent->records;
	report->record_count = recent->sent;
}

void
recent_taken(struct recent *recent)
{
	drop(recent, recent->sent);
	recent->sent = 0;
}
