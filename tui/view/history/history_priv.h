/*
 * The history view's own struct, shared by its two files: what it shows (history.c) and how
 * (history_draw.c).
 */
#ifndef DEPOT_TUI_VIEW_HISTORY_H
#define DEPOT_TUI_VIEW_HISTORY_H

#include "tui/app/view.h"
#include "tui/widget/table.h"

enum history_sort {
    HIST_BY_AGE,
    HIST_BY_NAME,
    HIST_BY_TIME,
    HIST_BY_HIT,
    HIST_BY_STATE,
    HIST_SORTS
};

/* What a project's builds take; the name is a build's. */
struct history_median {
    const char *project;
    int64_t median;
};

struct history_view {
    struct view base;
    struct table_order order; /* enum history_sort */
    struct rows rows;
    char selected[64]; /* build key */
    struct filter filter;
    DEPOT_VEC(struct fleet_build *) builds;
    /* Of the selected build's project, by start: the chart. */
    DEPOT_VEC(struct fleet_build *) trend;
    struct history_facts {
        size_t builds, failed;
        int64_t median, p25, p75; /* ns, of those that succeeded; 0: none did */
        int64_t longest;
        int hit, steps; /* steps that the cache had, of those that were over */
    } facts;
    DEPOT_VEC(struct history_median) medians;
    struct depot_strv asked; /* projects whose estimates were asked for */
    bool asked_builds;
};

struct fleet_build *dp_history_selected(const struct history_view *v);
/* Nanoseconds that builds of its project take; 0: not known. */
int64_t dp_history_median(const struct history_view *v, const struct fleet_build *b);
void dp_history_view_draw(struct view *base, const struct canvas *c);

#endif
