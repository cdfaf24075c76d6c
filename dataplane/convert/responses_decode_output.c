/* The output that the last event of a stream tells, beside what the stream has told. Some upstreams
 * leave items out of one or the other, or tell them in another order: an item of the output is the
 * one with its id; else, since some change their ids with each event, the next one of its kind that
 * no other item has an id in common with. */
#include "responses_decode.h"

/* An item of the output. */
struct told {
	enum item_kind kind;
	struct view id, name; /* insides of JSON strings; of a call its call_id */
};

static bool
is_call(enum item_kind kind)
{
	return kind == ITEM_FUNCTION || kind == ITEM_CUSTOM || kind == ITEM_TYPED;
}

static struct told
read_told(struct jsonspan_value source)
{
	struct told told = {.kind = responses_item_kind(jsonspan_get(source, "type"))};
	told.id = read_json_inside(jsonspan_get(source, is_call(told.kind) ? "call_id" : "id"));
	told.name = read_json_inside(jsonspan_get(source, "name"));
	return told;
}

static bool
has_id(const struct item *item, const struct told *told)
{
	return told->id.len > 0 &&
	       view_eq(is_call(item->kind) ? item->call_id : item->id, told->id);
}

/* One of the `count` items that the stream has told. */
static struct item *
find_claimed(const struct decoder *decoder, size_t count, const struct told *told, bool claimed)
{
	struct item *item = decoder->first;
	for (; count > 0; count--, item = item->next) {
		if (item->kind == told->kind && item->is_claimed == claimed && !item->is_told &&
		    has_id(item, told))
			return item;
	}
	return NULL;
}

static struct item *
find_unclaimed(const struct decoder *decoder, size_t count, const struct told *told)
{
	struct item *item = decoder->first;
	for (; count > 0; count--, item = item->next) {
		if (item->kind == told->kind && !item->is_claimed && !item->is_told &&
		    (!is_call(told->kind) || view_eq(item->name, told->name)))
			return item;
	}
	return NULL;
}

static void
claim(struct decoder *decoder, struct jsonspan_value output, size_t count)
{
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	jsonspan_iter_init(&iter, output);
	while (jsonspan_next(&iter, &member)) {
		const struct told told = read_told(member.value);
		struct item *item = find_claimed(decoder, count, &told, false);
		if (item != NULL)
			item->is_claimed = true;
	}
}

bool
responses_output_take(struct decoder *decoder, struct jsonspan_value output)
{
	const size_t count = decoder->item_count;
	struct jsonspan_iter iter;
	struct jsonspan_member member;
	if (output.kind != JSONSPAN_ARRAY)
		return true;
	claim(decoder, output, count);
	jsonspan_iter_init(&iter, output);
	for (int64_t i = 0; jsonspan_next(&iter, &member); i++) {
		const struct record done = {.kind = RECORD_DONE, .data = member.value.raw};
		const struct told told = read_told(member.value);
		struct item *item = find_claimed(decoder, count, &told, true);
		if (item == NULL)
			item = find_unclaimed(decoder, count, &told);
		/* A thought in front of what has been said already comes too late. */
		if (member.value.kind != JSONSPAN_OBJECT ||
		    (item == NULL && count > 0 && told.kind == ITEM_REASONING))
			continue;
		if (item != NULL)
			item->is_told = true;
		else if (!responses_item_add(decoder, i, member.value, &item))
			return false;
		if (!responses_item_apply(decoder, item, &done))
			return false;
	}
	return true;
}

bool
responses_output_keep(struct decoder *decoder, struct item *item, struct jsonspan_value source)
{
	static const char *const keys[] = {
	    [ITEM_MESSAGE] = "content", [ITEM_FUNCTION] = "arguments", [ITEM_CUSTOM] = "input"};
	const char *key = item->kind <= ITEM_CUSTOM ? keys[item->kind] : NULL;
	if (key == NULL || read_json_is_default(jsonspan_get(source, key)) ||
	    (item->kind != ITEM_MESSAGE && item->name.len == 0))
		return true;
	item->first_json = arena_copy(decoder->arena, source.raw);
	return item->first_json.data != NULL ||
	       err_set(decoder->err, ERR_LIMIT, "", "the upstream's answer is too big to convert");
}

bool
responses_output_firsts(struct decoder *decoder)
{
	for (struct item *item = decoder->first; item != NULL; item = item->next) {
		const struct record first = {.kind = RECORD_DONE, .data = item->first_json};
		if (item->first_json.len > 0 && !responses_item_apply(decoder, item, &first))
			return false;
	}
	return true;
}
