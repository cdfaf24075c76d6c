#include "rewrite_body.h"
#include <string.h>

/* ---- cutting ---- */

/* Says of each item of a container whether it goes. */
typedef bool goes_fn(const struct jsonspan_member *item, const void *ctx);

/* Cuts items together with the comma that falls away: the one before where something before stays,
 * else the one behind. */
static bool
cut_items(struct splice *splice, struct jsonspan_value container, goes_fn *goes, const void *ctx)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item, next;
	const char *stayed = NULL; /* the end of the item before */
	bool any_stays = false;
	if (container.kind != JSONSPAN_ARRAY && container.kind != JSONSPAN_OBJECT)
		return true;
	jsonspan_iter_init(&iter, container);
	bool more = jsonspan_next(&iter, &item);
	while (more) {
		bool has_next = jsonspan_next(&iter, &next);
		const char *begin = item.whole.data, *end = begin + item.whole.len;
		if (!goes(&item, ctx)) {
			any_stays = true;
		} else {
			if (any_stays)
				begin = stayed;
			else if (has_next)
				end = next.whole.data;
			if (!splice_replace(
				splice, view_make(begin, (size_t)(end - begin)), VIEW("")))
				return false;
		}
		stayed = item.whole.data + item.whole.len;
		more = has_next;
		item = next;
	}
	return true;
}

/* ---- fields ---- */

static bool
split_path(const char *name, char first[LESSON_NAME_BYTES], const char **second)
{
	const char *dot = strchr(name, '.');
	size_t len = dot != NULL ? (size_t)(dot - name) : strlen(name);
	if (len == 0 || len >= LESSON_NAME_BYTES)
		return false;
	memcpy(first, name, len);
	first[len] = '\0';
	*second = dot != NULL ? dot + 1 : NULL;
	return dot == NULL || dot[1] != '\0';
}

/* Which members of one object are refused; outer NULL = of the body itself. */
struct refused {
	const struct lesson_list *lessons;
	const char *outer;
};

static bool
is_refused(const struct jsonspan_member *item, const void *ctx)
{
	const struct refused *refused = ctx;
	char first[LESSON_NAME_BYTES];
	const char *second;
	for (size_t i = 0; i < refused->lessons->count; i++) {
		const struct lesson *lesson = &refused->lessons->items[i];
		if (lesson->kind != LESSON_FIELD || !split_path(lesson->name, first, &second))
			continue;
		bool inner =
		    second != NULL && refused->outer != NULL && strcmp(first, refused->outer) == 0;
		if (inner
			? jsonspan_key_is(item, second)
			: second == NULL && refused->outer == NULL && jsonspan_key_is(item, first))
			return true;
	}
	return false;
}

/* "a.b": in the object a, or in each object of the array a. */
static bool
cut_inner(struct splice *splice, struct jsonspan_value outer, const struct refused *refused)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	if (outer.kind != JSONSPAN_ARRAY)
		return cut_items(splice, outer, is_refused, refused);
	jsonspan_iter_init(&iter, outer);
	while (jsonspan_next(&iter, &item)) {
		if (item.value.kind == JSONSPAN_OBJECT &&
		    !cut_items(splice, item.value, is_refused, refused))
			return false;
	}
	return true;
}

/* Each object is walked once, for all that leaves it: so no two cuts overlap. */
static bool
cut_fields(struct splice *splice, struct jsonspan_value body, const struct lesson_list *lessons)
{
	char first[LESSON_NAME_BYTES], before[LESSON_NAME_BYTES];
	const char *second, *unused;
	struct refused refused = {.lessons = lessons};
	if (!cut_items(splice, body, is_refused, &refused))
		return false;
	for (size_t i = 0; i < lessons->count; i++) {
		bool again = false;
		if (lessons->items[i].kind != LESSON_FIELD ||
		    !split_path(lessons->items[i].name, first, &second) || second == NULL)
			continue;
		for (size_t k = 0; k < i && !again; k++) {
			again = lessons->items[k].kind == LESSON_FIELD &&
				split_path(lessons->items[k].name, before, &unused) &&
				unused != NULL && strcmp(first, before) == 0;
		}
		refused.outer = first;
		if (!again && !cut_inner(splice, jsonspan_get(body, first), &refused))
			return false;
	}
	return true;
}

bool
rewrite_body_has_field(struct view body, const char *name)
{
	char first[LESSON_NAME_BYTES];
	const char *second;
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	if (!split_path(name, first, &second))
		return false;
	struct jsonspan_value outer = jsonspan_get(jsonspan_root(body), first);
	if (second == NULL || outer.kind != JSONSPAN_ARRAY)
		return second == NULL ? outer.kind != JSONSPAN_NONE
				      : jsonspan_get(outer, second).kind != JSONSPAN_NONE;
	jsonspan_iter_init(&iter, outer);
	while (jsonspan_next(&iter, &item)) {
		if (jsonspan_get(item.value, second).kind != JSONSPAN_NONE)
			return true;
	}
	return false;
}

/* ---- opaque state of others ---- */

static bool
is_thinking(const struct jsonspan_member *item, const void *ctx)
{
	struct jsonspan_value type = jsonspan_get(item->value, "type");
	(void)ctx;
	return jsonspan_str_is(type, "thinking") || jsonspan_str_is(type, "redacted_thinking");
}

static bool
is_reasoning(const struct jsonspan_member *item, const void *ctx)
{
	(void)ctx;
	return jsonspan_str_is(jsonspan_get(item->value, "type"), "reasoning");
}

static bool
has_other_blocks(struct jsonspan_value content)
{
	struct jsonspan_iter iter;
	struct jsonspan_member item;
	jsonspan_iter_init(&iter, content);
	while (jsonspan_next(&iter, &item)) {
		if (!is_thinking(&item, NULL))
			return true;
	}
	return false;
}

/* A turn must not become empty: one of thinking alone says that it thought. */
static bool
cut_thinking(struct splice *splice, struct jsonspan_value messages)
{
	struct jsonspan_iter iter;
	struct jsonspan_member message;
	if (messages.kind != JSONSPAN_ARRAY)
		return true;
	jsonspan_iter_init(&iter, messages);
	while (jsonspan_next(&iter, &message)) {
		struct jsonspan_value content = jsonspan_get(message.value, "content");
		bool ok = true;
		if (content.kind != JSONSPAN_ARRAY)
			continue;
		if (has_other_blocks(content))
			ok = cut_items(splice, content, is_thinking, NULL);
		else if (content.raw.len > 2)
			ok = splice_replace(splice, content.raw,
			    VIEW("[{\"type\":\"text\",\"text\":\"(thinking)\"}]"));
		if (!ok)
			return false;
	}
	return true;
}

bool
rewrite_body_strip(
    struct splice *splice, const struct lesson_list *lessons, const struct rewrite_call *call)
{
	struct jsonspan_value body = {JSONSPAN_OBJECT, call->facts->body};
	bool ok = lessons->count == 0 || cut_fields(splice, body, lessons);
	for (size_t i = 0; ok && i < lessons->count; i++) {
		switch (lessons->items[i].kind) {
		case LESSON_THINKING:
			ok = cut_thinking(splice, call->facts->members[FACTS_MESSAGES]);
			break;
		case LESSON_ENCRYPTED:
			ok = cut_items(
			    splice, call->facts->members[FACTS_INPUT], is_reasoning, NULL);
			break;
		case LESSON_FIELD:
		case LESSON_BETA: /* a header */
			break;
		}
	}
	return ok;
}

/* ---- cache_control ---- */

/* The walk over all places of marks, twice: to count, then to cut. */
struct marks {
	struct splice *splice; /* NULL while counting */
	size_t seen;
	size_t first_cut, cut_end; /* which of them go, by their number */
	bool ok;
};

static bool
is_mark(const struct jsonspan_member *item, const void *ctx)
{
	(void)ctx;
	return jsonspan_key_is(item, "cache_control");
}

static void
see_block(struct marks *marks, struct jsonspan_value block)
{
	if (jsonspan_get(block, "cache_control").kind != JSONSPAN_OBJECT)
		return;
	bool cut = marks->seen >= marks->first_cut && marks->seen < marks->cut_end;
	marks->seen++;
	if (cut && marks->splice != NULL)
		marks->ok = marks->ok && cut_items(marks->splice, block, is_mark, NULL);
}

static void
see_blocks(struct marks *marks, struct jsonspan_value blocks, bool nested)
{
	struct jsonspan_iter iter;
	struct jsonspan_member block;
	if (blocks.kind != JSONSPAN_ARRAY)
		return;
	jsonspan_iter_init(&iter, blocks);
	while (jsonspan_next(&iter, &block)) {
		if (block.value.kind != JSONSPAN_OBJECT)
			continue;
		if (nested)
			see_blocks(marks, jsonspan_get(block.value, "content"), false);
		see_block(marks, block.value);
	}
}

static void
see_messages(struct marks *marks, struct jsonspan_value messages)
{
	struct jsonspan_iter iter;
	struct jsonspan_member message;
	if (messages.kind != JSONSPAN_ARRAY)
		return;
	jsonspan_iter_init(&iter, messages);
	while (jsonspan_next(&iter, &message))
		see_blocks(marks, jsonspan_get(message.value, "content"), true);
}

/* So many that counting them by their structure is worth it: the word itself is rarely there
 * oftener. */
static bool
may_have_more(struct view body, size_t max)
{
	static const char word[] = "\"cache_control\"";
	struct view rest = body;
	for (size_t i = 0; i <= max; i++) {
		const char *at =
		    rest.len > 0 ? memmem(rest.data, rest.len, word, sizeof(word) - 1) : NULL;
		if (at == NULL)
			return false;
		rest = view_from(rest, (size_t)(at - rest.data) + 1);
	}
	return true;
}

/* Edits must not overlap: where thinking goes too, its turns may be replaced as a whole, but
 * thinking blocks bear no marks. */
bool
rewrite_body_limit_marks(struct splice *splice, const struct rewrite_call *call)
{
	const struct jsonspan_value *members = call->facts->members;
	size_t max = call->table->cache_marks_max;
	struct marks marks = {.ok = true};
	if (max == 0 || call->protocol != PROTOCOL_ANTHROPIC ||
	    !may_have_more(call->facts->body, max))
		return true;
	see_blocks(&marks, members[FACTS_TOOLS], false);
	see_blocks(&marks, members[FACTS_SYSTEM], false);
	size_t before = marks.seen;
	see_messages(&marks, members[FACTS_MESSAGES]);
	if (marks.seen <= max)
		return true;
	/* Of those before the messages the last go, if they alone are too many. */
	size_t kept = before < max ? before : max;
	struct marks cut = {
	    .splice = splice, .first_cut = kept, .cut_end = marks.seen - (max - kept), .ok = true};
	see_blocks(&cut, members[FACTS_TOOLS], false);
	see_blocks(&cut, members[FACTS_SYSTEM], false);
	see_messages(&cut, members[FACTS_MESSAGES]);
	return cut.ok;
}
