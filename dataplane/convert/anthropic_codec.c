#include "anthropic.h"

static const struct pause_ops pause = {
    .said_new = anthropic_said_new,
    .said_free = anthropic_said_free,
    .said_event = anthropic_said_event,
    .said_whole = anthropic_said_whole,
    .said_may_go_on = anthropic_said_may_go_on,
    .said_append = anthropic_said_append,
};

const struct codec codec_anthropic = {
    .wire = WIRE_ANTHROPIC,
    .name = "anthropic",
    .pause = &pause,
    .request_decode = anthropic_request_decode,
    .request_encode = anthropic_request_encode,
    .decoder_new = anthropic_decoder_new,
    .decoder_event = anthropic_decoder_event,
    .decoder_whole = anthropic_decoder_whole,
    .decoder_end = anthropic_decoder_end,
    .decoder_free = anthropic_decoder_free,
    .encoder_new = anthropic_encoder_new,
    .encoder_event = anthropic_encoder_event,
    .encoder_free = anthropic_encoder_free,
    .encoder_ping = anthropic_encoder_ping,
    .error_decode = anthropic_error_decode,
    .error_encode = anthropic_error_encode,
};
