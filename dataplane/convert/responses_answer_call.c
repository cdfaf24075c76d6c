/* Responses answers, written: calls, in the form that the client declared its tools in. */
#include "responses_answer.h"

/* ---- the item ---- */

static void
write_action(struct encoder *encoder, struct write_json *json)
{
	struct jsonspan_value input = jsonspan_root(bytes_view(&encoder->text));
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	write_json_key_object(json, encoder->typed->member);
	if (encoder->typed->form == CALL_LOCAL_SHELL) {
		write_json_key_str(json, "type", "exec");
		if (jsonspan_get(input, "env").kind != JSONSPAN_OBJECT)
			write_json_key_raw(json, "env", VIEW("{}"));
	}
	jsonspan_iter_init(&iter, input);
	while (input.kind == JSONSPAN_OBJECT && jsonspan_next(&iter, &member)) {
		if (encoder->typed->form != CALL_LOCAL_SHELL || !jsonspan_key_is(&member, "type"))
			write_json_raw(json, member.whole);
	}
	write_json_object_end(json);
}

void
responses_call_write(struct encoder *encoder, struct write_json *json, bool done)
{
	write_json_key_plain(json, "call_id", encoder->call_id);
	if (encoder->open == OPEN_TYPED) {
		write_action(encoder, json);
		return;
	}
	write_json_key_plain(json, "name", encoder->name);
	if (encoder->space.len > 0)
		write_json_key_plain(json, "namespace", encoder->space);
	struct view text = done ? bytes_view(&encoder->text) : VIEW("");
	if (encoder->open == OPEN_CUSTOM)
		write_json_key_text(json, "input", text);
	else
		write_json_key_plain(json, "arguments", text);
}

/* ---- its events ---- */

void
responses_call_begin(struct encoder *encoder, const struct part *part)
{
	static const char *const prefixes[] = {[CALL_FUNCTION] = "fc",
	    [CALL_CUSTOM] = "ctc",
	    [CALL_LOCAL_SHELL] = "lsh",
	    [CALL_SHELL] = "sh",
	    [CALL_APPLY_PATCH] = "apc"};
	const struct name_pair *declared =
	    encoder->options.names == NULL
		? NULL
		: names_from_wire(encoder->options.names, part->name_plain);
	enum call_form form = declared != NULL ? (enum call_form)declared->form : part->form;
	enum open_kind kind = form == CALL_FUNCTION ? OPEN_FUNCTION
			      : form == CALL_CUSTOM ? OPEN_CUSTOM
						    : OPEN_TYPED;
	responses_item_begin(encoder, kind, prefixes[form]);
	encoder->typed = responses_typed_by_form(form);
	encoder->source_form = part->form;
	encoder->call_id = names_id(
	    encoder->arena, part->id_plain, RESPONSES_ID_MAX, (unsigned)encoder->item_count);
	encoder->call_id = arena_copy(encoder->arena, encoder->call_id);
	encoder->name =
	    declared != NULL ? declared->name_plain : arena_copy(encoder->arena, part->name_plain);
	encoder->space = declared != NULL ? declared->space_plain
					  : arena_copy(encoder->arena, part->space_plain);
	responses_keep(encoder, encoder->call_id.data != NULL && encoder->name.data != NULL);
	if (kind == OPEN_CUSTOM && part->form != CALL_CUSTOM) {
		freeform_init(&encoder->freeform, encoder->text.max);
		encoder->freeform_open = true;
	}
	if (kind != OPEN_TYPED)
		responses_item_event(encoder, false);
}

/* More text of a custom tool's input. */
static void
custom_text(struct encoder *encoder, struct view text)
{
	if (text.len == 0)
		return;
	responses_body_event(encoder, "response.custom_tool_call_input.delta", "delta", text);
}

/* More source of a call's input, as the upstream writes it: JSON, or the text of a custom tool. */
void
responses_call_input(struct encoder *encoder, struct view piece)
{
	size_t before = encoder->text.len;
	if (encoder->open == OPEN_CUSTOM && encoder->freeform_open)
		responses_keep(encoder, freeform_feed(&encoder->freeform, piece, &encoder->text));
	else
		responses_keep(encoder, bytes_append_view(&encoder->text, piece));
	if (encoder->open == OPEN_CUSTOM) {
		custom_text(encoder, view_from(bytes_view(&encoder->text), before));
		return;
	}
	if (encoder->open != OPEN_FUNCTION || encoder->source_form == CALL_CUSTOM ||
	    !responses_body_begin(encoder, "response.function_call_arguments.delta"))
		return;
	write_json_key_plain(&encoder->json, "delta", piece);
	responses_event_end(encoder);
}

/* A cut input is never given as if it could be used. */
static void
replace_broken(struct encoder *encoder)
{
	struct jsonspan_value root;
	struct view input = bytes_view(&encoder->text);
	if (jsonspan_scan(input, NULL, 0, &root, NULL) && root.kind == JSONSPAN_OBJECT)
		return;
	bytes_clear(&encoder->text);
	responses_keep(encoder, bytes_append_str(&encoder->text, "{}"));
}

static void
custom_finish(struct encoder *encoder)
{
	size_t before = encoder->text.len;
	if (encoder->freeform_open) {
		responses_keep(encoder, freeform_end(&encoder->freeform, &encoder->text));
		freeform_fini(&encoder->freeform);
		encoder->freeform_open = false;
		custom_text(encoder, view_from(bytes_view(&encoder->text), before));
	}
	responses_body_event(
	    encoder, "response.custom_tool_call_input.done", "input", bytes_view(&encoder->text));
}

static void
function_finish(struct encoder *encoder)
{
	if (encoder->source_form == CALL_CUSTOM) {
		struct bytes wrapped;
		bytes_init(&wrapped, encoder->text.max);
		responses_keep(encoder, freeform_json(bytes_view(&encoder->text), &wrapped));
		bytes_fini(&encoder->text);
		encoder->text = wrapped;
	}
	if (encoder->incomplete)
		replace_broken(encoder);
	if (!responses_body_begin(encoder, "response.function_call_arguments.done"))
		return;
	write_json_key_plain(&encoder->json, "name", encoder->name);
	write_json_key_plain(&encoder->json, "arguments", bytes_view(&encoder->text));
	responses_event_end(encoder);
}

void
responses_call_finish(struct encoder *encoder, bool incomplete)
{
	encoder->incomplete = incomplete;
	if (encoder->open == OPEN_CUSTOM) {
		custom_finish(encoder);
	} else if (encoder->open == OPEN_FUNCTION) {
		function_finish(encoder);
	} else {
		replace_broken(encoder);
		responses_item_event(encoder, false);
	}
	responses_item_end(encoder);
}
