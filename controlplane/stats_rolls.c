/* The sums by one thing at a time, so that a question about many days is one about few rows. */
#include "must.h"
#include "stats_private.h"
#include <stdio.h>

#define SQL_BYTES 2048

const char *const stats_roll_columns[STATS_ROLLS] = {[STATS_ROLL_ALL] = "''",
    [STATS_ROLL_MODEL] = "model",
    [STATS_ROLL_UPSTREAM] = "upstream",
    [STATS_ROLL_KEY] = "client_key",
    [STATS_ROLL_PROTOCOL] = "protocol"};

static bool
fill(struct sql *sql, bool hours, enum stats_roll roll, struct err *err)
{
	char text[SQL_BYTES];
	const char *name = stats_roll_columns[roll];
	int len = snprintf(text, sizeof(text), "INSERT INTO rolls SELECT epoch,%d,%d,%s,%s", hours,
	    (int)roll, hours ? "hour" : "day", name);
	for (size_t i = 0; i < STATS_SUM_COUNT; i++) {
		len += snprintf(text + len, sizeof(text) - (size_t)len, ",coalesce(sum(%s),0)",
		    stats_sum_names[i]);
	}
	len += snprintf(text + len, sizeof(text) - (size_t)len, " FROM %s GROUP BY 1,4,5",
	    hours ? "hours" : "days");
	MUST(len > 0 && (size_t)len < sizeof(text));
	return sql_exec(sql, text, err);
}

bool
stats_rolls_fill(struct sql *sql, struct err *err)
{
	bool ok = sql_exec(sql, "DELETE FROM rolls", err);
	for (int roll = 0; roll < STATS_ROLLS; roll++) {
		ok = ok && fill(sql, false, (enum stats_roll)roll, err) &&
		     fill(sql, true, (enum stats_roll)roll, err);
	}
	return ok;
}
