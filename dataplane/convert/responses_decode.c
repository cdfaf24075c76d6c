/* Responses answers, read: the events of a stream, or the whole object, which is a stream in which
 * everything comes at once. */
#include "responses_decode.h"
#include "openai.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SCRATCH_BYTES_MAX (64u << 20)

static bool
emit(struct decoder *decoder, const struct event *event)
{
	return decoder->emit(event, decoder->ctx, decoder->err);
}

struct decoder *
responses_decoder_new(
    struct arena *arena, const struct upstream_flags *flags, event_fn *fn, void *ctx)
{
	struct decoder *decoder = arena_alloc(arena, sizeof(*decoder));
	(void)flags;
	if (decoder == NULL)
		return NULL;
	decoder->arena = arena;
	decoder->emit = fn;
	decoder->ctx = ctx;
	bytes_init(&decoder->scratch, SCRATCH_BYTES_MAX);
	return decoder;
}

void
responses_decoder_free(struct decoder *decoder)
{
	for (struct item *item = decoder->first; item != NULL; item = item->next)
		responses_item_fini(item);
	bytes_fini(&decoder->scratch);
}

/* ---- the beginning and the end ---- */

/* Some upstreams leave out the first event. */
static bool
start(struct decoder *decoder, struct jsonspan_value response)
{
	struct event event = {
	    .kind = EVENT_START,
	    .model_text = read_json_inside(jsonspan_get(response, "model")),
	    .upstream_id_text = read_json_inside(jsonspan_get(response, "id")),
	};
	if (decoder->started)
		return true;
	decoder->started = true;
	usage_init(&event.usage);
	return emit(decoder, &event);
}

static int64_t
count_of(struct jsonspan_value object, const char *key)
{
	return read_json_count(jsonspan_get(object, key));
}

static int64_t
at_least_zero(int64_t count)
{
	return count > 0 ? count : 0;
}

void
responses_usage_decode(struct jsonspan_value usage, struct usage *out)
{
	struct jsonspan_value in = jsonspan_get(usage, "input_tokens_details");
	struct jsonspan_value details = jsonspan_get(usage, "output_tokens_details");
	int64_t input = count_of(usage, "input_tokens");
	int64_t total = count_of(usage, "total_tokens");
	usage_init(out);
	out->cache_read = count_of(in, "cached_tokens");
	out->cache_write = count_of(in, "cache_write_tokens");
	out->output = count_of(usage, "output_tokens");
	out->reasoning = count_of(details, "reasoning_tokens");
	if (input >= 0)
		out->input_new = at_least_zero(
		    input - at_least_zero(out->cache_read) - at_least_zero(out->cache_write));
	/* Some count reasoning beside the output, which their total shows. */
	if (out->reasoning > 0 && input >= 0 && out->output >= 0 &&
	    total == input + out->output + out->reasoning)
		out->output += out->reasoning;
}

static bool
give_usage(struct decoder *decoder, struct jsonspan_value usage)
{
	struct event event = {.kind = EVENT_USAGE};
	responses_usage_decode(usage, &event.usage);
	if (decoder->searches > 0)
		event.usage.web_searches = decoder->searches;
	return usage.kind != JSONSPAN_OBJECT || emit(decoder, &event);
}

/* The vendor's protocols share the words of errors. */
static bool
fail(struct decoder *decoder, struct jsonspan_value error)
{
	struct event event;
	openai_error_from(0, error, &event);
	decoder->ended = true;
	return emit(decoder, &event);
}

static bool
fail_with(struct decoder *decoder, const char *message)
{
	const struct event event = {
	    .kind = EVENT_ERROR,
	    .status = 502,
	    .error_type_plain = VIEW("server_error"),
	    .error_message_text = view_of(message),
	};
	decoder->ended = true;
	return emit(decoder, &event);
}

static enum stop_reason
stop_of(const struct decoder *decoder, struct jsonspan_value response)
{
	struct jsonspan_value reason =
	    jsonspan_get(jsonspan_get(response, "incomplete_details"), "reason");
	if (decoder->cut) {
		if (jsonspan_str_is(reason, "content_filter"))
			return STOP_REFUSAL;
		bool told = reason.kind == JSONSPAN_STRING;
		return !told || jsonspan_str_is(reason, "max_output_tokens") ? STOP_MAX_TOKENS
									     : STOP_UNKNOWN;
	}
	if (decoder->had_call)
		return STOP_TOOL_USE;
	return decoder->had_refusal ? STOP_REFUSAL : STOP_END_TURN;
}

static bool
end(struct decoder *decoder, struct jsonspan_value response, bool cut)
{
	struct jsonspan_value status = jsonspan_get(response, "status");
	struct jsonspan_value error = jsonspan_get(response, "error");
	if (jsonspan_str_is(status, "failed") || jsonspan_str_is(status, "cancelled") ||
	    (error.kind == JSONSPAN_OBJECT && !read_json_is_default(error)))
		return fail(decoder, error);
	decoder->cut = cut || jsonspan_str_is(status, "incomplete");
	if (!responses_output_take(decoder, jsonspan_get(response, "output")) ||
	    !responses_items_end(decoder))
		return false;
	const struct event stop = {.kind = EVENT_STOP, .stop = stop_of(decoder, response)};
	const struct event last = {.kind = EVENT_END, .had_terminal = true};
	decoder->ended = true;
	return emit(decoder, &stop) && give_usage(decoder, jsonspan_get(response, "usage")) &&
	       emit(decoder, &last);
}

/* ---- events ---- */

static int64_t
index_of(const struct read_json_object *event, const char *key)
{
	int64_t index = 0;
	return jsonspan_i64(read_json_get(event, key), &index) && index >= 0 ? index : 0;
}

/* Whether an event's item_id, or its item itself, names this item. */
static bool
is_named(const struct item *item, const struct read_json_object *event)
{
	struct jsonspan_value source = read_json_get(event, "item");
	struct view id = read_json_inside(read_json_get(event, "item_id"));
	struct view call_id = read_json_inside(jsonspan_get(source, "call_id"));
	if (id.len == 0)
		id = read_json_inside(jsonspan_get(source, "id"));
	return (call_id.len > 0 && view_eq(call_id, item->call_id)) ||
	       (id.len > 0 && view_eq(id, item->id));
}

/* The item that an event speaks of: of those with its index the one that it names, else the last;
 * without an index, of all. The search begins with the last item: it is the most likely one. */
static struct item *
find_item(const struct decoder *decoder, const struct read_json_object *event)
{
	struct item *item, *found = NULL;
	int64_t index = 0;
	bool told = jsonspan_i64(read_json_get(event, "output_index"), &index);
	if (decoder->last != NULL && (!told || decoder->last->index == index)) {
		found = decoder->last;
		if (is_named(found, event))
			return found;
	}
	for (item = decoder->first; item != NULL; item = item->next) {
		if (told && item->index != index)
			continue;
		if (is_named(item, event))
			return item;
		if (found == NULL)
			found = item;
	}
	return found;
}

/* Some upstreams give all items the same index. An item with another id alone may be the same: ids
 * change between the events of one at some others. What begins with another call_id is another. */
static bool
is_another(const struct item *item, struct jsonspan_value source, bool begins)
{
	bool call = item->call_id.len > 0;
	struct view id = read_json_inside(jsonspan_get(source, call ? "call_id" : "id"));
	if (responses_item_kind(jsonspan_get(source, "type")) != item->kind)
		return true;
	return (item->done || (call && begins)) && id.len > 0 &&
	       !view_eq(id, call ? item->call_id : item->id);
}

static bool
on_item(struct decoder *decoder, const struct read_json_object *event, bool done)
{
	struct jsonspan_value source = read_json_get(event, "item");
	int64_t index = (int64_t)decoder->item_count;
	bool told = jsonspan_i64(read_json_get(event, "output_index"), &index);
	struct item *item = told || done ? find_item(decoder, event) : NULL;
	const struct record last = {.kind = RECORD_DONE, .data = source.raw};
	const struct record begin = {.kind = RECORD_BEGIN};
	if (source.kind != JSONSPAN_OBJECT)
		return true;
	if (!told && done && item != NULL && item->done)
		item = NULL;
	if (item != NULL && is_another(item, source, !done))
		item = NULL;
	bool fresh = item == NULL;
	if (fresh && !responses_item_add(decoder, index, source, &item))
		return false;
	if (fresh && !done && !responses_output_keep(decoder, item, source))
		return false;
	if (done)
		return responses_item_apply(decoder, item, &last);
	bool named =
	    (item->kind == ITEM_FUNCTION || item->kind == ITEM_CUSTOM) && item->name.len > 0;
	return !fresh || !named || responses_item_apply(decoder, item, &begin);
}

/* Events that bring a piece of an item's text, or all of it. */
struct text_event {
	const char *type;
	enum record_kind record;
	enum part_kind part;
	bool raw_thinking;
	const char *text, *index;
};
static const struct text_event text_events[] = {
    {"response.output_text.delta", RECORD_TEXT, PART_TEXT, false, "delta", "content_index"},
    {"response.output_text.done", RECORD_FULL, PART_TEXT, false, "text", "content_index"},
    {"response.refusal.delta", RECORD_TEXT, PART_REFUSAL, false, "delta", "content_index"},
    {"response.refusal.done", RECORD_FULL, PART_REFUSAL, false, "refusal", "content_index"},
    {"response.reasoning_summary_text.delta", RECORD_TEXT, PART_THINKING, false, "delta",
	"summary_index"},
    {"response.reasoning_summary_text.done", RECORD_FULL, PART_THINKING, false, "text",
	"summary_index"},
    {"response.reasoning_text.delta", RECORD_TEXT, PART_THINKING, true, "delta", "content_index"},
    {"response.reasoning_text.done", RECORD_FULL, PART_THINKING, true, "text", "content_index"},
    {"response.function_call_arguments.delta", RECORD_TEXT, PART_CALL, false, "delta", ""},
    {"response.function_call_arguments.done", RECORD_FULL, PART_CALL, false, "arguments", ""},
    {"response.custom_tool_call_input.delta", RECORD_TEXT, PART_CALL, false, "delta", ""},
    {"response.custom_tool_call_input.done", RECORD_FULL, PART_CALL, false, "input", ""},
};

/* The kinds of item that a text belongs to. */
static bool
fits_item(enum part_kind part, enum item_kind item)
{
	if (part == PART_THINKING)
		return item == ITEM_REASONING;
	if (part == PART_CALL)
		return item == ITEM_FUNCTION || item == ITEM_CUSTOM;
	return item == ITEM_MESSAGE;
}

/* How likely the tokens of a text were: of a delta, or of all of it. */
static bool
on_logprobs(
    struct decoder *decoder, struct item *item, struct jsonspan_value list, int64_t index, bool all)
{
	const struct record record = {
	    .kind = all ? RECORD_ALL_LOGPROBS : RECORD_LOGPROBS,
	    .index = index,
	    .data = list.raw,
	};
	return list.kind != JSONSPAN_ARRAY || read_json_is_default(list) ||
	       responses_item_apply(decoder, item, &record);
}

/* The item of a text whose beginning was not told; of a call no more is known than its input. */
static bool
add_untold(struct decoder *decoder, const struct read_json_object *event, enum part_kind part,
    struct item **out)
{
	struct view source = part == PART_THINKING ? VIEW("{\"type\":\"reasoning\"}")
						   : VIEW("{\"type\":\"message\"}");
	int64_t index = (int64_t)decoder->item_count;
	(void)jsonspan_i64(read_json_get(event, "output_index"), &index);
	return responses_item_add(decoder, index, jsonspan_root(source), out);
}

static bool
on_text(struct decoder *decoder, const struct read_json_object *event, const struct text_event *row)
{
	struct item *item = find_item(decoder, event);
	struct record record = {
	    .kind = row->record,
	    .part = row->part,
	    .raw_thinking = row->raw_thinking,
	    .index = row->index[0] != '\0' ? index_of(event, row->index) : 0,
	    .data = read_json_inside(read_json_get(event, row->text)),
	};
	bool fits = item != NULL && fits_item(row->part, item->kind);
	if (!fits && (row->part == PART_CALL || (item != NULL && !item->done)))
		return true;
	if (!fits && !add_untold(decoder, event, row->part, &item))
		return false;
	if (row->part == PART_TEXT && !on_logprobs(decoder, item, read_json_get(event, "logprobs"),
					  record.index, row->record == RECORD_FULL))
		return false;
	return responses_item_apply(decoder, item, &record);
}

static bool
on_annotation(struct decoder *decoder, const struct read_json_object *event)
{
	struct item *item = find_item(decoder, event);
	struct jsonspan_value annotation = read_json_get(event, "annotation");
	const struct record record = {
	    .kind = RECORD_CITE,
	    .index = index_of(event, "content_index"),
	    .data = annotation.raw,
	};
	if (item == NULL || item->kind != ITEM_MESSAGE || annotation.kind != JSONSPAN_OBJECT)
		return true;
	return responses_item_apply(decoder, item, &record);
}

static bool
on_part_done(struct decoder *decoder, const struct read_json_object *event)
{
	struct item *item = find_item(decoder, event);
	struct jsonspan_value part = read_json_get(event, "part");
	bool refusal = jsonspan_str_is(jsonspan_get(part, "type"), "refusal");
	struct record record = {
	    .kind = RECORD_FULL,
	    .part = refusal ? PART_REFUSAL : PART_TEXT,
	    .index = index_of(event, "content_index"),
	    .data = read_json_inside(jsonspan_get(part, refusal ? "refusal" : "text")),
	};
	if (item == NULL || item->kind != ITEM_MESSAGE)
		return true;
	if (!on_logprobs(decoder, item, jsonspan_get(part, "logprobs"), record.index, true) ||
	    !responses_item_apply(decoder, item, &record))
		return false;
	record.kind = RECORD_CLOSE;
	record.data = VIEW("");
	return responses_item_apply(decoder, item, &record);
}

static bool
is_one_of(struct jsonspan_value type, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (jsonspan_str_is(type, words[i]))
			return true;
	}
	return false;
}

/* The first one is the beginning's; more of them are a sign of life. */
static bool
on_progress(struct decoder *decoder)
{
	const struct event ping = {.kind = EVENT_PING};
	bool first = !decoder->seen_progress;
	decoder->seen_progress = true;
	return first || !decoder->started || emit(decoder, &ping);
}

static bool
on_event(struct decoder *decoder, const struct read_json_object *event, struct jsonspan_value type)
{
	static const char *const ends[] = {"response.completed", "response.incomplete",
	    "response.failed", "response.done", "response.cancelled"};
	static const char *const lives[] = {"response.in_progress", "response.queued", "keepalive"};
	struct jsonspan_value response = read_json_get(event, "response");
	if (jsonspan_str_is(type, "error") || jsonspan_str_is(type, "response.error")) {
		struct jsonspan_value error = read_json_get(event, "error");
		return fail(decoder, error.kind == JSONSPAN_OBJECT ? error : event->source);
	}
	if (is_one_of(type, ends, COUNT(ends))) {
		if (jsonspan_str_is(type, "response.failed"))
			return fail(decoder, jsonspan_get(response, "error"));
		return start(decoder, response) &&
		       end(decoder, response, jsonspan_str_is(type, "response.incomplete"));
	}
	if (is_one_of(type, lives, COUNT(lives)))
		return on_progress(decoder);
	if (type.kind == JSONSPAN_STRING && !view_starts(read_json_inside(type), "response."))
		return true;
	if (!start(decoder, response))
		return false;
	if (jsonspan_str_is(type, "response.output_item.added"))
		return on_item(decoder, event, false);
	if (jsonspan_str_is(type, "response.output_item.done"))
		return on_item(decoder, event, true);
	if (jsonspan_str_is(type, "response.content_part.done"))
		return on_part_done(decoder, event);
	if (jsonspan_str_is(type, "response.output_text.annotation.added"))
		return on_annotation(decoder, event);
	for (size_t i = 0; i < COUNT(text_events); i++) {
		if (jsonspan_str_is(type, text_events[i].type))
			return on_text(decoder, event, &text_events[i]);
	}
	return true;
}

bool
responses_decoder_event(struct decoder *decoder, const struct sse_event *event, struct err *err)
{
	struct jsonspan_value value;
	struct read_json_object root;
	char quoted[SSE_NAME_BYTES_MAX + 2];
	decoder->err = err;
	if (decoder->ended || view_eq_str(event->data, "[DONE]"))
		return true;
	if (!jsonspan_scan(event->data, NULL, 0, &value, NULL) || value.kind != JSONSPAN_OBJECT)
		return err_set(err, ERR_PEER, "", "an event of the upstream is no JSON object");
	read_json_object(value, &root);
	struct jsonspan_value type = read_json_get(&root, "type");
	if (type.kind != JSONSPAN_STRING)
		type = (struct jsonspan_value){JSONSPAN_STRING, sse_quoted_name(event, quoted)};
	return on_event(decoder, &root, type);
}

bool
responses_decoder_whole(struct decoder *decoder, struct view body, struct err *err)
{
	struct jsonspan_value root;
	decoder->err = err;
	if (decoder->ended)
		return true;
	if (!jsonspan_scan(body, NULL, 0, &root, NULL) || root.kind != JSONSPAN_OBJECT)
		return err_set(err, ERR_PEER, "", "the upstream's answer is no JSON object");
	if (jsonspan_get(root, "output").kind != JSONSPAN_ARRAY)
		return fail(decoder, jsonspan_get(root, "error"));
	struct jsonspan_value status = jsonspan_get(root, "status");
	if (jsonspan_str_is(status, "in_progress") || jsonspan_str_is(status, "queued"))
		return fail_with(decoder, "the upstream's answer is not finished");
	return start(decoder, root) && end(decoder, root, false);
}

bool
responses_decoder_end(struct decoder *decoder, struct err *err)
{
	decoder->err = err;
	return decoder->ended || fail_with(decoder, "the upstream's answer ended before its end");
}
