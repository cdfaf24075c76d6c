#include "price.h"
#include "choose.h"

#define PPM ((int64_t)PRICE_FACTOR_ONE)
#define PICO_PER_NANO 1000

const struct price_row *
price_find(const struct price_row *rows, size_t count, struct view model, struct view upstream,
    int64_t at_ms)
{
	for (size_t i = 0; i < count; i++) {
		if (rows[i].from_ms <= at_ms && choose_fits(rows[i].model, model) &&
		    choose_fits(rows[i].upstream, upstream))
			return &rows[i];
	}
	return NULL;
}

static int64_t
saturated(int64_t a, int64_t b)
{
	int64_t sum;
	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static int64_t
times(int64_t count, int64_t price)
{
	int64_t product;
	if (count <= 0)
		return 0;
	return __builtin_mul_overflow(count, price, &product) ? INT64_MAX : product;
}

int64_t
price_cost_nano(
    const struct price_row *row, uint32_t factor_ppm, const struct record_tokens *tokens)
{
	int64_t pico = times(tokens->input, row->input);
	pico = saturated(pico, times(tokens->output, row->output));
	pico = saturated(pico, times(tokens->cache_write_5m, row->cache_write_5m));
	pico = saturated(pico, times(tokens->cache_write_1h, row->cache_write_1h));
	pico = saturated(pico, times(tokens->cache_read, row->cache_read));
	pico = saturated(pico, times(tokens->web_searches, row->web_search));
	/* First the whole part, so that the product stays small. */
	int64_t whole = times(pico / PPM, factor_ppm);
	int64_t rest = (pico % PPM * (int64_t)factor_ppm + PPM / 2) / PPM;
	pico = saturated(whole, rest);
	return pico / PICO_PER_NANO + (pico % PICO_PER_NANO >= PICO_PER_NANO / 2);
}

static const struct price_row *
row_of(const struct price_row *rows, size_t count, const struct price_call *call)
{
	const struct price_row *row = NULL;
	if (call->served.len > 0)
		row = price_find(rows, count, call->served, call->upstream, call->at_ms);
	if (row == NULL)
		row = price_find(rows, count, call->model, call->upstream, call->at_ms);
	return row;
}

int64_t
price_call_nano(const struct price_row *rows, size_t count, const struct price_call *call)
{
	const struct price_row *row = row_of(rows, count, call);
	return row != NULL ? price_cost_nano(row, call->factor_ppm, call->tokens) : -1;
}

static int64_t
told(int64_t tokens)
{
	return tokens > 0 ? tokens : 0;
}

int64_t
price_call_saved_nano(const struct price_row *rows, size_t count, const struct price_call *call)
{
	const struct price_row *row = row_of(rows, count, call);
	if (row == NULL)
		return 0;
	struct record_tokens plain = *call->tokens;
	plain.input = saturated(told(plain.input), told(plain.cache_write_5m));
	plain.input = saturated(plain.input, told(plain.cache_write_1h));
	plain.input = saturated(plain.input, told(plain.cache_read));
	plain.cache_write_5m = plain.cache_write_1h = plain.cache_read = -1;
	/* Both are 0 or more, so that the difference fits. */
	return price_cost_nano(row, call->factor_ppm, &plain) -
	       price_cost_nano(row, call->factor_ppm, call->tokens);
}
