#include "stats_query.h"
#include "jget.h"
#include "must.h"
#include "stats_private.h"
#include <stdio.h>
#include <string.h>

#define ROWS_MAX 5000
#define TEXT_BYTES_MAX 256
#define GROUPS_MAX 2
#define SQL_BYTES 4096

/* ---- what is asked ---- */

struct grouping {
	const char *word; /* and the column of hours or days */
	enum stats_roll roll;
};
static const struct grouping groupings[] = {
    {"day", STATS_ROLL_ALL},
    {"hour", STATS_ROLL_ALL},
    {"model", STATS_ROLL_MODEL},
    {"upstream", STATS_ROLL_UPSTREAM},
    {"client_key", STATS_ROLL_KEY},
    {"protocol", STATS_ROLL_PROTOCOL},
};
#define GROUPINGS (sizeof(groupings) / sizeof(groupings[0]))
enum { BY_DAY, BY_HOUR };

/* What a row's column must be, one for each roll that has a name; NULL = anything. */
#define FILTERS STATS_ROLLS

struct asked {
	const struct grouping *groups[GROUPS_MAX];
	size_t group_count;
	struct view from, to;   /* days, both counted in; empty = open */
	int64_t from_ms, to_ms; /* or hours: from_ms <= hour < to_ms */
	bool by_hours;          /* the table of hours is asked */
	bool all_epochs;
	struct view filters[FILTERS];
	bool rolled; /* about one thing at the most: `roll` knows it */
	enum stats_roll roll;
};

static bool
read_groups(const json_t *body, struct asked *asked, struct err *err)
{
	struct view list = {0}, word;
	if (!jget_str(body, "", "by", &list, err))
		return false;
	while (list.len > 0 && view_split(&list, ',', &word)) {
		size_t at = 0;
		while (at < GROUPINGS && !view_eq_str(word, groupings[at].word))
			at++;
		if (at == GROUPINGS || asked->group_count == GROUPS_MAX) {
			return err_set(err, ERR_CONFIG, "by",
			    "takes up to two of day, hour, model, upstream, client_key, protocol");
		}
		asked->groups[asked->group_count++] = &groupings[at];
		asked->by_hours = asked->by_hours || at == BY_HOUR;
	}
	return true;
}

static bool
read_day(const json_t *body, const char *key, struct view *out, struct err *err)
{
	*out = (struct view){0};
	if (!jget_str(body, "", key, out, err))
		return false;
	bool good = out->len == 0 || out->len == 10;
	for (size_t i = 0; good && i < out->len; i++) {
		char c = out->data[i];
		good = i == 4 || i == 7 ? c == '-' : c >= '0' && c <= '9';
	}
	return good || err_set(err, ERR_CONFIG, key, "must be a day like 2026-11-26");
}

static bool
read_filters(const json_t *body, struct asked *asked, struct err *err)
{
	for (size_t i = STATS_ROLL_ALL + 1; i < FILTERS; i++) {
		const char *column = stats_roll_columns[i];
		asked->filters[i] = (struct view){0};
		if (!jget_str(body, "", column, &asked->filters[i], err))
			return false;
		if (asked->filters[i].len > TEXT_BYTES_MAX)
			return err_set(err, ERR_CONFIG, column, "is too long");
	}
	return true;
}

/* Those that tell apart or filter by two things need the tables that have both. */
static void
choose_roll(struct asked *asked)
{
	enum stats_roll roll = STATS_ROLL_ALL;
	asked->rolled = true;
	for (size_t i = 0; i < asked->group_count + FILTERS; i++) {
		bool group = i < asked->group_count;
		size_t filter = i - asked->group_count;
		enum stats_roll one = group ? asked->groups[i]->roll
				      : asked->filters[filter].data != NULL
					  ? (enum stats_roll)filter
					  : STATS_ROLL_ALL;
		if (one != STATS_ROLL_ALL && roll != STATS_ROLL_ALL && one != roll)
			asked->rolled = false;
		roll = one != STATS_ROLL_ALL ? one : roll;
	}
	asked->roll = roll;
}

static bool
read_asked(const json_t *body, struct asked *asked, struct err *err)
{
	struct view epochs = {0};
	*asked = (struct asked){.to_ms = INT64_MAX};
	if (!read_groups(body, asked, err) || !read_day(body, "from", &asked->from, err) ||
	    !read_day(body, "to", &asked->to, err) ||
	    !jget_int(body, "", "from_ms", 0, INT64_MAX, &asked->from_ms, err) ||
	    !jget_int(body, "", "to_ms", 0, INT64_MAX, &asked->to_ms, err) ||
	    !jget_str(body, "", "epochs", &epochs, err) || !read_filters(body, asked, err))
		return false;
	if (epochs.len > 0 && !view_eq_str(epochs, "current") && !view_eq_str(epochs, "all"))
		return err_set(err, ERR_CONFIG, "epochs", "must be current or all");
	asked->all_epochs = view_eq_str(epochs, "all");
	asked->by_hours = asked->by_hours || asked->from_ms > 0 || asked->to_ms < INT64_MAX;
	if (asked->by_hours && (asked->from.len > 0 || asked->to.len > 0))
		return err_set(err, ERR_CONFIG, "from", "hours go by from_ms and to_ms");
	for (size_t i = 0; i < asked->group_count; i++) {
		if (asked->by_hours && asked->groups[i] == &groupings[BY_DAY])
			return err_set(err, ERR_CONFIG, "by", "day and hour do not go together");
	}
	choose_roll(asked);
	return true;
}

/* ---- the statement ---- */

struct text {
	char data[SQL_BYTES];
	size_t len;
};

static void PRINTF_LIKE(2, 3) put(struct text *text, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int len = vsnprintf(text->data + text->len, sizeof(text->data) - text->len, fmt, args);
	va_end(args);
	MUST(len >= 0 && (size_t)len < sizeof(text->data) - text->len);
	text->len += (size_t)len;
}

/* The column that a grouping has in the table that is asked. */
static const char *
column_of(const struct asked *asked, const struct grouping *group)
{
	if (!asked->rolled)
		return group->word;
	return group->roll == STATS_ROLL_ALL ? "at" : "name";
}

/* Values are bound, never written: ?1 epoch, ?2 and ?3 the range, ?4... the filters. */
static void
put_where(struct text *text, const struct asked *asked)
{
	const char *moment = asked->by_hours ? "hour" : "day";
	const char *table = asked->by_hours ? "hours" : "days";
	put(text, " FROM %s WHERE %s", asked->rolled ? "rolls" : table,
	    asked->all_epochs ? "epoch>0 AND ?1=?1" : "epoch=?1");
	if (asked->rolled)
		put(text, " AND by_hour=%d AND roll=%d", asked->by_hours, (int)asked->roll);
	put(text, " AND %s>=?2 AND %s%s?3", asked->rolled ? "at" : moment,
	    asked->rolled ? "at" : moment, asked->by_hours ? "<" : "<=");
	for (size_t i = 0; i < FILTERS; i++) {
		if (asked->filters[i].data != NULL)
			put(text, " AND %s=?%zu", asked->rolled ? "name" : stats_roll_columns[i],
			    4 + i);
	}
}

static void
make_text(const struct asked *asked, bool grouped, struct text *text)
{
	size_t groups = grouped ? asked->group_count : 0;
	text->len = 0;
	put(text, "SELECT ");
	for (size_t i = 0; i < groups; i++)
		put(text, "%s,", column_of(asked, asked->groups[i]));
	for (size_t i = 0; i < STATS_SUM_COUNT; i++)
		put(text, "%scoalesce(sum(%s),0)", i > 0 ? "," : "", stats_sum_names[i]);
	put_where(text, asked);
	for (size_t i = 0; i < groups; i++)
		put(text, "%s%s", i > 0 ? "," : " GROUP BY ", column_of(asked, asked->groups[i]));
	/* Days and hours in their order, else the biggest first. */
	for (size_t i = 0; i < groups; i++) {
		bool time = asked->groups[i]->roll == STATS_ROLL_ALL;
		put(text, "%s%s", i > 0 ? "," : " ORDER BY ",
		    time ? column_of(asked, asked->groups[i]) : "sum(input)+sum(output) DESC, 1");
	}
	put(text, " LIMIT %d", ROWS_MAX + 1);
}

static void
bind(struct sql_stmt *stmt, const struct stats_store *store, const struct asked *asked)
{
	sql_bind_i64(stmt, 1, store->epoch);
	if (asked->by_hours) {
		sql_bind_i64(stmt, 2, asked->from_ms / 1000);
		sql_bind_i64(
		    stmt, 3, asked->to_ms == INT64_MAX ? INT64_MAX : (asked->to_ms + 999) / 1000);
	} else {
		sql_bind_text(stmt, 2, asked->from);
		sql_bind_text(stmt, 3, asked->to.len > 0 ? asked->to : VIEW("9999-99-99"));
	}
	for (size_t i = 0; i < FILTERS; i++) {
		if (asked->filters[i].data != NULL)
			sql_bind_text(stmt, (int)(4 + i), asked->filters[i]);
	}
}

/* ---- the answer ---- */

static void
set_text(json_t *object, const char *key, struct view text)
{
	json_t *value = json_stringn(text.data != NULL ? text.data : "", text.len);
	MUST(json_object_set_new(object, key, value != NULL ? value : json_string("?")) == 0);
}

static json_t *
row_json(const struct sql_stmt *stmt, const struct asked *asked, size_t groups)
{
	json_t *row = json_object();
	for (size_t i = 0; i < groups; i++) {
		const struct grouping *group = asked->groups[i];
		if (group == &groupings[BY_HOUR]) {
			MUST(json_object_set_new(
				 row, "hour_ms", json_integer(sql_i64(stmt, (int)i) * 1000)) == 0);
		} else {
			set_text(row, group->word, sql_text(stmt, (int)i));
		}
	}
	for (size_t i = 0; i < STATS_SUM_COUNT; i++) {
		json_t *value = json_integer(sql_i64(stmt, (int)(groups + i)));
		MUST(json_object_set_new(row, stats_sum_names[i], value) == 0);
	}
	return row;
}

/* All rows; `cut`: there were more than ROWS_MAX. */
static json_t *
ask(struct stats_store *store, const struct asked *asked, bool grouped, bool *cut, struct err *err)
{
	struct text text;
	enum sql_result result = SQL_FAILED;
	json_t *rows = json_array();
	make_text(asked, grouped, &text);
	struct sql_stmt *stmt = sql_prepare_once(store->sql, text.data, err);
	*cut = false;
	if (stmt != NULL)
		bind(stmt, store, asked);
	while (stmt != NULL && (result = sql_step(stmt, err)) == SQL_ROW) {
		if (json_array_size(rows) == ROWS_MAX) {
			*cut = true;
			result = SQL_DONE;
			break;
		}
		json_t *row = row_json(stmt, asked, grouped ? asked->group_count : 0);
		MUST(json_array_append_new(rows, row) == 0);
	}
	sql_stmt_free(stmt);
	if (result == SQL_DONE)
		return rows;
	json_decref(rows);
	return NULL;
}

json_t *
stats_query_sums(struct stats_store *store, const json_t *body, struct err *err)
{
	struct asked asked;
	bool cut, ignored;
	int64_t began_ms;
	json_t *rows = NULL, *totals = NULL, *answer = NULL;
	if (!read_asked(body, &asked, err) || !sql_exec(store->sql, "BEGIN", err))
		return NULL;
	/* One state of the file for both. */
	rows = asked.group_count > 0 ? ask(store, &asked, true, &cut, err) : json_array();
	if (asked.group_count == 0)
		cut = false;
	totals = rows != NULL ? ask(store, &asked, false, &ignored, err) : NULL;
	if (totals != NULL &&
	    sql_number(
		store->sql, "SELECT value FROM meta WHERE key='epoch_began_ms'", &began_ms, err)) {
		answer = json_pack("{s:O, s:O, s:b, s:I, s:I}", "rows", rows, "totals",
		    json_array_get(totals, 0), "cut", cut, "epoch", (json_int_t)store->epoch,
		    "epoch_began_ms", (json_int_t)began_ms);
		MUST(answer != NULL);
	}
	json_decref(rows);
	json_decref(totals);
	sql_rollback(store->sql); /* nothing was written */
	return answer;
}
