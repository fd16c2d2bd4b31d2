/*
 * The build view's own struct, shared by its files: the rows it is made of (build_rows.c), how they
 * look (build_draw.c), what keys do (view_build.c).
 */
#ifndef DEPOT_TUI_BUILD_VIEW_H
#define DEPOT_TUI_BUILD_VIEW_H

#include "view.h"

enum build_row_kind { ROW_LANE, ROW_STAGE, ROW_STEP, ROW_FOLDED_INTERNAL, ROW_BLANK };
enum build_rendering { SHOW_TREE, SHOW_TIME, SHOW_FLAT };
enum { NO_STEP = SIZE_MAX };

/* A stage in one lane. Stages keep the order in which they were first announced. */
struct build_stage {
    size_t lane;
    const char *name;               /* the model's, until the generation changes */
    DEPOT_VEC(size_t) steps;        /* indexes into depot_build.steps, by ordinal */
    DEPOT_VEC(size_t) needs;        /* stages of the same lane it takes from */
    int over, running, failed, hit; /* of its steps */
    depot_time started, completed;  /* 0: not */
    bool critical, folded;
};

struct build_row {
    enum build_row_kind kind;
    size_t lane, stage, step; /* SIZE_MAX where there is none */
};

struct build_view {
    struct view base;
    struct fleet_build *build;
    unsigned generation;
    uint64_t revision; /* the state's, of the rows */
    bool stale;        /* rows must be made anew whatever the revision says */
    enum build_rendering rendering;
    bool critical_only, misses_only, internal;
    struct rows rows;
    struct build_row selected;
    char selected_lane[64]; /* its platform: lanes come and change their index */
    bool moved;             /* the user chose the selection; before, it is the first row */
    DEPOT_VEC(struct build_stage) stages;
    DEPOT_VEC(size_t) order; /* of stages: what one takes from comes before it */
    DEPOT_VEC(struct build_row) list;
    struct depot_map *folds; /* "lane\nstage" -> fold_closed or fold_open */
    int internal_count, internal_running;
    int body_h; /* rows of the list on the screen */
};

/* Make stages and rows from the state; keeps the selection. */
void dp_build_rows_make(struct build_view *v);
void dp_build_rows_release(struct build_view *v);
void dp_build_rows_fold(struct build_view *v, size_t stage, bool folded);
const struct depot_step *dp_build_row_step(const struct build_view *v, const struct build_row *r);
/* Remember what is selected, so that it stays so when rows come and go. */
void dp_build_rows_note(struct build_view *v);

void dp_build_view_draw(struct view *base, const struct canvas *c);

#endif
