/*
 * The fleet view's own struct, shared by its files: what it shows (fleet.c) and how
 * (fleet_draw.c, fleet_detail.c).
 */
#ifndef DEPOT_TUI_FLEET_H
#define DEPOT_TUI_FLEET_H

#include "tui/app/view.h"
#include "tui/widget/table.h"

#include <depot/why.h>

enum fleet_tab { TAB_ACTIVE, TAB_RECENT, TAB_FAILED, TAB_COUNT };
enum fleet_sort { SORT_START, SORT_STATE, SORT_NAME, SORT_WHO, SORT_TIME, SORT_COUNT };

enum { FLEET_COLUMNS = 16 };

/* What the selected build missed in the cache; kept, since it walks the whole build. */
struct fleet_missed {
    const struct fleet_build *build;
    unsigned generation;
    uint64_t revision;
    depot_time made;
    struct depot_why why;
};

struct fleet_view {
    struct view base;
    enum fleet_tab tab;
    struct table_order order; /* enum fleet_sort */
    struct rows rows;
    char selected[64]; /* build key */
    bool moved;        /* the user chose it; else it is the first row, whichever that is */
    DEPOT_VEC(struct fleet_build *) builds;
    size_t counts[TAB_COUNT], running, waiting;
    struct filter filter;
    struct depot_strv tags;
    int wants[FLEET_COLUMNS]; /* columns the texts seen so far need */
    struct fleet_missed missed;
};

struct fleet_build *dp_fleet_view_selected(const struct fleet_view *v);
void dp_fleet_view_draw(struct view *base, const struct canvas *c);

void dp_fleet_detail_draw(struct fleet_view *v, const struct canvas *c);

/* fleet_missed.c: the first steps that missed the cache, what costs most first, below `y`. */
void dp_fleet_missed_draw(struct fleet_view *v, const struct canvas *c, int y);
void dp_fleet_missed_release(struct fleet_missed *m);

#endif
