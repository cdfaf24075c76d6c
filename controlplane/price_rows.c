#include "price_rows.h"
#include "mem.h"
#include "must.h"
#include "schema.h"
#include "zone.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USD 1e6         /* of a million tokens: the table counts millionths of it */
#define SEARCHES 1000.0 /* a web search is priced by the thousand */
#define PICO 1e12

/* US dollars for a million tokens: input, output, what a cache gives; 0 = a tenth of the input (as
 * Anthropic has it) or as said. Cache writes: 1.25 times the input for five minutes, twice for an
 * hour, where the vendor takes anything for it. */
static const struct known {
	const char *model;
	double input, output, cache_read;
	bool writes; /* the vendor takes more for writing to its cache */
} known[] = {
    /* https://platform.claude.com/docs/en/about-claude/pricing */
    {"claude-fable-5*", 10, 50, 0, true},
    {"claude-fable-5-1*", 10, 50, 0.25, true},
    {"claude-mythos-5-1*", 10, 50, 0.25, true},
    {"claude-opus-5-5*", 4, 20, 0.2, true},
    {"claude-sonnet-5-5*", 2, 10, 0.1, true},
    {"claude-haiku-5-5*", 0.1, 0.5, 0, true}, /* prompts of up to 100,000 tokens */
    {"claude-mythos-5*", 10, 50, 0, true},
    {"claude-opus-5*", 5, 25, 0, true},
    {"claude-opus-4*", 5, 25, 0, true},
    {"claude-opus-4-0*", 15, 75, 0, true},
    {"claude-opus-4-1*", 15, 75, 0, true},
    {"claude-opus-4-2025*", 15, 75, 0, true},
    {"claude-3-opus*", 15, 75, 0, true},
    {"claude-sonnet-*", 3, 15, 0, true},
    {"claude-sonnet-5*", 2, 10, 0, true},
    {"claude-3-5-sonnet*", 3, 15, 0, true},
    {"claude-3-7-sonnet*", 3, 15, 0, true},
    {"claude-haiku-*", 1, 5, 0, true},
    {"claude-3-5-haiku*", 0.8, 4, 0, true},
    {"claude-3-haiku*", 0.25, 1.25, 0, true},
    /* https://developers.openai.com/api/docs/pricing */
    {"gpt-5*", 1.25, 10, 0.125, false},
    {"gpt-5-mini*", 0.25, 2, 0.025, false},
    {"gpt-5-nano*", 0.05, 0.4, 0.005, false},
    {"gpt-5.2*", 1.75, 14, 0.175, false},
    {"gpt-5.3*", 1.75, 14, 0.175, false},
    {"gpt-5.4*", 2.5, 15, 0.25, false},
    {"gpt-5.4-mini*", 0.75, 4.5, 0.075, false},
    {"gpt-5.5*", 5, 30, 0.5, false},
    {"gpt-4.1*", 2, 8, 0.5, false},
    {"gpt-4.1-mini*", 0.4, 1.6, 0.1, false},
    {"gpt-4.1-nano*", 0.1, 0.4, 0.025, false},
    {"gpt-4o*", 2.5, 10, 1.25, false},
    {"gpt-4o-mini*", 0.15, 0.6, 0.075, false},
    {"o3*", 2, 8, 0.5, false},
    {"o4-mini*", 1.1, 4.4, 0.275, false},
    /* https://api-docs.deepseek.com/quick_start/pricing */
    {"deepseek-*", 0.28, 0.42, 0.028, false},
};

struct candidate {
	struct price_row row;
	bool own;
	size_t exact; /* characters of the model's name that are no '*' */
};

static int64_t
in_table(double usd)
{
	double value = usd * USD;
	return value >= (double)PRICE_MAX ? PRICE_MAX : (int64_t)llround(value);
}

static size_t
exactness(const char *pattern)
{
	size_t count = 0;
	for (; *pattern != '\0'; pattern++)
		count += *pattern != '*';
	return count;
}

static void
make_known(const struct known *from, struct candidate *out)
{
	double read = from->cache_read > 0 ? from->cache_read : from->input / 10;
	*out = (struct candidate){.exact = exactness(from->model)};
	out->row = (struct price_row){.model = mem_dup_str(from->model),
	    .upstream = mem_dup_str("*"),
	    .input = in_table(from->input),
	    .output = in_table(from->output),
	    .cache_write_5m = in_table(from->writes ? from->input * 1.25 : from->input),
	    .cache_write_1h = in_table(from->writes ? from->input * 2 : from->input),
	    .cache_read = in_table(read)};
}

/* 00:00 UTC of "2026-11-26". */
static int64_t
from_ms(const char *day)
{
	int year;
	unsigned month, date;
	if (!zone_day_read(view_of(day), &year, &month, &date))
		return 0;
	zone_enter("UTC");
	int64_t ms = zone_wall_ms(year, month, date, 0);
	zone_leave();
	return ms;
}

/* A price of its own, or the input's times `factor`. */
static int64_t
price_of(const json_t *from, const char *key, double factor)
{
	const json_t *own = json_object_get(from, key);
	double usd = json_is_number(own) ? json_number_value(own)
					 : schema_number(from, SCHEMA_PRICES, "input") * factor;
	return in_table(usd);
}

static void
make_own(const json_t *from, struct candidate *out)
{
	const char *model = schema_text(from, SCHEMA_PRICES, "model");
	const char *upstream = schema_text(from, SCHEMA_PRICES, "upstream");
	double search = schema_number(from, SCHEMA_PRICES, "web_search");
	*out = (struct candidate){.own = true, .exact = exactness(model)};
	out->row = (struct price_row){.model = mem_dup_str(model),
	    .upstream = mem_dup_str(upstream != NULL ? upstream : "*"),
	    .from_ms = from_ms(schema_text(from, SCHEMA_PRICES, "from")),
	    .input = price_of(from, "input", 1),
	    .output = price_of(from, "output", 1),
	    .cache_write_5m = price_of(from, "cache_write_5m", 1.25),
	    .cache_write_1h = price_of(from, "cache_write_1h", 2),
	    .cache_read = price_of(from, "cache_read", 0.1),
	    .web_search = (int64_t)llround(search / SEARCHES * PICO)};
}

static int
by_rank(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;
	bool any_a = strcmp(a->row.upstream, "*") == 0, any_b = strcmp(b->row.upstream, "*") == 0;
	if (a->own != b->own)
		return a->own ? -1 : 1;
	if (any_a != any_b)
		return any_a ? 1 : -1;
	if (a->exact != b->exact)
		return a->exact > b->exact ? -1 : 1;
	if (a->row.from_ms != b->row.from_ms)
		return a->row.from_ms > b->row.from_ms ? -1 : 1;
	return strcmp(a->row.model, b->row.model);
}

void
price_rows_add(struct table *table, const struct config *config)
{
	const json_t *list = schema_section_get(config->root, SCHEMA_PRICES);
	size_t own = json_array_size(list), count = 0;
	size_t all = own + sizeof(known) / sizeof(known[0]);
	struct candidate *rows = mem_calloc(all, sizeof(*rows));
	for (; count < own; count++)
		make_own(json_array_get(list, count), &rows[count]);
	for (; count < all; count++)
		make_known(&known[count - own], &rows[count]);
	qsort(rows, all, sizeof(*rows), by_rank);
	for (size_t i = 0; i < all; i++)
		*table_add_price(table) = rows[i].row;
	mem_free(rows);
}

uint32_t
price_rows_factor(const json_t *entry)
{
	double factor = schema_number(entry, SCHEMA_UPSTREAMS, "price_factor");
	return (uint32_t)(factor * PRICE_FACTOR_ONE + 0.5);
}
