/* logprobs: how likely the tokens of an answer were, as both of one vendor's protocols list them:
 * {token, logprob, bytes, top_logprobs}. */
#ifndef PM_LOGPROBS_H
#define PM_LOGPROBS_H

#include "bytes.h"
#include "jsonspan.h"
#include <stddef.h>

/* How many entries a list has; 0 when it is none. */
size_t logprobs_count(struct jsonspan_value list);
/* Appends the entries of the list from `skip` on to the items of an array, with commas between them
 * and no line breaks; what is no entry is left out. Bytes that are not told are the token's. False
 * at the limit of `out`. */
MUST_CHECK bool logprobs_append(struct bytes *out, struct jsonspan_value list, size_t skip);

#endif
