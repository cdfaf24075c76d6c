/* Chat Completions answers, read: chunks or one document -> events. */
#include "chat.h"
#include "chat_queue.h"
#include "chat_think.h"
#include "logprobs.h"
#include "read_json.h"

#define CALLS_MAX 1024
#define PIECE_BYTES_MAX (64u << 20)

struct decoder {
	struct arena *arena;
	event_fn *emit;
	void *ctx;
	bool inline_think;
	struct chat_think think;
	struct chat_queue queue;
	struct chat_item *calls; /* the last one first */
	unsigned call_count;
	struct bytes source, clean; /* unescaped pieces of arguments */
	/* Of the words of one chunk, until they are met. */
	struct jsonspan_value text_logprobs, refusal_logprobs;
	struct usage usage;
	bool started, finished, has_usage, has_words, has_content, has_refusal;
	bool has_finish;
	enum stop_reason stop;
	struct view stop_text; /* arena */
	bool failed_finish;    /* the finish reason was a failure */
};

static bool
emit(struct decoder *decoder, struct event *event, struct err *err)
{
	return decoder->emit(event, decoder->ctx, err);
}

static bool
take_logprobs(struct decoder *decoder, struct chat_item *item, struct err *err)
{
	struct jsonspan_value *list = item->part.kind == PART_TEXT      ? &decoder->text_logprobs
				      : item->part.kind == PART_REFUSAL ? &decoder->refusal_logprobs
									: NULL;
	if (list == NULL || list->kind != JSONSPAN_ARRAY || item->through)
		return true;
	bool ok = logprobs_append(&item->logprobs, *list, 0);
	*list = (struct jsonspan_value){0};
	return ok || chat_queue_too_big(err);
}

static bool
feed_words(struct decoder *decoder, enum part_kind kind, struct view text, struct err *err)
{
	struct chat_item *item = decoder->queue.tail;
	if (text.len == 0)
		return true;
	if (item == NULL || item->part.kind != kind)
		item = chat_queue_add(&decoder->queue, kind);
	if (item == NULL)
		return chat_queue_too_big(err);
	decoder->has_words = true;
	decoder->has_content = decoder->has_content || kind != PART_THINKING;
	decoder->has_refusal = decoder->has_refusal || kind == PART_REFUSAL;
	return take_logprobs(decoder, item, err) &&
	       chat_queue_feed(&decoder->queue, item, text, err) &&
	       chat_queue_advance(&decoder->queue, false, err);
}

static bool
on_think(void *ctx, bool thinking, struct view text, struct err *err)
{
	return feed_words(ctx, thinking ? PART_THINKING : PART_TEXT, text, err);
}

/* ---- content and thinking ---- */

static bool
read_text(struct decoder *decoder, struct jsonspan_value string, struct err *err)
{
	struct view text = read_json_inside(string);
	if (decoder->inline_think)
		return chat_think_feed(&decoder->think, text, on_think, decoder, err);
	return feed_words(decoder, PART_TEXT, text, err);
}

/* {"type":"thinking","thinking":"..." or [{"type":"text","text":"..."}]} */
static bool
read_thinking_part(struct decoder *decoder, struct jsonspan_value part, struct err *err)
{
	struct jsonspan_value thinking = jsonspan_get(part, "thinking");
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	if (!feed_words(decoder, PART_THINKING, read_json_inside(thinking), err))
		return false;
	jsonspan_iter_init(&iter, thinking);
	while (thinking.kind == JSONSPAN_ARRAY && jsonspan_next(&iter, &item)) {
		struct view text = read_json_inside(jsonspan_get(item.value, "text"));
		if (!feed_words(decoder, PART_THINKING, text, err))
			return false;
	}
	return true;
}

/* A string, or (Mistral) an array of parts. */
static bool
read_content(struct decoder *decoder, struct jsonspan_value content, struct err *err)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	if (content.kind != JSONSPAN_ARRAY)
		return read_text(decoder, content, err);
	jsonspan_iter_init(&iter, content);
	while (jsonspan_next(&iter, &item)) {
		bool thinking = jsonspan_str_is(jsonspan_get(item.value, "type"), "thinking");
		if (!(thinking ? read_thinking_part(decoder, item.value, err)
			       : read_text(decoder, jsonspan_get(item.value, "text"), err)))
			return false;
	}
	return true;
}

/* Vendors name it differently, some twice in one delta: the first that says something counts. */
static bool
read_reasoning(struct decoder *decoder, const struct read_json_object *delta, struct err *err)
{
	static const char *const keys[] = {"reasoning_content", "reasoning"};
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	for (size_t i = 0; i < 2; i++) {
		struct view text = read_json_inside(read_json_get(delta, keys[i]));
		if (text.len > 0)
			return feed_words(decoder, PART_THINKING, text, err);
	}
	jsonspan_iter_init(&iter, read_json_get(delta, "reasoning_details"));
	while (jsonspan_next(&iter, &item)) {
		struct jsonspan_value text = jsonspan_get(item.value, "text");
		if (text.kind == JSONSPAN_NONE)
			text = jsonspan_get(item.value, "summary");
		if (!feed_words(decoder, PART_THINKING, read_json_inside(text), err))
			return false;
	}
	return true;
}

/* Sources of the text. They go with the text part that is open; one that comes too late is dropped,
 * for its text is through. */
static bool
read_annotations(struct decoder *decoder, const struct read_json_object *delta, struct err *err)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	const struct chat_item *head = decoder->queue.head;
	jsonspan_iter_init(&iter, read_json_get(delta, "annotations"));
	while (head != NULL && head->begun && head->part.kind == PART_TEXT &&
	       jsonspan_next(&iter, &item)) {
		struct jsonspan_value source = jsonspan_get(item.value, "url_citation");
		struct event event = {.kind = EVENT_PART_DELTA, .delta = DELTA_CITATION};
		struct citation *citation = &event.citation;
		citation->json = item.value.raw;
		citation->url_text = read_json_inside(jsonspan_get(source, "url"));
		citation->title_text = read_json_inside(jsonspan_get(source, "title"));
		citation->start = citation->end = -1;
		(void)jsonspan_i64(jsonspan_get(source, "start_index"), &citation->start);
		(void)jsonspan_i64(jsonspan_get(source, "end_index"), &citation->end);
		if (!emit(decoder, &event, err))
			return false;
	}
	return true;
}

/* ---- calls ---- */

static struct chat_item *
new_call(struct decoder *decoder, int64_t index)
{
	struct chat_item *call = NULL;
	if (decoder->call_count < CALLS_MAX)
		call = chat_queue_add(&decoder->queue, PART_CALL);
	if (call == NULL)
		return NULL;
	decoder->call_count++;
	decoder->has_words = decoder->has_content = true;
	call->index = index;
	call->older_call = decoder->calls;
	decoder->calls = call;
	return call;
}

/* Some upstreams tell a call again when it is whole. */
static bool
is_told_again(
    struct decoder *decoder, const struct chat_item *call, const struct read_json_object *inner)
{
	struct view name = read_json_inside(read_json_get(inner, "name"));
	bytes_clear(&decoder->source);
	return view_eq(call->part.name_plain, name) &&
	       jsonspan_unescape(read_json_get(inner, "arguments"), &decoder->source) &&
	       chat_queue_has(call, bytes_view(&decoder->source));
}

/* A delta with this call's index speaks of another one, for some upstreams number them all alike:
 * it has another id, or none where none has one. Ids alone tell nothing, for some upstreams change
 * them with each piece; with a name, or behind a whole input, they do. */
static bool
is_next_call(struct decoder *decoder, const struct chat_item *call, struct view id,
    const struct read_json_object *inner)
{
	struct view known = call->part.id_plain;
	bool named = read_json_inside(read_json_get(inner, "name")).len > 0;
	bool whole = call->progress.complete;
	if (id.len > 0 && known.len > 0)
		return !view_eq(known, id) && (named || whole);
	return id.len == known.len && named && whole &&
	       !read_json_is_default(read_json_get(inner, "arguments")) &&
	       !is_told_again(decoder, call, inner);
}

/* The call that a delta speaks of: by index, without one by id. */
static struct chat_item *
find_call(
    struct decoder *decoder, int64_t index, struct view id, const struct read_json_object *inner)
{
	bool named = read_json_inside(read_json_get(inner, "name")).len > 0;
	for (struct chat_item *call = decoder->calls; call != NULL; call = call->older_call) {
		struct view known = call->part.id_plain;
		bool same_id = id.len > 0 && view_eq(known, id);
		if (index >= 0 ? call->index == index : same_id)
			return is_next_call(decoder, call, id, inner) ? NULL : call;
		/* Without an index: more of the last one, or its late id. */
		if (index < 0 && !named && (id.len == 0 || known.len == 0))
			return call;
	}
	return NULL;
}

/* First words win: some upstreams repeat id and name in each delta, empty, null or changed. */
static bool
take_word(struct decoder *decoder, struct jsonspan_value word, struct view *into, struct err *err)
{
	if (into->len > 0 || read_json_inside(word).len == 0)
		return true;
	struct view plain = read_json_unescape(decoder->arena, word);
	*into = arena_copy(decoder->arena, plain);
	return into->data != NULL || chat_queue_too_big(err);
}

/* A piece of a call's input: text of a custom tool, or JSON source out of a string. */
static bool
feed_input(
    struct decoder *decoder, struct chat_item *call, struct jsonspan_value input, struct err *err)
{
	bytes_clear(&decoder->source);
	bytes_clear(&decoder->clean);
	if (call->part.form == CALL_CUSTOM)
		return chat_queue_feed(&decoder->queue, call, read_json_inside(input), err);
	if (input.kind != JSONSPAN_STRING && input.kind != JSONSPAN_NULL)
		return chat_queue_feed(&decoder->queue, call, input.raw, err);
	/* Half a surrogate pair becomes an escape again: the source stays valid in any split. */
	if (!jsonspan_unescape(input, &decoder->source) ||
	    !write_json_source(&decoder->clean, bytes_view(&decoder->source)))
		return chat_queue_too_big(err);
	return chat_queue_feed(&decoder->queue, call, bytes_view(&decoder->clean), err);
}

/* `id` is beside the function in the new form, and nowhere in the old one. */
static bool
feed_call(struct decoder *decoder, struct chat_item *call, struct jsonspan_value id,
    const struct read_json_object *inner, bool custom, struct err *err)
{
	if (call == NULL)
		return chat_queue_too_big(err);
	if (custom && !call->begun && call->wait.len == 0)
		call->part.form = CALL_CUSTOM;
	return take_word(decoder, id, &call->part.id_plain, err) &&
	       take_word(decoder, read_json_get(inner, "name"), &call->part.name_plain, err) &&
	       feed_input(
		   decoder, call, read_json_get(inner, custom ? "input" : "arguments"), err) &&
	       chat_queue_advance(&decoder->queue, false, err);
}

static bool
read_call(struct decoder *decoder, struct jsonspan_value value, bool whole, struct err *err)
{
	struct read_json_object delta, inner;
	struct chat_item *call = NULL;
	int64_t index = -1;
	read_json_object(value, &delta);
	struct jsonspan_value id = read_json_get(&delta, "id");
	struct jsonspan_value source = read_json_get(&delta, "custom");
	bool custom = source.kind == JSONSPAN_OBJECT;
	if (!custom)
		source = read_json_get(&delta, "function");
	read_json_object(source, &inner);
	(void)jsonspan_i64(read_json_get(&delta, "index"), &index);
	if (!whole)
		call = find_call(decoder, index, read_json_inside(id), &inner);
	if (call == NULL)
		call = new_call(decoder, index);
	return feed_call(decoder, call, id, &inner, custom, err);
}

static bool
read_calls(
    struct decoder *decoder, const struct read_json_object *delta, bool whole, struct err *err)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	struct jsonspan_value none = {0};
	struct jsonspan_value source = read_json_get(delta, "function_call");
	struct read_json_object old;
	jsonspan_iter_init(&iter, read_json_get(delta, "tool_calls"));
	while (jsonspan_next(&iter, &item)) {
		if (!read_call(decoder, item.value, whole, err))
			return false;
	}
	if (source.kind != JSONSPAN_OBJECT)
		return true;
	/* The protocol's old form: one call, without id and index. */
	read_json_object(source, &old);
	struct chat_item *call = decoder->calls != NULL ? decoder->calls : new_call(decoder, -1);
	if (call != NULL && call->part.id_plain.len == 0)
		call->part.id_plain = VIEW("call_0");
	return feed_call(decoder, call, none, &old, false, err);
}

/* ---- finish ---- */

/* The words of vendors for the end, those of the other protocols among them; some shout. */
static const struct finish_row {
	const char *word;
	enum stop_reason stop;
	bool fails;
} finish_rows[] = {
    {"stop", STOP_END_TURN, false},
    {"eos", STOP_END_TURN, false},
    {"end_turn", STOP_END_TURN, false},
    {"length", STOP_MAX_TOKENS, false},
    {"max_tokens", STOP_MAX_TOKENS, false},
    {"max_output_tokens", STOP_MAX_TOKENS, false},
    {"model_length", STOP_CONTEXT_WINDOW, false},
    {"model_context_window_exceeded", STOP_CONTEXT_WINDOW, false},
    {"tool_calls", STOP_TOOL_USE, false},
    {"function_call", STOP_TOOL_USE, false},
    {"tool_use", STOP_TOOL_USE, false},
    {"content_filter", STOP_REFUSAL, false},
    {"sensitive", STOP_REFUSAL, false},
    {"safety", STOP_REFUSAL, false},
    {"refusal", STOP_REFUSAL, false},
    {"error", STOP_UNKNOWN, true},
    {"network_error", STOP_UNKNOWN, true},
    {"insufficient_system_resource", STOP_UNKNOWN, true},
};

static void
read_finish(struct decoder *decoder, const struct read_json_object *choice)
{
	struct jsonspan_value word = read_json_get(choice, "finish_reason");
	struct jsonspan_value matched = read_json_get(choice, "stop_reason");
	if (word.kind != JSONSPAN_STRING || word.raw.len == 2)
		return;
	decoder->has_finish = true;
	decoder->stop = STOP_UNKNOWN;
	decoder->failed_finish = false;
	for (size_t i = 0; i < sizeof(finish_rows) / sizeof(finish_rows[0]); i++) {
		if (view_eq_nocase(read_json_inside(word), finish_rows[i].word)) {
			decoder->stop = finish_rows[i].stop;
			decoder->failed_finish = finish_rows[i].fails;
		}
	}
	/* Some tell which stop string was met. */
	if (decoder->stop == STOP_END_TURN && read_json_inside(matched).len > 0) {
		decoder->stop = STOP_SEQUENCE;
		decoder->stop_text = arena_copy(decoder->arena, read_json_inside(matched));
	}
}

static bool
fail(struct decoder *decoder, int status, const char *message, struct err *err)
{
	struct event event = {.kind = EVENT_ERROR,
	    .status = status,
	    .error_type_plain = VIEW("server_error"),
	    .error_message_text = view_of(message)};
	decoder->finished = true;
	return emit(decoder, &event, err);
}

/* The answer is over, by its own word. */
static bool
finish(struct decoder *decoder, struct err *err)
{
	if (decoder->finished)
		return true;
	if (decoder->failed_finish)
		return fail(decoder, 503, "the upstream broke off its answer", err);
	if (!decoder->started || (!decoder->has_finish && !decoder->has_content))
		return fail(decoder, 502, "the upstream's answer holds nothing", err);
	decoder->finished = true;
	if (!chat_think_end(&decoder->think, on_think, decoder, err) ||
	    !chat_queue_advance(&decoder->queue, true, err))
		return false;
	struct event usage = {.kind = EVENT_USAGE, .usage = decoder->usage};
	if (decoder->has_usage && !emit(decoder, &usage, err))
		return false;
	struct event stop = {
	    .kind = EVENT_STOP, .stop = decoder->stop, .stop_text = decoder->stop_text};
	if (decoder->has_refusal && stop.stop == STOP_END_TURN)
		stop.stop = STOP_REFUSAL;
	struct event end = {.kind = EVENT_END, .had_terminal = true};
	return emit(decoder, &stop, err) && emit(decoder, &end, err);
}

/* ---- chunks and documents ---- */

static void
read_usage(struct decoder *decoder, struct jsonspan_value usage)
{
	struct usage told;
	if (usage.kind != JSONSPAN_OBJECT)
		return;
	chat_usage_decode(usage, &told);
	usage_merge_prompt(&decoder->usage, &told);
	decoder->has_usage = true;
}

/* The first choice; there are others only when more than one answer was asked for. */
static struct jsonspan_value
first_choice(const struct read_json_object *root)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	int64_t index = 0;
	jsonspan_iter_init(&iter, read_json_get(root, "choices"));
	while (jsonspan_next(&iter, &item)) {
		if (!jsonspan_i64(jsonspan_get(item.value, "index"), &index) || index == 0)
			return item.value;
	}
	return (struct jsonspan_value){0};
}

/* The words of a choice, with how likely their tokens were. A chunk may tell that of half a
 * character, for which there are no words yet. */
static bool
read_words(
    struct decoder *decoder, const struct read_json_object *choice, bool whole, struct err *err)
{
	struct read_json_object delta;
	struct jsonspan_value logprobs = read_json_get(choice, "logprobs");
	read_json_object(read_json_get(choice, whole ? "message" : "delta"), &delta);
	struct view refusal = read_json_inside(read_json_get(&delta, "refusal"));
	decoder->text_logprobs = jsonspan_get(logprobs, "content");
	decoder->refusal_logprobs = jsonspan_get(logprobs, "refusal");
	if (!read_reasoning(decoder, &delta, err) ||
	    !read_content(decoder, read_json_get(&delta, "content"), err) ||
	    !read_annotations(decoder, &delta, err) ||
	    !feed_words(decoder, PART_REFUSAL, refusal, err))
		return false;
	struct chat_item *last = decoder->queue.tail;
	bool ok = last == NULL || take_logprobs(decoder, last, err);
	decoder->text_logprobs = decoder->refusal_logprobs = (struct jsonspan_value){0};
	return ok && read_calls(decoder, &delta, whole, err);
}

static bool
read_root(struct decoder *decoder, const struct read_json_object *root, bool whole, struct err *err)
{
	struct jsonspan_value error = read_json_get(root, "error");
	struct read_json_object choice;
	struct event event = {.kind = EVENT_ERROR};
	read_json_object(first_choice(root), &choice);
	if (!read_json_is_default(error)) {
		openai_error_from(0, error, &event);
		decoder->finished = true;
		return emit(decoder, &event, err);
	}
	if (whole && choice.source.kind != JSONSPAN_OBJECT)
		return fail(decoder, 502, "the upstream's answer holds no choice", err);
	if (!decoder->started) {
		event = (struct event){.kind = EVENT_START,
		    .model_text = read_json_inside(read_json_get(root, "model")),
		    .upstream_id_text = read_json_inside(read_json_get(root, "id"))};
		usage_init(&event.usage);
		decoder->started = true;
		if (!emit(decoder, &event, err))
			return false;
	}
	read_usage(decoder, read_json_get(&choice, "usage"));
	read_usage(decoder, read_json_get(root, "usage"));
	/* Some upstreams put the whole message into one chunk; others tell it so again at the end.
	 */
	bool message = !whole && !decoder->has_words &&
		       read_json_get(&choice, "delta").kind != JSONSPAN_OBJECT;
	if (!read_words(decoder, &choice, whole || message, err))
		return false;
	read_finish(decoder, &choice);
	return true;
}

static bool
read_checked(struct decoder *decoder, struct view body, bool whole, struct err *err)
{
	struct jsonspan_value value;
	struct read_json_object root;
	struct err why;
	if (!jsonspan_scan(body, NULL, 0, &value, &why) || value.kind != JSONSPAN_OBJECT)
		return err_set(err, ERR_PEER, "", "the upstream's answer is no JSON object");
	read_json_object(value, &root);
	return read_root(decoder, &root, whole, err);
}

bool
chat_decoder_event(struct decoder *decoder, const struct sse_event *event, struct err *err)
{
	if (decoder->finished || event->data.len == 0)
		return true;
	if (view_eq_str(view_trim(event->data), "[DONE]"))
		return finish(decoder, err);
	return read_checked(decoder, event->data, false, err);
}

bool
chat_decoder_whole(struct decoder *decoder, struct view body, struct err *err)
{
	return read_checked(decoder, body, true, err) && finish(decoder, err);
}

bool
chat_decoder_end(struct decoder *decoder, struct err *err)
{
	if (decoder->finished || decoder->has_finish)
		return finish(decoder, err);
	/* Open parts stay open: a client must not take what was cut for a whole call. */
	return fail(decoder, 502, "the upstream's answer was cut", err);
}

struct decoder *
chat_decoder_new(
    struct arena *arena, const struct upstream_flags *flags, event_fn *emit_fn, void *ctx)
{
	struct decoder *decoder = arena_alloc(arena, sizeof(*decoder));
	if (decoder == NULL)
		return NULL;
	decoder->arena = arena;
	decoder->emit = emit_fn;
	decoder->ctx = ctx;
	chat_queue_init(&decoder->queue, arena, emit_fn, ctx);
	decoder->inline_think = flags->inline_think;
	usage_init(&decoder->usage);
	bytes_init(&decoder->source, PIECE_BYTES_MAX);
	bytes_init(&decoder->clean, PIECE_BYTES_MAX);
	return decoder;
}

void
chat_decoder_free(struct decoder *decoder)
{
	chat_queue_fini(&decoder->queue);
	bytes_fini(&decoder->source);
	bytes_fini(&decoder->clean);
}
