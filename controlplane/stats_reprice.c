#include "stats_reprice.h"
#include "jget.h"
#include "mem.h"
#include "must.h"
#include "price.h"
#include "stats_private.h"
#include <stdio.h>
#include <string.h>

#define HOUR_S 3600
#define WORD_BYTES 512

/* A request of the piece; what is borrowed from a row does not outlive it. */
struct request {
	int64_t seq, epoch, at_ms;
	char day[16];
	char client_key[WORD_BYTES], protocol[WORD_BYTES], model[WORD_BYTES];
	bool generate;
	json_t *attempts;
};

/* ---- one call ---- */

static int64_t
member(const json_t *attempt, const char *key)
{
	const json_t *value = json_object_get(attempt, key);
	return json_is_integer(value) ? json_integer_value(value) : -1;
}

/* An older record does not tell it, and nothing was counted for it. */
static int64_t
saved_of(const json_t *attempt)
{
	return json_integer_value(json_object_get(attempt, "cache_saved_nano_usd"));
}

static struct view
word(const json_t *attempt, const char *key)
{
	return view_of(json_string_value(json_object_get(attempt, key)));
}

static uint32_t
factor_of(const struct table *prices, struct view upstream)
{
	for (size_t group = 0; group < GROUP_COUNT; group++) {
		const struct upstream_list *list = &prices->groups[group];
		for (size_t i = 0; i < list->count; i++) {
			if (view_eq_str(upstream, list->entries[i].id))
				return list->entries[i].price_ppm;
		}
	}
	return PRICE_FACTOR_ONE; /* it is not there any more */
}

struct priced {
	int64_t cost, saved; /* cost -1: it has no price */
};

static struct priced
price_again(const struct table *prices, const json_t *attempt, int64_t at_ms)
{
	const struct record_tokens tokens = {.input = member(attempt, "input"),
	    .cache_write_5m = member(attempt, "cache_write_5m"),
	    .cache_write_1h = member(attempt, "cache_write_1h"),
	    .cache_read = member(attempt, "cache_read"),
	    .output = member(attempt, "output"),
	    .reasoning = member(attempt, "reasoning"),
	    .web_searches = member(attempt, "web_searches")};
	const struct price_call call = {.served = word(attempt, "served"),
	    .model = word(attempt, "model"),
	    .upstream = word(attempt, "upstream"),
	    .at_ms = at_ms,
	    .factor_ppm = factor_of(prices, word(attempt, "upstream")),
	    .tokens = &tokens};
	if (view_eq_str(word(attempt, "usage"), record_usage_words[RECORD_USAGE_MISSING]))
		return (struct priced){.cost = -1};
	return (struct priced){.cost = price_call_nano(prices->prices, prices->price_count, &call),
	    .saved = price_call_saved_nano(prices->prices, prices->price_count, &call)};
}

/* ---- the file ---- */

/* ?1, ?2 and ?9 what is added, ?3 epoch, ?4 moment, then the names. */
#define CHANGE                                                                                     \
	"SET cost_nano_usd=cost_nano_usd+?1, unpriced_calls=unpriced_calls+?2, "                   \
	"cache_saved_nano_usd=cache_saved_nano_usd+?9 WHERE epoch=?3 "
#define NAMES "AND model=?5 AND upstream=?6 AND client_key=?7 AND protocol=?8"
static const char days_sql[] = "UPDATE days " CHANGE "AND day=?4 " NAMES;
static const char hours_sql[] = "UPDATE hours " CHANGE "AND hour=?4 " NAMES;
static const char rolls_sql[] =
    "UPDATE rolls " CHANGE "AND by_hour=?5 AND roll=?6 AND at=?4 AND name=?7";

struct change {
	const struct request *request;
	struct view upstream;
	int64_t nano, unpriced, saved; /* more than before */
	bool hours;
};

static struct sql_stmt *
prepare_change(
    struct stats_store *store, const char *sql, const struct change *change, struct err *err)
{
	const struct request *request = change->request;
	struct sql_stmt *stmt = sql_prepare(store->sql, sql, err);
	if (stmt == NULL)
		return NULL;
	sql_bind_i64(stmt, 1, change->nano);
	sql_bind_i64(stmt, 2, change->unpriced);
	sql_bind_i64(stmt, 9, change->saved);
	sql_bind_i64(stmt, 3, request->epoch);
	if (change->hours)
		sql_bind_i64(stmt, 4, request->at_ms / 1000 / HOUR_S * HOUR_S);
	else
		sql_bind_text(stmt, 4, view_of(request->day));
	return stmt;
}

static bool
change_row(
    struct stats_store *store, const struct change *change, struct view model, struct err *err)
{
	struct sql_stmt *stmt =
	    prepare_change(store, change->hours ? hours_sql : days_sql, change, err);
	if (stmt == NULL)
		return false;
	sql_bind_text(stmt, 5, model);
	sql_bind_text(stmt, 6, change->upstream);
	sql_bind_text(stmt, 7, view_of(change->request->client_key));
	sql_bind_text(stmt, 8, view_of(change->request->protocol));
	return sql_run(stmt, err);
}

static bool
change_rolls(
    struct stats_store *store, const struct change *change, struct view model, struct err *err)
{
	const struct view names[STATS_ROLLS] = {[STATS_ROLL_ALL] = VIEW(""),
	    [STATS_ROLL_MODEL] = model,
	    [STATS_ROLL_UPSTREAM] = change->upstream,
	    [STATS_ROLL_KEY] = view_of(change->request->client_key),
	    [STATS_ROLL_PROTOCOL] = view_of(change->request->protocol)};
	bool ok = true;
	for (int roll = 0; ok && roll < STATS_ROLLS; roll++) {
		struct sql_stmt *stmt = prepare_change(store, rolls_sql, change, err);
		if (stmt == NULL)
			return false;
		sql_bind_i64(stmt, 5, change->hours);
		sql_bind_i64(stmt, 6, roll);
		sql_bind_text(stmt, 7, names[roll]);
		ok = sql_run(stmt, err);
	}
	return ok;
}

/* The model has its row, or is among those that share one. */
static bool
change_sums(struct stats_store *store, const struct change *change, struct err *err)
{
	struct view model = view_of(change->request->model);
	bool ok = change_row(store, change, model, err);
	if (ok && sql_changes(store->sql) == 0) {
		model = VIEW(STATS_OTHER);
		ok = change_row(store, change, model, err);
	}
	if (!ok || sql_changes(store->sql) == 0)
		return ok; /* the sum is lost, after damage */
	return change_rolls(store, change, model, err);
}

static bool
change_call(struct stats_store *store, const struct request *request, json_t *attempt,
    struct priced before, struct priced now, struct err *err)
{
	struct change change = {.request = request,
	    .upstream = word(attempt, "upstream"),
	    .nano = (now.cost > 0 ? now.cost : 0) - (before.cost > 0 ? before.cost : 0),
	    .unpriced = (now.cost < 0) - (before.cost < 0),
	    .saved = now.saved - before.saved};
	MUST(json_object_set_new(attempt, "cost_nano_usd", json_integer(now.cost)) == 0);
	MUST(json_object_set_new(attempt, "cache_saved_nano_usd", json_integer(now.saved)) == 0);
	if (!request->generate)
		return true;
	if (!change_sums(store, &change, err))
		return false;
	change.hours = true;
	return change_sums(store, &change, err);
}

static bool
write_request(
    struct stats_store *store, const struct request *request, int64_t cost, struct err *err)
{
	size_t len;
	struct sql_stmt *stmt = sql_prepare(
	    store->sql, "UPDATE requests SET cost_nano_usd=?1, attempts=?2 WHERE seq=?3", err);
	if (stmt == NULL)
		return false;
	char *text = jget_dump(request->attempts, &len);
	sql_bind_i64(stmt, 1, cost);
	sql_bind_text(stmt, 2, view_make(text, len));
	sql_bind_i64(stmt, 3, request->seq);
	bool ok = sql_run(stmt, err);
	mem_free(text);
	return ok;
}

static bool
reprice_request(struct stats_store *store, const struct table *prices,
    const struct request *request, bool *changed, struct err *err)
{
	int64_t cost = 0;
	size_t i;
	json_t *attempt;
	*changed = false;
	json_array_foreach(request->attempts, i, attempt)
	{
		const struct priced before = {member(attempt, "cost_nano_usd"), saved_of(attempt)};
		const struct priced now = price_again(prices, attempt, request->at_ms);
		cost += now.cost > 0 ? now.cost : 0;
		if (now.cost == before.cost && now.saved == before.saved)
			continue;
		*changed = true;
		if (!change_call(store, request, attempt, before, now, err))
			return false;
	}
	return !*changed || write_request(store, request, cost, err);
}

/* ---- a piece ---- */

static void
keep_word(char out[WORD_BYTES], const struct sql_stmt *stmt, int column)
{
	(void)snprintf(out, WORD_BYTES, "%.*s", VIEW_ARGS(sql_text(stmt, column)));
}

static void
read_request(const struct sql_stmt *stmt, struct request *out)
{
	*out = (struct request){.seq = sql_i64(stmt, 0),
	    .epoch = sql_i64(stmt, 1),
	    .at_ms = sql_i64(stmt, 2),
	    .generate = sql_i64(stmt, 7) != 0};
	(void)snprintf(out->day, sizeof(out->day), "%.*s", VIEW_ARGS(sql_text(stmt, 3)));
	keep_word(out->client_key, stmt, 4);
	keep_word(out->protocol, stmt, 5);
	keep_word(out->model, stmt, 6);
	(void)!jget_parse(sql_text(stmt, 8), &out->attempts, NULL);
}

static bool
read_piece(struct stats_store *store, const struct stats_reprice *reprice, struct request *requests,
    size_t *count, struct err *err)
{
	enum sql_result result;
	struct sql_stmt *stmt = sql_prepare(store->sql,
	    "SELECT seq,epoch,at_ms,day,client_key,protocol,model,generate,attempts FROM requests "
	    "WHERE seq>?1 AND at_ms>=?2 AND at_ms<?3 ORDER BY seq LIMIT ?4",
	    err);
	*count = 0;
	if (stmt == NULL)
		return false;
	sql_bind_i64(stmt, 1, reprice->after);
	sql_bind_i64(stmt, 2, reprice->from_ms);
	sql_bind_i64(stmt, 3, reprice->to_ms);
	sql_bind_i64(stmt, 4, STATS_REPRICE_ROWS);
	while ((result = sql_step(stmt, err)) == SQL_ROW)
		read_request(stmt, &requests[(*count)++]);
	sql_reset(stmt);
	return result == SQL_DONE;
}

bool
stats_reprice_step(struct stats_store *store, const struct stats_settings *settings,
    struct stats_reprice *reprice, struct err *err)
{
	struct request *requests = mem_calloc(STATS_REPRICE_ROWS, sizeof(*requests));
	size_t count;
	int64_t changed = 0;
	bool one;
	bool ok = sql_exec(store->sql, "BEGIN IMMEDIATE", err) &&
		  read_piece(store, reprice, requests, &count, err);
	for (size_t i = 0; ok && i < count; i++) {
		ok = reprice_request(store, settings->prices, &requests[i], &one, err);
		changed += one;
	}
	ok = ok && sql_exec(store->sql, "COMMIT", err);
	if (ok) {
		reprice->looked += (int64_t)count;
		reprice->changed += changed;
		reprice->after = count > 0 ? requests[count - 1].seq : reprice->after;
		reprice->running = count == STATS_REPRICE_ROWS;
	} else {
		sql_rollback(store->sql);
	}
	for (size_t i = 0; i < STATS_REPRICE_ROWS; i++)
		json_decref(requests[i].attempts);
	mem_free(requests);
	return ok;
}
