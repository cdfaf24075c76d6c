/* fault: how an answer shall go wrong (or be shaped), parsed from a short text.
 *
 *   spec   = clause *("+" clause)
 *   clause = name [("=" | ":") value] *((";" | ":") key "=" value)
 *
 * README.md lists all clauses. A spec that is a bare number is a status: "429:ra=2". */
#ifndef PM_FAULT_H
#define PM_FAULT_H

#include "err.h"
#include "view.h"
#include <stdint.h>

#define FAULT_UNSET UINT64_MAX /* a number that the spec did not give */
#define FAULT_TEXT_BYTES 128

enum fault_clause {
	FAULT_STATUS = 1u << 0,
	FAULT_REFUSE = 1u << 1, /* reset, before the request is read */
	FAULT_CLOSE = 1u << 2,  /* end of stream before any header */
	FAULT_STALL = 1u << 3,
	FAULT_CUT = 1u << 4,
	FAULT_ERROR = 1u << 5, /* an error event */
	FAULT_EMPTY = 1u << 6,
	FAULT_HTML = 1u << 7,
	FAULT_GARBAGE = 1u << 8,
	FAULT_GZIP = 1u << 9,
	FAULT_DRIP = 1u << 10,
	FAULT_EVENTS = 1u << 11,
	FAULT_JSON = 1u << 12,
	FAULT_SSE = 1u << 13,
	FAULT_NO_TERMINAL = 1u << 14,
	FAULT_NO_EVENT_LINES = 1u << 15,
	FAULT_CRLF = 1u << 16,
	FAULT_ECHO = 1u << 17,
	FAULT_EARLY = 1u << 18, /* the answer comes before the request's body is read */
	FAULT_PACE = 1u << 19,
	FAULT_USAGE = 1u << 20,
	FAULT_SIGNED = 1u << 21, /* thinking that this prefix did not mint is refused */
	FAULT_LAX = 1u << 22,    /* conversations are not checked */
};

enum fault_body { FAULT_BODY_JSON, FAULT_BODY_HTML, FAULT_BODY_EMPTY };
enum fault_stall { FAULT_STALL_HEADERS, FAULT_STALL_FIRST, FAULT_STALL_AFTER };
enum fault_cut { FAULT_CUT_RST, FAULT_CUT_FIN, FAULT_CUT_CLEAN };
enum fault_garbage { FAULT_GARBAGE_SSE, FAULT_GARBAGE_HTTP };
enum fault_usage {
	FAULT_USAGE_NORMAL,
	FAULT_USAGE_NONE,
	FAULT_USAGE_NULL,
	FAULT_USAGE_STRING,
	FAULT_USAGE_NEGATIVE,
	FAULT_USAGE_HUGE,  /* 2^63 */
	FAULT_USAGE_FLOAT, /* 12.5 */
};

/* Numbers are FAULT_UNSET when not given; words are the enums above. */
struct fault {
	unsigned clauses; /* enum fault_clause */
	uint64_t status, retry_after_s, retry_after_ms, retry_date_s, leak;
	uint64_t stall_after, stall_ms; /* unset ms: for ever */
	uint64_t cut_after, cut_bytes;
	uint64_t error_after;
	uint64_t drip_bytes, drip_ms;
	uint64_t events, events_ms, events_bytes;
	uint64_t pace_ms, pace_bytes;
	uint64_t usage_in, usage_out, usage_read, usage_write, usage_reasoning;
	unsigned body, stall, cut, garbage, usage;
	char type[FAULT_TEXT_BYTES], code[FAULT_TEXT_BYTES], msg[FAULT_TEXT_BYTES];
};

void fault_init(struct fault *fault); /* none */
/* False with ERR_PARSE: err->at is the clause, and *fault is "none". */
MUST_CHECK bool fault_parse(struct view spec, struct fault *fault, struct err *err);
bool fault_has(const struct fault *fault, unsigned clauses); /* any of them */
/* The spec inside a model name ("demo-fault:SPEC", or "...fault=SPEC") or a path (a segment
 * "fault=SPEC"); empty when there is none. */
struct view fault_in_model(struct view model);
struct view fault_in_path(struct view path);

#endif
