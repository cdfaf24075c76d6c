/* inflate: gzip, deflate and zstd, bounded (zlib, libzstd). */
#ifndef PM_INFLATE_H
#define PM_INFLATE_H

#include "bytes.h"
#include "err.h"
#include "view.h"
#include <stdbool.h>

enum coding { CODING_IDENTITY, CODING_GZIP, CODING_DEFLATE, CODING_ZSTD, CODING_UNKNOWN };
/* A Content-Encoding value; empty is identity; a list of several is UNKNOWN. */
enum coding coding_parse(struct view value);

struct inflate; /* streaming, any split */
struct inflate *inflate_new(enum coding coding);
void inflate_free(struct inflate *inflate);
/* Appends to `out`; its max is the limit (ERR_LIMIT). ERR_PARSE for broken input or bytes behind
 * the end. */
MUST_CHECK bool inflate_feed(
    struct inflate *inflate, struct view in, struct bytes *out, struct err *err);
/* The stream's own end was reached. */
bool inflate_done(const struct inflate *inflate);
/* Whole body at once. */
MUST_CHECK bool inflate_body(
    enum coding coding, struct view in, struct bytes *out, struct err *err);

#endif
