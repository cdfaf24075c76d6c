/* state: what a dataplane reports once a second, and what the admin side is shown. No secrets. */
#ifndef PM_STATE_H
#define PM_STATE_H

#include "err.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Body of MSG_REPORT. */
struct report {
	char instance[24]; /* "dataplane.0" */
	uint64_t boot_id;  /* random for each start */
	int64_t pid;
	int64_t started_ms; /* wall clock */
	uint64_t table_epoch, table_version;
	uint64_t requests;  /* client requests taken, since boot */
	uint64_t completed; /* ended with a terminal event or whole answer */
	uint64_t failed;    /* ended with an error of ours or an upstream's */
	uint64_t client_gone;
	uint64_t attempts;            /* upstream calls */
	uint64_t bytes_in, bytes_out; /* bodies, client side */
	uint64_t in_flight, connections;
	uint64_t rss_bytes;
};
json_t *report_encode(const struct report *report);
MUST_CHECK bool report_decode(const json_t *body, struct report *out, struct err *err);

#endif
