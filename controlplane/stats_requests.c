/* Single requests, and the sums as earlier versions told them. */
#include "clock.h"
#include "crypto.h"
#include "jget.h"
#include "mem.h"
#include "must.h"
#include "stats_private.h"
#include "stats_query.h"
#include <stdio.h>
#include <string.h>

#define SHOWN_MAX 1000
#define SHOWN 100
#define LOOKED_AT_MAX 20000 /* rows that a search goes through */
#define ID_PREFIX "req_"
#define ID_BYTES 12

/* ---- single requests ---- */

enum column_kind { NUMBER, FLAG, TEXT, ID, JSON };
static const struct column {
	const char *key;
	enum column_kind kind;
} columns[] = {
    {"seq", NUMBER},
    {"id", ID},
    {"epoch", NUMBER},
    {"at_ms", NUMBER},
    {"day", TEXT},
    {"client_key", TEXT},
    {"protocol", TEXT},
    {"group", TEXT},
    {"path", TEXT},
    {"model", TEXT},
    {"upstream", TEXT},
    {"generate", FLAG},
    {"stream", FLAG},
    {"status", NUMBER},
    {"result", TEXT},
    {"blame", TEXT},
    {"reason", TEXT},
    {"session", TEXT},
    {"session_source", TEXT},
    {"why", TEXT},
    {"loss", TEXT},
    {"ttfb_ms", NUMBER},
    {"ms", NUMBER},
    {"bytes_in", NUMBER},
    {"bytes_out", NUMBER},
    {"calls", NUMBER},
    {"cost_nano_usd", NUMBER},
    {"attempts", JSON},
};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static json_t *
id_json(struct view bytes)
{
	char text[sizeof(ID_PREFIX) + 2 * ID_BYTES] = ID_PREFIX;
	if (bytes.len == ID_BYTES)
		crypto_hex((const uint8_t *)bytes.data, ID_BYTES, text + strlen(ID_PREFIX));
	return json_string(text);
}

static json_t *
column_json(const struct sql_stmt *stmt, size_t at)
{
	struct view text = sql_text(stmt, (int)at);
	json_t *json = NULL;
	switch (columns[at].kind) {
	case NUMBER:
		return json_integer(sql_i64(stmt, (int)at));
	case FLAG:
		return json_boolean(sql_i64(stmt, (int)at) != 0);
	case ID:
		return id_json(text);
	case TEXT:
		json = json_stringn(text.data != NULL ? text.data : "", text.len);
		return json != NULL ? json : json_string("?");
	case JSON:
		(void)!jget_parse(text, &json, NULL);
		return json != NULL ? json : json_array();
	}
	MUST(false);
}

struct wanted {
	uint8_t id_from[ID_BYTES], id_to[ID_BYTES]; /* ids that begin alike lie between */
	bool by_id;
	struct view upstream, model, client_key, session, result;
	int64_t before, after, limit, from_ms, to_ms;
	char needle[300]; /* "upstream":"<id>" as it stands in the attempts */
};

static bool
read_id(struct view id, struct wanted *wanted, struct err *err)
{
	char from[2 * ID_BYTES + 1], to[2 * ID_BYTES + 1];
	if (view_starts(id, ID_PREFIX))
		id = view_from(id, strlen(ID_PREFIX));
	wanted->by_id = id.len > 0;
	if (id.len > 2 * ID_BYTES)
		return err_set(err, ERR_CONFIG, "id", "is longer than an id");
	memset(from, '0', 2 * ID_BYTES);
	memset(to, 'f', 2 * ID_BYTES);
	if (id.len > 0) {
		memcpy(from, id.data, id.len);
		memcpy(to, id.data, id.len);
	}
	return (crypto_unhex(view_make(from, 2 * ID_BYTES), wanted->id_from, ID_BYTES) &&
		   crypto_unhex(view_make(to, 2 * ID_BYTES), wanted->id_to, ID_BYTES)) ||
	       err_set(err, ERR_CONFIG, "id", "must be the beginning of an id, like req_0a1b2c");
}

static bool
read_wanted(const json_t *body, struct wanted *wanted, struct err *err)
{
	struct view id = {0};
	*wanted = (struct wanted){.before = INT64_MAX, .limit = SHOWN, .to_ms = INT64_MAX};
	if (!jget_str(body, "", "id", &id, err) || !read_id(id, wanted, err) ||
	    !jget_str(body, "", "upstream", &wanted->upstream, err) ||
	    !jget_str(body, "", "model", &wanted->model, err) ||
	    !jget_str(body, "", "client_key", &wanted->client_key, err) ||
	    !jget_str(body, "", "session", &wanted->session, err) ||
	    !jget_str(body, "", "result", &wanted->result, err) ||
	    !jget_int(body, "", "from_ms", 0, INT64_MAX, &wanted->from_ms, err) ||
	    !jget_int(body, "", "to_ms", 0, INT64_MAX, &wanted->to_ms, err) ||
	    !jget_int(body, "", "before", 1, INT64_MAX, &wanted->before, err) ||
	    !jget_int(body, "", "after", 0, INT64_MAX, &wanted->after, err) ||
	    !jget_int(body, "", "limit", 1, SHOWN_MAX, &wanted->limit, err))
		return false;
	if (wanted->upstream.len > 0) {
		struct bytes text;
		bytes_init(&text, sizeof(wanted->needle) - 1);
		bool fits = bytes_append_str(&text, "{\"upstream\":\"") &&
			    bytes_append_json(&text, wanted->upstream) &&
			    bytes_append_char(&text, '"');
		if (fits)
			memcpy(wanted->needle, text.data, text.len);
		bytes_fini(&text);
		return fits || err_set(err, ERR_CONFIG, "upstream", "is too long");
	}
	return true;
}

/* The newest first; looks at a bounded number of them. */
static const char requests_sql[] =
    "SELECT * FROM (SELECT * FROM requests WHERE seq<?1 AND seq>?13 ORDER BY seq DESC LIMIT ?2) "
    "WHERE "
    "(?3='' OR instr(attempts,?3)>0) AND (?4='' OR model=?4) AND (?5='' OR client_key=?5) AND "
    "(?6='' OR session=?6) AND (?7='' OR result=?7) AND at_ms>=?9 AND at_ms<?10 LIMIT ?8";
static const char by_id_sql[] =
    "SELECT * FROM requests WHERE id>=?11 AND id<=?12 AND seq<?1 AND seq>?13 AND "
    "(?3='' OR instr(attempts,?3)>0) AND (?4='' OR model=?4) AND (?5='' OR client_key=?5) AND "
    "(?6='' OR session=?6) AND (?7='' OR result=?7) AND at_ms>=?9 AND at_ms<?10 AND ?2=?2 "
    "ORDER BY seq DESC LIMIT ?8";

static struct sql_stmt *
prepare_requests(struct sql *sql, const struct wanted *wanted, struct err *err)
{
	struct sql_stmt *stmt = sql_prepare(sql, wanted->by_id ? by_id_sql : requests_sql, err);
	if (stmt == NULL)
		return NULL;
	sql_bind_i64(stmt, 1, wanted->before);
	sql_bind_i64(stmt, 2, LOOKED_AT_MAX);
	sql_bind_text(stmt, 3, view_of(wanted->needle));
	sql_bind_text(stmt, 4, wanted->model);
	sql_bind_text(stmt, 5, wanted->client_key);
	sql_bind_text(stmt, 6, wanted->session);
	sql_bind_text(stmt, 7, wanted->result);
	sql_bind_i64(stmt, 8, wanted->limit);
	sql_bind_i64(stmt, 9, wanted->from_ms);
	sql_bind_i64(stmt, 10, wanted->to_ms);
	sql_bind_i64(stmt, 13, wanted->after);
	if (wanted->by_id) {
		sql_bind_blob(stmt, 11, view_make((const char *)wanted->id_from, ID_BYTES));
		sql_bind_blob(stmt, 12, view_make((const char *)wanted->id_to, ID_BYTES));
	}
	return stmt;
}

/* A search by other than the id has looked at so many rows: are there more below? */
static bool
find_next(struct sql *sql, const struct wanted *wanted, const json_t *records, json_t **next,
    struct err *err)
{
	size_t count = json_array_size(records);
	bool full = (int64_t)count == wanted->limit;
	const json_t *last = json_array_get(records, count - 1);
	struct sql_stmt *stmt = sql_prepare(
	    sql, "SELECT seq FROM requests WHERE seq<?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2", err);
	if (stmt == NULL)
		return false;
	sql_bind_i64(
	    stmt, 1, full ? json_integer_value(json_object_get(last, "seq")) : wanted->before);
	sql_bind_i64(stmt, 2, full ? 0 : LOOKED_AT_MAX);
	enum sql_result result = sql_step(stmt, err);
	bool more = result == SQL_ROW && !(wanted->by_id && !full);
	*next = more ? json_integer(sql_i64(stmt, 0) + 1) : json_null();
	sql_reset(stmt);
	return result != SQL_FAILED;
}

json_t *
stats_query_requests(struct stats_store *store, const json_t *body, struct err *err)
{
	struct wanted wanted;
	enum sql_result result;
	json_t *next = NULL;
	if (!read_wanted(body, &wanted, err))
		return NULL;
	struct sql_stmt *stmt = prepare_requests(store->sql, &wanted, err);
	if (stmt == NULL)
		return NULL;
	json_t *records = json_array();
	while ((result = sql_step(stmt, err)) == SQL_ROW) {
		json_t *record = json_object();
		for (size_t i = 0; i < COLUMNS; i++)
			MUST(
			    json_object_set_new(record, columns[i].key, column_json(stmt, i)) == 0);
		MUST(json_array_append_new(records, record) == 0);
	}
	sql_reset(stmt);
	if (result == SQL_DONE && find_next(store->sql, &wanted, records, &next, err))
		return json_pack("{s:o, s:o}", "records", records, "next", next);
	json_decref(records);
	return NULL;
}

/* ---- as earlier versions told it ---- */

enum { OLD_REQUESTS, OLD_INPUT, OLD_OUTPUT, OLD_WRITE, OLD_READ, OLD_COUNT };
#define OLD_SUMS                                                                                   \
	"sum(completed),sum(input),sum(output),sum(cache_write_5m+cache_write_1h),sum(cache_read)"

static json_t *
old_sums(const int64_t sums[OLD_COUNT])
{
	int64_t total = sums[OLD_INPUT] + sums[OLD_OUTPUT] + sums[OLD_WRITE] + sums[OLD_READ];
	json_t *json = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "total_requests",
	    (json_int_t)sums[OLD_REQUESTS], "total_tokens", (json_int_t)total, "total_input_tokens",
	    (json_int_t)sums[OLD_INPUT], "total_output_tokens", (json_int_t)sums[OLD_OUTPUT],
	    "total_cache_creation_tokens", (json_int_t)sums[OLD_WRITE], "total_cache_read_tokens",
	    (json_int_t)sums[OLD_READ]);
	MUST(json != NULL);
	return json;
}

/* `name` of a row, whose sums stand behind `first`. */
static const char *
old_row(const struct sql_stmt *stmt, int first, int64_t sums[OLD_COUNT], char name[512])
{
	struct view text = sql_text(stmt, first - 1);
	(void)snprintf(name, 512, "%.*s", VIEW_ARGS(text));
	for (int i = 0; i < OLD_COUNT; i++)
		sums[i] = sql_i64(stmt, first + i);
	return name;
}

static bool
old_models(
    struct stats_store *store, json_t *models, json_t *names, json_t **summary, struct err *err)
{
	int64_t sums[OLD_COUNT], all[OLD_COUNT] = {0};
	char name[512];
	enum sql_result result;
	struct sql_stmt *stmt = sql_prepare(store->sql,
	    "SELECT name," OLD_SUMS " FROM rolls WHERE epoch=?1 AND by_hour=0 AND roll=?2 "
	    "GROUP BY name ORDER BY name",
	    err);
	if (stmt == NULL)
		return false;
	sql_bind_i64(stmt, 1, store->epoch);
	sql_bind_i64(stmt, 2, STATS_ROLL_MODEL);
	while ((result = sql_step(stmt, err)) == SQL_ROW) {
		(void)old_row(stmt, 1, sums, name);
		for (int i = 0; i < OLD_COUNT; i++)
			all[i] += sums[i];
		MUST(json_object_set_new(models, name, old_sums(sums)) == 0);
		MUST(json_array_append_new(names, json_string(name)) == 0);
	}
	sql_reset(stmt);
	*summary = old_sums(all);
	return result == SQL_DONE;
}

static bool
old_days(struct stats_store *store, json_t *days, struct err *err)
{
	int64_t sums[OLD_COUNT];
	char name[512];
	enum sql_result result;
	struct sql_stmt *stmt = sql_prepare(store->sql,
	    "SELECT at," OLD_SUMS " FROM rolls WHERE epoch=?1 AND by_hour=0 AND roll=?2 "
	    "GROUP BY at ORDER BY at",
	    err);
	if (stmt == NULL)
		return false;
	sql_bind_i64(stmt, 1, store->epoch);
	sql_bind_i64(stmt, 2, STATS_ROLL_ALL);
	while ((result = sql_step(stmt, err)) == SQL_ROW) {
		(void)old_row(stmt, 1, sums, name);
		json_t *day = old_sums(sums);
		MUST(json_object_set_new(day, "models", json_object()) == 0);
		MUST(json_object_set_new(days, name, day) == 0);
	}
	sql_reset(stmt);
	return result == SQL_DONE;
}

/* daily.<day>.models: requests of each. */
static bool
old_day_models(struct stats_store *store, json_t *days, struct err *err)
{
	enum sql_result result;
	struct sql_stmt *stmt = sql_prepare(store->sql,
	    "SELECT at,name,completed FROM rolls WHERE epoch=?1 AND by_hour=0 AND roll=?2 "
	    "ORDER BY at,name",
	    err);
	if (stmt == NULL)
		return false;
	sql_bind_i64(stmt, 1, store->epoch);
	sql_bind_i64(stmt, 2, STATS_ROLL_MODEL);
	while ((result = sql_step(stmt, err)) == SQL_ROW) {
		char day[16], model[512];
		(void)snprintf(day, sizeof(day), "%.*s", VIEW_ARGS(sql_text(stmt, 0)));
		(void)snprintf(model, sizeof(model), "%.*s", VIEW_ARGS(sql_text(stmt, 1)));
		json_t *models = json_object_get(json_object_get(days, day), "models");
		(void)json_object_set_new(models, model, json_integer(sql_i64(stmt, 2)));
	}
	sql_reset(stmt);
	return result == SQL_DONE;
}

json_t *
stats_query_token_stats(struct stats_store *store, const json_t *body, struct err *err)
{
	json_t *models = json_object(), *names = json_array(), *days = json_object();
	json_t *summary = NULL, *answer = NULL;
	(void)body;
	bool ok = sql_exec(store->sql, "BEGIN", err) &&
		  old_models(store, models, names, &summary, err) && old_days(store, days, err) &&
		  old_day_models(store, days, err);
	sql_rollback(store->sql); /* nothing was written */
	if (ok) {
		MUST(json_object_set(summary, "unique_models", names) == 0);
		answer = json_pack("{s:O, s:O, s:O, s:I}", "summary", summary, "by_model", models,
		    "daily", days, "generated_ms", (json_int_t)clock_wall_ms());
		MUST(answer != NULL);
	}
	json_decref(models);
	json_decref(names);
	json_decref(days);
	json_decref(summary);
	return answer;
}

/* ---- budgets ---- */

/* A day counts for a period when it is not before the period's first. */
static const char spent_sql[] =
    "SELECT name,"
    "sum((at>=?1)*(input+cache_write_5m+cache_write_1h+cache_read+output)),"
    "sum((at>=?2)*(input+cache_write_5m+cache_write_1h+cache_read+output)),"
    "sum((at>=?3)*(input+cache_write_5m+cache_write_1h+cache_read+output)),"
    "sum((at>=?1)*cost_nano_usd),sum((at>=?2)*cost_nano_usd),sum((at>=?3)*cost_nano_usd) "
    "FROM rolls WHERE epoch>0 AND by_hour=0 AND roll=?5 AND at>=min(?2,?3) GROUP BY name LIMIT ?4";

bool
stats_query_spent(struct stats_store *store, const struct stats_settings *settings,
    struct stats_spent **out, size_t *count, struct err *err)
{
	char days[PERIODS][11];
	enum sql_result result = SQL_FAILED;
	struct stats_spent *list = mem_calloc(TABLE_CLIENT_KEYS_MAX, sizeof(*list));
	struct sql_stmt *stmt = sql_prepare(store->sql, spent_sql, err);
	*count = 0;
	for (int i = 0; stmt != NULL && i < PERIODS; i++) {
		stats_settings_day(settings, settings->periods.start_ms[i], days[i]);
		sql_bind_text(stmt, i + 1, view_of(days[i]));
	}
	if (stmt != NULL) {
		sql_bind_i64(stmt, 4, TABLE_CLIENT_KEYS_MAX);
		sql_bind_i64(stmt, 5, STATS_ROLL_KEY);
	}
	while (stmt != NULL && (result = sql_step(stmt, err)) == SQL_ROW) {
		struct stats_spent *one = &list[(*count)++];
		(void)snprintf(one->key, sizeof(one->key), "%.*s", VIEW_ARGS(sql_text(stmt, 0)));
		for (int i = 0; i < PERIODS; i++) {
			one->tokens[i] = sql_i64(stmt, 1 + i);
			one->nano[i] = sql_i64(stmt, 1 + PERIODS + i);
		}
	}
	if (stmt != NULL)
		sql_reset(stmt);
	*out = list;
	if (stmt != NULL && result == SQL_DONE)
		return true;
	mem_free(list);
	return false;
}

json_t *
stats_query_usage(struct stats_store *store, const struct stats_settings *settings, struct err *err)
{
	static const char *const names[PERIODS] = {"day", "week", "month"};
	struct stats_spent *list;
	size_t count;
	if (!stats_query_spent(store, settings, &list, &count, err))
		return NULL;
	json_t *keys = json_array(), *periods = json_object();
	for (size_t i = 0; i < PERIODS; i++) {
		json_t *period =
		    json_pack("{s:I, s:I}", "start_ms", (json_int_t)settings->periods.start_ms[i],
			"end_ms", (json_int_t)settings->periods.end_ms[i]);
		MUST(period != NULL && json_object_set_new(periods, names[i], period) == 0);
	}
	for (size_t k = 0; k < count; k++) {
		json_t *tokens = json_object(), *usd = json_object();
		for (size_t i = 0; i < PERIODS; i++) {
			json_object_set_new(tokens, names[i], json_integer(list[k].tokens[i]));
			json_object_set_new(
			    usd, names[i], json_real((double)list[k].nano[i] / 1e9));
		}
		json_t *key =
		    json_pack("{s:s, s:o, s:o}", "id", list[k].key, "tokens", tokens, "usd", usd);
		MUST(key != NULL && json_array_append_new(keys, key) == 0);
	}
	mem_free(list);
	return json_pack("{s:o, s:o}", "periods", periods, "keys", keys);
}
