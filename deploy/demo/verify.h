/* verify: refuses what the real services refuse, so that a gateway's mistakes show here. */
#ifndef PM_VERIFY_H
#define PM_VERIFY_H

#include "ask.h"

/* `version` is the anthropic-version header (empty when absent). False with ERR_PARSE: err->at is
 * the place, err->msg what is wrong. */
MUST_CHECK bool verify_request(
    const struct ask *ask, struct view body, struct view version, struct err *err);

#endif
