/* The OpenAI Chat Completions protocol. */
#include "chat.h"

const struct codec codec_chat = {
    .wire = WIRE_CHAT,
    .name = "chat",
    .request_decode = chat_request_decode,
    .request_encode = chat_request_encode,
    .decoder_new = chat_decoder_new,
    .decoder_event = chat_decoder_event,
    .decoder_whole = chat_decoder_whole,
    .decoder_end = chat_decoder_end,
    .decoder_free = chat_decoder_free,
    .encoder_new = chat_encoder_new,
    .encoder_event = chat_encoder_event,
    .encoder_free = chat_encoder_free,
    .encoder_ping = chat_encoder_ping,
    .error_decode = openai_error_decode,
    .error_encode = openai_error_encode,
};
