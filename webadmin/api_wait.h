/* api_wait: a call that waits for something that controlplane was told to do: it asks again and
 * again until that is done. */
#ifndef PM_API_WAIT_H
#define PM_API_WAIT_H

#include "api_private.h"

struct api_wait_kind {
	const char *type;   /* of the question how far it is: {seq} */
	const char *member; /* of its answer: {seq, done, ...} */
	uint64_t look_ms;
	/* The last answer, or NULL: nobody answers. Ends the call, its ctx. */
	adminlink_answer_fn *end;
};

/* `answer` is the one to the order, with the same member. Waits for call->index seconds. */
void api_wait(struct call *call, const struct api_wait_kind *kind, const struct envelope *answer);
/* The client of a call that waits left. */
void api_unwait(struct call *call);

#endif
