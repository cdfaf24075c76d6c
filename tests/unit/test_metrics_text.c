/* The text that is scraped: escapes, histograms, grouping; its description; the dashboard. */
#include "fileio.h"
#include "mem.h"
#include "metrics.h"
#include "metrics_text.h"
#include "suite.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static struct bytes out;
static json_t *samples;

static void
setup(void)
{
	bytes_init(&out, METRICS_TEXT_BYTES_MAX);
	samples = json_object();
}

static void
teardown(void)
{
	bytes_fini(&out);
	json_decref(samples);
}

static void
put(enum metric metric, int64_t value, const char *first, const char *second)
{
	const char *const labels[] = {first, second};
	metrics_put(samples, metric, value, labels);
}

static const char *
text_of(const json_t *const *parts, size_t count, size_t odd_wanted)
{
	size_t odd;
	bytes_clear(&out);
	ck_assert(metrics_text_write(parts, count, &out, &odd));
	ck_assert_uint_eq(odd, odd_wanted);
	return bytes_str(&out);
}

static const char *
text(void)
{
	const json_t *part = samples;
	return text_of(&part, 1, 0);
}

#define HEAD(name, type, help) "# HELP " name " " help "\n# TYPE " name " " type "\n"

START_TEST(labels_are_escaped)
{
	put(METRIC_KEY_INFO, 1, "k\\1", "say \"hi\"\nto é");
	ck_assert_str_eq(text(),
	    HEAD("pointsman_client_key_info", "gauge",
		"1; the name of a client key is its label.") "pointsman_client_key_info{client_key="
							     "\"k\\\\1\",name=\"say "
							     "\\\"hi\\\"\\nto é\"} 1\n");
}
END_TEST

START_TEST(units_are_exact)
{
	put(METRIC_COST, INT64_C(9007199254740993), "chat", NULL);
	put(METRIC_PROCESS_CPU, 1050, "webadmin", NULL);
	put(METRIC_TABLE_VERSION, INT64_MAX, NULL, NULL);
	put(METRIC_UPSTREAM_REST, -1, "a", NULL);
	ck_assert_ptr_nonnull(strstr(text(), "{protocol=\"chat\"} 9007199.254740993\n"));
	ck_assert_ptr_nonnull(strstr(text(), "{program=\"webadmin\"} 1.050\n"));
	ck_assert_ptr_nonnull(strstr(text(), "\npointsman_table_version 9223372036854775807\n"));
	ck_assert_ptr_nonnull(strstr(text(), "{upstream=\"a\"} -0.001\n"));
}
END_TEST

START_TEST(buckets_hold_all_below_them_and_the_last_is_the_count)
{
	static const char wanted[] = "pointsman_request_duration_seconds";
	static const uint64_t times_ms[] = {0, 50, 51, 100, 2500, 2501, 600000, 600001};
	static const char *const lines[] = {"_bucket{protocol=\"chat\",le=\"0.05\"} 2\n",
	    "_bucket{protocol=\"chat\",le=\"0.1\"} 4\n",
	    "_bucket{protocol=\"chat\",le=\"0.25\"} 4\n",
	    "_bucket{protocol=\"chat\",le=\"2.5\"} 5\n", "_bucket{protocol=\"chat\",le=\"5\"} 6\n",
	    "_bucket{protocol=\"chat\",le=\"300\"} 6\n",
	    "_bucket{protocol=\"chat\",le=\"600\"} 7\n",
	    "_bucket{protocol=\"chat\",le=\"+Inf\"} 8\n", "_sum{protocol=\"chat\"} 1205.203\n",
	    "_count{protocol=\"chat\"} 8\n"};
	struct metric_histogram histogram = {0};
	const char *labels[] = {"chat"}, *at;
	for (size_t i = 0; i < sizeof(times_ms) / sizeof(times_ms[0]); i++)
		metrics_observe(&histogram, times_ms[i]);
	metrics_put_histogram(samples, METRIC_DURATION, &histogram, labels);
	at = text();
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char line[128];
		(void)snprintf(line, sizeof(line), "\n%s%s", wanted, lines[i]);
		at = strstr(at, line);
		ck_assert_msg(at != NULL, "no %s in this order in %s", line, text());
	}
	unsigned count = 0;
	for (at = text(); (at = strstr(at, "\npointsman_")) != NULL; at++)
		count++;
	ck_assert_uint_eq(count, metrics_series_max(METRIC_DURATION) / 3);
}
END_TEST

START_TEST(families_stand_together_whoever_tells_them)
{
	json_t *other = json_object();
	const char *label = "webadmin";
	put(METRIC_PROCESS_CPU, 2000, "controlplane", NULL);
	put(METRIC_PROCESS_MEMORY, 7, "controlplane", NULL);
	metrics_put(other, METRIC_PROCESS_CPU, 1000, &label);
	const json_t *parts[] = {NULL, other, samples};
	const char *all = text_of(parts, 3, 0);
	ck_assert_ptr_nonnull(
	    strstr(all, "# TYPE pointsman_process_cpu_seconds_total counter\n"
			"pointsman_process_cpu_seconds_total{program=\"webadmin\"} 1.000\n"
			"pointsman_process_cpu_seconds_total{program=\"controlplane\"} 2.000\n"
			"# HELP pointsman_process_resident_memory_bytes "));
	json_decref(other);
}
END_TEST

START_TEST(odd_samples_are_left_out)
{
	static const char odd[] =
	    "{\"pointsman_table_version\": [[], 7, [\"1\"], [1, \"x\"], [1.5], [null]],"
	    " \"pointsman_tokens_total\": [[1, \"chat\"], [1, \"chat\", 2], [2, \"a\", \"b\"]],"
	    " \"pointsman_request_duration_seconds\": [[1, \"chat\"]],"
	    " \"pointsman_other_thing\": [[1]], \"pointsman_upstreams\": 3}";
	json_t *told = json_loads(odd, 0, NULL);
	const json_t *part = told;
	const char *all = text_of(&part, 1, 9);
	ck_assert_ptr_nonnull(strstr(all, "{protocol=\"a\",kind=\"b\"} 2\n"));
	ck_assert_ptr_null(strstr(all, "table_version"));
	ck_assert_ptr_null(strstr(all, "duration"));
	ck_assert_ptr_null(strstr(all, "other_thing"));
	json_decref(told);
}
END_TEST

START_TEST(the_limit_is_kept)
{
	struct metric_histogram histogram = {0};
	const json_t *part = samples;
	const char *label = "chat";
	put(METRIC_KEY_INFO, 1, "k\"", "n\n");
	metrics_put_histogram(samples, METRIC_DURATION, &histogram, &label);
	size_t whole = strlen(text()), odd;
	for (size_t max = 0; max < whole; max++) {
		struct bytes little;
		bytes_init(&little, max);
		ck_assert(!metrics_text_write(&part, 1, &little, &odd));
		bytes_fini(&little);
	}
}
END_TEST

/* ---- the rows ---- */

START_TEST(rows_follow_the_rules)
{
	unsigned all = 0;
	for (unsigned i = 0; i < METRIC_COUNT; i++) {
		const struct metric_row *row = &metrics_rows[i];
		ck_assert_msg(row->name != NULL, "row %u is empty", i);
		size_t len = strlen(row->name);
		for (size_t k = 0; k < len; k++)
			ck_assert_msg(
			    islower(row->name[k]) || row->name[k] == '_', "%s", row->name);
		ck_assert_msg(strncmp(row->name, "pointsman_", 10) == 0, "%s", row->name);
		bool total = len > 6 && strcmp(row->name + len - 6, "_total") == 0;
		ck_assert_msg(total == (row->kind == METRIC_COUNTER), "%s", row->name);
		const char *unit = metrics_unit_words[row->unit];
		ck_assert_msg(strstr(row->name, unit) != NULL, "%s is in %s", row->name, unit);
		ck_assert_msg(row->help[strlen(row->help) - 1] == '.' && row->source[0] != '\0',
		    "%s", row->name);
		for (unsigned k = 0; k < i; k++)
			ck_assert_str_ne(row->name, metrics_rows[k].name);
		all += metrics_series_max((enum metric)i);
	}
	ck_assert_uint_le(all, METRICS_SERIES_MAX);
	for (unsigned i = 1; i < LABEL_COUNT; i++)
		ck_assert_uint_ge(metrics_labels[i].values_max, 1);
	ck_assert_uint_eq(metrics_series_max(METRIC_KEY_INFO), METRICS_CLIENT_KEYS_MAX + 1);
	ck_assert_uint_eq(metrics_series_max(METRIC_REQUESTS), 21);
}
END_TEST

static void
read_file(const char *path, struct bytes *into)
{
	struct err err;
	bytes_init(into, 1 << 20);
	ck_assert_msg(fileio_read(path, into, &err), "%s: %s", path, err.msg);
}

START_TEST(the_manual_is_the_table)
{
	struct bytes doc;
	read_file(WEBADMIN_DIR "/METRICS.md", &doc);
	ck_assert(metrics_text_manual(&out));
	ck_assert_msg(view_find(bytes_view(&doc), bytes_str(&out)) >= 0,
	    "METRICS.md is not what `webadmin --metrics` prints");
	bytes_fini(&doc);
}
END_TEST

START_TEST(the_description_has_every_row)
{
	json_t *all = metrics_text_describe();
	const json_t *rows = json_object_get(all, "metrics");
	ck_assert_uint_eq(json_array_size(rows), METRIC_COUNT);
	ck_assert_uint_eq(json_array_size(json_object_get(all, "labels")), LABEL_COUNT - 1);
	const json_t *row = json_array_get(rows, METRIC_TOKENS);
	ck_assert_str_eq(json_string_value(json_object_get(row, "type")), "counter");
	ck_assert_uint_eq(json_array_size(json_object_get(row, "labels")), 2);
	json_decref(all);
}
END_TEST

/* ---- the dashboard ---- */

/* A histogram is asked for by its parts. */
static bool
exists(struct view name)
{
	static const char *const parts[] = {"_bucket", "_sum", "_count"};
	for (unsigned i = 0; i < METRIC_COUNT; i++) {
		struct view own = view_of(metrics_rows[i].name);
		struct view rest = view_from(name, own.len);
		bool histogram = metrics_rows[i].kind == METRIC_HISTOGRAM;
		if (!view_starts(name, metrics_rows[i].name))
			continue;
		if (rest.len == 0)
			return !histogram;
		for (size_t k = 0; histogram && k < 3; k++) {
			if (view_eq_str(rest, parts[k]))
				return true;
		}
	}
	return false;
}

START_TEST(the_dashboard_names_only_what_there_is)
{
	struct bytes text_read;
	unsigned count = 0;
	read_file(DASHBOARD, &text_read);
	const char *at = bytes_str(&text_read);
	json_t *whole = json_loads(at, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_ptr_nonnull(json_object_get(whole, "panels"));
	json_decref(whole);
	while ((at = strstr(at, "pointsman_")) != NULL) {
		size_t len = 0;
		while (islower(at[len]) || at[len] == '_')
			len++;
		ck_assert_msg(exists(view_make(at, len)), "there is no %.*s", (int)len, at);
		at += len;
		count++;
	}
	ck_assert_uint_ge(count, 20);
	ck_assert(!exists(VIEW("pointsman_request_duration_seconds")));
	ck_assert(!exists(VIEW("pointsman_tokens")));
	bytes_fini(&text_read);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("metrics_text");
	TCase *tcase = tcase_create("metrics_text");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, labels_are_escaped);
	tcase_add_test(tcase, units_are_exact);
	tcase_add_test(tcase, buckets_hold_all_below_them_and_the_last_is_the_count);
	tcase_add_test(tcase, families_stand_together_whoever_tells_them);
	tcase_add_test(tcase, odd_samples_are_left_out);
	tcase_add_test(tcase, the_limit_is_kept);
	tcase_add_test(tcase, rows_follow_the_rules);
	tcase_add_test(tcase, the_manual_is_the_table);
	tcase_add_test(tcase, the_description_has_every_row);
	tcase_add_test(tcase, the_dashboard_names_only_what_there_is);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
