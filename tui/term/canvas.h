/*
 * A grid of character cells, and clipped windows onto it. All drawing of the dashboard goes through
 * here; it knows no terminal, so a view can be drawn to text in a test.
 *
 * A `struct canvas` is a small value: a rectangle of a grid. Coordinates are (row, column) from its
 * upper left corner; anything outside is dropped, so a view never checks bounds and never divides
 * by a width. Text is UTF-8 from anywhere: control characters, bidirectional controls and escape
 * sequences' ESC never reach a cell, invalid bytes become '?', text is cut by columns, and a wide
 * character that does not fit whole is not drawn.
 */
#ifndef DEPOT_TUI_CANVAS_H
#define DEPOT_TUI_CANVAS_H

#include <depot/base.h>

#include "style.h"
#include "tui/keymap/action.h"

enum { CELL_MARKS = 2 };

struct cell {
    uint32_t ch;                /* 0 behind a wide character */
    uint32_t marks[CELL_MARKS]; /* combining characters, 0: none; more are dropped */
    uint32_t style;
    uint8_t width; /* columns of ch: 1 or 2; 0 behind a wide character */
};

/* Where a click or a wheel turn goes: drawn with the frame, so it is always what is on screen. */
struct hot {
    int y, x, h, w;
    enum action action; /* ACTION_NONE: the area only takes the wheel */
    intptr_t arg;
    int pane; /* the wheel's: given as arg of ACTION_WHEEL_UP and ACTION_WHEEL_DOWN */
};

struct grid {
    int h, w;
    struct cell *cells;
    bool ascii; /* glyphs from the ASCII column, other characters become '?' */
    bool wide;  /* with ascii: but characters of two columns stay */
    DEPOT_VEC(struct hot) hots;
};

enum { GRID_MAX_H = 1000, GRID_MAX_W = 2000 };

void dp_grid_init(struct grid *g);
void dp_grid_resize(struct grid *g, int h, int w); /* clears; clamped to the maxima and to 0 */
void dp_grid_clear(struct grid *g);                /* blanks, and no hot areas */
void dp_grid_release(struct grid *g);
const struct cell *dp_grid_cell(const struct grid *g, int y, int x); /* inside only */
/* The grid as text: a line per row, trailing blanks cut. What golden screens are compared with. */
void dp_grid_text(const struct grid *g, struct depot_buf *out);
/* With SGR sequences as the 256-colour palette has them: for pictures of screens. */
void dp_grid_ansi(const struct grid *g, const struct style_set *styles, struct depot_buf *out);
/* The last hot area that holds the point; NULL: none. */
const struct hot *dp_grid_hot(const struct grid *g, int y, int x, bool wheel);

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
 * is only attributes (STYLE_KEEP | ATTR_x). */
void dp_canvas_paint(const struct canvas *c, int y, int x, int h, int w, uint32_t style);

/* Glyphs: one column wide in every font, with an ASCII twin. */
enum glyph {
    GLYPH_WAIT,
    GLYPH_RUN,
    GLYPH_HIT,
    GLYPH_SKIP,
    GLYPH_SHARED,
    GLYPH_RAN,
    GLYPH_FAIL,
    GLYPH_CANC,
    GLYPH_WARN,
    GLYPH_NONE, /* unreached */
    GLYPH_CRITICAL,
    GLYPH_HLINE,
    GLYPH_VLINE,
    GLYPH_NODE,      /* a stage on its rail */
    GLYPH_FORK,      /* rail leaving downwards to the right */
    GLYPH_JOIN,      /* rail coming back */
    GLYPH_TEE_RIGHT, /* vertical with a branch to the right */
    GLYPH_TEE_LEFT,
    GLYPH_TEE_DOWN,
    GLYPH_TEE_UP,
    GLYPH_CROSS,
    GLYPH_CORNER_TL,
    GLYPH_CORNER_TR,
    GLYPH_CORNER_BL,
    GLYPH_CORNER_BR,
    GLYPH_FOLDED,
    GLYPH_OPEN,
    GLYPH_CURSOR, /* left of a selected row */
    GLYPH_TAG,
    GLYPH_ELLIPSIS,
    GLYPH_BULLET,
    GLYPH_UP,
    GLYPH_DOWN,
    GLYPH_BAR_FULL, /* a cell of a meter */
    GLYPH_BAR_HALF, /* its left half */
    GLYPH_BAR_EMPTY,
    GLYPH_COUNT
};
uint32_t dp_glyph(bool ascii, enum glyph g);
int dp_canvas_glyph(const struct canvas *c, int y, int x, uint32_t style, enum glyph g);
void dp_canvas_hline(const struct canvas *c, int y, int x, int w, uint32_t style);
void dp_canvas_vline(const struct canvas *c, int y, int x, int h, uint32_t style);

/* `fraction` of `w` columns as a bar, in half columns; below 0 means not known. */
void dp_canvas_meter(const struct canvas *c, int y, int x, int w, double fraction, uint32_t full);

/* Make a rectangle clickable (and a pane for the wheel when `pane` > 0). */
void dp_canvas_hot(
    const struct canvas *c, int y, int x, int h, int w, enum action action, intptr_t arg, int pane);

#endif
