#include "chat_queue.h"

#include "jsonspan.h"
#include "write_json.h"
#include <string.h>

#define WAIT_BYTES_MAX (64u << 20)

void
chat_queue_init(struct chat_queue *queue, struct arena *arena, event_fn *emit, void *ctx)
{
	*queue = (struct chat_queue){.arena = arena, .emit = emit, .ctx = ctx};
	bytes_init(&queue->scratch, WAIT_BYTES_MAX);
}

void
chat_queue_fini(struct chat_queue *queue)
{
	for (struct chat_item *item = queue->head; item != NULL; item = item->next) {
		bytes_fini(&item->wait);
		bytes_fini(&item->logprobs);
	}
	bytes_fini(&queue->scratch);
}

bool
chat_queue_too_big(struct err *err)
{
	return err_set(err, ERR_LIMIT, "", "the upstream's answer is too big to convert");
}

struct chat_item *
chat_queue_add(struct chat_queue *queue, enum part_kind kind)
{
	struct chat_item *item = arena_alloc(queue->arena, sizeof(*item));
	if (item == NULL)
		return NULL;
	item->part.kind = kind;
	item->part.path = "";
	item->index = -1;
	bytes_init(&item->wait, WAIT_BYTES_MAX);
	bytes_init(&item->logprobs, WAIT_BYTES_MAX);
	if (queue->tail != NULL)
		queue->tail->next = item;
	else
		queue->head = item;
	queue->tail = item;
	return item;
}

static bool
is_function(const struct chat_item *item)
{
	return item->part.kind == PART_CALL && item->part.form == CALL_FUNCTION;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Follows the JSON of a call; what is left of `source` is worth passing on: no blanks before the
 * object, nothing behind it. */
static struct view
watch(struct chat_progress *progress, struct view source)
{
	while (progress->depth == 0 && !progress->odd && source.len > 0 && is_blank(source.data[0]))
		source = view_from(source, 1);
	if (progress->depth == 0 && source.len > 0 && source.data[0] != '{')
		progress->odd = true;
	for (size_t i = 0; i < source.len && !progress->odd; i++) {
		char c = source.data[i];
		progress->filled =
		    progress->filled || (progress->depth > 0 && c != '}' && !is_blank(c));
		if (progress->escaped) {
			progress->escaped = false;
		} else if (progress->in_string) {
			progress->escaped = c == '\\';
			progress->in_string = c != '"';
		} else if (c == '"') {
			progress->in_string = true;
		} else if (c == '{' || c == '[') {
			progress->depth++;
		} else if ((c == '}' || c == ']') && --progress->depth == 0) {
			progress->complete = true;
			return view_sub(source, 0, i + 1);
		}
	}
	return source;
}

static bool
pass_logprobs(struct chat_queue *queue, struct chat_item *item, struct err *err)
{
	struct event event = {
	    .kind = EVENT_PART_DELTA, .delta = DELTA_LOGPROBS, .text = bytes_view(&item->logprobs)};
	bool ok = item->logprobs.len == 0 || queue->emit(&event, queue->ctx, err);
	bytes_clear(&item->logprobs);
	return ok;
}

static bool
pass_on(struct chat_queue *queue, struct chat_item *item, struct view text, struct err *err)
{
	struct event event = {.kind = EVENT_PART_DELTA,
	    .delta = is_function(item) ? DELTA_INPUT : DELTA_TEXT,
	    .text = text};
	return text.len == 0 ||
	       (pass_logprobs(queue, item, err) && queue->emit(&event, queue->ctx, err));
}

static bool
is_complete(const struct chat_item *item)
{
	return item->part.kind != PART_CALL || (is_function(item) && item->progress.complete);
}

static bool
may_begin(const struct chat_item *item)
{
	return item->part.kind != PART_CALL ||
	       (item->part.id_plain.len > 0 && item->part.name_plain.len > 0 &&
		   !item->progress.odd);
}

static bool
begin(struct chat_queue *queue, struct chat_item *item, struct err *err)
{
	struct event event = {.kind = EVENT_PART_BEGIN, .part = &item->part};
	item->begun = true;
	if (item->part.kind == PART_CALL && item->part.id_plain.len == 0) {
		item->part.id_plain = arena_printf(queue->arena, "call_%u", queue->generated++);
		if (item->part.id_plain.data == NULL)
			return chat_queue_too_big(err);
	}
	return queue->emit(&event, queue->ctx, err);
}

/* An input that was made a string twice, as some relays do: the object inside, in the scratch. */
static bool
is_object_in_string(struct chat_queue *queue, struct view waiting)
{
	struct jsonspan_value string, inner;
	bytes_clear(&queue->scratch);
	return jsonspan_scan(waiting, NULL, 0, &string, NULL) && string.kind == JSONSPAN_STRING &&
	       jsonspan_unescape(string, &queue->scratch) &&
	       jsonspan_scan(bytes_view(&queue->scratch), NULL, 0, &inner, NULL) &&
	       inner.kind == JSONSPAN_OBJECT;
}

/* What waits of an item; input that is no object becomes one, so that what the model wrote is seen.
 */
static bool
flush(struct chat_queue *queue, struct chat_item *item, struct err *err)
{
	struct view waiting = bytes_view(&item->wait);
	bool ok = true;
	if (!item->progress.odd) {
		ok = pass_on(queue, item, waiting, err);
	} else if (is_object_in_string(queue, waiting)) {
		ok = pass_on(queue, item, bytes_view(&queue->scratch), err);
	} else if (waiting.len > 0 && !view_eq_str(view_trim(waiting), "null")) {
		bytes_clear(&queue->scratch);
		ok = (bytes_append_str(&queue->scratch, "{\"_raw\":\"") &&
			 write_json_escape(&queue->scratch, waiting) &&
			 bytes_append_str(&queue->scratch, "\"}")) ||
		     chat_queue_too_big(err);
		ok = ok && pass_on(queue, item, bytes_view(&queue->scratch), err);
	}
	bytes_clear(&item->wait);
	return ok;
}

/* The braces that waited for something to hold, see feed_function. */
static bool
pass_braces(struct chat_item *item, struct err *err)
{
	const struct chat_progress *progress = &item->progress;
	const char *braces = progress->complete ? "{}" : progress->depth > 0 ? "{" : "";
	return progress->filled || bytes_append_str(&item->wait, braces) || chat_queue_too_big(err);
}

/* A call that never got a name is none. */
bool
chat_queue_advance(struct chat_queue *queue, bool all, struct err *err)
{
	for (struct chat_item *item = queue->head; item != NULL; item = queue->head) {
		bool nameless = item->part.kind == PART_CALL && item->part.name_plain.len == 0;
		if (!item->begun && !(nameless && all)) {
			if (!all && !may_begin(item))
				return true;
			if (!begin(queue, item, err) || !flush(queue, item, err))
				return false;
		}
		if (!all && (item->next == NULL || !is_complete(item)))
			return true;
		queue->head = item->next;
		if (queue->head == NULL)
			queue->tail = NULL;
		item->through = true;
		struct event event = {.kind = EVENT_PART_FINISH};
		bool ok = !item->begun || (pass_braces(item, err) && flush(queue, item, err) &&
					      pass_logprobs(queue, item, err) &&
					      queue->emit(&event, queue->ctx, err));
		bytes_fini(&item->wait);
		bytes_fini(&item->logprobs);
		if (!ok)
			return false;
	}
	return true;
}

static uint64_t
add_to_sum(uint64_t sum, struct view text)
{
	for (size_t i = 0; i < text.len; i++)
		sum = (sum ^ (unsigned char)text.data[i]) * 0x100000001b3u + 1;
	return sum;
}

bool
chat_queue_has(const struct chat_item *item, struct view text)
{
	return item->progress.complete && add_to_sum(0, view_trim(text)) == item->progress.sum;
}

/* Passes a piece on, or lets it wait. */
static bool
give(struct chat_queue *queue, struct chat_item *item, struct view text, struct err *err)
{
	if (item == queue->head && item->begun && !item->progress.odd)
		return pass_on(queue, item, text, err);
	return bytes_append_view(&item->wait, text) || chat_queue_too_big(err);
}

/* More of a call's JSON. Some upstreams begin each input with an empty object and send the true one
 * behind it: the brace waits for what is behind it, and a second object takes the place of an
 * empty one. */
static bool
feed_function(struct chat_queue *queue, struct chat_item *item, struct view *text, struct err *err)
{
	struct chat_progress *progress = &item->progress;
	if (progress->complete) {
		struct view rest = view_trim(*text);
		*text = VIEW("");
		if (progress->filled || rest.len == 0 || rest.data[0] != '{')
			return true;
		*progress = (struct chat_progress){0};
		*text = rest;
	}
	bool waits = progress->depth > 0 && !progress->filled;
	*text = watch(progress, *text);
	if (item->part.id_plain.len == 0) /* an id tells calls apart at less cost */
		progress->sum = add_to_sum(progress->sum, *text);
	if (!progress->filled && !progress->odd)
		*text = VIEW("");
	return !waits || !progress->filled || give(queue, item, VIEW("{"), err);
}

bool
chat_queue_feed(struct chat_queue *queue, struct chat_item *item, struct view text, struct err *err)
{
	if (item->through)
		return true;
	return (!is_function(item) || feed_function(queue, item, &text, err)) &&
	       give(queue, item, text, err);
}
