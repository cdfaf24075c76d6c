/* samples: what an agent sends and gets, made up: the same bytes in every run. */
#ifndef PM_SAMPLES_H
#define PM_SAMPLES_H

#include "bytes.h"
#include "model.h"
#include <stdbool.h>
#include <stddef.h>

/* A conversation of about `wanted_bytes` in the words of Anthropic Messages: a system prompt, tools
 * with schemas, and turns in which files are read and written. */
void samples_request(size_t wanted_bytes, bool stream, struct bytes *out);
/* A stream of Anthropic Messages: a text and the input of a call, in small pieces. */
void samples_stream(struct bytes *out);

#endif
