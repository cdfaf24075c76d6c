/* What questions cost over a file of statistics with many records: one JSON object a line.
 *
 *     bench-stats FOLDER SMALL BIG
 *
 * Fills FOLDER/small and FOLDER/big with so many records over the same 60 days, then asks each
 * question of the pages of both in turn, ROUNDS times, and tells the medians. */
#include "clock.h"
#include "mem.h"
#include "must.h"
#include "stats_query.h"
#include "stats_settings.h"
#include "stats_store.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define ROUNDS 15
#define BATCH 512
#define DAYS 60
#define DAY_MS INT64_C(86400000)

struct base {
	struct stats_store *store;
	struct stats_settings *settings;
	size_t records;
	char folder[256];
};

static uint64_t state = 1;

static unsigned
chance(unsigned below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % below;
}

static const char *const models[] = {"claude-opus-5", "claude-sonnet-5", "claude-haiku-5",
    "gpt-5.5-codex", "gpt-5.5", "gpt-4.1-mini", "qwen3-coder", "deepseek-v4"};
static const char *const upstreams[] = {"claude:main", "claude:spare", "codex:a", "chat:relay"};
static const char *const keys[] = {"team", "ann", "bob", "ci", "eve"};

static struct record
make_record(size_t number, int64_t at_ms)
{
	const char *model = models[chance(8)];
	struct record record = {.at_ms = at_ms,
	    .client_key = mem_dup_str(keys[chance(5)]),
	    .path = mem_dup_str("/v1/messages"),
	    .model = mem_dup_str(model),
	    .protocol = chance(3),
	    .generate = true,
	    .stream = true,
	    .status = 200,
	    .ttfb_ms = 300,
	    .ms = 2000,
	    .bytes_in = 50000,
	    .bytes_out = 9000,
	    .calls = 1,
	    .attempts = mem_calloc(1, sizeof(struct record_attempt)),
	    .attempt_count = 1,
	    .loss = mem_dup_str("")};
	(void)snprintf(record.id, sizeof(record.id), "req_%024zx", number);
	(void)snprintf(record.session, sizeof(record.session), "%016x", chance(2000));
	(void)snprintf(record.session_source, sizeof(record.session_source), "metadata");
	(void)snprintf(record.why, sizeof(record.why), "session");
	(void)snprintf(record.result, sizeof(record.result), "completed");
	(void)snprintf(record.reason, sizeof(record.reason), "ok");
	record.attempts[0] = (struct record_attempt){.upstream = mem_dup_str(upstreams[chance(4)]),
	    .model = mem_dup_str(model),
	    .protocol = record.protocol,
	    .status = 200,
	    .ttfb_ms = 290,
	    .ms = 1990,
	    .usage = RECORD_USAGE_REPORTED,
	    .tokens = {.input = chance(5000),
		.cache_write_5m = chance(2000),
		.cache_write_1h = 0,
		.cache_read = chance(90000),
		.output = chance(3000),
		.reasoning = chance(500),
		.web_searches = -1},
	    .cost_nano_usd = chance(100000000),
	    .served = mem_dup_str(model)};
	(void)snprintf(record.attempts[0].reason, RECORD_WORD_BYTES, "ok");
	return record;
}

static void
fill(struct base *base, int64_t now_ms)
{
	struct err err;
	uint64_t stored;
	struct record *records = mem_calloc(BATCH, sizeof(*records));
	MUST(mkdir(base->folder, 0700) == 0);
	base->store = stats_store_open(base->folder, false, &err);
	MUST(base->store != NULL);
	for (size_t at = 0; at < base->records;) {
		size_t count = base->records - at < BATCH ? base->records - at : BATCH;
		for (size_t i = 0; i < count; i++) {
			int64_t back = DAYS * DAY_MS * (int64_t)(base->records - at - i) /
				       (int64_t)base->records;
			records[i] = make_record(at + i, now_ms - back);
		}
		MUST(stats_store_batch(base->store, base->settings,
		    &(struct stats_batch){
			.journal = 1, .first = at + 1, .records = records, .count = count},
		    &stored, &err));
		for (size_t i = 0; i < count; i++)
			record_fini(&records[i]);
		at += count;
	}
	mem_free(records);
}

static double
ask_ms(struct base *base, const char *what, const char *question)
{
	struct err err;
	char text[512];
	(void)snprintf(text, sizeof(text), "%s", question);
	json_t *body = json_loads(text, 0, NULL);
	MUST(body != NULL);
	int64_t begin = (int64_t)clock_mono_us();
	json_t *answer =
	    strcmp(what, "requests") == 0    ? stats_query_requests(base->store, body, &err)
	    : strcmp(what, "old shape") == 0 ? stats_query_token_stats(base->store, body, &err)
					     : stats_query_sums(base->store, body, &err);
	double ms = (double)((int64_t)clock_mono_us() - begin) / 1000;
	MUST(answer != NULL);
	json_decref(answer);
	json_decref(body);
	return ms;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void
compare(struct base *small, struct base *big, const char *what, const char *question)
{
	double times[2][ROUNDS];
	for (size_t i = 0; i < ROUNDS; i++) {
		times[0][i] = ask_ms(small, what, question);
		times[1][i] = ask_ms(big, what, question);
	}
	for (size_t i = 0; i < 2; i++)
		qsort(times[i], ROUNDS, sizeof(double), by_size);
	double few = times[0][ROUNDS / 2], many = times[1][ROUNDS / 2];
	printf("{\"question\": \"%s\", \"small_ms\": %.2f, \"big_ms\": %.2f, \"ratio\": %.2f}\n",
	    what, few, many, many / few);
	(void)fflush(stdout);
}

int
main(int argc, char **argv)
{
	MUST(argc == 4);
	int64_t now_ms = clock_wall_ms();
	struct base small = {.records = strtoul(argv[2], NULL, 10)};
	struct base big = {.records = strtoul(argv[3], NULL, 10)};
	char week[256], hours[256], month[256];
	struct rusage usage;
	(void)snprintf(small.folder, sizeof(small.folder), "%s/small", argv[1]);
	(void)snprintf(big.folder, sizeof(big.folder), "%s/big", argv[1]);
	small.settings = big.settings = stats_settings_new(NULL, now_ms);
	fill(&small, now_ms);
	fill(&big, now_ms);
	(void)snprintf(hours, sizeof(hours), "{\"by\": \"hour\", \"from_ms\": %lld}",
	    (long long)(now_ms - 2 * DAY_MS));
	(void)snprintf(week, sizeof(week), "{\"by\": \"hour,model\", \"from_ms\": %lld}",
	    (long long)(now_ms - 7 * DAY_MS));
	(void)snprintf(month, sizeof(month), "{\"by\": \"upstream\", \"from_ms\": %lld}",
	    (long long)(now_ms - 30 * DAY_MS));
	const char *const asked[][2] = {{"by day", "{\"by\": \"day\"}"},
	    {"by day and model", "{\"by\": \"day,model\"}"}, {"by model", "{\"by\": \"model\"}"},
	    {"by upstream", "{\"by\": \"upstream\"}"}, {"by key", "{\"by\": \"client_key\"}"},
	    {"by day, one model", "{\"by\": \"day\", \"model\": \"gpt-5.5\"}"},
	    {"by hour, two days", hours}, {"by hour and model, a week", week},
	    {"by upstream, 30 days of hours", month}, {"totals", "{}"}, {"old shape", "{}"},
	    {"requests", "{\"limit\": 100}"}};
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		compare(&small, &big, asked[i][0], asked[i][1]);
	MUST(getrusage(RUSAGE_SELF, &usage) == 0);
	printf("{\"peak_rss_mib\": %.1f}\n", (double)usage.ru_maxrss / 1024);
	stats_store_close(small.store);
	stats_store_close(big.store);
	stats_settings_unref(small.settings);
	return 0;
}
