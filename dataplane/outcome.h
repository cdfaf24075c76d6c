/* outcome: who failed, from what was seen of one attempt. PURE; the table is data. */
#ifndef PM_OUTCOME_H
#define PM_OUTCOME_H

#include "blame.h"
#include "policy.h"
#include "wall.h"
#include <stdbool.h>

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
	TRANSPORT_TIMEOUT_WRITE, /* it did not take the request */
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
	bool try_next;          /* another upstream may be tried (never once committed) */
	enum strategy strategy; /* how the request goes on then */
	bool timed_out;
	const char *reason; /* stable word for the log: "status_529", ...; static */
	int status; /* that a client understands for it: the answer's own, or that of its error
		       event; 0 = none */
};
/* Who is to blame says the table of this module alone; whether and how another upstream is tried
 * say the owner's strategies: by the answer's status, by the status that fits the type of an error
 * event, or by the network error that fits. Nothing is tried again once bytes have reached the
 * client, after the client's leaving, or after our own word. An answer that has ended as its
 * protocol says is a success, whoever hung up then. `strategies` NULL: as they are when nobody has
 * set any. */
struct outcome outcome_classify(
    const struct outcome_facts *facts, const struct strategies *strategies);
/* An error of this status would be the client's to see: no other upstream is asked. */
bool outcome_is_final(int status, const struct strategies *strategies);
/* Two upstreams have failed alike with the same request: is it the request's own fault? True for
 * statuses that speak of what was asked, not for those of keys, quotas and overload. */
bool outcome_blames_request(const struct outcome *one, const struct outcome *other);

#endif
