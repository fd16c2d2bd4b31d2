/*
 * Completion: the words that may stand at a place of a line, and which of them does.
 */
#ifndef DEPOT_TUI_COMPLETE_H
#define DEPOT_TUI_COMPLETE_H

#include "tui/term/canvas.h"

#include <depot/buf.h>

struct candidate {
    char *text, *note; /* the note is shown beside it; NULL: none */
};

/* Zeroed: nothing is being completed. */
struct completion {
    DEPOT_VEC(struct candidate) items;
    char *typed; /* the word as it was typed */
    size_t from; /* the byte of the line at which it begins */
    size_t at;   /* the candidate that stands there; items.len: the word as typed */
};

/* Before the candidates are offered. */
void dp_completion_begin(struct completion *c, size_t from, const char *typed, size_t n);
/* A word that may be meant: kept when it, or its note, begins with what was typed, and it was not
 * offered before. Both are copied; `note` may be NULL. */
void dp_completion_offer(struct completion *c, const char *text, const char *note);
/* Tab pressed once more, or Shift-Tab with `by` below 0: what stands there now. At first that is
 * all that the candidates have in common, when it is more than what was typed. */
const char *dp_completion_step(struct completion *c, int by);
void dp_completion_end(struct completion *c);
/* The candidates in one row, a page of them that has the one which stands there. */
void dp_completion_draw(const struct completion *c, const struct canvas *row);

#endif
