/* attempt: one call to one upstream for one exchange: what is sent, and what its answer is.
 *
 * It knows nothing of retries or of what the client has seen. What reaches on_bytes may be passed
 * on as it is: raw, inflated where the client does not take the upstream's coding, or converted
 * where the upstream speaks another protocol or has answered in the form that was not asked for. */
#ifndef PM_ATTEMPT_H
#define PM_ATTEMPT_H

#include "bytes.h"
#include "convert.h"
#include "err.h"
#include "inflate.h"
#include "lessons.h"
#include "relay.h"
#include "rewrite.h"
#include "route.h"
#include "table.h"
#include "tap.h"
#include "upstream.h"
#include "usage_filter.h"
#include "wall.h"
#include <stdbool.h>
#include <stdint.h>

#define ATTEMPT_ERROR_BYTES_MAX ((size_t)64 * 1024)

enum attempt_mode {
	ATTEMPT_WAITING, /* no head yet */
	ATTEMPT_ANSWER,  /* 2xx: the wall judges it */
	ATTEMPT_PASS,    /* an error that is the client's to see: passed on whole */
	ATTEMPT_KEEP, /* one that another upstream may mend, or in other words than the client's */
};

/* The first two run inside libcurl, as in struct transfer_events. */
struct attempt_events {
	void (*on_head)(void *ctx);
	/* False: end the call. Never called while the relay is full. No bytes: something has come
	 * that is nothing for the client. */
	bool (*on_bytes)(struct view bytes, void *ctx);
	void (*on_done)(void *ctx);
};

/* What an exchange asks for; borrowed while its attempts live. */
struct attempt_request {
	struct upstreams *upstreams;
	struct loop *loop;
	const struct table *table;
	const struct lessons *lessons;
	const char *id; /* the exchange's */
	bool strict;    /* what conversion would lose is refused */
	bool mixed;     /* upstreams of other protocols may have answered this client before */
	const struct route *route;
	enum http_method method;
	struct view query;
	const struct http_header *headers; /* the client's */
	size_t header_count;
	struct view accept_encoding; /* the client's */
	struct view body;
	const struct request_facts *facts;
	const struct relay *relay; /* full: the call pauses */
	const struct attempt_events *events;
};

struct attempt {
	/* What each event of a stream touches stands together. */
	const struct attempt_request *request;
	const struct relay *relay;
	const struct attempt_events *events;
	struct loop *loop;
	void *ctx;
	struct inflate *inflate;
	struct convert *convert; /* NULL = the answer passes as it is */
	uint64_t last_ms;        /* last byte, or the resume */
	enum attempt_mode mode;
	bool asks_stream; /* of the upstream; the client may have asked for a whole answer */
	bool is_stream;   /* the deadlines of streams hold */
	bool paused;
	bool inflate_out; /* the client gets the inflated bytes */
	bool sse;         /* convert: the answer is an event stream */
	bool folds;       /* convert: nothing for the client before the end */
	bool broken;      /* its coding or grammar is not what it says, or nobody can read it */
	bool done;
	bool continues; /* its answer was paused: what is asked and answered now is more of it */
	struct wall wall;
	struct tap tap;
	struct usage_filter filter;

	enum transport transport; /* once done */
	int status;
	const struct upstream_entry *entry;
	struct transfer *transfer;
	struct answer *answer;                 /* the transfer's; NULL before its head */
	uint64_t started_ms, head_ms, sent_ms; /* began; has its head (0 = not yet); took bytes */
	uint64_t asked_ms;                     /* began, or was asked to go on */
	size_t skip; /* bytes at the head of what comes again after a pause, already used */
	struct rewrite rewrite;
	struct bytes body;      /* the converted request; empty where `rewrite` is sent */
	struct bytes converted; /* bytes for the client, of one piece */
	char detail[sizeof(((struct err *)NULL)->msg)];
	struct err refusal; /* the request cannot be carried to this upstream; kind NONE = it can */
};

/* Starts the call. False when it cannot be made: `refusal` says why, or it is our own failure
 * (transport INTERNAL). */
MUST_CHECK bool attempt_start(struct attempt *attempt, const struct attempt_request *request,
    const struct upstream_entry *entry, bool fresh, void *ctx);
/* Cancels what runs and frees all; fine on a zeroed or finished one. Not inside libcurl. */
void attempt_fini(struct attempt *attempt);
/* Ends the call from outside, for `transport`'s reason; on_done is not called. Unless it is
 * CANCELLED, the end of an answer whose last event has come is given. Not inside libcurl. */
void attempt_cancel(struct attempt *attempt, enum transport transport);
/* The upstream has taken the connection. */
bool attempt_connected(const struct attempt *attempt);
/* ... and the whole request. */
bool attempt_sent(const struct attempt *attempt);
/* What the client would get of a 2xx may be sent now: something useful has come, and for an answer
 * that is folded or counted, all of it. */
bool attempt_is_ready(const struct attempt *attempt);
/* The relay has room again; may call on_bytes and on_done. Not inside libcurl. */
void attempt_resume(struct attempt *attempt);
/* The client has got the head: frees what was kept to send or to read it again. True when the
 * request's body is not needed any more. */
bool attempt_drop_request(struct attempt *attempt);
/* An error body may repeat the key that was sent: each copy becomes as many '*', so that the length
 * stays. */
void attempt_mask_key(const struct attempt *attempt, struct bytes *body);
/* The model's name as this upstream gets it. */
const char *attempt_model(const struct attempt *attempt);
/* What its answer has told of its use of tokens so far: enum record_usage, and the counts. */
unsigned attempt_usage(const struct attempt *attempt, struct tap_usage *out);
struct outcome_facts attempt_facts(const struct attempt *attempt);

#endif
