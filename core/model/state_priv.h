/*
 * What the files of the reducer share. Not for other modules: state.h is.
 */
#ifndef DEPOT_CORE_MODEL_STATE_PRIV_H
#define DEPOT_CORE_MODEL_STATE_PRIV_H

#include <depot/state.h>

enum {
    /* A step of a real build has one to three; more only widen the last one. */
    DP_INTERVALS_MAX = 1024,
    DP_LANES_MAX = 64,
    DP_GROUP_MEMBERS_MAX = 256, /* COPY --link makes two or three */
};

struct depot_build_private {
    struct depot_arena arena;
    struct depot_build_hooks hooks;
    DEPOT_VEC(struct depot_step *) all; /* known steps and named inputs */
    DEPOT_VEC(struct depot_group *) touched;
    struct depot_map *part_by_platform;
    struct depot_map *warning_by_key;
    struct depot_step *log_step; /* of the last log chunk: most come in runs */
};

/* Of the step's own records, before the graph has its say. */
enum depot_verdict dp_step_verdict(const struct depot_step *s);

void dp_log_apply(struct depot_step *s, const struct depot_vertex_log *log);

#endif
