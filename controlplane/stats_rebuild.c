/* Sums that damage has cost, made anew from the single requests. */
#include "must.h"
#include "stats_private.h"
#include <stdio.h>
#include <string.h>

#define SQL_BYTES 8192
#define PIECE_ROWS 20000 /* of requests at a time, so that little memory is needed */

/* Of one call: a.key is its place in the list, NULL where a request has had none. */
#define LAST "(a.key IS NULL OR a.key=json_array_length(r.list)-1)"
#define CALL "(a.key IS NOT NULL)"
#define MORE LAST "*max(r.calls-json_array_length(r.list),0)"
#define MEMBER(name) "json_extract(a.value,'$." name "')"
#define COUNT(name) "max(coalesce(" MEMBER(name) ",0),0)"
#define IS(member, word) "coalesce(" MEMBER(member) "='" word "',0)"

/* Of one request: as all its rows of the sums together have. */
#define CALLS                                                                                      \
	"max(r.calls,CASE WHEN json_valid(r.attempts) THEN json_array_length(r.attempts) ELSE 0 "  \
	"END)"

/* In the order of stats_sum_names; as stats_add.c counts. */
static const char *const counts[] = {
    LAST,
    LAST "*(r.result='completed')",
    LAST "*(r.result IN ('failed','passed','refused'))",
    LAST "*(r.result='client_gone')",
    LAST "*(r.result='interrupted')",
    CALL "+" MORE,
    CALL "*(1-" IS("blame", "nobody") ")",
    CALL "*(1-" IS("usage", "reported") ")+" MORE,
    COUNT("input"),
    COUNT("cache_write_5m"),
    COUNT("cache_write_1h"),
    COUNT("cache_read"),
    COUNT("output"),
    COUNT("reasoning"),
    COUNT("web_searches"),
    COUNT("cost_nano_usd"),
    CALL "*(1-" IS("usage", "missing") ")*coalesce(" MEMBER("cost_nano_usd") "<0,0)",
    LAST "*r.ms",
    LAST "*r.bytes_in",
    LAST "*r.bytes_out",
    "coalesce(" MEMBER("cache_saved_nano_usd") ",0)",
    LAST "*(r.result='cancelled')",
};

_Static_assert(sizeof(counts) / sizeof(counts[0]) == STATS_SUM_COUNT, "one for each column");

struct sums_table {
	const char *name, *column;
	const char *moment;       /* of a request r */
	const char *right, *told; /* of a row of the sums, and of a request r: no damage is seen */
};
#define IS_DAY " GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]'"
static const struct sums_table tables[] = {
    {"days", "day", "r.day", "day" IS_DAY, "r.day" IS_DAY},
    {"hours", "hour", "r.at_ms/3600000*3600", "hour%3600=0", "r.at_ms>0"},
};

/* Days (or hours) of which there are more requests or calls than the sums know: these sums go, and
 * those of what is no day. Not where all in all the sums know as many: a request with damage may
 * say that it was on another day. */
static bool
drop_short_ones(struct sql *sql, const struct sums_table *table, struct err *err)
{
	char text[2048];
	int len = snprintf(text, sizeof(text),
	    "DELETE FROM %s WHERE NOT coalesce(%s,0);"
	    "DROP TABLE IF EXISTS temp.short;"
	    "CREATE TEMP TABLE short AS WITH "
	    "q AS (SELECT epoch, %s AS at, count(*) AS n, sum(" CALLS ") AS calls FROM requests r "
	    "WHERE generate AND %s GROUP BY 1,2),"
	    "s AS (SELECT epoch, %s AS at, sum(requests) AS n, sum(calls) AS calls FROM %s "
	    "GROUP BY 1,2),"
	    "later AS (SELECT coalesce(sum(n),0) AS n, coalesce(sum(calls),0) AS calls FROM s "
	    "WHERE at>=(SELECT min(at) FROM q)) "
	    "SELECT q.epoch AS epoch, q.at AS at FROM q "
	    "LEFT JOIN s ON s.epoch=q.epoch AND s.at=q.at WHERE "
	    "(q.n>coalesce(s.n,0) AND (SELECT sum(n) FROM q)>(SELECT n FROM later)) OR "
	    "(q.calls>coalesce(s.calls,0) AND "
	    "(SELECT sum(calls) FROM q)>(SELECT calls FROM later));"
	    "DELETE FROM %s WHERE (epoch,%s) IN (SELECT epoch,at FROM temp.short)",
	    table->name, table->right, table->moment, table->told, table->column, table->name,
	    table->name, table->column);
	MUST(len > 0 && (size_t)len < sizeof(text));
	return sql_exec(sql, text, err);
}

static void
make_text(const struct sums_table *table, char text[SQL_BYTES])
{
	size_t len = (size_t)snprintf(text, SQL_BYTES,
	    "INSERT INTO %s SELECT r.epoch,%s,r.model,coalesce(" MEMBER(
		"upstream") ",''),r.client_key,r.protocol",
	    table->name, table->moment);
	for (size_t i = 0; i < STATS_SUM_COUNT; i++)
		len += (size_t)snprintf(text + len, SQL_BYTES - len, ",sum(%s)", counts[i]);
	len += (size_t)snprintf(text + len, SQL_BYTES - len,
	    " FROM (SELECT *, CASE WHEN json_valid(attempts) THEN attempts ELSE '[]' END AS list "
	    "FROM requests WHERE generate AND seq>?1 AND seq<=?2) r "
	    "LEFT JOIN json_each(r.list) a WHERE (r.epoch,%s) IN "
	    "(SELECT epoch,at FROM temp.short) GROUP BY 1,2,3,4,5,6 ON CONFLICT DO UPDATE SET ",
	    table->moment);
	for (size_t i = 0; i < STATS_SUM_COUNT; i++)
		len += (size_t)snprintf(text + len, SQL_BYTES - len, "%s%s=%s+excluded.%s",
		    i > 0 ? "," : "", stats_sum_names[i], stats_sum_names[i], stats_sum_names[i]);
	MUST(len < SQL_BYTES);
}

static bool
add_requests(struct sql *sql, const struct sums_table *table, struct err *err)
{
	char text[SQL_BYTES];
	int64_t last;
	make_text(table, text);
	if (!sql_number(sql, "SELECT coalesce(max(seq),0) FROM requests", &last, err))
		return false;
	struct sql_stmt *stmt = sql_prepare_once(sql, text, err);
	bool ok = stmt != NULL;
	for (int64_t at = 0; ok && at < last; at += PIECE_ROWS) {
		sql_bind_i64(stmt, 1, at);
		sql_bind_i64(stmt, 2, at + PIECE_ROWS);
		ok = sql_run(stmt, err);
	}
	sql_stmt_free(stmt);
	return ok;
}

bool
stats_rebuild(struct sql *sql, int64_t *made, struct err *err)
{
	*made = 0;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		int64_t count;
		if (!drop_short_ones(sql, &tables[i], err) ||
		    !sql_number(sql, "SELECT count(*) FROM temp.short", &count, err))
			return false;
		if (count > 0 && !add_requests(sql, &tables[i], err))
			return false;
		*made += count;
	}
	/* Where the number of the epoch is lost, it is the last that anything was counted in. */
	return sql_exec(sql,
	    "DROP TABLE temp.short;"
	    "INSERT OR REPLACE INTO meta SELECT 'epoch', max(m.value, n.last) FROM meta m, "
	    "(SELECT coalesce(max(epoch),1) AS last FROM (SELECT epoch FROM days UNION ALL "
	    "SELECT epoch FROM hours)) n WHERE m.key='epoch'",
	    err);
}
