/* Requests, read: the blocks of a message. */
#include "anthropic.h"
#include "read_json.h"

#include <string.h>

enum {
	B_TYPE,
	B_TEXT,
	B_CITATIONS,
	B_CACHE,
	B_SOURCE,
	B_TITLE,
	B_CONTEXT,
	B_THINKING,
	B_SIGNATURE,
	B_DATA,
	B_ID,
	B_NAME,
	B_INPUT,
	B_USE_ID,
	B_CONTENT,
	B_IS_ERROR,
	B_COUNT
};

/* Where blocks go: a turn, or the children of a result. */
struct place {
	struct request *request;
	struct turn *turn;
	struct part *result; /* NULL: the turn */
};

static bool decode_block(
    const struct place *place, struct jsonspan_value block, const char *path, struct err *err);

static struct part *
add_part(const struct place *place, enum part_kind kind, const char *path)
{
	struct part *part = place->result != NULL
				? part_add_child(place->request, place->result, kind)
				: turn_add_part(place->request, place->turn, kind);
	if (part != NULL)
		part->path = path;
	return part;
}

/* A string or an array of blocks. */
static bool
decode_content(
    const struct place *place, struct jsonspan_value content, const char *path, struct err *err)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	if (content.kind == JSONSPAN_STRING) {
		struct part *part = add_part(place, PART_TEXT, path);
		if (part == NULL)
			return anthropic_full(err);
		part->text = read_json_inside(content);
		return true;
	}
	if (content.kind != JSONSPAN_ARRAY)
		return read_json_wrong(err, path, NULL, "must be a string or an array of blocks");
	jsonspan_iter_init(&iter, content);
	for (size_t i = 0; jsonspan_next(&iter, &item); i++) {
		const char *at = read_json_path(place->request->arena, "%s[%zu]", path, i);
		if (item.value.kind != JSONSPAN_OBJECT)
			return read_json_wrong(err, at, NULL, "must be an object");
		if (!decode_block(place, item.value, at, err))
			return false;
	}
	return true;
}

static bool
take_media(struct part *part, struct jsonspan_value source, struct err *err)
{
	enum { S_TYPE, S_MEDIA, S_DATA, S_URL, S_FILE, S_COUNT };
	struct jsonspan_want s[S_COUNT] = {
	    [S_TYPE] = {.key = "type"},
	    [S_MEDIA] = {.key = "media_type"},
	    [S_DATA] = {.key = "data"},
	    [S_URL] = {.key = "url"},
	    [S_FILE] = {.key = "file_id"},
	};
	static const char *const types[] = {
	    [MEDIA_BASE64] = "base64",
	    [MEDIA_URL] = "url",
	    [MEDIA_FILE_ID] = "file",
	    [MEDIA_PLAIN_TEXT] = "text",
	};
	static const int data[] = {
	    [MEDIA_BASE64] = S_DATA,
	    [MEDIA_URL] = S_URL,
	    [MEDIA_FILE_ID] = S_FILE,
	    [MEDIA_PLAIN_TEXT] = S_DATA,
	};
	read_json_members(source, s, S_COUNT);
	unsigned i = 0;
	while (i < 4 && !jsonspan_str_is(s[S_TYPE].value, types[i]))
		i++;
	if (i == 4)
		return read_json_wrong(err, part->path, "source.type", "is no source known");
	part->media.source = (enum media_source)i;
	return read_json_need(&s[data[i]], part->path, err) &&
	       read_json_text(&s[data[i]], part->path, &part->media.data_text, err) &&
	       read_json_text(&s[S_MEDIA], part->path, &part->media.type_text, err);
}

static bool
decode_document(
    const struct place *place, const struct jsonspan_want *b, const char *path, struct err *err)
{
	struct jsonspan_value source = b[B_SOURCE].value;
	struct jsonspan_value enabled = jsonspan_get(b[B_CITATIONS].value, "enabled");
	const char *at = read_json_path(place->request->arena, "%s.citations", path);
	if (!read_json_is_default(enabled) &&
	    !read_json_leftover(place->request, view_of(at), b[B_CITATIONS].value, false))
		return anthropic_full(err);
	if (jsonspan_str_is(jsonspan_get(source, "type"), "content"))
		return decode_content(place, jsonspan_get(source, "content"), path, err);
	struct part *part = add_part(place, PART_FILE, path);
	if (part == NULL)
		return anthropic_full(err);
	part->cache = anthropic_cache_decode(b[B_CACHE].value);
	return take_media(part, source, err) &&
	       read_json_text(&b[B_TITLE], path, &part->media.name_text, err) &&
	       read_json_text(&b[B_CONTEXT], path, &part->media.context_text, err);
}

/* A search result is its title, its source and its texts, one below the other. */
static bool
decode_search_result(const struct place *place, struct jsonspan_value block,
    const struct jsonspan_want *b, const char *path, struct err *err)
{
	struct part *part = add_part(place, PART_TEXT, path);
	struct bytes text;
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	bytes_init(&text, block.raw.len * 2);
	bool ok = part != NULL && bytes_append_view(&text, read_json_inside(b[B_TITLE].value)) &&
		  bytes_append_str(&text, "\\n") &&
		  bytes_append_view(&text, read_json_inside(b[B_SOURCE].value));
	jsonspan_iter_init(&iter, b[B_CONTENT].value);
	while (ok && jsonspan_next(&iter, &item))
		ok = bytes_append_str(&text, "\\n") &&
		     bytes_append_view(&text, read_json_inside(jsonspan_get(item.value, "text")));
	if (ok) {
		part->text = arena_copy(place->request->arena, bytes_view(&text));
		part->raw_json = block.raw;
		part->cache = anthropic_cache_decode(b[B_CACHE].value);
		ok = part->text.data != NULL;
	}
	bytes_fini(&text);
	return ok || anthropic_full(err);
}

static bool
decode_call(
    const struct place *place, struct part *part, const struct jsonspan_want *b, struct err *err)
{
	struct arena *arena = place->request->arena;
	if (!read_json_need(&b[B_ID], part->path, err) ||
	    !read_json_need(&b[B_NAME], part->path, err) ||
	    !read_json_plain(arena, &b[B_ID], part->path, &part->id_plain, err) ||
	    !read_json_plain(arena, &b[B_NAME], part->path, &part->name_plain, err))
		return false;
	part->input_json = VIEW("{}");
	if (b[B_INPUT].value.kind == JSONSPAN_OBJECT)
		part->input_json = b[B_INPUT].value.raw;
	else if (b[B_INPUT].value.kind == JSONSPAN_STRING)
		return read_json_arguments(arena, b[B_INPUT].value, part) || anthropic_full(err);
	else if (b[B_INPUT].value.kind != JSONSPAN_NONE)
		return read_json_wrong(err, part->path, "input", "must be an object");
	return true;
}

static bool
decode_result(
    const struct place *place, struct part *part, const struct jsonspan_want *b, struct err *err)
{
	struct request *request = place->request;
	struct place inside = {request, place->turn, part};
	if (!read_json_need(&b[B_USE_ID], part->path, err) ||
	    !read_json_plain(request->arena, &b[B_USE_ID], part->path, &part->id_plain, err) ||
	    !read_json_tri(&b[B_IS_ERROR], part->path, &part->is_error, err))
		return false;
	return b[B_CONTENT].value.kind == JSONSPAN_NONE ||
	       decode_content(&inside, b[B_CONTENT].value,
		   read_json_path(request->arena, "%s.content", part->path), err);
}

/* The members of `part` by its kind. */
static bool
fill_part(
    const struct place *place, struct part *part, const struct jsonspan_want *b, struct err *err)
{
	part->cache = anthropic_cache_decode(b[B_CACHE].value);
	switch (part->kind) {
	case PART_TEXT:
		if (!read_json_is_default(b[B_CITATIONS].value))
			part->citations_json = b[B_CITATIONS].value.raw;
		return read_json_need(&b[B_TEXT], part->path, err) &&
		       read_json_text(&b[B_TEXT], part->path, &part->text, err);
	case PART_IMAGE:
		return take_media(part, b[B_SOURCE].value, err);
	case PART_THINKING:
		return read_json_text(&b[B_THINKING], part->path, &part->text, err) &&
		       read_json_text(&b[B_SIGNATURE], part->path, &part->signature_text, err);
	case PART_REDACTED:
		return read_json_text(&b[B_DATA], part->path, &part->signature_text, err);
	case PART_CALL:
		return decode_call(place, part, b, err);
	case PART_RESULT:
		return decode_result(place, part, b, err);
	case PART_REFUSAL:
	case PART_FILE:
	case PART_AUDIO:
	case PART_SEARCH:
	case PART_HOSTED:
		break;
	}
	return true;
}

/* Blocks that change which tools there are: nobody else can. */
static bool
is_tool_change(struct jsonspan_value type)
{
	return jsonspan_str_is(type, "tool_addition") || jsonspan_str_is(type, "tool_removal");
}

static bool
decode_block(
    const struct place *place, struct jsonspan_value block, const char *path, struct err *err)
{
	struct jsonspan_want b[B_COUNT] = {
	    [B_TYPE] = {.key = "type"},
	    [B_TEXT] = {.key = "text"},
	    [B_CITATIONS] = {.key = "citations"},
	    [B_CACHE] = {.key = "cache_control"},
	    [B_SOURCE] = {.key = "source"},
	    [B_TITLE] = {.key = "title"},
	    [B_CONTEXT] = {.key = "context"},
	    [B_THINKING] = {.key = "thinking"},
	    [B_SIGNATURE] = {.key = "signature"},
	    [B_DATA] = {.key = "data"},
	    [B_ID] = {.key = "id"},
	    [B_NAME] = {.key = "name"},
	    [B_INPUT] = {.key = "input"},
	    [B_USE_ID] = {.key = "tool_use_id"},
	    [B_CONTENT] = {.key = "content"},
	    [B_IS_ERROR] = {.key = "is_error"},
	};
	static const struct {
		const char *type;
		enum part_kind kind;
	} kinds[] = {
	    {"text", PART_TEXT},
	    {"image", PART_IMAGE},
	    {"thinking", PART_THINKING},
	    {"redacted_thinking", PART_REDACTED},
	    {"tool_use", PART_CALL},
	    {"tool_result", PART_RESULT},
	};
	read_json_members(block, b, B_COUNT);
	struct jsonspan_value type = b[B_TYPE].value;
	if (type.kind != JSONSPAN_STRING)
		return read_json_wrong(err, path, "type", "must be a string");
	if (jsonspan_str_is(type, "document"))
		return decode_document(place, b, path, err);
	if (jsonspan_str_is(type, "search_result"))
		return decode_search_result(place, block, b, path, err);
	if (is_tool_change(type))
		return read_json_leftover(place->request, view_of(path), block, true) ||
		       anthropic_full(err);
	enum part_kind kind = PART_HOSTED;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (jsonspan_str_is(type, kinds[i].type))
			kind = kinds[i].kind;
	}
	if (place->result != NULL && kind != PART_TEXT && kind != PART_IMAGE)
		kind = PART_HOSTED;
	struct part *part = add_part(place, kind, path);
	if (part == NULL)
		return anthropic_full(err);
	if (kind == PART_HOSTED)
		part->raw_json = block.raw;
	return fill_part(place, part, b, err);
}

bool
anthropic_content_decode(struct request *request, struct turn *turn, struct jsonspan_value content,
    const char *path, struct err *err)
{
	const struct place place = {request, turn, NULL};
	return decode_content(&place, content, path, err);
}
