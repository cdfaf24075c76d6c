#include "fault.h"
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define BYTES_MAX ((uint64_t)128 << 20)
#define MS_MAX 86400000u /* a day */
#define COUNT_MAX 1000000000u

enum param_kind { NUMBER, WORD, TEXT };

/* One line for each thing that a clause takes; key "" is the clause's own value. For a WORD `max`
 * is not used and `words` lists the enum in order. */
struct param {
	const char *clause, *key;
	enum param_kind kind;
	size_t at;
	uint64_t max;
	const char *words;
};

struct clause {
	const char *name;
	unsigned bit;
};

static const struct clause clauses[] = {
    {"status", FAULT_STATUS},
    {"refuse", FAULT_REFUSE},
    {"close", FAULT_CLOSE},
    {"stall", FAULT_STALL},
    {"cut", FAULT_CUT},
    {"error-first", FAULT_ERROR},
    {"error-after", FAULT_ERROR},
    {"empty", FAULT_EMPTY},
    {"html", FAULT_HTML},
    {"garbage", FAULT_GARBAGE},
    {"gzip", FAULT_GZIP},
    {"drip", FAULT_DRIP},
    {"bytes1", FAULT_DRIP},
    {"big", FAULT_EVENTS},
    {"events", FAULT_EVENTS},
    {"json", FAULT_JSON},
    {"sse", FAULT_SSE},
    {"noterminal", FAULT_NO_TERMINAL},
    {"no-event-lines", FAULT_NO_EVENT_LINES},
    {"crlf", FAULT_CRLF},
    {"echo", FAULT_ECHO},
    {"early", FAULT_EARLY},
    {"pace", FAULT_PACE},
    {"usage", FAULT_USAGE},
    {"signed", FAULT_SIGNED},
    {"lax", FAULT_LAX},
};

#define AT(field) offsetof(struct fault, field)

static const struct param params[] = {
    {"status", "", NUMBER, AT(status), 599, NULL},
    {"status", "ra", NUMBER, AT(retry_after_s), COUNT_MAX, NULL},
    {"status", "ra-ms", NUMBER, AT(retry_after_ms), MS_MAX, NULL},
    {"status", "ra-date", NUMBER, AT(retry_date_s), MS_MAX, NULL},
    {"status", "leak", NUMBER, AT(leak), 1, NULL},
    {"status", "body", WORD, AT(body), 0, "json|html|empty"},
    {"status", "type", TEXT, AT(type), 0, NULL},
    {"status", "code", TEXT, AT(code), 0, NULL},
    {"status", "msg", TEXT, AT(msg), 0, NULL},
    {"stall", "", WORD, AT(stall), 0, "headers|first|after"},
    {"stall", "after", NUMBER, AT(stall_after), COUNT_MAX, NULL},
    {"stall", "ms", NUMBER, AT(stall_ms), MS_MAX, NULL},
    {"cut", "after", NUMBER, AT(cut_after), COUNT_MAX, NULL},
    {"cut", "bytes", NUMBER, AT(cut_bytes), UINT64_MAX - 1, NULL},
    {"cut", "how", WORD, AT(cut), 0, "rst|fin|clean"},
    {"error-after", "", NUMBER, AT(error_after), COUNT_MAX, NULL},
    {"error-after", "type", TEXT, AT(type), 0, NULL},
    {"error-after", "code", TEXT, AT(code), 0, NULL},
    {"error-after", "msg", TEXT, AT(msg), 0, NULL},
    {"error-first", "type", TEXT, AT(type), 0, NULL},
    {"error-first", "code", TEXT, AT(code), 0, NULL},
    {"error-first", "msg", TEXT, AT(msg), 0, NULL},
    {"garbage", "", WORD, AT(garbage), 0, "sse|http"},
    {"drip", "bytes", NUMBER, AT(drip_bytes), BYTES_MAX, NULL},
    {"drip", "ms", NUMBER, AT(drip_ms), MS_MAX, NULL},
    {"big", "bytes", NUMBER, AT(events_bytes), BYTES_MAX, NULL},
    {"events", "", NUMBER, AT(events), COUNT_MAX, NULL},
    {"events", "ms", NUMBER, AT(events_ms), MS_MAX, NULL},
    {"events", "bytes", NUMBER, AT(events_bytes), BYTES_MAX, NULL},
    {"pace", "ms", NUMBER, AT(pace_ms), MS_MAX, NULL},
    {"pace", "bytes", NUMBER, AT(pace_bytes), BYTES_MAX, NULL},
    {"usage", "", WORD, AT(usage), 0, "normal|none|null|string|negative|huge|float"},
    {"usage", "in", NUMBER, AT(usage_in), UINT64_MAX - 1, NULL},
    {"usage", "out", NUMBER, AT(usage_out), UINT64_MAX - 1, NULL},
    {"usage", "read", NUMBER, AT(usage_read), UINT64_MAX - 1, NULL},
    {"usage", "write", NUMBER, AT(usage_write), UINT64_MAX - 1, NULL},
    {"usage", "reasoning", NUMBER, AT(usage_reasoning), UINT64_MAX - 1, NULL},
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

void
fault_init(struct fault *fault)
{
	memset(fault, 0, sizeof(*fault));
	for (size_t i = 0; i < COUNT_OF(params); i++) {
		if (params[i].kind == NUMBER) {
			uint64_t unset = FAULT_UNSET;
			memcpy((char *)fault + params[i].at, &unset, sizeof(unset));
		}
	}
}

bool
fault_has(const struct fault *fault, unsigned wanted)
{
	return (fault->clauses & wanted) != 0;
}

static bool
set_word(const char *words, struct view value, unsigned *out)
{
	struct view rest = view_of(words), word;
	for (unsigned i = 0; view_split(&rest, '|', &word); i++) {
		if (view_eq(word, value)) {
			*out = i;
			return true;
		}
	}
	return false;
}

static bool
set_param(const struct param *param, struct view value, struct fault *fault)
{
	void *field = (char *)fault + param->at;
	uint64_t number;
	switch (param->kind) {
	case NUMBER:
		if (!view_to_u64(value, &number) || number > param->max)
			return false;
		memcpy(field, &number, sizeof(number));
		return true;
	case WORD:
		return set_word(param->words, value, field);
	case TEXT:
		snprintf(field, FAULT_TEXT_BYTES, "%.*s", VIEW_ARGS(value));
		return true;
	}
	return false;
}

static bool
param_parse(const char *clause, struct view key, struct view value, struct fault *fault)
{
	for (size_t i = 0; i < COUNT_OF(params); i++) {
		if (strcmp(params[i].clause, clause) == 0 && view_eq_str(key, params[i].key))
			return set_param(&params[i], value, fault);
	}
	return false;
}

static struct view
until_any(struct view v, const char *stops)
{
	size_t len = 0;
	while (len < v.len && strchr(stops, v.data[len]) == NULL)
		len++;
	return view_sub(v, 0, len);
}

static void
default_to(uint64_t *number, uint64_t value)
{
	if (*number == FAULT_UNSET)
		*number = value;
}

/* What some clauses mean beyond their parameters, so that nobody else needs to know defaults. */
static void
clause_finish(unsigned bit, struct fault *fault)
{
	if (bit == FAULT_STALL && fault->stall_after != FAULT_UNSET)
		fault->stall = FAULT_STALL_AFTER;
	if (bit == FAULT_CUT && fault->cut_bytes == FAULT_UNSET)
		default_to(&fault->cut_after, 0);
	if (bit == FAULT_ERROR)
		default_to(&fault->error_after, 0);
	if (bit == FAULT_DRIP) {
		default_to(&fault->drip_bytes, 1);
		default_to(&fault->drip_ms, 0);
		fault->drip_bytes += fault->drip_bytes == 0;
	}
	if (bit == FAULT_EVENTS) {
		default_to(&fault->events, 1);
		default_to(&fault->events_ms, 0);
		default_to(&fault->events_bytes, 16);
	}
}

static bool
clause_parse(struct view text, struct fault *fault)
{
	struct view name = until_any(text, "=:;");
	uint64_t number;
	bool bare_status = view_to_u64(name, &number);
	struct view rest = bare_status ? text : view_from(text, name.len + 1);
	const struct clause *clause = NULL;
	for (size_t i = 0; i < COUNT_OF(clauses) && clause == NULL; i++) {
		if (view_eq_str(name, clauses[i].name) || (bare_status && i == 0))
			clause = &clauses[i];
	}
	if (clause == NULL)
		return false;
	fault->clauses |= clause->bit;
	while (rest.len > 0) {
		struct view part = until_any(rest, ":;");
		rest = view_from(rest, part.len + 1);
		struct view key = until_any(part, "=");
		bool bare = key.len == part.len;
		struct view value = bare ? part : view_from(part, key.len + 1);
		if (!param_parse(clause->name, bare ? VIEW("") : key, value, fault))
			return false;
	}
	clause_finish(clause->bit, fault);
	return clause->bit != FAULT_STATUS || (fault->status >= 200 && fault->status <= 599);
}

bool
fault_parse(struct view spec, struct fault *fault, struct err *err)
{
	char at[64];
	struct view clause;
	fault_init(fault);
	while (view_split(&spec, '+', &clause)) {
		if (clause_parse(clause, fault))
			continue;
		fault_init(fault);
		snprintf(at, sizeof(at), "%.*s", VIEW_ARGS(view_sub(clause, 0, sizeof(at) - 1)));
		return err_set(err, ERR_PARSE, at, "unknown fault clause or parameter");
	}
	return true;
}

struct view
fault_in_model(struct view model)
{
	ptrdiff_t at = view_find(model, "fault=");
	if (at >= 0)
		return view_from(model, (size_t)at + strlen("fault="));
	if (view_starts(model, "demo-fault:"))
		return view_from(model, strlen("demo-fault:"));
	return VIEW("");
}

struct view
fault_in_path(struct view path)
{
	ptrdiff_t at = view_find(path, "/fault=");
	if (at < 0)
		return VIEW("");
	return until_any(view_from(path, (size_t)at + strlen("/fault=")), "/");
}
