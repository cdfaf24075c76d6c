/* client_key: whose requests are served, and within which limits. */
#ifndef PM_CLIENT_KEY_H
#define PM_CLIENT_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model_pattern;

enum period { PERIOD_DAY, PERIOD_WEEK, PERIOD_MONTH };
#define PERIODS 3

/* Limits: 0 = none. */
struct client_key {
	char *id;
	char *name;
	uint8_t sha256[32];
	uint32_t groups;              /* bit g: enum group g may be asked; 0 = all */
	struct model_pattern *models; /* that may be asked for; none = all */
	size_t model_count;
	uint64_t requests_per_minute, tokens_per_minute;
	uint32_t concurrent_requests;
	uint64_t tokens_per[PERIODS], nano_usd_per[PERIODS];
	uint32_t warn_percent;
	/* What the statistics knew when controlplane started, for data planes that know nothing. */
	bool spent_known;
	int64_t spent_start_ms[PERIODS]; /* of which periods */
	int64_t spent_tokens[PERIODS], spent_nano[PERIODS];
};

#endif
