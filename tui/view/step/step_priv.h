/*
 * One step and its log; what the files of the view share. `arg` is a step's key.
 */
#ifndef DEPOT_TUI_VIEW_STEP_PRIV_H
#define DEPOT_TUI_VIEW_STEP_PRIV_H

#include "tui/app/view.h"
#include "tui/fleet/step_key.h"
#include "tui/log/pager.h"

/* A piece of the head: text or a meter at a place; some lead to another step. */
struct head_piece {
    int y, x, w;
    uint32_t style;
    size_t text, len; /* in the pool */
    double fraction;  /* a meter when `meter` */
    bool meter;
    int link; /* -1: none */
};

/* The facts of a step, laid out for a width; scrolled and drawn by the view. */
struct step_head {
    DEPOT_VEC(struct head_piece) pieces;
    DEPOT_VEC(const struct depot_step *) links;
    size_t first_input, first_dependant; /* in links; links.len when there is none */
    struct depot_buf pool;
    int rows, w;
    bool tall; /* beside the log: a line for each thing */
    int brief; /* rows of a long instruction; 0: all */
    bool ascii;
    /* while composing */
    int y, x;
};

/* What the head is made of. */
struct step_facts {
    const struct fleet_build *build;
    const struct depot_step *step;
    const struct step_stats *stats; /* NULL: never seen before */
    depot_time now;
};

void dp_step_head_release(struct step_head *h);
void dp_step_head_clear(struct step_head *h); /* steps that it links to are about to be freed */
void dp_step_head_compose(
    struct step_head *h, const struct step_facts *f, int w, bool tall, int brief, bool ascii);
/* Rows from `top` on; links can be clicked: ACTION_SELECT with -1 - link. */
void dp_step_head_draw(const struct step_head *h, const struct canvas *c, int top, int link);
/* The row of a link. */
int dp_step_head_link_row(const struct step_head *h, int link);

/* Rows of the head about files and bytes (moves.c). */
void dp_step_head_moves(struct step_head *h, const struct step_facts *f);

/* ---- building blocks of the head: pieces.c ---- */

enum { HEAD_LABEL_W = 10 };

void dp_head_text(struct step_head *h, uint32_t style, const char *s);
void dp_head_textf(struct step_head *h, uint32_t style, const char *fmt, ...) DEPOT_PRINTF(3, 4);
void dp_head_glyph(struct step_head *h, uint32_t style, enum depot_sign g);
/* Words over as many rows as they need, from the current column on; rows after the first begin at
 * `indent`. At most `max` rows. */
void dp_head_words(struct step_head *h, uint32_t style, int indent, int max, const char *s);
/* The same; `clauses`: what does not fit is also cut in front of "&&". */
void dp_head_wrap(
    struct step_head *h, uint32_t style, int indent, int max, bool clauses, const char *s);
/* In at most `w` columns, elided in its middle. */
void dp_head_field(struct step_head *h, uint32_t style, int w, const char *s);
void dp_head_meter(struct step_head *h, int w, double fraction, uint32_t style);
void dp_head_row(struct step_head *h); /* to the next row's first column */
void dp_head_gap(struct step_head *h); /* a blank row when there is room for such */
void dp_head_label(struct step_head *h, const char *s); /* a name in front of what follows */

struct step_view {
    struct view base;
    struct fleet_build *build;
    char *part, *digest; /* which step, whatever becomes of the state */
    unsigned generation;
    const struct depot_step *step; /* NULL: not known (yet) */
    struct log_pager pager;
    struct step_head head;
    int head_top;
    bool zoom, head_focus;
    int link;
};

/* Save, pipe and copy (out.c). */
enum view_result dp_step_out_action(struct step_view *v, enum action a);

#endif
