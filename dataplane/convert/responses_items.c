/* Input items of Responses requests -> turns. */
#include "media_url.h"
#include "responses.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct walk {
	struct request *request;
	const struct turn *caller; /* the assistant's turn whose calls are being answered */
	struct err *err;
};

/* ---- content ---- */

/* Where parts go: a turn, or the children of a result. */
struct place {
	struct turn *turn;
	struct part *result;
};

static struct part *
add_part(struct walk *walk, struct place place, enum part_kind kind, struct jsonspan_value source,
    const char *path)
{
	struct part *part = place.result != NULL ? part_add_child(walk->request, place.result, kind)
						 : turn_add_part(walk->request, place.turn, kind);
	if (part == NULL) {
		(void)responses_full(walk->err);
		return NULL;
	}
	part->path = path;
	part->raw_json = source.raw;
	return part;
}

static enum cache_mark
cache_mark_of(struct jsonspan_value source)
{
	struct jsonspan_value mark = jsonspan_get(source, "prompt_cache_breakpoint");
	struct jsonspan_value ttl = jsonspan_get(mark, "ttl");
	if (mark.kind != JSONSPAN_OBJECT)
		return CACHE_NONE;
	if (jsonspan_str_is(ttl, "30m"))
		return CACHE_30M;
	return jsonspan_str_is(ttl, "12h") ? CACHE_12H : CACHE_DEFAULT;
}

static bool
set_file_id(struct walk *walk, struct media *media, struct jsonspan_value id, const char *path,
    const char *wanted)
{
	media->source = MEDIA_FILE_ID;
	media->data_text = read_json_inside(id);
	return media->data_text.len > 0 || read_json_wrong(walk->err, path, NULL, "%s", wanted);
}

static bool
read_image(struct walk *walk, struct part *part, struct jsonspan_value source)
{
	struct jsonspan_value url = jsonspan_get(source, "image_url");
	part->media.detail_text = read_json_inside(jsonspan_get(source, "detail"));
	if (url.kind != JSONSPAN_STRING)
		return set_file_id(walk, &part->media, jsonspan_get(source, "file_id"), part->path,
		    "needs image_url or file_id");
	return media_url_read(walk->request->arena, url, &part->media) ||
	       read_json_wrong(walk->err, part->path, "image_url",
		   "must be an http(s) URL or a data URL with a type and base64");
}

static bool
read_file(struct walk *walk, struct part *part, struct jsonspan_value source)
{
	struct jsonspan_value data = jsonspan_get(source, "file_data");
	struct jsonspan_value url = jsonspan_get(source, "file_url");
	struct media *media = &part->media;
	media->name_text = read_json_inside(jsonspan_get(source, "filename"));
	if (data.kind == JSONSPAN_STRING)
		return media_url_read_file(walk->request->arena, data, media) ||
		       read_json_wrong(walk->err, part->path, "file_data",
			   "must be base64, or a data URL with a type and base64");
	if (url.kind == JSONSPAN_STRING)
		return media_url_read(walk->request->arena, url, media) ||
		       read_json_wrong(walk->err, part->path, "file_url", "must be an http(s) URL");
	return set_file_id(walk, media, jsonspan_get(source, "file_id"), part->path,
	    "needs file_data, file_url or file_id");
}

static bool
read_audio(struct walk *walk, struct part *part, struct jsonspan_value source)
{
	struct jsonspan_value audio = jsonspan_get(source, "input_audio");
	struct view format = read_json_inside(jsonspan_get(audio, "format"));
	part->media.source = MEDIA_BASE64;
	part->media.data_text = read_json_inside(jsonspan_get(audio, "data"));
	part->media.type_text = arena_printf(walk->request->arena, "audio/%.*s", VIEW_ARGS(format));
	return part->media.type_text.data != NULL || responses_full(walk->err);
}

static bool
read_part(struct walk *walk, struct place place, struct jsonspan_value source, const char *path)
{
	static const struct {
		const char *type;
		enum part_kind kind;
	} types[] = {
	    {"input_text", PART_TEXT},
	    {"output_text", PART_TEXT},
	    {"text", PART_TEXT},
	    {"refusal", PART_REFUSAL},
	    {"input_image", PART_IMAGE},
	    {"input_file", PART_FILE},
	    {"input_audio", PART_AUDIO},
	};
	struct jsonspan_value type = jsonspan_get(source, "type");
	size_t row = 0;
	while (row < COUNT(types) && !jsonspan_str_is(type, types[row].type))
		row++;
	if (row == COUNT(types))
		return read_json_wrong(walk->err, path, "type", "is no known type of content");
	enum part_kind kind = types[row].kind;
	struct part *part = add_part(walk, place, kind, source, path);
	if (part == NULL)
		return false;
	part->cache = cache_mark_of(source);
	if (kind == PART_IMAGE)
		return read_image(walk, part, source);
	if (kind == PART_FILE)
		return read_file(walk, part, source);
	if (kind == PART_AUDIO)
		return read_audio(walk, part, source);
	struct jsonspan_value text =
	    jsonspan_get(source, kind == PART_REFUSAL ? "refusal" : "text");
	struct jsonspan_value cited = jsonspan_get(source, "annotations");
	part->text = read_json_inside(text);
	if (!read_json_is_default(cited))
		part->citations_json = cited.raw;
	return text.kind == JSONSPAN_STRING ||
	       read_json_wrong(walk->err, path, "text", "must be a string");
}

/* A string, a list of parts, or nothing. */
static bool
read_content(struct walk *walk, struct place place, struct jsonspan_value content, const char *path)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	if (content.kind == JSONSPAN_NONE || content.kind == JSONSPAN_NULL)
		return true;
	if (content.kind == JSONSPAN_STRING) {
		struct part *part = add_part(walk, place, PART_TEXT, content, path);
		if (part != NULL)
			part->text = read_json_inside(content);
		return part != NULL;
	}
	if (content.kind != JSONSPAN_ARRAY)
		return read_json_wrong(walk->err, path, NULL, "must be a string or an array");
	jsonspan_iter_init(&iter, content);
	for (unsigned i = 0; jsonspan_next(&iter, &item); i++) {
		const char *at = read_json_path(walk->request->arena, "%s[%u]", path, i);
		if (!read_part(walk, place, item.value, at))
			return false;
	}
	return true;
}

/* ---- turns ---- */

/* The turn that an item belongs to. Neighbours of the assistant are one turn; so is all that the
 * user says from the first answer to a call on, since results belong together. */
static struct turn *
turn_for(struct walk *walk, enum role role, const char *path)
{
	struct turn *last = walk->request->last;
	bool joins = last != NULL && last->role == role &&
		     (role == ROLE_ASSISTANT || (role == ROLE_USER && walk->caller != NULL));
	if (joins)
		return last;
	struct turn *turn = request_add_turn(walk->request, role);
	if (turn == NULL) {
		(void)responses_full(walk->err);
		return NULL;
	}
	turn->path = path;
	if (role == ROLE_ASSISTANT)
		walk->caller = NULL;
	return turn;
}

static struct part *
add_item(struct walk *walk, enum role role, enum part_kind kind, struct jsonspan_value source,
    const char *path)
{
	struct turn *turn = turn_for(walk, role, path);
	if (turn == NULL)
		return NULL;
	if (kind == PART_CALL)
		walk->caller = turn;
	return add_part(walk, (struct place){turn, NULL}, kind, source, path);
}

static bool
read_message(struct walk *walk, struct jsonspan_value item, const char *path)
{
	static const struct {
		const char *word;
		enum role role;
	} roles[] = {
	    {"user", ROLE_USER},
	    {"assistant", ROLE_ASSISTANT},
	    {"developer", ROLE_SYSTEM},
	    {"system", ROLE_SYSTEM},
	};
	struct jsonspan_value word = jsonspan_get(item, "role");
	size_t i = 0;
	while (i < COUNT(roles) && !jsonspan_str_is(word, roles[i].word))
		i++;
	if (i == COUNT(roles))
		return read_json_wrong(walk->err, path, "role", "is no known role");
	struct turn *turn = turn_for(walk, roles[i].role, path);
	if (turn == NULL)
		return false;
	turn->developer = jsonspan_str_is(word, "developer");
	return read_content(walk, (struct place){turn, NULL}, jsonspan_get(item, "content"),
	    read_json_path(walk->request->arena, "%s.content", path));
}

/* ---- reasoning ---- */

/* The texts of a list of parts with an empty line between them. */
static bool
join_texts(struct walk *walk, struct jsonspan_value list, struct view *out)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	struct bytes joined;
	size_t count = 0;
	bool ok = true;
	bytes_init(&joined, list.raw.len + 16);
	jsonspan_iter_init(&iter, list);
	while (ok && list.kind == JSONSPAN_ARRAY && jsonspan_next(&iter, &item)) {
		struct view text = read_json_inside(jsonspan_get(item.value, "text"));
		ok = (count++ == 0 || bytes_append_str(&joined, "\\n\\n")) &&
		     bytes_append_view(&joined, text);
		*out = text;
	}
	if (ok && count > 1) {
		*out = arena_copy(walk->request->arena, bytes_view(&joined));
		ok = out->data != NULL;
	}
	bytes_fini(&joined);
	return ok || responses_full(walk->err);
}

static bool
read_reasoning(struct walk *walk, struct jsonspan_value item, const char *path)
{
	enum { ID, SEALED, MEMBERS };
	struct jsonspan_want m[MEMBERS] = {
	    [ID] = {.key = "id"}, [SEALED] = {.key = "encrypted_content"}};
	struct part *part = add_item(walk, ROLE_ASSISTANT, PART_THINKING, item, path);
	if (part == NULL)
		return false;
	read_json_members(item, m, MEMBERS);
	return read_json_text(&m[SEALED], path, &part->signature_text, walk->err) &&
	       read_json_plain(
		   walk->request->arena, &m[ID], path, &part->item_id_plain, walk->err) &&
	       join_texts(walk, jsonspan_get(item, "summary"), &part->text) &&
	       (part->text.len > 0 || join_texts(walk, jsonspan_get(item, "content"), &part->text));
}

/* ---- calls and their results ---- */

enum { C_CALL_ID, C_ID, C_NAME, C_SPACE, C_MEMBERS };

static bool
read_call_names(struct walk *walk, struct jsonspan_value item, const char *path, struct part *part)
{
	struct jsonspan_want m[C_MEMBERS] = {
	    [C_CALL_ID] = {.key = "call_id"},
	    [C_ID] = {.key = "id"},
	    [C_NAME] = {.key = "name"},
	    [C_SPACE] = {.key = "namespace"},
	};
	struct arena *arena = walk->request->arena;
	read_json_members(item, m, C_MEMBERS);
	if (!read_json_plain(arena, &m[C_ID], path, &part->item_id_plain, walk->err) ||
	    !read_json_plain(arena, &m[C_CALL_ID], path, &part->id_plain, walk->err) ||
	    !read_json_plain(arena, &m[C_NAME], path, &part->name_plain, walk->err) ||
	    !read_json_plain(arena, &m[C_SPACE], path, &part->space_plain, walk->err))
		return false;
	if (part->id_plain.len == 0)
		part->id_plain = part->item_id_plain;
	if (view_eq_str(part->space_plain, "functions"))
		part->space_plain = VIEW("");
	part->incomplete = jsonspan_str_is(jsonspan_get(item, "status"), "incomplete");
	return true;
}

/* The type of an action is always the same word, which no schema of ours names. */
bool
responses_typed_input(struct arena *arena, const struct responses_typed *typed,
    struct jsonspan_value item, struct view *out)
{
	struct jsonspan_value source = jsonspan_get(item, typed->member);
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	struct bytes input;
	struct write_json json;
	*out = source.kind == JSONSPAN_OBJECT ? source.raw : VIEW("{}");
	if (typed->form != CALL_LOCAL_SHELL || source.kind != JSONSPAN_OBJECT)
		return true;
	bytes_init(&input, source.raw.len + 16);
	write_json_init(&json, &input);
	write_json_object(&json);
	jsonspan_iter_init(&iter, source);
	while (jsonspan_next(&iter, &member)) {
		if (!jsonspan_key_is(&member, "type"))
			write_json_raw(&json, member.whole);
	}
	write_json_object_end(&json);
	*out =
	    write_json_ok(&json) ? arena_copy(arena, bytes_view(&input)) : (struct view){NULL, 0};
	bytes_fini(&input);
	return out->data != NULL;
}

static bool
read_call(struct walk *walk, struct jsonspan_value item, const struct responses_typed *typed,
    bool custom, const char *path)
{
	struct arena *arena = walk->request->arena;
	struct part *part = add_item(walk, ROLE_ASSISTANT, PART_CALL, item, path);
	if (part == NULL || !read_call_names(walk, item, path, part))
		return false;
	if (typed != NULL) {
		part->form = typed->form;
		part->name_plain = view_of(typed->type);
		return responses_typed_input(arena, typed, item, &part->input_json) ||
		       responses_full(walk->err);
	}
	if (part->name_plain.len == 0)
		return read_json_wrong(walk->err, path, "name", "is required");
	if (custom) {
		part->form = CALL_CUSTOM;
		part->text = read_json_inside(jsonspan_get(item, "input"));
		return true;
	}
	return read_json_arguments(arena, jsonspan_get(item, "arguments"), part) ||
	       responses_full(walk->err);
}

/* The output of a shell is a list of {stdout,stderr,outcome}: it stays JSON, as a text. */
static bool
read_shell_output(struct walk *walk, struct part *result, struct jsonspan_value output)
{
	struct bytes text;
	struct part *part =
	    add_part(walk, (struct place){NULL, result}, PART_TEXT, output, result->path);
	if (part == NULL)
		return false;
	bytes_init(&text, output.raw.len * 6);
	bool ok = write_json_escape(&text, output.raw);
	if (ok)
		part->text = arena_copy(walk->request->arena, bytes_view(&text));
	bytes_fini(&text);
	return part->text.data != NULL || responses_full(walk->err);
}

static bool
read_result(struct walk *walk, struct jsonspan_value item, enum call_form form, const char *path)
{
	struct jsonspan_value output = jsonspan_get(item, "output");
	struct jsonspan_value status = jsonspan_get(item, "status");
	struct part *part = add_item(walk, ROLE_USER, PART_RESULT, item, path);
	if (part == NULL || !read_call_names(walk, item, path, part))
		return false;
	part->form = form;
	if (part->incomplete || jsonspan_str_is(status, "failed"))
		part->is_error = TRI_YES;
	if (form == CALL_SHELL && output.kind == JSONSPAN_ARRAY)
		return read_shell_output(walk, part, output);
	return read_content(walk, (struct place){NULL, part}, output,
	    read_json_path(walk->request->arena, "%s.output", path));
}

/* ---- items ---- */

/* An item that only the vendor understands. Some change what is asked: no other family may go on
 * without them. */
static bool
read_hosted(
    struct walk *walk, struct jsonspan_value item, struct jsonspan_value type, const char *path)
{
	struct view word = read_json_inside(type);
	bool trigger = view_eq_str(word, "compaction_trigger");
	bool vital = view_eq_str(word, "item_reference") || view_eq_str(word, "compaction");
	bool theirs = view_ends(word, "_output") || view_eq_str(word, "mcp_approval_response");
	if (vital && !read_json_leftover(walk->request, view_of(path), item, true))
		return responses_full(walk->err);
	enum role role = theirs || trigger ? ROLE_USER : ROLE_ASSISTANT;
	struct part *part = add_item(walk, role, PART_HOSTED, item, path);
	if (trigger)
		walk->request->compaction = part;
	return part != NULL;
}

/* A summary of ours: any upstream may read it. */
static bool
read_summary(
    struct walk *walk, struct jsonspan_value item, struct view summary_text, const char *path)
{
	struct part *part = add_item(walk, ROLE_USER, PART_TEXT, item, path);
	if (part == NULL)
		return false;
	if (summary_text.data == NULL)
		return read_json_wrong(walk->err, path, "encrypted_content", "is damaged");
	part->text = summary_text;
	return true;
}

static bool
read_item(struct walk *walk, struct jsonspan_value item, const char *path)
{
	struct jsonspan_value type = jsonspan_get(item, "type");
	const struct responses_typed *typed = responses_typed_by_call(type);
	if (item.kind != JSONSPAN_OBJECT)
		return read_json_wrong(walk->err, path, NULL, "must be an object");
	if (jsonspan_str_is(type, "message") || type.kind != JSONSPAN_STRING)
		return read_message(walk, item, path);
	if (jsonspan_str_is(type, "reasoning"))
		return read_reasoning(walk, item, path);
	bool custom = jsonspan_str_is(type, "custom_tool_call");
	if (custom || typed != NULL || jsonspan_str_is(type, "function_call"))
		return read_call(walk, item, typed, custom, path);
	if (jsonspan_str_is(type, "function_call_output"))
		return read_result(walk, item, CALL_FUNCTION, path);
	if (jsonspan_str_is(type, "custom_tool_call_output"))
		return read_result(walk, item, CALL_CUSTOM, path);
	typed = responses_typed_by_output(type);
	if (typed != NULL)
		return read_result(walk, item, typed->form, path);
	if (jsonspan_str_is(type, "additional_tools"))
		return responses_tools_decode(walk->request, jsonspan_get(item, "tools"),
		    read_json_path(walk->request->arena, "%s.tools", path), walk->err);
	struct view summary;
	if (jsonspan_str_is(type, "compaction") &&
	    responses_summary_read(walk->request->arena,
		read_json_inside(jsonspan_get(item, "encrypted_content")), &summary))
		return read_summary(walk, item, summary, path);
	return read_hosted(walk, item, type, path);
}

bool
responses_items_decode(struct request *request, struct jsonspan_value items, struct err *err)
{
	struct walk walk = {.request = request, .err = err};
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	if (items.kind == JSONSPAN_NONE)
		return true;
	if (items.kind == JSONSPAN_STRING) {
		struct part *part = add_item(&walk, ROLE_USER, PART_TEXT, items, "input");
		if (part != NULL)
			part->text = read_json_inside(items);
		return part != NULL;
	}
	if (items.kind != JSONSPAN_ARRAY)
		return read_json_wrong(err, "", "input", "must be a string or an array");
	jsonspan_iter_init(&iter, items);
	for (unsigned i = 0; jsonspan_next(&iter, &item); i++) {
		const char *path = read_json_path(request->arena, "input[%u]", i);
		if (!read_item(&walk, item.value, path))
			return false;
	}
	return true;
}
