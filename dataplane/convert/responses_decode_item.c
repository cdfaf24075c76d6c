/* Items of Responses answers -> parts. */
#include "responses_decode.h"

#include "logprobs.h"
#include "must.h"
#include <string.h>

#define ITEMS_MAX 4096
#define HELD_BYTES_MAX (32u << 20)

static bool
emit(struct decoder *decoder, const struct event *event)
{
	return decoder->emit(event, decoder->ctx, decoder->err);
}

static bool
too_big(struct decoder *decoder)
{
	return err_set(decoder->err, ERR_LIMIT, "", "the upstream's answer is too big to convert");
}

/* ---- texts ---- */

static bool
give_delta(struct decoder *decoder, enum delta_kind kind, struct view text)
{
	const struct event event = {.kind = EVENT_PART_DELTA, .delta = kind, .text = text};
	return text.len == 0 || emit(decoder, &event);
}

/* The inside of a string -> the source of a call's input. */
static bool
give_input(struct decoder *decoder, struct view text)
{
	struct bytes quoted;
	bytes_init(&quoted, text.len + 2);
	bytes_clear(&decoder->scratch);
	bool ok = bytes_append_char(&quoted, '"') && bytes_append_view(&quoted, text) &&
		  bytes_append_char(&quoted, '"');
	const struct jsonspan_value string = {JSONSPAN_STRING, bytes_view(&quoted)};
	ok = ok && jsonspan_unescape(string, &decoder->scratch);
	bytes_fini(&quoted);
	if (!ok)
		return too_big(decoder);
	return give_delta(decoder, DELTA_INPUT, bytes_view(&decoder->scratch));
}

/* ---- parts ---- */

static bool
begin_part(struct decoder *decoder, struct item *item, const struct part *part)
{
	const struct event event = {.kind = EVENT_PART_BEGIN, .part = part};
	MUST(decoder->open == NULL);
	decoder->open = item;
	item->begun = true;
	item->open_kind = part->kind;
	return emit(decoder, &event);
}

static bool
give_logprobs(struct decoder *decoder, struct item *item)
{
	bool ok = give_delta(decoder, DELTA_LOGPROBS, bytes_view(&item->logprobs));
	bytes_clear(&item->logprobs);
	return ok;
}

static bool
finish_part(struct decoder *decoder, bool incomplete)
{
	const struct event event = {.kind = EVENT_PART_FINISH, .incomplete = incomplete};
	if (decoder->open != NULL && decoder->open->open_kind == PART_TEXT &&
	    !give_logprobs(decoder, decoder->open))
		return false;
	decoder->open = NULL;
	return emit(decoder, &event);
}

static bool
begin_call(struct decoder *decoder, struct item *item)
{
	const struct part part = {
	    .kind = PART_CALL,
	    .form = item->kind == ITEM_CUSTOM ? CALL_CUSTOM
		    : item->typed != NULL     ? item->typed->form
					      : CALL_FUNCTION,
	    .id_plain = item->call_id.len > 0 ? item->call_id : item->id,
	    .item_id_plain = item->id,
	    .name_plain = item->typed != NULL ? view_of(item->typed->type) : item->name,
	    .space_plain = item->space,
	};
	decoder->had_call = true;
	return item->begun || begin_part(decoder, item, &part);
}

static bool
begin_thinking(struct decoder *decoder, struct item *item)
{
	const struct part part = {.kind = PART_THINKING, .item_id_plain = item->id};
	return item->begun || begin_part(decoder, item, &part);
}

/* ---- records ---- */

static bool
play_message_text(
    struct decoder *decoder, struct item *item, const struct record *record, struct view text)
{
	const struct part part = {.kind = record->part};
	bool fits =
	    decoder->open == item && item->part == record->index && item->open_kind == record->part;
	if (text.len == 0)
		return true;
	if (decoder->open == item && !fits && !finish_part(decoder, false))
		return false;
	if (!fits) {
		item->part = record->index;
		item->units = item->cites = 0;
		if (!begin_part(decoder, item, &part))
			return false;
	}
	decoder->had_refusal = decoder->had_refusal || record->part == PART_REFUSAL;
	item->units += responses_text_units(text);
	return (record->part != PART_TEXT || give_logprobs(decoder, item)) &&
	       give_delta(decoder, DELTA_TEXT, text);
}

/* They wait for the text that they are of; of all, those go that have come before. */
static bool
play_logprobs(struct decoder *decoder, struct item *item, const struct record *record)
{
	struct jsonspan_value list = jsonspan_root(record->data);
	size_t count = logprobs_count(list);
	bool all = record->kind == RECORD_ALL_LOGPROBS;
	if (record->index < item->closed)
		return true;
	if (record->index != item->logprobs_part)
		item->logprobs_known = 0;
	item->logprobs_part = record->index;
	size_t known = all ? item->logprobs_known : 0;
	item->logprobs_known += known < count ? count - known : 0;
	return logprobs_append(&item->logprobs, list, known) || too_big(decoder);
}

/* All parts of an item are one thinking, with empty lines between them. An upstream that tells both
 * the summary and the raw text is taken by the first it tells. */
static bool
play_thinking(
    struct decoder *decoder, struct item *item, const struct record *record, struct view text)
{
	bool first = !item->begun;
	if (text.len == 0)
		return true;
	if (first)
		item->raw_thinking = record->raw_thinking;
	if (!begin_thinking(decoder, item))
		return false;
	if (item->part != record->index) {
		if (!first && !give_delta(decoder, DELTA_TEXT, VIEW("\\n\\n")))
			return false;
		item->part = record->index;
		item->units = 0;
	}
	item->units += responses_text_units(text);
	return give_delta(decoder, DELTA_TEXT, text);
}

static bool
play_text(struct decoder *decoder, struct item *item, const struct record *record)
{
	bool same = item->begun && item->part == record->index;
	struct view text = record->data;
	if (record->kind == RECORD_FULL && same)
		text = responses_text_behind(text, item->units);
	if (record->index < item->closed)
		return true;
	if (item->kind == ITEM_MESSAGE)
		return play_message_text(decoder, item, record, text);
	if (item->kind == ITEM_REASONING) {
		bool other = item->begun && item->raw_thinking != record->raw_thinking;
		bool past =
		    record->kind == RECORD_FULL && item->begun && record->index < item->part;
		return other || past || play_thinking(decoder, item, record, text);
	}
	if (!item->begun || text.len == 0)
		return true;
	item->units += responses_text_units(text);
	return item->kind == ITEM_CUSTOM ? give_delta(decoder, DELTA_TEXT, text)
					 : give_input(decoder, text);
}

static bool
play_citation(struct decoder *decoder, struct item *item, const struct record *record)
{
	struct jsonspan_value source = jsonspan_root(record->data);
	struct event event = {.kind = EVENT_PART_DELTA, .delta = DELTA_CITATION};
	struct citation *citation = &event.citation;
	if (decoder->open != item || item->open_kind != PART_TEXT || item->part != record->index)
		return true;
	citation->json = record->data;
	citation->start = citation->end = -1;
	if (jsonspan_str_is(jsonspan_get(source, "type"), "url_citation")) {
		citation->url_text = read_json_inside(jsonspan_get(source, "url"));
		citation->title_text = read_json_inside(jsonspan_get(source, "title"));
		if (!jsonspan_i64(jsonspan_get(source, "start_index"), &citation->start) ||
		    !jsonspan_i64(jsonspan_get(source, "end_index"), &citation->end) ||
		    citation->start < 0 || citation->end < citation->start)
			citation->start = citation->end = -1;
	}
	item->cites++;
	return emit(decoder, &event);
}

static bool
play_close(struct decoder *decoder, struct item *item, int64_t index)
{
	if (index < item->closed)
		return true;
	item->closed = index + 1;
	if (decoder->open == item && item->part <= index)
		return finish_part(decoder, false);
	return true;
}

/* ---- an item is done: what has not been told yet ---- */

static bool
done_citations(
    struct decoder *decoder, struct item *item, struct jsonspan_value list, int64_t index)
{
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	if (list.kind != JSONSPAN_ARRAY || item->part != index)
		return true;
	size_t given = item->cites;
	jsonspan_iter_init(&iter, list);
	for (size_t i = 0; jsonspan_next(&iter, &member); i++) {
		const struct record cite = {
		    .kind = RECORD_CITE, .index = index, .data = member.value.raw};
		if (i >= given && !play_citation(decoder, item, &cite))
			return false;
	}
	return true;
}

static bool
done_message(struct decoder *decoder, struct item *item, const struct read_json_object *source)
{
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	jsonspan_iter_init(&iter, read_json_get(source, "content"));
	for (int64_t i = 0; jsonspan_next(&iter, &member); i++) {
		bool refusal = jsonspan_str_is(jsonspan_get(member.value, "type"), "refusal");
		const struct record full = {
		    .kind = RECORD_FULL,
		    .part = refusal ? PART_REFUSAL : PART_TEXT,
		    .index = i,
		    .data =
			read_json_inside(jsonspan_get(member.value, refusal ? "refusal" : "text")),
		};
		const struct record logprobs = {.kind = RECORD_ALL_LOGPROBS,
		    .index = i,
		    .data = jsonspan_get(member.value, "logprobs").raw};
		if (i < item->closed)
			continue;
		if ((logprobs.data.len > 0 && !play_logprobs(decoder, item, &logprobs)) ||
		    !play_text(decoder, item, &full) ||
		    !done_citations(decoder, item, jsonspan_get(member.value, "annotations"), i) ||
		    !play_close(decoder, item, i))
			return false;
	}
	return decoder->open != item || finish_part(decoder, false);
}

static bool
done_reasoning(struct decoder *decoder, struct item *item, const struct read_json_object *source)
{
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	struct view seal = read_json_inside(read_json_get(source, "encrypted_content"));
	struct jsonspan_value list = read_json_get(source, "summary");
	bool raw = item->begun ? item->raw_thinking : read_json_is_default(list);
	if (raw)
		list = read_json_get(source, "content");
	jsonspan_iter_init(&iter, list);
	for (int64_t i = 0; list.kind == JSONSPAN_ARRAY && jsonspan_next(&iter, &member); i++) {
		const struct record full = {
		    .kind = RECORD_FULL,
		    .part = PART_THINKING,
		    .raw_thinking = raw,
		    .index = i,
		    .data = read_json_inside(jsonspan_get(member.value, "text")),
		};
		if (!play_text(decoder, item, &full))
			return false;
	}
	if (seal.len > 0 &&
	    (!begin_thinking(decoder, item) || !give_delta(decoder, DELTA_SIGNATURE, seal)))
		return false;
	return decoder->open != item || finish_part(decoder, false);
}

static bool
is_empty_input(struct view text)
{
	static const char *const words[] = {"", "null"};
	while (text.len > 0 && (text.data[0] == ' ' || view_starts(text, "\\n")))
		text = view_from(text, text.data[0] == ' ' ? 1 : 2);
	return view_eq_str(view_trim(text), words[0]) || view_eq_str(view_trim(text), words[1]);
}

static struct view
keep_plain(struct decoder *decoder, struct jsonspan_value string)
{
	struct view plain = {NULL, 0};
	if (string.kind == JSONSPAN_STRING)
		plain = read_json_unescape(decoder->arena, string);
	return plain.len > 0 ? arena_copy(decoder->arena, plain) : (struct view){NULL, 0};
}

/* What was not known when the item was added. */
static void
learn_names(struct decoder *decoder, struct item *item, const struct read_json_object *source)
{
	struct {
		struct view *known;
		const char *key;
	} const rows[] = {{&item->id, "id"}, {&item->call_id, "call_id"}, {&item->name, "name"},
	    {&item->space, "namespace"}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].known->len == 0)
			*rows[i].known = keep_plain(decoder, read_json_get(source, rows[i].key));
	}
}

/* The input of a call that is done, as the inside of a string; some upstreams give the object. */
static bool
whole_input(struct decoder *decoder, struct jsonspan_value input, struct view *out)
{
	struct bytes text;
	*out = read_json_inside(input);
	if (input.kind != JSONSPAN_OBJECT)
		return true;
	bytes_init(&text, HELD_BYTES_MAX);
	bool ok = write_json_escape(&text, input.raw);
	*out = arena_copy(decoder->arena, bytes_view(&text));
	bytes_fini(&text);
	return (ok && out->data != NULL) || too_big(decoder);
}

static bool
done_call(struct decoder *decoder, struct item *item, const struct read_json_object *source)
{
	const char *key = item->kind == ITEM_CUSTOM ? "input" : "arguments";
	struct record full = {.kind = RECORD_FULL, .part = PART_CALL};
	if (!whole_input(decoder, read_json_get(source, key), &full.data))
		return false;
	bool empty = item->kind == ITEM_FUNCTION && item->units == 0 && is_empty_input(full.data);
	return begin_call(decoder, item) && (empty || play_text(decoder, item, &full)) &&
	       finish_part(decoder, jsonspan_str_is(read_json_get(source, "status"), "incomplete"));
}

static bool
done_typed(struct decoder *decoder, struct item *item, const struct read_json_object *source)
{
	struct view input;
	if (!responses_typed_input(decoder->arena, item->typed, source->source, &input))
		return too_big(decoder);
	return begin_call(decoder, item) && give_delta(decoder, DELTA_INPUT, input) &&
	       finish_part(decoder, jsonspan_str_is(read_json_get(source, "status"), "incomplete"));
}

/* Newer answers have a list of queries, of which the first stands for all. */
static struct view
search_query(struct jsonspan_value action)
{
	struct view query = read_json_inside(jsonspan_get(action, "query"));
	struct jsonspan_iter iter;
	struct jsonspan_member first;
	jsonspan_iter_init(&iter, jsonspan_get(action, "queries"));
	if (query.len == 0 && jsonspan_next(&iter, &first))
		query = read_json_inside(first.value);
	return query;
}

/* A tool that the upstream ran. */
static bool
done_hosted(struct decoder *decoder, struct item *item, const struct read_json_object *source)
{
	struct part part = {
	    .kind = item->kind == ITEM_SEARCH ? PART_SEARCH : PART_HOSTED,
	    .id_plain = item->id,
	    .item_id_plain = item->id,
	    .raw_json = source->source.raw,
	};
	if (item->kind == ITEM_SEARCH) {
		part.text = search_query(read_json_get(source, "action"));
		decoder->searches++;
	}
	return begin_part(decoder, item, &part) && finish_part(decoder, false);
}

enum item_kind
responses_item_kind(struct jsonspan_value type)
{
	static const struct {
		const char *type;
		enum item_kind kind;
	} rows[] = {{"message", ITEM_MESSAGE}, {"reasoning", ITEM_REASONING},
	    {"function_call", ITEM_FUNCTION}, {"custom_tool_call", ITEM_CUSTOM},
	    {"web_search_call", ITEM_SEARCH}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (jsonspan_str_is(type, rows[i].type))
			return rows[i].kind;
	}
	return responses_typed_by_call(type) != NULL ? ITEM_TYPED : ITEM_HOSTED;
}

static bool
play_done(struct decoder *decoder, struct item *item, struct view json)
{
	struct read_json_object object;
	const struct read_json_object *source = &object;
	read_json_object(jsonspan_root(json), &object);
	if (responses_item_kind(read_json_get(source, "type")) != item->kind)
		return decoder->open != item || finish_part(decoder, false);
	learn_names(decoder, item, source);
	switch (item->kind) {
	case ITEM_MESSAGE:
		return done_message(decoder, item, source);
	case ITEM_REASONING:
		return done_reasoning(decoder, item, source);
	case ITEM_FUNCTION:
	case ITEM_CUSTOM:
		return done_call(decoder, item, source);
	case ITEM_TYPED:
		return done_typed(decoder, item, source);
	case ITEM_SEARCH:
	case ITEM_HOSTED:
		break;
	}
	return done_hosted(decoder, item, source);
}

static bool
play(struct decoder *decoder, struct item *item, const struct record *record)
{
	switch (record->kind) {
	case RECORD_BEGIN:
		return begin_call(decoder, item);
	case RECORD_TEXT:
	case RECORD_FULL:
		return play_text(decoder, item, record);
	case RECORD_CITE:
		return play_citation(decoder, item, record);
	case RECORD_LOGPROBS:
	case RECORD_ALL_LOGPROBS:
		return play_logprobs(decoder, item, record);
	case RECORD_CLOSE:
		return item->kind != ITEM_MESSAGE || play_close(decoder, item, record->index);
	case RECORD_DONE:
		break;
	}
	return play_done(decoder, item, record->data);
}

/* ---- the floor ---- */

static bool
hold(struct decoder *decoder, struct item *item, const struct record *record)
{
	size_t need = sizeof(*record) + record->data.len;
	if (decoder->held_bytes + need > HELD_BYTES_MAX ||
	    !bytes_append(&item->held, record, sizeof(*record)) ||
	    !bytes_append_view(&item->held, record->data))
		return too_big(decoder);
	decoder->held_bytes += need;
	return true;
}

static bool
play_held(struct decoder *decoder, struct item *item)
{
	struct view rest = bytes_view(&item->held);
	bool ok = true;
	while (ok && rest.len > 0) {
		struct record record;
		memcpy(&record, rest.data, sizeof(record));
		record.data = view_sub(rest, sizeof(record), record.data.len);
		rest = view_from(rest, sizeof(record) + record.data.len);
		ok = play(decoder, item, &record);
	}
	decoder->held_bytes -= item->held.len;
	bytes_fini(&item->held);
	bytes_init(&item->held, HELD_BYTES_MAX);
	return ok;
}

/* The floor is free: those who waited, in their order, until one keeps it. */
static bool
drain(struct decoder *decoder)
{
	for (struct item *item = decoder->first; item != NULL; item = item->next) {
		if (decoder->open != NULL || decoder->held_bytes == 0)
			return true;
		if (item->held.len > 0 && !play_held(decoder, item))
			return false;
	}
	return true;
}

bool
responses_item_apply(struct decoder *decoder, struct item *item, const struct record *record)
{
	if (item->done)
		return true;
	item->done = record->kind == RECORD_DONE;
	if (decoder->open != NULL && decoder->open != item)
		return hold(decoder, item, record);
	return play(decoder, item, record) && (decoder->open != NULL || drain(decoder));
}

bool
responses_items_end(struct decoder *decoder)
{
	if (!decoder->cut && !responses_output_firsts(decoder))
		return false;
	while (decoder->open != NULL) {
		bool call = decoder->open->open_kind == PART_CALL;
		decoder->open->done = true;
		if (!finish_part(decoder, call && decoder->cut) || !drain(decoder))
			return false;
	}
	return true;
}

/* ---- new items ---- */

bool
responses_item_add(
    struct decoder *decoder, int64_t index, struct jsonspan_value source, struct item **out)
{
	struct read_json_object object;
	struct item *item = arena_alloc(decoder->arena, sizeof(*item));
	if (item == NULL || decoder->item_count == ITEMS_MAX)
		return too_big(decoder);
	read_json_object(source, &object);
	struct jsonspan_value type = read_json_get(&object, "type");
	item->index = index;
	item->kind = responses_item_kind(type);
	item->typed = responses_typed_by_call(type);
	bytes_init(&item->held, HELD_BYTES_MAX);
	bytes_init(&item->logprobs, HELD_BYTES_MAX);
	learn_names(decoder, item, &object);
	if (decoder->last != NULL)
		decoder->last->next = item;
	else
		decoder->first = item;
	decoder->last = item;
	decoder->item_count++;
	*out = item;
	return true;
}

void
responses_item_fini(struct item *item)
{
	bytes_fini(&item->held);
	bytes_fini(&item->logprobs);
}
