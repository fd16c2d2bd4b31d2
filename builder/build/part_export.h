/*
 * The exports of one part's solve: the request's, as the part's engine takes them.
 */
#ifndef DEPOT_BUILDER_PART_EXPORT_H
#define DEPOT_BUILDER_PART_EXPORT_H

#include <depot/buildkit.h>

struct part;

struct part_exports {
    struct depot_bk_export *items;
    size_t len;
};

/* DEPOT_ERR_UNSUPPORTED names what the engine cannot make. `x` is zeroed. */
int part_exports_fill(
    struct part_exports *x, const struct part *p, struct depot_error *err) DEPOT_MUST_CHECK;
/* One platform of several whose image goes into a store or file that holds one: engines make none
 * for it once they are told that there are several. */
bool part_is_lone_image(const struct part *p);
void part_exports_release(struct part_exports *x);

#endif
