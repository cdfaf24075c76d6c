#include "tried.h"
#include "mem.h"
#include <string.h>

void
tried_add(struct tried *tried, const struct trial_result *result)
{
	if (tried->count == TRIALS_MAX)
		tried_drop(tried, 1);
	struct trial_result *kept = &tried->results[tried->count++];
	*kept = *result;
	kept->error = mem_dup_str(result->error);
}

void
tried_report(const struct tried *tried, struct report *report)
{
	report->trials = (struct trial_result *)(uintptr_t)tried->results;
	report->trial_count = tried->count;
}

void
tried_drop(struct tried *tried, size_t count)
{
	if (count > tried->count)
		count = tried->count;
	for (size_t i = 0; i < count; i++)
		mem_free(tried->results[i].error);
	tried->count -= count;
	memmove(
	    &tried->results[0], &tried->results[count], tried->count * sizeof(tried->results[0]));
}
