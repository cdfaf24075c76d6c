#include "grid.h"
#include "must.h"
#include <stdio.h>
#include <string.h>

#define TEXT_BYTES_MAX (1024 * 1024)
#define CELL_BYTES_MAX 512

void
grid_init(struct grid *grid, size_t columns)
{
	MUST(columns > 0 && columns <= GRID_COLUMNS_MAX);
	*grid = (struct grid){.columns = columns};
	bytes_init(&grid->text, TEXT_BYTES_MAX);
}

void
grid_fini(struct grid *grid)
{
	bytes_fini(&grid->text);
}

void
grid_add(struct grid *grid, const char *fmt, ...)
{
	char cell[CELL_BYTES_MAX];
	va_list args;
	va_start(args, fmt);
	vsnprintf(cell, sizeof(cell), fmt, args);
	va_end(args);
	if (grid->cells < GRID_ROWS_MAX * grid->columns &&
	    bytes_append(&grid->text, cell, strlen(cell) + 1))
		grid->cells++;
}

/* Characters, not bytes: continuation bytes take no place. */
static size_t
width_of(const char *cell)
{
	size_t width = 0;
	for (; *cell != '\0'; cell++)
		width += ((unsigned char)*cell & 0xc0) != 0x80;
	return width;
}

void
grid_clean(struct bytes *out, struct view text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];
		unsigned char next = i + 1 < text.len ? (unsigned char)text.data[i + 1] : 0;
		bool c1 = c == 0xc2 && next >= 0x80 && next < 0xa0;
		MUST(bytes_append_char(out, c < 0x20 || c == 0x7f || c1 ? '?' : text.data[i]));
		i += c1;
	}
}

void
grid_print(const struct grid *grid, size_t indent, struct bytes *out)
{
	size_t widths[GRID_COLUMNS_MAX] = {0};
	const char *cell = grid->text.data;
	for (size_t i = 0; i < grid->cells; i++, cell += strlen(cell) + 1) {
		size_t width = width_of(cell);
		if (width > widths[i % grid->columns])
			widths[i % grid->columns] = width;
	}
	cell = grid->text.data;
	for (size_t i = 0; i < grid->cells; i++, cell += strlen(cell) + 1) {
		size_t column = i % grid->columns;
		bool last = column == grid->columns - 1;
		MUST(column > 0 || bytes_printf(out, "%*s", (int)indent, ""));
		grid_clean(out, view_of(cell));
		if (last)
			MUST(bytes_append_char(out, '\n'));
		else
			MUST(bytes_printf(
			    out, "%*s", (int)(widths[column] - width_of(cell) + 2), ""));
	}
}
