/* upstream: calls to upstreams over libcurl (its only includer), on our loop.
 *
 * Transfers are spread over several multi handles ("lanes") with few of them each: libcurl walks
 * all connections to a host at every new request. No call is ever sent twice by libcurl itself. */
#ifndef PM_UPSTREAM_H
#define PM_UPSTREAM_H

#include "answer.h"
#include "bytes.h"
#include "err.h"
#include "loop.h"
#include "outcome.h"
#include "view.h"
#include <stdbool.h>
#include <stdint.h>

struct upstreams;
struct transfer;

struct upstreams *upstreams_new(struct loop *loop, struct err *err);
/* Every transfer has been freed before. */
void upstreams_free(struct upstreams *upstreams);

enum transfer_go {
	TRANSFER_GO,
	TRANSFER_PAUSE, /* these bytes were not taken; they come again after transfer_resume */
	TRANSFER_STOP,  /* end the call: on_done follows with TRANSPORT_CANCELLED */
};

/* on_head and on_bytes run inside libcurl: they must not start, resume or free any transfer. */
struct transfer_events {
	/* The answer's final head, kept by the transfer. False = TRANSFER_STOP. */
	bool (*on_head)(struct answer *answer, void *ctx);
	enum transfer_go (*on_bytes)(struct view bytes, void *ctx);
	/* The call has ended; transfer_free is all that may follow. `detail` is a sentence for the
	 * log, it may hold names of hosts. Never called inside transfer_start. */
	void (*on_done)(enum transport transport, const char *detail, void *ctx);
	/* Body bytes from absolute offset `at`; 0 only at the end. */
	size_t (*read)(uint64_t at, char *out, size_t len, void *ctx);
};

struct transfer_call {
	const char *url;       /* copied */
	const char *method;    /* copied */
	struct bytes *headers; /* "Name: value" NUL ...; taken, wiped when dropped */
	uint64_t body_bytes;
	const char *unix_path; /* connect there instead; NULL = by the URL; copied */
	bool any_address; /* the URL names an address that the owner has allowed: do not judge it */
	bool fresh;       /* not over a connection that was used before */
	const struct transfer_events *events; /* borrowed */
	void *ctx;
};

struct transfer *transfer_start(struct upstreams *upstreams, const struct transfer_call *call);
/* It has a connection and has begun to send. */
bool transfer_connected(const struct transfer *transfer);
/* All of its body has been sent, as far as that can be known. */
bool transfer_sent(const struct transfer *transfer);
/* Takes up a paused transfer; may call on_bytes and on_done before it returns. */
void transfer_resume(struct transfer *transfer);
/* The answer has begun: frees the request's headers and whatever of its body is not needed. True
 * when `read` will not be called again. */
bool transfer_drop_request(struct transfer *transfer);
/* Cancels the call when it has not ended (no event follows); the answer's head stays. */
void transfer_stop(struct transfer *transfer);
/* Cancels the call when it has not ended (no event follows) and frees it. */
void transfer_free(struct transfer *transfer);

#endif
