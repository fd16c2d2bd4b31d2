/*
 * The fleet view's own struct, shared by its two files: what it shows (view_fleet.c) and how
 * (fleet_draw.c).
 */
#ifndef DEPOT_TUI_FLEET_H
#define DEPOT_TUI_FLEET_H

#include "view.h"

#include <regex.h>

enum fleet_tab { TAB_ACTIVE, TAB_RECENT, TAB_FAILED, TAB_COUNT };
enum fleet_sort { SORT_START, SORT_STATE, SORT_NAME, SORT_WHO, SORT_TIME, SORT_COUNT };

enum { FLEET_COLUMNS = 16 };

struct fleet_view {
    struct view base;
    enum fleet_tab tab;
    enum fleet_sort sort;
    bool inverted;
    struct rows rows;
    char selected[64]; /* build key */
    DEPOT_VEC(struct fleet_build *) builds;
    size_t counts[TAB_COUNT], running, waiting;
    bool filtering, filter_inverted;
    regex_t filter;
    char *filter_text;
    struct depot_strv tags;
    int wants[FLEET_COLUMNS]; /* columns the texts seen so far need */
};

struct fleet_build *dp_fleet_view_selected(const struct fleet_view *v);
void dp_fleet_view_draw(struct view *base, const struct canvas *c);

#endif
