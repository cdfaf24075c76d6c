/* sql: SQLite (its only includer), in the few calls that the statistics need. One connection, one
 * thread. Text and blobs that a row gives are borrowed until the next step or reset. */
#ifndef PM_SQL_H
#define PM_SQL_H

#include "err.h"
#include "view.h"
#include <stdbool.h>
#include <stdint.h>

struct sql;
struct sql_stmt;

/* Errors: ERR_PARSE where the file is damaged or no database, else ERR_IO (full, read-only, locked,
 * gone). `at` is the path. */

/* Opens or makes the file. `read_only`: never writes, not even a journal. */
MUST_CHECK bool sql_open(const char *path, bool read_only, struct sql **out, struct err *err);
void sql_close(struct sql *sql); /* frees its statements too; NULL is fine */
/* One or more statements without values. */
MUST_CHECK bool sql_exec(struct sql *sql, const char *text, struct err *err);
/* Ends a transaction, whatever became of it: nothing of it stays. */
void sql_rollback(struct sql *sql);
/* A single number that a statement gives, e.g. "PRAGMA page_count"; false when there is none. */
MUST_CHECK bool sql_number(struct sql *sql, const char *text, int64_t *out, struct err *err);

/* Belongs to `sql` and is kept for its life: ask for the same text again to get the same one, reset
 * and without values. At most SQL_STATEMENTS_MAX different texts. NULL and `err` on failure. */
#define SQL_STATEMENTS_MAX 64
struct sql_stmt *sql_prepare(struct sql *sql, const char *text, struct err *err);
/* One of the caller's own, for a text that is not used again: sql_stmt_free, before sql_close. */
struct sql_stmt *sql_prepare_once(struct sql *sql, const char *text, struct err *err);
void sql_stmt_free(struct sql_stmt *stmt); /* NULL is fine */
/* `index` counts from 1. What is bound must live until the statement is reset. */
void sql_bind_i64(struct sql_stmt *stmt, int index, int64_t value);
void sql_bind_text(struct sql_stmt *stmt, int index, struct view text);
void sql_bind_blob(struct sql_stmt *stmt, int index, struct view blob);
/* The value of another statement's column, of whatever type. */
void sql_bind_copy(struct sql_stmt *stmt, int index, const struct sql_stmt *from, int column);

enum sql_result { SQL_ROW, SQL_DONE, SQL_FAILED };
enum sql_result sql_step(struct sql_stmt *stmt, struct err *err);
/* Columns count from 0. */
int64_t sql_i64(const struct sql_stmt *stmt, int column);
struct view sql_text(const struct sql_stmt *stmt, int column); /* text or blob, empty for NULL */
/* Must follow the last step, so that no lock is kept. */
void sql_reset(struct sql_stmt *stmt);
/* A statement that gives no rows: step, reset. */
MUST_CHECK bool sql_run(struct sql_stmt *stmt, struct err *err);
/* Rows that the last one has changed. */
int64_t sql_changes(const struct sql *sql);

#endif
