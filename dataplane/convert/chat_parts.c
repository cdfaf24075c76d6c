/* Content parts of Chat Completions messages, and the thinking that vendors put beside them. */
#include "chat.h"
#include "media_url.h"
#include "read_json.h"

/* Where parts go: a turn, or the children of a result. */
struct target {
	struct request *request;
	struct turn *turn;
	struct part *result;
	struct err *err;
};

static struct part *
add_part(const struct target *target, enum part_kind kind, const char *path)
{
	struct part *part = target->result != NULL
				? part_add_child(target->request, target->result, kind)
				: turn_add_part(target->request, target->turn, kind);
	if (part == NULL)
		(void)chat_full(target->err);
	else
		part->path = path;
	return part;
}

enum cache_mark
chat_cache_decode(const struct read_json_object *object)
{
	static const struct {
		const char *word;
		enum cache_mark mark;
	} words[] = {{"5m", CACHE_5M}, {"30m", CACHE_30M}, {"1h", CACHE_1H}, {"12h", CACHE_12H}};
	struct jsonspan_value mark = read_json_get(object, "prompt_cache_breakpoint");
	if (mark.kind != JSONSPAN_OBJECT)
		mark = read_json_get(object, "cache_control");
	if (mark.kind != JSONSPAN_OBJECT)
		return CACHE_NONE;
	struct jsonspan_value ttl = jsonspan_get(mark, "ttl");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (jsonspan_str_is(ttl, words[i].word))
			return words[i].mark;
	}
	return CACHE_DEFAULT;
}

static bool
add_text(const struct target *target, struct view text, const char *path)
{
	struct part *part = add_part(target, PART_TEXT, path);
	if (part != NULL)
		part->text = text;
	return part != NULL;
}

/* ---- media ---- */

static bool
read_image(const struct target *target, const struct read_json_object *object, const char *path)
{
	struct jsonspan_value image = read_json_get(object, "image_url");
	struct jsonspan_value url =
	    image.kind == JSONSPAN_STRING ? image : jsonspan_get(image, "url");
	struct part *part = add_part(target, PART_IMAGE, path);
	if (part == NULL)
		return false;
	if (url.kind != JSONSPAN_STRING)
		return read_json_wrong(target->err, path, "image_url.url", "is required");
	struct jsonspan_value detail = jsonspan_get(image, "detail");
	part->media.detail_text = read_json_inside(detail);
	return media_url_read(target->request->arena, url, &part->media) ||
	       read_json_wrong(target->err, path, "image_url.url",
		   "must be an http(s) URL or a data URL with a type and base64");
}

static bool
read_file(const struct target *target, const struct read_json_object *object, const char *path)
{
	struct jsonspan_value file = read_json_get(object, "file");
	struct jsonspan_value data = jsonspan_get(file, "file_data");
	struct jsonspan_value id = jsonspan_get(file, "file_id");
	struct part *part = add_part(target, PART_FILE, path);
	if (part == NULL)
		return false;
	struct media *media = &part->media;
	media->name_text = read_json_inside(jsonspan_get(file, "filename"));
	if (data.kind != JSONSPAN_STRING) {
		media->source = MEDIA_FILE_ID;
		media->data_text = read_json_inside(id);
		return id.kind == JSONSPAN_STRING ||
		       read_json_wrong(target->err, path, "file", "needs file_data or file_id");
	}
	return media_url_read_file(target->request->arena, data, media) ||
	       read_json_wrong(target->err, path, "file.file_data",
		   "must be a data URL with a type and base64");
}

static bool
read_audio(const struct target *target, const struct read_json_object *object, const char *path)
{
	struct jsonspan_value audio = read_json_get(object, "input_audio");
	struct jsonspan_value data = jsonspan_get(audio, "data");
	struct view format = read_json_inside(jsonspan_get(audio, "format"));
	struct part *part = add_part(target, PART_AUDIO, path);
	if (part == NULL)
		return false;
	if (data.kind != JSONSPAN_STRING || format.len == 0)
		return read_json_wrong(target->err, path, "input_audio", "needs data and format");
	part->media.source = MEDIA_BASE64;
	part->media.data_text = read_json_inside(data);
	part->media.type_text =
	    arena_printf(target->request->arena, "audio/%.*s", VIEW_ARGS(format));
	return part->media.type_text.data != NULL || chat_full(target->err);
}

/* ---- parts ---- */

/* {"type":"thinking","thinking":"..." or [{"type":"text","text":".."}]} */
static bool
read_thinking_part(
    const struct target *target, const struct read_json_object *object, const char *path)
{
	struct jsonspan_value thinking = read_json_get(object, "thinking");
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	struct bytes joined;
	struct part *part = add_part(target, PART_THINKING, path);
	if (part == NULL)
		return false;
	part->text = read_json_inside(thinking);
	part->signature_text = read_json_inside(read_json_get(object, "signature"));
	if (thinking.kind != JSONSPAN_ARRAY)
		return true;
	bytes_init(&joined, thinking.raw.len);
	bool ok = true;
	jsonspan_iter_init(&iter, thinking);
	while (ok && jsonspan_next(&iter, &item))
		ok = bytes_append_view(&joined, read_json_inside(jsonspan_get(item.value, "text")));
	if (joined.len > 0) {
		part->text = arena_copy(target->request->arena, bytes_view(&joined));
		ok = part->text.data != NULL;
	}
	bytes_fini(&joined);
	return ok || chat_full(target->err);
}

static bool
read_part(const struct target *target, const struct read_json_object *object, const char *path)
{
	struct jsonspan_value type = read_json_get(object, "type");
	struct jsonspan_value text = read_json_get(object, "text");
	struct jsonspan_value refusal = read_json_get(object, "refusal");
	if (object->source.kind == JSONSPAN_STRING)
		return add_text(target, read_json_inside(object->source), path);
	if (jsonspan_str_is(type, "image_url"))
		return read_image(target, object, path);
	if (jsonspan_str_is(type, "file"))
		return read_file(target, object, path);
	if (jsonspan_str_is(type, "input_audio"))
		return read_audio(target, object, path);
	if (jsonspan_str_is(type, "thinking"))
		return read_thinking_part(target, object, path);
	if (text.kind == JSONSPAN_STRING)
		return add_text(target, read_json_inside(text), path);
	if (jsonspan_str_is(type, "text"))
		return read_json_wrong(target->err, path, "text", "must be a string");
	if (refusal.kind != JSONSPAN_STRING)
		return read_json_wrong(target->err, path, "type", "is not supported");
	struct part *part = add_part(target, PART_REFUSAL, path);
	if (part != NULL)
		part->text = read_json_inside(refusal);
	return part != NULL;
}

static struct part *
last_part(const struct target *target)
{
	return target->result != NULL ? target->result->children_last : target->turn->last;
}

bool
chat_content_decode(struct request *request, struct turn *turn, struct part *result,
    struct jsonspan_value content, const char *path, struct err *err)
{
	const struct target target = {request, turn, result, err};
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	struct read_json_object object;
	if (content.kind == JSONSPAN_NONE || content.kind == JSONSPAN_NULL)
		return true;
	if (content.kind == JSONSPAN_STRING)
		return add_text(&target, read_json_inside(content),
		    read_json_path(request->arena, "%s.content", path));
	if (content.kind != JSONSPAN_ARRAY)
		return read_json_wrong(err, path, "content", "must be a string or an array");
	jsonspan_iter_init(&iter, content);
	for (unsigned i = 0; jsonspan_next(&iter, &item); i++) {
		const char *at = read_json_path(request->arena, "%s.content[%u]", path, i);
		read_json_object(item.value, &object);
		if (!read_part(&target, &object, at))
			return false;
		struct part *part = last_part(&target);
		if (part != NULL && item.value.kind == JSONSPAN_OBJECT)
			part->cache = chat_cache_decode(&object);
	}
	return true;
}

/* ---- thinking beside the content ---- */

static bool
add_opaque(const struct target *target, struct view data, const char *path)
{
	struct part *part = add_part(target, PART_REDACTED, path);
	if (part != NULL)
		part->signature_text = data;
	return part != NULL;
}

static bool
read_block(const struct target *target, const struct read_json_object *block, const char *path)
{
	struct jsonspan_value type = read_json_get(block, "type");
	struct jsonspan_value data = read_json_get(block, "data");
	struct jsonspan_value text = read_json_get(block, "text");
	if (data.kind == JSONSPAN_STRING)
		return add_opaque(target, read_json_inside(data), path);
	if (jsonspan_str_is(type, "thinking"))
		return read_thinking_part(target, block, path);
	if (text.kind == JSONSPAN_NONE)
		text = read_json_get(block, "summary");
	if (text.kind != JSONSPAN_STRING)
		return true;
	struct part *part = add_part(target, PART_THINKING, path);
	if (part == NULL)
		return false;
	part->text = read_json_inside(text);
	part->signature_text = read_json_inside(read_json_get(block, "signature"));
	return true;
}

bool
chat_thinking_decode(struct request *request, struct turn *turn,
    const struct read_json_object *message, const char *path, struct err *err)
{
	static const char *const lists[] = {"thinking_blocks", "reasoning_details"};
	static const char *const texts[] = {"reasoning_content", "reasoning"};
	const struct target target = {request, turn, NULL, err};
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	struct read_json_object block;
	for (size_t i = 0; i < 2; i++) {
		jsonspan_iter_init(&iter, read_json_get(message, lists[i]));
		unsigned count = 0;
		for (; jsonspan_next(&iter, &item); count++) {
			const char *at =
			    read_json_path(request->arena, "%s.%s[%u]", path, lists[i], count);
			read_json_object(item.value, &block);
			if (!read_block(&target, &block, at))
				return false;
		}
		if (count > 0)
			return true;
	}
	for (size_t i = 0; i < 2; i++) {
		struct view text = read_json_inside(read_json_get(message, texts[i]));
		if (text.len == 0)
			continue;
		struct part *part = add_part(&target, PART_THINKING,
		    read_json_path(request->arena, "%s.%s", path, texts[i]));
		if (part != NULL)
			part->text = text;
		return part != NULL;
	}
	return true;
}
