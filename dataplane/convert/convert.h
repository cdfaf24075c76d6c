/* convert: what the dataplane calls. Pure: no clock, no globals, no I/O. */
#ifndef PM_CONVERT_H
#define PM_CONVERT_H

#include "bytes.h"
#include "caps.h"
#include "err.h"
#include "ledger.h"
#include "model.h"
#include "view.h"
#include <stdbool.h>

/* Not event.h: its name for an event is libevent's as well. */
struct usage;

/* One conversation with one upstream: request out, answer back. */
struct convert;

struct convert_options {
	enum wire client, upstream;
	bool strict;
	bool stream_upstream;         /* it is asked for a stream, whatever the client wants */
	bool thinks;                  /* thinking is on where the client says nothing of it */
	const struct caps *caps_rows; /* NULL = built-in; read by convert_request alone */
	size_t caps_count;
	struct upstream_flags flags;
	struct view upstream_plain;       /* id; copied */
	struct view request_id_plain;     /* copied */
	struct view upstream_model_plain; /* empty = the client's; copied */
	int64_t created_s;
	size_t memory_max; /* bytes for all of it */
};

struct convert *convert_new(const struct convert_options *options);
void convert_free(struct convert *convert);
/* Client's body -> upstream's body. ERR_PARSE: broken input (400); ERR_PEER: cannot be carried
 * (400, err->at names the field); ERR_LIMIT: too big (413). `body` must live until convert_free. */
MUST_CHECK bool convert_request(
    struct convert *convert, struct view body, struct bytes *out, struct err *err);
/* Only reads the request, which its upstream of the same protocol has got as it is: for an answer
 * that comes in another form than the client asked for. Errors and `body` as above. */
MUST_CHECK bool convert_read(struct convert *convert, struct view body, struct err *err);
/* The answer that was read for, as a stream that is put together, says all that a whole one would:
 * the request holds nothing that our events have no words for. */
bool convert_can_fold(const struct convert *convert);
/* The client asked for a stream. */
bool convert_wants_stream(const struct convert *convert);
/* Upstream bytes of a 2xx answer, SSE or one JSON document by `sse`, any split. Client bytes are
 * appended to `out`: SSE for a stream, nothing until the end for a whole answer. */
MUST_CHECK bool convert_feed(
    struct convert *convert, bool sse, struct view bytes, struct bytes *out, struct err *err);
/* The upstream's body ended (`whole`: as its transport says). A cut one gives the client's error
 * event; *complete tells whether the client now holds a whole answer. */
MUST_CHECK bool convert_end(
    struct convert *convert, bool whole, struct bytes *out, bool *complete, struct err *err);
/* The upstream has paused its answer, which came whole: it is to be asked to go on, by
 * convert_continue, or the answer is cut. Told by convert_end. */
bool convert_is_paused(const struct convert *convert);
/* What to ask it then (appended to `out`); its answer is fed like the one before, and ends like it:
 * for the client all of them are one. A bounded number of times. */
MUST_CHECK bool convert_continue(struct convert *convert, struct bytes *out, struct err *err);
/* The upstream died: the client's own error event. */
MUST_CHECK bool convert_fail(
    struct convert *convert, int status, const char *message, struct bytes *out);
MUST_CHECK bool convert_ping(struct convert *convert, struct bytes *out);
/* An error answer (whole body) of the upstream (status >= 400) in the client's words; *status may
 * change. */
MUST_CHECK bool convert_error(
    struct convert *convert, struct view body, int *status, struct bytes *out);
/* Path for the upstream: "/v1/messages", "/v1/chat/completions", "/v1/responses". */
const char *convert_path(enum wire upstream);
const struct ledger *convert_ledger(const struct convert *convert);
/* What the client is told; the tap hears the same, and more of an answer that fails. */
const struct usage *convert_usage(const struct convert *convert);
/* The model that the upstream's answer names, as it is in the source; "" before that. */
#define CONVERT_MODEL_BYTES 128
const char *convert_model(const struct convert *convert);
/* Something the client sees has been written (text, call, thinking). */
bool convert_has_content(const struct convert *convert);

#endif
