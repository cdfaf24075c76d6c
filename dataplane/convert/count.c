#include "count.h"
#include "jsonspan.h"
#include "view.h"

#define IMAGE_TOKENS 1600 /* the most that Anthropic takes for one of usual size */
#define PAGE_BYTES 3000   /* of a PDF's base64, for one page of about as many tokens */
#define MESSAGE_TOKENS 4
#define TOOL_TOKENS 12
#define REQUEST_TOKENS 8
/* In sixths of a token. */
#define SIXTHS 6
#define DEPTH_MAX 64

/* ---- text ---- */

static bool
is_letter(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A word costs one and a piece of one for each further five letters, a mark or three digits one, a
 * space nothing; other scripts two thirds for each character. */
static int64_t
count_text(struct view text)
{
	int64_t sixths = 0;
	for (size_t i = 0; i < text.len;) {
		unsigned char c = (unsigned char)text.data[i];
		size_t run = 1;
		if (is_letter(c)) {
			while (i + run < text.len && is_letter((unsigned char)text.data[i + run]))
				run++;
			sixths += SIXTHS + (int64_t)((run - 1) / 6) * SIXTHS;
		} else if (c >= '0' && c <= '9') {
			while (run < 3 && i + run < text.len && text.data[i + run] >= '0' &&
			       text.data[i + run] <= '9')
				run++;
			sixths += SIXTHS;
		} else if (c >= 0x80) {
			size_t step = view_utf8_step(view_from(text, i));
			run = step > 0 ? step : 1;
			sixths += run >= 3 ? SIXTHS : 3;
		} else if (c == ' ' || c == '\t' || c == '\r') {
			while (i + run < text.len && text.data[i + run] == ' ')
				run++;
			sixths += run > 1 ? SIXTHS : 0;
		} else {
			sixths += SIXTHS / 2;
		}
		i += run;
	}
	return sixths;
}

/* ---- JSON ---- */

static bool
is_media(struct jsonspan_value type)
{
	static const char *const types[] = {
	    "image", "image_url", "input_image", "document", "file", "input_file", "input_audio"};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (jsonspan_str_is(type, types[i]))
			return true;
	}
	return false;
}

static int64_t
count_media(struct jsonspan_value block)
{
	bool image = view_find(jsonspan_get(block, "type").raw, "image") >= 0;
	int64_t pages = 1 + (int64_t)(block.raw.len / (PAGE_BYTES * 20));
	return (image ? IMAGE_TOKENS : pages * IMAGE_TOKENS) * SIXTHS;
}

static int64_t count_value(struct jsonspan_value value, unsigned depth);

/* What is no text for a model: opaque, or told elsewhere. */
static bool
is_silent(const struct jsonspan_member *member)
{
	static const char *const keys[] = {"cache_control", "signature", "encrypted_content", "id",
	    "type", "role", "tool_use_id", "call_id", "tool_call_id"};
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (jsonspan_key_is(member, keys[i]))
			return true;
	}
	return false;
}

static int64_t
count_members(struct jsonspan_value value, unsigned depth)
{
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	int64_t sixths = 0;
	bool object = value.kind == JSONSPAN_OBJECT;
	if (object && is_media(jsonspan_get(value, "type")))
		return count_media(value);
	jsonspan_iter_init(&iter, value);
	while (jsonspan_next(&iter, &member)) {
		if (object && is_silent(&member))
			continue;
		if (object && !jsonspan_key_is(&member, "text") &&
		    !jsonspan_key_is(&member, "content"))
			sixths += count_text(member.key) + SIXTHS / 2;
		sixths += count_value(member.value, depth + 1);
	}
	return sixths;
}

static int64_t
count_value(struct jsonspan_value value, unsigned depth)
{
	if (value.kind == JSONSPAN_NONE)
		return 0;
	bool nested = value.kind == JSONSPAN_ARRAY || value.kind == JSONSPAN_OBJECT;
	if (nested && depth < DEPTH_MAX)
		return count_members(value, depth);
	return count_text(value.raw);
}

static int64_t
count_list(struct jsonspan_value list, int64_t each_tokens)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	int64_t sixths = 0;
	if (list.kind != JSONSPAN_ARRAY)
		return count_value(list, 0);
	jsonspan_iter_init(&iter, list);
	while (jsonspan_next(&iter, &item))
		sixths += each_tokens * SIXTHS + count_value(item.value, 1);
	return sixths;
}

bool
count_estimate(enum wire client, struct view body, int64_t *tokens, struct err *err)
{
	struct jsonspan_want wants[] = {{.key = "system"}, {.key = "instructions"},
	    {.key = "tools"}, {.key = "messages"}, {.key = "input"}};
	struct jsonspan_value root;
	if (!jsonspan_scan(body, wants, 5, &root, err))
		return false;
	const struct jsonspan_want *turns = &wants[client == WIRE_RESPONSES ? 4 : 3];
	if (root.kind != JSONSPAN_OBJECT || turns->value.kind == JSONSPAN_NONE)
		return err_set(err, ERR_PARSE, turns->key, "there are no messages to count");
	int64_t sixths = REQUEST_TOKENS * SIXTHS;
	sixths += count_value(wants[0].value, 0) + count_value(wants[1].value, 0);
	sixths += count_list(wants[2].value, TOOL_TOKENS);
	sixths += count_list(turns->value, MESSAGE_TOKENS);
	*tokens = (sixths + SIXTHS - 1) / SIXTHS;
	return true;
}
