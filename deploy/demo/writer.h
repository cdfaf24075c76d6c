/* writer: text that is made piece by piece; running full is remembered, not reported at each piece.
 */
#ifndef PM_WRITER_H
#define PM_WRITER_H

#include "bytes.h"
#include "view.h"

struct writer {
	struct bytes bytes;
	bool full; /* something did not fit: the text is useless */
};

void writer_init(struct writer *out, size_t max_bytes);
void writer_fini(struct writer *out);
void writer_view(struct writer *out, struct view v);
/* Appends the template `fmt`, in which ' stands for a double quote and $ begins an argument:
 *   $s struct view, as a quoted JSON string      $r struct view, as it is
 *   $u uint64_t      $i int64_t      $b int, as true or false
 * Templates are constants of this program; any other letter aborts. */
void writer_put(struct writer *out, const char *fmt, ...);
struct view writer_text(const struct writer *out);

#endif
