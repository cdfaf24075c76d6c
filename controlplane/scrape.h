/* scrape: the body of MSG_METRICS, by the rows of metrics.h. */
#ifndef PM_SCRAPE_H
#define PM_SCRAPE_H

#include "overview.h"
#include "tally.h"
#include <jansson.h>
#include <stdint.h>

struct scrape {
	struct overview overview;
	const struct tally *tally;
	bool statistics_away;
	uint64_t loop_stall_ms;
};
/* New reference. */
json_t *scrape_encode(const struct scrape *scrape);

#endif
