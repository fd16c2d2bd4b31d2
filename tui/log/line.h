/*
 * One line of a log as cells: what a terminal that knows colours alone would show of its bytes.
 *
 * A carriage return, a backspace and "erase in line" act within the line, tabs go to columns of
 * eight, SGR sequences become styles; every other control and sequence is dropped, so that a step
 * can neither move our cursor nor hide its text. It draws nothing.
 */
#ifndef DEPOT_TUI_LOG_LINE_H
#define DEPOT_TUI_LOG_LINE_H

#include <depot/buf.h>

#include "tui/term/canvas.h"

enum { LOG_COLUMNS_MAX = 128 * 1024 }; /* of one line; what stands behind is not drawn */

/* By column: behind a wide character stands a cell of width 0, as in a grid. */
struct log_cells {
    DEPOT_VEC(struct depot_cell) cells;
};
void dp_log_cells_release(struct log_cells *l);

/* `data` without its newline. `colours` false: all of it in DEPOT_STYLE_TEXT. */
void dp_log_line_decode(struct log_cells *out, const char *data, size_t n, bool colours);
/* All of it printable ASCII: its bytes are its columns. */
bool dp_log_line_is_plain(const char *data, size_t n);

/* Bytes of a text and the column each belongs to. */
struct log_text {
    struct depot_buf text;
    DEPOT_VEC(uint32_t) columns; /* one per byte, and one for the end */
};
void dp_log_text_release(struct log_text *t);
/* The cells from column `from` up to `to` as UTF-8. */
void dp_log_cells_text(const struct log_cells *l, size_t from, size_t to, struct log_text *out);

#endif
