/* count: about how many tokens a request has, where no upstream counts them. An estimate, to be
 * labelled as one. */
#ifndef PM_CONVERT_COUNT_H
#define PM_CONVERT_COUNT_H

#include "err.h"
#include "model.h"
#include "view.h"
#include <stdbool.h>
#include <stdint.h>

/* Texts of system, messages and tools by their kind of script (words of Latin letters about four
 * bytes a token, digits and marks fewer, Chinese and the like one a character), schemas and inputs
 * by their JSON, media by their usual price, and a few for the frame of each message and tool.
 * ERR_PARSE when `body` is no request of that protocol. */
MUST_CHECK bool count_estimate(
    enum wire client, struct view body, int64_t *tokens, struct err *err);

#endif
