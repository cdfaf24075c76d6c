/* operate: what each command asks controlplane, and how its answer is shown. */
#ifndef PM_OPERATE_H
#define PM_OPERATE_H

#include "bytes.h"
#include "err.h"
#include "options.h"
#include "places.h"
#include <jansson.h>

#define OPERATE_ID_BYTES 257

struct ask {
	const char *type, *expected;
	json_t *body; /* taken by who asks; NULL = {} */
	void (*show)(const json_t *body, const struct places *places, const struct options *options,
	    struct bytes *out);
};

/* The question of a command; `id` of the upstream that it names, NULL = none. */
struct ask operate_ask(const struct options *options, const char *id);
/* The id of the upstream that has this id or, alone, this name. */
MUST_CHECK bool operate_find(
    const json_t *state, const char *word, char id[OPERATE_ID_BYTES], struct err *err);

#endif
