/* outcome: who failed, from what was seen of one attempt. PURE; the table is data. */
#ifndef PM_OUTCOME_H
#define PM_OUTCOME_H

#include "wall.h"
#include <stdbool.h>

enum blame {
	BLAME_NOBODY,
	BLAME_REQUEST,
	BLAME_KEY,
	BLAME_MODEL,
	BLAME_UPSTREAM,
	BLAME_NETWORK,
	BLAME_US,
	BLAME_CLIENT,
};
const char *blame_name(enum blame blame);

/* How the transport ended; made by upstream.c from libcurl's codes. */
enum transport {
	TRANSPORT_OK,
	TRANSPORT_RESOLVE,
	TRANSPORT_CONNECT,
	TRANSPORT_TLS,
	TRANSPORT_SEND,
	TRANSPORT_STALE, /* a reused connection died before any byte of the answer */
	TRANSPORT_RECEIVE,
	TRANSPORT_HEAD_TOO_BIG,
	TRANSPORT_BAD_ANSWER,
	TRANSPORT_CANCELLED,
	TRANSPORT_DENIED, /* address not allowed */
	TRANSPORT_TIMEOUT_CONNECT,
	TRANSPORT_TIMEOUT_FIRST_BYTE,
	TRANSPORT_TIMEOUT_IDLE,
	TRANSPORT_TIMEOUT_TOTAL,
	TRANSPORT_INTERNAL,
};
const char *transport_name(enum transport transport);

struct outcome_facts {
	enum transport transport;
	int status;             /* 0 when no head came */
	enum wall_fault fault;  /* of a 2xx */
	const char *error_type; /* the wall's, with WALL_ERROR_EVENT; NULL or "" when unknown */
	bool committed;         /* bytes have reached the client */
	bool terminal;
	bool client_gone;
};
struct outcome {
	bool success;
	enum blame blame;
	bool try_next;      /* another upstream may be tried (never once committed) */
	const char *reason; /* stable word for the log: "status_529", ...; static */
};
/* try_next: connect failures, 3xx, 5xx, 408, 429, 401, 402, 403, error as the first event (unless
 * its type blames the request or the model), empty 200, not SSE. Not: 400 404 405 413 415 422 and
 * other 4xx, cancelled. An answer that has ended as its protocol says is a success, whoever hung up
 * then. */
struct outcome outcome_classify(const struct outcome_facts *facts);

#endif
