/* Responses requests, written: input items.
 *
 * The protocol wants each call answered by one output somewhere behind it: a call without one gets
 * one, an output without a call becomes a message, and of several the last counts. */
#include "envelope_state.h"
#include "must.h"
#include "responses.h"

#include <stdlib.h>

#define BREAKPOINTS_MAX 4
#define ERROR_PREFIX "[tool error] "
#define NO_RESULT "(no result)"

/* ---- calls and results ---- */

enum fate { FATE_PAIRED, FATE_ALONE, FATE_REPEATED };
struct link {
	struct view id;   /* the client's, in a form that the upstream takes */
	struct view wire; /* as the upstream sees it: unlike that of other calls */
	size_t order;
	const struct turn *turn;
	bool is_call;
	enum fate fate;
};

struct items {
	struct responses_write *write;
	struct link *links; /* of all calls and results in the order of writing */
	size_t link_count, next;
	size_t marks_to_skip; /* cache marks beyond what the protocol takes: the first ones */
	bool in_message;
};

static bool
is_link(const struct part *part)
{
	return part->kind == PART_CALL || part->kind == PART_RESULT;
}

/* Results go first in their turn. */
static const struct part *
next_part(const struct part *part, bool results)
{
	while (part != NULL && (part->kind == PART_RESULT) != results)
		part = part->next;
	return part;
}

static bool
add_links(struct items *items, const struct turn *turn, size_t seeds[2])
{
	for (int pass = 0; pass < 2; pass++) {
		const struct part *part = next_part(turn->first, pass == 0);
		for (; part != NULL; part = next_part(part->next, pass == 0)) {
			if (!is_link(part))
				continue;
			struct link *link = &items->links[items->link_count];
			bool is_call = part->kind == PART_CALL;
			*link = (struct link){
			    .order = items->link_count++, .turn = turn, .is_call = is_call};
			/* The nth call without an id belongs to the nth such result. */
			size_t seed = part->id_plain.len == 0 ? seeds[is_call]++ : 0;
			link->id = names_id(items->write->request->arena, part->id_plain,
			    RESPONSES_ID_MAX, (unsigned)seed);
			if (link->id.data == NULL)
				return false;
		}
	}
	return true;
}

static int
by_id(const void *a, const void *b)
{
	const struct link *const *left = a, *const *right = b;
	struct view x = (*left)->id, y = (*right)->id;
	size_t len = x.len < y.len ? x.len : y.len;
	for (size_t i = 0; i < len; i++) {
		if (x.data[i] != y.data[i])
			return x.data[i] < y.data[i] ? -1 : 1;
	}
	if (x.len != y.len)
		return x.len < y.len ? -1 : 1;
	return (*left)->order < (*right)->order ? -1 : 1;
}

/* The nth call with an id that is not the first one gets another. */
static bool
set_wire(struct items *items, struct link *call, size_t n)
{
	struct arena *arena = items->write->request->arena;
	struct view again =
	    n == 0 ? call->id : arena_printf(arena, "%.*s#%zu", VIEW_ARGS(call->id), n);
	call->wire = names_id(arena, again, RESPONSES_ID_MAX, 0);
	return again.data != NULL && call->wire.data != NULL;
}

/* Calls and results with one id, in order: each result answers the first open call of the newest
 * turn that calls. */
static bool
settle_group(struct items *items, struct link **group, size_t count)
{
	size_t open = 0, end = 0, calls = 0; /* [open, end) are open */
	struct link *result = NULL;
	for (size_t i = 0; i < count; i++) {
		struct link *link = group[i];
		link->fate = FATE_ALONE;
		if (link->is_call) {
			if (i > 0 && (!group[i - 1]->is_call || group[i - 1]->turn != link->turn))
				open = i;
			end = i + 1;
			result = NULL;
			if (!set_wire(items, link, calls++))
				return false;
			continue;
		}
		if (open < end) {
			group[open]->fate = link->fate = FATE_PAIRED;
			link->wire = group[open++]->wire;
			result = link;
		} else if (result != NULL) {
			result->fate = FATE_REPEATED;
			link->fate = FATE_PAIRED;
			link->wire = result->wire;
			result = link;
		}
	}
	return true;
}

static bool
settle_fates(struct items *items, struct link **sorted, size_t count)
{
	size_t first = 0;
	for (size_t i = 1; i <= count; i++) {
		if (i < count && view_eq(sorted[i]->id, sorted[first]->id))
			continue;
		if (!settle_group(items, sorted + first, i - first))
			return false;
		first = i;
	}
	return true;
}

static bool
find_links(struct items *items)
{
	const struct request *request = items->write->request;
	size_t count = 0, seeds[2] = {0, 0};
	for (const struct turn *turn = request->first; turn != NULL; turn = turn->next) {
		for (const struct part *part = turn->first; part != NULL; part = part->next)
			count += is_link(part);
	}
	if (count == 0)
		return true;
	items->links = arena_alloc(request->arena, count * sizeof(*items->links));
	struct link **sorted = arena_alloc(request->arena, count * sizeof(struct link *));
	if (items->links == NULL || sorted == NULL)
		return responses_full(items->write->err);
	for (const struct turn *turn = request->first; turn != NULL; turn = turn->next) {
		if (!add_links(items, turn, seeds))
			return responses_full(items->write->err);
	}
	for (size_t i = 0; i < count; i++)
		sorted[i] = &items->links[i];
	qsort(sorted, count, sizeof(struct link *), by_id);
	return settle_fates(items, sorted, count) || responses_full(items->write->err);
}

/* ---- content ---- */

static bool
lose(struct items *items, const struct part *part)
{
	return ledger_lose(items->write->options->ledger, items->write->err, "%s", part->path);
}

static void
write_breakpoint(struct items *items, const struct part *part)
{
	struct write_json *json = &items->write->json;
	if (part->cache == CACHE_NONE || !items->write->options->flags->cache_breakpoints)
		return;
	if (items->marks_to_skip > 0) {
		items->marks_to_skip--;
		return;
	}
	write_json_key_object(json, "prompt_cache_breakpoint");
	write_json_key_str(json, "mode", "explicit");
	if (part->cache == CACHE_30M || part->cache == CACHE_1H)
		write_json_key_str(json, "ttl", "30m");
	if (part->cache == CACHE_12H)
		write_json_key_str(json, "ttl", "12h");
	write_json_object_end(json);
}

static void
write_data_url(struct write_json *json, const char *key, const struct media *media)
{
	write_json_key(json, key);
	write_json_open(json);
	write_json_piece_text(json, VIEW("data:"));
	write_json_piece_text(json, media->type_text);
	write_json_piece_text(json, VIEW(";base64,"));
	write_json_piece_text(json, media->data_text);
	write_json_close(json);
}

/* A file that is plain text: a text, with what is known of it before it. */
static void
write_plain_file(struct items *items, const struct part *part)
{
	struct write_json *json = &items->write->json;
	const struct media *media = &part->media;
	write_json_object(json);
	write_json_key_str(json, "type", "input_text");
	write_json_key(json, "text");
	write_json_open(json);
	write_json_piece_text(json, media->name_text);
	write_json_piece_text(json, media->name_text.len > 0 ? VIEW("\\n") : VIEW(""));
	write_json_piece_text(json, media->context_text);
	write_json_piece_text(json, media->context_text.len > 0 ? VIEW("\\n") : VIEW(""));
	write_json_piece_text(json, media->data_text);
	write_json_close(json);
	write_breakpoint(items, part);
	write_json_object_end(json);
}

static bool
write_media(struct items *items, const struct part *part)
{
	struct write_json *json = &items->write->json;
	const struct media *media = &part->media;
	bool image = part->kind == PART_IMAGE;
	if (part->kind == PART_AUDIO)
		return ledger_refuse(
		    items->write->err, part->path, "the responses protocol takes no audio");
	if (media->source == MEDIA_FILE_ID && items->write->request->from == WIRE_ANTHROPIC)
		return ledger_refuse(items->write->err, part->path,
		    "a file id of another vendor means nothing to the responses protocol");
	if (media->source == MEDIA_PLAIN_TEXT) {
		write_plain_file(items, part);
		return true;
	}
	write_json_object(json);
	write_json_key_str(json, "type", image ? "input_image" : "input_file");
	if (image)
		write_json_key_text(
		    json, "detail", media->detail_text.len > 0 ? media->detail_text : VIEW("auto"));
	if (media->source == MEDIA_FILE_ID) {
		write_json_key_text(json, "file_id", media->data_text);
	} else if (media->source == MEDIA_URL) {
		write_json_key_text(json, image ? "image_url" : "file_url", media->data_text);
	} else {
		if (!image)
			write_json_key_text(json, "filename",
			    media->name_text.len > 0 ? media->name_text : VIEW("document.pdf"));
		write_data_url(json, image ? "image_url" : "file_data", media);
	}
	write_breakpoint(items, part);
	write_json_object_end(json);
	return true;
}

static void
write_text_part(struct items *items, const struct part *part, const char *type, const char *prefix)
{
	struct write_json *json = &items->write->json;
	bool refusal = part->kind == PART_REFUSAL && view_eq_str(VIEW("output_text"), type);
	write_json_object(json);
	write_json_key_str(json, "type", refusal ? "refusal" : type);
	write_json_key(json, refusal ? "refusal" : "text");
	write_json_open(json);
	write_json_piece_plain(json, view_of(prefix));
	write_json_piece_text(json, part->text);
	write_json_close(json);
	if (view_eq_str(VIEW("output_text"), type) && !refusal) {
		bool own = items->write->request->from == WIRE_RESPONSES;
		write_json_key_raw(json, "annotations",
		    own && part->citations_json.len > 0 ? part->citations_json : VIEW("[]"));
	}
	write_breakpoint(items, part);
	write_json_object_end(json);
}

static bool
is_text(const struct part *part)
{
	return part->kind == PART_TEXT || part->kind == PART_REFUSAL;
}

static bool
is_media(const struct part *part)
{
	return part->kind == PART_IMAGE || part->kind == PART_FILE || part->kind == PART_AUDIO;
}

/* ---- results ---- */

static bool
write_output_parts(struct items *items, const struct part *result, const char *prefix)
{
	struct write_json *json = &items->write->json;
	write_json_array(json);
	if (prefix[0] != '\0' && (result->children == NULL || !is_text(result->children))) {
		const struct part note = {.kind = PART_TEXT, .text = VIEW("")};
		write_text_part(items, &note, "input_text", prefix);
		prefix = "";
	}
	for (const struct part *child = result->children; child != NULL; child = child->next) {
		if (is_text(child))
			write_text_part(items, child, "input_text", prefix);
		else if (!(is_media(child) ? write_media(items, child) : lose(items, child)))
			return false;
		prefix = "";
	}
	write_json_array_end(json);
	return true;
}

/* One text is a string, with an error's mark before it. */
static bool
write_output(struct items *items, const struct part *result)
{
	struct write_json *json = &items->write->json;
	const struct part *child = result->children;
	const char *prefix = result->is_error == TRI_YES ? ERROR_PREFIX : "";
	bool single =
	    child == NULL || (child->next == NULL && is_text(child) && child->cache == CACHE_NONE);
	write_json_key(json, "output");
	if (!single)
		return write_output_parts(items, result, prefix);
	write_json_open(json);
	write_json_piece_plain(json, view_of(prefix));
	if (child != NULL)
		write_json_piece_text(json, child->text);
	write_json_close(json);
	return true;
}

static void
begin_item(struct items *items, const char *type)
{
	write_json_object(&items->write->json);
	write_json_key_str(&items->write->json, "type", type);
}

static bool
write_orphan(struct items *items, const struct part *result)
{
	struct write_json *json = &items->write->json;
	begin_item(items, "message");
	write_json_key_str(json, "role", "user");
	write_json_key(json, "content");
	bool ok =
	    write_output_parts(items, result, result->is_error == TRI_YES ? ERROR_PREFIX : "");
	write_json_object_end(json);
	return ok && lose(items, result);
}

static bool
is_native(const struct items *items, const struct part *part)
{
	return items->write->request->from == WIRE_RESPONSES &&
	       responses_typed_by_form(part->form) != NULL;
}

static bool
write_result(struct items *items, const struct part *part)
{
	const struct link *link = &items->links[items->next++];
	struct write_json *json = &items->write->json;
	if (link->fate == FATE_REPEATED)
		return lose(items, part);
	if (link->fate == FATE_ALONE)
		return write_orphan(items, part);
	if (is_native(items, part)) {
		write_json_raw(json, part->raw_json);
		return true;
	}
	begin_item(
	    items, part->form == CALL_CUSTOM ? "custom_tool_call_output" : "function_call_output");
	write_json_key_plain(json, "call_id", link->wire);
	bool ok = write_output(items, part);
	write_json_object_end(json);
	return ok;
}

/* ---- calls ---- */

static bool
write_call(struct items *items, const struct part *part)
{
	MUST(items->links != NULL); /* find_links has met every call */
	const struct link *link = &items->links[items->next++];
	struct write_json *json = &items->write->json;
	bool custom = part->form == CALL_CUSTOM;
	struct view name;
	if (is_native(items, part)) {
		write_json_raw(json, part->raw_json);
		return true;
	}
	if (!responses_wire_name(
		items->write, part->name_plain, part->space_plain, part->form, &name))
		return false;
	begin_item(items, custom ? "custom_tool_call" : "function_call");
	write_json_key_plain(json, "call_id", link->wire);
	write_json_key_plain(json, "name", name);
	if (custom)
		write_json_key_text(json, "input", part->text);
	else if (part->input_broken)
		write_json_key_text(json, "arguments", part->text);
	else
		write_json_key_plain(json, "arguments", part->input_json);
	write_json_object_end(json);
	if (link->fate == FATE_PAIRED)
		return true;
	begin_item(items, custom ? "custom_tool_call_output" : "function_call_output");
	write_json_key_plain(json, "call_id", link->wire);
	write_json_key_str(json, "output", ERROR_PREFIX NO_RESULT);
	write_json_object_end(json);
	return lose(items, part);
}

/* ---- reasoning ---- */

/* Encrypted reasoning goes back to who made it, with the id that it is bound to, or nowhere. */
static bool
write_reasoning(struct items *items, const struct part *part)
{
	struct write_json *json = &items->write->json;
	bool native = items->write->request->from == WIRE_RESPONSES;
	const struct part *source = part;
	struct part opened = {0};
	switch (envelope_state_unwrap(part->signature_text, WIRE_RESPONSES,
	    items->write->options->upstream_plain, items->write->request->arena, &opened)) {
	case ENVELOPE_STATE_OURS:
		source = &opened;
		break;
	case ENVELOPE_STATE_NONE:
		if (!native)
			return true;
		break;
	case ENVELOPE_STATE_BROKEN:
		return lose(items, part);
	case ENVELOPE_STATE_FOREIGN:
		return true;
	}
	if (source->signature_text.len == 0)
		return true;
	if (source == part) { /* its own family's, in all its parts */
		write_json_raw(json, part->raw_json);
		return true;
	}
	begin_item(items, "reasoning");
	if (source->item_id_plain.len > 0)
		write_json_key_plain(json, "id", source->item_id_plain);
	write_json_key_array(json, "summary");
	if (source->text.len > 0) {
		begin_item(items, "summary_text");
		write_json_key_text(json, "text", source->text);
		write_json_object_end(json);
	}
	write_json_array_end(json);
	write_json_key_text(json, "encrypted_content", source->signature_text);
	write_json_object_end(json);
	return true;
}

/* ---- turns ---- */

static void
close_message(struct items *items)
{
	if (!items->in_message)
		return;
	write_json_array_end(&items->write->json);
	write_json_object_end(&items->write->json);
	items->in_message = false;
}

static void
open_message(struct items *items, enum role role)
{
	static const char *const roles[] = {
	    [ROLE_SYSTEM] = "developer", [ROLE_USER] = "user", [ROLE_ASSISTANT] = "assistant"};
	if (items->in_message)
		return;
	begin_item(items, "message");
	write_json_key_str(&items->write->json, "role", roles[role]);
	write_json_key_array(&items->write->json, "content");
	items->in_message = true;
}

static bool
write_part(struct items *items, const struct part *part, enum role role)
{
	bool user = role == ROLE_USER;
	if (is_text(part) && part->text.len == 0)
		return true;
	if (is_text(part) || (is_media(part) && user)) {
		open_message(items, role);
		if (!is_text(part))
			return write_media(items, part);
		write_text_part(
		    items, part, role == ROLE_ASSISTANT ? "output_text" : "input_text", "");
		return true;
	}
	close_message(items);
	if (part->kind == PART_CALL)
		return write_call(items, part);
	if (part->kind == PART_THINKING || part->kind == PART_REDACTED)
		return write_reasoning(items, part);
	if (part->kind != PART_HOSTED || items->write->request->from != WIRE_RESPONSES)
		return lose(items, part);
	write_json_raw(&items->write->json, part->raw_json);
	return true;
}

static bool
write_turn(struct items *items, const struct turn *turn)
{
	const struct part *part = next_part(turn->first, true);
	for (; part != NULL; part = next_part(part->next, true)) {
		if (!write_result(items, part))
			return false;
	}
	part = next_part(turn->first, false);
	for (; part != NULL; part = next_part(part->next, false)) {
		if (!write_part(items, part, turn->role))
			return false;
	}
	close_message(items);
	return true;
}

/* For backends that demand it: the leading system texts in one string. */
static const struct turn *
write_instructions(struct items *items)
{
	struct write_json *json = &items->write->json;
	const struct turn *turn = items->write->request->first;
	size_t count = 0;
	if (turn == NULL || turn->role != ROLE_SYSTEM ||
	    !items->write->options->flags->instructions)
		return turn;
	write_json_key(json, "instructions");
	write_json_open(json);
	for (; turn != NULL && turn->role == ROLE_SYSTEM; turn = turn->next) {
		for (const struct part *part = turn->first; part != NULL; part = part->next) {
			if (!is_text(part))
				continue;
			write_json_piece_text(json, count++ > 0 ? VIEW("\\n\\n") : VIEW(""));
			write_json_piece_text(json, part->text);
		}
	}
	write_json_close(json);
	return turn;
}

/* When there are too many marks the first ones give way. */
static void
count_marks(struct items *items, const struct turn *turn)
{
	size_t count = 0;
	for (; turn != NULL; turn = turn->next) {
		for (const struct part *part = turn->first; part != NULL; part = part->next) {
			count += part->kind != PART_RESULT && part->cache != CACHE_NONE;
			for (const struct part *child = part->children; child; child = child->next)
				count += child->cache != CACHE_NONE;
		}
	}
	items->marks_to_skip = count > BREAKPOINTS_MAX ? count - BREAKPOINTS_MAX : 0;
}

bool
responses_items_encode(struct responses_write *write)
{
	struct items items = {.write = write};
	if (!find_links(&items))
		return false;
	const struct turn *turn = write_instructions(&items);
	count_marks(&items, turn);
	write_json_key_array(&write->json, "input");
	for (; turn != NULL; turn = turn->next) {
		if (!write_turn(&items, turn))
			return false;
	}
	write_json_array_end(&write->json);
	return true;
}
