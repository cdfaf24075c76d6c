/* The statistics as files: CSV for spreadsheets, JSON for programs. Single requests come page by
 * page, each asked for when the client has taken the one before. */
#include "api_private.h"
#include "csv.h"
#include "jget.h"
#include "mem.h"
#include "must.h"
#include "names.h"
#include "reply.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PAGE_RECORDS 200
#define PAGE_BYTES_MAX ((size_t)16 * 1024 * 1024)

static const char *const filter_keys[] = {
    "upstream", "model", "client_key", "session", "result", NULL};
static const char *const record_columns[] = {"id", "day", "client_key", "protocol", "group", "path",
    "model", "upstream", "generate", "stream", "status", "result", "blame", "reason", "session",
    "why", "loss", "ttfb_ms", "ms", "bytes_in", "bytes_out", "calls"};
#define COLUMNS (sizeof(record_columns) / sizeof(record_columns[0]))
/* Of all calls of a request together. */
static const char *const token_columns[] = {"input", "cache_write_5m", "cache_write_1h",
    "cache_read", "output", "reasoning", "web_searches"};
#define TOKENS (sizeof(token_columns) / sizeof(token_columns[0]))

/* ---- what is said of one request ---- */

static bool
append_time(struct bytes *out, int64_t at_ms)
{
	char text[40] = "";
	struct tm utc;
	time_t seconds = (time_t)(at_ms / 1000);
	if (gmtime_r(&seconds, &utc) != NULL)
		(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
	return bytes_printf(out, "%s.%03dZ", text, (int)(at_ms % 1000));
}

/* Exact: no floating point between the record and the file. */
static bool
append_usd(struct bytes *out, int64_t nano_usd)
{
	const char *sign = nano_usd < 0 ? "-" : "";
	int64_t whole = nano_usd / 1000000000, rest = nano_usd % 1000000000;
	return bytes_printf(out, ",%s%" PRId64 ".%09" PRId64, sign, whole < 0 ? -whole : whole,
	    rest < 0 ? -rest : rest);
}

static int64_t
saved_of(const json_t *attempts)
{
	int64_t sum = 0;
	size_t i;
	json_t *attempt;
	json_array_foreach(attempts, i, attempt)
	{
		int64_t one = json_integer_value(json_object_get(attempt, "cache_saved_nano_usd"));
		if (__builtin_add_overflow(sum, one, &sum))
			return 0; /* no prices are such */
	}
	return sum;
}

/* What is not told counts as nothing in the sum, and `usage` says that it is not all. */
static bool
append_tokens(struct bytes *out, const json_t *attempts)
{
	static const char *const usages[] = {"reported", "partial", "missing"};
	size_t worst = 0, i;
	json_t *attempt;
	bool ok = true;
	for (size_t at = 0; at < TOKENS; at++) {
		int64_t sum = 0;
		json_array_foreach(attempts, i, attempt)
		{
			int64_t one =
			    json_integer_value(json_object_get(attempt, token_columns[at]));
			sum += one > 0 ? one : 0;
		}
		ok = ok && bytes_printf(out, ",%" PRId64, sum);
	}
	json_array_foreach(attempts, i, attempt)
	{
		const char *usage = json_string_value(json_object_get(attempt, "usage"));
		for (size_t at = worst + 1; at < 3 && usage != NULL; at++)
			worst = strcmp(usage, usages[at]) == 0 ? at : worst;
	}
	return ok && bytes_printf(out, ",%s", json_array_size(attempts) > 0 ? usages[worst] : "");
}

static bool
append_record(struct bytes *out, const json_t *record)
{
	bool ok = append_time(out, json_integer_value(json_object_get(record, "at_ms")));
	for (size_t i = 0; i < COLUMNS && ok; i++)
		ok = csv_value(out, json_object_get(record, record_columns[i]), false);
	return ok && append_tokens(out, json_object_get(record, "attempts")) &&
	       append_usd(out, json_integer_value(json_object_get(record, "cost_nano_usd"))) &&
	       append_usd(out, saved_of(json_object_get(record, "attempts"))) && csv_end(out);
}

static bool
append_head(struct bytes *out)
{
	bool ok = bytes_append_str(out, "at");
	for (size_t i = 0; i < COLUMNS; i++)
		ok = ok && csv_text(out, view_of(record_columns[i]), false);
	for (size_t i = 0; i < TOKENS; i++)
		ok = ok && csv_text(out, view_of(token_columns[i]), false);
	return ok && bytes_append_str(out, ",usage,cost_usd,cache_saved_usd\r\n");
}

static bool
append_line(struct bytes *out, const json_t *record)
{
	size_t len;
	char *text = jget_dump(record, &len);
	bool ok = bytes_append_view(out, view_make(text, len)) && bytes_append_char(out, '\n');
	mem_free(text);
	return ok;
}

/* ---- single requests, page by page ---- */

struct export
{
	struct call *call;
	json_t *question;
	bool csv;
	bool begun;   /* the head is sent: from here on an error can only cut */
	bool asked;   /* an answer is on its way */
	bool waiting; /* for the client */
};

static void ask_page(struct export *export);

/* `how` is only looked at when the client is there and the answer has begun. */
static void
finish(struct export *export, bool whole)
{
	struct call *call = export->call;
	if (call->req != NULL && whole)
		httpd_end(call->req);
	else if (call->req != NULL)
		httpd_abort(call->req, HTTPD_CUT);
	json_decref(export->question);
	mem_free(export);
	api_drop(call);
}

static void
begin(struct export *export)
{
	export->begun = true;
	reply_start(export->call->req,
	    export->csv ? "text/csv; charset=utf-8; header=present" : "application/x-ndjson",
	    export->csv ? "attachment; filename=\"pointsman-requests.csv\""
			: "attachment; filename=\"pointsman-requests.jsonl\"");
}

/* False: the client must take it first. */
static bool
send_page(struct export *export, const json_t *records)
{
	struct bytes out;
	bool ok = true;
	size_t i;
	json_t *record;
	bytes_init(&out, PAGE_BYTES_MAX);
	if (!export->begun && export->csv)
		ok = append_head(&out);
	if (!export->begun)
		begin(export);
	json_array_foreach(records, i, record) ok =
	    ok && (export->csv ? append_record(&out, record) : append_line(&out, record));
	MUST(ok); /* a message of PAGE_RECORDS is smaller */
	bool room = httpd_write(export->call->req, bytes_view(&out));
	bytes_fini(&out);
	return room;
}

/* Nothing is sent yet: the error is an answer. */
static void
refuse(struct export *export, const struct envelope *answer)
{
	struct call *call = export->call;
	json_decref(export->question);
	mem_free(export);
	call->on_writable = NULL;
	api_answer(answer, call);
}

static void
on_page(const struct envelope *answer, void *ctx)
{
	struct export *export = ctx;
	bool good = answer != NULL && strcmp(answer->type, MSG_REQUESTS) == 0;
	export->asked = false;
	if (export->call->req == NULL || (!good && export->begun)) {
		finish(export, false);
		return;
	}
	if (!good) {
		refuse(export, answer);
		return;
	}
	const json_t *next = json_object_get(answer->body, "next");
	bool room = send_page(export, json_object_get(answer->body, "records"));
	if (!json_is_integer(next)) {
		finish(export, true);
		return;
	}
	MUST(json_object_set(export->question, "before", (json_t *)(uintptr_t)next) == 0);
	export->waiting = !room;
	if (room)
		ask_page(export);
}

static void
ask_page(struct export *export)
{
	json_t *question = json_copy(export->question);
	export->asked = true;
	if (!adminlink_ask(export->call->api->stats, MSG_GET_REQUESTS, question, on_page, export)) {
		on_page(NULL, export);
	}
}

/* The client has taken what there was, or left. */
static void
on_writable(struct call *call)
{
	struct export *export = call->own;
	if (!export->waiting)
		return;
	export->waiting = false;
	if (call->req == NULL)
		finish(export, false);
	else
		ask_page(export);
}

static bool
take_format(struct call *call, const char *other, bool *csv)
{
	char format[API_WORD_BYTES];
	char message[API_WORD_BYTES];
	*csv = true;
	if (!api_query_get(httpd_query(call->req), "format", format, sizeof(format)))
		return true;
	*csv = strcmp(format, "csv") == 0;
	if (*csv || strcmp(format, other) == 0)
		return true;
	(void)snprintf(message, sizeof(message), "format must be csv or %s", other);
	api_fail(call, 400, message);
	return false;
}

void
api_export_requests(struct call *call)
{
	bool csv;
	if (!take_format(call, "jsonl", &csv))
		return;
	json_t *question = json_pack("{s:i}", "limit", PAGE_RECORDS);
	api_take_query(call, question, filter_keys);
	if (!api_take_number(call, question, "from_ms", 0, INT64_MAX) ||
	    !api_take_number(call, question, "to_ms", 0, INT64_MAX))
		return;
	struct export *export = MEM_NEW(struct export);
	*export = (struct export){.call = call, .question = question, .csv = csv};
	call->own = export;
	call->on_writable = on_writable;
	ask_page(export);
}

/* ---- sums ---- */

static bool
append_rows(struct bytes *out, const json_t *rows, const json_t *totals)
{
	const char *key;
	json_t *value, *row;
	size_t i;
	bool first = true, ok = true;
	const json_t *pattern = json_array_size(rows) > 0 ? json_array_get(rows, 0) : totals;
	json_object_foreach((json_t *)(uintptr_t)pattern, key, value)
	{
		ok = ok && csv_text(out, view_of(key), first);
		first = false;
	}
	ok = ok && csv_end(out);
	json_array_foreach(rows, i, row)
	{
		first = true;
		json_object_foreach(row, key, value)
		{
			ok = ok && csv_value(out, value, first);
			first = false;
		}
		ok = ok && csv_end(out);
	}
	return ok;
}

static void
on_sums(const struct envelope *answer, void *ctx)
{
	struct call *call = ctx;
	struct bytes out;
	const struct http_header save = {
	    VIEW("Content-Disposition"), VIEW("attachment; filename=\"pointsman-statistics.csv\"")};
	if (call->req == NULL || answer == NULL || strcmp(answer->type, MSG_STATS) != 0) {
		api_answer(answer, call);
		return;
	}
	bytes_init(&out, PAGE_BYTES_MAX);
	MUST(append_rows(
	    &out, json_object_get(answer->body, "rows"), json_object_get(answer->body, "totals")));
	reply_bytes(call->req, 200, "text/csv; charset=utf-8; header=present", "no-store",
	    bytes_view(&out), &save);
	bytes_fini(&out);
	api_drop(call);
}

void
api_export_stats(struct call *call)
{
	bool csv;
	if (!take_format(call, "json", &csv))
		return;
	json_t *question = api_stats_question(call);
	if (question != NULL && !adminlink_ask(call->api->stats, MSG_GET_STATS, question,
				    csv ? on_sums : api_answer, call))
		api_answer(NULL, call);
}
