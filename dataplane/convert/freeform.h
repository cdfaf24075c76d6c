/* freeform: the input of a custom (freeform) tool, which is any text, inside a function call's
 * JSON, where protocols without custom tools carry it: {"input":"<text>"}. */
#ifndef PM_FREEFORM_H
#define PM_FREEFORM_H

#include "bytes.h"
#include "err.h"
#include "view.h"
#include <stdbool.h>

#define FREEFORM_SCHEMA                                                                            \
	"{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}},"                   \
	"\"required\":[\"input\"],\"additionalProperties\":false}"

/* JSON source of a call's input -> the text (_text, appended): the string member "input" when it is
 * there, else the whole source as it stands (escaped). False at out's limit. */
MUST_CHECK bool freeform_text(struct view input_json, struct bytes *out);
/* _text -> {"input":"<text>"} (appended). */
MUST_CHECK bool freeform_json(struct view text, struct bytes *out);
/* The description of the function that stands for a custom tool (_text, appended): its own, then
 * the grammar's definition from `format_json` when it has one. */
MUST_CHECK bool freeform_description(
    struct view description_text, struct view format_json, struct bytes *out);

/* The same as freeform_text over a stream of pieces: _text comes out as soon as it is certain. */
struct freeform {
	struct bytes json; /* what is not certain yet */
	int state;
};
void freeform_init(struct freeform *freeform, size_t bytes_max);
void freeform_fini(struct freeform *freeform);
/* Appends to `out` what is new; never a cut escape. */
MUST_CHECK bool freeform_feed(struct freeform *freeform, struct view piece, struct bytes *out);
/* The input is complete: appends the rest. */
MUST_CHECK bool freeform_end(struct freeform *freeform, struct bytes *out);

#endif
