/*
 * A grid of character cells, and clipped windows onto it. All drawing of the dashboard goes through
 * here; it knows no terminal, so a view can be drawn to text in a test.
 *
 * A `struct canvas` is a small value: a rectangle of a grid. Coordinates are (row, column) from its
 * upper left corner; anything outside is dropped, so a view never checks bounds and never divides
 * by a width. Text is UTF-8 from anywhere: depot/cells.h says what becomes of it.
 */
#ifndef DEPOT_TUI_CANVAS_H
#define DEPOT_TUI_CANVAS_H

#include <depot/base.h>
#include <depot/cells.h>
#include <depot/style.h>

#include "tui/keymap/action.h"

/* Where a click or a wheel turn goes: drawn with the frame, so it is always what is on screen. */
struct hot {
    int y, x, h, w;
    enum action action; /* ACTION_NONE: the area only takes the wheel */
    intptr_t arg;
    int pane; /* the wheel's: given as arg of ACTION_WHEEL_UP and ACTION_WHEEL_DOWN */
};

struct grid {
    int h, w;
    struct depot_cell *cells;
    bool ascii; /* signs have their ASCII twins, other characters become '?' */
    bool wide;  /* with ascii: but characters of two columns stay */
    DEPOT_VEC(struct hot) hots;
};

enum { GRID_MAX_H = 1000, GRID_MAX_W = 2000 };

void dp_grid_init(struct grid *g);
void dp_grid_resize(struct grid *g, int h, int w); /* clears; clamped to the maxima and to 0 */
void dp_grid_clear(struct grid *g);                /* blanks, and no hot areas */
void dp_grid_release(struct grid *g);
const struct depot_cell *dp_grid_cell(const struct grid *g, int y, int x); /* inside only */
/* The grid as text: a line per row, trailing blanks cut. What golden screens are compared with. */
void dp_grid_text(const struct grid *g, struct depot_buf *out);
/* With SGR sequences as the 256-colour palette has them: for pictures of screens. */
void dp_grid_ansi(const struct grid *g, const struct depot_styles *styles, struct depot_buf *out);
/* The last hot area that holds the point; NULL: none. */
const struct hot *dp_grid_hot(const struct grid *g, int y, int x, bool wheel);

/* With attributes: dp_canvas_paint() keeps what is there and adds them. */
enum { STYLE_KEEP = 1 << 13 };

struct canvas {
    struct grid *grid;
    int y, x, h, w; /* h and w are never negative */
};

struct canvas dp_canvas_of(struct grid *g);
struct canvas dp_canvas_sub(const struct canvas *c, int y, int x, int h, int w);

/* Each returns the columns it advanced. `s` may be NULL: nothing. */
int dp_canvas_put(const struct canvas *c, int y, int x, uint32_t style, const char *s);
int dp_canvas_putn(const struct canvas *c, int y, int x, uint32_t style, const char *s, size_t n);
int dp_canvas_putf(const struct canvas *c, int y, int x, uint32_t style, const char *fmt, ...)
    DEPOT_PRINTF(5, 6);

/* Text in a field of exactly `w` columns; what is too long is elided, the rest is left alone. */
enum fit {
    FIT_LEFT,   /* cut at the end */
    FIT_RIGHT,  /* against the right edge; cut at the end */
    FIT_MIDDLE, /* cut in the middle: both ends of a path or an image name tell something */
    FIT_TAIL,   /* cut at the front */
    FIT_HEAD,   /* cut at the end, unmarked: the beginning of an id names it, too */
};
void dp_canvas_field(
    const struct canvas *c, int y, int x, int w, enum fit fit, uint32_t style, const char *s);

void dp_canvas_fill(
    const struct canvas *c, int y, int x, int h, int w, uint32_t style, uint32_t ch);
/* Change the style of what is drawn already: dim it, select it. Keeps the foreground when `style`
 * is only attributes (STYLE_KEEP | DEPOT_ATTR_x). */
void dp_canvas_paint(const struct canvas *c, int y, int x, int h, int w, uint32_t style);

int dp_canvas_glyph(const struct canvas *c, int y, int x, uint32_t style, enum depot_sign g);
void dp_canvas_hline(const struct canvas *c, int y, int x, int w, uint32_t style);
void dp_canvas_vline(const struct canvas *c, int y, int x, int h, uint32_t style);

/* `fraction` of `w` columns as a bar, in half columns; below 0 means not known. */
void dp_canvas_meter(const struct canvas *c, int y, int x, int w, double fraction, uint32_t full);

/* Make a rectangle clickable (and a pane for the wheel when `pane` > 0). */
void dp_canvas_hot(
    const struct canvas *c, int y, int x, int h, int w, enum action action, intptr_t arg, int pane);

#endif
