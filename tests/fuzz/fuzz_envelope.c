/* Any bytes from a peer: refused or decoded, never a crash. */
#include "envelope.h"
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct envelope envelope;
	struct err err;
	if (envelope_decode(view_make((const char *)data, size), &envelope, &err))
		envelope_fini(&envelope);
	return 0;
}
