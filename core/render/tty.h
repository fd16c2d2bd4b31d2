/*
 * The tty sink's own records: cells of the terminal, rows of steps, what is kept of logs.
 */
#ifndef DEPOT_CORE_RENDER_TTY_H
#define DEPOT_CORE_RENDER_TTY_H

#include "render/render_priv.h"

#include <depot/cells.h>
#include <depot/clock.h>

enum {
    DP_TTY_WIDTH_MAX = 400,
    DP_TTY_ROWS_MAX = 24,
    DP_TTY_COLUMNS_MAX = 6,
    DP_TTY_TAIL_LINES = 200,       /* of a failed step */
    DP_TTY_TAIL_BYTES = 64 * 1024, /* kept of any step's log for them */
    DP_TTY_DERIVE_AT_ONCE = 5000,  /* steps; of more the whole graph is looked at once a second */
};

/* ---- tty_screen.c: what is on the terminal, and how it gets there ---- */

struct dp_tty_line {
    struct depot_cell cells[DP_TTY_WIDTH_MAX];
    int len; /* columns used */
    enum depot_charset charset;
};

struct dp_tty_screen {
    struct dp_tty_line *shown, *next; /* DP_TTY_ROWS_MAX of each */
    int nshown, nnext;
    int row, col;   /* of the cursor, while writing; at rest it is below the last line */
    int width;      /* columns that may be used: the last one stays free */
    uint32_t style; /* of the terminal, while writing */
    enum depot_charset charset;
    struct depot_styles styles;
};

void dp_tty_screen_init(struct dp_tty_screen *s, const struct depot_render_opts *opts);
void dp_tty_screen_release(struct dp_tty_screen *s);
/* Begin the next frame. */
void dp_tty_screen_start(struct dp_tty_screen *s, int width);
/* A new line at its end; NULL when it is full. */
struct dp_tty_line *dp_tty_screen_line(struct dp_tty_screen *s);
/* Write what differs from the frame before. */
void dp_tty_screen_draw(struct dp_tty_screen *s, struct depot_buf *out);
/* Take the lines away; the cursor is where the first one was. */
void dp_tty_screen_erase(struct dp_tty_screen *s, struct depot_buf *out);
/* The terminal became `width` by `height`: it broke lines that are longer. Takes them away. */
void dp_tty_screen_rewrap(struct dp_tty_screen *s, struct depot_buf *out, int width, int height);

/* Append to a line what fits before column `end`. */
void dp_tty_put(struct dp_tty_line *l, enum depot_style style, const char *s, int end);
/* The same with its end elided when it does not fit. */
void dp_tty_put_cut(struct dp_tty_line *l, enum depot_style style, const char *s, int end);
void dp_tty_put_sign(struct dp_tty_line *l, enum depot_style style, enum depot_sign sign, int end);
void dp_tty_put_meter(struct dp_tty_line *l, int columns, double fraction, int end);
void dp_tty_pad(struct dp_tty_line *l, int column);

/* ---- tty_rows.c: steps as rows, platforms as columns ---- */

/* A line of the Dockerfile: the same step of each platform. */
struct dp_tty_row {
    DEPOT_VEC(const struct depot_step *) steps;
    enum depot_step_kind kind;
    /* Of the newest look at it: */
    bool running, failed, ran, hit;
    bool shown;
    int lines; /* below it */
};

struct dp_tty_column {
    const char *platform; /* "" : all of them */
    const char *label;
    const struct depot_part *part;
    struct depot_counts counts;
    int done;
    bool slower;
};

/* What a row says of one column. */
struct dp_tty_state {
    const struct depot_step *step; /* NULL: nothing yet */
    enum depot_outcome outcome;
    int64_t ns;
};

/* The end of a step's log, raw. */
struct dp_tty_log {
    struct depot_buf buf;
    uint64_t dropped_lines;
};

struct dp_tty {
    struct depot_render base;
    struct dp_tty_screen screen;
    DEPOT_VEC(struct dp_tty_row *) rows; /* in order of their first start */
    struct depot_map *row_by_key;
    size_t nstarted;                     /* of the build's started steps that are in rows */
    DEPOT_VEC(struct dp_tty_log *) logs; /* by index of the step; NULL: none */
    DEPOT_VEC(int64_t) engine_ahead;     /* by index of the part: engine's clock minus `now` */
    struct dp_tty_column columns[DP_TTY_COLUMNS_MAX];
    int ncolumns;
    bool flat;       /* platforms are not columns: a row for each step */
    int label_width; /* of the widest "stage 2/9" and a gap */
    size_t nlabels;  /* of the build's steps that were measured for it */

    bool any, dirty, over, covered;
    uint64_t started;    /* when the first event came */
    uint64_t painted;    /* when the newest frame was composed */
    uint64_t not_before; /* no frame until then */
    uint64_t derived;
    uint64_t now;    /* of the frame being composed */
    int64_t changes; /* nanoseconds until a number of it changes; INT64_MAX: never */
    bool resized;
};

/* Take steps that have started since; find the columns; look at each row. */
void dp_tty_rows_update(struct dp_tty *t, int width);
struct dp_tty_state dp_tty_state_of(
    const struct dp_tty *t, const struct dp_tty_row *row, const struct dp_tty_column *col);

/* ---- tty_log.c ---- */
void dp_tty_log_add(
    struct dp_tty *t, const struct depot_step *s, const struct depot_vertex_log *log);
/* Logs of steps that can no longer fail. */
void dp_tty_log_forget(struct dp_tty *t, const struct depot_step *s);
void dp_tty_logs_release(struct dp_tty *t);
void dp_tty_put_tails(struct dp_tty *t);

/* ---- tty_draw.c ---- */
void dp_tty_compose(struct dp_tty *t);

#endif
