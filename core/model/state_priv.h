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

    /* What deriving needs, see derive.c. */
    bool whole;                             /* more changed than the steps in `changed` */
    DEPOT_VEC(struct depot_step *) changed; /* vertexes that came since the last time, each once */
    DEPOT_VEC(struct depot_step *) order;   /* dependants before their inputs; without circles */
    bool edges;                             /* some step is made from another */
    struct depot_map *foreign_by_text;      /* NULL: no step is foreign */
    uint64_t walk;                          /* number of the last walk for the critical path */
    DEPOT_VEC(struct depot_step *) stack;   /* of that walk; empty between */
    DEPOT_VEC(struct depot_step *) left;    /* what was on the critical path before it */
};

/* Of the step's own records, before the graph has its say. */
enum depot_outcome dp_step_outcome(const struct depot_step *s);

/* A vertex of the step came. What changes the graph itself sets `whole`, too. */
void dp_derive_later(struct depot_build *b, struct depot_step *s);
/* As depot_build_derive(), and forgets all that it found before: the reference of the tests. */
void dp_derive_whole(struct depot_build *b);

/* Which step belongs to which platform, and the order of steps. */
void dp_platforms_find(struct depot_build *b);

/* Counts, lanes and what runs: of all steps, or of one whose outcome or times may have changed. */
void dp_tally_all(struct depot_build *b);
void dp_tally_step(struct depot_build *b, struct depot_step *s);

void dp_critical_find(struct depot_build *b);

void dp_log_apply(struct depot_step *s, const struct depot_vertex_log *log);

#endif
