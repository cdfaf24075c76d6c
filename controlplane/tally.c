#include "tally.h"
#include "blame.h"
#include "must.h"
#include "table_words.h"
#include <stdio.h>
#include <string.h>

enum { COMPLETED, FAILED };
static const char *const results[TALLY_RESULTS] = {
    "completed", "failed", "passed", "refused", "client_gone", "cancelled", "interrupted"};
static const char *const kinds[TALLY_KINDS] = {
    "input", "cache_write_5m", "cache_write_1h", "cache_read", "output"};

/* ---- counting ---- */

/* The place of a name in a list whose entries begin with it; `last` when it has none and there is
 * no more room, or none shall be made. */
static size_t
find_place(void *list, size_t size, size_t name_bytes, size_t last, size_t *count, const char *name,
    bool make)
{
	char *places = list;
	/* A client may ask for a model of that name, too. */
	if (strcmp(name, METRICS_OTHER) == 0)
		return last;
	for (size_t i = 0; i < *count; i++) {
		if (strncmp(places + i * size, name, name_bytes - 1) == 0)
			return i;
	}
	if (!make || *count == last)
		return last;
	(void)snprintf(places + *count * size, name_bytes, "%s", name);
	return (*count)++;
}

#define PLACE(tally, list, count, max, text, make)                                                 \
	(&(tally)->list[find_place((tally)->list, sizeof((tally)->list[0]),                        \
	    sizeof((tally)->list[0].name), max, &(tally)->count, text, make)])

static uint64_t
told(int64_t count)
{
	return count > 0 ? (uint64_t)count : 0;
}

static unsigned
result_of(const struct record *record)
{
	for (unsigned i = 0; i < TALLY_RESULTS; i++) {
		if (strcmp(record->result, results[i]) == 0)
			return i;
	}
	return FAILED;
}

static void
add_tokens(struct tally_sums *sums, const struct record_attempt *attempt)
{
	const struct record_tokens *tokens = &attempt->tokens;
	const int64_t counts[TALLY_KINDS] = {tokens->input, tokens->cache_write_5m,
	    tokens->cache_write_1h, tokens->cache_read, tokens->output};
	for (size_t i = 0; i < TALLY_KINDS; i++)
		sums->tokens[i] += told(counts[i]);
	sums->nano_usd += told(attempt->cost_nano_usd);
}

static void
add_upstream(struct tally *tally, const struct record_attempt *attempt)
{
	struct tally_upstream *upstream =
	    PLACE(tally, upstreams, upstream_count, METRICS_UPSTREAMS_MAX, attempt->upstream, true);
	struct tally_reason *reason =
	    PLACE(tally, reasons, reason_count, METRICS_REASONS_MAX, attempt->reason, true);
	MUST(attempt->blame < TALLY_BLAMES && attempt->usage < TALLY_USAGES);
	upstream->blames[attempt->blame]++;
	add_tokens(&upstream->sums, attempt);
	if (attempt->ttfb_ms > 0)
		metrics_observe(&upstream->first_byte, attempt->ttfb_ms);
	reason->calls++;
	tally->usages[attempt->usage]++;
	tally->odd += attempt->odd;
}

static void
add_attempts(struct tally *tally, struct tally_protocol *protocol, const struct record *record)
{
	uint64_t hedges = 0;
	bool failed = false;
	for (size_t i = 0; i < record->attempt_count; i++) {
		const struct record_attempt *attempt = &record->attempts[i];
		add_upstream(tally, attempt);
		add_tokens(&protocol->sums, attempt);
		protocol->reasoning += told(attempt->tokens.reasoning);
		protocol->web_searches += told(attempt->tokens.web_searches);
		protocol->unpriced +=
		    attempt->usage != RECORD_USAGE_MISSING && attempt->cost_nano_usd < 0;
		hedges += attempt->hedge;
		protocol->hedges_won += attempt->hedge && strcmp(attempt->reason, "ok") == 0;
		failed = failed || attempt->blame != BLAME_NOBODY;
	}
	/* Calls beyond the list had no room to be told by themselves. */
	uint64_t listed = record->attempt_count;
	uint64_t calls = record->calls > listed ? record->calls : listed;
	tally->unlisted += calls - listed;
	protocol->hedges += hedges;
	protocol->retries += calls > hedges ? calls - hedges - 1 : 0;
	protocol->rescued += failed && result_of(record) == COMPLETED;
}

static void
add_way(struct tally_protocol *protocol, const struct record *record)
{
	if (record->attempt_count == 0)
		return;
	unsigned upstream = record->attempts[record->attempt_count - 1].protocol;
	MUST(upstream < PROTOCOL_COUNT);
	protocol->completed[upstream] += result_of(record) == COMPLETED;
	protocol->lossy[upstream] += record->loss[0] != '\0';
}

static void
add_named(struct tally_named *named, const struct record *record)
{
	named->sums.results[result_of(record)]++;
	for (size_t i = 0; i < record->attempt_count; i++)
		add_tokens(&named->sums, &record->attempts[i]);
}

void
tally_add(struct tally *tally, const struct record *record)
{
	MUST(record->protocol < PROTOCOL_COUNT && record->blame < TALLY_BLAMES);
	struct tally_protocol *protocol = &tally->protocols[record->protocol];
	unsigned result = result_of(record);
	tally->stored++;
	if (!record->generate) {
		protocol->others++;
		return;
	}
	protocol->sums.results[result]++;
	if (result != COMPLETED)
		protocol->blames[record->blame]++;
	protocol->bytes_in += record->bytes_in;
	protocol->bytes_out += record->bytes_out;
	if (record->ttfb_ms > 0)
		metrics_observe(&protocol->first_byte, record->ttfb_ms);
	metrics_observe(&protocol->duration, record->ms);
	add_attempts(tally, protocol, record);
	add_way(protocol, record);
	/* Anybody may ask for any model: names that nobody serves shall not take the places. */
	add_named(PLACE(tally, models, model_count, METRICS_MODELS_MAX, record->model,
		      result == COMPLETED),
	    record);
	add_named(PLACE(tally, keys, key_count, METRICS_CLIENT_KEYS_MAX, record->client_key, true),
	    record);
}

void
tally_add_batch(struct tally *tally, const struct record *records, size_t count, const bool *fresh)
{
	for (size_t i = 0; i < count; i++) {
		if (fresh[i])
			tally_add(tally, &records[i]);
	}
}

/* ---- telling ---- */

static void
put(json_t *samples, enum metric metric, uint64_t value, const char *first, const char *second)
{
	const char *const labels[] = {first, second};
	metrics_put(samples, metric, value > INT64_MAX ? INT64_MAX : (int64_t)value, labels);
}

/* One for each word. */
static void
put_each(json_t *samples, enum metric metric, const char *first, const uint64_t *values,
    const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		put(samples, metric, values[i], first, words[i]);
}

static void
put_protocol(const struct tally_protocol *protocol, const char *name, json_t *samples)
{
	const struct tally_sums *sums = &protocol->sums;
	put_each(samples, METRIC_REQUESTS, name, sums->results, results, TALLY_RESULTS);
	put_each(samples, METRIC_FAULTS, name, protocol->blames, blame_words, TALLY_BLAMES);
	put(samples, METRIC_OTHER_REQUESTS, protocol->others, name, NULL);
	metrics_put_histogram(samples, METRIC_FIRST_BYTE, &protocol->first_byte, &name);
	metrics_put_histogram(samples, METRIC_DURATION, &protocol->duration, &name);
	put(samples, METRIC_BODY_BYTES, protocol->bytes_in, name, "in");
	put(samples, METRIC_BODY_BYTES, protocol->bytes_out, name, "out");
	put_each(samples, METRIC_TOKENS, name, sums->tokens, kinds, TALLY_KINDS);
	put(samples, METRIC_REASONING, protocol->reasoning, name, NULL);
	put(samples, METRIC_WEB_SEARCHES, protocol->web_searches, name, NULL);
	put(samples, METRIC_COST, sums->nano_usd, name, NULL);
	put(samples, METRIC_UNPRICED, protocol->unpriced, name, NULL);
	put(samples, METRIC_RETRIES, protocol->retries, name, NULL);
	put(samples, METRIC_HEDGES, protocol->hedges, name, NULL);
	put(samples, METRIC_HEDGES_WON, protocol->hedges_won, name, NULL);
	put(samples, METRIC_RESCUED, protocol->rescued, name, NULL);
	put_each(samples, METRIC_COMPLETED_BY, name, protocol->completed, table_protocol_words,
	    PROTOCOL_COUNT);
	put_each(
	    samples, METRIC_LOSSY_BY, name, protocol->lossy, table_protocol_words, PROTOCOL_COUNT);
}

/* Is there anything to tell of place `i` of a list? */
static bool
is_used(size_t i, size_t count, size_t last, bool counted)
{
	return i < count || (i == last && counted);
}

static bool
has_results(const struct tally_sums *sums)
{
	uint64_t all = 0;
	for (size_t i = 0; i < TALLY_RESULTS; i++)
		all += sums->results[i];
	return all > 0;
}

struct named_metrics {
	enum metric requests, tokens, cost;
};

static void
put_named(const struct tally_named *list, size_t count, size_t last,
    const struct named_metrics *metrics, json_t *samples)
{
	for (size_t i = 0; i <= last; i++) {
		const struct tally_sums *sums = &list[i].sums;
		const char *name = i == last ? METRICS_OTHER : list[i].name;
		if (!is_used(i, count, last, has_results(sums)))
			continue;
		put_each(samples, metrics->requests, name, sums->results, results, TALLY_RESULTS);
		put_each(samples, metrics->tokens, name, sums->tokens, kinds, TALLY_KINDS);
		put(samples, metrics->cost, sums->nano_usd, name, NULL);
	}
}

static void
put_upstreams(const struct tally *tally, json_t *samples)
{
	const size_t last = METRICS_UPSTREAMS_MAX;
	for (size_t i = 0; i <= last; i++) {
		const struct tally_upstream *upstream = &tally->upstreams[i];
		const char *name = i == last ? METRICS_OTHER : upstream->name;
		uint64_t calls = 0;
		for (size_t k = 0; k < TALLY_BLAMES; k++)
			calls += upstream->blames[k];
		if (!is_used(i, tally->upstream_count, last, calls > 0))
			continue;
		put_each(samples, METRIC_UPSTREAM_CALLS, name, upstream->blames, blame_words,
		    TALLY_BLAMES);
		metrics_put_histogram(
		    samples, METRIC_UPSTREAM_FIRST_BYTE, &upstream->first_byte, &name);
		put_each(samples, METRIC_UPSTREAM_TOKENS, name, upstream->sums.tokens, kinds,
		    TALLY_KINDS);
		put(samples, METRIC_UPSTREAM_COST, upstream->sums.nano_usd, name, NULL);
	}
}

static void
put_reasons(const struct tally *tally, json_t *samples)
{
	const size_t last = METRICS_REASONS_MAX;
	for (size_t i = 0; i <= last; i++) {
		const struct tally_reason *reason = &tally->reasons[i];
		if (is_used(i, tally->reason_count, last, reason->calls > 0))
			put(samples, METRIC_CALLS_BY_REASON, reason->calls,
			    i == last ? METRICS_OTHER : reason->name, NULL);
	}
}

void
tally_encode(const struct tally *tally, json_t *samples)
{
	static const struct named_metrics models = {
	    METRIC_MODEL_REQUESTS, METRIC_MODEL_TOKENS, METRIC_MODEL_COST};
	static const struct named_metrics keys = {
	    METRIC_KEY_REQUESTS, METRIC_KEY_TOKENS, METRIC_KEY_COST};
	for (unsigned i = 0; i < PROTOCOL_COUNT; i++)
		put_protocol(&tally->protocols[i], table_protocol_words[i], samples);
	put_named(tally->models, tally->model_count, METRICS_MODELS_MAX, &models, samples);
	put_named(tally->keys, tally->key_count, METRICS_CLIENT_KEYS_MAX, &keys, samples);
	put_upstreams(tally, samples);
	put_reasons(tally, samples);
	for (size_t i = 0; i < TALLY_USAGES; i++)
		put(samples, METRIC_USAGE, tally->usages[i], record_usage_words[i], NULL);
	put(samples, METRIC_ODD_USAGE, tally->odd, NULL, NULL);
	put(samples, METRIC_CALLS_UNLISTED, tally->unlisted, NULL, NULL);
	put(samples, METRIC_RECORDS_STORED, tally->stored, NULL, NULL);
	put(samples, METRIC_RECORDS_REFUSED, tally->refused, NULL, NULL);
	put(samples, METRIC_RECORDS_MISSING, tally->missing, NULL, NULL);
}
