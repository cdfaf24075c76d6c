/* jget: typed getters on jansson objects; absent and wrong are different answers.
 *
 * Each returns false only when the member is there with a wrong type or out of range; err->at is
 * then "<path>.<key>" and err->kind ERR_CONFIG. An absent member (or JSON null) leaves *out as it
 * was and returns true. `path` is the object's own path, "" for the root. `obj` NULL has no
 * members; anything else that is no object is refused at `path`. */
#ifndef PM_JGET_H
#define PM_JGET_H

#include "err.h"
#include "view.h"
#include <jansson.h>
#include <stdint.h>

MUST_CHECK bool jget_str(
    const json_t *obj, const char *path, const char *key, struct view *out, struct err *err);
MUST_CHECK bool jget_int(const json_t *obj, const char *path, const char *key, int64_t min,
    int64_t max, int64_t *out, struct err *err);
/* Integers and reals. */
MUST_CHECK bool jget_num(const json_t *obj, const char *path, const char *key, double min,
    double max, double *out, struct err *err);
MUST_CHECK bool jget_bool(
    const json_t *obj, const char *path, const char *key, bool *out, struct err *err);
/* *out borrowed; NULL when absent. */
MUST_CHECK bool jget_array(
    const json_t *obj, const char *path, const char *key, const json_t **out, struct err *err);
MUST_CHECK bool jget_object(
    const json_t *obj, const char *path, const char *key, const json_t **out, struct err *err);
/* Strict parse of a whole document: one value of any type, no duplicate keys, no trailing bytes.
 * The caller json_decref's *out (NULL on failure). err->at is "line L column C"; err->msg never
 * quotes the text. */
MUST_CHECK bool jget_parse(struct view text, json_t **out, struct err *err);
/* Compact dump, terminated; the caller mem_free's. `len` may be NULL. Reals have 15 digits, so that
 * 0.1 stays 0.1. Aborts on out of memory. */
char *jget_dump(const json_t *value, size_t *len);

#endif
