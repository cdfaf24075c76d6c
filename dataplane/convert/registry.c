/* One line for each protocol. */
#include "codec.h"
#include "must.h"

static const struct codec *const codecs[WIRE_COUNT] = {
    [WIRE_ANTHROPIC] = &codec_anthropic,
    [WIRE_CHAT] = &codec_chat,
    [WIRE_RESPONSES] = &codec_responses,
};

const struct codec *
codec_get(enum wire wire)
{
	MUST((unsigned)wire < WIRE_COUNT);
	return codecs[wire];
}
