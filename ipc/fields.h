/* fields: a flat struct as a JSON object, by one list of its members that serves both ways, so that
 * what is written and what is read cannot differ. In decoding every member must be there, within
 * its bounds. Unknown ones are passed over: during an upgrade a sender may be one release newer. It
 * may be one older too, so a member that a release adds is a `newcomer` until the release after
 * that. */
#ifndef PM_FIELDS_H
#define PM_FIELDS_H

#include "bytes.h"
#include "err.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum field_kind {
	FIELD_BOOL,
	FIELD_U32,
	FIELD_U64,    /* at most INT64_MAX; more is written as that */
	FIELD_BITS64, /* a random uint64_t, written as int64_t with the same bits */
	FIELD_I64,
	FIELD_STR,     /* char *, owned; never NULL after decoding */
	FIELD_OPT_STR, /* char *, owned, or NULL = JSON null */
	FIELD_TEXT,    /* char[max + 1] inside the struct */
	FIELD_SECRET,  /* struct secret */
	FIELD_SHA256,  /* uint8_t[32], written as hex */
	FIELD_WORD,    /* an enum, written as words[value] */
};

struct field {
	const char *key;
	enum field_kind kind;
	size_t offset;
	int64_t min, max;         /* of the number, or of the length in bytes */
	const char *const *words; /* NULL at the end */
	bool newcomer; /* may be missing: then 0 (or `min`), false, "", NULL, the first word */
};

/* A row for a member of struct `owner`, under its own name. */
#define FIELD_OF(owner, member, field_kind, low, high)                                             \
	{                                                                                          \
		.key = #member, .kind = field_kind, .offset = offsetof(struct owner, member),      \
		.min = low, .max = high                                                            \
	}
#define FIELD_WORD_OF(owner, member, list)                                                         \
	{                                                                                          \
		.key = #member, .kind = FIELD_WORD, .offset = offsetof(struct owner, member),      \
		.words = list                                                                      \
	}

/* A new object, to which the caller may add members. */
json_t *fields_encode(const struct field *fields, size_t count, const void *obj);
/* The members as JSON text, without the braces around them, appended; false at the limit of `out`,
 * with part of it written. Strings must be UTF-8. */
MUST_CHECK bool fields_write(
    const struct field *fields, size_t count, const void *obj, struct bytes *out);
/* Fills `obj`, which was zeroed; what it owns is the caller's to free on failure too. err->at is
 * "<path>.<key>". */
MUST_CHECK bool fields_decode(const struct field *fields, size_t count, const json_t *json,
    const char *path, void *obj, struct err *err);

/* The member, or NULL with err set when it is missing or of another type. Borrowed. */
const json_t *fields_member(
    const json_t *json, const char *path, const char *key, json_type type, struct err *err);
/* An ERR_PEER at "<path>.<key>" (or just `key` at the root). Returns false. */
bool fields_refuse(const char *path, const char *key, struct err *err, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

#endif
