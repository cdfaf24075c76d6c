/* jsonspan: where the members of a JSON text lie, without building a tree.
 *
 * A full RFC 8259 grammar check in one pass (SSE2 over strings where there is SSE2), with two
 * deliberate widenings, since real clients send them and we pass bytes on: lone surrogate escapes
 * ("\ud83d") and numbers of any size and precision are fine. Raw bytes in strings must be valid
 * UTF-8. Depth is limited. Values are views into the caller's text, opaque and exact. */
#ifndef PM_JSONSPAN_H
#define PM_JSONSPAN_H

#include "bytes.h"
#include "err.h"
#include "view.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSONSPAN_DEPTH_MAX 256

enum jsonspan_kind {
	JSONSPAN_NONE = 0, /* not there */
	JSONSPAN_NULL,
	JSONSPAN_BOOL,
	JSONSPAN_NUMBER,
	JSONSPAN_STRING, /* view includes the quotes */
	JSONSPAN_ARRAY,
	JSONSPAN_OBJECT,
};

struct jsonspan_value {
	enum jsonspan_kind kind;
	struct view raw; /* exact source text without surrounding space */
};

/* What to look for among the members of the top object. */
struct jsonspan_want {
	const char *key;             /* plain text; source keys are compared after unescaping */
	struct jsonspan_value value; /* out: NONE when absent; the last one when repeated */
	unsigned count;              /* out: how often the key stood there */
};

/* Checks that `text` is exactly one JSON value (space around it allowed) and fills the wants when
 * it is an object. Returns false with ERR_PARSE and err->at "offset N" otherwise. `root` (may be
 * NULL) tells the kind and span of the whole value. Cost: one pass, no allocation. */
MUST_CHECK bool jsonspan_scan(struct view text, struct jsonspan_want *wants, size_t count,
    struct jsonspan_value *root, struct err *err);

/* Walk the members of an object or the items of an array. `value` must have passed jsonspan_scan
 * (as part of any checked text); the walk does not check again. */
struct jsonspan_iter {
	struct view rest;
	bool object;
};
struct jsonspan_member {
	struct view key; /* inside of the key's quotes, escapes as in the source; empty in arrays */
	bool key_escaped; /* the key holds a backslash: compare by jsonspan_key_is */
	struct jsonspan_value value;
	struct view whole; /* from the key's quote (or the value) to the value's end */
};
void jsonspan_iter_init(struct jsonspan_iter *iter, struct jsonspan_value value);
bool jsonspan_next(struct jsonspan_iter *iter, struct jsonspan_member *out);
bool jsonspan_key_is(const struct jsonspan_member *member, const char *key);
/* The last member `key` of a checked object; kind NONE when absent or `object` is none. */
struct jsonspan_value jsonspan_get(struct jsonspan_value object, const char *key);
/* The value of a checked text (span of its only value, no second check). */
struct jsonspan_value jsonspan_root(struct view checked);

/* Appends the unescaped content of a string value. A lone surrogate becomes its three-byte form
 * (WTF-8). False at out's limit. */
MUST_CHECK bool jsonspan_unescape(struct jsonspan_value string, struct bytes *out);
/* Compares the unescaped content with `text`; false for any other kind. */
bool jsonspan_str_is(struct jsonspan_value string, const char *text);
/* The inside of the quotes when it has no escapes; false (and nothing) when it has. */
bool jsonspan_str_plain(struct jsonspan_value string, struct view *out);
bool jsonspan_bool(struct jsonspan_value value, bool *out);
/* An integer that fits; "12", not "12.0" or "1e1". */
bool jsonspan_i64(struct jsonspan_value value, int64_t *out);

#endif
