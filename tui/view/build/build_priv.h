/*
 * What the files of the build view share: which rows there are (list.c), where things
 * stand (draw.c), headings (head.c), a row (row.c), the log below
 * (tail.c), keys (build.c).
 */
#ifndef DEPOT_TUI_VIEW_BUILD_PRIV_H
#define DEPOT_TUI_VIEW_BUILD_PRIV_H

#include "tui/graph/graph.h"
#include "tui/log/line.h"
#include "tui/widget/table.h"
#include "tui/widget/timeline.h"
#include "tui/app/view.h"

enum build_rendering { SHOW_GRAPH, SHOW_TIME, SHOW_FLAT };
enum build_item_kind { ITEM_LANE, ITEM_STAGE, ITEM_LINE };
enum { PANE_LIST = 1, PANE_TAIL = 2 };

/* A row of the list. Side by side a row is of all lanes; stacked, of one. */
struct build_item {
    enum build_item_kind kind;
    unsigned stage;
    uint32_t lane; /* UINT32_MAX: all of them */
    size_t line;   /* ITEM_LINE, and ITEM_STAGE of a single line: its line; else SIZE_MAX */
};

/* What is selected, in words that outlive rows and states. */
struct build_choice {
    unsigned stage; /* UINT32_MAX: a lane's heading, or nothing */
    size_t line;    /* within the stage; SIZE_MAX: the stage itself */
    size_t lane;
};

/* Where the columns of a frame are; all of a canvas. */
struct build_columns {
    int rails; /* columns of rails, with the gap behind them */
    int label_x, label_w;
    int name_w;                            /* of a stage, within the label */
    int lane_x[GRAPH_LANES_MAX], lane_w;   /* state, bar and time of a lane */
    size_t lanes[GRAPH_LANES_MAX], nlanes; /* those that are shown side by side */
    int state_w;                           /* "✓ DONE", or the glyph alone */
    int bar_w;                             /* 0: none */
    int time_w;
    int lag_x, lag_w; /* lag_w 0: none */
};

struct build_view {
    struct view base;
    struct fleet_build *build;
    unsigned generation;
    struct graph graph;
    enum build_rendering rendering;
    bool critical_only, misses_only, internal, zoom;
    bool moved; /* the user chose what is selected; else it follows what happens */
    bool stale; /* the list must be made anew */
    bool listed_stacked_;
    size_t listed_page_;
    struct rows rows;
    struct build_choice choice;
    bool begun[GRAPH_LANES_MAX]; /* has steps of the Dockerfile */
    size_t focus, first_lane;    /* of the lanes; side by side: the first one that is shown */
    DEPOT_VEC(struct build_item) list;
    struct filter filter;
    char *pattern;     /* searched for; NULL: nothing */
    depot_time sorted; /* SHOW_FLAT: when last */
    struct log_cells cells;
    struct depot_buf text;
    /* while a frame is drawn */
    depot_time now;
    struct timeline axis;
    struct build_columns cols;
    struct bars bars;
};

/* build.c: before anything that hangs on the state is looked at. */
void dp_build_sync(struct build_view *v);

/* list.c */
bool dp_build_is_stacked(const struct build_view *v);
/* Rows for the state as it is; keeps the selection on its line of the screen. */
void dp_build_list(struct build_view *v, size_t page);
void dp_build_list_release(struct build_view *v);
/* Remember the selected row. */
void dp_build_choose(struct build_view *v, size_t index);
/* False: it has no row (it may be in a folded stage). */
bool dp_build_list_find(const struct build_view *v, const struct build_choice *c, size_t *index);
/* Until the user chooses: select what failed, else what has run longest of all that runs. */
void dp_build_follow(struct build_view *v);
/* Select a step; `unfold`: what hides it, else its stage is selected. */
void dp_build_go_to(struct build_view *v, const struct depot_step *s, bool unfold);
/* The step of an item on a lane: a line's; of a stage the one that tells most. May be NULL. */
const struct depot_step *dp_build_item_step(
    const struct build_view *v, const struct build_item *it, size_t lane);
const struct depot_step *dp_build_selected_step(const struct build_view *v);
size_t dp_build_item_lane(const struct build_view *v, const struct build_item *it);
const struct build_item *dp_build_selected(const struct build_view *v); /* NULL: no rows */

/* draw.c */
void dp_build_draw(struct view *base, const struct canvas *c);

/* head.c */
void dp_build_draw_summary(struct build_view *v, const struct canvas *c, int y);
void dp_build_draw_critical(struct build_view *v, const struct canvas *c, int y);
/* A platform's heading; `rule`: a line through what it leaves of the row. */
void dp_build_draw_lane_head(
    struct build_view *v, const struct canvas *c, int y, int x, int w, size_t lane, bool rule);
/* Steps of the Dockerfile that run and that wait, of all platforms. */
void dp_build_count_open(const struct build_view *v, int *running, int *waiting);

/* row.c */
void dp_build_draw_item(struct build_view *v, const struct canvas *c, int y, size_t index);
void dp_build_draw_flat(struct build_view *v, const struct canvas *c, int y, size_t index);
void dp_build_flat_heads(const struct build_view *v, const struct canvas *c, int y);
/* text.c */
/* What a line says: its instruction with single blanks. */
void dp_build_instruction(struct depot_buf *out, const struct depot_step *s);
/* "41M/120M 12M/s"; nothing when it moves nothing. */
void dp_build_moves(struct depot_buf *out, const struct depot_step *s, depot_time now, bool rate);
/* Why it has not started: "deps, assets", "in line: all builders are busy". */
void dp_build_waits_for(
    const struct build_view *v, struct depot_buf *out, const struct build_item *it, size_t lane);
/* The part that makes a lane's platform; NULL: none is known. */
const struct depot_part *dp_build_part_of(const struct build_view *v, size_t lane);
/* "context 212 files, 4.1M sent"; nothing when it is not known. */
void dp_build_context(const struct build_view *v, struct depot_buf *out, size_t lane);
/* "deps 3/4" */
void dp_build_line_name(struct depot_buf *out, const struct depot_step *s);

/* tail.c */
void dp_build_draw_tail(struct build_view *v, const struct canvas *c);

#endif
