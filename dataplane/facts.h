/* facts: what the data plane needs to know of a request's body: where its members lie. One pass
 * that checks the whole of it, nothing copied. PURE. */
#ifndef PM_FACTS_H
#define PM_FACTS_H

#include "err.h"
#include "jsonspan.h"
#include "view.h"
#include <stdbool.h>

/* Top-level members that somebody asks for. */
enum facts_member {
	FACTS_MODEL,
	FACTS_STREAM,
	FACTS_SYSTEM,       /* anthropic */
	FACTS_INSTRUCTIONS, /* responses */
	FACTS_TOOLS,
	FACTS_MESSAGES, /* anthropic, chat */
	FACTS_INPUT,    /* responses */
	FACTS_METADATA,
	FACTS_CACHE_KEY, /* prompt_cache_key */
	FACTS_THINKING,  /* anthropic */
	FACTS_MAX_TOKENS,
	FACTS_STREAM_OPTIONS, /* chat */
	FACTS_PREVIOUS,       /* previous_response_id; responses */
	FACTS_MEMBERS,
};

struct request_facts {
	struct jsonspan_value members[FACTS_MEMBERS]; /* borrow from the body */
	struct view body;                             /* the object, without space around it */
	struct view model_raw; /* the string value with quotes, empty when absent */
	char model[256];       /* unescaped, "" when absent or longer */
	bool stream;           /* "stream": true */
	bool has_model;
};
/* Full JSON check. False with ERR_PARSE (offset in err->at) for no JSON or no object; false for
 * a repeated top-level "model" or "stream", a model that is no string, a stream that is neither
 * bool nor null. */
MUST_CHECK bool request_facts_read(struct view body, struct request_facts *out, struct err *err);

#endif
