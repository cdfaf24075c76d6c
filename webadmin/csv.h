/* csv: rows of comma-separated values (RFC 4180), such that a spreadsheet runs none of them. PURE.
 */
#ifndef PM_CSV_H
#define PM_CSV_H

#include "bytes.h"
#include <jansson.h>

/* Appends one cell, and a comma before it unless it is the `first`. Text is quoted where it must
 * be; one that a spreadsheet would take for a formula (it begins with = + - @, tab or CR) gets a '
 * in front. False at the limit of `out`. */
MUST_CHECK bool csv_text(struct bytes *out, struct view text, bool first);
/* A member of a JSON object: numbers as they are, true and false, null and absent as nothing, lists
 * and objects as JSON text. */
MUST_CHECK bool csv_value(struct bytes *out, const json_t *value, bool first);
/* CR LF */
MUST_CHECK bool csv_end(struct bytes *out);

#endif
