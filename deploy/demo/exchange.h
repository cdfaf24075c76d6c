/* exchange: one request from its head to the end of its answer. */
#ifndef PM_EXCHANGE_H
#define PM_EXCHANGE_H

#include "arena.h"
#include "fault.h"
#include "httpd.h"
#include "ledger.h"
#include "loop.h"
#include "protocol.h"
#include "rules.h"
#include "tape.h"

struct exchange;

/* What all exchanges share; owned by main. */
struct demo {
	struct loop *loop;
	struct httpd *httpd;
	struct ledger *ledger; /* NULL: none is kept */
	struct rules *rules;
	uint64_t seq;           /* of the newest request */
	uint64_t serial;        /* for ids */
	struct exchange *first; /* in flight */
	struct {
		uint64_t requests, complete, errors, cut, client_gone, events, bytes;
		uint64_t in_flight, streams;
	} counts;
};

enum exchange_how { EXCHANGE_COMPLETE, EXCHANGE_ERROR, EXCHANGE_CUT, EXCHANGE_CLIENT_GONE };

/* What play sends before the tape. */
struct exchange_head {
	int status;
	const char *content_type; /* NULL: none */
	bool chunked;
};

enum exchange_next { EXCHANGE_NEXT_HEAD, EXCHANGE_NEXT_PIECE, EXCHANGE_NEXT_CUT };

struct exchange {
	uint32_t magic;
	struct demo *demo;
	struct http_req *req; /* NULL after the end */
	struct exchange *next, *prev;
	struct loop_timer timer;
	struct loop_task reap;
	uint64_t seq; /* 0 until the request is in the ledger */
	uint64_t started_ms;
	struct protocol_target target; /* views point into req */
	struct fault fault;
	bool has_fault; /* by a rule, the path or a header; else the model or the prompt may say */
	struct rules_script *script; /* may be NULL */
	struct arena arena;          /* what the answer was made of */
	/* the answer */
	struct exchange_head head;
	struct tape tape;
	struct view usage_first, usage_last; /* for the ledger; empty: none */
	bool failed;                         /* it tells an error */
	bool streams;                        /* counted in counts.streams */
	/* how far it is */
	enum exchange_next step; /* what the timer is for */
	bool stalled;            /* the stall has begun, or never comes */
	bool paused;             /* the client is slower than we are */
	uint64_t play;           /* events played */
	size_t offset;           /* in the present one */
	uint64_t sent_bytes;
	unsigned flush_waits;
};

/* Borrowed by `req` (its ctx) until exchange_end. */
struct exchange *exchange_new(struct demo *demo, struct http_req *req);
/* Takes leave of the request, which must be ended, aborted or gone by now or right after; writes
 * the ledger; the memory goes at the end of the turn. */
void exchange_end(struct exchange *exchange, enum exchange_how how);
/* The ledger's line about the request. `model` and `stream` as far as known; `seen`: further
 * members, each with a comma before it. */
void exchange_log_request(
    struct exchange *exchange, struct view model, bool stream, struct view seen);
void exchange_log_usage(struct exchange *exchange, struct view usage, bool final);
/* The key that the client showed (borrowed from the request), and which header had it. */
struct view exchange_key(const struct http_req *req, const char **header);

#endif
