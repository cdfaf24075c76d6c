/* chat: what the files of the OpenAI Chat Completions codec share. */
#ifndef PM_CHAT_H
#define PM_CHAT_H

#include "codec.h"
#include "jsonspan.h"
#include "openai.h"
#include "read_json.h"
#include "write_json.h"
#include <stdbool.h>

#define CHAT_ID_MAX 40 /* of a call, in requests */

/* chat_request.c, chat_messages.c: requests, read. */
MUST_CHECK bool chat_request_decode(struct view body, struct request *out, struct err *err);
MUST_CHECK bool chat_messages_decode(
    struct jsonspan_value messages, struct request *out, struct err *err);
/* chat_parts.c: "content" of any role (string, array or nothing) into a turn, or into the children
 * of a result. */
MUST_CHECK bool chat_content_decode(struct request *request, struct turn *turn, struct part *result,
    struct jsonspan_value content, const char *path, struct err *err);
/* What the vendors put beside the content: thinking_blocks, reasoning_details, reasoning_content.
 */
MUST_CHECK bool chat_thinking_decode(struct request *request, struct turn *turn,
    const struct read_json_object *message, const char *path, struct err *err);
/* cache_control or prompt_cache_breakpoint of a part, message or tool. */
enum cache_mark chat_cache_decode(const struct read_json_object *object);
/* False with ERR_LIMIT: the arena is full. */
bool chat_full(struct err *err);

/* chat_write.c, chat_write_tools.c, chat_write_messages.c: requests, written. */
struct chat_write {
	struct write_json json;
	const struct request *request;
	const struct encode_options *options;
	struct err *err;
	unsigned calls;       /* so far: seed for ids of calls that came without */
	size_t marks_to_skip; /* cache marks beyond what the protocol takes */
};
MUST_CHECK bool chat_request_encode(const struct request *request,
    const struct encode_options *options, struct bytes *out, struct err *err);
MUST_CHECK bool chat_tools_encode(struct chat_write *write);
MUST_CHECK bool chat_messages_encode(struct chat_write *write);
/* chat_write_parts.c */
MUST_CHECK bool chat_lose(struct chat_write *write, const struct part *part);
void chat_marks_count(struct chat_write *write);
bool chat_part_is_marked(const struct chat_write *write, const struct part *part);
bool chat_part_is_media(const struct part *part); /* images, audio, files that are no text */
bool chat_part_is_text(const struct part *part);  /* text, refusals, files */
void chat_part_text(struct chat_write *write, const char *prefix, const struct part *part);
MUST_CHECK bool chat_part_file(struct chat_write *write, const struct part *part);
MUST_CHECK bool chat_part_media(struct chat_write *write, const struct part *part);
/* The upstream's name for a tool; false at the arena's limit. */
MUST_CHECK bool chat_wire_name(struct chat_write *write, struct view name, struct view space,
    enum call_form form, struct view *out);

/* chat_decode.c, chat_usage.c: answers, read. */
struct decoder *chat_decoder_new(
    struct arena *arena, const struct upstream_flags *flags, event_fn *emit, void *ctx);
bool chat_decoder_event(struct decoder *decoder, const struct sse_event *event, struct err *err);
bool chat_decoder_whole(struct decoder *decoder, struct view body, struct err *err);
bool chat_decoder_end(struct decoder *decoder, struct err *err);
void chat_decoder_free(struct decoder *decoder);
void chat_usage_decode(struct jsonspan_value usage, struct usage *out);
void chat_usage_encode(struct write_json *json, const struct usage *usage);

/* chat_answer.c: answers, written. */
struct encoder *chat_encoder_new(
    struct arena *arena, const struct answer_options *options, bool stream);
bool chat_encoder_event(
    struct encoder *encoder, const struct event *event, struct bytes *out, struct err *err);
void chat_encoder_free(struct encoder *encoder);
bool chat_encoder_ping(struct encoder *encoder, struct bytes *out);

#endif
