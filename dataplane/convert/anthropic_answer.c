/* Answers, written: as a stream of events, or folded into one message. Both write the same blocks.
 */
#include "anthropic_answer.h"
#include "sse_write.h"

#include <string.h>

struct encoder *
anthropic_encoder_new(struct arena *arena, const struct answer_options *options, bool stream)
{
	struct encoder *encoder = arena_alloc(arena, sizeof(*encoder));
	if (encoder == NULL)
		return NULL;
	encoder->arena = arena;
	encoder->options = *options;
	encoder->stream = stream;
	usage_init(&encoder->usage);
	bytes_init(&encoder->text, arena->max_bytes);
	bytes_init(&encoder->signature, arena->max_bytes);
	bytes_init(&encoder->citations, arena->max_bytes);
	bytes_init(&encoder->content, arena->max_bytes);
	bytes_init(&encoder->stop_text, arena->max_bytes);
	return encoder;
}

void
anthropic_encoder_free(struct encoder *encoder)
{
	bytes_fini(&encoder->text);
	bytes_fini(&encoder->signature);
	bytes_fini(&encoder->citations);
	bytes_fini(&encoder->content);
	bytes_fini(&encoder->stop_text);
}

static bool
full(struct err *err)
{
	return err_set(err, ERR_LIMIT, "", "the answer is too big to convert");
}

/* ---- the message ---- */

static void
write_id(struct encoder *encoder, struct write_json *json)
{
	write_json_key(json, "id");
	write_json_open(json);
	write_json_piece_plain(json, VIEW("msg_"));
	write_json_piece_plain(json, encoder->options.request_id_plain);
	write_json_close(json);
	write_json_key_str(json, "type", "message");
	write_json_key_str(json, "role", "assistant");
	write_json_key_text(json, "model", encoder->options.model_text);
}

static enum stop_reason
final_stop(const struct encoder *encoder)
{
	bool plain = encoder->stop == STOP_END_TURN || encoder->stop == STOP_UNKNOWN;
	return encoder->refused && plain ? STOP_REFUSAL : encoder->stop;
}

/* stop_reason, stop_sequence, stop_details. */
static void
write_stop(struct encoder *encoder, struct write_json *json)
{
	enum stop_reason stop = final_stop(encoder);
	struct view text = bytes_view(&encoder->stop_text);
	write_json_key_str(json, "stop_reason", anthropic_stop_name(stop));
	if (stop == STOP_SEQUENCE && text.len > 0)
		write_json_key_text(json, "stop_sequence", text);
	else
		write_json_key_null(json, "stop_sequence");
	if (stop != STOP_REFUSAL) {
		write_json_key_null(json, "stop_details");
		return;
	}
	write_json_key_object(json, "stop_details");
	write_json_key_str(json, "type", "refusal");
	write_json_key_null(json, "category");
	if (text.len > 0)
		write_json_key_text(json, "explanation", text);
	else
		write_json_key_null(json, "explanation");
	write_json_object_end(json);
}

/* One event of a stream: open, members, close. */
bool
anthropic_event_open(struct write_json *json, struct bytes *out, const char *name)
{
	write_json_init(json, out);
	if (!sse_write_begin(out, name))
		return false;
	write_json_object(json);
	write_json_key_str(json, "type", name);
	return true;
}

bool
anthropic_event_close(struct write_json *json)
{
	write_json_object_end(json);
	return write_json_ok(json) && sse_write_end(json->out);
}

/* The start waits for the first word behind START, since some upstreams count before they speak. */
static bool
start_message(struct encoder *encoder, struct bytes *out)
{
	struct write_json json;
	if (!encoder->stream || encoder->started)
		return true;
	encoder->started = true;
	if (!anthropic_event_open(&json, out, "message_start"))
		return false;
	write_json_key_object(&json, "message");
	write_id(encoder, &json);
	write_json_key_array(&json, "content");
	write_json_array_end(&json);
	write_json_key_null(&json, "stop_reason");
	write_json_key_null(&json, "stop_sequence");
	write_json_key_null(&json, "stop_details");
	write_json_key_null(&json, "container");
	anthropic_usage_encode(&json, &encoder->usage, encoder->options.input_estimate);
	write_json_object_end(&json);
	return anthropic_event_close(&json);
}

/* ---- the end ---- */

static bool
end_stream(struct encoder *encoder, struct bytes *out)
{
	struct write_json json;
	if (!anthropic_event_open(&json, out, "message_delta"))
		return false;
	write_json_key_object(&json, "delta");
	write_stop(encoder, &json);
	write_json_object_end(&json);
	anthropic_usage_encode(&json, &encoder->usage, encoder->options.input_estimate);
	return anthropic_event_close(&json) && anthropic_event_open(&json, out, "message_stop") &&
	       anthropic_event_close(&json);
}

static bool
end_whole(struct encoder *encoder, struct bytes *out)
{
	struct write_json json;
	write_json_init(&json, out);
	write_json_object(&json);
	write_id(encoder, &json);
	write_json_key_array(&json, "content");
	if (encoder->visible)
		write_json_raw(&json, bytes_view(&encoder->content));
	write_json_array_end(&json);
	write_stop(encoder, &json);
	write_json_key_null(&json, "container");
	anthropic_usage_encode(&json, &encoder->usage, encoder->options.input_estimate);
	write_json_object_end(&json);
	return write_json_ok(&json);
}

static bool
write_error(struct encoder *encoder, const struct event *event, struct bytes *out)
{
	int status = 0;
	struct view id = encoder->options.request_id_plain;
	if (!encoder->stream)
		return anthropic_error_encode(event, id, out, &status);
	return sse_write_begin(out, "error") && anthropic_error_encode(event, id, out, &status) &&
	       sse_write_end(out);
}

static bool
write_ping(struct encoder *encoder, struct bytes *out)
{
	struct write_json json;
	if (!encoder->stream)
		return true;
	return start_message(encoder, out) && anthropic_event_open(&json, out, "ping") &&
	       anthropic_event_close(&json);
}

bool
anthropic_encoder_ping(struct encoder *encoder, struct bytes *out)
{
	return write_ping(encoder, out);
}

static bool
take_event(struct encoder *encoder, const struct event *event, struct bytes *out)
{
	switch (event->kind) {
	case EVENT_START:
		return true;
	case EVENT_USAGE:
		usage_merge(&encoder->usage, &event->usage);
		return true;
	case EVENT_PING:
		return write_ping(encoder, out);
	case EVENT_PART_BEGIN:
		return start_message(encoder, out) &&
		       anthropic_part_begin(encoder, event->part, out);
	case EVENT_PART_DELTA:
		return anthropic_part_delta(encoder, event, out);
	case EVENT_PART_FINISH:
		return anthropic_part_finish(encoder, event, out);
	case EVENT_STOP:
		encoder->stop = event->stop;
		return bytes_append_view(&encoder->stop_text, event->stop_text);
	case EVENT_ERROR:
		return write_error(encoder, event, out);
	case EVENT_END:
		if (!encoder->stream)
			return end_whole(encoder, out);
		return start_message(encoder, out) && end_stream(encoder, out);
	}
	return true;
}

bool
anthropic_encoder_event(
    struct encoder *encoder, const struct event *event, struct bytes *out, struct err *err)
{
	return take_event(encoder, event, out) || full(err);
}
