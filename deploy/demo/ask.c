#include "ask.h"
#include "crypto.h"
#include "directive.h"
#include "walk.h"
#include <stdio.h>
#include <string.h>

#define TEXT_BYTES_MAX (8u << 20)

static const char *const key_names[ASK_KEYS] = {
    [ASK_MODEL] = "model",
    [ASK_STREAM] = "stream",
    [ASK_MESSAGES] = "messages",
    [ASK_INPUT] = "input",
    [ASK_TOOLS] = "tools",
    [ASK_MAX_TOKENS] = "max_tokens",
    [ASK_MAX_COMPLETION_TOKENS] = "max_completion_tokens",
    [ASK_MAX_OUTPUT_TOKENS] = "max_output_tokens",
    [ASK_THINKING] = "thinking",
    [ASK_REASONING] = "reasoning",
    [ASK_REASONING_EFFORT] = "reasoning_effort",
    [ASK_STREAM_OPTIONS] = "stream_options",
    [ASK_OUTPUT_CONFIG] = "output_config",
    [ASK_RESPONSE_FORMAT] = "response_format",
    [ASK_TEXT] = "text",
    [ASK_INCLUDE] = "include",
    [ASK_INSTRUCTIONS] = "instructions",
    [ASK_METADATA] = "metadata",
    [ASK_PARALLEL_TOOL_CALLS] = "parallel_tool_calls",
    [ASK_PREVIOUS_RESPONSE_ID] = "previous_response_id",
    [ASK_PROMPT_CACHE_KEY] = "prompt_cache_key",
    [ASK_SAFETY_IDENTIFIER] = "safety_identifier",
    [ASK_STORE] = "store",
    [ASK_TEMPERATURE] = "temperature",
    [ASK_TOP_P] = "top_p",
    [ASK_TOOL_CHOICE] = "tool_choice",
    [ASK_TRUNCATION] = "truncation",
    [ASK_USER] = "user",
};

/* ---- text ---- */

void
ask_text(struct jsonspan_value value, struct bytes *out)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	size_t from = out->len;
	bool fits = true;
	if (value.kind == JSONSPAN_STRING)
		fits = jsonspan_unescape(value, out);
	jsonspan_iter_init(&iter, value);
	while (value.kind == JSONSPAN_ARRAY && fits && jsonspan_next(&iter, &item)) {
		struct jsonspan_value text = jsonspan_get(item.value, "text");
		struct view type;
		if (text.kind == JSONSPAN_STRING)
			fits = jsonspan_unescape(text, out);
		else if (jsonspan_str_plain(jsonspan_get(item.value, "type"), &type))
			fits = bytes_printf(out, "[%.*s]", VIEW_ARGS(type));
	}
	for (size_t i = from; i + 2 < out->len; i++) {
		if (out->data[i] == '\xed' && (unsigned char)out->data[i + 1] >= 0xa0)
			memcpy(out->data + i, "\xef\xbf\xbd", 3);
	}
}

static struct view
text_copy(struct jsonspan_value value, struct arena *arena)
{
	struct bytes text;
	bytes_init(&text, TEXT_BYTES_MAX);
	ask_text(value, &text);
	struct view copy = arena_copy(arena, bytes_view(&text));
	bytes_fini(&text);
	return copy;
}

/* ---- seals ---- */

void
ask_seal(enum protocol protocol, struct view prefix, struct view bound, char out[ASK_SEAL_BYTES])
{
	uint8_t whose[CRYPTO_SHA256_BYTES], what[CRYPTO_SHA256_BYTES];
	char whose_hex[9], what_hex[2 * CRYPTO_SHA256_BYTES + 1];
	crypto_sha256(prefix, whose);
	crypto_sha256(bound, what);
	crypto_hex(whose, 4, whose_hex);
	crypto_hex(what, CRYPTO_SHA256_BYTES, what_hex);
	/* Looks like what the vendors send: base64 with a usual beginning. */
	snprintf(out, ASK_SEAL_BYTES,
	    "%s%s%s==", protocol == PROTOCOL_RESPONSES ? "gAAAAA" : "EqQBCk", whose_hex, what_hex);
}

/* ---- the conversation ---- */

/* Consecutive assistant entries are one turn. */
struct reader {
	struct ask *ask;
	struct view prefix;
	struct arena *arena;
	struct jsonspan_value directive; /* the raw text that holds it */
	struct jsonspan_value answered;  /* the one that a plain answer has ended, */
	unsigned answered_results;       /* and how many results it had */
	bool in_turn, turn_calls;
};

/* What Claude Code says after the beginning of an answer that broke off. */
#define GO_ON "\"Your response above was cut off"

static void
end_turn(struct reader *r)
{
	if (!r->in_turn)
		return;
	r->in_turn = false;
	r->answered = (struct jsonspan_value){0};
	if (r->turn_calls) {
		r->ask->step++;
	} else { /* what was ordered before is done with */
		r->answered = r->directive;
		r->answered_results = r->ask->result_count;
		r->directive.kind = JSONSPAN_NONE;
	}
	r->ask->result_count = 0;
}

static void
check_seal(struct reader *r, const struct walk_entry *entry)
{
	char seal[ASK_SEAL_BYTES];
	struct ask *ask = r->ask;
	bool is_item = ask->protocol == PROTOCOL_RESPONSES;
	if (entry->seal.kind != JSONSPAN_STRING)
		return;
	ask_seal(ask->protocol, r->prefix, text_copy(is_item ? entry->id : entry->value, r->arena),
	    seal);
	if (jsonspan_str_is(entry->seal, seal))
		ask->seals_ours++;
	else
		ask->seals_foreign++;
}

static void
read_user(struct reader *r, struct jsonspan_value text)
{
	if (r->answered.kind == JSONSPAN_STRING && view_starts(text.raw, GO_ON)) {
		r->directive = r->answered;
		r->ask->result_count = r->answered_results;
		return;
	}
	/* What clients add by themselves is marked up. */
	bool typed = !view_starts(text.raw, "\"<");
	if (typed || r->ask->user.kind == JSONSPAN_NONE)
		r->ask->user = text;
	if (directive_is_in(text.raw)) {
		r->directive = text;
		r->ask->step = 0;
		r->ask->result_count = 0;
	}
}

static void
read_result(struct ask *ask, struct jsonspan_value value)
{
	if (ask->result_count == ASK_RESULTS_MAX) {
		memmove(ask->results, ask->results + 1,
		    (ASK_RESULTS_MAX - 1) * sizeof(ask->results[0]));
		ask->result_count--;
	}
	ask->results[ask->result_count++] = value;
}

/* ---- images ---- */

/* The base64 of a "data:" URL; empty for any other. */
static struct view
data_of_url(struct view url)
{
	static const char mark[] = ";base64,";
	ptrdiff_t at = view_starts(url, "data:image/") ? view_find(url, mark) : -1;
	return at < 0 ? VIEW("") : view_from(url, (size_t)at + sizeof(mark) - 1);
}

/* The bytes of an image as this protocol writes it. */
static struct view
image_of(struct reader *r, struct jsonspan_value part)
{
	struct jsonspan_value source = jsonspan_get(part, "source");
	struct jsonspan_value url = jsonspan_get(part, "image_url");
	const char *type = "image";
	if (r->ask->protocol == PROTOCOL_CHAT) {
		type = "image_url";
		url = jsonspan_get(url, "url");
	} else if (r->ask->protocol == PROTOCOL_RESPONSES) {
		type = "input_image";
	}
	if (!jsonspan_str_is(jsonspan_get(part, "type"), type))
		return VIEW("");
	if (r->ask->protocol != PROTOCOL_MESSAGES)
		return data_of_url(text_copy(url, r->arena));
	return jsonspan_str_is(jsonspan_get(source, "type"), "base64")
		   ? text_copy(jsonspan_get(source, "data"), r->arena)
		   : VIEW("");
}

static void
read_image(struct reader *r, struct jsonspan_value part)
{
	struct view data = image_of(r, part);
	if (data.len == 0)
		return;
	r->ask->images++;
	r->ask->image_bytes = data;
}

/* Tools of Chat Completions answer in text alone. */
static void
read_result_images(struct reader *r, struct jsonspan_value result)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	if (result.kind != JSONSPAN_ARRAY || r->ask->protocol == PROTOCOL_CHAT)
		return;
	jsonspan_iter_init(&iter, result);
	while (jsonspan_next(&iter, &item))
		read_image(r, item.value);
}

static void
on_entry(const struct walk_entry *entry, void *ctx)
{
	struct reader *r = ctx;
	struct ask *ask = r->ask;
	bool assistant =
	    entry->kind == WALK_SAID || entry->kind == WALK_THINKING || entry->kind == WALK_CALL;
	if (!assistant)
		end_turn(r);
	if (assistant && !r->in_turn) {
		r->in_turn = ask->follows = true;
		r->turn_calls = false;
	}
	r->turn_calls |= entry->kind == WALK_CALL;
	if (entry->kind == WALK_USER && entry->value.kind == JSONSPAN_STRING)
		read_user(r, entry->value);
	if (entry->kind == WALK_MEDIA)
		read_image(r, entry->value);
	if (entry->kind == WALK_RESULT) {
		read_result(ask, entry->value);
		read_result_images(r, entry->value);
	}
	ask->compacts = ask->compacts || entry->kind == WALK_COMPACT;
	if (entry->kind == WALK_THINKING)
		check_seal(r, entry);
	if (entry->kind == WALK_TOOLS && ask->tool_list_count < ASK_TOOL_LISTS_MAX)
		ask->tool_lists[ask->tool_list_count++] = entry->value;
}

/* ---- options ---- */

static bool
is_none(struct jsonspan_value value)
{
	return value.kind == JSONSPAN_NONE || value.kind == JSONSPAN_NULL ||
	       jsonspan_str_is(value, "none") || jsonspan_str_is(value, "disabled");
}

static void
read_thinking(struct ask *ask)
{
	struct jsonspan_value thinking = ask->keys[ASK_THINKING];
	struct jsonspan_value reasoning = ask->keys[ASK_REASONING];
	struct view include = ask->keys[ASK_INCLUDE].raw;
	switch (ask->protocol) {
	case PROTOCOL_MESSAGES:
		ask->thinking = !is_none(jsonspan_get(thinking, "type"));
		ask->thinking_hidden =
		    jsonspan_str_is(jsonspan_get(thinking, "display"), "omitted");
		break;
	case PROTOCOL_CHAT:
		ask->thinking = !is_none(ask->keys[ASK_REASONING_EFFORT]) ||
				!is_none(jsonspan_get(thinking, "type")) ||
				!is_none(jsonspan_get(reasoning, "effort"));
		break;
	case PROTOCOL_RESPONSES:
		ask->thinking_hidden = is_none(jsonspan_get(reasoning, "summary"));
		ask->thinking =
		    !is_none(jsonspan_get(reasoning, "effort")) || !ask->thinking_hidden;
		ask->sealed = view_find(include, "reasoning.encrypted_content") >= 0;
		break;
	}
}

static void
read_schema(struct ask *ask)
{
	struct jsonspan_value format;
	switch (ask->protocol) {
	case PROTOCOL_MESSAGES:
		format = jsonspan_get(ask->keys[ASK_OUTPUT_CONFIG], "format");
		break;
	case PROTOCOL_RESPONSES:
		format = jsonspan_get(ask->keys[ASK_TEXT], "format");
		break;
	case PROTOCOL_CHAT:
	default:
		format = ask->keys[ASK_RESPONSE_FORMAT];
		break;
	}
	if (jsonspan_str_is(jsonspan_get(format, "type"), "json_object"))
		ask->schema = format; /* a schema without properties */
	if (jsonspan_get(format, "json_schema").kind == JSONSPAN_OBJECT)
		format = jsonspan_get(format, "json_schema");
	if (jsonspan_get(format, "schema").kind == JSONSPAN_OBJECT)
		ask->schema = jsonspan_get(format, "schema");
}

static void
read_limit(struct ask *ask)
{
	static const enum ask_key limits[] = {
	    ASK_MAX_TOKENS, ASK_MAX_COMPLETION_TOKENS, ASK_MAX_OUTPUT_TOKENS};
	ask->max_tokens = UINT64_MAX;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		int64_t number;
		if (jsonspan_i64(ask->keys[limits[i]], &number) && number >= 0)
			ask->max_tokens = (uint64_t)number;
	}
}

static bool
scan(struct ask *ask, struct view body, struct err *err)
{
	struct jsonspan_want wants[ASK_KEYS] = {0};
	struct jsonspan_value root;
	for (int i = 0; i < ASK_KEYS; i++)
		wants[i].key = key_names[i];
	if (!jsonspan_scan(body, wants, ASK_KEYS, &root, err))
		return false;
	if (root.kind != JSONSPAN_OBJECT)
		return err_set(err, ERR_PARSE, "", "the body must be a JSON object");
	for (int i = 0; i < ASK_KEYS; i++)
		ask->keys[i] = wants[i].value;
	return true;
}

bool
ask_parse(struct ask *ask, enum protocol protocol, struct view body, struct view prefix,
    struct arena *arena, struct err *err)
{
	struct reader reader = {.ask = ask, .prefix = prefix, .arena = arena};
	enum ask_key list = protocol == PROTOCOL_RESPONSES ? ASK_INPUT : ASK_MESSAGES;
	*ask = (struct ask){.protocol = protocol, .body_bytes = body.len};
	if (!scan(ask, body, err))
		return false;
	ask->model = text_copy(ask->keys[ASK_MODEL], arena);
	if (ask->model.len == 0)
		return err_set(err, ERR_PARSE, "model", "a model name is needed");
	if (ask->keys[ASK_TOOLS].kind == JSONSPAN_ARRAY)
		ask->tool_lists[ask->tool_list_count++] = ask->keys[ASK_TOOLS];
	jsonspan_bool(ask->keys[ASK_STREAM], &ask->stream);
	jsonspan_bool(
	    jsonspan_get(ask->keys[ASK_STREAM_OPTIONS], "include_usage"), &ask->include_usage);
	ask->cached = view_find(body, "\"cache_control\"") >= 0;
	read_thinking(ask);
	read_schema(ask);
	read_limit(ask);
	if (!walk_conversation(protocol, ask->keys[list], on_entry, &reader, err))
		return false;
	if (reader.turn_calls) /* else the beginning of an answer, which shall be given again */
		end_turn(&reader);
	if (reader.directive.kind == JSONSPAN_STRING)
		ask->directive = text_copy(reader.directive, arena);
	return true;
}

/* ---- tools ---- */

static bool
tool_read(struct jsonspan_value value, struct ask_tool *out)
{
	struct jsonspan_value type = jsonspan_get(value, "type");
	struct jsonspan_value inner = jsonspan_get(value, "function");
	struct jsonspan_value custom = jsonspan_get(value, "custom");
	*out = (struct ask_tool){0};
	/* Anthropic's own tools are of type "custom" as well, but have a schema. */
	out->custom = jsonspan_str_is(type, "custom") &&
		      jsonspan_get(value, "input_schema").kind == JSONSPAN_NONE;
	if (inner.kind != JSONSPAN_OBJECT)
		inner = custom.kind == JSONSPAN_OBJECT ? custom : value;
	out->schema = jsonspan_get(inner, "parameters");
	if (out->schema.kind == JSONSPAN_NONE)
		out->schema = jsonspan_get(inner, "input_schema");
	return jsonspan_str_plain(jsonspan_get(inner, "name"), &out->name);
}

static bool
name_matches(struct view offered, struct view name, bool exactly)
{
	if (exactly)
		return view_eq(offered, name);
	return offered.len > name.len + 2 &&
	       view_eq(view_from(offered, offered.len - name.len), name) &&
	       view_starts(view_from(offered, offered.len - name.len - 2), "__");
}

static bool
find_in(struct jsonspan_value list, struct view name, bool exactly, struct ask_tool *out)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	jsonspan_iter_init(&iter, list);
	while (jsonspan_next(&iter, &item)) {
		struct jsonspan_value inner = jsonspan_get(item.value, "tools");
		bool named = tool_read(item.value, out);
		struct view space = out->name;
		if (inner.kind == JSONSPAN_ARRAY) {
			if (!find_in(inner, name, exactly, out))
				continue;
			if (named && !view_eq_str(space, "functions"))
				out->space = space;
			return true;
		}
		if (named && name_matches(out->name, name, exactly))
			return true;
	}
	return false;
}

bool
ask_tool_find(const struct ask *ask, struct view name, struct ask_tool *out)
{
	for (int exactly = 1; exactly >= 0; exactly--) {
		for (unsigned i = 0; i < ask->tool_list_count; i++) {
			if (find_in(ask->tool_lists[i], name, exactly, out))
				return true;
		}
	}
	return false;
}
