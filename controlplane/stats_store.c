/* The file: opening, versions, damage, retention. */
#include "log.h"
#include "mem.h"
#include "must.h"
#include "stats_private.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4096
#define TRIM_ROWS 2000
#define LOOK_ROWS 2000
#define DAY_MS INT64_C(86400000)

static const char settings_sql[] = "PRAGMA journal_mode=WAL;"
				   "PRAGMA synchronous=FULL;"
				   "PRAGMA temp_store=MEMORY;"
				   "PRAGMA cache_size=-4096;"
				   "PRAGMA mmap_size=0;"
				   "PRAGMA journal_size_limit=4194304;"
				   "PRAGMA wal_autocheckpoint=500;";

static bool
check(struct sql *sql, const char *path, bool thorough, struct err *err)
{
	static const char *const whole[] = {"1", NULL};
	static const char *const parts[] = {"'meta'", "'journals'", "'days'", "'rolls'", NULL};
	char text[96];
	for (const char *const *part = thorough ? whole : parts; *part != NULL; part++) {
		int64_t bad;
		(void)snprintf(text, sizeof(text),
		    "SELECT count(*) FROM pragma_quick_check(%s) WHERE quick_check<>'ok'", *part);
		if (!sql_number(sql, text, &bad, err))
			return false;
		if (bad != 0)
			return err_set(err, ERR_PARSE, path, "the file is damaged");
	}
	return true;
}

/* Nothing was ever written: who is killed before his first write leaves an empty file. With a log
 * beside it, it was not empty once. */
static bool
is_new(const char *path)
{
	char log[PATH_BYTES];
	struct stat st;
	MUST(snprintf(log, sizeof(log), "%s-wal", path) < PATH_BYTES);
	return stat(path, &st) != 0 || (st.st_size == 0 && access(log, F_OK) != 0);
}

/* Opens what is there. ERR_PARSE: it is damaged. */
static struct sql *
open_file(const char *path, bool thorough, struct err *err)
{
	struct sql *sql;
	bool fresh = is_new(path);
	if (!sql_open(path, false, &sql, err))
		return NULL;
	if ((!fresh || sql_exec(sql, STATS_NEW_SQL, err)) && sql_exec(sql, settings_sql, err) &&
	    stats_schema_migrate(sql, err) && stats_schema_check(sql, err) &&
	    check(sql, path, thorough, err))
		return sql;
	sql_close(sql);
	return NULL;
}

static void
remove_file(const char *path, const char *suffix)
{
	char name[PATH_BYTES];
	(void)snprintf(name, sizeof(name), "%s%s", path, suffix);
	(void)unlink(name);
}

static bool
put_aside(const char *path, const char *aside, struct err *err)
{
	char from[PATH_BYTES], to[PATH_BYTES];
	static const char *const suffixes[] = {"-wal", "-shm", ""};
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(from, sizeof(from), "%s%s", path, suffixes[i]);
		(void)snprintf(to, sizeof(to), "%s%s", aside, suffixes[i]);
		remove_file(aside, suffixes[i]);
		if (rename(from, to) != 0 && errno != ENOENT)
			return err_errno(err, from, "cannot be put aside");
	}
	return true;
}

/* A new file with all that can be read of the damaged one. */
static struct sql *
rescue(const char *path, struct err *err)
{
	char aside[PATH_BYTES];
	struct stats_rescued rescued = {0};
	struct log_line line;
	log_err(LOG_ERROR, "statistics_damaged", err);
	MUST(snprintf(aside, sizeof(aside), "%s.damaged", path) < PATH_BYTES);
	if (!put_aside(path, aside, err))
		return NULL;
	struct sql *sql = open_file(path, true, err);
	if (sql == NULL)
		return NULL;
	/* Read while it is closed, which also writes all of it into the file: to close a file that
	 * SQLite has open would end its locks. */
	sql_close(sql);
	stats_rescue_head(path, aside);
	sql = open_file(path, true, err);
	if (sql == NULL)
		return NULL;
	stats_rescue(sql, aside, &rescued);
	log_begin(&line, LOG_WARN, "statistics_rescued");
	log_int(&line, "requests", rescued.requests);
	log_int(&line, "sums", rescued.sums);
	log_int(&line, "rebuilt", rescued.rebuilt);
	log_int(&line, "journals", rescued.journals);
	log_str(&line, "complete", rescued.complete ? "true" : "false");
	log_str(&line, "kept", aside);
	log_end(&line);
	return sql;
}

struct stats_store *
stats_store_open(const char *folder, bool thorough, struct err *err)
{
	char path[PATH_BYTES];
	struct err why;
	int len = snprintf(path, sizeof(path), "%s/%s", folder, STATS_FILE);
	if (len < 0 || (size_t)len >= sizeof(path) - 16) {
		err_set(err, ERR_CONFIG, folder, "the path is too long");
		return NULL;
	}
	struct sql *sql = open_file(path, thorough, &why);
	if (sql == NULL && why.kind == ERR_PARSE)
		sql = rescue(path, &why);
	int64_t epoch;
	if (sql != NULL &&
	    !sql_number(sql, "SELECT value FROM meta WHERE key='epoch'", &epoch, &why)) {
		sql_close(sql);
		sql = NULL;
	}
	if (sql == NULL) {
		*err = why;
		return NULL;
	}
	struct stats_store *store = MEM_NEW(struct stats_store);
	store->sql = sql;
	store->epoch = epoch;
	return store;
}

void
stats_store_close(struct stats_store *store)
{
	if (store == NULL)
		return;
	sql_close(store->sql);
	mem_free(store);
}

struct sql *
stats_store_sql(struct stats_store *store)
{
	return store->sql;
}

int64_t
stats_store_epoch(const struct stats_store *store)
{
	return store->epoch;
}

bool
stats_store_reset(struct stats_store *store, int64_t now_ms, struct err *err)
{
	struct sql_stmt *stmt = sql_prepare(store->sql,
	    "INSERT OR REPLACE INTO meta VALUES('epoch', ?1), ('epoch_began_ms', ?2)", err);
	if (stmt == NULL)
		return false;
	sql_bind_i64(stmt, 1, store->epoch + 1);
	sql_bind_i64(stmt, 2, now_ms);
	if (!sql_run(stmt, err))
		return false;
	store->epoch++;
	return true;
}

bool
stats_store_look(struct stats_store *store, int64_t *after, bool *more, struct err *err)
{
	struct sql_stmt *stmt = sql_prepare(store->sql,
	    "SELECT max(seq), sum(length(attempts)+length(id)), count(*) FROM "
	    "(SELECT * FROM requests WHERE seq>?1 ORDER BY seq LIMIT ?2)",
	    err);
	if (stmt == NULL)
		return false;
	sql_bind_i64(stmt, 1, *after);
	sql_bind_i64(stmt, 2, LOOK_ROWS);
	bool ok = sql_step(stmt, err) == SQL_ROW;
	*more = ok && sql_i64(stmt, 2) == LOOK_ROWS;
	*after = ok ? sql_i64(stmt, 0) : *after;
	sql_reset(stmt);
	return ok;
}

/* ---- retention ---- */

static bool
drop_before(struct stats_store *store, int64_t before_ms, int64_t *dropped, struct err *err)
{
	struct sql_stmt *stmt = sql_prepare(store->sql,
	    "DELETE FROM requests WHERE seq IN "
	    "(SELECT seq FROM requests WHERE at_ms < ?1 ORDER BY at_ms LIMIT ?2)",
	    err);
	if (stmt == NULL)
		return false;
	sql_bind_i64(stmt, 1, before_ms);
	sql_bind_i64(stmt, 2, TRIM_ROWS);
	if (!sql_run(stmt, err))
		return false;
	*dropped = sql_changes(store->sql);
	return true;
}

bool
stats_store_trim(struct stats_store *store, const struct stats_settings *settings, int64_t now_ms,
    bool *more, struct err *err)
{
	int64_t pages, free_pages, page_bytes, dropped;
	int64_t before_ms = now_ms - (int64_t)settings->keep_days * DAY_MS;
	if (!sql_number(store->sql, "PRAGMA page_count", &pages, err) ||
	    !sql_number(store->sql, "PRAGMA freelist_count", &free_pages, err) ||
	    !sql_number(store->sql, "PRAGMA page_size", &page_bytes, err))
		return false;
	bool big = (uint64_t)((pages - free_pages) * page_bytes) > settings->keep_bytes;
	if (!drop_before(store, big ? INT64_MAX : before_ms, &dropped, err))
		return false;
	*more = dropped == TRIM_ROWS;
	return (dropped == 0 && free_pages == 0) ||
	       sql_exec(store->sql, "PRAGMA incremental_vacuum(2000)", err);
}
