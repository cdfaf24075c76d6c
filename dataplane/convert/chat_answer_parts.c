/* Chat Completions answers, written: what is more than words: sources, thinking, calls. */
#include "chat_answer.h"
#include "envelope_state.h"

/* Code points of a _text; a pair of surrogate escapes is one. */
int64_t
chat_count_points(struct view text)
{
	int64_t count = 0;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];
		if (c == '\\' && i + 1 < text.len) {
			bool unicode = text.data[i + 1] == 'u' && i + 5 < text.len;
			bool low = unicode && (text.data[i + 2] | 0x20) == 'd' &&
				   (text.data[i + 3] | 0x20) >= 'c';
			count += !low;
			i += unicode ? 5 : 1;
		} else if ((c & 0xc0) != 0x80) {
			count++;
		}
	}
	return count;
}

/* Opens one more item of a JSON array that is built in pieces. */
static void
item_begin(struct write_json *json, struct bytes *items)
{
	write_json_init(json, items);
	json->comma = items->len > 0;
	write_json_object(json);
}

/* A source may come before the text that it stands for: they wait for the part's end. */
struct source {
	struct view url_text, title_text;
	int64_t start, end;
	struct source *next;
};

bool
chat_keep_source(struct encoder *encoder, const struct citation *citation, struct err *err)
{
	if (citation->url_text.len == 0) {
		ledger_note(encoder->options.ledger, "content.citations");
		return true;
	}
	struct source *source = arena_alloc(encoder->arena, sizeof(*source));
	if (source == NULL)
		return chat_answer_too_big(err);
	*source = (struct source){.url_text = arena_copy(encoder->arena, citation->url_text),
	    .title_text = arena_copy(encoder->arena, citation->title_text),
	    .start = citation->start,
	    .end = citation->end};
	if (encoder->sources_last != NULL)
		encoder->sources_last->next = source;
	else
		encoder->sources = source;
	encoder->sources_last = source;
	return source->url_text.data != NULL || chat_answer_too_big(err);
}

/* Annotations point into the whole content: what was before this part is added. */
bool
chat_write_sources(struct encoder *encoder, struct bytes *out, struct err *err)
{
	struct write_json json;
	const struct source *source = encoder->sources;
	encoder->sources = encoder->sources_last = NULL;
	if (encoder->stream)
		bytes_clear(&encoder->annotations);
	for (; source != NULL; source = source->next) {
		bool placed = source->start >= 0 && source->end >= source->start;
		item_begin(&json, &encoder->annotations);
		write_json_key_str(&json, "type", "url_citation");
		write_json_key_object(&json, "url_citation");
		write_json_key_int(
		    &json, "start_index", encoder->part_start + (placed ? source->start : 0));
		write_json_key_int(&json, "end_index",
		    placed ? encoder->part_start + source->end : encoder->points);
		write_json_key_text(&json, "title", source->title_text);
		write_json_key_text(&json, "url", source->url_text);
		write_json_object_end(&json);
		write_json_object_end(&json);
		if (!write_json_ok(&json))
			return chat_answer_too_big(err);
	}
	return !encoder->stream || encoder->annotations.len == 0 ||
	       chat_chunk_items(encoder, "annotations", &encoder->annotations, out, err);
}

/* ---- thinking ---- */

/* The upstream's own form comes back with the client's next request: in a member that clients of
 * other gateways echo already. Clients that keep only the last value of an unknown member get all.
 */
bool
chat_finish_thinking(struct encoder *encoder, struct bytes *out, struct err *err)
{
	struct part *part = &encoder->part;
	bool redacted = part->kind == PART_REDACTED;
	struct write_json json;
	part->text = bytes_view(&encoder->thinking);
	part->signature_text = bytes_view(&encoder->signature);
	bytes_clear(&encoder->piece);
	if (!envelope_state_wrap(
		encoder->options.upstream, encoder->options.upstream_plain, part, &encoder->piece))
		return chat_answer_too_big(err);
	item_begin(&json, &encoder->blocks);
	write_json_key_str(&json, "type", redacted ? "redacted_thinking" : "thinking");
	if (!redacted)
		write_json_key_text(&json, "thinking", part->text);
	write_json_key_text(&json, redacted ? "data" : "signature", bytes_view(&encoder->piece));
	write_json_object_end(&json);
	if (!write_json_ok(&json))
		return chat_answer_too_big(err);
	return !encoder->stream ||
	       chat_chunk_items(encoder, "thinking_blocks", &encoder->blocks, out, err);
}

bool
chat_think_more(struct encoder *encoder, struct view text, struct bytes *out, struct err *err)
{
	/* Several blocks are one text here. */
	bool border = encoder->has_reasoning && encoder->thinking.len == 0 && text.len > 0;
	encoder->has_reasoning = encoder->has_reasoning || text.len > 0;
	if (!bytes_append_view(&encoder->thinking, text))
		return chat_answer_too_big(err);
	return (!border || chat_words(encoder, "reasoning_content", &encoder->reasoning,
			       VIEW("\\n\\n"), out, err)) &&
	       chat_words(encoder, "reasoning_content", &encoder->reasoning, text, out, err);
}

/* ---- calls ---- */

static void
call_head(struct encoder *encoder, struct write_json *json, struct view id, struct view name)
{
	const char *type = encoder->custom ? "custom" : "function";
	write_json_key_plain(json, "id", id);
	write_json_key_str(json, "type", type);
	write_json_key_object(json, type);
	write_json_key_plain(json, "name", name);
	write_json_key(json, encoder->custom ? "input" : "arguments");
}

static void
call_index(struct encoder *encoder, struct write_json *json)
{
	write_json_key_array(json, "tool_calls");
	write_json_object(json);
	write_json_key_int(json, "index", encoder->call_count - 1);
}

static bool
call_chunk_end(struct encoder *encoder, struct write_json *json, struct err *err)
{
	write_json_object_end(json);
	write_json_object_end(json);
	write_json_array_end(json);
	return chat_chunk_end(encoder, json, NULL, err);
}

bool
chat_begin_call(
    struct encoder *encoder, const struct part *part, struct bytes *out, struct err *err)
{
	const struct name_pair *pair = names_from_wire(encoder->options.names, part->name_plain);
	struct view name = pair != NULL ? pair->name_plain : part->name_plain;
	struct view id =
	    names_id(encoder->arena, part->id_plain, 64, (unsigned)encoder->call_count);
	struct write_json json;
	encoder->call_count++;
	encoder->custom = part->form == CALL_CUSTOM || (pair && pair->form == CALL_CUSTOM);
	encoder->unwraps = encoder->custom && part->form != CALL_CUSTOM;
	if (id.data == NULL)
		return chat_answer_too_big(err);
	if (encoder->unwraps)
		freeform_init(&encoder->freeform, CHAT_ANSWER_BYTES_MAX);
	if (!encoder->stream) {
		item_begin(&json, &encoder->calls);
		call_head(encoder, &json, id, name);
		write_json_open(&json);
		return write_json_ok(&json) || chat_answer_too_big(err);
	}
	chat_chunk_begin(encoder, &json, out);
	call_index(encoder, &json);
	call_head(encoder, &json, id, name);
	write_json_plain(&json, VIEW(""));
	return call_chunk_end(encoder, &json, err);
}

/* `piece`: the inside of a JSON string. */
bool
chat_call_piece(struct encoder *encoder, struct view piece, struct bytes *out, struct err *err)
{
	struct write_json json;
	if (piece.len == 0)
		return true;
	if (!encoder->stream)
		return bytes_append_view(&encoder->calls, piece) || chat_answer_too_big(err);
	chat_chunk_begin(encoder, &json, out);
	call_index(encoder, &json);
	write_json_key_object(&json, encoder->custom ? "custom" : "function");
	write_json_key_text(&json, encoder->custom ? "input" : "arguments", piece);
	return call_chunk_end(encoder, &json, err);
}

/* JSON source of the input: escaped as the string it is here, or the custom tool's text in it. */
bool
chat_call_source(struct encoder *encoder, struct view source, struct bytes *out, struct err *err)
{
	bytes_clear(&encoder->piece);
	bool ok = encoder->unwraps ? freeform_feed(&encoder->freeform, source, &encoder->piece)
				   : write_json_escape(&encoder->piece, source);
	return ok ? chat_call_piece(encoder, bytes_view(&encoder->piece), out, err)
		  : chat_answer_too_big(err);
}

bool
chat_finish_call(struct encoder *encoder, struct bytes *out, struct err *err)
{
	bool ok = true;
	if (encoder->unwraps) {
		bytes_clear(&encoder->piece);
		ok = freeform_end(&encoder->freeform, &encoder->piece) || chat_answer_too_big(err);
		ok = ok && chat_call_piece(encoder, bytes_view(&encoder->piece), out, err);
		freeform_fini(&encoder->freeform);
		encoder->unwraps = false;
	}
	return ok && (encoder->stream || bytes_append_str(&encoder->calls, "\"}}") ||
			 chat_answer_too_big(err));
}
