/* A client of one protocol and an upstream of another, as the names in this one's say. */
#include "fuzz_pair.h"

FUZZ_PAIR(WIRE_CHAT, WIRE_ANTHROPIC)
