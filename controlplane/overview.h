/* overview: the body of MSG_STATE, what the admin side is shown. Upstream keys only masked. */
#ifndef PM_OVERVIEW_H
#define PM_OVERVIEW_H

#include "activation.h"
#include "dataplanes.h"
#include "health.h"
#include "lessons_kept.h"
#include "reload.h"
#include "serve_alerts.h"
#include "table.h"
#include <jansson.h>
#include <stdint.h>

/* What the overview is made from. */
struct overview {
	const struct reload *reload;
	const struct table *table; /* assembled from reload->config */
	const struct dataplanes *dataplanes;
	const struct health *health;
	const struct lessons_kept *lessons;
	const struct activation *activation; /* of that table */
	const struct serve_alerts *alerts;
	int64_t started_ms;
	uint64_t now_ms;
	int64_t offset_ms; /* wall clock = now_ms + that */
};
/* New reference. */
json_t *overview_encode(const struct overview *overview);

#endif
