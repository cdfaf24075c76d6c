/* edit: one change of a document, as the admin side asks for it. Pure: it knows sections, lists and
 * entries, not what a value means; the whole is checked afterwards. */
#ifndef PM_EDIT_H
#define PM_EDIT_H

#include "err.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Of an entry of a list, or of a section that is an object. */
enum edit_op {
	EDIT_ADD,       /* list: value, at position */
	EDIT_REPLACE,   /* entry or section: value */
	EDIT_MERGE,     /* entry or section: value's members; null removes */
	EDIT_REMOVE,    /* entry */
	EDIT_MOVE,      /* entry: to */
	EDIT_DUPLICATE, /* entry: the copy's name ends in suffix */
	EDIT_TOGGLE,    /* entry: enabled becomes the other */
	EDIT_ORDER,     /* list: value is all its ids */
	EDIT_SETTINGS,  /* value: {"section.word": value or null, ...} */
	EDIT_DOCUMENT,  /* value is the whole; without access words those of before hold */
	EDIT_OPS,
};

struct edit {
	enum edit_op op;
	const char *section;
	const char *id; /* of the entry; NULL: by index */
	int64_t index;  /* -1 = not said */
	const json_t *value;
	const json_t *to;       /* "up", "down", "top", "bottom", or a place */
	const char *suffix;     /* NULL: " (copy)" */
	const char *name_words; /* of a new entry without name: "API-#"; NULL = none */
	const char *stamp;      /* the moment for created_at, updated_at */
};

/* Reads a question's body; the strings and values are borrowed from it. `stamp` when it names none.
 */
MUST_CHECK bool edit_read(const json_t *body, const char *stamp, struct edit *out, struct err *err);
/* Changes `*root` (which has all ids), or puts another in its place. *at is the place of the entry
 * afterwards, -1 = none. On failure `*root` may be half changed: throw it away. */
MUST_CHECK bool edit_apply(json_t **root, const struct edit *edit, int64_t *at, struct err *err);
/* One word for what was done: "add", "merge", ... */
const char *edit_op_name(enum edit_op op);

#endif
