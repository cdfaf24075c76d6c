/* Responses answers, written: the events of the response itself. */
#include "responses_answer.h"
#include "openai.h"
#include "responses_reply.h"
#include "sse_write.h"

#define ANSWER_BYTES_MAX (64u << 20)

/* ---- events of a stream ---- */

bool
responses_event_begin(struct encoder *encoder, const char *type)
{
	if (!encoder->stream)
		return false;
	encoder->event_start = encoder->out->len;
	if (!sse_write_begin(encoder->out, type))
		encoder->full = true;
	encoder->event_start = encoder->out->len;
	write_json_init(&encoder->json, encoder->out);
	write_json_object(&encoder->json);
	write_json_key_str(&encoder->json, "type", type);
	write_json_key_int(&encoder->json, "sequence_number", encoder->sequence++);
	return true;
}

void
responses_event_end(struct encoder *encoder)
{
	write_json_object_end(&encoder->json);
	sse_write_join(encoder->out, encoder->event_start);
	if (!write_json_ok(&encoder->json) || !sse_write_end(encoder->out))
		encoder->full = true;
}

static void
response_event(struct encoder *encoder, const char *type, const struct responses_reply *reply)
{
	if (!responses_event_begin(encoder, type))
		return;
	write_json_key(&encoder->json, "response");
	responses_reply_write(&encoder->json, reply);
	responses_event_end(encoder);
}

static void
begin(struct encoder *encoder)
{
	const struct responses_reply reply = {
	    .options = &encoder->options, .id_text = encoder->answer_id, .status = "in_progress"};
	if (encoder->started)
		return;
	encoder->started = true;
	response_event(encoder, "response.created", &reply);
	response_event(encoder, "response.in_progress", &reply);
}

/* ---- the end ---- */

/* A refusal is said in the answer: an incomplete one ends the session of some clients. */
static void
stop(struct encoder *encoder, const struct event *event)
{
	bool strict = encoder->options.ledger != NULL && encoder->options.ledger->strict;
	switch (event->stop) {
	case STOP_MAX_TOKENS:
	case STOP_CONTEXT_WINDOW:
		encoder->incomplete_reason = "max_output_tokens";
		break;
	case STOP_REFUSAL:
		if (strict)
			encoder->incomplete_reason = "content_filter";
		else if (!encoder->had_refusal)
			responses_refuse(encoder, event->stop_text);
		break;
	case STOP_PAUSE:
		if (encoder->options.ledger != NULL)
			ledger_note(encoder->options.ledger, "stop_reason");
		break;
	case STOP_END_TURN:
	case STOP_SEQUENCE:
	case STOP_TOOL_USE:
	case STOP_UNKNOWN:
		break;
	}
	responses_message_close(encoder);
}

static void
finish(struct encoder *encoder)
{
	bool cut = encoder->incomplete_reason != NULL;
	const struct responses_reply reply = {
	    .options = &encoder->options,
	    .id_text = encoder->answer_id,
	    .status = cut ? "incomplete" : "completed",
	    .incomplete_reason = encoder->incomplete_reason,
	    .output = bytes_view(&encoder->output),
	    .usage = &encoder->usage,
	};
	encoder->ended = true;
	if (encoder->stream) {
		response_event(encoder, cut ? "response.incomplete" : "response.completed", &reply);
		return;
	}
	encoder->event_start = encoder->out->len;
	write_json_init(&encoder->json, encoder->out);
	responses_reply_write(&encoder->json, &reply);
	sse_write_join(encoder->out, encoder->event_start);
	encoder->full = encoder->full || !write_json_ok(&encoder->json);
}

static void
fail(struct encoder *encoder, const struct event *error)
{
	const char *code = responses_reply_code(error);
	const struct responses_reply reply = {.options = &encoder->options,
	    .id_text = encoder->answer_id,
	    .status = "failed",
	    .error = error};
	int status = error->status;
	encoder->ended = true;
	if (!encoder->stream) {
		if (!openai_error_encode(
			error, encoder->options.request_id_plain, encoder->out, &status))
			encoder->full = true;
		return;
	}
	begin(encoder);
	if (!responses_event_begin(encoder, "error"))
		return;
	write_json_key_object(&encoder->json, "error");
	write_json_key_str(&encoder->json, "type",
	    error->status >= 500   ? "server_error"
	    : error->status == 429 ? "rate_limit_error"
				   : "invalid_request_error");
	write_json_key_str(&encoder->json, "code", code);
	write_json_key_text(&encoder->json, "message", error->error_message_text);
	write_json_key_null(&encoder->json, "param");
	write_json_object_end(&encoder->json);
	responses_event_end(encoder);
	response_event(encoder, "response.failed", &reply);
}

/* ---- the encoder ---- */

struct encoder *
responses_encoder_new(struct arena *arena, const struct answer_options *options, bool stream)
{
	struct encoder *encoder = arena_alloc(arena, sizeof(*encoder));
	if (encoder == NULL)
		return NULL;
	encoder->arena = arena;
	encoder->options = *options;
	encoder->stream = stream;
	usage_init(&encoder->usage);
	bytes_init(&encoder->output, ANSWER_BYTES_MAX);
	bytes_init(&encoder->text, ANSWER_BYTES_MAX);
	bytes_init(&encoder->notes, ANSWER_BYTES_MAX);
	bytes_init(&encoder->logprobs, ANSWER_BYTES_MAX);
	bytes_init(&encoder->news, ANSWER_BYTES_MAX);
	bytes_init(&encoder->signature, ANSWER_BYTES_MAX);
	bytes_init(&encoder->seal, ANSWER_BYTES_MAX);
	return encoder;
}

void
responses_encoder_free(struct encoder *encoder)
{
	bytes_fini(&encoder->output);
	bytes_fini(&encoder->text);
	bytes_fini(&encoder->notes);
	bytes_fini(&encoder->logprobs);
	bytes_fini(&encoder->news);
	bytes_fini(&encoder->signature);
	bytes_fini(&encoder->seal);
	if (encoder->freeform_open)
		freeform_fini(&encoder->freeform);
}

static void
keepalive(struct encoder *encoder)
{
	if (encoder->started && !encoder->ended && responses_event_begin(encoder, "keepalive"))
		responses_event_end(encoder);
}

bool
responses_encoder_ping(struct encoder *encoder, struct bytes *out)
{
	encoder->out = out;
	keepalive(encoder);
	return !encoder->full;
}

static bool
too_big(struct err *err)
{
	return err_set(err, ERR_LIMIT, "", "the answer is too big to convert");
}

static bool
is_content(const struct event *event)
{
	return event->kind == EVENT_PART_BEGIN || event->kind == EVENT_PART_DELTA ||
	       event->kind == EVENT_PART_FINISH || event->kind == EVENT_STOP;
}

bool
responses_encoder_event(
    struct encoder *encoder, const struct event *event, struct bytes *out, struct err *err)
{
	encoder->out = out;
	if (encoder->ended)
		return true;
	if (encoder->options.request->compaction != NULL && is_content(event))
		return responses_compacts(encoder, event, err) && (!encoder->full || too_big(err));
	switch (event->kind) {
	case EVENT_START:
		usage_merge(&encoder->usage, &event->usage);
		if (encoder->options.upstream == WIRE_RESPONSES)
			encoder->answer_id = arena_copy(encoder->arena, event->upstream_id_text);
		begin(encoder);
		break;
	case EVENT_PART_BEGIN:
		responses_part_begin(encoder, event->part);
		break;
	case EVENT_PART_DELTA:
		responses_part_delta(encoder, event);
		break;
	case EVENT_PART_FINISH:
		responses_part_finish(encoder, event->incomplete);
		break;
	case EVENT_USAGE:
		usage_merge(&encoder->usage, &event->usage);
		break;
	case EVENT_STOP:
		stop(encoder, event);
		break;
	case EVENT_PING:
		keepalive(encoder);
		break;
	case EVENT_ERROR:
		fail(encoder, event);
		break;
	case EVENT_END:
		finish(encoder);
		break;
	}
	return !encoder->full || too_big(err);
}
