#include "sql.h"
#include "mem.h"
#include "must.h"
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#define BUSY_MS 2000 /* another program may look at the file */

struct sql_stmt {
	struct sql *sql;
	sqlite3_stmt *handle;
	const char *text; /* the caller's, a constant */
};

struct sql {
	sqlite3 *handle;
	char *path;
	struct sql_stmt statements[SQL_STATEMENTS_MAX];
	size_t count;
};

static bool
fail(const struct sql *sql, int rc, struct err *err)
{
	int kind = rc & 0xff;
	/* An error of a statement's text: ours are right, so the file's schema is not. */
	bool damaged = kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB || kind == SQLITE_ERROR;
	return err_set(err, damaged ? ERR_PARSE : ERR_IO, sql->path, "%s",
	    sql->handle != NULL ? sqlite3_errmsg(sql->handle) : sqlite3_errstr(rc));
}

bool
sql_open(const char *path, bool read_only, struct sql **out, struct err *err)
{
	struct sql *sql = MEM_NEW(struct sql);
	int flags = read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	sql->path = mem_dup_str(path);
	int rc = sqlite3_open_v2(
	    path, &sql->handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	if (rc != SQLITE_OK) {
		(void)fail(sql, rc, err);
		sql_close(sql);
		return false;
	}
	(void)sqlite3_busy_timeout(sql->handle, BUSY_MS);
	*out = sql;
	return true;
}

void
sql_close(struct sql *sql)
{
	if (sql == NULL)
		return;
	for (size_t i = 0; i < sql->count; i++)
		(void)sqlite3_finalize(sql->statements[i].handle);
	(void)sqlite3_close(sql->handle);
	mem_free(sql->path);
	mem_free(sql);
}

bool
sql_exec(struct sql *sql, const char *text, struct err *err)
{
	int rc = sqlite3_exec(sql->handle, text, NULL, NULL, NULL);
	return rc == SQLITE_OK || fail(sql, rc, err);
}

void
sql_rollback(struct sql *sql)
{
	(void)sqlite3_exec(sql->handle, "ROLLBACK", NULL, NULL, NULL);
}

bool
sql_number(struct sql *sql, const char *text, int64_t *out, struct err *err)
{
	sqlite3_stmt *handle;
	int rc = sqlite3_prepare_v2(sql->handle, text, -1, &handle, NULL);
	if (rc != SQLITE_OK)
		return fail(sql, rc, err);
	rc = sqlite3_step(handle);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int64(handle, 0);
	else
		(void)fail(sql, rc, err);
	(void)sqlite3_finalize(handle);
	return rc == SQLITE_ROW;
}

struct sql_stmt *
sql_prepare(struct sql *sql, const char *text, struct err *err)
{
	for (size_t i = 0; i < sql->count; i++) {
		if (strcmp(sql->statements[i].text, text) == 0) {
			sql_reset(&sql->statements[i]);
			(void)sqlite3_clear_bindings(sql->statements[i].handle);
			return &sql->statements[i];
		}
	}
	MUST(sql->count < SQL_STATEMENTS_MAX);
	struct sql_stmt *stmt = &sql->statements[sql->count];
	int rc = sqlite3_prepare_v3(
	    sql->handle, text, -1, SQLITE_PREPARE_PERSISTENT, &stmt->handle, NULL);
	if (rc != SQLITE_OK) {
		(void)fail(sql, rc, err);
		return NULL;
	}
	stmt->sql = sql;
	stmt->text = text;
	sql->count++;
	return stmt;
}

struct sql_stmt *
sql_prepare_once(struct sql *sql, const char *text, struct err *err)
{
	struct sql_stmt *stmt = MEM_NEW(struct sql_stmt);
	int rc = sqlite3_prepare_v2(sql->handle, text, -1, &stmt->handle, NULL);
	stmt->sql = sql;
	if (rc == SQLITE_OK)
		return stmt;
	(void)fail(sql, rc, err);
	mem_free(stmt);
	return NULL;
}

void
sql_stmt_free(struct sql_stmt *stmt)
{
	if (stmt == NULL)
		return;
	(void)sqlite3_finalize(stmt->handle);
	mem_free(stmt);
}

void
sql_bind_copy(struct sql_stmt *stmt, int index, const struct sql_stmt *from, int column)
{
	const sqlite3_value *value = sqlite3_column_value(from->handle, column);
	MUST(sqlite3_bind_value(stmt->handle, index, value) == SQLITE_OK);
}

void
sql_bind_i64(struct sql_stmt *stmt, int index, int64_t value)
{
	MUST(sqlite3_bind_int64(stmt->handle, index, value) == SQLITE_OK);
}

void
sql_bind_text(struct sql_stmt *stmt, int index, struct view text)
{
	MUST(sqlite3_bind_text(stmt->handle, index, text.data != NULL ? text.data : "",
		 (int)text.len, SQLITE_STATIC) == SQLITE_OK);
}

void
sql_bind_blob(struct sql_stmt *stmt, int index, struct view blob)
{
	MUST(sqlite3_bind_blob(stmt->handle, index, blob.data != NULL ? blob.data : "",
		 (int)blob.len, SQLITE_STATIC) == SQLITE_OK);
}

enum sql_result
sql_step(struct sql_stmt *stmt, struct err *err)
{
	int rc = sqlite3_step(stmt->handle);
	if (rc == SQLITE_ROW)
		return SQL_ROW;
	if (rc == SQLITE_DONE)
		return SQL_DONE;
	(void)fail(stmt->sql, rc, err);
	return SQL_FAILED;
}

int64_t
sql_i64(const struct sql_stmt *stmt, int column)
{
	return sqlite3_column_int64(stmt->handle, column);
}

struct view
sql_text(const struct sql_stmt *stmt, int column)
{
	const void *data = sqlite3_column_blob(stmt->handle, column);
	int len = sqlite3_column_bytes(stmt->handle, column);
	return view_make(data, data != NULL && len > 0 ? (size_t)len : 0);
}

void
sql_reset(struct sql_stmt *stmt)
{
	(void)sqlite3_reset(stmt->handle);
}

bool
sql_run(struct sql_stmt *stmt, struct err *err)
{
	enum sql_result result = sql_step(stmt, err);
	sql_reset(stmt);
	return result != SQL_FAILED;
}

int64_t
sql_changes(const struct sql *sql)
{
	return sqlite3_changes64(sql->handle);
}
