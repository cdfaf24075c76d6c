#include "metrics_text.h"
#include "metrics.h"
#include "must.h"
#include <inttypes.h>
#include <stdio.h>

#define NUMBER_BYTES 32

/* ---- values ---- */

/* Whole units as text: seconds with three digits behind the point, dollars with nine. Exact, as a
 * double is not. */
static void
print_number(enum metric_unit unit, int64_t value, char out[NUMBER_BYTES])
{
	uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	const char *sign = value < 0 ? "-" : "";
	if (unit == METRIC_MS)
		(void)snprintf(
		    out, NUMBER_BYTES, "%s%" PRIu64 ".%03" PRIu64, sign, size / 1000, size % 1000);
	else if (unit == METRIC_NANO_USD)
		(void)snprintf(out, NUMBER_BYTES, "%s%" PRIu64 ".%09" PRIu64, sign,
		    size / 1000000000, size % 1000000000);
	else
		(void)snprintf(out, NUMBER_BYTES, "%s%" PRIu64, sign, size);
}

/* Backslash and line feed; in a label's value the quote too. */
static bool
append_escaped(struct bytes *out, struct view text, bool quote)
{
	bool ok = true;
	for (size_t i = 0; ok && i < text.len; i++) {
		char c = text.data[i];
		if (c == '\n')
			ok = bytes_append_str(out, "\\n");
		else if (c == '\\' || (c == '"' && quote))
			ok = bytes_append_char(out, '\\') && bytes_append_char(out, c);
		else
			ok = bytes_append_char(out, c);
	}
	return ok;
}

/* ---- one sample ---- */

struct sample {
	enum metric metric;
	const json_t *row;  /* [number(s), label...] */
	size_t numbers;     /* how many of it are numbers */
	size_t label_count; /* the rest */
};

/* Does it have the shape that its row asks for? */
static bool
read_sample(enum metric metric, const json_t *row, struct sample *out)
{
	bool histogram = metrics_rows[metric].kind == METRIC_HISTOGRAM;
	*out = (struct sample){.metric = metric,
	    .row = row,
	    .numbers = histogram ? METRICS_BOUNDS + 2 : 1,
	    .label_count = metrics_label_count(metric)};
	if (json_array_size(row) != out->numbers + out->label_count)
		return false;
	for (size_t i = 0; i < json_array_size(row); i++) {
		const json_t *value = json_array_get(row, i);
		if (i < out->numbers ? !json_is_integer(value) : !json_is_string(value))
			return false;
	}
	return true;
}

static int64_t
number_of(const struct sample *sample, size_t at)
{
	return json_integer_value(json_array_get(sample->row, at));
}

/* "name" "ending" {labels, le} */
static bool
append_series(const struct sample *sample, const char *ending, const char *bound, struct bytes *out)
{
	const struct metric_row *row = &metrics_rows[sample->metric];
	const char *before = "{";
	bool ok = bytes_append_str(out, row->name) && bytes_append_str(out, ending);
	for (size_t i = 0; ok && i < sample->label_count; i++) {
		const json_t *text = json_array_get(sample->row, sample->numbers + i);
		struct view value = view_make(json_string_value(text), json_string_length(text));
		ok = bytes_append_str(out, before) &&
		     bytes_append_str(out, metrics_labels[row->labels[i]].name) &&
		     bytes_append_str(out, "=\"") && append_escaped(out, value, true) &&
		     bytes_append_char(out, '"');
		before = ",";
	}
	if (ok && bound != NULL) {
		ok = bytes_append_str(out, before) && bytes_append_str(out, "le=\"") &&
		     bytes_append_str(out, bound) && bytes_append_char(out, '"');
		before = ",";
	}
	return ok && (before[0] == '{' || bytes_append_char(out, '}'));
}

static bool
append_value(struct bytes *out, const char *number)
{
	return bytes_append_char(out, ' ') && bytes_append_str(out, number) &&
	       bytes_append_char(out, '\n');
}

static bool
append_line(const struct sample *sample, struct bytes *out)
{
	char number[NUMBER_BYTES];
	print_number(metrics_rows[sample->metric].unit, number_of(sample, 0), number);
	return append_series(sample, "", NULL, out) && append_value(out, number);
}

/* "0.25", "30": a bound without zeros at its end. */
static void
print_bound(uint32_t ms, char out[NUMBER_BYTES])
{
	int len = snprintf(out, NUMBER_BYTES, "%u.%03u", ms / 1000, ms % 1000);
	while (len > 0 && out[len - 1] == '0')
		out[--len] = '\0';
	if (len > 0 && out[len - 1] == '.')
		out[len - 1] = '\0';
}

/* Each bucket holds all that are below it: the last is the count. */
static bool
append_histogram(const struct sample *sample, struct bytes *out)
{
	char number[NUMBER_BYTES], bound[NUMBER_BYTES];
	int64_t below = 0;
	bool ok = true;
	for (size_t i = 0; ok && i <= METRICS_BOUNDS; i++) {
		below += number_of(sample, 1 + i);
		print_number(METRIC_ONE, below, number);
		if (i < METRICS_BOUNDS)
			print_bound(metrics_bounds_ms[i], bound);
		ok = append_series(sample, "_bucket", i < METRICS_BOUNDS ? bound : "+Inf", out) &&
		     append_value(out, number);
	}
	char sum[NUMBER_BYTES];
	print_number(metrics_rows[sample->metric].unit, number_of(sample, 0), sum);
	return ok && append_series(sample, "_sum", NULL, out) && append_value(out, sum) &&
	       append_series(sample, "_count", NULL, out) && append_value(out, number);
}

/* ---- all ---- */

static bool
append_head(const struct metric_row *row, struct bytes *out)
{
	return bytes_append_str(out, "# HELP ") && bytes_append_str(out, row->name) &&
	       bytes_append_char(out, ' ') && append_escaped(out, view_of(row->help), false) &&
	       bytes_append_str(out, "\n# TYPE ") && bytes_append_str(out, row->name) &&
	       bytes_append_char(out, ' ') &&
	       bytes_append_str(out, metrics_kind_words[row->kind]) && bytes_append_char(out, '\n');
}

/* The samples of one part; the head comes before the first. */
static bool
append_list(enum metric metric, const json_t *list, bool *headed, struct bytes *out, size_t *odd)
{
	const struct metric_row *row = &metrics_rows[metric];
	bool ok = true;
	for (size_t i = 0; ok && i < json_array_size(list); i++) {
		struct sample sample;
		if (!read_sample(metric, json_array_get(list, i), &sample)) {
			++*odd;
			continue;
		}
		if (!*headed)
			ok = append_head(row, out);
		*headed = true;
		ok = ok && (row->kind == METRIC_HISTOGRAM ? append_histogram(&sample, out)
							  : append_line(&sample, out));
	}
	return ok;
}

bool
metrics_text_write(const json_t *const *parts, size_t part_count, struct bytes *out, size_t *odd)
{
	bool ok = true;
	*odd = 0;
	for (unsigned i = 0; i < METRIC_COUNT; i++) {
		bool headed = false;
		for (size_t k = 0; ok && k < part_count; k++) {
			const json_t *list = json_object_get(parts[k], metrics_rows[i].name);
			ok = append_list((enum metric)i, list, &headed, out, odd);
		}
	}
	return ok;
}

/* ---- the description ---- */

static bool
print_row(enum metric metric, struct bytes *out)
{
	const struct metric_row *row = &metrics_rows[metric];
	const char *unit = metrics_unit_words[row->unit];
	bool ok = bytes_printf(out, "| `%s` | %s%s%s | ", row->name, metrics_kind_words[row->kind],
	    unit[0] != '\0' ? ", " : "", unit);
	for (size_t i = 0; ok && i < metrics_label_count(metric); i++)
		ok = bytes_printf(
		    out, "%s`%s`", i > 0 ? ", " : "", metrics_labels[row->labels[i]].name);
	return ok && bytes_printf(out, " | %s | %s | %u |\n", row->source, row->help,
			 metrics_series_max(metric));
}

bool
metrics_text_manual(struct bytes *out)
{
	unsigned all = 0;
	bool ok =
	    bytes_append_str(out, "| metric | type | labels | from | what | series, at most |\n"
				  "|---|---|---|---|---|---|\n");
	for (unsigned i = 0; ok && i < METRIC_COUNT; i++) {
		ok = print_row((enum metric)i, out);
		all += metrics_series_max((enum metric)i);
	}
	ok = ok && bytes_printf(out,
		       "| all | | | | | %u |\n\n| label | values, at most | what |\n"
		       "|---|---|---|\n",
		       all);
	for (unsigned i = 1; ok && i < LABEL_COUNT; i++)
		ok = bytes_printf(out, "| `%s` | %u | %s |\n", metrics_labels[i].name,
		    metrics_labels[i].values_max, metrics_labels[i].help);
	ok = ok && bytes_append_str(out, "\nBuckets of histograms, in seconds: ");
	for (size_t i = 0; ok && i < METRICS_BOUNDS; i++) {
		char bound[NUMBER_BYTES];
		print_bound(metrics_bounds_ms[i], bound);
		ok = bytes_printf(out, "%s, ", bound);
	}
	return ok && bytes_append_str(out, "+Inf.\n");
}

static json_t *
describe_row(enum metric metric)
{
	const struct metric_row *row = &metrics_rows[metric];
	json_t *labels = json_array();
	for (size_t i = 0; i < metrics_label_count(metric); i++) {
		json_t *name = json_string(metrics_labels[row->labels[i]].name);
		MUST(json_array_append_new(labels, name) == 0);
	}
	json_t *out = json_pack("{s:s, s:s, s:s, s:o, s:s, s:s, s:i}", "name", row->name, "type",
	    metrics_kind_words[row->kind], "unit", metrics_unit_words[row->unit], "labels", labels,
	    "help", row->help, "source", row->source, "series_max",
	    (int)metrics_series_max(metric));
	MUST(out != NULL);
	return out;
}

json_t *
metrics_text_describe(void)
{
	json_t *metrics = json_array(), *labels = json_array();
	for (unsigned i = 0; i < METRIC_COUNT; i++)
		MUST(json_array_append_new(metrics, describe_row((enum metric)i)) == 0);
	for (unsigned i = 1; i < LABEL_COUNT; i++) {
		const struct metric_label_row *label = &metrics_labels[i];
		json_t *one = json_pack("{s:s, s:i, s:s}", "name", label->name, "values_max",
		    (int)label->values_max, "help", label->help);
		MUST(one != NULL && json_array_append_new(labels, one) == 0);
	}
	json_t *out = json_pack("{s:o, s:o}", "metrics", metrics, "labels", labels);
	MUST(out != NULL);
	return out;
}
