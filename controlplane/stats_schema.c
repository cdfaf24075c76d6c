/* The schema of the file: its versions, and whether it is as these make it. */
#include "bytes.h"
#include "must.h"
#include "stats_private.h"
#include <stdio.h>

#define VERSION 3
#define SCHEMA_BYTES_MAX ((size_t)64 * 1024)

/* clang-format off */
#define SUMS                                                                                       \
	"requests INTEGER NOT NULL, completed INTEGER NOT NULL, failed INTEGER NOT NULL, "         \
	"gone INTEGER NOT NULL, interrupted INTEGER NOT NULL, calls INTEGER NOT NULL, "            \
	"failed_calls INTEGER NOT NULL, unknown_calls INTEGER NOT NULL, "                          \
	"input INTEGER NOT NULL, cache_write_5m INTEGER NOT NULL, "                                \
	"cache_write_1h INTEGER NOT NULL, cache_read INTEGER NOT NULL, "                           \
	"output INTEGER NOT NULL, reasoning INTEGER NOT NULL, "                                    \
	"web_searches INTEGER NOT NULL, cost_nano_usd INTEGER NOT NULL, "                          \
	"unpriced_calls INTEGER NOT NULL, ms INTEGER NOT NULL, "                                   \
	"bytes_in INTEGER NOT NULL, bytes_out INTEGER NOT NULL"
#define MORE_SUMS(table)                                                                           \
	"ALTER TABLE " table " ADD COLUMN cache_saved_nano_usd INTEGER NOT NULL DEFAULT 0;"        \
	"ALTER TABLE " table " ADD COLUMN cancelled INTEGER NOT NULL DEFAULT 0;"

/* What each version adds to the one before. */
static const struct step {
	const char *sql;
	bool (*fill)(struct sql *sql, struct err *err); /* may be NULL */
} steps[VERSION] = {
    {"CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO meta VALUES('epoch', 1), ('epoch_began_ms', 0);"
    "CREATE TABLE journals(id INTEGER PRIMARY KEY, seq INTEGER NOT NULL);"
    "CREATE TABLE requests(seq INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, "
    "epoch INTEGER NOT NULL, at_ms INTEGER NOT NULL, day TEXT NOT NULL, client_key TEXT NOT NULL, "
    "protocol TEXT NOT NULL, grp TEXT NOT NULL, path TEXT NOT NULL, model TEXT NOT NULL, "
    "upstream TEXT NOT NULL, generate INTEGER NOT NULL, stream INTEGER NOT NULL, "
    "status INTEGER NOT NULL, result TEXT NOT NULL, blame TEXT NOT NULL, reason TEXT NOT NULL, "
    "session TEXT NOT NULL, session_source TEXT NOT NULL, why TEXT NOT NULL, loss TEXT NOT NULL, "
    "ttfb_ms INTEGER NOT NULL, ms INTEGER NOT NULL, bytes_in INTEGER NOT NULL, "
    "bytes_out INTEGER NOT NULL, calls INTEGER NOT NULL, cost_nano_usd INTEGER NOT NULL, "
    "attempts TEXT NOT NULL);"
    "CREATE INDEX requests_at ON requests(at_ms);"
    "CREATE TABLE hours(epoch INTEGER NOT NULL, hour INTEGER NOT NULL, model TEXT NOT NULL, "
    "upstream TEXT NOT NULL, client_key TEXT NOT NULL, protocol TEXT NOT NULL, " SUMS ", "
    "PRIMARY KEY(epoch, hour, model, upstream, client_key, protocol)) WITHOUT ROWID;"
    "CREATE TABLE days(epoch INTEGER NOT NULL, day TEXT NOT NULL, model TEXT NOT NULL, "
    "upstream TEXT NOT NULL, client_key TEXT NOT NULL, protocol TEXT NOT NULL, " SUMS ", "
    "PRIMARY KEY(epoch, day, model, upstream, client_key, protocol)) WITHOUT ROWID;", NULL},
    {"CREATE TABLE rolls(epoch INTEGER NOT NULL, by_hour INTEGER NOT NULL, roll INTEGER NOT NULL, "
    "at NOT NULL, name TEXT NOT NULL, " SUMS ", "
    "PRIMARY KEY(epoch, by_hour, roll, at, name)) WITHOUT ROWID;", NULL},
    /* What was counted before has saved nothing and was not cancelled, as far as one can tell. Only
     * now have all tables the columns that the rolls are filled by. */
    {MORE_SUMS("hours") MORE_SUMS("days") MORE_SUMS("rolls"), stats_rolls_fill},
};
/* clang-format on */

static bool
run_step(struct sql *sql, int64_t version, struct err *err)
{
	char text[64];
	const struct step *step = &steps[version];
	(void)snprintf(
	    text, sizeof(text), "PRAGMA user_version=%lld; COMMIT", (long long)version + 1);
	if (sql_exec(sql, "BEGIN IMMEDIATE", err) && sql_exec(sql, step->sql, err) &&
	    (step->fill == NULL || step->fill(sql, err)) && sql_exec(sql, text, err))
		return true;
	sql_rollback(sql);
	return false;
}

/* What is where, as one text. */
static bool
describe(struct sql *sql, struct bytes *out, struct err *err)
{
	struct sql_stmt *stmt = sql_prepare_once(sql,
	    "SELECT group_concat(type||' '||name||' '||rootpage||' '||coalesce(sql,''), ';') FROM "
	    "(SELECT * FROM sqlite_schema ORDER BY rootpage)",
	    err);
	bool ok = stmt != NULL && sql_step(stmt, err) == SQL_ROW;
	if (ok)
		MUST(bytes_append_view(out, sql_text(stmt, 0)));
	sql_stmt_free(stmt);
	return ok;
}

/* Whether it is the schema of the newest version, to the letter and the page: every file of it was
 * made by the same steps. */
static bool
is_newest(struct sql *sql, bool *newest, struct err *err)
{
	struct sql *model;
	struct bytes wanted, found;
	if (!sql_open(":memory:", false, &model, err))
		return false;
	bytes_init(&wanted, SCHEMA_BYTES_MAX);
	bytes_init(&found, SCHEMA_BYTES_MAX);
	bool ok = sql_exec(model, STATS_NEW_SQL, err);
	for (int64_t version = 0; ok && version < VERSION; version++)
		ok = run_step(model, version, err);
	ok = ok && describe(model, &wanted, err) && describe(sql, &found, err);
	*newest = ok && view_eq(bytes_view(&wanted), bytes_view(&found));
	bytes_fini(&wanted);
	bytes_fini(&found);
	sql_close(model);
	return ok;
}

bool
stats_schema_check(struct sql *sql, struct err *err)
{
	bool newest;
	if (!is_newest(sql, &newest, err))
		return false;
	return newest || err_set(err, ERR_PARSE, STATS_FILE, "its schema is damaged");
}

bool
stats_schema_migrate(struct sql *sql, struct err *err)
{
	int64_t version;
	bool newest;
	if (!sql_number(sql, "PRAGMA user_version", &version, err) || !is_newest(sql, &newest, err))
		return false;
	if (newest && version != VERSION)
		return err_set(err, ERR_PARSE, STATS_FILE, "its version is damaged");
	if (version > VERSION) {
		return err_set(err, ERR_IO, STATS_FILE,
		    "was written by a newer version (%lld, this one knows %d)", (long long)version,
		    VERSION);
	}
	for (; version < VERSION; version++) {
		if (!run_step(sql, version, err))
			return false;
	}
	return true;
}
