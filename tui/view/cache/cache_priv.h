/*
 * The cache view's own struct, shared by its two files: what it knows (cache.c) and how that
 * looks (cache_draw.c).
 */
#ifndef DEPOT_TUI_VIEW_CACHE_H
#define DEPOT_TUI_VIEW_CACHE_H

#include "tui/app/view.h"
#include "tui/widget/table.h"

enum cache_sort { CACHE_BY_SIZE, CACHE_BY_USED, CACHE_BY_USES, CACHE_BY_TYPE, CACHE_SORTS };

/* A daemon's newest answer. */
struct cache_kept {
    struct fleet_source *source;
    struct depot_response answer;
};
/* What a builder of a daemon holds. */
struct cache_held {
    const struct fleet_source *source;
    const struct depot_cache_use *use;
};
struct cache_row {
    const struct depot_cache_record *record;
    struct cache_held of;
};

struct cache_view {
    struct view base;
    char only[160];           /* a builder's label; "": all */
    struct table_order order; /* enum cache_sort */
    struct rows rows;
    struct filter filter;
    DEPOT_VEC(struct cache_kept) kept;
    DEPOT_VEC(struct cache_held) uses; /* of all daemons */
    /* of `only`, or of all together */
    struct depot_cache_use sum;
    DEPOT_VEC(struct depot_cache_type) types;
    DEPOT_VEC(struct cache_row) shown;
    bool held; /* something shown is in use or shared */
    uint64_t asked_ms;
    bool asked; /* and there was a daemon to ask */
};

/* As screens name it. */
const char *dp_cache_builder(const struct cache_held *h);
const char *dp_cache_type_word(const char *type);
void dp_cache_view_draw(struct view *base, const struct canvas *c);

#endif
