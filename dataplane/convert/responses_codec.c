/* OpenAI Responses: one protocol's readers and writers. */
#include "openai.h"
#include "responses.h"

const struct codec codec_responses = {
    .wire = WIRE_RESPONSES,
    .name = "responses",
    .request_decode = responses_request_decode,
    .request_encode = responses_request_encode,
    .decoder_new = responses_decoder_new,
    .decoder_event = responses_decoder_event,
    .decoder_whole = responses_decoder_whole,
    .decoder_end = responses_decoder_end,
    .decoder_free = responses_decoder_free,
    .encoder_new = responses_encoder_new,
    .encoder_event = responses_encoder_event,
    .encoder_free = responses_encoder_free,
    .encoder_ping = responses_encoder_ping,
    .error_decode = openai_error_decode,
    .error_encode = openai_error_encode,
};
