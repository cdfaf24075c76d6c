#include "lessons_kept.h"
#include "fields.h"
#include "mem.h"
#include "must.h"
#include "state_file.h"
#include <string.h>

#define FILE_NAME "lessons.json"
#define COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

static const struct field lesson_fields[] = {
    {.key = "upstream",
	.kind = FIELD_STR,
	.offset = offsetof(struct lesson_of, upstream),
	.min = 1,
	.max = TABLE_NAME_BYTES_MAX},
    {.key = "model",
	.kind = FIELD_STR,
	.offset = offsetof(struct lesson_of, model),
	.max = TABLE_NAME_BYTES_MAX},
    {.key = "kind",
	.kind = FIELD_WORD,
	.offset = offsetof(struct lesson_of, lesson.kind),
	.words = lesson_kind_words},
    {.key = "name",
	.kind = FIELD_TEXT,
	.offset = offsetof(struct lesson_of, lesson.name),
	.max = LESSON_NAME_BYTES - 1},
    {.key = "until_ms",
	.kind = FIELD_I64,
	.offset = offsetof(struct lesson_of, lesson.until_ms),
	.max = INT64_MAX},
};

static void
drop(struct lessons_kept *kept, size_t index)
{
	mem_free(kept->items[index].upstream);
	mem_free(kept->items[index].model);
	kept->count--;
	memmove(&kept->items[index], &kept->items[index + 1],
	    (kept->count - index) * sizeof(kept->items[0]));
	kept->revision++;
}

void
lessons_kept_fini(struct lessons_kept *kept)
{
	while (kept->count > 0)
		drop(kept, kept->count - 1);
}

static bool
is_same(const struct lesson_of *one, const struct lesson_of *other)
{
	return one->lesson.kind == other->lesson.kind &&
	       strcmp(one->lesson.name, other->lesson.name) == 0 &&
	       strcmp(one->upstream, other->upstream) == 0 && strcmp(one->model, other->model) == 0;
}

void
lessons_kept_add(
    struct lessons_kept *kept, const struct lesson_of *lesson, int64_t ttl_ms, int64_t wall_ms)
{
	for (size_t i = 0; i < kept->count; i++) {
		if (is_same(&kept->items[i], lesson)) {
			drop(kept, i);
			break;
		}
	}
	if (kept->count == TABLE_LESSONS_MAX)
		drop(kept, 0);
	struct lesson_of *item = &kept->items[kept->count++];
	*item = (struct lesson_of){.upstream = mem_dup_str(lesson->upstream),
	    .model = mem_dup_str(lesson->model),
	    .lesson = lesson->lesson};
	item->lesson.until_ms = wall_ms + ttl_ms;
	kept->revision++;
}

bool
lessons_kept_expire(struct lessons_kept *kept, int64_t wall_ms)
{
	size_t before = kept->count;
	for (size_t i = kept->count; i-- > 0;) {
		if (kept->items[i].lesson.until_ms <= wall_ms)
			drop(kept, i);
	}
	return kept->count < before;
}

int64_t
lessons_kept_next_ms(const struct lessons_kept *kept)
{
	int64_t next = 0;
	for (size_t i = 0; i < kept->count; i++) {
		if (next == 0 || kept->items[i].lesson.until_ms < next)
			next = kept->items[i].lesson.until_ms;
	}
	return next;
}

static bool
fits(const char *wanted, const char *text)
{
	return wanted == NULL || strcmp(wanted, text) == 0;
}

size_t
lessons_kept_forget(struct lessons_kept *kept, const char *upstream, const char *model,
    const char *kind, const char *name)
{
	size_t before = kept->count;
	for (size_t i = kept->count; i-- > 0;) {
		const struct lesson_of *of = &kept->items[i];
		if (fits(upstream, of->upstream) && fits(model, of->model) &&
		    fits(kind, lesson_kind_words[of->lesson.kind]) && fits(name, of->lesson.name))
			drop(kept, i);
	}
	return before - kept->count;
}

static bool
has_upstream(const struct table *table, const char *id)
{
	for (size_t i = 0; i < GROUP_COUNT; i++) {
		for (size_t k = 0; k < table->groups[i].count; k++) {
			if (strcmp(table->groups[i].entries[k].id, id) == 0)
				return true;
		}
	}
	return false;
}

void
lessons_kept_assemble(const struct lessons_kept *kept, struct table *table)
{
	for (size_t i = 0; i < kept->count; i++) {
		const struct lesson_of *from = &kept->items[i];
		if (!has_upstream(table, from->upstream))
			continue;
		struct lesson_of *to = table_add_lesson(table);
		*to = (struct lesson_of){.upstream = mem_dup_str(from->upstream),
		    .model = mem_dup_str(from->model),
		    .lesson = from->lesson};
	}
}

json_t *
lessons_kept_encode(const struct lessons_kept *kept)
{
	json_t *list = json_array();
	for (size_t i = 0; i < kept->count; i++) {
		json_t *one = fields_encode(lesson_fields, COUNT(lesson_fields), &kept->items[i]);
		MUST(json_array_append_new(list, one) == 0);
	}
	return list;
}

/* ---- the file ---- */

bool
lessons_kept_write(const struct lessons_kept *kept, const char *state_dir, struct err *err)
{
	return state_file_write(
	    state_dir, FILE_NAME, json_pack("{s:o}", "lessons", lessons_kept_encode(kept)), err);
}

static bool
decode(struct lessons_kept *kept, const json_t *json, struct err *err)
{
	const json_t *list = fields_member(json, "", "lessons", JSON_ARRAY, err);
	size_t count = json_array_size(list);
	if (list == NULL)
		return false;
	if (count > TABLE_LESSONS_MAX)
		return fields_refuse("", "lessons", err, "has too many entries");
	for (size_t i = 0; i < count; i++) {
		struct lesson_of *item = &kept->items[kept->count++];
		*item = (struct lesson_of){0};
		if (!fields_decode(lesson_fields, COUNT(lesson_fields), json_array_get(list, i),
			"lessons", item, err))
			return false;
	}
	return true;
}

bool
lessons_kept_read(struct lessons_kept *kept, const char *state_dir, struct err *err)
{
	json_t *json;
	if (!state_file_read(state_dir, FILE_NAME, &json, err))
		return false;
	bool ok = json == NULL || decode(kept, json, err);
	if (!ok)
		lessons_kept_fini(kept);
	json_decref(json);
	return ok;
}
