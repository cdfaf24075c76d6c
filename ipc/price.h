/* price: what a call costs by a table of prices. PURE; integers only.
 *
 * Controlplane makes the rows (defaults and the owner's own, the ones that count first), data
 * planes price each call with them as it ends, so that a budget knows at once what was spent. */
#ifndef PM_PRICE_H
#define PM_PRICE_H

#include "record.h"
#include "view.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Millionths of a millionth of a US dollar, for one token: what a million of them cost in
 * millionths of a dollar. */
struct price_row {
	char *model;     /* '*' stands for any characters */
	char *upstream;  /* id of an upstream, '*' as well */
	int64_t from_ms; /* wall clock: calls from then on; a later row goes first */
	int64_t input;
	int64_t output;
	int64_t cache_write_5m, cache_write_1h, cache_read;
	int64_t web_search; /* for one */
};
#define PRICE_FACTOR_ONE 1000000u /* the factor of an upstream that takes the price itself */
#define PRICE_MAX INT64_C(100000000000000) /* of a row: 100 dollars for one token */

/* The first row that fits the model (as the answer names it; else as it was asked for), the
 * upstream and the moment; NULL when there is none. */
const struct price_row *price_find(const struct price_row *rows, size_t count, struct view model,
    struct view upstream, int64_t at_ms);
/* Thousand-millionths of a dollar (1e-9), rounded to the nearest, half up; at most INT64_MAX.
 * `factor_ppm`: the upstream's own, in millionths. What was not told (-1) costs nothing. */
int64_t price_cost_nano(
    const struct price_row *row, uint32_t factor_ppm, const struct record_tokens *tokens);

struct price_call {
	struct view served, model; /* as the answer names it, as it was asked for; may be empty */
	struct view upstream;
	int64_t at_ms;
	uint32_t factor_ppm;
	const struct record_tokens *tokens;
};
/* What a call costs by the row of the model that served, else of the one that was asked for; -1
 * when there is none. */
int64_t price_call_nano(const struct price_row *rows, size_t count, const struct price_call *call);
/* What the cache has saved by the same row: the call with all of its prompt as new input would have
 * cost so much more. Below 0 where writing cost more than reading has brought; 0 without a row. */
int64_t price_call_saved_nano(
    const struct price_row *rows, size_t count, const struct price_call *call);

#endif
