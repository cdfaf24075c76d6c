/* protocol: the three that the demo speaks. */
#ifndef PM_PROTOCOL_H
#define PM_PROTOCOL_H

#include "view.h"

enum protocol { PROTOCOL_MESSAGES, PROTOCOL_CHAT, PROTOCOL_RESPONSES };

/* "messages", "chat", "responses" */
const char *protocol_name(enum protocol protocol);

enum protocol_endpoint {
	ENDPOINT_NONE,
	ENDPOINT_ANSWER, /* .../messages, .../chat/completions, .../responses */
	ENDPOINT_COUNT_TOKENS,
	ENDPOINT_MODELS, /* .../models and .../models/ID */
	ENDPOINT_HEALTH,
};

struct protocol_target {
	enum protocol_endpoint endpoint;
	enum protocol protocol; /* of ANSWER and COUNT_TOKENS */
	struct view prefix;     /* of the path: what stands before the endpoint and its "/v1" */
	struct view model;      /* MODELS: the ID, or empty */
};

/* Pure: what a request path means. */
struct protocol_target protocol_target(struct view path);

#endif
