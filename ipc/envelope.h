/* envelope: {"v":1,"type":"...","id":N,"body":{...}} around every message. */
#ifndef PM_ENVELOPE_H
#define PM_ENVELOPE_H

#include "bytes.h"
#include "err.h"
#include "view.h"
#include <jansson.h>
#include <stdint.h>

struct envelope {
	char type[32];
	uint64_t id;  /* an answer carries its question's */
	json_t *body; /* an object; owned until envelope_fini */
};
/* Takes `body` (NULL = {}). Appends to `out`. */
MUST_CHECK bool envelope_encode(const char *type, uint64_t id, json_t *body, struct bytes *out);
/* The same around a body that is JSON text already. */
MUST_CHECK bool envelope_write(const char *type, uint64_t id, struct view body, struct bytes *out);
/* Known version, all four members; what a newer release adds is passed over. */
MUST_CHECK bool envelope_decode(struct view text, struct envelope *out, struct err *err);
void envelope_fini(struct envelope *envelope);
/* An MSG_ERROR body for `err`; new reference. */
json_t *envelope_error_body(const struct err *err);

#endif
