/* codec: one protocol's four readers and writers. Adding a protocol = one set of files and one line
 * in registry.c. Nothing here knows two protocols at once. */
#ifndef PM_CODEC_H
#define PM_CODEC_H

#include "bytes.h"
#include "caps.h"
#include "err.h"
#include "event.h"
#include "ledger.h"
#include "model.h"
#include "sse.h"
#include "tool_names.h"
#include <stdbool.h>

/* What an encoder of requests may ask. */
struct encode_options {
	const struct caps *caps;            /* of the target model */
	const struct upstream_flags *flags; /* of the target upstream */
	struct view model_text;             /* the name that the upstream gets */
	struct view upstream_plain; /* id of the target: opaque state of another is dropped */
	struct names *names;        /* filled: short names and ids to undo in the answer */
	struct ledger *ledger;
	bool stream;
};

/* What an encoder of answers knows of the request. */
struct answer_options {
	struct view model_text;       /* the client's own name of the model */
	struct view request_id_plain; /* unique; ids of the answer are made from it */
	int64_t created_s;            /* wall clock, seconds */
	enum wire upstream;           /* who minted opaque state */
	struct view upstream_plain;
	const struct request
	    *request; /* the client's request, decoded: tools as declared, echo fields */
	const struct names *names;
	bool include_usage;     /* chat streams */
	int64_t input_estimate; /* tokens, for a protocol that must tell before it knows; >= 0 */
	struct ledger *ledger;
};

/* What an answer has said so far, in its upstream's own words, so that it may be asked to go on.
 * False at a limit. */
struct said;
struct pause_ops {
	struct said *(*said_new)(struct arena *arena);
	void (*said_free)(struct said *said);
	bool (*said_event)(struct said *said, const struct sse_event *event);
	bool (*said_whole)(struct said *said, struct view body);
	/* It has said something, and nobody but the upstream is waited for. */
	bool (*said_may_go_on)(const struct said *said);
	/* The request's body with what was said behind its conversation (appended). */
	bool (*said_append)(const struct said *said, struct view body, struct bytes *out);
};

struct decoder; /* of one answer, per protocol */
struct encoder; /* of one answer, per protocol */

struct codec {
	enum wire wire;
	const char *name;
	const struct pause_ops *pause; /* NULL: its answers are never paused */
	/* Whole request text (a checked JSON object, nothing around it) -> model. ERR_PARSE names
	 * the path. */
	bool (*request_decode)(struct view body, struct request *out, struct err *err);
	bool (*request_encode)(const struct request *request, const struct encode_options *options,
	    struct bytes *out, struct err *err);
	/* Answer, upstream side. Buffers of decoders and encoders end at arena->max_bytes each. */
	struct decoder *(*decoder_new)(
	    struct arena *arena, const struct upstream_flags *flags, event_fn *emit, void *ctx);
	bool (*decoder_event)(
	    struct decoder *decoder, const struct sse_event *event, struct err *err);
	bool (*decoder_whole)(struct decoder *decoder, struct view body, struct err *err);
	/* The body ended: open parts are closed, END (or ERROR when it was cut) is emitted once. */
	bool (*decoder_end)(struct decoder *decoder, struct err *err);
	void (*decoder_free)(struct decoder *decoder);
	/* Answer, client side. As a stream: bytes of SSE appended to `out` at each event; else one
	 * JSON document at END. An ERROR gives the stream's error event, or the error's body.
	 * `options` is copied; what it points to outlives the encoder. */
	struct encoder *(*encoder_new)(
	    struct arena *arena, const struct answer_options *options, bool stream);
	bool (*encoder_event)(
	    struct encoder *encoder, const struct event *event, struct bytes *out, struct err *err);
	void (*encoder_free)(struct encoder *encoder);
	/* A heartbeat that the client's idle timer counts and its grammar allows now; may be
	 * nothing. */
	bool (*encoder_ping)(struct encoder *encoder, struct bytes *out);
	/* An upstream's error body -> type, message, code (plain/text views into body or static).
	 */
	void (*error_decode)(int status, struct view body, struct event *out);
	bool (*error_encode)(const struct event *error, struct view request_id_plain,
	    struct bytes *out, int *status);
};

const struct codec *codec_get(enum wire wire); /* registry.c */
extern const struct codec codec_anthropic, codec_chat, codec_responses;

#endif
