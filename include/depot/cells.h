/*
 * Cells of a terminal, and how text becomes cells: what the dashboard's grid and the rows of the
 * live display are made of. Text may come from anywhere: control characters, characters that turn
 * the writing direction and escape sequences' ESC never reach a cell, invalid bytes become '?', a
 * tab a blank, and a wide character that does not fit whole is not drawn.
 */
#ifndef DEPOT_CELLS_H
#define DEPOT_CELLS_H

#include <depot/buf.h>

#include <stdbool.h>
#include <stdint.h>

enum { DEPOT_CELL_MARKS = 2 };

/* One column. Without padding, so that rows may be compared as bytes. */
struct depot_cell {
    uint32_t ch;                      /* 0: the right half of a wide character */
    uint32_t marks[DEPOT_CELL_MARKS]; /* combining characters, 0: none; more are dropped */
    uint32_t style;                   /* style.h */
    uint32_t width;                   /* columns of ch, 1 or 2; 0: the right half */
};
_Static_assert(sizeof(struct depot_cell) == (3 + DEPOT_CELL_MARKS) * sizeof(uint32_t),
    "cells have no padding");

#define DEPOT_CELL_BLANK                                                                           \
    {                                                                                              \
        .ch = ' ', .width = 1                                                                      \
    } /* initialises one */

/* What a terminal can show. */
enum depot_charset {
    DEPOT_CHARSET_UTF8,
    DEPOT_CHARSET_ASCII,
    DEPOT_CHARSET_WIDE, /* ASCII, and characters of two columns: those of an East Asian font */
};

/* `width` columns of cells of which only [from, to) may be written. */
struct depot_row {
    struct depot_cell *cells;
    int width, from, to;
    enum depot_charset charset;
};

/* Put text at column `x`, which may lie outside; what is outside is dropped. Returns the columns it
 * advanced by. */
int depot_row_put(const struct depot_row *r, int x, uint32_t style, const char *s, size_t n);
/* Put a character of `width` columns, or nothing when it does not fit whole: false. */
bool depot_row_put_char(const struct depot_row *r, int x, uint32_t style, uint32_t ch, int width);
/* Add a combining character to the cell before column `x`. */
void depot_row_put_mark(const struct depot_row *r, int x, uint32_t mark);

/* `fraction` of `w` columns as a bar, in half columns; below 0, or NaN, means not known. */
void depot_row_put_meter(const struct depot_row *r, int x, int w, double fraction, uint32_t full);

/* Append a cell's character with its marks as UTF-8; of a right half nothing. */
void depot_cell_put(struct depot_buf *out, const struct depot_cell *c);

#endif
