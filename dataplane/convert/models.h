/* models: a list of models, or one model, of one vendor's shape in the client's. */
#ifndef PM_CONVERT_MODELS_H
#define PM_CONVERT_MODELS_H

#include "bytes.h"
#include "err.h"
#include "model.h"
#include "view.h"
#include <stdbool.h>

/* Anthropic: {data: [{type: "model", id, display_name, created_at}], has_more, first_id, last_id};
 * OpenAI (chat and responses): {object: "list", data: [{id, object: "model", created, owned_by}]}.
 * One model alone likewise. False with ERR_PARSE when `body` is neither. */
MUST_CHECK bool models_convert(
    enum wire client, struct view body, struct bytes *out, struct err *err);

#endif
