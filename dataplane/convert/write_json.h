/* write_json: JSON text, written front to back into bounded bytes. Commas are put where they
 * belong; failure (the buffer's limit) is sticky and asked for once, by write_json_ok. */
#ifndef PM_WRITE_JSON_H
#define PM_WRITE_JSON_H

#include "bytes.h"
#include "err.h"
#include "view.h"
#include <stdbool.h>
#include <stdint.h>

struct write_json {
	struct bytes *out; /* borrowed */
	bool comma;        /* the next key or item needs one */
	bool full;         /* something did not fit */
};
void write_json_init(struct write_json *json, struct bytes *out);
MUST_CHECK bool write_json_ok(const struct write_json *json);

void write_json_object(struct write_json *json);
void write_json_object_end(struct write_json *json);
void write_json_array(struct write_json *json);
void write_json_array_end(struct write_json *json);
/* Keys are our own words: nothing in them needs escaping. */
void write_json_key(struct write_json *json, const char *key);

/* Values (inside an array, or behind a key). `raw` is a whole JSON value as source text; `text` is
 * the inside of a JSON string with its escapes; `plain` is unescaped and gets escaped. */
void write_json_raw(struct write_json *json, struct view raw);
void write_json_text(struct write_json *json, struct view text);
void write_json_plain(struct write_json *json, struct view plain);
void write_json_int(struct write_json *json, int64_t value);
void write_json_bool(struct write_json *json, bool value);
void write_json_null(struct write_json *json);

/* A key and its value at once. */
void write_json_key_raw(struct write_json *json, const char *key, struct view raw);
void write_json_key_text(struct write_json *json, const char *key, struct view text);
void write_json_key_plain(struct write_json *json, const char *key, struct view plain);
void write_json_key_str(struct write_json *json, const char *key, const char *plain);
void write_json_key_int(struct write_json *json, const char *key, int64_t value);
void write_json_key_bool(struct write_json *json, const char *key, bool value);
void write_json_key_null(struct write_json *json, const char *key);
void write_json_key_object(struct write_json *json, const char *key);
void write_json_key_array(struct write_json *json, const char *key);

/* One string value of several pieces: open, any pieces, close. */
void write_json_open(struct write_json *json);
void write_json_piece_text(struct write_json *json, struct view text);
void write_json_piece_plain(struct write_json *json, struct view plain);
void write_json_close(struct write_json *json);

/* Appends unescaped bytes as the inside of a JSON string. Lone surrogates in their three-byte form
 * (as jsonspan_unescape makes them) become \uXXXX, so that the text stays valid UTF-8. */
MUST_CHECK bool write_json_escape(struct bytes *out, struct view plain);
/* Appends JSON source text; only such three-byte surrogates (inside its strings) are escaped. */
MUST_CHECK bool write_json_source(struct bytes *out, struct view source);

#endif
