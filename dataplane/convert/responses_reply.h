/* responses_reply: the response object, as it begins and as it ends. */
#ifndef PM_RESPONSES_REPLY_H
#define PM_RESPONSES_REPLY_H

#include "codec.h"
#include "write_json.h"

struct responses_reply {
	const struct answer_options *options;
	struct view id_text;           /* the upstream's own; empty = one of ours */
	const char *status;            /* "in_progress", "completed", "incomplete", "failed" */
	const char *incomplete_reason; /* NULL unless incomplete */
	const struct event *error;     /* NULL unless failed */
	struct view output;            /* items with commas between them */
	const struct usage *usage;     /* NULL: not told yet */
};
/* Writes the object as the next value of `json`. */
void responses_reply_write(struct write_json *json, const struct responses_reply *reply);
/* The word that says to clients of a stream what failed, and what they may do about it. */
const char *responses_reply_code(const struct event *error);

#endif
