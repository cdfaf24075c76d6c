/* event: one answer in no protocol's words; a stream of these, or the same events from a whole
 * JSON.
 *
 *   answer := START item* STOP USAGE* END | START? ... ERROR
 *   item   := PART_BEGIN PART_DELTA* PART_FINISH | PING | USAGE
 * Parts never interleave: a decoder whose protocol does (chat, some responses upstreams)
 * serialises. Ids of the upstream are not trusted; encoders make their own. Texts are _text (see
 * model.h). What settle.h puts right between decoder and encoder, decoders need not think of. */
#ifndef PM_EVENT_H
#define PM_EVENT_H

#include "err.h"
#include "model.h"
#include "usage.h"
#include <stdbool.h>
#include <stdint.h>

enum event_kind {
	EVENT_START,
	EVENT_PART_BEGIN,
	EVENT_PART_DELTA,
	EVENT_PART_FINISH,
	EVENT_USAGE, /* replaces what was known, member by member; never adds */
	EVENT_STOP,
	EVENT_PING,
	EVENT_ERROR,
	EVENT_END,
};

enum stop_reason {
	STOP_END_TURN,
	STOP_MAX_TOKENS,
	STOP_SEQUENCE,
	STOP_TOOL_USE,
	STOP_REFUSAL,
	STOP_PAUSE,
	STOP_CONTEXT_WINDOW,
	STOP_UNKNOWN,
};

enum delta_kind {
	DELTA_TEXT,      /* TEXT, REFUSAL, THINKING; input of a CUSTOM call */
	DELTA_INPUT,     /* CALL FUNCTION: a piece of the JSON source of the input */
	DELTA_SIGNATURE, /* THINKING: replaces */
	DELTA_CITATION,  /* TEXT: `citation` */
	DELTA_LOGPROBS,  /* TEXT, REFUSAL: items as logprobs.h writes them, of the text that comes
			    next, or of text that has come */
};

/* A source of the text of a part. */
struct citation {
	struct view url_text, title_text;
	struct view quote_text; /* what the source says; may be empty */
	int64_t start, end;     /* code points of the part's text; -1: the whole part */
	struct view json;       /* as the upstream wrote it, for encoders of its own family */
};

struct event {
	enum event_kind kind;
	/* START */
	struct view model_text, upstream_id_text;
	/* PART_BEGIN: kind, form, id, name, signature of REDACTED, raw_json of HOSTED, item id */
	const struct part *part;
	/* PART_DELTA */
	enum delta_kind delta;
	struct view text;         /* TEXT, SIGNATURE: _text; INPUT: JSON source bytes */
	struct citation citation; /* CITATION; of another kind than a URL: url_text is empty */
	/* PART_FINISH of a CALL: its input was cut by the length limit */
	bool incomplete;
	/* USAGE */
	struct usage usage;
	/* STOP */
	enum stop_reason stop;
	struct view stop_text; /* the matched sequence, or the refusal's explanation */
	/* ERROR: the status is the truth that encoders map to their own words; never 0 (a decoder
	 * derives it from its own words). The type is the upstream's word, for the log. The code is
	 * one of "context_length_exceeded", "insufficient_quota", "model_not_found", or the
	 * upstream's own. */
	int status;
	struct view error_type_plain, error_message_text, error_code_plain;
	bool had_terminal; /* END: the upstream's own end was seen (else it was cut) */
};

/* An upstream's error message says that the prompt is longer than the model takes. */
bool event_is_too_long(struct view message_text);

/* Events and their views live until the call returns. False stops the stream with err. */
typedef bool event_fn(const struct event *event, void *ctx, struct err *err);

/* The grammar above as a checker between decoder and encoder (debug builds and all tests). */
struct event_check {
	bool started, part_open, stopped, ended;
	enum part_kind part;
};
void event_check_init(struct event_check *check);
MUST_CHECK bool event_check_feed(
    struct event_check *check, const struct event *event, struct err *err);

#endif
