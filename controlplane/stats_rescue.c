/* What can be read of a damaged file. */
#include "log.h"
#include "mem.h"
#include "stats_private.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct source {
	struct sql *from, *to;
	const char *table;
	int columns;
	bool complete;
	int64_t rows;
};

/* One that does not fit in (a value that became NULL) is left out. */
static void
copy_row(struct source *source, const struct sql_stmt *row, struct sql_stmt *insert)
{
	struct err err;
	for (int i = 0; i < source->columns; i++)
		sql_bind_copy(insert, i + 1, row, i);
	if (sql_run(insert, &err))
		source->rows += sql_changes(source->to);
	else
		source->complete = false;
}

/* Rows in this order until one cannot be read. */
static bool
copy_run(struct source *source, const char *order)
{
	char select[128], insert[256];
	struct err err;
	enum sql_result result = SQL_FAILED;
	(void)snprintf(select, sizeof(select), "SELECT * FROM %s %s", source->table, order);
	int len =
	    snprintf(insert, sizeof(insert), "INSERT OR REPLACE INTO %s VALUES(", source->table);
	for (int i = 0; i < source->columns; i++)
		len += snprintf(insert + len, sizeof(insert) - (size_t)len, i > 0 ? ",?" : "?");
	(void)snprintf(insert + len, sizeof(insert) - (size_t)len, ")");
	struct sql_stmt *row = sql_prepare_once(source->from, select, &err);
	struct sql_stmt *put = sql_prepare_once(source->to, insert, &err);
	while (row != NULL && put != NULL && (result = sql_step(row, &err)) == SQL_ROW)
		copy_row(source, row, put);
	sql_stmt_free(row);
	sql_stmt_free(put);
	return result == SQL_DONE;
}

/* From both ends: what lies behind one damaged page is found from the other side. */
static int64_t
copy_table(
    struct source *source, const char *table, int columns, const char *order, const char *back)
{
	source->table = table;
	source->columns = columns;
	source->rows = 0;
	if (copy_run(source, order))
		return source->rows;
	source->complete = false;
	(void)copy_run(source, back);
	return source->rows;
}

static void
put_u32(unsigned char *out, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		out[i] = (unsigned char)(value >> (24 - 8 * i));
}

/* Where things are in the head of a file:
 * https://www.sqlite.org/fileformat2.html#the_database_header */
static void
fill_head(unsigned char *page, off_t file_bytes)
{
	put_u32(page + 24, 1); /* counter of changes, to which the size belongs */
	put_u32(page + 28, (uint32_t)(file_bytes / STATS_PAGE_BYTES));
	put_u32(page + 32, 0); /* no free pages are known */
	put_u32(page + 36, 0);
	put_u32(page + 92, 1);
}

void
stats_rescue_head(const char *whole, const char *path)
{
	unsigned char page[STATS_PAGE_BYTES];
	struct stat facts;
	int from = open(whole, O_RDONLY | O_CLOEXEC);
	int to = open(path, O_RDWR | O_CLOEXEC);
	bool ok = from >= 0 && to >= 0 && fstat(to, &facts) == 0 &&
		  facts.st_size > STATS_PAGE_BYTES &&
		  pread(from, page, sizeof(page), 0) == STATS_PAGE_BYTES;
	if (ok) {
		fill_head(page, facts.st_size);
		ok = pwrite(to, page, sizeof(page), 0) == STATS_PAGE_BYTES;
	}
	if (!ok)
		log_msg(LOG_WARN, "statistics_rescue", "the first page stays as it is");
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
}

/* Or leaves the sums as they are. */
static void
rebuild(struct sql *to, struct stats_rescued *out)
{
	struct err err, ignored;
	if (!sql_exec(to, "SAVEPOINT rebuild", &err) || !stats_rebuild(to, &out->rebuilt, &err)) {
		log_err(LOG_WARN, "statistics_rescue", &err);
		(void)!sql_exec(to, "ROLLBACK TO rebuild", &ignored);
		out->rebuilt = 0;
	}
	(void)!sql_exec(to, "RELEASE rebuild", &ignored);
}

void
stats_rescue(struct sql *to, const char *path, struct stats_rescued *out)
{
	struct err err;
	struct source source = {.to = to, .complete = true};
	*out = (struct stats_rescued){0};
	if (!sql_open(path, true, &source.from, &err))
		return;
	/* Also half of it is better than nothing: no transaction would be rolled back for a row. */
	bool began = sql_exec(to, "BEGIN IMMEDIATE", &err);
	(void)copy_table(&source, "meta", 2, "ORDER BY key", "ORDER BY key DESC");
	out->journals = copy_table(&source, "journals", 2, "ORDER BY id", "ORDER BY id DESC");
	out->sums = copy_table(&source, "days", 6 + STATS_SUM_COUNT,
	    "ORDER BY epoch, day, model, upstream, client_key, protocol",
	    "ORDER BY epoch DESC, day DESC, model DESC, upstream DESC, client_key DESC, protocol "
	    "DESC");
	out->sums += copy_table(&source, "hours", 6 + STATS_SUM_COUNT,
	    "ORDER BY epoch, hour, model, upstream, client_key, protocol",
	    "ORDER BY epoch DESC, hour DESC, model DESC, upstream DESC, client_key DESC, protocol "
	    "DESC");
	out->requests = copy_table(&source, "requests", 28, "ORDER BY seq", "ORDER BY seq DESC");
	rebuild(to, out);
	if (!stats_rolls_fill(to, &err) || (began && !sql_exec(to, "COMMIT", &err))) {
		log_err(LOG_ERROR, "statistics_rescue", &err);
		sql_rollback(to);
		*out = (struct stats_rescued){0};
	} else {
		out->complete = source.complete;
	}
	sql_close(source.from);
}
