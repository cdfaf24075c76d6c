/* grid: aligned columns for a person. What came from outside cannot move the cursor: control bytes
 * are shown as '?'. */
#ifndef PM_GRID_H
#define PM_GRID_H

#include "bytes.h"
#include "err.h"
#include <stddef.h>

#define GRID_COLUMNS_MAX 12
#define GRID_ROWS_MAX 2048

struct grid {
	size_t columns;
	size_t cells;      /* so far */
	struct bytes text; /* all cells, each behind the other with a NUL */
};

void grid_init(struct grid *grid, size_t columns);
void grid_fini(struct grid *grid);
/* The next cell, row by row. Beyond the bounds it is dropped. */
void grid_add(struct grid *grid, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Appends the rows to `out`, each behind `indent` spaces. */
void grid_print(const struct grid *grid, size_t indent, struct bytes *out);
/* Appends `text` with control bytes (C0, DEL, C1) as '?'. */
void grid_clean(struct bytes *out, struct view text);

#endif
