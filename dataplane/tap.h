/* tap: the use of tokens that an upstream's answer tells, and its names, from its passing bytes. It
 * only looks: it changes no byte and can fail no answer. PURE.
 *
 * Where it stands (reference: the vendors' usage objects; they are cumulative, so that a later one
 * replaces an earlier one member by member and never adds):
 *   anthropic: message_start's message.usage, then message_delta's usage; a whole message's usage;
 *     where it lists iterations (compactions, advisers, turns of a search), their sum is paid
 *   chat: usage of any chunk, also behind the one with the finish_reason, or of its choice; a whole
 *     completion's usage
 *   responses: response.usage of any event but the first ones, which know nothing yet; a whole
 *     response's usage. Its searches are counted: they are items of the output. */
#ifndef PM_TAP_H
#define PM_TAP_H

#include "bytes.h"
#include "json_watch.h"
#include "table.h"
#include "usage.h"
#include "view.h"
#include <stdbool.h>
#include <stdint.h>

struct tap_usage {
	struct usage usage;
	bool told;      /* there was any */
	bool last_word; /* more than what an answer's beginning can know */
	bool odd;       /* counts that cannot be, or contradict each other */
	char model[97]; /* that the answer names; printable ASCII, "" = none */
	char id[97];    /* the answer's own, as in the source; "" = none */
};

/* As much of a line as tells what it is. */
#define TAP_HEAD_BYTES 64

struct tap {
	struct tap_usage found;  /* in this piece of the answer; most answers have one */
	struct tap_usage before; /* in all pieces before, added */
	unsigned news;           /* how often there was any usage */
	enum protocol protocol;
	bool stream;

	/* A stream's line and event. */
	char head[TAP_HEAD_BYTES]; /* how a line begins that came in pieces */
	uint8_t head_len;
	bool decided;  /* the line is known to be skipped or watched */
	bool watching; /* ... watched */
	bool after_cr;
	bool started;  /* the first line is known */
	bool has_data; /* the event has had a line of data */
	enum tap_event {
		TAP_EVENT_OTHER,
		TAP_EVENT_PIECE, /* of content, and nothing else */
		TAP_EVENT_EARLY, /* an answer's beginning, which knows no usage */
		TAP_EVENT_ITEM,  /* an item of the output is whole */
	} event;
	uint64_t searches; /* items that were a search */
	struct json_watch watch;
};

void tap_init(struct tap *tap, enum protocol protocol, bool stream);
void tap_fini(struct tap *tap);
/* The form of what comes is known, before any of it: a stream or a whole answer. */
void tap_begin(struct tap *tap, bool stream);
/* The piece is at its end, and a further one of the same answer will come: what each of them has
 * used is paid, so that their counts add up. */
void tap_go_on(struct tap *tap);
/* What all pieces told. `last_word` needs that of each. */
void tap_tell(const struct tap *tap, struct tap_usage *out);
/* The next bytes of the answer, any split; inflated. */
void tap_feed(struct tap *tap, struct view bytes);

/* The name that an answer gives its model; a long one is none. */
void tap_set_model(struct tap_usage *found, const char *name);

#endif
