/* One batch into the file: requests one by one, and their sums. */
#include "crypto.h"
#include "log.h"
#include "must.h"
#include "stats_private.h"
#include "table_words.h"
#include <stdio.h>
#include <string.h>

#define HOUR_MS INT64_C(3600000)
#define ID_PREFIX "req_"
#define ID_BYTES 12
#define ATTEMPTS_BYTES_MAX ((size_t)64 * 1024)

/* In the order of struct sums. */
const char *const stats_sum_names[STATS_SUM_COUNT] = {"requests", "completed", "failed", "gone",
    "interrupted", "calls", "failed_calls", "unknown_calls", "input", "cache_write_5m",
    "cache_write_1h", "cache_read", "output", "reasoning", "web_searches", "cost_nano_usd",
    "unpriced_calls", "ms", "bytes_in", "bytes_out", "cache_saved_nano_usd", "cancelled"};

struct sums {
	int64_t requests, completed, failed, gone, interrupted;
	int64_t calls, failed_calls, unknown_calls; /* unknown: its tokens were not told in full */
	int64_t input, cache_write_5m, cache_write_1h, cache_read, output, reasoning, web_searches;
	int64_t cost_nano_usd, unpriced_calls;
	int64_t ms, bytes_in, bytes_out;
	int64_t cache_saved_nano_usd;
	int64_t cancelled;
};
_Static_assert(sizeof(struct sums) == STATS_SUM_COUNT * sizeof(int64_t), "one for each column");

/* What the sums are told apart by. */
struct place {
	char day[11];
	int64_t hour_ms;
	struct view model, upstream, client_key, protocol;
};

struct adding {
	struct stats_store *store;
	const struct stats_settings *settings;
	struct stats_counted *counted;
	struct err *err;
};

/* ---- sums ---- */

/* Each with the columns of its key; behind them stand the sums, to insert them or to add. */
enum target { HOURS, DAYS, ROLLS, TARGETS };
static const struct {
	const char *table;
	int keys;
} targets[TARGETS] = {{"hours", 6}, {"days", 6}, {"rolls", 5}};

/* Made once: "INSERT INTO ... VALUES(?1,...) ON CONFLICT DO UPDATE SET requests=requests+?7,..." */
static const char *
sums_sql(enum target target)
{
	static char texts[TARGETS][2048];
	char *text = texts[target];
	int keys = targets[target].keys;
	if (text[0] != '\0')
		return text;
	size_t size = sizeof(texts[0]);
	size_t len =
	    (size_t)snprintf(text, size, "INSERT INTO %s VALUES(?1", targets[target].table);
	for (int i = 2; i <= keys + STATS_SUM_COUNT; i++)
		len += (size_t)snprintf(text + len, size - len, ",?%d", i);
	len += (size_t)snprintf(text + len, size - len, ") ON CONFLICT DO UPDATE SET ");
	for (int i = 0; i < STATS_SUM_COUNT; i++) {
		len += (size_t)snprintf(text + len, size - len, "%s%s=%s+?%d", i > 0 ? "," : "",
		    stats_sum_names[i], stats_sum_names[i], keys + 1 + i);
	}
	MUST(len < size);
	return text;
}

static bool
run_sums(
    const struct adding *adding, enum target target, struct sql_stmt *stmt, const struct sums *sums)
{
	int64_t values[STATS_SUM_COUNT];
	memcpy(values, sums, sizeof(values));
	for (int i = 0; i < STATS_SUM_COUNT; i++)
		sql_bind_i64(stmt, targets[target].keys + 1 + i, values[i]);
	return sql_run(stmt, adding->err);
}

static void
bind_moment(struct sql_stmt *stmt, int at, bool hours, const struct place *place)
{
	if (hours)
		sql_bind_i64(stmt, at, place->hour_ms / 1000);
	else
		sql_bind_text(stmt, at, view_of(place->day));
}

static bool
add_sums(
    const struct adding *adding, bool hours, const struct place *place, const struct sums *sums)
{
	enum target target = hours ? HOURS : DAYS;
	struct sql_stmt *stmt = sql_prepare(adding->store->sql, sums_sql(target), adding->err);
	if (stmt == NULL)
		return false;
	sql_bind_i64(stmt, 1, adding->store->epoch);
	bind_moment(stmt, 2, hours, place);
	sql_bind_text(stmt, 3, place->model);
	sql_bind_text(stmt, 4, place->upstream);
	sql_bind_text(stmt, 5, place->client_key);
	sql_bind_text(stmt, 6, place->protocol);
	return run_sums(adding, target, stmt, sums);
}

static bool
add_rolls(
    const struct adding *adding, bool hours, const struct place *place, const struct sums *sums)
{
	const struct view names[STATS_ROLLS] = {[STATS_ROLL_ALL] = VIEW(""),
	    [STATS_ROLL_MODEL] = place->model,
	    [STATS_ROLL_UPSTREAM] = place->upstream,
	    [STATS_ROLL_KEY] = place->client_key,
	    [STATS_ROLL_PROTOCOL] = place->protocol};
	struct sql_stmt *stmt = sql_prepare(adding->store->sql, sums_sql(ROLLS), adding->err);
	bool ok = stmt != NULL;
	for (int roll = 0; ok && roll < STATS_ROLLS; roll++) {
		sql_bind_i64(stmt, 1, adding->store->epoch);
		sql_bind_i64(stmt, 2, hours);
		sql_bind_i64(stmt, 3, roll);
		bind_moment(stmt, 4, hours, place);
		sql_bind_text(stmt, 5, names[roll]);
		ok = run_sums(adding, ROLLS, stmt, sums);
	}
	return ok;
}

static bool
add_everywhere(const struct adding *adding, const struct place *place, const struct sums *sums)
{
	return add_sums(adding, true, place, sums) && add_sums(adding, false, place, sums) &&
	       add_rolls(adding, true, place, sums) && add_rolls(adding, false, place, sums);
}

static int64_t
told(int64_t tokens)
{
	return tokens > 0 ? tokens : 0;
}

static void
sum_attempt(const struct record_attempt *attempt, struct sums *sums)
{
	const struct record_tokens *tokens = &attempt->tokens;
	sums->calls++;
	sums->failed_calls += attempt->blame != BLAME_NOBODY;
	sums->unknown_calls += attempt->usage != RECORD_USAGE_REPORTED;
	sums->input += told(tokens->input);
	sums->cache_write_5m += told(tokens->cache_write_5m);
	sums->cache_write_1h += told(tokens->cache_write_1h);
	sums->cache_read += told(tokens->cache_read);
	sums->output += told(tokens->output);
	sums->reasoning += told(tokens->reasoning);
	sums->web_searches += told(tokens->web_searches);
	sums->cost_nano_usd += told(attempt->cost_nano_usd);
	sums->cache_saved_nano_usd += attempt->cache_saved_nano_usd;
	sums->unpriced_calls +=
	    attempt->usage != RECORD_USAGE_MISSING && attempt->cost_nano_usd < 0;
}

static void
sum_request(const struct record *record, struct sums *sums)
{
	sums->requests++;
	sums->completed += strcmp(record->result, "completed") == 0;
	sums->failed += strcmp(record->result, "failed") == 0 ||
			strcmp(record->result, "passed") == 0 ||
			strcmp(record->result, "refused") == 0;
	/* By somebody's wish, and nobody's fault. */
	sums->gone += strcmp(record->result, "client_gone") == 0;
	sums->cancelled += strcmp(record->result, "cancelled") == 0;
	sums->interrupted += strcmp(record->result, "interrupted") == 0;
	sums->ms += record->ms;
	sums->bytes_in += (int64_t)record->bytes_in;
	sums->bytes_out += (int64_t)record->bytes_out;
	/* Calls beyond the list had no room to be told by themselves. */
	if (record->calls > record->attempt_count) {
		sums->calls += (int64_t)(record->calls - record->attempt_count);
		sums->unknown_calls += (int64_t)(record->calls - record->attempt_count);
	}
}

/* A client may send any model: so that it cannot fill the disk, a day has so many at the most. */
static bool
limit_model(const struct adding *adding, struct place *place)
{
	struct sql_stmt *known = sql_prepare(adding->store->sql,
	    "SELECT 1 FROM days WHERE epoch=?1 AND day=?2 AND model=?3 LIMIT 1", adding->err);
	struct sql_stmt *count = sql_prepare(adding->store->sql,
	    "SELECT count(*) FROM (SELECT DISTINCT model FROM days WHERE epoch=?1 AND day=?2 "
	    "LIMIT ?3)",
	    adding->err);
	if (known == NULL || count == NULL)
		return false;
	sql_bind_i64(known, 1, adding->store->epoch);
	sql_bind_text(known, 2, view_of(place->day));
	sql_bind_text(known, 3, place->model);
	enum sql_result result = sql_step(known, adding->err);
	sql_reset(known);
	if (result != SQL_DONE)
		return result == SQL_ROW;
	sql_bind_i64(count, 1, adding->store->epoch);
	sql_bind_text(count, 2, view_of(place->day));
	sql_bind_i64(count, 3, STATS_NAMES_MAX);
	result = sql_step(count, adding->err);
	if (result == SQL_ROW && sql_i64(count, 0) >= STATS_NAMES_MAX)
		place->model = VIEW(STATS_OTHER);
	sql_reset(count);
	return result == SQL_ROW;
}

static bool
add_to_sums(const struct adding *adding, const struct record *record, const char *day)
{
	struct place place = {.hour_ms = record->at_ms - record->at_ms % HOUR_MS,
	    .model = view_of(record->model),
	    .client_key = view_of(record->client_key),
	    .protocol = view_of(table_protocol_words[record->protocol])};
	(void)snprintf(place.day, sizeof(place.day), "%s", day);
	struct sums whole = {0};
	if (!limit_model(adding, &place))
		return false;
	sum_request(record, &whole);
	for (size_t i = 0; i < record->attempt_count; i++) {
		struct sums one = {0};
		bool last = i + 1 == record->attempt_count;
		/* The request counts where its last call went. */
		sum_attempt(&record->attempts[i], last ? &whole : &one);
		place.upstream = view_of(record->attempts[i].upstream);
		if (!last && !add_everywhere(adding, &place, &one))
			return false;
	}
	return add_everywhere(adding, &place, &whole);
}

/* ---- single requests ---- */

static const char request_sql[] =
    "INSERT OR IGNORE INTO requests VALUES(NULL,?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,"
    "?16,?17,?18,?19,?20,?21,?22,?23,?24,?25,?26,?27)";

static void
bind_words(struct sql_stmt *stmt, const struct record *record, const char *day)
{
	size_t count = record->attempt_count;
	const char *upstream = count > 0 ? record->attempts[count - 1].upstream : "";
	sql_bind_text(stmt, 4, view_of(day));
	sql_bind_text(stmt, 5, view_of(record->client_key));
	sql_bind_text(stmt, 6, view_of(table_protocol_words[record->protocol]));
	sql_bind_text(stmt, 7, view_of(table_group_words[record->group]));
	sql_bind_text(stmt, 8, view_of(record->path));
	sql_bind_text(stmt, 9, view_of(record->model));
	sql_bind_text(stmt, 10, view_of(upstream));
	sql_bind_text(stmt, 14, view_of(record->result));
	sql_bind_text(stmt, 15, view_of(blame_words[record->blame]));
	sql_bind_text(stmt, 16, view_of(record->reason));
	sql_bind_text(stmt, 17, view_of(record->session));
	sql_bind_text(stmt, 18, view_of(record->session_source));
	sql_bind_text(stmt, 19, view_of(record->why));
	sql_bind_text(stmt, 20, view_of(record->loss));
}

static void
bind_numbers(struct sql_stmt *stmt, const struct record *record)
{
	int64_t cost = 0;
	for (size_t i = 0; i < record->attempt_count; i++)
		cost += told(record->attempts[i].cost_nano_usd);
	sql_bind_i64(stmt, 3, record->at_ms);
	sql_bind_i64(stmt, 11, record->generate);
	sql_bind_i64(stmt, 12, record->stream);
	sql_bind_i64(stmt, 13, record->status);
	sql_bind_i64(stmt, 21, record->ttfb_ms);
	sql_bind_i64(stmt, 22, record->ms);
	sql_bind_i64(stmt, 23, (int64_t)record->bytes_in);
	sql_bind_i64(stmt, 24, (int64_t)record->bytes_out);
	sql_bind_i64(stmt, 25, record->calls);
	sql_bind_i64(stmt, 26, cost);
}

/* It must not stop those behind it. */
static bool
log_stranger(const struct adding *adding, const struct record *record)
{
	adding->counted->strange++;
	log_msg(LOG_WARN, "record_refused", "\"%s\" is not the id of a request", record->id);
	return true;
}

/* `fresh`: it was not there yet. */
static bool
add_request(const struct adding *adding, const struct record *record, const char *day, bool *fresh)
{
	uint8_t id[ID_BYTES];
	struct view hex = view_of(record->id);
	struct bytes attempts;
	struct sql_stmt *stmt = sql_prepare(adding->store->sql, request_sql, adding->err);
	*fresh = false;
	if (stmt == NULL)
		return false;
	if (!view_starts(hex, ID_PREFIX) ||
	    !crypto_unhex(view_from(hex, strlen(ID_PREFIX)), id, sizeof(id)))
		return log_stranger(adding, record);
	bytes_init(&attempts, ATTEMPTS_BYTES_MAX);
	MUST(record_write_attempts(record, &attempts));
	sql_bind_blob(stmt, 1, view_make((const char *)id, sizeof(id)));
	sql_bind_i64(stmt, 2, adding->store->epoch);
	bind_numbers(stmt, record);
	bind_words(stmt, record, day);
	sql_bind_text(stmt, 27, bytes_view(&attempts));
	bool ok = sql_run(stmt, adding->err);
	*fresh = ok && sql_changes(adding->store->sql) == 1;
	bytes_fini(&attempts);
	return ok;
}

static bool
add_record(const struct adding *adding, const struct record *record, bool *fresh)
{
	char day[11];
	stats_settings_day(adding->settings, record->at_ms, day);
	return add_request(adding, record, day, fresh) &&
	       (!*fresh || !record->generate || add_to_sums(adding, record, day));
}

/* ---- the batch ---- */

static bool
stored_so_far(struct stats_store *store, uint64_t journal, uint64_t *seq, struct err *err)
{
	struct sql_stmt *stmt =
	    sql_prepare(store->sql, "SELECT seq FROM journals WHERE id=?1", err);
	*seq = 0;
	if (stmt == NULL)
		return false;
	sql_bind_i64(stmt, 1, (int64_t)journal);
	enum sql_result result = sql_step(stmt, err);
	if (result == SQL_ROW)
		*seq = (uint64_t)sql_i64(stmt, 0);
	sql_reset(stmt);
	return result != SQL_FAILED;
}

static bool
note_stored(struct stats_store *store, uint64_t journal, uint64_t seq, struct err *err)
{
	struct sql_stmt *stmt =
	    sql_prepare(store->sql, "INSERT OR REPLACE INTO journals VALUES(?1, ?2)", err);
	if (stmt == NULL)
		return false;
	sql_bind_i64(stmt, 1, (int64_t)journal);
	sql_bind_i64(stmt, 2, (int64_t)seq);
	return sql_run(stmt, err);
}

static void
log_gap(const struct stats_batch *batch, uint64_t seq)
{
	struct log_line line;
	log_begin(&line, LOG_WARN, "records_missing");
	log_int(&line, "count", (int64_t)(batch->first - seq - 1));
	log_end(&line);
}

static bool
add_batch(const struct adding *adding, const struct stats_batch *batch, uint64_t seq)
{
	bool ok = sql_exec(adding->store->sql, "BEGIN IMMEDIATE", adding->err);
	for (size_t i = 0; ok && i < batch->count; i++) {
		if (batch->first + i > seq)
			ok = add_record(adding, &batch->records[i], &adding->counted->fresh[i]);
	}
	ok = ok &&
	     note_stored(
		 adding->store, batch->journal, batch->first + batch->count - 1, adding->err) &&
	     sql_exec(adding->store->sql, "COMMIT", adding->err);
	if (!ok)
		sql_rollback(adding->store->sql);
	return ok;
}

bool
stats_store_batch(struct stats_store *store, const struct stats_settings *settings,
    const struct stats_batch *batch, uint64_t *stored, struct err *err)
{
	struct stats_counted counted = {0};
	struct adding adding = {store, settings, &counted, err};
	uint64_t seq, last = batch->first + batch->count - 1;
	MUST(batch->count <= STATS_BATCH_MAX);
	if (batch->counted != NULL)
		*batch->counted = counted;
	if (!stored_so_far(store, batch->journal, &seq, err))
		return false;
	*stored = seq;
	if (batch->count == 0 || last <= seq)
		return true;
	if (seq > 0 && batch->first > seq + 1) {
		log_gap(batch, seq);
		counted.missing = batch->first - seq - 1;
	}
	if (!add_batch(&adding, batch, seq))
		return false;
	if (batch->counted != NULL)
		*batch->counted = counted;
	*stored = last;
	return true;
}
