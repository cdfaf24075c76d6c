/* walk: a request's conversation as one flat run of entries, whatever the protocol. */
#ifndef PM_WALK_H
#define PM_WALK_H

#include "err.h"
#include "jsonspan.h"
#include "protocol.h"

enum walk_kind {
	WALK_SYSTEM,
	WALK_USER,     /* text by the user */
	WALK_MEDIA,    /* anything else by the user */
	WALK_RESULT,   /* of a tool */
	WALK_SAID,     /* by the assistant */
	WALK_THINKING, /* by the assistant */
	WALK_CALL,     /* by the assistant */
	WALK_COMPACT,  /* responses: the answer shall be the conversation in short */
	WALK_TOOLS,    /* a list of tools in the middle of the conversation */
};

struct walk_entry {
	enum walk_kind kind;
	unsigned message;            /* index in the request's list */
	struct jsonspan_value value; /* text: a string or a list of parts; TOOLS: the list */
	struct jsonspan_value id;    /* CALL, RESULT: of the call; THINKING: of the item */
	struct jsonspan_value seal;  /* THINKING: signature or encrypted content */
};

typedef void walk_fn(const struct walk_entry *entry, void *ctx);

/* `list` is the request's `messages` or `input`. False with ERR_PARSE (err->at as
 * "messages.3.role") when its shape is wrong; entries before it were reported. */
MUST_CHECK bool walk_conversation(
    enum protocol protocol, struct jsonspan_value list, walk_fn *fn, void *ctx, struct err *err);

#endif
