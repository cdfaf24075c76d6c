/* Chat Completions requests, written: content parts and their cache marks. */
#include "chat.h"

#define MARKS_MAX 4

bool
chat_lose(struct chat_write *write, const struct part *part)
{
	return ledger_lose(write->options->ledger, write->err, "%s", part->path);
}

/* ---- cache marks ---- */

static void
write_mark(struct chat_write *write, enum cache_mark mark)
{
	static const char *const ttl[] = {
	    [CACHE_30M] = "30m", [CACHE_1H] = "30m", [CACHE_12H] = "12h"};
	if (mark == CACHE_NONE || !write->options->flags->cache_breakpoints)
		return;
	if (write->marks_to_skip > 0) {
		write->marks_to_skip--;
		return;
	}
	write_json_key_object(&write->json, "prompt_cache_breakpoint");
	write_json_key_str(&write->json, "mode", "explicit");
	if (mark >= CACHE_30M)
		write_json_key_str(&write->json, "ttl", ttl[mark]);
	write_json_object_end(&write->json);
}

bool
chat_part_is_marked(const struct chat_write *write, const struct part *part)
{
	return part->cache != CACHE_NONE && write->options->flags->cache_breakpoints;
}

/* When there are too many marks the first ones give way. */
void
chat_marks_count(struct chat_write *write)
{
	size_t count = 0;
	for (const struct turn *turn = write->request->first; turn != NULL; turn = turn->next) {
		const struct part *part = turn->role != ROLE_ASSISTANT ? turn->first : NULL;
		for (; part != NULL; part = part->next) {
			count += part->cache != CACHE_NONE;
			for (const struct part *child = part->children; child; child = child->next)
				count += child->cache != CACHE_NONE;
		}
	}
	write->marks_to_skip = count > MARKS_MAX ? count - MARKS_MAX : 0;
}

/* ---- content parts ---- */

void
chat_part_text(struct chat_write *write, const char *prefix, const struct part *part)
{
	struct write_json *json = &write->json;
	write_json_object(json);
	write_json_key_str(json, "type", "text");
	write_json_key(json, "text");
	write_json_open(json);
	write_json_piece_text(json, view_of(prefix));
	write_json_piece_text(json, part->text);
	write_json_close(json);
	write_mark(write, part->cache);
	write_json_object_end(json);
}

/* A document that is text: its title and context stand before it. */
static void
write_document_text(struct chat_write *write, const struct media *media)
{
	struct write_json *json = &write->json;
	const struct view heads[] = {media->name_text, media->context_text};
	for (size_t i = 0; i < 2; i++) {
		if (heads[i].len > 0) {
			write_json_piece_text(json, heads[i]);
			write_json_piece_text(json, VIEW("\\n"));
		}
	}
	write_json_piece_text(json, media->data_text);
}

static void
write_data_url(struct write_json *json, const char *key, const struct media *media)
{
	write_json_key(json, key);
	write_json_open(json);
	if (media->source == MEDIA_BASE64) {
		write_json_piece_text(json, VIEW("data:"));
		write_json_piece_text(json, media->type_text);
		write_json_piece_text(json, VIEW(";base64,"));
	}
	write_json_piece_text(json, media->data_text);
	write_json_close(json);
}

static bool
write_image(struct chat_write *write, const struct part *part)
{
	struct write_json *json = &write->json;
	const struct media *media = &part->media;
	if (media->source != MEDIA_BASE64 && media->source != MEDIA_URL)
		return ledger_refuse(write->err, part->path,
		    "the chat protocol takes images by URL or inline, not by file id");
	write_json_object(json);
	write_json_key_str(json, "type", "image_url");
	write_json_key_object(json, "image_url");
	write_data_url(json, "url", media);
	if (media->detail_text.len > 0)
		write_json_key_text(json, "detail", media->detail_text);
	write_json_object_end(json);
	write_mark(write, part->cache);
	write_json_object_end(json);
	return true;
}

bool
chat_part_file(struct chat_write *write, const struct part *part)
{
	struct write_json *json = &write->json;
	const struct media *media = &part->media;
	bool by_id = media->source == MEDIA_FILE_ID && write->request->from != WIRE_ANTHROPIC;
	if (media->source == MEDIA_URL || (media->source == MEDIA_FILE_ID && !by_id))
		return ledger_refuse(write->err, part->path,
		    "the chat protocol takes files inline, not by %s",
		    media->source == MEDIA_URL ? "URL" : "this vendor's file id");
	write_json_object(json);
	if (media->source == MEDIA_PLAIN_TEXT) {
		write_json_key_str(json, "type", "text");
		write_json_key(json, "text");
		write_json_open(json);
		write_document_text(write, media);
		write_json_close(json);
	} else {
		write_json_key_str(json, "type", "file");
		write_json_key_object(json, "file");
		if (by_id) {
			write_json_key_text(json, "file_id", media->data_text);
		} else {
			write_data_url(json, "file_data", media);
			write_json_key_text(json, "filename",
			    media->name_text.len > 0 ? media->name_text : VIEW("document.pdf"));
		}
		write_json_object_end(json);
	}
	write_mark(write, part->cache);
	write_json_object_end(json);
	return true;
}

static void
write_audio(struct chat_write *write, const struct part *part)
{
	struct write_json *json = &write->json;
	struct view format = part->media.type_text;
	if (view_starts_nocase(format, "audio/"))
		format = view_from(format, sizeof("audio/") - 1);
	write_json_object(json);
	write_json_key_str(json, "type", "input_audio");
	write_json_key_object(json, "input_audio");
	write_json_key_text(json, "data", part->media.data_text);
	write_json_key_text(json, "format", format);
	write_json_object_end(json);
	write_mark(write, part->cache);
	write_json_object_end(json);
}

bool
chat_part_is_media(const struct part *part)
{
	return part->kind == PART_IMAGE || part->kind == PART_AUDIO ||
	       (part->kind == PART_FILE && part->media.source != MEDIA_PLAIN_TEXT);
}

bool
chat_part_is_text(const struct part *part)
{
	return part->kind == PART_TEXT || part->kind == PART_REFUSAL || part->kind == PART_FILE;
}

bool
chat_part_media(struct chat_write *write, const struct part *part)
{
	if (part->kind == PART_IMAGE)
		return write_image(write, part);
	if (part->kind == PART_FILE)
		return chat_part_file(write, part);
	write_audio(write, part);
	return true;
}
