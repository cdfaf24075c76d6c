/* What an answer has said, block by block as it came, for a request that lets it go on. */
#include "anthropic.h"
#include "read_json.h"
#include "write_json.h"

struct said {
	struct bytes blocks; /* JSON with commas between them */
	bool has_call;       /* of a tool that is the client's to run */
	/* the open block */
	struct bytes start;     /* the object that began it */
	struct bytes text;      /* _text, of text or thinking */
	struct bytes signature; /* _text */
	struct bytes input;     /* JSON source */
	struct bytes citations; /* JSON with commas between them */
};

struct said *
anthropic_said_new(struct arena *arena)
{
	struct said *said = arena_alloc(arena, sizeof(*said));
	if (said == NULL)
		return NULL;
	bytes_init(&said->blocks, arena->max_bytes);
	bytes_init(&said->start, arena->max_bytes);
	bytes_init(&said->text, arena->max_bytes);
	bytes_init(&said->signature, arena->max_bytes);
	bytes_init(&said->input, arena->max_bytes);
	bytes_init(&said->citations, arena->max_bytes);
	return said;
}

void
anthropic_said_free(struct said *said)
{
	bytes_fini(&said->blocks);
	bytes_fini(&said->start);
	bytes_fini(&said->text);
	bytes_fini(&said->signature);
	bytes_fini(&said->input);
	bytes_fini(&said->citations);
}

static void
note_type(struct said *said, struct jsonspan_value block)
{
	said->has_call = said->has_call || jsonspan_str_is(jsonspan_get(block, "type"), "tool_use");
}

static bool
add_comma(struct bytes *list)
{
	return list->len == 0 || bytes_append_char(list, ',');
}

/* ---- the open block ---- */

static bool
begin(struct said *said, struct jsonspan_value block)
{
	bytes_clear(&said->start);
	bytes_clear(&said->text);
	bytes_clear(&said->signature);
	bytes_clear(&said->input);
	bytes_clear(&said->citations);
	note_type(said, block);
	return bytes_append_view(&said->start, block.raw) &&
	       bytes_append_view(&said->text, read_json_inside(jsonspan_get(block, "text"))) &&
	       bytes_append_view(&said->text, read_json_inside(jsonspan_get(block, "thinking"))) &&
	       bytes_append_view(
		   &said->signature, read_json_inside(jsonspan_get(block, "signature")));
}

static bool
add_delta(struct said *said, struct jsonspan_value delta)
{
	struct jsonspan_value type = jsonspan_get(delta, "type");
	if (jsonspan_str_is(type, "text_delta"))
		return bytes_append_view(
		    &said->text, read_json_inside(jsonspan_get(delta, "text")));
	if (jsonspan_str_is(type, "thinking_delta"))
		return bytes_append_view(
		    &said->text, read_json_inside(jsonspan_get(delta, "thinking")));
	if (jsonspan_str_is(type, "signature_delta")) {
		bytes_clear(&said->signature);
		return bytes_append_view(
		    &said->signature, read_json_inside(jsonspan_get(delta, "signature")));
	}
	if (jsonspan_str_is(type, "input_json_delta")) {
		struct jsonspan_value piece = jsonspan_get(delta, "partial_json");
		return piece.kind != JSONSPAN_STRING || jsonspan_unescape(piece, &said->input);
	}
	if (jsonspan_str_is(type, "citations_delta"))
		return add_comma(&said->citations) &&
		       bytes_append_view(&said->citations, jsonspan_get(delta, "citation").raw);
	return true;
}

/* What deltas have told instead. */
static bool
is_replaced(const struct said *said, const struct jsonspan_member *member)
{
	return jsonspan_key_is(member, "text") || jsonspan_key_is(member, "thinking") ||
	       jsonspan_key_is(member, "signature") ||
	       (jsonspan_key_is(member, "input") && said->input.len > 0) ||
	       (jsonspan_key_is(member, "citations") && said->citations.len > 0);
}

static bool
write_block(struct said *said, struct jsonspan_value start)
{
	struct jsonspan_value type = jsonspan_get(start, "type");
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	struct write_json json;
	write_json_init(&json, &said->blocks);
	write_json_object(&json);
	jsonspan_iter_init(&iter, start);
	while (jsonspan_next(&iter, &member)) {
		if (!is_replaced(said, &member))
			write_json_raw(&json, member.whole);
	}
	if (jsonspan_str_is(type, "text"))
		write_json_key_text(&json, "text", bytes_view(&said->text));
	if (jsonspan_str_is(type, "thinking")) {
		write_json_key_text(&json, "thinking", bytes_view(&said->text));
		write_json_key_text(&json, "signature", bytes_view(&said->signature));
	}
	if (said->input.len > 0)
		write_json_key_raw(&json, "input", bytes_view(&said->input));
	if (said->citations.len > 0) {
		write_json_key_array(&json, "citations");
		write_json_raw(&json, bytes_view(&said->citations));
		write_json_array_end(&json);
	}
	write_json_object_end(&json);
	return write_json_ok(&json);
}

static bool
finish(struct said *said)
{
	struct jsonspan_value start = jsonspan_root(bytes_view(&said->start));
	bool is_text = jsonspan_str_is(jsonspan_get(start, "type"), "text");
	if (said->start.len == 0 || (is_text && said->text.len == 0))
		return true; /* an empty text would be refused */
	if (!jsonspan_scan(bytes_view(&said->input), NULL, 0, NULL, NULL))
		bytes_clear(&said->input); /* as it began, then */
	bool ok = add_comma(&said->blocks) && write_block(said, start);
	bytes_clear(&said->start);
	return ok;
}

/* ---- what is heard ---- */

bool
anthropic_said_event(struct said *said, const struct sse_event *event)
{
	struct jsonspan_want wants[] = {
	    {.key = "type"}, {.key = "content_block"}, {.key = "delta"}};
	if (!jsonspan_scan(event->data, wants, 3, NULL, NULL))
		return true; /* the decoder will say so */
	if (jsonspan_str_is(wants[0].value, "content_block_start") &&
	    wants[1].value.kind == JSONSPAN_OBJECT)
		return begin(said, wants[1].value);
	if (jsonspan_str_is(wants[0].value, "content_block_delta"))
		return add_delta(said, wants[2].value);
	if (jsonspan_str_is(wants[0].value, "content_block_stop"))
		return finish(said);
	return true;
}

bool
anthropic_said_whole(struct said *said, struct view body)
{
	struct jsonspan_want content = {.key = "content"};
	struct jsonspan_iter iter;
	struct jsonspan_member block;
	if (!jsonspan_scan(body, &content, 1, NULL, NULL) || content.value.kind != JSONSPAN_ARRAY)
		return true;
	jsonspan_iter_init(&iter, content.value);
	while (jsonspan_next(&iter, &block)) {
		note_type(said, block.value);
		if (!add_comma(&said->blocks) || !bytes_append_view(&said->blocks, block.value.raw))
			return false;
	}
	return true;
}

/* ---- what is asked then ---- */

bool
anthropic_said_may_go_on(const struct said *said)
{
	return said->blocks.len > 0 && !said->has_call;
}

bool
anthropic_said_append(const struct said *said, struct view body, struct bytes *out)
{
	struct jsonspan_want messages = {.key = "messages"};
	if (!jsonspan_scan(body, &messages, 1, NULL, NULL) || messages.value.kind != JSONSPAN_ARRAY)
		return false;
	struct view list = messages.value.raw;
	size_t end = (size_t)(list.data - body.data) + list.len - 1; /* the closing bracket */
	return bytes_append_view(out, view_sub(body, 0, end)) &&
	       bytes_append_str(out, ",{\"role\":\"assistant\",\"content\":[") &&
	       bytes_append_view(out, bytes_view(&said->blocks)) && bytes_append_str(out, "]}") &&
	       bytes_append_view(out, view_from(body, end));
}
