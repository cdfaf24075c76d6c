/* Requests, written: the top, and the blocks of messages. */
#include "anthropic.h"
#include "base64url.h"
#include "freeform.h"

#include <string.h>

#define MARKS_MAX 4 /* more cache marks are refused by the API */

/* ---- cache marks ---- */

void
anthropic_cache_write(struct write_json *json, enum cache_mark mark)
{
	write_json_key_object(json, "cache_control");
	write_json_key_str(json, "type", "ephemeral");
	if (mark == CACHE_1H || mark == CACHE_12H)
		write_json_key_str(json, "ttl", "1h");
	if (mark == CACHE_5M)
		write_json_key_str(json, "ttl", "5m");
	write_json_object_end(json);
}

static unsigned
count_marks(const struct part *part)
{
	unsigned count = 0;
	for (; part != NULL; part = part->next) {
		count += part->cache != CACHE_NONE;
		for (const struct part *child = part->children; child != NULL; child = child->next)
			count += child->cache != CACHE_NONE;
	}
	return count;
}

/* Tools and system text keep theirs first, since they stand at the start of every prompt; of the
 * messages the latest ones count. */
static void
plan_marks(struct anthropic_write *write)
{
	unsigned head = 0;
	unsigned tail = 0;
	for (const struct tool *tool = write->request->tools; tool != NULL; tool = tool->next)
		head += tool->cache != CACHE_NONE;
	const struct turn *turn = write->request->first;
	for (; turn != NULL && turn->role == ROLE_SYSTEM; turn = turn->next)
		head += count_marks(turn->first);
	for (turn = write->messages; turn != NULL; turn = turn->next)
		tail += count_marks(turn->first);
	write->marks_head = head < MARKS_MAX ? head : MARKS_MAX;
	unsigned left = MARKS_MAX - write->marks_head;
	write->marks_skip = tail > left ? tail - left : 0;
}

static bool
write_mark(struct anthropic_write *write, const struct part *part, unsigned *skip)
{
	if (part->cache == CACHE_NONE)
		return true;
	if (*skip > 0) {
		(*skip)--;
		return ledger_lose(
		    write->options->ledger, write->err, "%s.cache_control", part->path);
	}
	anthropic_cache_write(&write->json, part->cache);
	return true;
}

/* ---- media ---- */

static bool
is_base64(struct view text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    c == '+' || c == '/' || c == '=')
			continue;
		/* In JSON a slash may be escaped. */
		if (c == '\\' && i + 1 < text.len && text.data[i + 1] == '/')
			continue;
		return false;
	}
	return text.len > 0;
}

/* What base64 says when the client did not. */
static struct view
guess_type(const struct part *part)
{
	static const struct {
		const char *start, *type;
	} types[] = {
	    {"/9j/", "image/jpeg"},
	    {"\\/9j\\/", "image/jpeg"},
	    {"R0lGOD", "image/gif"},
	    {"UklGR", "image/webp"},
	};
	if (part->media.type_text.len > 0)
		return part->media.type_text;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (view_starts(part->media.data_text, types[i].start))
			return view_of(types[i].type);
	}
	return part->kind == PART_IMAGE ? VIEW("image/png") : VIEW("application/pdf");
}

/* A text file in base64 goes as text: the API takes base64 of PDF alone. */
static bool
write_text_file(struct anthropic_write *write, const struct part *part)
{
	struct bytes alphabet;
	struct bytes plain;
	bytes_init(&alphabet, part->media.data_text.len);
	bytes_init(&plain, part->media.data_text.len);
	bool ok = true;
	for (size_t i = 0; ok && i < part->media.data_text.len; i++) {
		char c = part->media.data_text.data[i];
		if (c == '=' || c == '\\')
			continue;
		ok = bytes_append_char(&alphabet, c == '+' ? '-' : c == '/' ? '_' : c);
	}
	ok = ok && base64url_decode(bytes_view(&alphabet), &plain);
	for (struct view rest = bytes_view(&plain); ok && rest.len > 0;) {
		size_t step = view_utf8_step(rest);
		ok = step > 0;
		rest = view_from(rest, step);
	}
	if (ok) {
		write_json_key_str(&write->json, "type", "text");
		write_json_key_str(&write->json, "media_type", "text/plain");
		write_json_key_plain(&write->json, "data", bytes_view(&plain));
	}
	bytes_fini(&plain);
	bytes_fini(&alphabet);
	return ok || ledger_refuse(write->err, part->path,
			 "the anthropic protocol takes text files as UTF-8 in base64 alone");
}

static bool
write_base64(struct anthropic_write *write, const struct part *part)
{
	struct view type = guess_type(part);
	if (!is_base64(part->media.data_text))
		return ledger_refuse(write->err, part->path,
		    "the anthropic protocol takes data as base64, which this is not");
	if (part->kind == PART_FILE && view_starts(type, "text/"))
		return write_text_file(write, part);
	write_json_key_str(&write->json, "type", "base64");
	write_json_key_text(&write->json, "media_type", type);
	write_json_key_text(&write->json, "data", part->media.data_text);
	return true;
}

static bool
write_source(struct anthropic_write *write, const struct part *part)
{
	struct write_json *json = &write->json;
	bool ok = true;
	write_json_key_object(json, "source");
	switch (part->media.source) {
	case MEDIA_BASE64:
		ok = write_base64(write, part);
		break;
	case MEDIA_URL:
		write_json_key_str(json, "type", "url");
		write_json_key_text(json, "url", part->media.data_text);
		break;
	case MEDIA_FILE_ID:
		if (write->request->from != WIRE_ANTHROPIC)
			return ledger_refuse(write->err, part->path,
			    "the anthropic protocol takes no file id of another vendor: send the "
			    "content");
		write_json_key_str(json, "type", "file");
		write_json_key_text(json, "file_id", part->media.data_text);
		break;
	case MEDIA_PLAIN_TEXT:
		write_json_key_str(json, "type", "text");
		write_json_key_str(json, "media_type", "text/plain");
		write_json_key_text(json, "data", part->media.data_text);
		break;
	}
	write_json_object_end(json);
	return ok;
}

static bool
write_media(struct anthropic_write *write, const struct part *part)
{
	bool document = part->kind == PART_FILE;
	write_json_key_str(&write->json, "type", document ? "document" : "image");
	if (!write_source(write, part))
		return false;
	if (document && part->media.name_text.len > 0)
		write_json_key_text(&write->json, "title", part->media.name_text);
	if (document && part->media.context_text.len > 0)
		write_json_key_text(&write->json, "context", part->media.context_text);
	return true;
}

/* ---- blocks ---- */

/* A block of this very protocol that is written as it came. */
static bool
is_raw(const struct anthropic_write *write, const struct part *part)
{
	return part->raw_json.len > 0 && write->request->from == WIRE_ANTHROPIC;
}

static bool
write_call(struct anthropic_write *write, const struct part *part)
{
	struct write_json *json = &write->json;
	struct view name = names_to_wire(
	    write->options->names, part->name_plain, part->space_plain, (int)part->form);
	if (name.len == 0)
		return anthropic_full(write->err);
	write_json_key_str(json, "type", "tool_use");
	write_json_key_plain(json, "id", part->id_plain);
	write_json_key_plain(json, "name", name);
	write_json_key(json, "input");
	if (part->form != CALL_CUSTOM) {
		write_json_raw(json, part->input_json);
		return true;
	}
	write_json_object(json);
	write_json_key_text(json, "input", part->text);
	write_json_object_end(json);
	return true;
}

static bool
write_result(struct anthropic_write *write, const struct part *part)
{
	struct write_json *json = &write->json;
	const struct part *only = part->children;
	bool plain = only != NULL && only->next == NULL && only->kind == PART_TEXT &&
		     only->cache == CACHE_NONE && !is_raw(write, only);
	write_json_key_str(json, "type", "tool_result");
	write_json_key_plain(json, "tool_use_id", part->id_plain);
	if (plain) {
		write_json_key_text(json, "content", only->text);
	} else if (only != NULL) {
		write_json_key(json, "content");
		if (!anthropic_blocks_write(write, only))
			return false;
	}
	if (part->is_error == TRI_YES || part->incomplete)
		write_json_key_bool(json, "is_error", true);
	return true;
}

static bool
write_members(struct anthropic_write *write, const struct part *part)
{
	struct write_json *json = &write->json;
	switch (part->kind) {
	case PART_TEXT:
	case PART_REFUSAL:
		write_json_key_str(json, "type", "text");
		write_json_key_text(json, "text", part->text);
		if (part->citations_json.len > 0 && write->request->from == WIRE_ANTHROPIC)
			write_json_key_raw(json, "citations", part->citations_json);
		break;
	case PART_IMAGE:
	case PART_FILE:
		return write_media(write, part);
	case PART_THINKING:
		write_json_key_str(json, "type", "thinking");
		write_json_key_text(json, "thinking", part->text);
		write_json_key_text(json, "signature", part->signature_text);
		break;
	case PART_REDACTED:
		write_json_key_str(json, "type", "redacted_thinking");
		write_json_key_text(json, "data", part->signature_text);
		break;
	case PART_CALL:
		return write_call(write, part);
	case PART_RESULT:
		return write_result(write, part);
	case PART_AUDIO:
	case PART_SEARCH:
	case PART_HOSTED:
		break; /* settled before: not here, or raw */
	}
	return true;
}

bool
anthropic_blocks_write(struct anthropic_write *write, const struct part *first)
{
	write_json_array(&write->json);
	for (const struct part *part = first; part != NULL; part = part->next) {
		if (is_raw(write, part)) {
			write_json_raw(&write->json, part->raw_json);
			continue;
		}
		write_json_object(&write->json);
		if (!write_members(write, part))
			return false;
		if (!write_mark(write, part, &write->marks_skip))
			return false;
		write_json_object_end(&write->json);
	}
	write_json_array_end(&write->json);
	return true;
}

/* ---- the top ---- */

static bool
write_system_part(struct anthropic_write *write, const struct part *part)
{
	unsigned skip = part->cache != CACHE_NONE && write->marks_head == 0 ? 1 : 0;
	if (part->kind != PART_TEXT)
		return ledger_lose(write->options->ledger, write->err, "%s", part->path);
	if (anthropic_is_blank(part->text))
		return true;
	write_json_object(&write->json);
	if (!write_members(write, part) || !write_mark(write, part, &skip))
		return false;
	if (part->cache != CACHE_NONE && write->marks_head > 0)
		write->marks_head--;
	write_json_object_end(&write->json);
	return true;
}

/* For an output form that the target has no words for. */
static void
write_instruction(struct anthropic_write *write)
{
	struct write_json *json = &write->json;
	write_json_object(json);
	write_json_key_str(json, "type", "text");
	write_json_key(json, "text");
	write_json_open(json);
	write_json_piece_plain(json,
	    VIEW("Answer with exactly one JSON object and nothing else, without a code fence."));
	if (write->request->output == OUTPUT_JSON_SCHEMA) {
		write_json_piece_plain(json, VIEW(" It must match this JSON schema: "));
		write_json_piece_plain(json, write->request->schema_json);
	}
	write_json_close(json);
	write_json_object_end(json);
}

static bool
write_system(struct anthropic_write *write)
{
	const struct turn *turn = write->request->first;
	bool leads = turn != NULL && turn->role == ROLE_SYSTEM;
	if (!leads && !write->instruct_json)
		return true;
	size_t start = write->json.out->len;
	bool comma = write->json.comma;
	write_json_key_array(&write->json, "system");
	size_t empty = write->json.out->len;
	for (; turn != NULL && turn->role == ROLE_SYSTEM; turn = turn->next) {
		for (const struct part *part = turn->first; part != NULL; part = part->next) {
			if (!write_system_part(write, part))
				return false;
		}
	}
	if (write->instruct_json)
		write_instruction(write);
	if (write->json.out->len == empty) { /* nothing but space: no member */
		write->json.out->len = start;
		write->json.comma = comma;
		return true;
	}
	write_json_array_end(&write->json);
	return true;
}

static bool
write_messages(struct anthropic_write *write)
{
	static const char *const roles[] = {
	    [ROLE_SYSTEM] = "system", [ROLE_USER] = "user", [ROLE_ASSISTANT] = "assistant"};
	write_json_key_array(&write->json, "messages");
	for (const struct turn *turn = write->messages; turn != NULL; turn = turn->next) {
		write_json_object(&write->json);
		write_json_key_str(&write->json, "role", roles[turn->role]);
		write_json_key(&write->json, "content");
		if (!anthropic_blocks_write(write, turn->first))
			return false;
		write_json_object_end(&write->json);
	}
	write_json_array_end(&write->json);
	return true;
}

bool
anthropic_request_encode(const struct request *request, const struct encode_options *options,
    struct bytes *out, struct err *err)
{
	struct anthropic_write write = {.request = request, .options = options, .err = err};
	write_json_init(&write.json, out);
	if (!anthropic_turns(&write) || !anthropic_thinking_plan(&write))
		return false;
	plan_marks(&write);
	write_json_object(&write.json);
	write_json_key_text(&write.json, "model", options->model_text);
	if (!anthropic_tools_write(&write) || !anthropic_params_write(&write) ||
	    !write_system(&write) || !write_messages(&write))
		return false;
	write_json_object_end(&write.json);
	return write_json_ok(&write.json) ||
	       err_set(err, ERR_LIMIT, "", "the request is too big after conversion");
}
