/* Chat Completions answers, written: events -> chunks, or one document at the end. */
#include "chat_answer.h"
#include "sse_write.h"

bool
chat_answer_too_big(struct err *err)
{
	return err_set(err, ERR_LIMIT, "", "the answer is too big to convert");
}

/* ---- chunks ---- */

static void
head_write(struct encoder *encoder, struct write_json *json, const char *object)
{
	write_json_object(json);
	write_json_key_plain(json, "id", encoder->id);
	write_json_key_str(json, "object", object);
	write_json_key_int(json, "created", encoder->options.created_s);
	write_json_key_text(json, "model", encoder->options.model_text);
	write_json_key_array(json, "choices");
}

/* Up to and with the brace of the delta. */
void
chat_chunk_begin(struct encoder *encoder, struct write_json *json, struct bytes *out)
{
	write_json_init(json, out);
	json->full = !sse_write_begin(out, NULL);
	head_write(encoder, json, "chat.completion.chunk");
	write_json_object(json);
	write_json_key_int(json, "index", 0);
	write_json_key_object(json, "delta");
}

static void
logprobs_list(struct write_json *json, const char *key, const struct bytes *items)
{
	if (items->len == 0) {
		write_json_key_null(json, key);
		return;
	}
	write_json_key_array(json, key);
	write_json_raw(json, bytes_view(items));
	write_json_array_end(json);
}

static void
logprobs_write(const struct encoder *encoder, struct write_json *json)
{
	if (encoder->text_logprobs.len == 0 && encoder->refusal_logprobs.len == 0) {
		write_json_key_null(json, "logprobs");
		return;
	}
	write_json_key_object(json, "logprobs");
	logprobs_list(json, "content", &encoder->text_logprobs);
	logprobs_list(json, "refusal", &encoder->refusal_logprobs);
	write_json_object_end(json);
}

static void
finish_write(const struct encoder *encoder, struct write_json *json, const char *finish)
{
	logprobs_write(encoder, json);
	if (finish == NULL) {
		write_json_key_null(json, "finish_reason");
		return;
	}
	write_json_key_str(json, "finish_reason", finish);
	if (encoder->stop == STOP_SEQUENCE && encoder->stop_text.len > 0)
		write_json_key_text(json, "stop_reason", encoder->stop_text);
}

bool
chat_chunk_end(
    struct encoder *encoder, struct write_json *json, const char *finish, struct err *err)
{
	write_json_object_end(json);
	finish_write(encoder, json, finish);
	bytes_clear(&encoder->text_logprobs);
	bytes_clear(&encoder->refusal_logprobs);
	write_json_object_end(json);
	write_json_array_end(json);
	if (encoder->options.include_usage)
		write_json_key_null(json, "usage");
	write_json_object_end(json);
	return (write_json_ok(json) && sse_write_end(json->out)) || chat_answer_too_big(err);
}

/* A chunk with one member: a text, or items of an array. */
static bool
chunk_text(
    struct encoder *encoder, const char *key, struct view text, struct bytes *out, struct err *err)
{
	struct write_json json;
	chat_chunk_begin(encoder, &json, out);
	write_json_key_text(&json, key, text);
	return chat_chunk_end(encoder, &json, NULL, err);
}

bool
chat_chunk_items(struct encoder *encoder, const char *key, const struct bytes *items,
    struct bytes *out, struct err *err)
{
	struct write_json json;
	chat_chunk_begin(encoder, &json, out);
	write_json_key_array(&json, key);
	write_json_raw(&json, bytes_view(items));
	write_json_array_end(&json);
	return chat_chunk_end(encoder, &json, NULL, err);
}

/* ---- words ---- */

bool
chat_words(struct encoder *encoder, const char *key, struct bytes *whole, struct view text,
    struct bytes *out, struct err *err)
{
	if (text.len == 0)
		return true;
	if (encoder->stream)
		return chunk_text(encoder, key, text, out, err);
	return bytes_append_view(whole, text) || chat_answer_too_big(err);
}

/* ---- parts ---- */

static bool
begin_part(struct encoder *encoder, const struct part *part, struct bytes *out, struct err *err)
{
	encoder->part = (struct part){.kind = part->kind, .form = part->form};
	encoder->part_start = encoder->points;
	bytes_clear(&encoder->thinking);
	bytes_clear(&encoder->signature);
	if (part->kind == PART_CALL)
		return chat_begin_call(encoder, part, out, err);
	if (part->kind == PART_HOSTED)
		ledger_note(encoder->options.ledger, "content.server_tool");
	if (part->kind != PART_THINKING && part->kind != PART_REDACTED)
		return true;
	encoder->part.item_id_plain = arena_copy(encoder->arena, part->item_id_plain);
	return bytes_append_view(&encoder->signature, part->signature_text) ||
	       chat_answer_too_big(err);
}

static bool
keep_logprobs(struct encoder *encoder, struct view items)
{
	struct bytes *list = encoder->part.kind == PART_REFUSAL ? &encoder->refusal_logprobs
								: &encoder->text_logprobs;
	return (list->len == 0 || bytes_append_char(list, ',')) && bytes_append_view(list, items);
}

/* What is known of tokens and came without words. */
static bool
rest_of_logprobs(struct encoder *encoder, struct bytes *out, struct err *err)
{
	struct write_json json;
	if (!encoder->stream ||
	    (encoder->text_logprobs.len == 0 && encoder->refusal_logprobs.len == 0))
		return true;
	chat_chunk_begin(encoder, &json, out);
	return chat_chunk_end(encoder, &json, NULL, err);
}

static bool
delta(struct encoder *encoder, const struct event *event, struct bytes *out, struct err *err)
{
	struct view text = event->text;
	switch (event->delta) {
	case DELTA_CITATION:
		return chat_keep_source(encoder, &event->citation, err);
	case DELTA_SIGNATURE:
		bytes_clear(&encoder->signature);
		return bytes_append_view(&encoder->signature, text) || chat_answer_too_big(err);
	case DELTA_INPUT:
		return chat_call_source(encoder, text, out, err);
	case DELTA_LOGPROBS:
		return keep_logprobs(encoder, text) || chat_answer_too_big(err);
	case DELTA_TEXT:
		break;
	}
	if (encoder->part.kind == PART_CALL)
		return chat_call_piece(encoder, text, out, err);
	if (encoder->part.kind == PART_THINKING)
		return chat_think_more(encoder, text, out, err);
	if (encoder->part.kind == PART_REFUSAL) {
		encoder->has_refusal = true;
		return chat_words(encoder, "refusal", &encoder->refusal, text, out, err);
	}
	encoder->points += chat_count_points(text);
	return chat_words(encoder, "content", &encoder->content, text, out, err);
}

static bool
finish_part(struct encoder *encoder, struct bytes *out, struct err *err)
{
	if (encoder->part.kind == PART_CALL)
		return chat_finish_call(encoder, out, err);
	if (encoder->part.kind == PART_THINKING || encoder->part.kind == PART_REDACTED)
		return chat_finish_thinking(encoder, out, err);
	return rest_of_logprobs(encoder, out, err) && chat_write_sources(encoder, out, err);
}

/* ---- the ends ---- */

static const char *
finish_word(const struct encoder *encoder)
{
	switch (encoder->stop) {
	case STOP_MAX_TOKENS:
	case STOP_CONTEXT_WINDOW:
		return "length";
	case STOP_TOOL_USE:
		return "tool_calls";
	case STOP_SEQUENCE:
	case STOP_PAUSE:
		/* A client makes the calls of an answer only when its end says so. */
		return encoder->has_open_end || encoder->call_count == 0 ? "stop" : "tool_calls";
	case STOP_REFUSAL:
		/* A refusal in words ends like any answer. */
		return encoder->has_refusal ? "stop" : "content_filter";
	case STOP_END_TURN:
	case STOP_UNKNOWN:
		break;
	}
	return "stop";
}

static bool
stop(struct encoder *encoder, const struct event *event, struct bytes *out, struct err *err)
{
	struct write_json json;
	encoder->stop = event->stop;
	encoder->stop_text = arena_copy(encoder->arena, event->stop_text);
	const char *finish = finish_word(encoder);
	if (event->stop == STOP_PAUSE)
		ledger_note(encoder->options.ledger, "stop_reason");
	if (event->stop == STOP_REFUSAL && !encoder->has_refusal &&
	    !chat_words(encoder, "refusal", &encoder->refusal, event->stop_text, out, err))
		return false;
	if (!encoder->stream)
		return true;
	chat_chunk_begin(encoder, &json, out);
	return chat_chunk_end(encoder, &json, finish, err);
}

static bool
end_stream(struct encoder *encoder, struct bytes *out, struct err *err)
{
	struct write_json json;
	if (encoder->options.include_usage) {
		write_json_init(&json, out);
		json.full = !sse_write_begin(out, NULL);
		head_write(encoder, &json, "chat.completion.chunk");
		write_json_array_end(&json);
		write_json_key(&json, "usage");
		chat_usage_encode(&json, &encoder->usage);
		write_json_object_end(&json);
		if (!write_json_ok(&json) || !sse_write_end(out))
			return chat_answer_too_big(err);
	}
	return sse_write(out, NULL, VIEW("[DONE]")) || chat_answer_too_big(err);
}

static void
array_write(struct write_json *json, const char *key, const struct bytes *items)
{
	write_json_key_array(json, key);
	if (items->len > 0)
		write_json_raw(json, bytes_view(items));
	write_json_array_end(json);
}

static void
message_write(const struct encoder *encoder, struct write_json *json)
{
	bool silent =
	    encoder->content.len == 0 && (encoder->call_count > 0 || encoder->refusal.len > 0);
	write_json_key_object(json, "message");
	write_json_key_str(json, "role", "assistant");
	if (silent)
		write_json_key_null(json, "content");
	else
		write_json_key_text(json, "content", bytes_view(&encoder->content));
	if (encoder->refusal.len > 0)
		write_json_key_text(json, "refusal", bytes_view(&encoder->refusal));
	else
		write_json_key_null(json, "refusal");
	array_write(json, "annotations", &encoder->annotations);
	if (encoder->reasoning.len > 0)
		write_json_key_text(json, "reasoning_content", bytes_view(&encoder->reasoning));
	if (encoder->blocks.len > 0)
		array_write(json, "thinking_blocks", &encoder->blocks);
	if (encoder->calls.len > 0)
		array_write(json, "tool_calls", &encoder->calls);
	write_json_object_end(json);
}

static bool
end_whole(struct encoder *encoder, struct bytes *out, struct err *err)
{
	struct write_json json;
	write_json_init(&json, out);
	head_write(encoder, &json, "chat.completion");
	write_json_object(&json);
	write_json_key_int(&json, "index", 0);
	message_write(encoder, &json);
	finish_write(encoder, &json, finish_word(encoder));
	write_json_object_end(&json);
	write_json_array_end(&json);
	write_json_key(&json, "usage");
	chat_usage_encode(&json, &encoder->usage);
	write_json_object_end(&json);
	return write_json_ok(&json) || chat_answer_too_big(err);
}

/* An error is no end of the stream: what follows it is missing, and clients must see that. */
static bool
fail(struct encoder *encoder, const struct event *event, struct bytes *out, struct err *err)
{
	int status = 0;
	bool ok = !encoder->stream || sse_write_begin(out, NULL);
	ok = ok && openai_error_encode(event, encoder->options.request_id_plain, out, &status);
	return (ok && (!encoder->stream || sse_write_end(out))) || chat_answer_too_big(err);
}

static bool
start(struct encoder *encoder, struct bytes *out, struct err *err)
{
	struct write_json json;
	if (!encoder->stream)
		return true;
	chat_chunk_begin(encoder, &json, out);
	write_json_key_str(&json, "role", "assistant");
	write_json_key_plain(&json, "content", VIEW(""));
	write_json_key_null(&json, "refusal");
	return chat_chunk_end(encoder, &json, NULL, err);
}

bool
chat_encoder_event(
    struct encoder *encoder, const struct event *event, struct bytes *out, struct err *err)
{
	switch (event->kind) {
	case EVENT_START:
		return start(encoder, out, err);
	case EVENT_PART_BEGIN:
		return begin_part(encoder, event->part, out, err);
	case EVENT_PART_DELTA:
		return delta(encoder, event, out, err);
	case EVENT_PART_FINISH:
		encoder->has_open_end = event->incomplete;
		return finish_part(encoder, out, err);
	case EVENT_USAGE:
		usage_merge(&encoder->usage, &event->usage);
		return true;
	case EVENT_STOP:
		return stop(encoder, event, out, err);
	case EVENT_PING:
		return chat_encoder_ping(encoder, out) || chat_answer_too_big(err);
	case EVENT_ERROR:
		return fail(encoder, event, out, err);
	case EVENT_END:
		return encoder->stream ? end_stream(encoder, out, err)
				       : end_whole(encoder, out, err);
	}
	return true;
}

bool
chat_encoder_ping(struct encoder *encoder, struct bytes *out)
{
	return !encoder->stream || bytes_append_str(out, ": keepalive\n\n");
}

struct encoder *
chat_encoder_new(struct arena *arena, const struct answer_options *options, bool stream)
{
	struct encoder *encoder = arena_alloc(arena, sizeof(*encoder));
	if (encoder == NULL)
		return NULL;
	encoder->arena = arena;
	encoder->options = *options;
	encoder->stream = stream;
	encoder->id = arena_printf(arena, "chatcmpl-%.*s", VIEW_ARGS(options->request_id_plain));
	usage_init(&encoder->usage);
	struct bytes *const buffers[] = {&encoder->content, &encoder->reasoning, &encoder->refusal,
	    &encoder->annotations, &encoder->blocks, &encoder->calls, &encoder->thinking,
	    &encoder->signature, &encoder->piece, &encoder->text_logprobs,
	    &encoder->refusal_logprobs};
	for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++)
		bytes_init(buffers[i], CHAT_ANSWER_BYTES_MAX);
	return encoder->id.data != NULL ? encoder : NULL;
}

void
chat_encoder_free(struct encoder *encoder)
{
	if (encoder->unwraps)
		freeform_fini(&encoder->freeform);
	struct bytes *const buffers[] = {&encoder->content, &encoder->reasoning, &encoder->refusal,
	    &encoder->annotations, &encoder->blocks, &encoder->calls, &encoder->thinking,
	    &encoder->signature, &encoder->piece, &encoder->text_logprobs,
	    &encoder->refusal_logprobs};
	for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++)
		bytes_fini(buffers[i]);
}
