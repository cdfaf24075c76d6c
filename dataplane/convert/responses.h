/* responses: what the files of the OpenAI Responses codec share. */
#ifndef PM_RESPONSES_H
#define PM_RESPONSES_H

#include "codec.h"
#include "jsonspan.h"
#include "read_json.h"
#include "write_json.h"
#include <stdbool.h>

#define RESPONSES_ID_MAX 64                               /* of a call */
#define RESPONSES_LOGPROBS "message.output_text.logprobs" /* a word of "include" */

/* Tools that the client runs and that this protocol knows by their type alone. Their input, as our
 * model and other protocols see it, is the member of the call's item. */
struct responses_typed {
	const char *type; /* of the tool, and its name elsewhere */
	const char *call_type, *output_type, *member;
	enum call_form form;
	const char *description_text, *schema;
};
/* NULL when there is none. responses_tools.c */
const struct responses_typed *responses_typed_by_form(enum call_form form);
const struct responses_typed *responses_typed_by_type(struct jsonspan_value tool_type);
const struct responses_typed *responses_typed_by_call(struct jsonspan_value item_type);
const struct responses_typed *responses_typed_by_output(struct jsonspan_value item_type);

/* Requests, read. responses_request.c, responses_tools.c, responses_items.c */
bool responses_request_decode(struct view body, struct request *out, struct err *err);
/* Adds the tools of a list; the first declaration of a name counts. */
MUST_CHECK bool responses_tools_decode(
    struct request *request, struct jsonspan_value list, const char *path, struct err *err);
MUST_CHECK bool responses_choice_decode(
    struct request *request, struct jsonspan_value choice, struct err *err);
MUST_CHECK bool responses_items_decode(
    struct request *request, struct jsonspan_value items, struct err *err);
/* The input of a typed call's item, a JSON object. False at the arena's limit. */
MUST_CHECK bool responses_typed_input(struct arena *arena, const struct responses_typed *typed,
    struct jsonspan_value item, struct view *out);
/* False with ERR_LIMIT: the arena is full. */
bool responses_full(struct err *err);

/* The summary (_text) that an item of ours holds, for the model to read. False: it is none of ours.
 * True with data NULL: it is damaged, or the arena is full. responses_compaction.c */
MUST_CHECK bool responses_summary_read(
    struct arena *arena, struct view sealed_text, struct view *out);

/* Requests, written. responses_write.c, responses_write_tools.c, responses_write_items.c */
struct responses_write {
	struct write_json json;
	const struct request *request;
	const struct encode_options *options;
	struct err *err;
};
bool responses_request_encode(const struct request *request, const struct encode_options *options,
    struct bytes *out, struct err *err);
MUST_CHECK bool responses_items_encode(struct responses_write *write);
MUST_CHECK bool responses_tools_encode(struct responses_write *write);
MUST_CHECK bool responses_wire_name(struct responses_write *write, struct view name,
    struct view space, enum call_form form, struct view *out);

/* Token counts. responses_decode.c */
void responses_usage_decode(struct jsonspan_value usage, struct usage *out);

/* Answers, read. responses_decode.c, responses_decode_item.c */
struct decoder *responses_decoder_new(
    struct arena *arena, const struct upstream_flags *flags, event_fn *emit, void *ctx);
bool responses_decoder_event(
    struct decoder *decoder, const struct sse_event *event, struct err *err);
bool responses_decoder_whole(struct decoder *decoder, struct view body, struct err *err);
bool responses_decoder_end(struct decoder *decoder, struct err *err);
void responses_decoder_free(struct decoder *decoder);

/* Answers, written. responses_answer.c, responses_answer_item.c, responses_reply.c */
struct encoder *responses_encoder_new(
    struct arena *arena, const struct answer_options *options, bool stream);
bool responses_encoder_event(
    struct encoder *encoder, const struct event *event, struct bytes *out, struct err *err);
void responses_encoder_free(struct encoder *encoder);
bool responses_encoder_ping(struct encoder *encoder, struct bytes *out);

#endif
