/*
 * Tables: columns that the width chooses, their headings, and charts of small bars. What stands in
 * a cell is the view's matter.
 */
#ifndef DEPOT_TUI_TABLE_H
#define DEPOT_TUI_TABLE_H

#include <depot/event.h>

#include "filter.h"
#include "rows.h"

enum { TABLE_GAP = 2, TABLE_LEFT = 3, TABLE_COLUMNS_MAX = 16 };

struct table_column {
    const char *title;
    int min, max;
    int spread; /* share of the columns that are left */
    int rank;   /* the lower, the sooner a narrow screen has it; 0 to 9 */
    bool right;
    int sort; /* the view's own number, given with ACTION_SORT_BY; -1: none */
};
/* Widths of `n` columns in `w`; 0: left out. */
void dp_table_widths(const struct table_column *cols, size_t n, int w, int *widths);
void dp_table_heads(const struct canvas *c, int y, const struct table_column *cols, size_t n,
    const int *widths, int sort, bool inverted);

/* The order of rows: one of the view's own numbers, perhaps turned round. */
struct table_order {
    int by;
    bool inverted;
};
struct table_order_key {
    enum action action;
    int by;
};
/* What a sort action makes of it; the present order chosen again is turned round. `keys` are those
 * of single orders, of which there are `orders`. False: `a` is no such action. */
bool dp_table_sort(struct table_order *o, enum action a, intptr_t arg, int orders,
    const struct table_order_key *keys, size_t nkeys);

/* Green, then yellow from 80 % on, then red from 95 %. */
uint32_t dp_level_style(double fraction);
/* "label ━━━━──── 9.1G of 32G" in `w` columns. Below 0 is not known. */
void dp_table_amount(
    const struct canvas *c, int y, int x, int w, const char *label, int64_t used, int64_t total);

/* A bar of `fraction` of `h` rows that stands on the lowest, in eighths of a row. */
void dp_bar_up(const struct canvas *c, int y, int x, int h, int w, double fraction, uint32_t style);

#endif
