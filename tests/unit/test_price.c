/* What a call costs: which row counts, and the sum to the thousand-millionth of a dollar. */
#include "config.h"
#include "fileio.h"
#include "mem.h"
#include "price.h"
#include "price_rows.h"
#include "suite.h"
#include <stdio.h>
#include <string.h>

#define DAY INT64_C(86400000)
#define NOON INT64_C(1795694400000) /* 2026-11-26 12:00 UTC */

static const struct record_tokens none = {-1, -1, -1, -1, -1, -1, -1};

START_TEST(each_kind_has_its_price)
{
	char name[] = "m", any[] = "*";
	/* 3, 15, 3.75, 6 and 0.30 dollars a million; 10 dollars a thousand searches. */
	struct price_row row = {
	    name, any, 0, 3000000, 15000000, 3750000, 6000000, 300000, INT64_C(10000000000)};
	static const struct {
		struct record_tokens tokens;
		uint32_t ppm;
		int64_t nano;
	} rows[] = {
	    {{-1, -1, -1, -1, -1, -1, -1}, 1000000, 0},
	    {{1, -1, -1, -1, -1, -1, -1}, 1000000, 3000},
	    {{1000000, 0, 0, 0, 0, 0, 0}, 1000000, INT64_C(3000000000)},
	    {{0, 1000, 0, 0, 0, 0, 0}, 1000000, 3750000},
	    {{0, 0, 1000, 0, 0, 0, 0}, 1000000, 6000000},
	    {{0, 0, 0, 1000, 0, 0, 0}, 1000000, 300000},
	    {{0, 0, 0, 0, 1000, 999, 0}, 1000000, 15000000}, /* reasoning is output already */
	    {{0, 0, 0, 0, 0, 0, 3}, 1000000, 30000000},
	    {{12, 34, 56, 78, 90, 0, 1}, 1000000,
		36000 + 127500 + 336000 + 23400 + 1350000 + 10000000},
	    {{1000, 0, 0, 0, 0, 0, 0}, 0, 0},
	    {{1000, 0, 0, 0, 0, 0, 0}, 500000, 1500000},
	    {{1000, 0, 0, 0, 0, 0, 0}, 1500000, 4500000},
	    {{1, 0, 0, 0, 0, 0, 0}, 1, 0},
	    {{1000000000, 0, 0, 0, 1000000000, 0, 0}, 1000000, INT64_C(18000000000000)},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t nano = price_cost_nano(&row, rows[i].ppm, &rows[i].tokens);
		ck_assert_msg(nano == rows[i].nano, "%zu: %lld", i, (long long)nano);
	}
	/* Nothing overflows. */
	row.input = row.output = PRICE_MAX;
	struct record_tokens most = {RECORD_TOKENS_MAX, 0, 0, 0, RECORD_TOKENS_MAX, 0, 0};
	ck_assert_int_eq(price_cost_nano(&row, 1000000, &most), INT64_MAX / 1000 + 1);
	ck_assert_int_eq(price_cost_nano(&row, UINT32_MAX, &most), INT64_MAX / 1000 + 1);
}
END_TEST

/* What the prompt would have cost as new input, less what it did cost. */
START_TEST(a_cache_saves_or_costs)
{
	char name[] = "m", any[] = "*";
	const struct price_row row = {
	    name, any, 0, 3000000, 15000000, 3750000, 6000000, 300000, INT64_C(10000000000)};
	static const struct {
		struct record_tokens tokens;
		uint32_t ppm;
		int64_t nano;
	} rows[] = {
	    {{-1, -1, -1, -1, -1, -1, -1}, 1000000, 0},
	    {{500, -1, -1, -1, 700, 10, 2}, 1000000, 0},      /* no cache */
	    {{500, 0, 0, 1000, 700, 0, 0}, 1000000, 2700000}, /* 1000 * (3 - 0.30) */
	    {{500, 1000, -1, -1, 0, 0, 0}, 1000000, -750000}, /* written and not read yet */
	    {{0, 0, 1000, 0, 0, 0, 0}, 1000000, -3000000},
	    {{7, 100, 10, 2000, 5, 0, 1}, 1000000, 5400000 - 75000 - 30000},
	    {{0, 0, 0, 1000, 0, 0, 0}, 500000, 1350000},
	};
	struct price_call call = {.model = VIEW("m"), .upstream = VIEW("u"), .at_ms = NOON};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		call.tokens = &rows[i].tokens;
		call.factor_ppm = rows[i].ppm;
		int64_t nano = price_call_saved_nano(&row, 1, &call);
		ck_assert_msg(nano == rows[i].nano, "%zu: %lld", i, (long long)nano);
	}
	call.model = VIEW("unknown");
	ck_assert_int_eq(price_call_saved_nano(&row, 1, &call), 0);
	/* Nothing overflows. */
	struct price_row dear = {name, any, 0, PRICE_MAX, 0, PRICE_MAX, PRICE_MAX, 0, 0};
	struct record_tokens most = {RECORD_TOKENS_MAX, RECORD_TOKENS_MAX, RECORD_TOKENS_MAX,
	    RECORD_TOKENS_MAX, RECORD_TOKENS_MAX, 0, 0};
	call = (struct price_call){VIEW(""), VIEW("m"), VIEW("u"), NOON, UINT32_MAX, &most};
	ck_assert_int_ge(price_call_saved_nano(&dear, 1, &call), 0);
	dear.input = 0;
	ck_assert_int_lt(price_call_saved_nano(&dear, 1, &call), 0);
}
END_TEST

START_TEST(halves_go_up_and_more_never_costs_less)
{
	char name[] = "m", any[] = "*";
	struct price_row row = {name, any, 0, 500, 0, 0, 0, 0, 0}; /* half a nano a token */
	int64_t before = 0;
	for (int64_t count = 0; count < 2000; count++) {
		struct record_tokens tokens = none;
		tokens.input = count;
		int64_t nano = price_cost_nano(&row, 1000000, &tokens);
		ck_assert_int_eq(nano, (count + 1) / 2);
		ck_assert_int_ge(nano, before);
		before = nano;
	}
}
END_TEST

/* The table's rows for these prices of a configuration. */
static struct table *
rows_of(const char *prices)
{
	char text[2048];
	struct faults faults = {0};
	struct config *config;
	struct table *table = table_new();
	(void)snprintf(text, sizeof(text), "{\"prices\": %s}", prices);
	ck_assert_msg(config_parse(view_of(text), &config, &faults), "%s: %s", faults.items[0].path,
	    faults.items[0].msg);
	price_rows_add(table, config);
	config_free(config);
	faults_fini(&faults);
	return table;
}

static int64_t
input_of(const struct table *table, const char *model, const char *upstream, int64_t at_ms)
{
	const struct price_row *row =
	    price_find(table->prices, table->price_count, view_of(model), view_of(upstream), at_ms);
	return row != NULL ? row->input : -1;
}

START_TEST(the_right_row_counts)
{
	struct table *table =
	    rows_of("[{\"model\": \"claude-*\", \"input\": 1, \"output\": 1},"
		    "{\"model\": \"claude-opus-4-5*\", \"input\": 2, \"output\": 2},"
		    "{\"model\": \"claude-opus-4-5*\", \"from\": \"2026-11-27\", \"input\": 3, "
		    "\"output\": 3},"
		    "{\"model\": \"*\", \"upstream\": \"claude:cheap\", \"input\": 0.000001, "
		    "\"output\": 0}]");
	ck_assert_int_eq(input_of(table, "claude-opus-4-5-20251101", "claude:a", NOON), 2000000);
	/* From midnight UTC on. */
	int64_t midnight = NOON + DAY / 2;
	ck_assert_int_eq(input_of(table, "claude-opus-4-5", "claude:a", midnight - 1), 2000000);
	ck_assert_int_eq(input_of(table, "claude-opus-4-5", "claude:a", midnight), 3000000);
	ck_assert_int_eq(input_of(table, "claude-new", "claude:a", NOON), 1000000);
	/* A row for certain upstreams goes first, and is exact to a millionth. */
	ck_assert_int_eq(input_of(table, "claude-opus-4-5", "claude:cheap", NOON), 1);
	ck_assert_int_eq(input_of(table, "gpt-5", "codex:a", NOON), 1250000);
	ck_assert_int_eq(input_of(table, "who-knows", "codex:a", NOON), -1);
	table_unref(table);
}
END_TEST

START_TEST(known_prices_find_their_families)
{
	static const struct {
		const char *model;
		double input;
	} rows[] = {{"claude-opus-4-20250514", 15}, {"claude-opus-4-1-20250805", 15},
	    {"claude-opus-4-5-20251101", 5}, {"claude-opus-4-8", 5}, {"claude-opus-5", 5},
	    {"claude-opus-5-5", 4}, {"claude-sonnet-4-5-20250929", 3}, {"claude-sonnet-5", 2},
	    {"claude-haiku-4-5", 1}, {"claude-3-5-haiku-20241022", 0.8}, {"gpt-5", 1.25},
	    {"gpt-5-codex", 1.25}, {"gpt-5-mini-2025-08-07", 0.25}, {"gpt-5.5", 5},
	    {"gpt-4o-mini", 0.15}, {"gpt-4o-2024-08-06", 2.5}, {"deepseek-chat", 0.28}};
	struct table *table = rows_of("[]");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_msg(input_of(table, rows[i].model, "x", NOON) ==
				  (int64_t)(rows[i].input * 1e6 + 0.5),
		    "%s: %lld", rows[i].model,
		    (long long)input_of(table, rows[i].model, "x", NOON));
	}
	table_unref(table);
}
END_TEST

/* An owner can read what is counted with, of when that is, and where it comes from. */
START_TEST(the_manual_tells_the_known_prices)
{
	struct bytes doc, lines;
	struct err err;
	struct table *table = rows_of("[]");
	bytes_init(&doc, 1 << 20);
	bytes_init(&lines, 1 << 16);
	ck_assert_msg(fileio_read(CONFIG_DOC, &doc, &err), "%s", err.msg);
	ck_assert_uint_gt(table->price_count, 0);
	for (size_t i = 0; i < table->price_count; i++) {
		const struct price_row *row = &table->prices[i];
		ck_assert(bytes_printf(&lines, "| `%s` | %g | %g | %g | %g | %g |\n", row->model,
		    (double)row->input / 1e6, (double)row->output / 1e6,
		    (double)row->cache_read / 1e6, (double)row->cache_write_5m / 1e6,
		    (double)row->cache_write_1h / 1e6));
	}
	ck_assert_msg(view_find(bytes_view(&doc), bytes_str(&lines)) >= 0,
	    "CONFIG.md does not hold these rows, in this order:\n%s", bytes_str(&lines));
	ck_assert(view_find(bytes_view(&doc), "Prices of " PRICE_ROWS_DATE) >= 0);
	bytes_fini(&doc);
	bytes_fini(&lines);
	table_unref(table);
}
END_TEST

START_TEST(what_is_left_out_follows_the_input)
{
	struct table *table =
	    rows_of("[{\"model\": \"m\", \"input\": 4, \"output\": 8},"
		    "{\"model\": \"n\", \"input\": 4, \"output\": 8,"
		    "\"cache_write_5m\": 0, \"cache_write_1h\": 1, \"cache_read\": 2,"
		    "\"web_search\": 10}]");
	const struct price_row *m =
	    price_find(table->prices, table->price_count, VIEW("m"), VIEW("x"), NOON);
	const struct price_row *n =
	    price_find(table->prices, table->price_count, VIEW("n"), VIEW("x"), NOON);
	ck_assert_int_eq(m->cache_write_5m, 5000000);
	ck_assert_int_eq(m->cache_write_1h, 8000000);
	ck_assert_int_eq(m->cache_read, 400000);
	ck_assert_int_eq(m->web_search, 0);
	ck_assert_int_eq(n->cache_write_5m, 0);
	ck_assert_int_eq(n->cache_write_1h, 1000000);
	ck_assert_int_eq(n->cache_read, 2000000);
	ck_assert_int_eq(n->web_search, INT64_C(10000000000));
	table_unref(table);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("price");
	TCase *tests = tcase_create("price");
	tcase_add_test(tests, each_kind_has_its_price);
	tcase_add_test(tests, a_cache_saves_or_costs);
	tcase_add_test(tests, halves_go_up_and_more_never_costs_less);
	tcase_add_test(tests, the_right_row_counts);
	tcase_add_test(tests, known_prices_find_their_families);
	tcase_add_test(tests, the_manual_tells_the_known_prices);
	tcase_add_test(tests, what_is_left_out_follows_the_input);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
