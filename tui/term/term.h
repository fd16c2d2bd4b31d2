/*
 * The terminal: keys come from it, grids go to it. curses.c alone sees curses.
 */
#ifndef DEPOT_TUI_TERM_H
#define DEPOT_TUI_TERM_H

#include <stdio.h>

#include "canvas.h"
#include "tui/keymap/key.h"

struct term;
struct term_opts {
    int in_fd; /* where keys come from; the terminal, also when stdin is a feed */
    FILE *out;
    bool mouse, title, progress, ascii;
    int color; /* 0: by the terminal; 1: never, 2: 16, 3: 256, 4: true */
};
/* DEPOT_ERR_UNSUPPORTED: no terminal, or one that cannot move its cursor. */
int dp_term_open(
    const struct term_opts *opts, struct term **out, struct depot_error *err) DEPOT_MUST_CHECK;
void dp_term_close(struct term *t); /* gives the terminal back as it was */
enum depot_palette dp_term_palette(const struct term *t);
bool dp_term_ascii(const struct term *t); /* no UTF-8, or asked for */
/* What it answers, which comes some time after the first frame. */
bool dp_term_wide(const struct term *t);  /* characters of ambiguous width take two columns */
bool dp_term_light(const struct term *t); /* its background is light */
void dp_term_size(const struct term *t, int *h, int *w);
/* Bring the screen to what the grid says: one write, none when nothing differs. Returns bytes. */
size_t dp_term_flush(struct term *t, const struct grid *g, const struct depot_styles *styles);
uint64_t dp_term_writes(const struct term *t); /* how many writes frames took */
void dp_term_redraw(struct term *t);           /* the next flush paints everything */
void dp_term_leave(struct term *t);            /* to the shell for a while */
void dp_term_enter(struct term *t);
void dp_term_mouse(struct term *t, bool on);
bool dp_term_has_mouse(const struct term *t);
/* False: it has no clipboard. */
bool dp_term_copy(struct term *t, const void *data, size_t n);
void dp_term_outside(struct term *t, const char *title, int percent, bool failed);
/* Where keys come from, to be watched; non-blocking. */
int dp_term_fd(const struct term *t);
/* Next key that is ready; false: none. *wait_ms in: -1 after having waited; out: an ESC may be the
 * start of a sequence, ask again after so long; 0: no need. */
bool dp_term_key(struct term *t, struct key *out, int *wait_ms);
/* It was hung up: no key will come. */
bool dp_term_gone(const struct term *t);

#endif
