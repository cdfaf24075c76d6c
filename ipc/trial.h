/* trial: one small real request to an upstream because somebody wants to see what comes. */
#ifndef PM_TRIAL_H
#define PM_TRIAL_H

#include "secret.h"
#include <stdbool.h>
#include <stdint.h>

#define TRIALS_MAX 8 /* under way */
#define TRIAL_ERROR_BYTES 2048
#define TRIAL_WORD_BYTES 32
#define TRIAL_MODEL_BYTES 97

/* The order, in the table: the data plane `by` carries out each number once. The upstream need not
 * be in the table otherwise. */
struct trial_order {
	uint64_t seq, by;  /* grows over restarts; boot_id */
	unsigned protocol; /* enum protocol */
	char *base_url;
	struct secret key;
	bool any_address;
	char *model, *prompt;
	uint32_t max_tokens;
};

/* What came of it. Tokens: -1 = not told. */
struct trial_result {
	uint64_t seq;
	bool ok;
	uint32_t status; /* 0 = no head came */
	char reason[TRIAL_WORD_BYTES];
	char *error; /* what the upstream said, its key masked; "" = nothing */
	char served[TRIAL_MODEL_BYTES];
	uint32_t ttfb_ms, ms;
	int64_t input, cache_read, cache_write_5m, cache_write_1h, output, reasoning;
};

#endif
