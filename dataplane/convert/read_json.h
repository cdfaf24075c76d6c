/* read_json: typed members of checked JSON objects, for decoders. One walk for each object.
 *
 *   enum { M_TYPE, M_TEXT, M_COUNT };
 *   struct jsonspan_want m[M_COUNT] = {[M_TYPE] = {.key = "type"}, [M_TEXT] = {.key = "text"}};
 *   read_json_members(value, m, M_COUNT);
 *   if (!read_json_text(&m[M_TEXT], path, &part->text, err)) return false;
 *
 * JSON null counts as absent everywhere. A member of a wrong kind gives ERR_PARSE with err->at
 * "<path>.<key>" ("<key>" when path is empty). */
#ifndef PM_READ_JSON_H
#define PM_READ_JSON_H

#include "arena.h"
#include "err.h"
#include "jsonspan.h"
#include "model.h"
#include "view.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fills the wants from a checked object (any other kind has no members). The last of a repeated key
 * counts; null becomes NONE. Returns how many other members with a value that says something
 * (read_json_is_default is false) it has. */
size_t read_json_members(struct jsonspan_value object, struct jsonspan_want *wants, size_t count);
/* null, false, 0, "", [], {} or absent: nobody misses it when it is dropped. */
bool read_json_is_default(struct jsonspan_value value);

/* The members of one value, found in one walk, for whoever asks for many of them. */
#define READ_JSON_OBJECT_MEMBERS 16
struct read_json_object {
	struct jsonspan_value source;
	size_t count; /* READ_JSON_OBJECT_MEMBERS + 1: more than there is room for */
	struct jsonspan_member members[READ_JSON_OBJECT_MEMBERS];
};
/* `source` is a checked value; only an object has members. */
void read_json_object(struct jsonspan_value source, struct read_json_object *out);
/* As jsonspan_get finds it in the source. */
struct jsonspan_value read_json_get(const struct read_json_object *object, const char *key);
/* As read_json_members fills it: null is absent. */
struct jsonspan_want read_json_want(const struct read_json_object *object, const char *key);

/* Absent leaves *out as it was. */
MUST_CHECK bool read_json_text(
    const struct jsonspan_want *member, const char *path, struct view *out, struct err *err);
/* Unescaped; a view of the source when it has no escapes, else in the arena. */
MUST_CHECK bool read_json_plain(struct arena *arena, const struct jsonspan_want *member,
    const char *path, struct view *out, struct err *err);
MUST_CHECK bool read_json_int(const struct jsonspan_want *member, const char *path, int64_t min,
    int64_t max, int64_t *out, struct err *err);
MUST_CHECK bool read_json_tri(
    const struct jsonspan_want *member, const char *path, enum tri *out, struct err *err);
/* A number as source text. */
MUST_CHECK bool read_json_number(
    const struct jsonspan_want *member, const char *path, struct view *out, struct err *err);
/* The value of a number's source text, for comparing only: what is sent is the source. */
double read_json_double(struct view number_json);
/* An array, object, ...: the value must be of `kind`. */
MUST_CHECK bool read_json_kind(const struct jsonspan_want *member, const char *path,
    enum jsonspan_kind kind, struct jsonspan_value *out, struct err *err);
/* The member must be there (a check of its kind comes on its own). */
MUST_CHECK bool read_json_need(
    const struct jsonspan_want *member, const char *path, struct err *err);
/* ERR_PARSE at "<path>.<key>"; `key` may be NULL. */
bool read_json_wrong(struct err *err, const char *path, const char *key, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* A count of tokens or the like: -1 when it is none or below zero; one above the limit, which no
 * call can use, is the limit, so that sums of counts are safe. */
#define READ_JSON_COUNT_MAX INT64_C(1000000000)
int64_t read_json_count(struct jsonspan_value value);

/* The inside of a string value; empty for any other kind. */
struct view read_json_inside(struct jsonspan_value string);
/* Unescaped copy (or the source itself when nothing is escaped); data NULL at the arena's limit. */
struct view read_json_unescape(struct arena *arena, struct jsonspan_value string);
/* A terminated path in the arena, "messages[2].content[0]"; "" at the arena's limit. */
const char *read_json_path(struct arena *arena, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The arguments string of a call (a JSON object as a string) into part->input_json. Empty, blank,
 * "null" and an absent string give {}. What is no object gives {"_raw":"<string>"}, input_broken,
 * and part->text holds the string (_text) as it was. False at the arena's limit. */
MUST_CHECK bool read_json_arguments(
    struct arena *arena, struct jsonspan_value string, struct part *part);
/* A new leftover of the request; `vital`: see model.h. False at the arena's limit. */
MUST_CHECK bool read_json_leftover(
    struct request *request, struct view key_text, struct jsonspan_value value, bool vital);

#endif
