/* render: a plan in the words of each protocol, whole or as a stream. Pure. */
#ifndef PM_RENDER_H
#define PM_RENDER_H

#include "plan.h"
#include "tape.h"

/* The whole answer as JSON. */
void render_json(const struct plan *plan, struct writer *out);
/* The same answer as events; the tape's marks are set. */
void render_stream(const struct plan *plan, struct tape *tape);
/* The usage object alone, as the last event carries it (for the ledger). */
void render_usage(const struct plan *plan, struct writer *out);

/* What can go wrong with a request, in the words of its protocol. */
struct render_error {
	int status;
	struct view type, code; /* empty: the usual ones of the status */
	struct view msg;        /* empty: the usual one */
	struct view param;      /* the place in the request, or empty */
	struct view request_id;
};
void render_error_json(
    enum protocol protocol, const struct render_error *error, struct writer *out);
/* An error in the middle of (or instead of) a stream. `plan` may be NULL. */
void render_error_event(enum protocol protocol, const struct plan *plan,
    const struct render_error *error, struct tape *tape);

/* ---- between the files of render ---- */

/* One usage number as the plan's usage_kind wants it. */
void render_number(const struct plan *plan, const char *key, uint64_t number, struct writer *out);
/* Begins ",'usage':"; false when the member has been settled (left out, or null). */
bool render_usage_begins(const struct plan *plan, struct writer *out);

void render_messages_json(const struct plan *plan, struct writer *out);
void render_messages_stream(const struct plan *plan, struct tape *tape);
void render_messages_usage(const struct plan *plan, bool last, struct writer *out);
void render_chat_json(const struct plan *plan, struct writer *out);
void render_chat_stream(const struct plan *plan, struct tape *tape);
void render_chat_usage(const struct plan *plan, struct writer *out);
void render_responses_json(const struct plan *plan, struct writer *out);
void render_responses_stream(const struct plan *plan, struct tape *tape);
void render_responses_usage(const struct plan *plan, struct writer *out);
/* response.failed after `error`; sequence numbers begin with the tape's count. */
void render_responses_failed(
    const struct plan *plan, const struct render_error *error, struct tape *tape);

#endif
