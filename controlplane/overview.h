/* overview: the body of MSG_STATE, what the admin side is shown. Upstream keys only masked. */
#ifndef PM_OVERVIEW_H
#define PM_OVERVIEW_H

#include "dataplanes.h"
#include "reload.h"
#include "table.h"
#include <jansson.h>
#include <stdint.h>

/* `table` was assembled from reload->config. New reference. */
json_t *overview_encode(const struct reload *reload, const struct table *table,
    const struct dataplanes *dataplanes, int64_t started_ms, uint64_t now_ms);

#endif
