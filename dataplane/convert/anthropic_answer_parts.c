/* Answers, written: the blocks, as events of a stream or for a folded answer's content. */
#include "anthropic_answer.h"
#include "envelope_state.h"
#include "sse_write.h"

#include <string.h>

static bool
is_own(const struct encoder *encoder)
{
	return encoder->options.upstream == WIRE_ANTHROPIC;
}

/* ---- one block ---- */

/* The members of the open part; `whole`: with what it holds, else as a stream's start has it. */
static void
write_block(struct encoder *encoder, struct write_json *json, bool whole)
{
	static const struct view none = {"", 0};
	const struct part *part = &encoder->part;
	struct view text = whole ? bytes_view(&encoder->text) : none;
	struct view signature = whole ? bytes_view(&encoder->signature) : none;
	write_json_object(json);
	if (part->kind == PART_THINKING) {
		write_json_key_str(json, "type", "thinking");
		write_json_key_text(json, "thinking", text);
		write_json_key_text(json, "signature", signature);
	} else if (part->kind == PART_REDACTED) {
		write_json_key_str(json, "type", "redacted_thinking");
		write_json_key_text(json, "data", bytes_view(&encoder->signature));
	} else if (part->kind == PART_CALL) {
		write_json_key_str(json, "type", "tool_use");
		write_json_key_plain(json, "id", part->id_plain);
		write_json_key_plain(json, "name", part->name_plain);
		write_json_key_raw(json, "input", text.len > 0 ? text : VIEW("{}"));
	} else {
		write_json_key_str(json, "type", "text");
		write_json_key_text(json, "text", text);
		if (whole && encoder->citations.len > 0) {
			write_json_key_array(json, "citations");
			write_json_raw(json, bytes_view(&encoder->citations));
			write_json_array_end(json);
		}
	}
	write_json_object_end(json);
}

/* content_block_start, once. */
static bool
begin_block(struct encoder *encoder, struct bytes *out)
{
	struct write_json json;
	if (!encoder->stream || encoder->begun)
		return true;
	encoder->begun = true;
	if (!anthropic_event_open(&json, out, "content_block_start"))
		return false;
	write_json_key_int(&json, "index", encoder->index);
	write_json_key(&json, "content_block");
	write_block(encoder, &json, false);
	return anthropic_event_close(&json);
}

static bool
end_block(struct encoder *encoder, struct bytes *out)
{
	struct write_json json;
	if (!anthropic_event_open(&json, out, "content_block_stop"))
		return false;
	write_json_key_int(&json, "index", encoder->index);
	encoder->index++;
	encoder->begun = false;
	return anthropic_event_close(&json);
}

/* `text` goes as it is into a string of the delta; `plain` is escaped first. */
static bool
write_delta(struct encoder *encoder, const char *type, const char *key, struct view text,
    struct view plain, struct bytes *out)
{
	struct write_json json;
	if (!anthropic_event_open(&json, out, "content_block_delta"))
		return false;
	write_json_key_int(&json, "index", encoder->index);
	write_json_key_object(&json, "delta");
	write_json_key_str(&json, "type", type);
	write_json_key(&json, key);
	write_json_open(&json);
	write_json_piece_text(&json, text);
	write_json_piece_plain(&json, plain);
	write_json_close(&json);
	write_json_object_end(&json);
	return anthropic_event_close(&json);
}

/* A finished block of a folded answer; `raw` is a JSON value. */
static bool
fold_raw(struct encoder *encoder, struct view raw)
{
	bool first = !encoder->visible;
	encoder->visible = true;
	return (first || bytes_append_char(&encoder->content, ',')) &&
	       bytes_append_view(&encoder->content, raw);
}

static bool
fold_block(struct encoder *encoder)
{
	struct write_json json;
	if (encoder->visible && !bytes_append_char(&encoder->content, ','))
		return false;
	encoder->visible = true;
	write_json_init(&json, &encoder->content);
	write_block(encoder, &json, true);
	return write_json_ok(&json);
}

/* ---- parts ---- */

/* The client's own name of the tool, and an id that it takes. */
static bool
settle_call(struct encoder *encoder, const struct part *part)
{
	const struct name_pair *pair = names_from_wire(encoder->options.names, part->name_plain);
	struct view name = pair != NULL ? pair->name_plain : part->name_plain;
	struct view id = part->id_plain;
	if (id.len == 0)
		id = arena_printf(encoder->arena, "%.*s:%u",
		    VIEW_ARGS(encoder->options.request_id_plain), encoder->part_count);
	id = names_id(encoder->arena, id, ANTHROPIC_ID_MAX, encoder->part_count);
	encoder->part.name_plain = arena_copy(encoder->arena, name);
	encoder->part.id_plain = arena_copy(encoder->arena, id);
	return encoder->part.name_plain.data != NULL && encoder->part.id_plain.data != NULL;
}

bool
anthropic_part_begin(struct encoder *encoder, const struct part *part, struct bytes *out)
{
	encoder->part = (struct part){.kind = part->kind, .form = part->form};
	encoder->open = true;
	encoder->part_count++;
	bytes_clear(&encoder->text);
	bytes_clear(&encoder->signature);
	bytes_clear(&encoder->citations);
	switch (part->kind) {
	case PART_CALL:
		if (!settle_call(encoder, part) || !begin_block(encoder, out))
			return false;
		if (part->form != CALL_CUSTOM)
			return true;
		return bytes_append_str(&encoder->text, "{\"input\":\"") &&
		       (!encoder->stream || write_delta(encoder, "input_json_delta", "partial_json",
						VIEW(""), bytes_view(&encoder->text), out));
	case PART_REDACTED:
	case PART_SEARCH:
	case PART_HOSTED:
		encoder->part =
		    *part; /* finished within its own event, or soon: see anthropic_part_finish */
		encoder->part.raw_json = arena_copy(encoder->arena, part->raw_json);
		encoder->part.text = arena_copy(encoder->arena, part->text);
		encoder->part.id_plain = arena_copy(encoder->arena, part->id_plain);
		encoder->part.item_id_plain = arena_copy(encoder->arena, part->item_id_plain);
		return bytes_append_view(&encoder->signature, part->signature_text) &&
		       encoder->part.raw_json.data != NULL && encoder->part.text.data != NULL;
	case PART_REFUSAL:
		encoder->refused = true;
		return true;
	case PART_TEXT:
	case PART_THINKING: /* begins with its first word: an empty block is refused when it returns
			     */
		encoder->part.item_id_plain = arena_copy(encoder->arena, part->item_id_plain);
		return true;
	case PART_IMAGE:
	case PART_FILE:
	case PART_AUDIO:
	case PART_RESULT:
		break;
	}
	ledger_note(encoder->options.ledger, "output[%u]", encoder->part_count - 1);
	return true;
}

static bool
take_text(struct encoder *encoder, struct view text, struct bytes *out)
{
	if (text.len == 0)
		return true;
	if (!begin_block(encoder, out) || !bytes_append_view(&encoder->text, text))
		return false;
	if (!encoder->stream)
		return true;
	switch (encoder->part.kind) {
	case PART_TEXT:
	case PART_REFUSAL:
		return write_delta(encoder, "text_delta", "text", text, VIEW(""), out);
	case PART_THINKING:
		return write_delta(encoder, "thinking_delta", "thinking", text, VIEW(""), out);
	case PART_CALL:
		return write_delta(
		    encoder, "input_json_delta", "partial_json", VIEW(""), text, out);
	case PART_REDACTED:
	case PART_SEARCH:
	case PART_HOSTED:
	case PART_IMAGE:
	case PART_FILE:
	case PART_AUDIO:
	case PART_RESULT:
		break;
	}
	return true;
}

static bool
take_citation(struct encoder *encoder, struct view json, struct bytes *out)
{
	struct write_json event;
	if (!is_own(encoder)) {
		/* The API's citations point into results that only it can hold. */
		ledger_note(
		    encoder->options.ledger, "output[%u].annotations", encoder->part_count - 1);
		return true;
	}
	if (!begin_block(encoder, out) ||
	    (encoder->citations.len > 0 && !bytes_append_char(&encoder->citations, ',')) ||
	    !bytes_append_view(&encoder->citations, json))
		return false;
	if (!encoder->stream)
		return true;
	if (!anthropic_event_open(&event, out, "content_block_delta"))
		return false;
	write_json_key_int(&event, "index", encoder->index);
	write_json_key_object(&event, "delta");
	write_json_key_str(&event, "type", "citations_delta");
	size_t from = out->len;
	write_json_key_raw(&event, "citation", json);
	sse_write_join(out, from);
	write_json_object_end(&event);
	return anthropic_event_close(&event);
}

bool
anthropic_part_delta(struct encoder *encoder, const struct event *event, struct bytes *out)
{
	switch (event->delta) {
	case DELTA_TEXT:
	case DELTA_INPUT:
		return take_text(encoder, event->text, out);
	case DELTA_SIGNATURE:
		bytes_clear(&encoder->signature);
		return bytes_append_view(&encoder->signature, event->text);
	case DELTA_CITATION:
		return take_citation(encoder, event->citation.json, out);
	case DELTA_LOGPROBS:
		break;
	}
	return true;
}

/* What the client sends back: the API's own signature, or another wire's state in our envelope. */
static bool
seal_thinking(struct encoder *encoder)
{
	struct part minted = encoder->part;
	struct bytes envelope;
	if (is_own(encoder))
		return true;
	minted.text = bytes_view(&encoder->text);
	minted.signature_text = bytes_view(&encoder->signature);
	bytes_init(&envelope, encoder->arena->max_bytes);
	bool ok = envelope_state_wrap(
	    encoder->options.upstream, encoder->options.upstream_plain, &minted, &envelope);
	bytes_clear(&encoder->signature);
	ok = ok && bytes_append_view(&encoder->signature, bytes_view(&envelope));
	bytes_fini(&envelope);
	return ok;
}

static bool
finish_thinking(struct encoder *encoder, struct bytes *out)
{
	if (encoder->text.len == 0 && encoder->signature.len == 0)
		return true;
	if (!seal_thinking(encoder))
		return false;
	if (!encoder->stream)
		return fold_block(encoder);
	return begin_block(encoder, out) &&
	       write_delta(encoder, "signature_delta", "signature", bytes_view(&encoder->signature),
		   VIEW(""), out) &&
	       end_block(encoder, out);
}

/* A block that comes whole. */
static bool
put_whole(struct encoder *encoder, struct view raw, struct bytes *out)
{
	struct write_json json;
	if (!encoder->stream)
		return fold_raw(encoder, raw);
	if (!anthropic_event_open(&json, out, "content_block_start"))
		return false;
	write_json_key_int(&json, "index", encoder->index);
	size_t from = out->len;
	write_json_key_raw(&json, "content_block", raw);
	sse_write_join(out, from);
	return anthropic_event_close(&json) && end_block(encoder, out);
}

static bool
finish_redacted(struct encoder *encoder, struct bytes *out)
{
	struct bytes raw;
	struct write_json json;
	encoder->part.kind = PART_REDACTED;
	bytes_init(&raw, encoder->arena->max_bytes);
	write_json_init(&json, &raw);
	bool ok = seal_thinking(encoder);
	write_block(encoder, &json, true);
	ok = ok && write_json_ok(&json) && put_whole(encoder, bytes_view(&raw), out);
	bytes_fini(&raw);
	return ok;
}

static void
write_search(struct write_json *json, struct view id, struct view query)
{
	write_json_object(json);
	write_json_key_str(json, "type", "server_tool_use");
	write_json_key_plain(json, "id", id);
	write_json_key_str(json, "name", "web_search");
	write_json_key_object(json, "input");
	write_json_key_text(json, "query", query);
	write_json_object_end(json);
	write_json_object_end(json);
}

static void
write_search_result(struct write_json *json, struct view id)
{
	write_json_object(json);
	write_json_key_str(json, "type", "web_search_tool_result");
	write_json_key_plain(json, "tool_use_id", id);
	write_json_key_array(json, "content");
	write_json_array_end(json);
	write_json_object_end(json);
}

/* The pair of blocks that a search is in this protocol. What it found is in the text that follows;
 * the results themselves stay with the upstream, unless it is of this family and sends them next.
 */
static bool
finish_search(struct encoder *encoder, struct bytes *out)
{
	struct bytes raw;
	struct write_json json;
	struct view id = encoder->part.id_plain;
	if (!is_own(encoder))
		id = arena_printf(encoder->arena, "srvtoolu_%.*s_%u",
		    VIEW_ARGS(encoder->options.request_id_plain), encoder->part_count);
	bytes_init(&raw, encoder->arena->max_bytes);
	write_json_init(&json, &raw);
	write_search(&json, id, encoder->part.text);
	bool ok = write_json_ok(&json) && put_whole(encoder, bytes_view(&raw), out);
	if (ok && !is_own(encoder)) {
		bytes_clear(&raw);
		write_json_init(&json, &raw);
		write_search_result(&json, id);
		ok = write_json_ok(&json) && put_whole(encoder, bytes_view(&raw), out);
	}
	bytes_fini(&raw);
	return ok;
}

static bool
is_object(struct view json)
{
	struct jsonspan_value root;
	return jsonspan_scan(json, NULL, 0, &root, NULL) && root.kind == JSONSPAN_OBJECT;
}

/* An input that is no object, and no half of one, is shown to the client inside of one. */
static bool
wrap_broken(struct encoder *encoder)
{
	struct view input = bytes_view(&encoder->text);
	struct bytes other;
	if (input.len == 0 || is_object(input))
		return true;
	/* Its pieces may have been cut inside a pair of surrogates. */
	bytes_init(&other, encoder->text.max);
	bool ok = write_json_source(&other, input);
	if (ok && !is_object(bytes_view(&other))) {
		ledger_note(encoder->options.ledger, "output[%u].input", encoder->part_count - 1);
		bytes_clear(&other);
		ok = bytes_append_str(&other, "{\"_raw\":\"") && write_json_escape(&other, input) &&
		     bytes_append_str(&other, "\"}");
	}
	bytes_fini(&encoder->text);
	encoder->text = other;
	return ok;
}

static bool
finish_call(struct encoder *encoder, bool incomplete, struct bytes *out)
{
	bool custom = encoder->part.form == CALL_CUSTOM;
	if (custom && !bytes_append_str(&encoder->text, "\"}"))
		return false;
	if (encoder->stream) {
		if (custom && !write_delta(encoder, "input_json_delta", "partial_json", VIEW(""),
				  VIEW("\"}"), out))
			return false;
		return end_block(encoder, out);
	}
	if (incomplete) { /* half an object is none: never repaired, since it might be run */
		bytes_clear(&encoder->text);
		ledger_note(encoder->options.ledger, "output[%u].input", encoder->part_count - 1);
	}
	return wrap_broken(encoder) && fold_block(encoder);
}

bool
anthropic_part_finish(struct encoder *encoder, const struct event *event, struct bytes *out)
{
	encoder->open = false;
	switch (encoder->part.kind) {
	case PART_TEXT:
	case PART_REFUSAL:
		if (!encoder->stream)
			return encoder->text.len == 0 || fold_block(encoder);
		return !encoder->begun || end_block(encoder, out);
	case PART_THINKING:
		return finish_thinking(encoder, out);
	case PART_REDACTED:
		return finish_redacted(encoder, out);
	case PART_CALL:
		return finish_call(encoder, event->incomplete, out);
	case PART_SEARCH:
		return finish_search(encoder, out);
	case PART_HOSTED:
		if (is_own(encoder))
			return put_whole(encoder, encoder->part.raw_json, out);
		ledger_note(encoder->options.ledger, "output[%u]", encoder->part_count - 1);
		break;
	case PART_IMAGE:
	case PART_FILE:
	case PART_AUDIO:
	case PART_RESULT:
		break;
	}
	return true;
}
