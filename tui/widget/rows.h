/*
 * A list of `count` rows of which one is selected. Rows have stable keys of the view's own, so that
 * the selected row keeps its place on the screen when others come and go above it.
 */
#ifndef DEPOT_TUI_ROWS_H
#define DEPOT_TUI_ROWS_H

#include "tui/keymap/action.h"
#include "tui/term/canvas.h"

struct rows {
    size_t count, selected, top;
    int page;    /* rows on the screen, set while drawing */
    bool follow; /* keep the last row selected */
};
/* Handles movement actions, ACTION_SELECT and the wheel (three rows); false: it is another. */
bool dp_rows_action(struct rows *r, enum action a, intptr_t arg);
/* Before drawing: `page` rows fit. Clamps, and scrolls so that the selection is visible. */
void dp_rows_layout(struct rows *r, size_t count, int page);
/* The selected row is now at `index`: it keeps its line on the screen. */
void dp_rows_move(struct rows *r, size_t index);
/* A thin scroll mark in the last column; nothing when all rows are visible. */
void dp_rows_scrollbar(const struct rows *r, const struct canvas *c, int y, int x, int h);

#endif
