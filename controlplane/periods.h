/* periods: the day, the week and the month of a moment, in the zone of the statistics. */
#ifndef PM_PERIODS_H
#define PM_PERIODS_H

#include "config.h"
#include "table.h"

/* `config` NULL: the machine's own zone. */
struct table_periods periods_now(const struct config *config, int64_t wall_ms);

#endif
